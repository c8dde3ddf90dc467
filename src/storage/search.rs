//! What a search by people reads: the values of records in all their versions,
//! and the records that the index does not know yet. A version that was held
//! for a human is left out: it may be about somebody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::foundation::{EventPosition, RecordNumber};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::storage::db;
use crate::storage::rows::Reader;
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

/// The values of a record.
#[derive(Debug, Clone)]
pub struct RecordValues {
    /// The record.
    pub record: RecordNumber,
    /// The version that is served; absent after an erasure.
    pub current: Option<Arc<StandardRecord>>,
    /// The others, oldest first.
    pub earlier: Vec<Arc<StandardRecord>>,
}

const VALUES: RowStatement = RowStatement {
    before: "select y.record, y.version, r.current_version, y.standard from payloads y \
        join records r on r.record = y.record \
        join record_versions v on v.record = y.record and v.version = y.version \
        where y.standard is not null and (v.standing <> 'held' or y.version = r.current_version) \
        and y.record in (values",
    columns: 1,
    after: ") order by y.record, y.version",
};

const SUBMITTED: RowStatement = RowStatement {
    before: "select y.record, y.submitted from payloads y \
        join records r on r.record = y.record and r.current_version = y.version \
        where y.submitted is not null and y.record in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// The values of these records, in order of number. Records without any,
    /// as after an erasure, are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_values(
        &self,
        records: &[RecordNumber],
    ) -> Result<Vec<RecordValues>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = VALUES
            .select(&mut connection, &[], records, |query, number| {
                query.bind(number.0)
            })
            .await?;
        let mut found: BTreeMap<RecordNumber, RecordValues> = BTreeMap::new();
        for row in &rows {
            let reader = Reader::numbered(row, "payloads")?;
            let record = RecordNumber(reader.number(0)?);
            let Some(standard) = reader.standard(3)? else {
                continue;
            };
            let values = found.entry(record).or_insert_with(|| RecordValues {
                record,
                current: None,
                earlier: Vec::new(),
            });
            if reader.number(1)? == reader.number(2)? {
                values.current = Some(standard);
            } else {
                values.earlier.push(standard);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Active records that have changed after a position, the latest first, at
    /// most so many.
    ///
    /// # Errors
    /// What the database says.
    pub async fn records_beyond(
        &self,
        position: EventPosition,
        limit: u32,
    ) -> Result<Vec<RecordNumber>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select record from records where stamp > $1 and status = 'active' \
             order by stamp desc, record desc limit $2",
        )
        .bind(position.0)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter()
            .map(|row| Ok(RecordNumber(row.try_get(0)?)))
            .collect()
    }

    /// What these records say now, as sent.
    ///
    /// # Errors
    /// What the database says.
    pub async fn current_submissions(
        &self,
        records: &[RecordNumber],
    ) -> Result<BTreeMap<RecordNumber, SubmittedRecord>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = SUBMITTED
            .select(&mut connection, &[], records, |query, number| {
                query.bind(number.0)
            })
            .await?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let reader = Reader::numbered(row, "payloads")?;
            let submitted =
                reader.parsed(1, "submitted", |text| serde_json::from_str(text).ok())?;
            found.insert(RecordNumber(reader.number(0)?), submitted);
        }
        Ok(found)
    }
}
