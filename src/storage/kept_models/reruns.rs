//! How far the records have been judged again after an activation.

use crate::foundation::{Instant, RecordNumber};
use crate::security::AuditEntry;
use crate::storage::db::{self, Query, Row};
use crate::storage::rows::Reader;
use crate::storage::{Store, StoreError};

/// Whether a re-run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunState {
    /// It does.
    Running,
    /// Somebody has to let it go on: people were asked enough, or it was stopped.
    Paused,
    /// All records have been looked at.
    Done,
}

impl RerunState {
    /// Its word in tables and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Done]
            .into_iter()
            .find(|state| state.name() == text)
    }
}

/// A re-run after an activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRerun {
    /// Number of the activation.
    pub activation: i64,
    /// Who let it begin, or go on.
    pub begun_by: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub begun_at: Instant,
    /// Whether it goes on.
    pub state: RerunState,
    /// The last record that was looked at.
    pub after: RecordNumber,
    /// Records that were looked at.
    pub looked_at: u64,
    /// Records that there were at the beginning.
    pub records: u64,
    /// Tasks that it has opened.
    pub tasks: u64,
    /// It pauses at so many.
    pub tasks_until: u64,
    /// When it began or went on.
    pub continued_at: Instant,
    /// Records that had been looked at then.
    pub looked_before: u64,
    /// When something was noted last.
    pub updated_at: Instant,
    /// Counts its leases.
    pub epoch: i64,
}

impl StoredRerun {
    /// Seconds until it ends, at the pace since it went on; `None` where that is not known.
    #[must_use]
    pub fn seconds_left(&self) -> Option<u64> {
        let took = self.updated_at.microseconds() - self.continued_at.microseconds();
        let took = u64::try_from(took / 1_000).ok()?;
        let looked = self.looked_at.checked_sub(self.looked_before)?;
        let left = self.records.saturating_sub(self.looked_at);
        took.saturating_mul(left)
            .checked_div(looked.saturating_mul(1_000))
    }
}

macro_rules! select_reruns {
    ($rest:literal) => {
        concat!(
            "select activation, begun_by, reason, begun_at, state, after_record, looked_at, \
             records, tasks, tasks_until, continued_at, looked_before, updated_at, epoch \
             from model_reruns ",
            $rest
        )
    };
}

impl Store {
    /// Notes a re-run that begins, with the audit row that says so; `false` where one of
    /// this activation has begun.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_rerun(
        &self,
        rerun: &StoredRerun,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "insert into model_reruns (activation, begun_by, reason, begun_at, state, \
             after_record, looked_at, records, tasks, tasks_until, continued_at, looked_before, \
             updated_at, epoch, lease_until) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0) \
             on conflict (activation) do nothing",
        )
        .bind(rerun.activation)
        .bind(rerun.begun_by.clone())
        .bind(rerun.reason.clone())
        .bind(rerun.begun_at.microseconds());
        let query = bound(query, rerun);
        self.audited_write(query, Some(audit), rerun.updated_at)
            .await
    }

    /// Lets a re-run that pauses go on, or one that runs pause, with the audit row that
    /// says so; `false` where it was in another state.
    ///
    /// # Errors
    /// What the database says.
    pub async fn turn_rerun(
        &self,
        rerun: &StoredRerun,
        from: RerunState,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update model_reruns set begun_by = $2, reason = $3, state = $4, tasks_until = $5, \
             continued_at = $6, looked_before = looked_at, updated_at = $6 \
             where activation = $1 and state = $7",
        )
        .bind(rerun.activation)
        .bind(rerun.begun_by.clone())
        .bind(rerun.reason.clone())
        .bind(rerun.state.name())
        .bind(number(rerun.tasks_until))
        .bind(rerun.continued_at.microseconds())
        .bind(from.name());
        self.audited_write(query, Some(audit), rerun.updated_at)
            .await
    }

    /// The re-run of the latest activation that has one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_rerun(&self) -> Result<Option<StoredRerun>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(select_reruns!("order by activation desc limit 1"))
            .fetch_optional(&mut connection)
            .await?;
        row.as_ref().map(rerun_from).transpose()
    }

    /// Takes the lease of a re-run that goes on; gives its epoch, and nothing while
    /// another process holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lease_rerun(
        &self,
        rerun: &StoredRerun,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        let query = db::query(
            "update model_reruns set epoch = epoch + 1, lease_until = $4 \
             where activation = $1 and epoch = $2 and lease_until < $3 and state = 'running'",
        );
        let (row, term) = ((rerun.activation, rerun.epoch), (now, until));
        self.take_lease(query, row, term).await
    }

    /// Notes how far it is and gives the lease back; `false` where another process has
    /// taken it. Where somebody has stopped it meanwhile it stays so.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_rerun(&self, rerun: &StoredRerun) -> Result<bool, StoreError> {
        let query = db::query(
            "update model_reruns set state = case when state = 'running' then $2 else state end, \
             after_record = $3, looked_at = $4, tasks = $5, updated_at = $6, lease_until = 0 \
             where activation = $1 and epoch = $7",
        )
        .bind(rerun.activation)
        .bind(rerun.state.name())
        .bind(rerun.after.0)
        .bind(number(rerun.looked_at))
        .bind(number(rerun.tasks))
        .bind(rerun.updated_at.microseconds())
        .bind(rerun.epoch);
        Ok(self.small_write(query).await? > 0)
    }

    /// Records that [`Store::current_records`] goes through.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_current_records(&self) -> Result<u64, StoreError> {
        let mut connection = self.inner.readers.begin_long().await?;
        let row = db::query("select count(*) from records where status = 'active'")
            .fetch_one(&mut connection)
            .await?;
        Ok(row.try_get::<i64>(0)?.unsigned_abs())
    }
}

fn bound(query: Query, rerun: &StoredRerun) -> Query {
    query
        .bind(rerun.state.name())
        .bind(rerun.after.0)
        .bind(number(rerun.looked_at))
        .bind(number(rerun.records))
        .bind(number(rerun.tasks))
        .bind(number(rerun.tasks_until))
        .bind(rerun.continued_at.microseconds())
        .bind(number(rerun.looked_before))
        .bind(rerun.updated_at.microseconds())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn rerun_from(row: &Row) -> Result<StoredRerun, StoreError> {
    let reader = Reader::numbered(row, "model_reruns")?;
    let count = |place| Ok::<_, StoreError>(reader.number(place)?.unsigned_abs());
    let instant = |place| Ok::<_, StoreError>(Instant::from_microseconds(reader.number(place)?));
    Ok(StoredRerun {
        activation: reader.number(0)?,
        begun_by: reader.text(1)?,
        reason: reader.text(2)?,
        begun_at: instant(3)?,
        state: reader.parsed(4, "state", RerunState::parse)?,
        after: RecordNumber(reader.number(5)?),
        looked_at: count(6)?,
        records: count(7)?,
        tasks: count(8)?,
        tasks_until: count(9)?,
        continued_at: instant(10)?,
        looked_before: count(11)?,
        updated_at: instant(12)?,
        epoch: reader.number(13)?,
    })
}
