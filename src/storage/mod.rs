//! The ledger on disk: the only floor that knows a database. A data directory
//! holds one SQLite file; one writer groups commands into commits, readers
//! look at snapshots beside it.
//!
//! ```text
//! commit(ReadSet, decide) ─► queue ─► writer: begin, load, decide…, write, commit ─► answers
//! candidate_persons, find_record, … ─► readers
//! ```
//!
//! Nothing here decides who is who: a command is a closure over the pure
//! registry, and the tables are views of its events.

mod audit;
mod batch;
mod command;
mod db;
mod error;
mod feed;
mod load;
mod project;
mod prune;
mod read;
mod read_flags;
mod recent;
mod rows;
mod seal;
mod source;
mod source_rows;
mod source_state;
mod sql;
mod token;
mod verify;
mod verify_audit;
mod verify_events;
mod verify_sources;
mod verify_views;
mod write;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinHandle;

pub use audit::AuditRow;
pub use command::{CommitActor, CommitReads, NewVersion, Planned, ReadSet, RememberedAnswer};
pub use error::StoreError;
pub use feed::{ExportRow, FeedRow, StoredEvent};
pub use read::{
    StoredMember, StoredPerson, StoredPersonView, StoredRecord, StoredVersion, TaskFilter,
    YoungRecords,
};
pub use source_state::{DeferredVersion, StoredQuarantine};
pub use token::StoredToken;
pub use verify::{Checked, VerifyReport, Violation};

use crate::foundation::Instant;
use crate::registry::RegistryState;
use db::{Pool, Writer};
use recent::RecentKeys;
use writer::{Counts, QUEUE_MAX, WriterTask};

const DATABASE_FILE: &str = "accord.db";
const LOCK_FILE: &str = "accord.lock";

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
    readers: Pool,
    queue: mpsc::Sender<command::Queued>,
    writer: Arc<Mutex<Writer>>,
    task: Mutex<Option<JoinHandle<()>>>,
    stop: Arc<Notify>,
    /// Last seal known to stand in the second place; one sealer at a time.
    sealed: Mutex<Option<i64>>,
    counts: Arc<Counts>,
    /// Only this process writes records: what it remembers of them is whole.
    recent: Option<Arc<RwLock<RecentKeys>>>,
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
}

impl Store {
    /// Opens the ledger of a data directory, on which its tables are brought
    /// up to date. Needs a tokio runtime, on which the writer runs.
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
        let lock = if options.exclusive {
            Some(Arc::new(take_lock(directory)?))
        } else {
            None
        };
        let connect = db::options(&file, options.create);
        let mut writer = Writer::open(connect.clone()).await?;
        let connection = writer.connection().await?;
        db::check_version(connection).await?;
        db::migrate(connection).await?;
        let live = settle_live(connection, options.live).await?;
        let readers = db::open_readers(&connect.create_if_missing(false)).await?;
        let writer = Arc::new(Mutex::new(writer));
        let counts = Arc::new(Counts::default());
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let stop = Arc::new(Notify::new());
        let recent = Arc::new(RwLock::new(RecentKeys::default()));
        let task = WriterTask {
            recent: Arc::clone(&recent),
            queue: commands,
            stop: Arc::clone(&stop),
            writer: Arc::clone(&writer),
            counts: Arc::clone(&counts),
            lock,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                queue,
                writer,
                task: Mutex::new(Some(tokio::spawn(task.run()))),
                stop,
                sealed: Mutex::new(None),
                counts,
                recent: options.exclusive.then_some(recent),
                directory: directory.to_owned(),
                live,
            }),
        })
    }

    /// Whether the directory was made for live use (RULES R5).
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.inner.live
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Lets `decide` plan on a state that holds what `read` names, and makes
    /// the plan durable before it answers. `decide` may run again on a fresh
    /// state, when another command of its batch fails; only the last plan is
    /// written. A caller that goes away tears nothing.
    ///
    /// # Errors
    /// [`StoreError::Panicked`] when `decide` panics, [`StoreError::Closed`]
    /// after [`Store::close`]; else what the database says.
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
        let (work, answer) = command::work(decide);
        let queued = command::Queued {
            read,
            actor,
            at,
            work,
        };
        let sent = self.inner.queue.send(queued).await;
        sent.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
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
        })
    }

    /// Finishes what was accepted and closes the files; later calls on any
    /// clone find the store closed.
    pub async fn close(&self) {
        self.inner.stop.notify_one();
        if let Some(task) = self.inner.task.lock().await.take() {
            // A writer that panicked has nothing left to finish.
            let _ = task.await;
        }
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
    sqlx::query("insert into meta (key, value) values ('live', $1) on conflict (key) do nothing")
        .bind(live.to_string())
        .execute(&mut *connection)
        .await?;
    let stored: String = sqlx::query_scalar("select value from meta where key = 'live'")
        .fetch_one(connection)
        .await?;
    let stored = stored == "true";
    if live && !stored {
        return Err(StoreError::NotLive);
    }
    Ok(stored)
}
