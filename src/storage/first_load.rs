//! A first load that was interrupted: what it had written, read back so that it
//! can go on from memory. Anything that a load does not write ends it.

use std::sync::Arc;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::registry::{LocalId, SourceCode, TaskState};
use crate::storage::command::ReadSet;
use crate::storage::db::{self, Connection};
use crate::storage::rows::{Reader, parse_local_id, parse_person, parse_source};
use crate::storage::task_rows::{select_tasks, task_from};
use crate::storage::{Store, StoreError, replace, settle};

/// Key of `meta`: a first load has begun, and has not ended.
const FIRST_LOAD: &str = "first_load";
const UNDER_WAY: &str = "under way";
const DONE: &str = "done";

/// Records that are read back at once.
const PAGE: i64 = 4_096;

/// A record as a first load has written it.
#[derive(Debug, Clone)]
pub struct LoadedRecord {
    /// The record.
    pub record: RecordNumber,
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// SHA-256 of its payload.
    pub digest: String,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// Whose it is.
    pub person: PersonId,
    /// That person's revision.
    pub revision: EventPosition,
    /// Its values.
    pub standard: Arc<StandardRecord>,
    /// It contradicted what was known of its source's records.
    pub conflict: bool,
    /// It holds a default.
    pub default: bool,
}

/// Events of one record at most, when a ledger is filled: the record, its person, the
/// link, its questions and what they say of its source.
const EVENTS_PER_RECORD: i64 = 16;

/// Numbers for a batch; for one that fills the ledger as many as it needs, while
/// nobody else writes.
pub(super) async fn numbers(
    connection: &mut Connection,
    reads: &[&ReadSet],
) -> Result<db::Numbers, StoreError> {
    let Some(records) = reads.iter().filter_map(|read| read.fills).max() else {
        return db::numbers(connection).await;
    };
    if !db::fill_alone(connection).await? {
        return Err(StoreError::Moved);
    }
    let records = i64::try_from(records).unwrap_or(i64::MAX / EVENTS_PER_RECORD);
    db::numbers_for(connection, records * EVENTS_PER_RECORD, records).await
}

impl Store {
    /// Whether an empty ledger may be filled from memory, or the filling of this one
    /// may go on: nobody has changed anything that a first load would not.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_first_load(&self) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        let connection = writer.connection().await?;
        if !db::fill_alone(connection).await? {
            return Ok(false);
        }
        let row = db::query(
            "select (select count(*) from (select position from events limit 1) as some_events), \
             (select count(*) from (select 1 from record_versions where version > 1 limit 1) as v) \
             + (select count(*) from (select 1 from source_quarantines limit 1) as q) \
             + (select count(*) from (select 1 from number_replacements limit 1) as n) \
             + (select count(*) from (select 1 from merges limit 1) as m) \
             + (select count(*) from (select 1 from assertions limit 1) as a) \
             + (select count(*) from (select 1 from seals limit 1) as s) \
             + (select count(*) from (select 1 from erasures limit 1) as e) \
             + (select count(*) from (select 1 from tasks where stage <> 'open' limit 1) as t) \
             + (select count(*) from (select 1 from records where status <> 'active' limit 1) as r)",
        )
        .fetch_one(&mut *connection)
        .await?;
        let (begun, other): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if begun == 0 {
            settle(connection, FIRST_LOAD, UNDER_WAY.to_owned()).await?;
            replace(connection, FIRST_LOAD, UNDER_WAY.to_owned()).await?;
            return Ok(true);
        }
        let state = settle(connection, FIRST_LOAD, DONE.to_owned()).await?;
        let goes_on = state == UNDER_WAY && other == 0;
        if !goes_on {
            db::share_filling(connection).await?;
        }
        Ok(goes_on)
    }

    /// The load has ended; from now on all goes by the path of a message.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_first_load(&self) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        let connection = writer.connection().await?;
        replace(connection, FIRST_LOAD, DONE.to_owned()).await?;
        db::share_filling(connection).await
    }

    /// Records that a load had written, after this one, in order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn loaded_records(
        &self,
        after: RecordNumber,
    ) -> Result<Vec<LoadedRecord>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(
            "select r.record, r.source, r.local_id, v.digest, v.effective_at, l.person, \
             p.revision, y.standard, \
             (select count(*) from source_conflicts c where c.record = r.record \
             and c.kind <> 'default'), \
             (select count(*) from source_conflicts c where c.record = r.record \
             and c.kind = 'default') \
             from records r \
             join record_versions v on v.record = r.record and v.version = 1 \
             join payloads y on y.record = r.record and y.version = 1 \
             join links l on l.record = r.record and l.to_position is null \
             join persons p on p.person = l.person \
             where r.record > $1 order by r.record limit $2",
        )
        .bind(after.0)
        .bind(PAGE)
        .fetch_all(&mut snapshot)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = Reader::numbered(row, "records")?;
                let standard = reader.standard(7)?;
                Ok(LoadedRecord {
                    record: RecordNumber(reader.number(0)?),
                    source: reader.parsed(1, "source", parse_source)?,
                    local_id: reader.parsed(2, "local_id", parse_local_id)?,
                    digest: reader.text(3)?,
                    effective_at: reader.instant_or_null(4)?,
                    person: reader.parsed(5, "person", parse_person)?,
                    revision: reader.position(6)?,
                    standard: standard.ok_or_else(|| reader.wrong("standard"))?,
                    conflict: reader.number(8)? > 0,
                    default: reader.number(9)? > 0,
                })
            })
            .collect()
    }

    /// The tasks that a load had opened.
    ///
    /// # Errors
    /// What the database says.
    pub async fn loaded_tasks(&self) -> Result<Vec<(TaskId, TaskState)>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(select_tasks!("order by task"))
            .fetch_all(&mut snapshot)
            .await?;
        rows.iter().map(task_from).collect()
    }
}
