//! What flows read beside commands: persons, records, tasks. Each answer is of
//! one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::registry::{LocalId, PersonStatus, RecordState, SourceCode, VersionStanding};
use crate::storage::db::{self, Connection};
use crate::storage::read_flags::is_restricted;
use crate::storage::rows::{
    Reader, parse_person, parse_task, person_status, record_from, select_records,
};
use crate::storage::{Store, StoreError};

/// A person as people ask for it.
#[derive(Debug, Clone)]
pub struct StoredPersonView {
    /// The id asked for.
    pub requested: PersonId,
    /// The status of the last of the chain, or of the person itself.
    pub status: PersonStatus,
    /// The persons that replaced it, the last being who it is now; empty when
    /// it stands for itself.
    pub chain: Vec<PersonId>,
    /// Position of the last change of who it is now.
    pub revision: EventPosition,
    /// Active records of who it is now, in order of number.
    pub members: Vec<StoredMember>,
    /// Open tasks that name who it is now.
    pub tasks: Vec<TaskId>,
    /// As for a candidate: the flag outlives the record that brought it (R111).
    pub restricted: bool,
}

impl StoredPersonView {
    /// Who it is now.
    #[must_use]
    pub fn survivor(&self) -> PersonId {
        self.chain.last().copied().unwrap_or(self.requested)
    }
}

/// A record of a person with the current version's values; these are absent
/// after an erasure.
#[derive(Debug, Clone)]
pub struct StoredMember {
    /// The record and its link.
    pub state: RecordState,
    /// Its values, standardised.
    pub standard: Option<Arc<StandardRecord>>,
    /// Its values, as sent.
    pub submitted: Option<SubmittedRecord>,
}

/// A record with all its versions.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// The record and its link.
    pub state: RecordState,
    /// Versions, the first one first.
    pub versions: Vec<StoredVersion>,
    /// Open tasks that the record has raised.
    pub tasks: Vec<TaskId>,
}

/// A version.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Counted from 1.
    pub version: u32,
    /// SHA-256 of its payload.
    pub digest: String,
    /// What it is now.
    pub standing: VersionStanding,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// When it came.
    pub received_at: Instant,
    /// Position of its event.
    pub position: EventPosition,
    /// Account that sent it.
    pub actor: String,
    /// As sent; absent after an erasure.
    pub submitted: Option<SubmittedRecord>,
    /// Findings as JSON.
    pub findings: String,
    /// The sender's answer as JSON.
    pub answer: String,
}

impl Store {
    /// A person, followed to who it is now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn load_person(
        &self,
        person: PersonId,
    ) -> Result<Option<StoredPersonView>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let Some((mut status, mut revision)) = person_row(&mut snapshot, person).await? else {
            return Ok(None);
        };
        let mut chain = Vec::new();
        while let PersonStatus::Retired { replaced_by } = status {
            // A cycle cannot be written; a broken ledger must not hang a reader.
            if chain.contains(&replaced_by) || replaced_by == person {
                return Err(StoreError::inconsistent("persons", "replaced_by", person));
            }
            chain.push(replaced_by);
            let next = person_row(&mut snapshot, replaced_by).await?;
            (status, revision) =
                next.ok_or_else(|| StoreError::inconsistent("persons", "replaced_by", person))?;
        }
        let survivor = chain.last().copied().unwrap_or(person);
        Ok(Some(StoredPersonView {
            requested: person,
            status,
            chain,
            revision,
            members: members(&mut snapshot, survivor).await?,
            tasks: open_tasks(&mut snapshot, survivor).await?,
            restricted: is_restricted(&mut snapshot, survivor).await?,
        }))
    }

    /// Whether a record of this name was ever registered.
    ///
    /// # Errors
    /// What the database says.
    pub async fn knows_record(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<bool, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query("select record from records where source = $1 and local_id = $2")
            .bind(source.as_str())
            .bind(local_id.as_str())
            .fetch_optional(&mut connection)
            .await?;
        Ok(row.is_some())
    }

    /// A record with its versions.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_record(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<Option<StoredRecord>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let row = db::query(select_records!("where r.source = $1 and r.local_id = $2"))
            .bind(source.as_str().to_owned())
            .bind(local_id.as_str().to_owned())
            .fetch_optional(&mut snapshot)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let (state, _) = record_from(&row)?;
        let versions = versions(&mut snapshot, &state).await?;
        let rows = db::query(OPEN_OF_RECORD)
            .bind(state.number.0)
            .fetch_all(&mut snapshot)
            .await?;
        let tasks = rows.iter().map(task_id).collect::<Result<_, _>>()?;
        Ok(Some(StoredRecord {
            state,
            versions,
            tasks,
        }))
    }
}

pub(super) async fn person_row(
    connection: &mut Connection,
    person: PersonId,
) -> Result<Option<(PersonStatus, EventPosition)>, StoreError> {
    let row =
        db::query("select person, status, replaced_by, revision from persons where person = $1")
            .bind(person.to_string())
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let reader = Reader::named(&row, "persons")?;
    let replaced_by = reader.parsed_or_null(2, "replaced_by", parse_person)?;
    let status = reader.parsed(1, "status", |word| person_status(word, replaced_by))?;
    Ok(Some((status, reader.position(3)?)))
}

async fn members(
    connection: &mut Connection,
    person: PersonId,
) -> Result<Vec<StoredMember>, StoreError> {
    let rows = db::query(select_records!("where l.person = $1 order by r.record"))
        .bind(person.to_string())
        .fetch_all(&mut *connection)
        .await?;
    let payloads = db::query(
        "select p.record, p.submitted from links l \
         join records r on r.record = l.record \
         join payloads p on p.record = r.record and p.version = r.current_version \
         where l.person = $1 and l.to_position is null",
    )
    .bind(person.to_string())
    .fetch_all(connection)
    .await?;
    let mut texts: BTreeMap<i64, Option<String>> = BTreeMap::new();
    for row in &payloads {
        texts.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let mut members = Vec::with_capacity(rows.len());
    for row in &rows {
        let (state, standard) = record_from(row)?;
        let text = texts.remove(&state.number.0).flatten();
        let submitted = submitted(text, state.number)?;
        members.push(StoredMember {
            state,
            standard,
            submitted,
        });
    }
    Ok(members)
}

/// Few questions are about one record or one person: they are found by that, and the
/// index of the queue, which holds all that wait, is kept out.
const OPEN_OF_RECORD: &str =
    "select task from tasks where record = $1 and status || '' = 'open' order by task";
const OPEN_OF_PERSON: &str = "select task from tasks where status || '' = 'open' and person_a = $1 \
     union select task from tasks where status || '' = 'open' and person_b = $1 order by task";

async fn open_tasks(
    connection: &mut Connection,
    person: PersonId,
) -> Result<Vec<TaskId>, StoreError> {
    let rows = db::query(OPEN_OF_PERSON)
        .bind(person.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(task_id).collect()
}

/// All versions of a record; `state` says which of them is current or held.
pub(super) async fn versions(
    connection: &mut Connection,
    state: &RecordState,
) -> Result<Vec<StoredVersion>, StoreError> {
    let rows = db::query(
        "select v.record, v.version, v.digest, v.effective_at, v.received_at, v.position, \
         v.actor, v.findings, v.answer, p.submitted from record_versions v \
         left join payloads p on p.record = v.record and p.version = v.version \
         where v.record = $1 order by v.version",
    )
    .bind(state.number.0)
    .fetch_all(connection)
    .await?;
    let held = state.held.as_ref().map(|held| held.version);
    let mut versions = Vec::with_capacity(rows.len());
    for row in &rows {
        let reader = Reader::numbered(row, "record_versions")?;
        let version = reader.count(1, "version")?;
        let standing = if version == state.current.version {
            VersionStanding::Current
        } else if Some(version) == held {
            VersionStanding::Held
        } else {
            VersionStanding::History
        };
        versions.push(StoredVersion {
            version,
            digest: reader.text(2)?,
            standing,
            effective_at: reader.instant_or_null(3)?,
            received_at: Instant::from_microseconds(reader.number(4)?),
            position: reader.position(5)?,
            actor: reader.text(6)?,
            findings: reader.text(7)?,
            answer: reader.text(8)?,
            submitted: submitted(reader.text_or_null(9)?, state.number)?,
        });
    }
    Ok(versions)
}

/// The error of the parser is left out: it would quote the value.
pub(super) fn submitted(
    text: Option<String>,
    record: RecordNumber,
) -> Result<Option<SubmittedRecord>, StoreError> {
    text.map(|text| {
        serde_json::from_str(&text)
            .map_err(|_| StoreError::inconsistent("payloads", "submitted", record.0))
    })
    .transpose()
}

fn task_id(row: &crate::storage::db::Row) -> Result<TaskId, StoreError> {
    Reader::named(row, "tasks")?.parsed(0, "task", parse_task)
}
