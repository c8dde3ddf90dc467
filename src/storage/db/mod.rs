//! The two engines behind one set of types: a query is a text with values,
//! the same for both; a row gives its columns by place. Only this folder knows
//! which engine runs. What an engine does alone stands in its own file:
//!
//! | exception | SQLite | PostgreSQL |
//! | --- | --- | --- |
//! | a write transaction | `begin immediate`, one writer | advisory locks in sorted order |
//! | numbers of events, records, audit rows | the highest one, plus one | sequences |
//! | order in which followers see commits | positions | transaction ids below the horizon |
//! | time of a commit | the process's clock | the server's clock, one for all nodes |
//! | outcome of a commit whose reply is lost | cannot be lost | a row in `commits` |
//! | parameters of long lists | `?` | `$n` |

mod filling;
mod pool;
mod postgres;
mod query;
mod sqlite;

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::foundation::Instant;
use crate::storage::StoreError;
use crate::storage::error::EngineError;
pub(super) use filling::{fill_alone, numbers_for, share_filling};
pub(super) use pool::Pool;
#[cfg(test)]
pub(super) use query::seen;
pub(super) use query::{Query, Row, Value, query, write_parameter};

/// A connection of either engine, alone, from a pool, or in a snapshot that
/// ends with it.
pub(super) enum Connection {
    /// The writer's.
    Sqlite(Box<rusqlite::Connection>),
    /// The writer's.
    Postgres(Box<PgConnection>),
    /// A reader's.
    ReadingSqlite(sqlite::Reading),
    /// A reader's.
    PooledPostgres(PoolConnection<Postgres>),
    /// A reader's, on one state of the ledger.
    SnapshotPostgres(Transaction<'static, Postgres>),
}

/// The engine's own connection.
enum Engine<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    fn engine(&mut self) -> Result<Engine<'_>, StoreError> {
        Ok(match self {
            Self::Sqlite(it) => Engine::Sqlite(it),
            Self::Postgres(it) => Engine::Postgres(it),
            Self::ReadingSqlite(it) => Engine::Sqlite(it.get()?),
            Self::PooledPostgres(it) => Engine::Postgres(it),
            Self::SnapshotPostgres(it) => Engine::Postgres(it),
        })
    }

    /// Whether commits of other processes may come in between.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(
            self,
            Self::Postgres(_) | Self::PooledPostgres(_) | Self::SnapshotPostgres(_)
        )
    }
}

/// Where a ledger is, and how to connect to it.
#[derive(Clone)]
pub(super) enum Place {
    /// A file.
    Sqlite(sqlite::FileOptions),
    /// A server.
    Postgres(Box<sqlx::postgres::PgConnectOptions>),
}

impl Place {
    /// A file of a data directory.
    pub(super) fn file(file: &Path, create: bool) -> Self {
        Self::Sqlite(sqlite::FileOptions::new(file, create))
    }

    /// A database by its URL.
    pub(super) fn url(url: &str) -> Result<Self, StoreError> {
        Ok(Self::Postgres(Box::new(postgres::options(url)?)))
    }

    /// The same, where nothing is made any more.
    pub(super) fn without_creating(self) -> Self {
        match self {
            Self::Sqlite(options) => Self::Sqlite(options.without_creating()),
            place @ Self::Postgres(_) => place,
        }
    }

    /// The pool of readers; none of them can write.
    pub(super) async fn open_readers(&self) -> Result<Pool, StoreError> {
        Ok(match self {
            Self::Sqlite(options) => Pool::Sqlite(sqlite::Readers::open(options.clone())?),
            Self::Postgres(options) => Pool::Postgres(postgres::open_readers(options).await?),
        })
    }
}

/// The one connection of a process that writes; opened again after a failure
/// of the disk or the line, because nothing is known then about what it holds.
pub(super) struct Writer {
    place: Place,
    connection: Option<Connection>,
}

impl Writer {
    /// Opens the connection, which makes the file where that is allowed.
    pub(super) async fn open(place: Place) -> Result<Self, StoreError> {
        let connection = Some(connect(&place).await?);
        Ok(Self {
            place: place.without_creating(),
            connection,
        })
    }

    /// The connection, opened again if it was given up.
    pub(super) async fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            let mut connection = connect(&self.place).await?;
            // A server that crashed meanwhile may have taken sequences back.
            mend_numbers(&mut connection).await?;
            connection
        };
        Ok(self.connection.insert(connection))
    }

    /// Runs one small statement by itself; how many rows it changed. A line
    /// that has broken since the last one is opened again once.
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64, StoreError> {
        match query.clone().execute(self.connection().await?).await {
            Err(error) if is_about_line(&error) => {
                self.discard();
                query.execute(self.connection().await?).await
            }
            done => done,
        }
    }

    /// Gives the connection up.
    pub(super) fn discard(&mut self) {
        self.connection = None;
    }

    /// Closes it in order, which also empties SQLite's WAL.
    pub(super) async fn close(&mut self) {
        // Nothing is lost by a failed close: what was committed is durable. Dropped,
        // SQLite's connection closes in order.
        if let Some(Connection::Postgres(it)) = self.connection.take() {
            let _ = sqlx::Connection::close(*it).await;
        }
    }
}

async fn connect(place: &Place) -> Result<Connection, StoreError> {
    Ok(match place {
        Place::Sqlite(options) => Connection::Sqlite(Box::new(options.open_writer()?)),
        Place::Postgres(options) => {
            Connection::Postgres(Box::new(postgres::connect(options).await?))
        }
    })
}

/// Refuses an engine that is known to lose commits, or is set to.
pub(super) async fn check_engine(connection: &mut Connection) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => sqlite::check_version(),
        Engine::Postgres(it) => postgres::check_settings(it).await,
    }
}

/// Brings the tables up to date.
pub(super) async fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(it) => sqlite::migrate(it),
        Engine::Postgres(it) => postgres::migrate(it).await,
    }
}

/// Starts the write transaction: on SQLite with the write lock, on PostgreSQL
/// with the locks of these keys, taken in sorted order by a statement of their
/// own, so that the next one sees what those before it have committed.
pub(super) async fn begin(connection: &mut Connection, locks: &[i64]) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(it) => sqlite::begin(it),
        Engine::Postgres(it) => postgres::begin(it, locks).await,
    }
}

/// Starts a write transaction that takes its time and locks no key.
pub(super) async fn begin_long(connection: &mut Connection) -> Result<(), StoreError> {
    begin(connection, &[]).await?;
    if let Engine::Postgres(it) = connection.engine()? {
        postgres::allow_long(it).await?;
    }
    Ok(())
}

/// Takes more locks in the transaction; those who call take persons' locks
/// once, after the keys'.
pub(super) async fn lock(connection: &mut Connection, locks: &[i64]) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => Ok(()),
        Engine::Postgres(it) => postgres::lock(it, locks).await,
    }
}

/// What a commit leaves to be found by when its reply is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    /// The transaction's place.
    pub(super) stamp: i64,
    /// Drawn by the process, so that a place given twice is told apart.
    pub(super) token: i64,
}

/// What a transaction is given once all its locks are held.
pub(super) struct Settled {
    /// Its place in the order in which followers see commits, left in `commits`;
    /// `None` where positions are that order and no reply can be lost.
    pub(super) receipt: Option<Receipt>,
    /// Numbers for its audit rows.
    pub(super) audit: Vec<i64>,
    /// The time of all its events (ADR 0007).
    pub(super) at: Instant,
}

/// Takes the transaction's place and time, and numbers for so many audit rows. No
/// time is earlier than that of an event which the transaction can see: `present`
/// is a process's own clock, which counts only where no other process writes.
pub(super) async fn settle(
    connection: &mut Connection,
    offset: i64,
    audit: usize,
    present: Instant,
) -> Result<Settled, StoreError> {
    let count = i64::try_from(audit).unwrap_or(i64::MAX);
    if let Engine::Postgres(it) = connection.engine()? {
        let token = RandomState::new().hash_one(count).cast_signed();
        let (stamp, audit, at) = postgres::settle(it, offset, token, count).await?;
        let receipt = Some(Receipt { stamp, token });
        return Ok(Settled { receipt, audit, at });
    }
    let row = query(
        "select coalesce((select max(audit) from audit), 0), \
         coalesce((select max(at) from events), 0), \
         (select value from meta where key = $1)",
    )
    .bind(GAPS)
    .fetch_one(connection)
    .await?;
    let (_, least) = gaps_from(row.try_get(2)?)?;
    let last = row.try_get::<i64>(0)?.max(least - 1);
    let latest = Instant::from_microseconds(row.try_get(1)?);
    Ok(Settled {
        receipt: None,
        audit: (last + 1..=last + count).collect(),
        at: present.max(latest),
    })
}

/// The present by the clock that stamps commits; `None` where that is the
/// process's own.
pub(super) async fn present(connection: &mut Connection) -> Result<Option<Instant>, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => Ok(None),
        Engine::Postgres(it) => postgres::present(it).await.map(Some),
    }
}

/// Whether the commit of the receipt took place. To be asked inside a
/// transaction that holds the same locks: the lost one has ended then.
pub(super) async fn has_receipt(
    connection: &mut Connection,
    receipt: Receipt,
) -> Result<bool, StoreError> {
    let row = query("select 1::bigint from commits where stamp = $1 and token = $2")
        .bind(receipt.stamp)
        .bind(receipt.token)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Makes the transaction durable.
pub(super) async fn commit(connection: &mut Connection) -> Result<(), StoreError> {
    query("commit").execute(connection).await?;
    Ok(())
}

/// Undoes the transaction; says whether the connection can go on.
pub(super) async fn rollback(connection: &mut Connection) -> bool {
    query("rollback").execute(connection).await.is_ok()
}

/// The last numbers given out; the next are counted from here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// Of events.
    pub(super) position: i64,
    /// Of records.
    pub(super) record: i64,
    /// How many positions may be used.
    pub(super) positions: i64,
}

/// Numbers for a batch; to be asked once its locks are held, so that of two
/// commits about one person the later has the higher ones.
pub(super) async fn numbers(connection: &mut Connection) -> Result<Numbers, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => highest_numbers(connection).await,
        Engine::Postgres(it) => postgres::numbers(it).await,
    }
}

/// Key of `meta` in a file: up to which event and which audit row numbers may
/// have gaps, because they came from where several processes number. The next
/// are not below these, and so above every place that came along.
pub(super) const GAPS: &str = "numbers_with_gaps";

/// The value under [`GAPS`], by event and audit row; zeros without one.
pub(super) fn gaps_from(value: Option<String>) -> Result<(i64, i64), StoreError> {
    let Some(text) = value else {
        return Ok((0, 0));
    };
    let parts = text.split_once(' ');
    let parsed = parts.and_then(|(event, audit)| Some((event.parse().ok()?, audit.parse().ok()?)));
    parsed.ok_or_else(|| StoreError::inconsistent("meta", "value", GAPS))
}

async fn highest_numbers(connection: &mut Connection) -> Result<Numbers, StoreError> {
    let row = query(
        "select coalesce((select max(position) from events), 0), \
         coalesce((select max(record) from records), 0), \
         (select value from meta where key = $1)",
    )
    .bind(GAPS)
    .fetch_one(connection)
    .await?;
    let (least, _) = gaps_from(row.try_get(2)?)?;
    Ok(Numbers {
        position: row.try_get::<i64>(0)?.max(least - 1),
        record: row.try_get(1)?,
        positions: i64::MAX,
    })
}

/// All commits up to and with this place are visible to statements that come
/// after this one; `None` where all commits are.
pub(super) async fn horizon(
    connection: &mut Connection,
    offset: i64,
) -> Result<Option<i64>, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => Ok(None),
        Engine::Postgres(it) => postgres::horizon(it, offset).await.map(Some),
    }
}

/// Which cluster's transaction ids these are; they start again in another one.
pub(super) async fn generation(connection: &mut Connection) -> Result<Option<String>, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => Ok(None),
        Engine::Postgres(it) => postgres::generation(it).await.map(Some),
    }
}

/// After rows were written past the sequences: what they give, and the places
/// of the next commits, are above them.
pub(super) async fn raise_numbers(connection: &mut Connection) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => Ok(()),
        Engine::Postgres(it) => {
            postgres::raise_numbers(it).await?;
            postgres::raise_stamps(it).await
        }
    }
}

/// Lifts sequences that have fallen behind the rows. Others may draw from them
/// meanwhile: what those get is below the rows, fails, and is drawn again.
pub(super) async fn mend_numbers(connection: &mut Connection) -> Result<(), StoreError> {
    if let Engine::Postgres(it) = connection.engine()?
        && postgres::numbers_are_behind(it).await?
    {
        postgres::raise_numbers(it).await?;
    }
    Ok(())
}

/// Lets a server count what its tables hold. Until it has, the proof after a copy of
/// 100,000 records walks all links for each person; a file has no such counts.
pub(super) async fn count_values(connection: &mut Connection) -> Result<(), StoreError> {
    if connection.is_shared() {
        query("analyze").execute(connection).await?;
    }
    Ok(())
}

/// Takes what deleted and replaced rows have left in the file off it. False where
/// the log could not be emptied because somebody reads.
pub(super) async fn scrub(connection: &mut Connection) -> Result<bool, StoreError> {
    let statements: &[&'static str] = if connection.is_shared() {
        &["vacuum payloads", "vacuum record_keys"]
    } else {
        &["vacuum", "pragma wal_checkpoint(truncate)"]
    };
    let mut rows = Vec::new();
    for statement in statements {
        rows = query(*statement).fetch_all(connection).await?;
    }
    // A checkpoint answers whether it was kept from its work; a vacuum nothing.
    let busy: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(busy.unwrap_or(0) == 0)
}

/// Whether the failure is about what was written (another command may
/// succeed), not about the disk or the connection.
pub(super) fn is_about_rows(error: &StoreError) -> bool {
    match error {
        StoreError::Inconsistent { .. } => true,
        StoreError::Database(error) => match error.as_ref() {
            EngineError::Sqlite(error) => sqlite::is_about_rows(error),
            EngineError::Postgres(error) => postgres::is_about_rows(error),
        },
        _ => false,
    }
}

/// Whether trying the whole transaction again may succeed.
pub(super) fn may_pass(error: &StoreError) -> bool {
    matches!(error, StoreError::Moved)
        || server_error(error).is_some_and(postgres::may_pass)
        || is_about_line(error)
}

/// Whether the line to a server broke, or the server ended it.
pub(super) fn is_about_line(error: &StoreError) -> bool {
    server_error(error).is_some_and(postgres::is_about_line)
}

fn server_error(error: &StoreError) -> Option<&sqlx::Error> {
    match error {
        StoreError::Database(error) => match error.as_ref() {
            EngineError::Postgres(error) => Some(error),
            EngineError::Sqlite(_) => None,
        },
        _ => None,
    }
}
