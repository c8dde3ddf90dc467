//! What is SQLite's own: opening, pragmas, the write transaction, and which
//! failures are about a row. Nothing else in the storage names the engine.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection as _, Executor, Sqlite};

use crate::storage::StoreError;

pub(super) type Engine = Sqlite;
pub(super) type Connection = SqliteConnection;
pub(super) type Pool = SqlitePool;
pub(super) type Row = SqliteRow;
pub(super) type Arguments = SqliteArguments;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// Readers at once; reads are short and the machine is small.
const READERS: u32 = 4;
/// A command-line process may write a small row while a service runs.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// KiB of pages that the writer keeps (negative means KiB): the upper levels
/// of all trees and the leaves of a batch.
const WRITER_CACHE: &str = "-65536";
/// The same for each reader.
const READER_CACHE: &str = "-16384";
/// Statements kept prepared: some thirty, each in a handful of row counts.
const STATEMENTS_KEPT: usize = 512;
/// Earlier ones can lose commits when a WAL is reset (RELIABILITY §1).
const VERSION_LEAST: [u32; 3] = [3, 51, 3];

/// How the files of one data directory are opened.
pub(super) fn options(file: &Path, create: bool) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL loses acknowledged commits in a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT)
        .statement_cache_capacity(STATEMENTS_KEPT)
}

/// The pool of readers; none of them can write.
pub(super) async fn open_readers(options: &SqliteConnectOptions) -> Result<Pool, StoreError> {
    let options = options
        .clone()
        .pragma("query_only", "on")
        .pragma("cache_size", READER_CACHE);
    let pool = SqlitePoolOptions::new().max_connections(READERS);
    Ok(pool.connect_with(options).await?)
}

/// Refuses an engine that is known to lose commits.
pub(super) async fn check_version(connection: &mut Connection) -> Result<(), StoreError> {
    let found: String = sqlx::query_scalar("select sqlite_version()")
        .fetch_one(connection)
        .await?;
    let numbers: Vec<u32> = found.split('.').flat_map(str::parse).collect();
    if numbers.as_slice() < VERSION_LEAST.as_slice() {
        return Err(StoreError::TooOld { found });
    }
    Ok(())
}

/// Brings the tables up to date.
pub(super) async fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    Ok(MIGRATIONS.run(connection).await?)
}

/// The mark of a parameter in a statement whose parameters are bound in their
/// order. SQLite walks the list of all names for each named one, which costs
/// more than the insert itself where a statement has hundreds.
pub(super) const PARAMETER_IN_ORDER: &str = "?";

/// The one connection that writes; opened again after a failure of the disk,
/// because nothing is known then about what it holds.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    connection: Option<Connection>,
}

impl Writer {
    /// Opens the connection, which makes the file where that is allowed.
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let options = options.pragma("cache_size", WRITER_CACHE);
        let connection = Some(options.connect().await?);
        Ok(Self {
            options: options.create_if_missing(false),
            connection,
        })
    }

    /// The connection, opened again if it was given up.
    pub(super) async fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Gives the connection up.
    pub(super) fn discard(&mut self) {
        self.connection = None;
    }

    /// Closes it in order, which also empties the WAL.
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Nothing is lost by a failed close: what was committed is durable.
            let _ = connection.close().await;
        }
    }
}

/// Starts the transaction with the write lock, so that it cannot fail half-way
/// on another writer.
pub(super) async fn begin(connection: &mut Connection) -> Result<(), StoreError> {
    connection.execute("begin immediate").await?;
    Ok(())
}

/// Makes the transaction durable.
pub(super) async fn commit(connection: &mut Connection) -> Result<(), StoreError> {
    connection.execute("commit").await?;
    Ok(())
}

/// Undoes the transaction; says whether the connection can go on.
pub(super) async fn rollback(connection: &mut Connection) -> bool {
    connection.execute("rollback").await.is_ok()
}

/// Whether the failure is about what was written (another command may
/// succeed), not about the disk or the connection.
pub(super) fn is_about_rows(error: &StoreError) -> bool {
    /// SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
    const ABOUT_ROWS: [u32; 4] = [1, 18, 19, 20];
    match error {
        StoreError::Inconsistent { .. } => true,
        StoreError::Database(error) => error
            .as_database_error()
            .and_then(|error| error.code()?.parse::<u32>().ok())
            .is_some_and(|code| ABOUT_ROWS.contains(&(code & 0xff))),
        _ => false,
    }
}
