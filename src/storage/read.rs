//! What flows read beside commands: candidates for a comparison, persons,
//! records, tasks. Each answer is of one snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::registry::{LocalId, Member, PersonStatus, RecordState, SourceCode, VersionStanding};
use crate::storage::db::{self, Connection};
use crate::storage::read_flags::is_restricted;
use crate::storage::recent::{Wanted, Young, by_key, find_recent, find_stored};
use crate::storage::rows::{
    Reader, parse_person, parse_task, person_status, record_from, select_records,
};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

/// A person as a candidate: its active records with their values.
#[derive(Debug, Clone)]
pub struct StoredPerson {
    /// Its id.
    pub person: PersonId,
    /// A score of these members holds while this stands.
    pub revision: EventPosition,
    /// Members in order of number.
    pub members: Vec<Member>,
    /// A record of the person, withdrawn ones included, restricts its location:
    /// the flag outlives the record that brought it (R111).
    pub restricted: bool,
}

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

/// Records that the index does not hold yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YoungRecords {
    /// Those that are looked at.
    pub records: BTreeSet<RecordNumber>,
    /// Keys that hold more: how many there are, and how many are looked at.
    pub crowded: BTreeMap<u64, (u64, u64)>,
}

const CANDIDATES: RowStatement = RowStatement {
    before: "select p.person, p.revision, l.record, r.current_version, y.standard, r.status \
        from persons p \
        join links l on l.person = p.person \
        join records r on r.record = l.record \
            and (l.to_position is null or r.status = 'withdrawn') \
        join payloads y on y.record = r.record and y.version = r.current_version \
        where y.standard is not null and p.person in \
        (select person from links where to_position is null and record in (values",
    columns: 1,
    after: ")) order by p.person, l.record",
};

impl Store {
    /// The persons of these records with all their members: what a search by
    /// the index is scored on. In order of id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn candidate_persons(
        &self,
        records: &[RecordNumber],
    ) -> Result<Vec<StoredPerson>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = CANDIDATES
            .select(&mut connection, &[], records, |query, number| {
                query.bind(number.0)
            })
            .await?;
        let mut persons: Vec<StoredPerson> = Vec::new();
        let mut seen: BTreeSet<(PersonId, RecordNumber)> = BTreeSet::new();
        for row in &rows {
            let reader = Reader::named(row, "persons")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let record = RecordNumber(reader.number(2)?);
            // A long list is asked in parts, which may name one person twice.
            let Some(standard) = reader.standard(4)? else {
                continue;
            };
            if !seen.insert((person, record)) {
                continue;
            }
            if persons.last().is_none_or(|last| last.person != person) {
                persons.push(StoredPerson {
                    person,
                    revision: reader.position(1)?,
                    members: Vec::new(),
                    restricted: false,
                });
            }
            let Some(last) = persons.last_mut() else {
                continue;
            };
            last.restricted |= standard.restricted;
            if row.try_get::<&str>(5)? != "withdrawn" {
                last.members.push(Member {
                    record,
                    version: reader.count(3, "current_version")?,
                    standard,
                });
            }
        }
        persons.retain(|candidate| !candidate.members.is_empty());
        persons.sort_by_key(|candidate| candidate.person);
        Ok(persons)
    }

    /// Records younger than `after` that are stored under any of the keys, in
    /// order of number: what the index may not know yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn recent_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Result<Vec<RecordNumber>, StoreError> {
        let young = self.young_records(keys, after).await?;
        Ok(young.records.into_iter().collect())
    }

    /// The same, with the keys that hold more than are looked at.
    ///
    /// # Errors
    /// What the database says.
    pub async fn young_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Result<YoungRecords, StoreError> {
        let found = if let Some(remembered) = self.remembered_records(keys, after) {
            remembered
        } else {
            let mut connection = self.inner.readers.acquire().await?;
            let young = &self.inner.young;
            if let Some(horizon) = young.horizon(&mut connection).await? {
                let wanted = Wanted {
                    after,
                    upto: after,
                    horizon: Some(horizon),
                };
                find_recent(&mut connection, &young.keys, keys, wanted).await?
            } else {
                let rows = find_stored(&mut connection, keys, after).await?;
                by_key(&rows)
            }
        };
        let mut young = YoungRecords::default();
        for (key, found) in found {
            if found.is_cut() {
                let counts = (found.held as u64, found.records.len() as u64);
                young.crowded.insert(key, counts);
            }
            young.records.extend(found.records);
        }
        Ok(young)
    }

    fn remembered_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Option<BTreeMap<u64, Young>> {
        let keys_of_young = self.inner.alone.then_some(&self.inner.young.keys)?;
        let recent = keys_of_young.read().unwrap_or_else(PoisonError::into_inner);
        let find = |key: &u64| (*key, recent.find(*key, after));
        recent
            .covers(after)
            .then(|| keys.iter().map(find).collect())
    }

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
        let rows =
            db::query("select task from tasks where record = $1 and status = 'open' order by task")
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

async fn person_row(
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

async fn open_tasks(
    connection: &mut Connection,
    person: PersonId,
) -> Result<Vec<TaskId>, StoreError> {
    let rows = db::query(
        "select task from tasks where status = 'open' and person_a = $1 \
         union select task from tasks where status = 'open' and person_b = $1 order by task",
    )
    .bind(person.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(task_id).collect()
}

async fn versions(
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
fn submitted(
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
