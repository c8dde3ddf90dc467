//! Blocking keys made anew. The stored hashes follow from the values of the
//! records and from the tables of the build that stored them. A build with other
//! tables looks up other hashes, so that it would miss what is there: it asks
//! here first, and has all of them replaced.

use std::sync::Arc;

use crate::foundation::{EventPosition, RecordNumber};
use crate::identity::StandardRecord;
use crate::storage::db::{self, Connection};
use crate::storage::rows::Reader;
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError, replace, settle};

/// Key of `meta`: by which tables the keys were made.
pub(super) const KEY_FORMAT: &str = "key_format";

/// A record whose keys are to be made anew.
#[derive(Debug, Clone)]
pub struct RecordToKey {
    /// The record.
    pub record: RecordNumber,
    /// Its values in every version that was served, the latest first.
    pub served: Vec<Arc<StandardRecord>>,
    stamp: EventPosition,
}

const VALUES: RowStatement = RowStatement {
    before: "select y.record, y.standard from payloads y \
        join records r on r.record = y.record \
        join record_versions v on v.record = y.record and v.version = y.version \
        where y.standard is not null \
        and (v.standing = 'current' or y.version = r.current_version) and y.record in (values",
    columns: 1,
    after: ") order by y.record, y.version desc",
};

const FORGET: RowStatement = RowStatement {
    before: "delete from record_keys where record in (values",
    columns: 1,
    after: ")",
};

const STORE: RowStatement = RowStatement {
    before: "insert into record_keys (key, record, stamp) values",
    columns: 3,
    after: "on conflict (record, key) do nothing",
};

impl Store {
    /// The format of the stored keys. A ledger that has none yet takes `ours`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn key_format(&self, ours: &str) -> Result<String, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        settle(writer.connection().await?, KEY_FORMAT, ours.to_owned()).await
    }

    /// Says that all keys are of this format now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_key_format(&self, format: &str) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        replace(writer.connection().await?, KEY_FORMAT, format.to_owned()).await
    }

    /// Records that are stored under keys, in order of number. What waits for its
    /// source to be released has none, and what was erased cannot have others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn records_to_key(
        &self,
        after: RecordNumber,
        limit: u32,
    ) -> Result<Vec<RecordToKey>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(
            "select r.record, r.stamp from records r where r.record > $1 and exists \
             (select 1 from record_keys k where k.record = r.record) order by r.record limit $2",
        )
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(&mut snapshot)
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let reader = Reader::numbered(row, "records")?;
            found.push(RecordToKey {
                record: RecordNumber(reader.number(0)?),
                served: Vec::new(),
                stamp: reader.position(1)?,
            });
        }
        fill_values(&mut snapshot, &mut found).await?;
        Ok(found)
    }

    /// Puts keys in the place of those that the records have, in one
    /// transaction. A record without values keeps its own.
    ///
    /// # Errors
    /// What the database says; nothing is changed then.
    pub async fn replace_keys(&self, keyed: &[(RecordToKey, Vec<u64>)]) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        let connection = writer.connection().await?;
        db::begin_long(connection).await?;
        match write_keys(connection, keyed).await {
            Ok(()) => db::commit(connection).await,
            Err(error) => {
                db::rollback(connection).await;
                Err(error)
            }
        }
    }
}

async fn fill_values(
    connection: &mut Connection,
    records: &mut [RecordToKey],
) -> Result<(), StoreError> {
    let numbers: Vec<RecordNumber> = records.iter().map(|record| record.record).collect();
    let rows = VALUES
        .select(connection, &[], &numbers, |query, number| {
            query.bind(number.0)
        })
        .await?;
    for row in &rows {
        let reader = Reader::numbered(row, "payloads")?;
        let number = RecordNumber(reader.number(0)?);
        // Both are in order of number.
        if let Ok(place) = records.binary_search_by_key(&number, |record| record.record) {
            records[place].served.extend(reader.standard(1)?);
        }
    }
    Ok(())
}

async fn write_keys(
    connection: &mut Connection,
    keyed: &[(RecordToKey, Vec<u64>)],
) -> Result<(), StoreError> {
    let valued = keyed.iter().filter(|(record, _)| !record.served.is_empty());
    let numbers: Vec<RecordNumber> = valued.clone().map(|(record, _)| record.record).collect();
    FORGET
        .write(connection, &numbers, |query, number| query.bind(number.0))
        .await?;
    let rows: Vec<(u64, &RecordToKey)> = valued
        .flat_map(|(record, keys)| keys.iter().map(move |key| (*key, record)))
        .collect();
    STORE
        .write(connection, &rows, |query, (key, record)| {
            query
                .bind(key.cast_signed())
                .bind(record.record.0)
                .bind(record.stamp.0)
        })
        .await
}
