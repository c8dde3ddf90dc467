//! What an erasure destroys, and the view of it. The rows go with the event in
//! one commit; `scrub` then takes what they leave behind off the file.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, Instant, RecordNumber};
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::storage::db::{self, Connection};
use crate::storage::rows::{Reader, parse_local_id, parse_source};
use crate::storage::sql::RowStatement;
use crate::storage::verify::Findings;
use crate::storage::{Store, StoreError};

/// A row of `erasures`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ErasureRow {
    /// Up to and with this version.
    pub(super) versions: u32,
    pub(super) restricted: bool,
    pub(super) position: EventPosition,
}

/// The erasures of a run of events.
#[derive(Debug, Default)]
pub(super) struct Erasures(BTreeMap<RecordNumber, ErasureRow>);

impl Erasures {
    /// Takes an event at its position; the record, when it is an erasure.
    pub(super) fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        if let RegistryEvent::RecordErased {
            record,
            versions,
            restricted,
        } = event
        {
            let earlier = self.0.get(record).is_some_and(|row| row.restricted);
            let row = ErasureRow {
                versions: *versions,
                restricted: *restricted || earlier,
                position,
            };
            self.0.insert(*record, row);
        }
    }

    /// Whether the values of this version are to be gone.
    pub(super) fn cover(&self, record: RecordNumber, version: u32) -> bool {
        self.0
            .get(&record)
            .is_some_and(|row| version <= row.versions)
    }

    /// Destroys payloads and keys. Keys that later commands of the batch bring
    /// are written after this.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let rows: Vec<_> = self.0.iter().collect();
        INSERT_ERASURES
            .write(connection, &rows, |query, (record, row)| {
                query
                    .bind(record.0)
                    .bind(i64::from(row.versions))
                    .bind(i64::from(row.restricted))
                    .bind(row.position.0)
            })
            .await?;
        ERASE_PAYLOADS
            .write(connection, &rows, |query, (record, row)| {
                query.bind(record.0).bind(i64::from(row.versions))
            })
            .await?;
        for statement in [
            &DELETE_KEYS,
            &ERASE_MERGE_REMARKS,
            &ERASE_ASSERTION_REMARKS,
            &ERASE_TASK_REMARKS,
        ] {
            statement
                .write(connection, &rows, |query, (record, _)| query.bind(record.0))
                .await?;
        }
        ERASE_RECORD_REMARKS
            .write(connection, &rows, |query, (record, _)| {
                query.bind(format!("R{}", record.0))
            })
            .await
    }

    /// Compares the view with what follows from the events.
    pub(super) async fn compare(
        &self,
        connection: &mut Connection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let mut expected: BTreeMap<_, _> = self.0.iter().collect();
        let rows = db::query("select record, versions, restricted, position from erasures")
            .fetch_all(connection)
            .await?;
        for row in &rows {
            let reader = Reader::numbered(row, "erasures")?;
            let record = RecordNumber(reader.number(0)?);
            let found = ErasureRow {
                versions: reader.count(1, "versions")?,
                restricted: reader.number(2)? == 1,
                position: reader.position(3)?,
            };
            if expected.remove(&record) != Some(&found) {
                findings.add_difference(format!("R{}", record.0), "erasures");
            }
        }
        for record in expected.keys() {
            findings.add_difference(format!("R{}", record.0), "erasures");
        }
        Ok(())
    }
}

const INSERT_ERASURES: RowStatement = RowStatement {
    before: "insert into erasures (record, versions, restricted, position) values",
    columns: 4,
    after: "on conflict (record) do update set versions = excluded.versions, \
        restricted = case when erasures.restricted = 1 then 1 else excluded.restricted end, \
        position = excluded.position",
};

const ERASE_PAYLOADS: RowStatement = RowStatement {
    before: "with erased (record, versions) as (values",
    columns: 2,
    after: ") update payloads set submitted = null, standard = null from erased \
        where payloads.record = erased.record and payloads.version <= erased.versions",
};

const DELETE_KEYS: RowStatement = RowStatement {
    before: "delete from record_keys where record in (values",
    columns: 1,
    after: ")",
};

/// What humans said in words of a merge, an assertion or a move of the record.
const ERASE_MERGE_REMARKS: RowStatement = RowStatement {
    before: "update remarks set reason = null where subject in \
        (select merge from merge_records where record in (values",
    columns: 1,
    after: "))",
};

const ERASE_ASSERTION_REMARKS: RowStatement = RowStatement {
    before: "update remarks set reason = null where subject in \
        (select assertion from assertion_records where record in (values",
    columns: 1,
    after: "))",
};

/// What readers wrote of questions that the record raised, or that were about a person
/// whose it is or was: nobody knows which of the values their words repeat.
const ERASE_TASK_REMARKS: RowStatement = RowStatement {
    before: "with erased (record) as (values",
    columns: 1,
    after: ") update remarks set reason = null where subject in \
        (select t.task from erased e join tasks t on t.record = e.record \
        union select t.task from erased e join links l on l.record = e.record \
            join tasks t on t.person_a = l.person \
        union select t.task from erased e join links l on l.record = e.record \
            join tasks t on t.person_b = l.person)",
};

const ERASE_RECORD_REMARKS: RowStatement = RowStatement {
    before: "update remarks set reason = null where position in \
        (select position from event_subjects where subject in (values",
    columns: 1,
    after: "))",
};

impl Store {
    /// Records that their sources' retention no longer allows to keep, at most
    /// `limit`, those that came first before the others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn expired_records(
        &self,
        now: Instant,
        limit: u32,
    ) -> Result<Vec<(SourceCode, LocalId)>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select r.record, r.source, r.local_id from sources s \
             join records r on r.source = s.code \
             join record_versions v on v.record = r.record and v.version = r.latest_version \
             left join erasures e on e.record = r.record \
             where s.retention_days is not null \
             and v.received_at < $1 - s.retention_days * 86400000000 \
             and (e.versions is null or e.versions < r.latest_version) \
             order by r.record limit $2",
        )
        .bind(now.microseconds())
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        let named = rows.iter().map(|row| {
            let reader = Reader::numbered(row, "records")?;
            let source = reader.parsed(1, "source", parse_source)?;
            Ok((source, reader.parsed(2, "local_id", parse_local_id)?))
        });
        named.collect()
    }

    /// Takes off the database's file what erased rows have left in it: on SQLite the
    /// file is written anew and the log emptied, while which nobody writes; on
    /// PostgreSQL the tables are vacuumed. False where a reader still needed the log:
    /// to be called again.
    ///
    /// # Errors
    /// What the database says.
    pub async fn scrub(&self) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        // No reader of this process may hold the file as it was.
        self.inner.readers.note_change();
        let connection = writer.connection().await?;
        let last = last_erasure(connection).await?;
        if !db::scrub(connection).await? {
            return Ok(false);
        }
        db::query(
            "insert into meta (key, value) values ($1, $2) \
             on conflict (key) do update set value = excluded.value",
        )
        .bind(SCRUBBED)
        .bind(last.to_string())
        .execute(connection)
        .await?;
        self.inner.readers.note_change();
        Ok(true)
    }

    /// Whether something was erased since the file was last scrubbed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn scrub_is_due(&self) -> Result<bool, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let last = last_erasure(&mut connection).await?;
        let known = db::query("select value from meta where key = $1").bind(SCRUBBED);
        let known = known.fetch_optional(&mut connection).await?;
        let known: Option<String> = known.map(|row| row.try_get(0)).transpose()?;
        let scrubbed = known.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(last > scrubbed)
    }
}

/// Key of `meta`: the last erasure that nothing is left of in the file.
const SCRUBBED: &str = "scrubbed";

/// Position of the last erasure, 0 without one.
async fn last_erasure(connection: &mut Connection) -> Result<i64, StoreError> {
    let row = db::query("select coalesce(max(position), 0) from erasures")
        .fetch_one(connection)
        .await?;
    row.try_get(0)
}
