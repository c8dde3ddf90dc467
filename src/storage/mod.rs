//! The ledger on disk: the only floor that knows a database. A data directory holds one
//! SQLite file; one writer groups commands into commits, readers look at snapshots beside it.
//!
//! ```text
//! commit(ReadSet, decide) ─► queue ─► writer: begin, load, decide…, write, commit ─► answers
//! candidate_persons, find_record, … ─► readers
//! ```
//!
//! Nothing here decides who is who: a command is a closure over the pure
//! registry, and the tables are views of its events.

mod accounts;
mod acknowledgements;
mod as_of;
mod audit;
mod batch;
mod candidates;
mod claims;
mod command;
mod copy;
mod current_values;
mod db;
mod disputes;
mod erasures;
mod error;
mod event_feed;
mod feed;
mod feed_place;
mod first_load;
mod found;
mod gauges;
mod golden;
mod history;
mod kept_counts;
mod kept_models;
mod known_pairs;
mod load;
mod load_families;
mod locks;
mod merge_counts;
mod merge_rows;
mod past_seals;
mod project;
mod prune;
mod read;
mod read_flags;
mod read_merges;
mod recent;
mod rekey;
mod rows;
mod seal;
mod seals;
mod search;
mod source;
mod source_rows;
mod source_sample;
mod source_state;
mod sql;
mod task_queue;
mod task_rows;
mod together;
mod token;
mod verify;
mod verify_audit;
mod verify_events;
mod verify_merges;
mod verify_sources;
mod verify_views;
mod webhooks;
mod workload;
mod write;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};

use tokio::sync::mpsc::error::{SendTimeoutError, TrySendError};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

pub use accounts::{StoredAccount, StoredSession};
pub use as_of::{Moment, PastPerson};
pub use audit::{AuditRow, HandedIn};
pub use candidates::{QuestionReads, StoredPerson, YoungRecords};
pub use command::{
    CommitActor, CommitReads, NewVersion, Part, Planned, ReadSet, Remark, RememberedAnswer,
    Together,
};
pub use copy::{StateHash, TableHash};
pub use current_values::CurrentRecord;
pub use disputes::StoredDispute;
pub use error::StoreError;
pub use event_feed::{EventPage, PlacedEvent};
pub use feed::{ExportRow, FeedRow, LinkTally, StoredEvent};
pub use feed_place::FeedPlace;
pub use first_load::LoadedRecord;
pub use gauges::{AuditGauges, StoreFigures, TaskGauge};
pub use golden::{NumberChains, StoredPreference, VersionText};
pub use history::HistoryPage;
pub use kept_models::{
    ActivationKind, KeptModel, RerunState, StoredActivation, StoredModel, StoredRerun,
    StoredSample, StoredShadow,
};
pub use known_pairs::{KnownPairWrite, StoredKnownPair};
pub use project::event_kind;
pub use read::{StoredMember, StoredPersonView, StoredRecord, StoredVersion};
pub use read_merges::{ActorDecision, MergeStep, StoredMerge, ToldReader};
pub use rekey::RecordToKey;
pub use seals::{SealedRecord, StoredSeal};
pub use search::RecordValues;
pub use source_state::{DeferredVersion, StoredQuarantine};
pub use task_queue::{Assigned, DecidedTask, QueuePart, QueuePlace, TaskFilter, Words};
pub use token::StoredToken;
pub use verify::{Checked, VerifyReport, Violation};
pub use webhooks::{DeadLetter, FailedAttempt, Webhook, WebhookGauges};
pub use workload::WaitingTasks;

use crate::foundation::Instant;
use crate::registry::RegistryState;
use db::{Place, Pool, Writer};
use feed_place::PlaceKey;
use recent::{RecentKeys, YoungKeys};
use writer::{Counts, QUEUE_MAX, QUEUE_WAIT, WriterTask};

const DATABASE_FILE: &str = "accord.db";
/// Key of `meta`: the secret under which places are written for readers.
const PLACES: &str = "places";
const LOCK_FILE: &str = "accord.lock";
/// Held while a process finds out which cluster it is on; no key has it.
const LINEAGE_LOCK: i64 = i64::MIN;

/// How a data directory is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Asks for a directory for live use: a new one becomes it, an existing
    /// one must have been made so.
    pub live: bool,
    /// Makes the directory when it is not there.
    pub create: bool,
    /// Keeps other exclusive users (`serve`, `import`) off; small rows may
    /// still be written by others.
    pub exclusive: bool,
}

/// A ledger. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Arc<Pool>,
    queue: mpsc::Sender<command::Queued>,
    writer: Arc<Mutex<Writer>>,
    /// Ends with the writer's thread.
    ended: Mutex<oneshot::Receiver<()>>,
    stop: Arc<Notify>,
    /// Last seal known to stand in the second place; one sealer at a time.
    sealed: Mutex<Option<i64>>,
    counts: Arc<Counts>,
    kept_counts: kept_counts::KeptCounts,
    /// Keys of young records.
    young: Arc<YoungKeys>,
    /// Only this process writes records: what it remembers of them is whole.
    alone: bool,
    is_file: bool,
    /// Which ledger this is, and which cluster counts its transactions.
    lineage: String,
    places: PlaceKey,
    directory: PathBuf,
    live: bool,
}

/// How the store does, without a patient in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Position of the last event.
    pub position: crate::foundation::EventPosition,
    /// Commits since the start.
    pub commits: u64,
    /// Commands in them.
    pub commands: u64,
    /// Commands that wait.
    pub waiting: usize,
    /// Transactions tried again because other processes were in their way, or
    /// the line broke.
    pub retries: u64,
    /// Transactions begun again because a person had moved meanwhile.
    pub moved: u64,
}

impl Store {
    /// Opens the ledger of a data directory and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::InUse`], [`StoreError::NotLive`]
    /// as the options say; else what the disk says.
    pub async fn open(directory: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let file = directory.join(DATABASE_FILE);
        if options.create {
            make_directory(directory)?;
        } else if !file.exists() {
            return Err(StoreError::Missing);
        }
        Self::open_at(directory, options, Place::file(&file, options.create)).await
    }

    /// Opens the ledger in a PostgreSQL database, which any number of
    /// processes share. The directory is this process's own: it holds the
    /// index and the second place of the audit's seals.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Unfit`] for a server that may lose
    /// what it acknowledges.
    pub async fn open_database(
        url: &str,
        directory: &Path,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        make_directory(directory)?;
        Self::open_at(directory, options, Place::url(url)?).await
    }

    async fn open_at(
        directory: &Path,
        options: StoreOptions,
        place: Place,
    ) -> Result<Self, StoreError> {
        let lock = if options.exclusive {
            Some(Arc::new(take_lock(directory)?))
        } else {
            None
        };
        let mut writer = Writer::open(place.clone()).await?;
        let connection = writer.connection().await?;
        db::check_engine(connection).await?;
        db::migrate(connection).await?;
        let live = settle_live(connection, options.live).await?;
        let (lineage, offset) = settle_lineage(connection).await?;
        claims::fill(connection).await?;
        let places = PlaceKey::new(settle(connection, PLACES, new_name()).await?);
        let is_file = !connection.is_shared();
        let alone = options.exclusive && is_file;
        if !is_file {
            // The thread that is to use it opens it again: it waits for the line itself.
            writer.close().await;
        }
        let readers = Arc::new(place.without_creating().open_readers().await?);
        let writer = Arc::new(Mutex::new(writer));
        let counts = Arc::new(Counts::default());
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let stop = Arc::new(Notify::new());
        let young = Arc::new(YoungKeys {
            keys: RwLock::new(RecentKeys::default()),
            windows: source_state::Windows::default(),
            offset,
        });
        let task = WriterTask {
            young: Arc::clone(&young),
            queue: commands,
            stop: Arc::clone(&stop),
            writer: Arc::clone(&writer),
            counts: Arc::clone(&counts),
            readers: Arc::clone(&readers),
            lock,
            aside: None,
        };
        let ended = task.start()?;
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                queue,
                writer,
                ended: Mutex::new(ended),
                stop,
                sealed: Mutex::new(None),
                counts,
                kept_counts: Mutex::default(),
                young,
                alone,
                is_file,
                lineage,
                places,
                directory: directory.to_owned(),
                live,
            }),
        })
    }

    /// Which ledger this is: an index that followed another one, or the same
    /// on another server, is of no use.
    #[must_use]
    pub fn lineage(&self) -> &str {
        &self.inner.lineage
    }

    /// Whether the directory was made for live use (RULES R5).
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.inner.live
    }

    /// Whether the ledger is a file of its data directory.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.inner.is_file
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Lets `decide` plan on a state that holds what `read` names, and makes
    /// the plan durable before it answers. `decide` may run again on a fresh
    /// state, when another command of its batch fails; only the last plan is
    /// written. A caller that goes away tears nothing. `at` is the caller's
    /// present; the events get the commit's time, which is later (ADR 0007).
    ///
    /// # Errors
    /// [`StoreError::Panicked`] when `decide` panics, [`StoreError::Busy`] when
    /// the queue stays full, [`StoreError::Closed`] after [`Store::close`]; else
    /// what the database says.
    pub async fn commit<A, F>(
        &self,
        read: ReadSet,
        actor: CommitActor,
        at: Instant,
        decide: F,
    ) -> Result<A, StoreError>
    where
        A: Send + 'static,
        F: FnMut(&mut RegistryState, &CommitReads) -> Planned<A> + Send + 'static,
    {
        let (work, answer) = command::work(decide, |_| true);
        let queued = command::Queued {
            read: Some(read),
            actor,
            at,
            came: tokio::time::Instant::now(),
            work,
            with: None,
        };
        self.queue(queued).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn queue(&self, queued: command::Queued) -> Result<(), StoreError> {
        let queued = match self.inner.queue.try_send(queued) {
            Err(TrySendError::Full(queued)) => queued,
            sent => return sent.map_err(|_| StoreError::Closed),
        };
        let sent = self.inner.queue.send_timeout(queued, QUEUE_WAIT).await;
        sent.map_err(|refused| match refused {
            SendTimeoutError::Timeout(_) => StoreError::Busy,
            SendTimeoutError::Closed(_) => StoreError::Closed,
        })
    }

    /// Whether the store answers, and how far it is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let queue = &self.inner.queue;
        Ok(Health {
            position: self.position().await?,
            commits: self.inner.counts.commits.load(Ordering::Relaxed),
            commands: self.inner.counts.commands.load(Ordering::Relaxed),
            waiting: queue.max_capacity() - queue.capacity(),
            retries: self.inner.counts.retries.load(Ordering::Relaxed),
            moved: self.inner.counts.moved.load(Ordering::Relaxed),
        })
    }

    /// Finishes what was accepted and closes the files; later calls on any
    /// clone find the store closed.
    pub async fn close(&self) {
        self.inner.stop.notify_one();
        // Nothing is ever sent: it resolves when the thread is gone, in order or not.
        let mut ended = self.inner.ended.lock().await;
        if !ended.is_terminated() {
            let _ = (&mut *ended).await;
        }
        drop(ended);
        self.inner.readers.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Store")
            .field("directory", &self.inner.directory)
            .finish_non_exhaustive()
    }
}

/// Makes the directory for its owner alone: it will hold patients.
fn make_directory(directory: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(directory)?)
}

fn take_lock(directory: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Writes into a new ledger whether it is live; checks an existing one.
async fn settle_live(connection: &mut db::Connection, live: bool) -> Result<bool, StoreError> {
    let stored = settle(connection, "live", live.to_string()).await? == "true";
    if live && !stored {
        return Err(StoreError::NotLive);
    }
    Ok(stored)
}

/// Names a new ledger, and finds out whether it has come to another server:
/// there transaction ids start again, and an offset lifts them above those
/// that the rows hold.
async fn settle_lineage(connection: &mut db::Connection) -> Result<(String, i64), StoreError> {
    let name = settle(connection, "ledger", new_name()).await?;
    let Some(generation) = db::generation(connection).await? else {
        return Ok((name, 0));
    };
    db::begin(connection, &[LINEAGE_LOCK]).await?;
    db::mend_numbers(connection).await?;
    let known = settle(connection, "generation", generation.clone()).await?;
    if known != generation {
        let row = db::query(
            "select greatest((select coalesce(max(stamp), 0) from events), \
             (select coalesce(max(stamp), 0) from audit))",
        )
        .fetch_one(connection)
        .await?;
        let highest: i64 = row.try_get(0)?;
        replace(connection, "generation", generation.clone()).await?;
        replace(connection, "stamp_offset", highest.to_string()).await?;
    }
    let offset = settle(connection, "stamp_offset", "0".to_owned()).await?;
    db::commit(connection).await?;
    let offset = offset.parse().ok();
    let offset = offset.ok_or_else(|| StoreError::inconsistent("meta", "value", "stamp_offset"))?;
    Ok((format!("{name}/{generation}"), offset))
}

/// 128 random bits: no ledger has the name of another.
fn new_name() -> String {
    let half = |part: u8| RandomState::new().hash_one(part);
    format!("{:016x}{:016x}", half(0), half(1))
}

/// The value under a key of `meta`, which is this one if there was none.
async fn settle(
    connection: &mut db::Connection,
    key: &'static str,
    value: String,
) -> Result<String, StoreError> {
    db::query("insert into meta (key, value) values ($1, $2) on conflict (key) do nothing")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    let row = db::query("select value from meta where key = $1")
        .bind(key)
        .fetch_one(connection)
        .await?;
    row.try_get(0)
}

async fn replace(
    connection: &mut db::Connection,
    key: &'static str,
    value: String,
) -> Result<(), StoreError> {
    db::query("update meta set value = $2 where key = $1")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}
