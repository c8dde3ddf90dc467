//! The ledger as it was known at an instant: the same fold as ever, over the
//! events of commits that are not later (ADR 0007). Payloads are read as they
//! are now: what has been erased since is absent, and what masks a record is
//! asked of the present.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::registry::{LocalId, PersonStatus, RegistryEvent, RegistryState, SourceCode, TaskState};
use crate::storage::db::{self, Connection};
use crate::storage::feed::event_from;
use crate::storage::history::retired_into;
use crate::storage::read::{person_row, submitted, versions};
use crate::storage::read_flags::{has_restricted_version, is_restricted, was_erased_restricted};
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;
use crate::storage::{
    Store, StoreError, StoredEvent, StoredMember, StoredPersonView, StoredRecord,
};

/// An instant of knowledge: all commits that are not later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub at: Instant,
    /// Position of the last event that counts.
    pub position: EventPosition,
}

/// A person as it was known then.
#[derive(Debug, Clone)]
pub struct PastPerson {
    /// As for the present; whether it is restricted is of now.
    pub view: StoredPersonView,
    /// The tasks that were open about it, in order of id.
    pub questions: Vec<(TaskId, TaskState)>,
    /// Whether its location was restricted then: by a record that was its own, or
    /// that had been when its source withdrew it.
    pub restricted_then: bool,
}

/// By position, so that commits which do not see one another stay apart.
const EVENTS: RowStatement = RowStatement {
    before: "select e.position, e.at, e.actor, e.request_id, e.body, e.stamp \
        from event_subjects s join events e on e.position = s.position \
        where e.at <= $1 and s.subject in (values",
    columns: 1,
    after: ") order by e.position",
};

const OWNERS: RowStatement = RowStatement {
    before: "select distinct person from links where to_position is null and record in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// The moment of an instant; `None` when it lies in the future. `present`
    /// is the caller's clock.
    ///
    /// # Errors
    /// What the database says.
    pub async fn moment(
        &self,
        at: Instant,
        present: Instant,
    ) -> Result<Option<Moment>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let row = db::query(
            "select coalesce((select position from events where at <= $1 \
             order by at desc, position desc limit 1), 0), \
             coalesce((select max(at) from events), 0)",
        )
        .bind(at.microseconds())
        .fetch_one(&mut snapshot)
        .await?;
        let last = Instant::from_microseconds(row.try_get(1)?);
        let present = db::present(&mut snapshot).await?.unwrap_or(present);
        if at > present.max(last) {
            return Ok(None);
        }
        Ok(Some(Moment {
            at,
            position: EventPosition(row.try_get(0)?),
        }))
    }

    /// A person, followed to who it was then; `None` when nobody knew the id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn load_person_as_of(
        &self,
        person: PersonId,
        moment: Moment,
    ) -> Result<Option<PastPerson>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let mut past = Past::new(moment);
        let Some((chain, status)) = past.follow(&mut snapshot, person).await? else {
            return Ok(None);
        };
        let survivor = chain.last().copied().unwrap_or(person);
        let state = past.fold();
        let known = state.persons.get(&survivor);
        let numbers: BTreeSet<RecordNumber> =
            known.map_or_else(BTreeSet::new, |known| known.members.clone());
        let subjects = numbers.iter().map(|number| format!("R{}", number.0));
        past.fetch(&mut snapshot, subjects.collect()).await?;
        past.fetch_tasks(&mut snapshot).await?;
        let state = past.fold();
        let mut members = Vec::with_capacity(numbers.len());
        for number in &numbers {
            let Some(record) = state.records.get(number) else {
                return Err(StoreError::inconsistent("events", "record", number.0));
            };
            let version = record.current.version;
            let (submitted, standard) = load_submitted(&mut snapshot, *number, version).await?;
            members.push(StoredMember {
                state: record.clone(),
                standard,
                submitted,
            });
        }
        let says = |member: &StoredMember| member.standard.as_ref().is_some_and(|it| it.restricted);
        let restricted_then = members.iter().any(says)
            || past
                .withdrawn_flags(&mut snapshot, &state, survivor)
                .await?;
        let numbers: Vec<RecordNumber> = numbers.into_iter().collect();
        let restricted = restricts_now(&mut snapshot, &[person, survivor], &numbers).await?;
        let questions: Vec<(TaskId, TaskState)> = state
            .open_tasks_of(survivor)
            .map(|(task, state)| (task, state.clone()))
            .collect();
        let revision = state.persons.get(&survivor).map(|known| known.revision);
        let view = StoredPersonView {
            requested: person,
            status,
            chain,
            revision: revision.unwrap_or_default(),
            members,
            tasks: questions.iter().map(|(task, _)| *task).collect(),
            restricted,
        };
        Ok(Some(PastPerson {
            view,
            questions,
            restricted_then,
        }))
    }

    /// A record with the versions that it had then; `None` when nobody knew it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_record_as_of(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
        moment: Moment,
    ) -> Result<Option<StoredRecord>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let row = db::query("select record from records where source = $1 and local_id = $2")
            .bind(source.as_str().to_owned())
            .bind(local_id.as_str().to_owned())
            .fetch_optional(&mut snapshot)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let number = RecordNumber(row.try_get(0)?);
        let mut past = Past::new(moment);
        past.fetch(&mut snapshot, vec![format!("R{}", number.0)])
            .await?;
        past.fetch_tasks(&mut snapshot).await?;
        let state = past.fold();
        let Some(record) = state.records.get(&number) else {
            return Ok(None);
        };
        let mut versions = versions(&mut snapshot, record).await?;
        versions.retain(|version| version.version <= record.latest_version);
        let tasks = state.tasks.iter();
        let tasks = tasks
            .filter(|(_, task)| task.waits() && task.record == number)
            .map(|(task, _)| *task);
        Ok(Some(StoredRecord {
            tasks: tasks.collect(),
            state: record.clone(),
            versions,
        }))
    }

    /// The person and all ids that had retired into it then, the person first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn person_and_retired_as_of(
        &self,
        person: PersonId,
        moment: Moment,
    ) -> Result<Vec<PersonId>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let mut all = vec![person];
        let mut asked = 0;
        while asked < all.len() {
            let ever = retired_into(&mut snapshot, &all[asked..]).await?;
            asked = all.len();
            for retired in ever {
                let mut past = Past::new(moment);
                let followed = past.follow(&mut snapshot, retired).await?;
                let survivor = followed.and_then(|(chain, _)| chain.last().copied());
                if survivor == Some(person) && !all.contains(&retired) {
                    all.push(retired);
                }
            }
        }
        Ok(all)
    }

    /// Whether what these persons and records say of their location is masked
    /// now, whenever it was said (R111).
    ///
    /// # Errors
    /// What the database says.
    pub async fn is_masked(
        &self,
        persons: &[PersonId],
        records: &[RecordNumber],
    ) -> Result<bool, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        restricts_now(&mut snapshot, persons, records).await
    }
}

/// Events of some subjects up to a moment.
struct Past {
    moment: Moment,
    events: BTreeMap<EventPosition, RegistryEvent>,
    asked: BTreeSet<String>,
}

impl Past {
    const fn new(moment: Moment) -> Self {
        Self {
            moment,
            events: BTreeMap::new(),
            asked: BTreeSet::new(),
        }
    }

    async fn fetch(
        &mut self,
        connection: &mut Connection,
        subjects: Vec<String>,
    ) -> Result<(), StoreError> {
        let new = subjects
            .into_iter()
            .filter(|subject| self.asked.insert(subject.clone()));
        let new: Vec<String> = new.collect();
        let rows = EVENTS
            .select(
                connection,
                &[self.moment.at.microseconds()],
                &new,
                |query, subject| query.bind(subject.clone()),
            )
            .await?;
        for row in &rows {
            let StoredEvent {
                position, event, ..
            } = event_from(row)?;
            self.events.insert(position, event);
        }
        Ok(())
    }

    /// What happened to the tasks that the events so far have opened.
    async fn fetch_tasks(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let opened = self.events.values().filter_map(|event| match event {
            RegistryEvent::TaskOpened { task, .. } => Some(task.to_string()),
            _ => None,
        });
        let opened: Vec<String> = opened.collect();
        self.fetch(connection, opened).await
    }

    /// The ids that had replaced a person, and how the last one stood.
    async fn follow(
        &mut self,
        connection: &mut Connection,
        person: PersonId,
    ) -> Result<Option<(Vec<PersonId>, PersonStatus)>, StoreError> {
        let (mut at, mut chain) = (person, Vec::new());
        loop {
            self.fetch(connection, vec![at.to_string()]).await?;
            let state = self.fold();
            let Some(known) = state.persons.get(&at) else {
                return Ok(None);
            };
            let PersonStatus::Retired { replaced_by } = known.status else {
                return Ok(Some((chain, known.status)));
            };
            if chain.contains(&replaced_by) || replaced_by == person {
                return Err(StoreError::inconsistent("events", "replaced_by", person));
            }
            chain.push(replaced_by);
            at = replaced_by;
        }
    }

    /// Whether a record that had left the person by withdrawal restricted it, or one
    /// that has been erased since.
    async fn withdrawn_flags(
        &mut self,
        connection: &mut Connection,
        state: &RegistryState,
        person: PersonId,
    ) -> Result<bool, StoreError> {
        let left = state.withdrawn.iter();
        let left = left.filter(|(_, persons)| persons.contains(&person));
        let left: Vec<RecordNumber> = left.map(|(record, _)| *record).collect();
        let members = state.persons.get(&person).map(|known| &known.members);
        let all: Vec<RecordNumber> = members
            .into_iter()
            .flatten()
            .chain(&left)
            .copied()
            .collect();
        if was_erased_restricted(connection, &all).await? {
            return Ok(true);
        }
        let subjects = left.iter().map(|number| format!("R{}", number.0));
        self.fetch(connection, subjects.collect()).await?;
        let state = self.fold();
        for number in left {
            let Some(record) = state.records.get(&number) else {
                continue;
            };
            let (_, standard) = load_submitted(connection, number, record.current.version).await?;
            if standard.is_some_and(|standard| standard.restricted) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What follows from the events.
    fn fold(&self) -> RegistryState {
        let mut state = RegistryState::default();
        for (position, event) in &self.events {
            state.counters.position = EventPosition(position.0 - 1);
            state.apply(event);
        }
        state
    }
}

/// What a version says, as sent and standardised; absent after an erasure.
async fn load_submitted(
    connection: &mut Connection,
    record: RecordNumber,
    version: u32,
) -> Result<(Option<SubmittedRecord>, Option<Arc<StandardRecord>>), StoreError> {
    let row = db::query(
        "select record, submitted, standard from payloads where record = $1 and version = $2",
    )
    .bind(record.0)
    .bind(i64::from(version))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok((None, None));
    };
    let reader = Reader::numbered(&row, "payloads")?;
    let sent = submitted(reader.text_or_null(1)?, record)?;
    Ok((sent, reader.standard(2)?))
}

/// What of today masks persons and records of the past: a flag on any version of
/// a record shown, on a person shown, on who it is now, or on who has a record now.
async fn restricts_now(
    connection: &mut Connection,
    persons: &[PersonId],
    records: &[RecordNumber],
) -> Result<bool, StoreError> {
    if has_restricted_version(connection, records).await? {
        return Ok(true);
    }
    let mut all: BTreeSet<PersonId> = persons.iter().copied().collect();
    let rows = OWNERS
        .select(connection, &[], records, |query, record| {
            query.bind(record.0)
        })
        .await?;
    for row in &rows {
        all.insert(Reader::named(row, "links")?.parsed(0, "person", parse_person)?);
    }
    for person in all.clone() {
        let mut at = person;
        while let Some((PersonStatus::Retired { replaced_by }, _)) =
            person_row(connection, at).await?
        {
            if !all.insert(replaced_by) {
                break;
            }
            at = replaced_by;
        }
    }
    for person in all {
        if is_restricted(connection, person).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
