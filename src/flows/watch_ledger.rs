//! What an operator watches: whether the ledger answers, how far the index is
//! behind, what waits for people. Counts and ages only, never who.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::flows::{Context, FlowError};
use crate::foundation::load_limits::{
    COUNTS_INTERVAL_MS, GAUGE_SAMPLE_SECONDS, INDEX_LAG_MS_MAX, READY_SECONDS_MAX,
};
use crate::foundation::{EventPosition, Instant};
use crate::storage::{StoreError, StoreFigures, TaskGauge};

/// Samples of the ledger between two counts of the duplicates of sources: half an hour.
const DUPLICATE_ROUNDS: u64 = 60;

/// Ages that part open tasks, in hours: a day, a week, four weeks.
const TASK_AGES: [i64; 3] = [24, 7 * 24, 28 * 24];

/// Where the ledger and its index stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The last event.
    pub position: EventPosition,
    /// Changed records that the index does not know yet; answers include them.
    pub index_lag: i64,
    /// For how long the oldest of these has waited, in milliseconds.
    pub index_lag_ms: u64,
    /// Whether that is longer than it should be.
    pub lagging: bool,
}

/// Where the ledger stands, within a bounded time.
///
/// # Errors
/// The ledger does not answer, or takes no more commands.
pub async fn standing(context: &Context) -> Result<Standing, FlowError> {
    if !context.store.figures().writing {
        return Err(StoreError::Closed.into());
    }
    let indexed = context.index.position();
    let asked = context.store.position_and_lag(indexed);
    let within = Duration::from_secs(READY_SECONDS_MAX);
    let answered = tokio::time::timeout(within, asked).await;
    let (position, index_lag, waiting_since) = answered.map_err(|_| FlowError::Stopped)??;
    let index_lag_ms =
        waiting_since.map_or(0, |since| milliseconds_between(since, context.clock.now()));
    Ok(Standing {
        position,
        index_lag,
        index_lag_ms,
        lagging: index_lag_ms > INDEX_LAG_MS_MAX,
    })
}

fn milliseconds_between(earlier: Instant, later: Instant) -> u64 {
    let between = later.microseconds() - earlier.microseconds();
    u64::try_from(between / 1_000).unwrap_or(0)
}

/// The writer's figures, which cost no read.
#[must_use]
pub fn store_figures(context: &Context) -> StoreFigures {
    context.store.figures()
}

/// Samples what only the ledger knows until the process ends.
pub async fn watch_ledger(context: Context) {
    let mut shown = BTreeSet::new();
    let mut duplicated = BTreeSet::new();
    for round in 1_u64.. {
        if round % DUPLICATE_ROUNDS == 0
            && let Err(error) = sample_duplicates(&context, &mut duplicated).await
        {
            tracing::warn!(%error, "the duplicates of sources could not be counted");
        }
        if let Err(error) = sample(&context, &mut shown).await {
            tracing::warn!(%error, "the ledger could not be sampled; trying again");
        }
        tokio::time::sleep(Duration::from_secs(GAUGE_SAMPLE_SECONDS)).await;
    }
}

/// Leads along, until the process ends, the counts that pages show, so that no page
/// has to catch up with much.
pub async fn keep_counts(context: Context) {
    loop {
        if let Err(error) = context.store.keep_counts().await {
            tracing::warn!(%error, "the ledger could not be counted; trying again");
        }
        tokio::time::sleep(Duration::from_millis(COUNTS_INTERVAL_MS)).await;
    }
}

/// Sources whose own duplicates are counted, which walks the whole ledger (R108);
/// `shown` holds those that had some.
async fn sample_duplicates(
    context: &Context,
    shown: &mut BTreeSet<String>,
) -> Result<(), FlowError> {
    let found = context.store.source_duplicates().await?;
    let gauge = |source: &str, persons: u64| {
        metrics::gauge!("accord_source_duplicates", "source" => source.to_owned())
            .set(persons as f64);
    };
    for source in shown.iter() {
        gauge(source, 0);
    }
    for (source, persons) in found {
        gauge(&source, persons);
        shown.insert(source);
    }
    Ok(())
}

/// `shown` holds the kinds of which there were open tasks.
async fn sample(context: &Context, shown: &mut BTreeSet<String>) -> Result<(), FlowError> {
    let now = context.clock.now();
    let before = TASK_AGES
        .map(|hours| Instant::from_microseconds(now.microseconds() - hours * 3_600 * 1_000_000));
    let tasks = context.store.task_gauges(before).await?;
    for kind in shown.iter() {
        show_tasks(kind, None, now);
    }
    for task in tasks {
        show_tasks(&task.kind, Some(&task), now);
        shown.insert(task.kind);
    }
    let audit = context.store.audit_gauges().await?;
    let age = |since: Option<Instant>| {
        since.map_or(0.0, |since| milliseconds_between(since, now) as f64 / 1e3)
    };
    metrics::gauge!("accord_audit_unsealed_rows").set(audit.unsealed as f64);
    metrics::gauge!("accord_audit_unsealed_seconds").set(age(audit.oldest_unsealed));
    metrics::gauge!("accord_audit_last_seal_seconds").set(age(audit.last_seal));
    let webhooks = context.store.webhook_gauges().await?;
    metrics::gauge!("accord_webhook_dead_letters").set(webhooks.dead_letters as f64);
    metrics::gauge!("accord_webhook_lag_seconds").set(age(webhooks.oldest_offered));
    Ok(())
}

/// Without a task all counts are zero.
fn show_tasks(kind: &str, task: Option<&TaskGauge>, now: Instant) {
    let open = task.map_or(0, |task| task.open);
    let [day, week, month] = task.map_or([0; 3], |task| task.opened_before);
    let counts = [
        ("under_a_day", open.saturating_sub(day)),
        ("under_a_week", day.saturating_sub(week)),
        ("under_a_month", week.saturating_sub(month)),
        ("older", month),
    ];
    for (age, count) in counts {
        metrics::gauge!("accord_open_tasks", "kind" => kind.to_owned(), "age" => age)
            .set(count as f64);
    }
    let oldest = task.map_or(0, |task| milliseconds_between(task.oldest, now));
    metrics::gauge!("accord_oldest_task_seconds", "kind" => kind.to_owned())
        .set(oldest as f64 / 1e3);
}
