//! Models that run beside the one that decides: how far each has followed the feed, and
//! what it has counted.

use crate::foundation::Instant;
use crate::matching::ModelId;
use crate::security::AuditEntry;
use crate::storage::db::{self, Row};
use crate::storage::rows::Reader;
use crate::storage::{FeedPlace, Store, StoreError};

/// A model that runs, or ran, beside the one that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredShadow {
    /// Counted from 1.
    pub number: i64,
    /// The model.
    pub model: ModelId,
    /// The one that decides.
    pub against: ModelId,
    /// Who let it begin.
    pub begun_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub begun_at: Instant,
    /// When it ended, where it has.
    pub ended_at: Option<Instant>,
    /// The events up to here were looked at.
    pub place: FeedPlace,
    /// Records that both models have judged.
    pub judged: u64,
    /// At most so many were left out, because they came faster than they were judged.
    pub dropped: u64,
    /// What was found, as JSON.
    pub found: String,
    /// Counts its leases.
    pub epoch: i64,
}

impl Store {
    /// Notes a shadow that begins, with the audit row that says so; `false` where another
    /// came first under its number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_shadow(
        &self,
        shadow: &StoredShadow,
        audit: AuditEntry,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "insert into model_shadows (number, model, against, begun_by, reason, begun_at, \
             ended_at, stamp, position, judged, dropped, found, epoch, lease_until) \
             values ($1, $2, $3, $4, $5, $6, null, $7, $8, 0, 0, $9, 0, 0) \
             on conflict (number) do nothing",
        )
        .bind(shadow.number)
        .bind(shadow.model.as_str().to_owned())
        .bind(shadow.against.as_str().to_owned())
        .bind(shadow.begun_by.clone())
        .bind(shadow.reason.clone())
        .bind(shadow.begun_at.microseconds())
        .bind(shadow.place.stamp)
        .bind(shadow.place.position)
        .bind(shadow.found.clone());
        self.audited_write(query, Some(audit), shadow.begun_at)
            .await
    }

    /// Ends a shadow, with the audit row where somebody asks for it; `false` where it has
    /// ended.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_shadow(
        &self,
        number: i64,
        at: Instant,
        audit: Option<AuditEntry>,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update model_shadows set ended_at = $2 where number = $1 and ended_at is null",
        )
        .bind(number)
        .bind(at.microseconds());
        self.audited_write(query, audit, at).await
    }

    /// The shadow that began last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn last_shadow(&self) -> Result<Option<StoredShadow>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select number, model, against, begun_by, reason, begun_at, ended_at, stamp, \
             position, judged, dropped, found, epoch from model_shadows \
             order by number desc limit 1",
        )
        .fetch_optional(&mut connection)
        .await?;
        row.as_ref().map(shadow_from).transpose()
    }

    /// Takes the lease of a shadow that runs; gives its epoch, and nothing while another
    /// process holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lease_shadow(
        &self,
        shadow: &StoredShadow,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        let query = db::query(
            "update model_shadows set epoch = epoch + 1, lease_until = $4 \
             where number = $1 and epoch = $2 and lease_until < $3 and ended_at is null",
        );
        let (row, term) = ((shadow.number, shadow.epoch), (now, until));
        self.take_lease(query, row, term).await
    }

    /// Notes what was found and gives the lease back; `false` where another process has
    /// taken it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_shadow(&self, shadow: &StoredShadow) -> Result<bool, StoreError> {
        let query = db::query(
            "update model_shadows set stamp = $2, position = $3, judged = $4, dropped = $5, \
             found = $6, lease_until = 0 where number = $1 and epoch = $7",
        )
        .bind(shadow.number)
        .bind(shadow.place.stamp)
        .bind(shadow.place.position)
        .bind(i64::try_from(shadow.judged).unwrap_or(i64::MAX))
        .bind(i64::try_from(shadow.dropped).unwrap_or(i64::MAX))
        .bind(shadow.found.clone())
        .bind(shadow.epoch);
        Ok(self.small_write(query).await? > 0)
    }

    /// Versions that came after one place and up to another.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_versions(
        &self,
        after: FeedPlace,
        upto: FeedPlace,
    ) -> Result<u64, StoreError> {
        let mut connection = self.inner.readers.begin_long().await?;
        let row = db::query(
            "select count(*) from events where (stamp, position) > ($1, $2) \
             and (stamp, position) <= ($3, $4) \
             and kind in ('record_registered', 'record_updated')",
        )
        .bind(after.stamp)
        .bind(after.position)
        .bind(upto.stamp)
        .bind(upto.position)
        .fetch_one(&mut connection)
        .await?;
        Ok(row.try_get::<i64>(0)?.unsigned_abs())
    }
}

fn shadow_from(row: &Row) -> Result<StoredShadow, StoreError> {
    let reader = Reader::numbered(row, "model_shadows")?;
    Ok(StoredShadow {
        number: reader.number(0)?,
        model: reader.parsed(1, "model", ModelId::parse)?,
        against: reader.parsed(2, "against", ModelId::parse)?,
        begun_by: reader.text(3)?,
        reason: reader.text(4)?,
        begun_at: Instant::from_microseconds(reader.number(5)?),
        ended_at: reader.number_or_null(6)?.map(Instant::from_microseconds),
        place: FeedPlace {
            stamp: reader.number(7)?,
            position: reader.number(8)?,
        },
        judged: reader.number(9)?.unsigned_abs(),
        dropped: reader.number(10)?.unsigned_abs(),
        found: reader.text(11)?,
        epoch: reader.number(12)?,
    })
}
