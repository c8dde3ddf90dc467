//! What an operator watches of the ledger: the writer's queue and commits from
//! counters in memory, open tasks and unsealed audit rows from small reads.
//! What is too old, and what it is called in a scrape, is not decided here.

use std::sync::atomic::Ordering;

use crate::foundation::{EventPosition, Instant, TallyFigures};
use crate::storage::db;
use crate::storage::rows::Reader;
use crate::storage::{Store, StoreError};

/// The writer since it started. Nothing here asks the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFigures {
    /// Whether it still takes commands.
    pub writing: bool,
    /// Commands that wait.
    pub waiting: usize,
    /// Commands that may wait.
    pub waiting_max: usize,
    /// Commits.
    pub commits: u64,
    /// Commands in them, and those that failed.
    pub commands: u64,
    /// Commands that were tried again alone, because one of their batch failed.
    pub alone: u64,
    /// Transactions tried again because other processes were in their way, or
    /// the line to the server broke.
    pub retries: u64,
    /// Transactions begun again because a person had moved meanwhile.
    pub moved: u64,
    /// Commands in a commit.
    pub group: TallyFigures,
    /// Microseconds that a commit took.
    pub commit_micros: TallyFigures,
}

/// Open tasks of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGauge {
    /// The kind, as it stands in the ledger.
    pub kind: String,
    /// How many are open.
    pub open: u64,
    /// How many of those were opened before each of the instants asked about.
    pub opened_before: [u64; 3],
    /// When the oldest was opened.
    pub oldest: Instant,
}

/// Audit rows that no seal covers yet, and the last seal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditGauges {
    /// Rows.
    pub unsealed: u64,
    /// When the first of them was written.
    pub oldest_unsealed: Option<Instant>,
    /// When the last seal was made.
    pub last_seal: Option<Instant>,
}

impl Store {
    /// How the writer does.
    #[must_use]
    pub fn figures(&self) -> StoreFigures {
        let (queue, counts) = (&self.inner.queue, &self.inner.counts);
        StoreFigures {
            writing: !queue.is_closed(),
            waiting: queue.max_capacity() - queue.capacity(),
            waiting_max: queue.max_capacity(),
            commits: counts.commits.load(Ordering::Relaxed),
            commands: counts.commands.load(Ordering::Relaxed),
            alone: counts.alone.load(Ordering::Relaxed),
            retries: counts.retries.load(Ordering::Relaxed),
            moved: counts.moved.load(Ordering::Relaxed),
            group: counts.group.figures(),
            commit_micros: counts.micros.figures(),
        }
    }

    /// The last event, how many records have changed after a follower's
    /// position (100,000 stands for more), and when the first of them did.
    ///
    /// # Errors
    /// What the database says.
    pub async fn position_and_lag(
        &self,
        followed: EventPosition,
    ) -> Result<(EventPosition, i64, Option<Instant>), StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select (select coalesce(max(position), 0) from events), \
             (select count(*) from \
             (select 1 from records where stamp > $1 limit 100000) as changed), \
             (select e.at from records r join events e on e.position = r.position \
             where r.stamp > $1 order by r.stamp, r.record limit 1)",
        )
        .bind(followed.0)
        .fetch_one(&mut connection)
        .await?;
        let reader = Reader::numbered(&row, "events")?;
        Ok((
            reader.position(0)?,
            reader.number(1)?,
            reader.instant_or_null(2)?,
        ))
    }

    /// Open tasks by kind; the instants go from the latest to the earliest.
    ///
    /// # Errors
    /// What the database says.
    pub async fn task_gauges(&self, before: [Instant; 3]) -> Result<Vec<TaskGauge>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut query = db::query(
            "select count(*), count(*) filter (where e.at < $1), \
             count(*) filter (where e.at < $2), count(*) filter (where e.at < $3), \
             min(e.at), t.kind \
             from tasks t join events e on e.position = t.opened_position \
             where t.status = 'open' group by t.kind order by t.kind",
        );
        for instant in before {
            query = query.bind(instant.microseconds());
        }
        let rows = query.fetch_all(&mut connection).await?;
        rows.iter()
            .map(|row| {
                let reader = Reader::numbered(row, "tasks")?;
                let count = |place| Ok::<_, StoreError>(reader.number(place)?.unsigned_abs());
                Ok(TaskGauge {
                    kind: reader.text(5)?,
                    open: count(0)?,
                    opened_before: [count(1)?, count(2)?, count(3)?],
                    oldest: Instant::from_microseconds(reader.number(4)?),
                })
            })
            .collect()
    }

    /// By source: persons with more than one active record of it (R108). Walks all
    /// links.
    ///
    /// # Errors
    /// What the database says.
    pub async fn source_duplicates(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select source, count(*) from (select r.source as source from links l \
             join records r on r.record = l.record where l.to_position is null \
             group by l.person, r.source having count(*) > 1) as twice \
             group by source order by source",
        )
        .fetch_all(&mut connection)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = Reader::named(row, "links")?;
                Ok((reader.text(0)?, reader.number(1)?.unsigned_abs()))
            })
            .collect()
    }

    /// What waits for its seal.
    ///
    /// # Errors
    /// What the database says.
    pub async fn audit_gauges(&self) -> Result<AuditGauges, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        // By the key alone: there is a seal a second, and years of them.
        let row = db::query(
            "select count(*), min(at), \
             (select sealed_at from audit_seals order by seal desc limit 1) from audit \
             where (stamp, audit) > ( \
             coalesce((select last_stamp from audit_seals order by seal desc limit 1), 0), \
             coalesce((select last from audit_seals order by seal desc limit 1), 0))",
        )
        .fetch_one(&mut connection)
        .await?;
        let reader = Reader::numbered(&row, "audit")?;
        Ok(AuditGauges {
            unsealed: reader.number(0)?.unsigned_abs(),
            oldest_unsealed: reader.instant_or_null(1)?,
            last_seal: reader.instant_or_null(2)?,
        })
    }
}
