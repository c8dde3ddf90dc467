//! What is SQLite's own: opening, pragmas, the write transaction, readers, and
//! which failures are about a row. Whatever is asked of a file is done when the
//! call returns: a hand-over to another thread and back for each statement costs
//! more than most statements.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};
use sqlx::migrate::{MigrateError, Migrator};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::query::{Query, Value};
use crate::storage::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Readers that are kept open; reads are short and the machine is small.
const READERS_KEPT: usize = 8;
/// A command-line process may write a small row while a service runs.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// KiB of pages that the writer keeps (negative means KiB): the upper levels
/// of all trees and the leaves of a batch. Few, because most commits walk through
/// all of them: balancing a tree gives a page the number behind the pending byte
/// for a moment, and what lies behind the file's end is then looked for.
const WRITER_CACHE: i64 = -8_192;
/// The same while an empty ledger is filled by thousands of records at a time.
const FILLING_CACHE: i64 = -65_536;
/// The same for each reader.
const READER_CACHE: i64 = -16_384;
/// Statements kept prepared: some thirty, each in a handful of row counts.
const STATEMENTS_KEPT: usize = 512;
/// Earlier ones can lose commits when a WAL is reset (RELIABILITY §1).
const VERSION_LEAST: [u32; 3] = [3, 51, 3];

/// How the files of one data directory are opened.
#[derive(Debug, Clone)]
pub(in crate::storage) struct FileOptions {
    file: PathBuf,
    create: bool,
}

impl FileOptions {
    pub(super) fn new(file: &Path, create: bool) -> Self {
        Self {
            file: file.to_owned(),
            create,
        }
    }

    pub(super) fn without_creating(self) -> Self {
        Self {
            create: false,
            ..self
        }
    }

    fn open(&self) -> Result<Connection, rusqlite::Error> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, self.create);
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(connection)
    }

    /// The connection that writes.
    pub(super) fn open_writer(&self) -> Result<Connection, StoreError> {
        let open = || {
            let connection = self.open()?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // NORMAL loses acknowledged commits in a power cut.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", "on")?;
            connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
            Ok(connection)
        };
        unblocked(open).map_err(rusqlite::Error::into)
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        let open = || {
            let connection = self.open()?;
            connection.pragma_update(None, "cache_size", READER_CACHE)?;
            connection.pragma_update(None, "query_only", "on")?;
            Ok(connection)
        };
        unblocked(open).map_err(rusqlite::Error::into)
    }
}

/// Runs what may wait for the disk: on a thread of a runtime that has others
/// only after these have been told to go on without it.
fn unblocked<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Readers of one file. None of them can write, and nobody waits for one: where
/// more are asked for than are kept, more are opened for the moment.
pub(in crate::storage) struct Readers {
    options: FileOptions,
    idle: Mutex<Vec<Idle>>,
    /// Counts what the writer has changed; a kept snapshot of an earlier one is old.
    changes: AtomicU64,
}

struct Idle {
    connection: Connection,
    /// What the count was before its snapshot, which it may still hold.
    since: u64,
}

impl Readers {
    pub(super) fn open(options: FileOptions) -> Result<Arc<Self>, StoreError> {
        let connection = options.open_reader()?;
        Ok(Arc::new(Self {
            options,
            idle: Mutex::new(vec![Idle {
                connection,
                since: 0,
            }]),
            changes: AtomicU64::new(0),
        }))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(self: &Arc<Self>, idle: Option<Idle>) -> Result<Reading, StoreError> {
        let connection = match idle {
            Some(idle) => idle.connection,
            None => self.options.open_reader()?,
        };
        Ok(Reading {
            readers: Arc::clone(self),
            connection: Some(connection),
            since: None,
        })
    }

    /// A reader whose every statement sees the latest state.
    pub(super) fn acquire(self: &Arc<Self>) -> Result<Reading, StoreError> {
        // Kept states stay with those who can use them, where another is idle: to
        // open one costs as much as several questions.
        let mut idle = self.idle();
        let free = idle.iter().position(|it| it.connection.is_autocommit());
        let taken = match free {
            Some(place) => Some(idle.swap_remove(place)),
            None => idle.pop(),
        };
        drop(idle);
        self.reading(taken.filter(|taken| end(&taken.connection)))
    }

    /// A reader whose statements see one state.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Reading, StoreError> {
        let mut reading = self.acquire()?;
        reading.get()?.execute_batch("begin")?;
        Ok(reading)
    }

    /// A reader whose statements see one state, in which all is that was noted as
    /// changed before this call. The state is kept from one question to the next,
    /// because every commit, be it of an audit row, empties the reader's cache when
    /// it looks again.
    pub(super) fn begin_kept(self: &Arc<Self>) -> Result<Reading, StoreError> {
        let now = self.changes.load(Ordering::SeqCst);
        let mut idle = self.idle();
        let kept = |it: &Idle| it.since >= now && !it.connection.is_autocommit();
        let taken = match idle.iter().position(kept) {
            Some(place) => Some(idle.swap_remove(place)),
            None => idle.pop(),
        };
        drop(idle);
        let fresh = taken.as_ref().is_some_and(|idle| idle.since >= now);
        let mut reading = self.reading(taken)?;
        let connection = reading.get()?;
        if !fresh && !connection.is_autocommit() {
            connection.execute_batch("rollback")?;
        }
        if connection.is_autocommit() {
            connection.execute_batch("begin")?;
        }
        reading.since = Some(now);
        Ok(reading)
    }

    /// Ends the kept states: something has changed, or the WAL must be let go.
    pub(super) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        // One that cannot be ended is closed.
        self.idle().retain(|idle| end(&idle.connection));
    }

    pub(super) fn close(&self) {
        self.idle().clear();
    }
}

/// Ends the transaction, if there is one.
fn end(connection: &Connection) -> bool {
    connection.is_autocommit() || connection.execute_batch("rollback").is_ok()
}

/// A reader in use; goes back when it is dropped.
pub(in crate::storage) struct Reading {
    readers: Arc<Readers>,
    /// Present until the drop.
    connection: Option<Connection>,
    /// Set when its state may be kept.
    since: Option<u64>,
}

impl Reading {
    pub(super) fn get(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or(StoreError::Closed)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut idle = self.readers.idle();
        // Under the lock, so that a change is noted before this or finds it there.
        let now = self.readers.changes.load(Ordering::SeqCst);
        let kept = self.since == Some(now);
        if (kept || end(&connection)) && idle.len() < READERS_KEPT {
            let since = self.since.unwrap_or(now);
            idle.push(Idle { connection, since });
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Integer(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Real(value) => value.map_or(ValueRef::Null, ValueRef::Real),
            Self::Text(value) => value
                .as_deref()
                .map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Self::Bytes(value) => value.as_deref().map_or(ValueRef::Null, ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// The statement with its values in place. `$2` is the second value wherever in
/// the text it stands; `?` is the next one.
fn bound<'c>(
    connection: &'c Connection,
    query: &Query,
) -> Result<CachedStatement<'c>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(query.text())?;
    for place in 1..=statement.parameter_count() {
        let named = statement.parameter_name(place);
        let number = named.and_then(|name| name.get(1..)?.parse().ok());
        let value = query.values().get(number.unwrap_or(place) - 1);
        statement.raw_bind_parameter(place, value.unwrap_or(&Value::Integer(None)))?;
    }
    Ok(statement)
}

/// Runs a statement; how many rows it changed.
pub(super) fn execute(connection: &Connection, query: &Query) -> Result<u64, StoreError> {
    let run = || {
        let mut statement = bound(connection, query)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(connection.changes())
    };
    unblocked(run).map_err(rusqlite::Error::into)
}

/// The rows of a statement, at most so many.
pub(super) fn fetch(
    connection: &Connection,
    query: &Query,
    most: usize,
) -> Result<Vec<Box<[Cell]>>, StoreError> {
    let run = || {
        let mut statement = bound(connection, query)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let cells = (0..columns).map(|place| row.get(place));
            found.push(cells.collect::<Result<_, rusqlite::Error>>()?);
        }
        Ok(found)
    };
    unblocked(run).map_err(rusqlite::Error::into)
}

/// Refuses an engine that is known to lose commits.
pub(super) fn check_version() -> Result<(), StoreError> {
    let found = rusqlite::version();
    let numbers: Vec<u32> = found.split('.').flat_map(str::parse).collect();
    if numbers.as_slice() < VERSION_LEAST.as_slice() {
        return Err(StoreError::TooOld {
            found: found.to_owned(),
        });
    }
    Ok(())
}

/// Brings the tables up to date. The list of what was done is the one that the
/// other engine's migrations keep. A table that is made anew leaves its name for
/// a moment, so that references are checked once, at each migration's end.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "foreign_keys", "off")?;
    let outcome = migrate_unchecked(connection);
    connection.pragma_update(None, "foreign_keys", "on")?;
    outcome
}

fn migrate_unchecked(connection: &mut Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "create table if not exists _sqlx_migrations (version bigint primary key, \
         description text not null, installed_on timestamp not null default current_timestamp, \
         success boolean not null, checksum blob not null, execution_time bigint not null)",
    )?;
    let newest: Option<i64> =
        connection.query_row("select max(version) from _sqlx_migrations", [], |row| {
            row.get(0)
        })?;
    if let Some(version) = newest.filter(|version| !MIGRATIONS.version_exists(*version)) {
        return Err(MigrateError::VersionMissing(version).into());
    }
    for migration in MIGRATIONS.iter() {
        // Another process may be at it, too.
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let known = transaction.query_row_and_then(
            "select (select checksum from _sqlx_migrations where version = ?1)",
            [migration.version],
            |row| row.get::<_, Option<Vec<u8>>>(0),
        )?;
        match known {
            Some(checksum) if checksum == *migration.checksum => continue,
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version).into()),
            None => {}
        }
        transaction.execute_batch(migration.sql.as_str())?;
        if transaction
            .prepare("pragma foreign_key_check")?
            .exists([])?
        {
            return Err(MigrateError::Dirty(migration.version).into());
        }
        transaction.execute(
            "insert into _sqlx_migrations (version, description, success, checksum, \
             execution_time) values (?1, ?2, true, ?3, -1)",
            rusqlite::params![
                migration.version,
                migration.description.as_ref(),
                migration.checksum.as_ref()
            ],
        )?;
        transaction.commit()?;
    }
    Ok(())
}

/// Starts the transaction with the write lock, so that it cannot fail half-way
/// on another writer.
pub(super) fn begin(connection: &Connection) -> Result<(), StoreError> {
    execute(connection, &super::query("begin immediate")).map(drop)
}

/// While a ledger is filled, the writer keeps more pages, and references are not looked up,
/// thirty times for each record: a row and what it refers to come of one plan, and `verify`
/// compares both with the events.
pub(super) fn fill(connection: &Connection, fills: bool) -> Result<(), StoreError> {
    let size = if fills { FILLING_CACHE } else { WRITER_CACHE };
    connection.pragma_update(None, "cache_size", size)?;
    Ok(connection.pragma_update(None, "foreign_keys", !fills)?)
}

/// SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
pub(super) fn is_about_rows(error: &rusqlite::Error) -> bool {
    const ABOUT_ROWS: [i32; 4] = [1, 18, 19, 20];
    let code = error.sqlite_error().map(|error| error.extended_code & 0xff);
    code.is_some_and(|code| ABOUT_ROWS.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: i64 = 15;

    #[test]
    fn a_task_that_others_refer_to_survives_that_its_table_is_made_anew() {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .pragma_update(None, "foreign_keys", "off")
            .expect("off");
        for migration in MIGRATIONS.iter().filter(|it| it.version <= BEFORE) {
            connection
                .execute_batch(migration.sql.as_str())
                .expect("a former state");
        }
        let rows = "insert into sources (code, name, trust, number_status_default, acts_for_people)
                values ('gp', 'Practices', 50, 'unverified', 0);
            insert into records (record, source, local_id, status, latest_version,
                current_version, position) values (1, 'gp', 'a', 'active', 1, 1, 1);
            insert into record_versions (record, version, digest, standing, received_at, position,
                findings, answer, actor) values (1, 1, 'd', 'current', 0, 1, '[]', '{}', 'a');
            insert into tasks (task, kind, status, record, reasons, evidence, opened_position,
                position, stage, rank) values ('T-1', 'source_quarantined', 'open', 1, '[]',
                '{}', 1, 1, 'claimed', 2.5);
            insert into source_quarantines (source, from_position, record, because, conflicts,
                records, task)
                values ('gp', 1, 1, 'shifted', 1, 1, 'T-1');";
        connection.execute_batch(rows).expect("rows");
        let anew = MIGRATIONS.iter().find(|it| it.version == BEFORE + 1);
        connection
            .execute_batch(anew.expect("the next").sql.as_str())
            .expect("made anew");
        let task: (String, f64) = connection
            .query_row(
                "select t.stage, t.rank from source_quarantines q join tasks t on t.task = q.task",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("the task");
        assert_eq!(task, ("claimed".to_owned(), 2.5));
        let mut broken = connection
            .prepare("pragma foreign_key_check")
            .expect("a check");
        assert!(!broken.exists([]).expect("an answer"));
    }
}
