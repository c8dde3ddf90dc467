//! Pairs near a threshold that somebody has asked to be read, and how far asking people
//! has come.

use std::collections::BTreeSet;

use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::matching::ModelId;
use crate::registry::TaskPriority;
use crate::security::AuditEntry;
use crate::storage::db::{self, Row};
use crate::storage::rows::{Reader, json, parse_person, task_status_word};
use crate::storage::{Store, StoreError};

/// A sample of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSample {
    /// Counted from 1.
    pub number: i64,
    /// Near whose thresholds they are.
    pub model: ModelId,
    /// Who asked for them.
    pub asked_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub asked_at: Instant,
    /// The pairs, in the order in which people are asked.
    pub pairs: Vec<[RecordNumber; 2]>,
    /// Pairs that were looked at.
    pub looked_at: u64,
    /// Questions that have come of them.
    pub tasks: u64,
    /// When all had been looked at.
    pub ended_at: Option<Instant>,
    /// Counts its leases.
    pub epoch: i64,
}

impl Store {
    /// Notes a sample, with the audit row that says so; `false` where another came first
    /// under its number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_sample(
        &self,
        sample: &StoredSample,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let pairs: Vec<[i64; 2]> = sample
            .pairs
            .iter()
            .map(|pair| pair.map(|it| it.0))
            .collect();
        let query = db::query(
            "insert into model_samples (number, model, asked_by, reason, asked_at, pairs, \
             looked_at, tasks, ended_at, epoch, lease_until) \
             values ($1, $2, $3, $4, $5, $6, 0, 0, null, 0, 0) on conflict (number) do nothing",
        )
        .bind(sample.number)
        .bind(sample.model.as_str().to_owned())
        .bind(sample.asked_by.clone())
        .bind(sample.reason.clone())
        .bind(sample.asked_at.microseconds())
        .bind(json(&pairs));
        self.audited_write(query, Some(audit), sample.asked_at)
            .await
    }

    /// The sample that was asked for last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_sample(&self) -> Result<Option<StoredSample>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select number, model, asked_by, reason, asked_at, pairs, looked_at, tasks, ended_at, \
             epoch from model_samples order by number desc limit 1",
        )
        .fetch_optional(&mut connection)
        .await?;
        row.as_ref().map(sample_from).transpose()
    }

    /// Takes the lease of a sample that has not ended; gives its epoch, and nothing while
    /// another process holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lease_sample(
        &self,
        sample: &StoredSample,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        let query = db::query(
            "update model_samples set epoch = epoch + 1, lease_until = $4 \
             where number = $1 and epoch = $2 and lease_until < $3 and ended_at is null",
        );
        let (row, term) = ((sample.number, sample.epoch), (now, until));
        self.take_lease(query, row, term).await
    }

    /// Notes how far it is and gives the lease back; `false` where another process has
    /// taken it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_sample(&self, sample: &StoredSample) -> Result<bool, StoreError> {
        let query = db::query(
            "update model_samples set looked_at = $2, tasks = $3, ended_at = $4, lease_until = 0 \
             where number = $1 and epoch = $5",
        )
        .bind(sample.number)
        .bind(i64::try_from(sample.looked_at).unwrap_or(i64::MAX))
        .bind(i64::try_from(sample.tasks).unwrap_or(i64::MAX))
        .bind(sample.ended_at.map(Instant::microseconds))
        .bind(sample.epoch);
        Ok(self.small_write(query).await? > 0)
    }

    /// Pairs of persons about whom people are asked or have answered, in order of id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn asked_pairs(&self) -> Result<BTreeSet<(PersonId, PersonId)>, StoreError> {
        let mut connection = self.inner.readers.begin_long().await?;
        let rows = db::query(
            "select task, person_a, person_b from tasks \
             where person_a is not null and person_b is not null and stage <> 'closed'",
        )
        .fetch_all(&mut connection)
        .await?;
        let pair = |row: &Row| {
            let reader = Reader::named(row, "tasks")?;
            let one = reader.parsed(1, "person_a", parse_person)?;
            let other = reader.parsed(2, "person_b", parse_person)?;
            Ok((one.min(other), one.max(other)))
        };
        rows.iter().map(pair).collect()
    }

    /// Questions that wait for nothing but to be learnt from.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_learning_tasks(&self) -> Result<u64, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query("select count(*) from tasks where status = $1 and priority = $2")
            .bind(task_status_word(true).to_owned())
            .bind(i64::from(TaskPriority::Learning.place()))
            .fetch_one(&mut connection)
            .await?;
        Ok(row.try_get::<i64>(0)?.unsigned_abs())
    }
}

fn sample_from(row: &Row) -> Result<StoredSample, StoreError> {
    let reader = Reader::numbered(row, "model_samples")?;
    let pairs = |text: &str| serde_json::from_str::<Vec<[i64; 2]>>(text).ok();
    let pairs = reader.parsed(5, "pairs", pairs)?;
    Ok(StoredSample {
        number: reader.number(0)?,
        model: reader.parsed(1, "model", ModelId::parse)?,
        asked_by: reader.text(2)?,
        reason: reader.text(3)?,
        asked_at: Instant::from_microseconds(reader.number(4)?),
        pairs: pairs
            .into_iter()
            .map(|pair| pair.map(RecordNumber))
            .collect(),
        looked_at: reader.number(6)?.unsigned_abs(),
        tasks: reader.number(7)?.unsigned_abs(),
        ended_at: reader.number_or_null(8)?.map(Instant::from_microseconds),
        epoch: reader.number(9)?,
    })
}
