//! What is SQLite's own: opening, pragmas, the write transaction, and which
//! failures are about a row.

use std::path::Path;
use std::time::Duration;

use sqlx::error::DatabaseError as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Executor};

use crate::storage::StoreError;

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
/// Rows that the engine's thread hands over without waiting for their reader.
const ROWS_BUFFERED: usize = 2_048;
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
        .row_buffer_size(ROWS_BUFFERED)
}

/// The pool of readers; none of them can write.
pub(super) async fn open_readers(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let options = options
        .clone()
        .pragma("query_only", "on")
        .pragma("cache_size", READER_CACHE);
    // A file does not go away: asking each connection whether it lives costs two
    // hand-overs between threads for each read.
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false);
    Ok(pool.connect_with(options).await?)
}

/// Refuses an engine that is known to lose commits.
pub(super) async fn check_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
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
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    Ok(MIGRATIONS.run(connection).await?)
}

/// The connection that writes.
pub(super) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let options = options.clone().pragma("cache_size", WRITER_CACHE);
    Ok(options.connect().await?)
}

/// Starts the transaction with the write lock, so that it cannot fail half-way
/// on another writer.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.execute("begin immediate").await?;
    Ok(())
}

/// SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
pub(super) fn is_about_rows(error: &sqlx::Error) -> bool {
    const ABOUT_ROWS: [u32; 4] = [1, 18, 19, 20];
    let error = error.as_database_error();
    error
        .and_then(|error| error.try_downcast_ref::<sqlx::sqlite::SqliteError>())
        .and_then(|error| error.code()?.parse::<u32>().ok())
        .is_some_and(|code| ABOUT_ROWS.contains(&(code & 0xff)))
}
