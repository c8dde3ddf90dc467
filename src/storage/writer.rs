//! The one writer: takes commands from a bounded queue, lets a batch of them
//! decide one after the other on one loaded state, and makes the batch durable
//! with one commit. Group commit is what lifts some 500 commits a second to
//! thousands (RELIABILITY §5.2).

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::foundation::load_limits::LEDGER_QUEUE_SECONDS_MAX;
use crate::foundation::{EventPosition, Tally};
use crate::storage::StoreError;
use crate::storage::batch::Batch;
use crate::storage::command::{Queued, ReadSet};
use crate::storage::db::{self, Connection, Writer};
use crate::storage::load::{Working, needed_after};
use crate::storage::recent::{KeyRow, RecentKeys};

/// Commands in one commit: past this a longer batch gains little and each
/// waits longer.
const BATCH_MAX: usize = 64;
/// Commands that wait in the queue; callers beyond wait at its door.
pub(super) const QUEUE_MAX: usize = 1_024;
/// How long they wait there.
pub(super) const QUEUE_WAIT: Duration = Duration::from_secs(LEDGER_QUEUE_SECONDS_MAX);
/// How long a batch waits for callers that were there a moment ago.
const GATHER_MAX: Duration = Duration::from_millis(2);

/// What the writer has done since it started.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) commits: AtomicU64,
    pub(super) commands: AtomicU64,
    /// Commands that were tried again alone.
    pub(super) retries: AtomicU64,
    /// Commands in a batch.
    pub(super) group: Tally<8>,
    /// Microseconds from a batch's beginning to its end.
    pub(super) micros: Tally<11>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            commits: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            group: Tally::new([1, 2, 4, 8, 16, 32, 48, 64]),
            micros: Tally::new([
                1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
                5_000_000,
            ]),
        }
    }
}

/// The writer's task.
pub(super) struct WriterTask {
    pub(super) queue: mpsc::Receiver<Queued>,
    /// Asks it to finish what has come and to end.
    pub(super) stop: Arc<Notify>,
    pub(super) writer: Arc<Mutex<Writer>>,
    pub(super) counts: Arc<Counts>,
    /// Readers look here for what the index does not know yet.
    pub(super) recent: Arc<RwLock<RecentKeys>>,
    /// Kept until the last batch is durable.
    pub(super) lock: Option<Arc<File>>,
}

impl WriterTask {
    /// Works until it is stopped or the last sender is gone.
    pub(super) async fn run(mut self) {
        let mut expected = 1;
        while let Some(first) = self.next().await {
            let batch = self.gather(first, expected).await;
            expected = batch.len();
            let count = batch.len() as u64;
            let started = Instant::now();
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
    /// that were answered together come back together.
    async fn gather(&mut self, first: Queued, expected: usize) -> Vec<Queued> {
        let mut batch = vec![first];
        let deadline = Instant::now() + GATHER_MAX;
        while batch.len() < BATCH_MAX {
            match self.queue.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) if batch.len() < expected => {
                    match timeout_at(deadline, self.queue.recv()).await {
                        Ok(Some(next)) => batch.push(next),
                        _ => break,
                    }
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// Commits the batch, or each of its commands alone when one of them
    /// poisons it, and answers all.
    async fn commit_batch(&self, writer: &mut Writer, mut batch: Vec<Queued>) {
        match self.attempt(writer, &mut batch).await {
            Err(error) if batch.len() > 1 && db::is_about_rows(&error) => {
                for command in batch {
                    self.counts.retries.fetch_add(1, Ordering::Relaxed);
                    let mut alone = vec![command];
                    let outcome = self.attempt(writer, &mut alone).await;
                    finish(alone, &outcome);
                }
            }
            outcome => finish(batch, &outcome),
        }
    }

    /// One transaction. Commands that panic are answered and taken out.
    async fn attempt(
        &self,
        writer: &mut Writer,
        batch: &mut Vec<Queued>,
    ) -> Result<(), StoreError> {
        let connection = writer.connection().await?;
        match transact(connection, &self.recent, batch).await {
            Ok(written) => {
                self.counts.commits.fetch_add(1, Ordering::Relaxed);
                let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
                recent.commit(written.keys, written.upto, written.needed);
                Ok(())
            }
            Err(error) => {
                let undone = db::rollback(connection).await;
                if !undone || !db::is_about_rows(&error) {
                    writer.discard();
                }
                Err(error)
            }
        }
    }
}

fn finish(batch: Vec<Queued>, outcome: &Result<(), StoreError>) {
    for command in batch {
        command.work.finish(outcome.clone());
    }
}

/// What a commit tells those who look for young records.
struct Written {
    keys: Vec<KeyRow>,
    upto: EventPosition,
    needed: EventPosition,
}

async fn transact(
    connection: &mut Connection,
    recent: &RwLock<RecentKeys>,
    batch: &mut Vec<Queued>,
) -> Result<Written, StoreError> {
    db::begin(connection).await?;
    loop {
        match decide(connection, recent, batch).await? {
            Decided::Written(written) => {
                db::commit(connection).await?;
                return Ok(written);
            }
            // What it did to the state is unknown: the others start afresh.
            Decided::Panicked(place) => {
                batch.remove(place).work.finish(Err(StoreError::Panicked));
            }
        }
    }
}

enum Decided {
    Written(Written),
    Panicked(usize),
}

/// Lets each command decide on what those before it leave, then writes all.
async fn decide(
    connection: &mut Connection,
    recent: &RwLock<RecentKeys>,
    batch: &mut [Queued],
) -> Result<Decided, StoreError> {
    let reads: Vec<&ReadSet> = batch.iter().map(|command| &command.read).collect();
    let mut working = Working::open(connection, recent, &reads).await?;
    let needed = needed_after(&reads, working.state.counters.position);
    let mut rows = Batch::new(working.audit);
    for (place, command) in batch.iter_mut().enumerate() {
        if place > 0 {
            working.prepare(connection, &command.read).await?;
        }
        let reads = working.reads(&command.read);
        let before = working.state.counters.position;
        let work = &mut command.work;
        let state = &mut working.state;
        let decided = catch_unwind(AssertUnwindSafe(|| work.decide(state, &reads)));
        let Ok(plan) = decided else {
            return Ok(Decided::Panicked(place));
        };
        if working.state.counters.position != before {
            // Events that a decision applied itself would count twice.
            return Err(StoreError::inconsistent("events", "position", before.0));
        }
        rows.apply(&plan, &mut working.state, &command.actor, command.at);
        working.remember(&plan);
        rows.take(plan, &working.state, &command.actor, command.at)?;
    }
    rows.write(connection, &working.state).await?;
    Ok(Decided::Written(Written {
        keys: rows.keys,
        upto: working.state.counters.position,
        needed,
    }))
}
