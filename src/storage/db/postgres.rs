//! What is PostgreSQL's own: opening, advisory locks, numbers from sequences,
//! transaction ids as the order of commits, and which failures pass.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};

use crate::foundation::Instant;
use crate::storage::StoreError;
use crate::storage::db::Numbers;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Readers of one process at once.
const READERS: u32 = 8;
/// How long a reader waits for a connection before the answer is "not now".
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// A line that was used within this time is taken to be well.
const RESTED: Duration = Duration::from_secs(1);
/// Statements kept prepared: some forty, each in a handful of row counts.
const STATEMENTS_KEPT: usize = 512;
/// Positions that one batch may use. A sequence steps by it; what a batch does
/// not use is a gap.
const POSITIONS: i64 = 4_096;
/// The same for records: one for each command of a batch.
const RECORDS: i64 = 64;

/// How the database of a URL is opened.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(options
        // What is slow stands in the metrics; a command says one sentence.
        .disable_statement_logging()
        .application_name("accord")
        .statement_cache_capacity(STATEMENTS_KEPT)
        // A stopped writer must not hold its keys, nor the horizon, for long.
        // Every statement goes by a key: a plan that was made while a table was
        // empty must not walk it when it is full.
        .options([
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("lock_timeout", "2s"),
            ("statement_timeout", "60s"),
            ("idle_in_transaction_session_timeout", "5s"),
        ]))
}

/// The pool of readers; none of them can write.
pub(super) async fn open_readers(options: &PgConnectOptions) -> Result<PgPool, StoreError> {
    let options = options.clone().options([
        ("default_transaction_read_only", "on"),
        // A walk over a whole ledger holds its snapshot between pages.
        ("idle_in_transaction_session_timeout", "60s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_MAX)
        // Asked after a rest only whether it still lives: each question costs a turn.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= RESTED {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        });
    Ok(pool.connect_with(options).await?)
}

/// Lets a transaction read whole tables, by whatever plan and for however long.
pub(super) async fn allow_long(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection
        .execute(
            "set local statement_timeout = 0; \
             set local idle_in_transaction_session_timeout = 0; \
             set local enable_seqscan = on; set local enable_hashjoin = on; \
             set local enable_mergejoin = on",
        )
        .await?;
    Ok(())
}

/// The connection that writes.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut connection = options.connect().await?;
    // Whatever the server's default is: an answer leaves when it is durable,
    // and each statement after the locks sees what was committed before.
    connection
        .execute(
            "set synchronous_commit = on; \
             set default_transaction_isolation = 'read committed'",
        )
        .await?;
    share_filling(&mut connection).await?;
    Ok(connection)
}

/// Held by every process that writes, shared; by one that fills an empty ledger,
/// alone. No key has it.
const FILLING: i64 = i64::MIN + 1;
/// How often, and how far apart, it is asked for: ten seconds together.
const FILLING_ATTEMPTS: u32 = 21;
const FILLING_PAUSE: Duration = Duration::from_millis(500);

/// Takes the place of one writer among several. While another fills the ledger
/// there is none; the server notices after a moment only that one was killed.
pub(super) async fn share_filling(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut shared = false;
    for attempt in 0..FILLING_ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(FILLING_PAUSE).await;
        }
        shared = sqlx::query_scalar("select pg_try_advisory_lock_shared($1)")
            .bind(FILLING)
            .fetch_one(&mut *connection)
            .await?;
        if shared {
            break;
        }
    }
    sqlx::query(
        "select pg_advisory_unlock($1) from pg_locks where locktype = 'advisory' \
        and pid = pg_backend_pid() and mode = 'ExclusiveLock' \
        and ((classid::bigint << 32) | objid::bigint) = $1",
    )
    .bind(FILLING)
    .execute(connection)
    .await?;
    if shared {
        Ok(())
    } else {
        Err(StoreError::Filling)
    }
}

/// Takes the place of all of them.
pub(super) async fn fill_alone(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let alone = sqlx::query_scalar(
        "select exists (select 1 from pg_locks where locktype = 'advisory' \
         and pid = pg_backend_pid() and mode = 'ExclusiveLock' \
         and ((classid::bigint << 32) | objid::bigint) = $1) or pg_try_advisory_lock($1)",
    )
    .bind(FILLING)
    .fetch_one(connection)
    .await?;
    Ok(alone)
}

/// Refuses a server that acknowledges what it may lose.
pub(super) async fn check_settings(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (fsync, encoding): (String, String) =
        sqlx::query_as("select current_setting('fsync'), current_setting('server_encoding')")
            .fetch_one(connection)
            .await?;
    if encoding != "UTF8" {
        return Err(StoreError::Unfit {
            setting: "server_encoding",
            needed: "UTF8",
        });
    }
    if fsync != "on" {
        return Err(StoreError::Unfit {
            setting: "fsync",
            needed: "on",
        });
    }
    Ok(())
}

/// Brings the tables up to date; several processes may do so at once.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    Ok(MIGRATIONS.run(connection).await?)
}

/// Starts a transaction and takes its locks, which are numbers of our own, in one
/// turn. Each statement of it sees what was committed before that statement.
pub(super) async fn begin(connection: &mut PgConnection, locks: &[i64]) -> Result<(), StoreError> {
    let mut text = "begin".to_owned();
    if !locks.is_empty() {
        let keys: Vec<String> = locks.iter().map(ToString::to_string).collect();
        text.push_str("; ");
        text.push_str(&TAKE_LOCKS.replace("$1", &format!("'{{{}}}'", keys.join(","))));
    }
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes locks in the order given, which is sorted by who calls.
pub(super) async fn lock(connection: &mut PgConnection, locks: &[i64]) -> Result<(), StoreError> {
    if locks.is_empty() {
        return Ok(());
    }
    sqlx::query(TAKE_LOCKS)
        .bind(locks)
        .execute(connection)
        .await?;
    Ok(())
}

/// The server's clock.
pub(super) async fn present(connection: &mut PgConnection) -> Result<Instant, StoreError> {
    let now =
        sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
            .fetch_one(connection)
            .await?;
    Ok(Instant::from_microseconds(now))
}

const TAKE_LOCKS: &str = "select count(pg_advisory_xact_lock(key)) from \
     (select key from unnest($1::bigint[]) with ordinality as given (key, place) \
     order by place) as ordered";

/// The transaction's place by its id, which it gets here, and its time; leaves a
/// receipt with the token there, and draws numbers for so many audit rows, in order.
pub(super) async fn settle(
    connection: &mut PgConnection,
    offset: i64,
    token: i64,
    audit: i64,
) -> Result<(i64, Vec<i64>, Instant), StoreError> {
    let rows: Vec<(i64, Option<i64>, i64)> = sqlx::query_as(
        "with receipt as (insert into commits (stamp, token) \
         values (pg_current_xact_id()::text::bigint + $1, $2) returning stamp) \
         select stamp, case when place > 0 then nextval('audit_numbers') end, \
         greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint, \
         (select coalesce(max(at), 0) from events)) \
         from receipt, generate_series(least($3, 1), $3) as place",
    )
    .bind(offset)
    .bind(token)
    .bind(audit)
    .fetch_all(connection)
    .await?;
    let first = rows.first().map(|(stamp, _, at)| (*stamp, *at));
    let (stamp, at) = first.ok_or(sqlx::Error::RowNotFound)?;
    let mut numbers: Vec<i64> = rows.into_iter().filter_map(|row| row.1).collect();
    numbers.sort_unstable();
    Ok((stamp, numbers, Instant::from_microseconds(at)))
}

/// The highest id below which no transaction is open.
pub(super) async fn horizon(connection: &mut PgConnection, offset: i64) -> Result<i64, StoreError> {
    let open: i64 =
        sqlx::query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            .fetch_one(connection)
            .await?;
    Ok(open - 1 + offset)
}

/// Fresh numbers; nobody else gets them.
pub(super) async fn numbers(connection: &mut PgConnection) -> Result<Numbers, StoreError> {
    let (position, record): (i64, i64) =
        sqlx::query_as("select nextval('event_positions'), nextval('record_numbers')")
            .fetch_one(connection)
            .await?;
    Ok(Numbers {
        position,
        record,
        positions: POSITIONS,
    })
}

/// The same, as many as are asked for.
pub(super) async fn numbers_for(
    connection: &mut PgConnection,
    events: i64,
    records: i64,
) -> Result<Numbers, StoreError> {
    let first = numbers(connection).await?;
    let steps = |count: i64, step: i64| count / step + 1;
    let (positions, numbered) = (steps(events, POSITIONS), steps(records, RECORDS));
    sqlx::query("select setval('event_positions', $1), setval('record_numbers', $2)")
        .bind(first.position + positions * POSITIONS)
        .bind(first.record + numbered * RECORDS)
        .execute(connection)
        .await?;
    Ok(Numbers {
        positions: (positions + 1) * POSITIONS,
        ..first
    })
}

/// Lifts the sequences above the rows that are there.
pub(super) async fn raise_numbers(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(
        "select setval('event_positions', \
         greatest((select last_value from event_positions), \
         $1 * ((select coalesce(max(position), 0) from events) / $1 + 1))), \
         setval('record_numbers', greatest((select last_value from record_numbers), \
         $2 * ((select coalesce(max(record), 0) from records) / $2 + 1))), \
         setval('audit_numbers', greatest((select last_value from audit_numbers), \
         (select coalesce(max(audit), 0) + 1 from audit)))",
    )
    .bind(POSITIONS)
    .bind(RECORDS)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a sequence would give a number that a row has: a crash soon after a
/// database was made from a template can take sequences back.
pub(super) async fn numbers_are_behind(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let behind = sqlx::query_scalar(
        "select (select last_value + case when is_called then $1 else 0 end \
         from event_positions) < (select coalesce(max(position), 0) from events) \
         or (select last_value + case when is_called then $2 else 0 end \
         from record_numbers) < (select coalesce(max(record), 0) from records) \
         or (select last_value + case when is_called then 1 else 0 end \
         from audit_numbers) <= (select coalesce(max(audit), 0) from audit)",
    )
    .bind(POSITIONS)
    .bind(RECORDS)
    .fetch_one(connection)
    .await?;
    Ok(behind)
}

/// Lifts the places of the next commits above those of the rows that came.
pub(super) async fn raise_stamps(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(
        "update meta set value = greatest((select coalesce(max(stamp), 0) from events), \
         (select coalesce(max(stamp), 0) from records), \
         (select coalesce(max(stamp), 0) from audit))::text where key = 'stamp_offset'",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The cluster's own number, which a copy of its files keeps and a restored
/// dump does not.
pub(super) async fn generation(connection: &mut PgConnection) -> Result<String, StoreError> {
    let generation = sqlx::query_scalar(
        "select system_identifier::text || '/' || \
         (select oid::text from pg_database where datname = current_database()) \
         from pg_control_system()",
    )
    .fetch_one(connection)
    .await?;
    Ok(generation)
}

fn code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<PgDatabaseError>()?.code())
}

/// Data exceptions and broken constraints (classes 21, 22, 23), undefined
/// things (42) and programs beyond a limit (54).
pub(super) fn is_about_rows(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| {
        ["21", "22", "23", "42", "54"]
            .iter()
            .any(|class| code.starts_with(class))
    })
}

/// A failed serialisation, a deadlock, a lock not to be had in time.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    matches!(code(error), Some("40001" | "40P01" | "55P03"))
}

/// The line broke (class 08), the server ended it or is starting (57P…), has no
/// room for it (53300), or no longer knows the session's state (25P03).
pub(super) fn is_about_line(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        error => code(error).is_some_and(|code| {
            code.starts_with("08") || code.starts_with("57P") || matches!(code, "53300" | "25P03")
        }),
    }
}
