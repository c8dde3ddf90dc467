//! The one writer: takes commands from a bounded queue, lets a batch of them
//! decide one after the other on one loaded state, and makes the batch durable
//! with one commit. Group commit is what lifts some 500 commits a second to
//! thousands (RELIABILITY §5.2).

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::{Instant as Moment, timeout_at};

use crate::foundation::load_limits::LEDGER_QUEUE_SECONDS_MAX;
use crate::foundation::{EventPosition, Instant, Tally};
use crate::storage::StoreError;
use crate::storage::batch::Batch;
use crate::storage::command::{CommitReads, Queued, ReadSet, needed_after};
use crate::storage::db::{self, Connection, Pool, Receipt, Settled, Writer};
use crate::storage::load::Working;
use crate::storage::locks::{Touched, key_locks};
use crate::storage::recent::{KeyRow, YoungKeys};

/// Commands in one commit: past this a longer batch gains little and each
/// waits longer.
const BATCH_MAX: usize = 64;
/// Commands that wait in the queue; callers beyond wait at its door.
pub(super) const QUEUE_MAX: usize = 1_024;
/// Keys that one transaction locks at most, unless one command has more: the
/// server's table of locks is shared by all sessions.
const LOCKS_MAX: usize = 2_000;
/// Times that a transaction is tried again when others were in its way.
const RETRIES_MAX: u32 = 5;
/// Wait before the first of them; each next one waits twice as long.
const RETRY_WAIT: Duration = Duration::from_millis(20);
/// Commits of audit rows alone between two looks of readers at the newest state:
/// until then the WAL cannot begin anew, a few pages each.
const AUDITS_UNSEEN_MAX: u64 = 256;
/// How long they wait there.
pub(super) const QUEUE_WAIT: Duration = Duration::from_secs(LEDGER_QUEUE_SECONDS_MAX);
/// How long a batch waits for callers that were there a moment ago.
const GATHER_MAX: Duration = Duration::from_millis(2);

/// What the writer has done since it started.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    /// Batches that are gathered, whatever becomes of them.
    pub(super) gathered: AtomicU64,
    pub(super) commands: AtomicU64,
    /// Commands that were tried again alone, because another poisoned their batch.
    pub(super) alone: AtomicU64,
    /// Transactions tried again because of another process or the line to it.
    pub(super) retries: AtomicU64,
    /// Transactions begun again because a person or a source had moved meanwhile.
    pub(super) moved: AtomicU64,
    /// Commands in a batch.
    pub(super) group: Tally<8>,
    /// Microseconds from a batch's beginning to its end.
    pub(super) micros: Tally<11>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            commits: AtomicU64::new(0),
            gathered: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            alone: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            group: Tally::new([1, 2, 4, 8, 16, 32, 48, 64]),
            micros: Tally::new([
                1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
                5_000_000,
            ]),
        }
    }
}

/// The writer's work.
pub(super) struct WriterTask {
    pub(super) queue: mpsc::Receiver<Queued>,
    /// Asks it to finish what has come and to end.
    pub(super) stop: Arc<Notify>,
    pub(super) writer: Arc<Mutex<Writer>>,
    pub(super) counts: Arc<Counts>,
    /// They are told when something has changed.
    pub(super) readers: Arc<Pool>,
    /// Readers look here for what the index does not know yet.
    pub(super) young: Arc<YoungKeys>,
    /// Kept until the last batch is durable.
    pub(super) lock: Option<Arc<File>>,
    /// Came to be written with others, and waits for the next commit.
    pub(super) aside: Option<Queued>,
}

impl WriterTask {
    /// Starts the thread on which it works: what is decided inside a commit keeps
    /// no thread of the runtime from its requests, and the statements of a commit
    /// need no other thread. The receiver resolves when the thread has ended.
    pub(super) fn start(self) -> std::io::Result<oneshot::Receiver<()>> {
        let (running, ended) = oneshot::channel();
        // Whoever comes first opens a line to a server, and waits for it.
        let first = Arc::clone(&self.writer).try_lock_owned();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    if let Ok(mut writer) = first {
                        // What cannot be opened yet is opened for the first command.
                        let _ = writer.connection().await;
                    }
                    self.run().await;
                });
                drop(running);
            })?;
        Ok(ended)
    }

    /// Works until it is stopped or the last sender is gone.
    async fn run(mut self) {
        let mut expected = 1;
        while let Some(first) = self.next().await {
            let batch = self.gather(first, expected).await;
            expected = batch.len();
            self.counts.gathered.fetch_add(1, Ordering::SeqCst);
            let count = batch.len() as u64;
            let started = Moment::now();
            let mut writer = self.writer.lock().await;
            self.commit_batch(&mut writer, batch).await;
            let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.counts.commands.fetch_add(count, Ordering::Relaxed);
            self.counts.group.record(count);
            self.counts.micros.record(took);
        }
        self.writer.lock().await.close().await;
        drop(self.lock);
    }

    async fn next(&mut self) -> Option<Queued> {
        if let Some(aside) = self.aside.take() {
            return Some(aside);
        }
        tokio::select! {
            biased;
            command = self.queue.recv() => command,
            () = self.stop.notified() => {
                self.queue.close();
                self.queue.recv().await
            }
        }
    }

    /// All that waits, and for a moment as many as came last time: callers
    /// that were answered together come back together. Commands that are written
    /// all or none have a commit of their own, so that their no is nobody else's.
    async fn gather(&mut self, first: Queued, expected: usize) -> Vec<Queued> {
        if first.with.is_some() {
            return vec![first];
        }
        let mut locks = first.lock_count();
        let mut batch = vec![first];
        let deadline = Moment::now() + GATHER_MAX;
        while batch.len() < BATCH_MAX && locks < LOCKS_MAX {
            let next = match self.queue.try_recv() {
                Ok(next) => next,
                Err(_) if batch.len() < expected => {
                    match timeout_at(deadline, self.queue.recv()).await {
                        Ok(Some(next)) => next,
                        _ => break,
                    }
                }
                Err(_) => break,
            };
            if next.with.is_some() {
                self.aside = Some(next);
                break;
            }
            locks += next.lock_count();
            batch.push(next);
        }
        batch
    }

    /// Commits the batch, or each of its commands alone when one of them
    /// poisons it, and answers all.
    async fn commit_batch(&self, writer: &mut Writer, batch: Vec<Queued>) {
        let together = batch.iter().any(|command| command.with.is_some());
        let mut batch: Vec<Queued> = batch.into_iter().flat_map(Queued::all).collect();
        match self.attempts(writer, &mut batch, together).await {
            Err(error) if batch.len() > 1 && !together && db::is_about_rows(&error) => {
                for command in batch {
                    self.counts.alone.fetch_add(1, Ordering::Relaxed);
                    let mut alone = vec![command];
                    let outcome = self.attempts(writer, &mut alone, false).await;
                    finish(alone, &outcome);
                }
            }
            outcome => finish(batch, &outcome),
        }
    }

    /// Tries the transaction until it passes or another try has no hope. A
    /// commit whose reply was lost is looked up, never repeated blindly.
    async fn attempts(
        &self,
        writer: &mut Writer,
        batch: &mut Vec<Queued>,
        together: bool,
    ) -> Result<(), StoreError> {
        let mut trial = Trial {
            together,
            ..Trial::default()
        };
        for round in 0..=RETRIES_MAX {
            match self.attempt(writer, batch, &mut trial).await {
                Err(StoreError::Moved) => {
                    self.counts.moved.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(
                        round,
                        "a transaction begins again: a person or a source had moved"
                    );
                }
                Err(error) if db::may_pass(&error) => {
                    self.counts.retries.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(round, %error, "a transaction is tried again");
                    tokio::time::sleep(retry_wait(round)).await;
                }
                outcome => return outcome,
            }
        }
        Err(StoreError::Busy)
    }

    /// One transaction. Commands that panic are answered and taken out.
    async fn attempt(
        &self,
        writer: &mut Writer,
        batch: &mut Vec<Queued>,
        trial: &mut Trial,
    ) -> Result<(), StoreError> {
        let connection = writer.connection().await?;
        match transact(connection, &self.young, batch, trial).await {
            // Told already: nothing is to be written.
            Ok(None) if batch.is_empty() => {
                if !db::rollback(connection).await {
                    writer.discard();
                }
                Ok(())
            }
            Ok(written) => {
                let commits = self.counts.commits.fetch_add(1, Ordering::Relaxed);
                if batch.iter().any(|command| command.read.is_some())
                    || commits.is_multiple_of(AUDITS_UNSEEN_MAX)
                {
                    self.readers.note_change();
                }
                if let Some(written) = written {
                    let recent = self.young.keys.write();
                    let mut recent = recent.unwrap_or_else(PoisonError::into_inner);
                    recent.commit(written.keys, written.upto, written.needed);
                }
                Ok(())
            }
            Err(error) => {
                // Of a commit that failed it is not known whether it can be seen.
                self.readers.note_change();
                let undone = db::rollback(connection).await;
                let connection_is_well = db::is_about_rows(&error)
                    || (db::may_pass(&error) && !db::is_about_line(&error));
                if !undone || !connection_is_well {
                    writer.discard();
                }
                Err(error)
            }
        }
    }
}

/// Twice as long each time, by up to a half more, so that two that met do not
/// meet again.
fn retry_wait(round: u32) -> Duration {
    let wait = RETRY_WAIT * 2_u32.pow(round);
    let share = (RandomState::new().hash_one(round) % 1_000) as f64 / 2_000.0;
    wait + wait.mul_f64(share)
}

fn finish(batch: Vec<Queued>, outcome: &Result<(), StoreError>) {
    for command in batch {
        command.work.finish(outcome.clone());
    }
}

/// What the tries of a transaction learn from one another.
#[derive(Default)]
struct Trial {
    /// To be locked before anything is read: an earlier try touched it.
    touched: Touched,
    /// Of a commit that was asked for and not answered.
    receipt: Option<Receipt>,
    /// Its commands are written all or none.
    together: bool,
}

/// What a commit tells those who look for young records, where no other
/// process writes.
struct Written {
    keys: Vec<KeyRow>,
    upto: EventPosition,
    needed: EventPosition,
}

async fn transact(
    connection: &mut Connection,
    young: &YoungKeys,
    batch: &mut Vec<Queued>,
    trial: &mut Trial,
) -> Result<Option<Written>, StoreError> {
    db::begin(connection, &key_locks(batch)).await?;
    if let Some(receipt) = trial.receipt.take()
        && db::has_receipt(connection, receipt).await?
    {
        // Its locks are ours now, so it has ended: well, as we see.
        db::rollback(connection).await;
        return Ok(None);
    }
    db::lock(connection, &trial.touched.locks()).await?;
    loop {
        match decide(connection, young, batch, trial).await? {
            Decided::Written(written) => {
                trial.receipt = written.receipt;
                db::commit(connection).await?;
                return Ok(written.young.filter(|_| written.receipt.is_none()));
            }
            // What it did to the state is unknown: the others start afresh.
            Decided::Panicked(_) if trial.together => {
                finish(std::mem::take(batch), &Err(StoreError::Panicked));
                return Ok(None);
            }
            Decided::Refused(place) => {
                let no = batch.remove(place);
                finish(std::mem::take(batch), &Err(StoreError::Undone));
                no.work.finish(Ok(()));
                return Ok(None);
            }
            Decided::Panicked(place) => {
                batch.remove(place).work.finish(Err(StoreError::Panicked));
                if connection.is_shared() {
                    return Err(StoreError::Moved);
                }
            }
        }
    }
}

/// Whether what is written is no news for those who look for young records: they
/// forget what they know, and read the table.
fn reads_fill(batch: &[Queued]) -> bool {
    let mut reads = batch.iter().filter_map(|command| command.read.as_ref());
    reads.any(|read| read.fills.is_some())
}

enum Decided {
    Written(Done),
    Panicked(usize),
    /// Of commands that are written all or none, this one does not agree.
    Refused(usize),
}

struct Done {
    /// Absent when nothing but audit rows was written.
    young: Option<Written>,
    /// Where a reply can be lost.
    receipt: Option<Receipt>,
}

/// Lets each command decide on what those before it leave, then writes all.
async fn decide(
    connection: &mut Connection,
    young: &YoungKeys,
    batch: &mut [Queued],
    trial: &mut Trial,
) -> Result<Decided, StoreError> {
    let reads: Vec<&ReadSet> = batch.iter().filter_map(|it| it.read.as_ref()).collect();
    let only_audit = reads.is_empty();
    let mut working = Working::open(connection, young, &reads).await?;
    let needed = needed_after(&reads, working.state.counters.position);
    let mut rows = Batch::new();
    for (place, command) in batch.iter_mut().enumerate() {
        if let Some(read) = command.read.as_ref().filter(|_| place > 0) {
            working.prepare(connection, read).await?;
        }
        let reads = command.read.as_ref();
        let reads = reads.map_or_else(CommitReads::default, |read| working.reads(read));
        let before = working.state.counters.position;
        let work = &mut command.work;
        let state = &mut working.state;
        let decided = catch_unwind(AssertUnwindSafe(|| work.decide(state, &reads)));
        let Ok(plan) = decided else {
            return Ok(Decided::Panicked(place));
        };
        if trial.together && !command.work.agrees() {
            return Ok(Decided::Refused(place));
        }
        let unloaded = command.read.is_none() && !plan.events.is_empty();
        if unloaded || working.state.counters.position != before {
            // Events that a decision applied itself would count twice; without numbers
            // there can be none.
            return Err(StoreError::inconsistent("events", "position", before.0));
        }
        rows.apply(&plan, &mut working.state, &command.actor);
        if command
            .read
            .as_ref()
            .is_none_or(|read| read.fills.is_none())
        {
            working.remember(&plan);
        }
        rows.take(plan, &working.state, &command.actor)?;
        working.number_next(connection).await?;
    }
    let present = present(batch);
    let fills = reads_fill(batch);
    let settled = if fills {
        db::settle(connection, young.offset, rows.audit.len(), present).await?
    } else {
        settle(connection, young, &working, &rows, trial, present).await?
    };
    rows.write(connection, &working.state, &settled).await?;
    let upto = working.state.counters.position;
    let keys = rows.keys;
    let young = (!only_audit && !fills).then_some(Written { keys, upto, needed });
    let receipt = settled.receipt;
    Ok(Decided::Written(Done { young, receipt }))
}

/// Locks the persons that the batch touches and the sources that it
/// quarantines, makes sure that nobody else has moved them since they were read,
/// and takes the commit's place and time. They are locked once in a transaction and after
/// all keys, so that two never wait for one another.
async fn settle(
    connection: &mut Connection,
    young: &YoungKeys,
    working: &Working,
    rows: &Batch,
    trial: &mut Trial,
    present: Instant,
) -> Result<Settled, StoreError> {
    let touched = rows.touched(&working.state);
    if connection.is_shared() && !touched.is_within(&trial.touched) {
        let first = trial.touched.is_empty();
        trial.touched.extend(&touched);
        if !first {
            return Err(StoreError::Moved);
        }
        db::lock(connection, &touched.locks()).await?;
        if !working.unmoved(connection, &touched).await? {
            return Err(StoreError::Moved);
        }
    }
    db::settle(connection, young.offset, rows.audit.len(), present).await
}

/// The present of the callers' clock: what it was when they came, and how long
/// they have waited since. Their clock may have been set meanwhile; a commit's
/// time is what has passed.
fn present(batch: &[Queued]) -> Instant {
    let present = batch.iter().map(|command| {
        let waited = i64::try_from(command.came.elapsed().as_micros()).unwrap_or(i64::MAX);
        command.at.plus_microseconds(waited)
    });
    present.max().unwrap_or_default()
}
