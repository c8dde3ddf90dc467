//! The part of the registry that a batch of commands needs, loaded in few
//! statements for the whole batch, and completed before each command by what
//! the commands before it have brought into its reach.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::PoisonError;

use crate::foundation::{AssertionId, EventPosition, PersonId, RecordNumber};
use crate::registry::{
    Counters, PersonState, PersonStatus, RecordNumberCounter, RegistryState, SourceCode,
    claimed_number,
};
use crate::storage::StoreError;
use crate::storage::claims;
use crate::storage::command::{CommitReads, Planned, ReadSet, RememberedAnswer, needed_after};
use crate::storage::db::{self, Connection, Row};
use crate::storage::first_load;
use crate::storage::found::Found;
use crate::storage::locks::Touched;
use crate::storage::merge_counts::MergeCounts;
use crate::storage::recent::{Wanted, YoungKeys, find_recent};
use crate::storage::rows::{
    Reader, parse_assertion, parse_person, person_status, record_from, select_records,
};
use crate::storage::seals;
use crate::storage::source_state;
use crate::storage::sql::RowStatement;
use crate::storage::task_rows::{select_tasks, task_from};

const REMEMBERED: RowStatement = RowStatement {
    before: "select actor, key, digest, status, body from idempotency \
        where (actor, key) in (values",
    columns: 2,
    after: ")",
};

const ANSWERS: RowStatement = RowStatement {
    before: "select r.record, v.answer from records r join record_versions v \
        on v.record = r.record and v.version = r.current_version where r.record in (values",
    columns: 1,
    after: ")",
};

const PERSONS: RowStatement = RowStatement {
    before: "select p.person, p.status, p.replaced_by, p.revision, l.record, a.assertion \
        from persons p \
        left join links l on l.person = p.person and l.to_position is null \
        left join assertion_records a on a.record = l.record \
        where p.person in (values",
    columns: 1,
    after: ")",
};

const TASKS: RowStatement = RowStatement {
    before: "with asked (person) as (values",
    columns: 1,
    after: concat!(
        ") ",
        select_tasks!("where stage <> 'closed' and person_a in (select person from asked)"),
        " union all ",
        select_tasks!("where stage <> 'closed' and person_b in (select person from asked)")
    ),
};

const NAMED: RowStatement = RowStatement {
    before: select_records!("where (r.source, r.local_id) in (values"),
    columns: 2,
    after: ")",
};

const NUMBERED: RowStatement = RowStatement {
    before: select_records!("where r.record in (values"),
    columns: 1,
    after: ")",
};

/// What a batch works on; by default nothing.
#[derive(Default)]
pub(super) struct Working {
    pub(super) state: RegistryState,
    /// Positions that may be used after the first: one command may use half.
    positions: i64,
    first: i64,
    /// The position before all events of the batch.
    opened: i64,
    /// Persons as they were found, before the batch changed them.
    found: BTreeMap<PersonId, Found>,
    /// Quarantines that held before the batch.
    quarantined: BTreeMap<SourceCode, EventPosition>,
    answers: HashMap<RecordNumber, String>,
    remembered: HashMap<(String, String), RememberedAnswer>,
    asked_persons: HashSet<PersonId>,
    merging: MergeCounts,
}

impl Working {
    /// Loads for all commands at once, inside the write transaction; nothing where
    /// none of them reads.
    pub(super) async fn open(
        connection: &mut Connection,
        young: &YoungKeys,
        reads: &[&ReadSet],
    ) -> Result<Self, StoreError> {
        let mut working = Self::default();
        if reads.is_empty() {
            return Ok(working);
        }
        let numbers = first_load::numbers(connection, reads).await?;
        working.state.counters = Counters {
            position: EventPosition(numbers.position),
            record: RecordNumberCounter(numbers.record),
        };
        working.positions = numbers.positions;
        (working.first, working.opened) = (numbers.position, numbers.position);
        working.load_remembered(connection, reads).await?;
        working.load_named(connection, reads).await?;
        source_state::load(connection, &young.windows, &mut working.state, reads).await?;
        working.quarantined = working.state.quarantined_since();
        let claiming = claims::load(connection, &mut working.state, reads).await?;
        working.load_records(connection, claiming).await?;
        working.merging = MergeCounts::load(connection, reads).await?;
        working.load_recent(connection, young, reads).await?;
        working.complete(connection, reads).await?;
        Ok(working)
    }

    /// Completes what one command needs, after the commands before it.
    pub(super) async fn prepare(
        &mut self,
        connection: &mut Connection,
        read: &ReadSet,
    ) -> Result<(), StoreError> {
        self.complete(connection, &[read]).await
    }

    /// Makes sure that the next command has numbers enough for its events.
    pub(super) async fn number_next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<(), StoreError> {
        let used = self.state.counters.position.0 - self.first;
        if used > self.positions {
            return Err(StoreError::inconsistent("events", "position", used));
        }
        if used > self.positions / 2 {
            let numbers = db::numbers(connection).await?;
            self.first = numbers.position;
            self.state.counters.position = EventPosition(numbers.position);
        }
        Ok(())
    }

    /// What the store knows for a command beside the state.
    pub(super) fn reads(&self, read: &ReadSet) -> CommitReads {
        let first = read.records.first();
        let number = first.and_then(|name| self.state.names.get(name));
        CommitReads {
            remembered: read
                .idempotency
                .as_ref()
                .and_then(|key| self.remembered.get(key).cloned()),
            current_answer: number.and_then(|number| self.answers.get(number).cloned()),
            merges_made: self.merging.of(read),
        }
    }

    /// Lets the next command see values, keys and answers of a plan whose
    /// events the state has applied.
    pub(super) fn remember(&mut self, plan: &Planned<()>) {
        self.merging.take(&plan.events, &self.state);
        for version in &plan.versions {
            let record = self.state.records.get(&version.record);
            if record.is_some_and(|record| record.current.version == version.version) {
                let standard = std::sync::Arc::clone(&version.standard);
                let number = claimed_number(&standard);
                if let Some(claims) = number.and_then(|it| self.state.claims.get_mut(&it)) {
                    claims.insert(version.record);
                }
                self.state.standards.insert(version.record, standard);
                self.answers.insert(version.record, version.answer.clone());
            }
        }
        for (record, keys) in &plan.keys {
            for key in keys {
                self.state
                    .recent_keys
                    .entry(*key)
                    .or_default()
                    .insert(*record);
            }
        }
        if let Some(answer) = &plan.remember {
            let key = (answer.actor.clone(), answer.key.clone());
            self.remembered.insert(key, answer.clone());
        }
    }

    async fn load_remembered(
        &mut self,
        connection: &mut Connection,
        reads: &[&ReadSet],
    ) -> Result<(), StoreError> {
        let keys = distinct(reads.iter().filter_map(|read| read.idempotency.clone()));
        let rows = REMEMBERED
            .select(connection, &[], &keys, |query, (actor, key)| {
                query.bind(actor.clone()).bind(key.clone())
            })
            .await?;
        for row in &rows {
            let reader = Reader::named(row, "idempotency")?;
            let status = u16::try_from(reader.number(3)?);
            let answer = RememberedAnswer {
                actor: reader.text(0)?,
                key: reader.text(1)?,
                digest: reader.text(2)?,
                status: status.map_err(|_| reader.wrong("status"))?,
                body: reader.text(4)?,
            };
            let key = (answer.actor.clone(), answer.key.clone());
            self.remembered.insert(key, answer);
        }
        Ok(())
    }

    async fn load_named(
        &mut self,
        connection: &mut Connection,
        reads: &[&ReadSet],
    ) -> Result<(), StoreError> {
        let names = distinct(reads.iter().flat_map(|read| read.records.iter().cloned()));
        let rows = NAMED
            .select(connection, &[], &names, |query, (source, local_id)| {
                query
                    .bind(source.as_str().to_owned())
                    .bind(local_id.as_str().to_owned())
            })
            .await?;
        let numbers = self.insert_records(&rows)?;
        self.load_said_of(connection, &numbers).await?;
        let rows = ANSWERS
            .select(connection, &[], &numbers, |query, number| {
                query.bind(number.0)
            })
            .await?;
        for row in &rows {
            self.answers
                .insert(RecordNumber(row.try_get(0)?), row.try_get(1)?);
        }
        Ok(())
    }

    async fn load_recent(
        &mut self,
        connection: &mut Connection,
        young: &YoungKeys,
        reads: &[&ReadSet],
    ) -> Result<(), StoreError> {
        let keys = distinct(reads.iter().flat_map(|read| read.keys.iter().copied()));
        let upto = self.state.counters.position;
        if keys.is_empty() {
            if !connection.is_shared() {
                let mut recent = young.keys.write().unwrap_or_else(PoisonError::into_inner);
                recent.prepare(upto, upto);
            }
            return Ok(());
        }
        let wanted = Wanted {
            after: needed_after(reads, upto),
            upto,
            horizon: young.horizon(connection).await?,
        };
        let mut records = BTreeSet::new();
        for (key, found) in find_recent(connection, &young.keys, &keys, wanted).await? {
            if found.held == 0 {
                continue;
            }
            if found.is_cut() {
                self.state.crowded_keys.insert(key);
            }
            records.extend(found.records.iter().copied());
            self.state.recent_keys.insert(key, found.records);
        }
        self.load_records(connection, records).await
    }

    /// Whether, under their locks, persons and quarantines still are as found, and no
    /// event about the persons has a place after ours: who takes it first may read last.
    pub(super) async fn unmoved(
        &self,
        connection: &mut Connection,
        touched: &Touched,
    ) -> Result<bool, StoreError> {
        let mut again = Self::default();
        again
            .load_persons(connection, touched.persons.clone())
            .await?;
        let same_persons = touched.persons.iter().all(|person| {
            let found = self.found.get(person);
            found == again.found.get(person)
                && found.is_none_or(|found| found.is_before(self.opened))
        });
        let now = source_state::open_quarantines(connection, &touched.sources).await?;
        let quarantined = |source| self.quarantined.get(source);
        let mut sources = touched.sources.iter();
        Ok(same_persons && sources.all(|source| quarantined(source) == now.get(source)))
    }

    /// Loads persons, tasks and members until each read finds what it needs.
    async fn complete(
        &mut self,
        connection: &mut Connection,
        reads: &[&ReadSet],
    ) -> Result<(), StoreError> {
        let mut persons: BTreeSet<PersonId> = BTreeSet::new();
        for read in reads {
            persons.extend(self.reach(read));
            persons.extend(read.persons.iter().map(|(person, _)| *person));
            persons.extend(&read.whole);
        }
        let named = self.load_named_merges(connection, reads).await?;
        let mut members = BTreeSet::new();
        persons.extend(&named);
        self.load_persons(connection, persons).await?;
        let joined = self.joined(reads, named);
        self.load_families(connection, joined.clone()).await?;
        self.load_proposals(connection).await?;
        for read in reads {
            for person in self.whole_persons(read) {
                let known = self.state.persons.get(&person);
                members.extend(known.iter().flat_map(|known| known.members.iter().copied()));
            }
        }
        self.load_records(connection, members).await?;
        source_state::load_chains_of(connection, &mut self.state, &joined).await?;
        seals::load(connection, &mut self.state).await
    }

    /// Persons of the records that a command names or finds by key.
    pub(super) fn reach(&self, read: &ReadSet) -> BTreeSet<PersonId> {
        let named = read
            .records
            .iter()
            .filter_map(|name| self.state.names.get(name));
        let recent = read
            .keys
            .iter()
            .filter_map(|key| self.state.recent_keys.get(key));
        named
            .chain(recent.flatten())
            .filter_map(|number| self.state.records.get(number)?.link.as_ref())
            .map(|link| link.person)
            .collect()
    }

    /// Persons of which a command needs every member.
    fn whole_persons(&self, read: &ReadSet) -> BTreeSet<PersonId> {
        let mut whole = self.reach(read);
        whole.extend(self.joined_whole(read));
        for (person, revision) in &read.persons {
            let survivor = self.survivor(*person);
            let known = self.state.persons.get(&survivor);
            if survivor != *person || known.is_some_and(|known| known.revision != *revision) {
                whole.insert(survivor);
            }
        }
        whole
    }

    pub(super) fn survivor(&self, person: PersonId) -> PersonId {
        let mut survivor = person;
        for _ in 0..self.state.persons.len() {
            match self.state.persons.get(&survivor).map(|known| known.status) {
                Some(PersonStatus::Retired { replaced_by }) => survivor = replaced_by,
                _ => break,
            }
        }
        survivor
    }

    pub(super) async fn load_persons(
        &mut self,
        connection: &mut Connection,
        persons: BTreeSet<PersonId>,
    ) -> Result<(), StoreError> {
        let mut wanted: Vec<PersonId> = persons.into_iter().collect();
        loop {
            wanted.retain(|person| {
                !self.state.persons.contains_key(person) && self.asked_persons.insert(*person)
            });
            if wanted.is_empty() {
                return Ok(());
            }
            let rows = PERSONS
                .select(connection, &[], &wanted, |query, person| {
                    query.bind(person.to_string())
                })
                .await?;
            self.load_tasks(connection, &wanted).await?;
            let (replacing, said) = self.insert_persons(&rows)?;
            self.load_assertions(connection, said).await?;
            if connection.is_shared() {
                self.keep_found(&wanted);
            }
            wanted = replacing;
        }
    }

    fn keep_found(&mut self, persons: &[PersonId]) {
        for person in persons {
            self.found.insert(*person, Found::of(&self.state, *person));
        }
    }

    /// Takes person rows, one for each member and assertion about it; gives the
    /// persons that replace retired ones, and the assertions.
    fn insert_persons(
        &mut self,
        rows: &[Row],
    ) -> Result<(Vec<PersonId>, BTreeSet<AssertionId>), StoreError> {
        let (mut replacing, mut said) = (Vec::new(), BTreeSet::new());
        for row in rows {
            let reader = Reader::named(row, "persons")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let replaced_by = reader.parsed_or_null(2, "replaced_by", parse_person)?;
            let status = reader.parsed(1, "status", |word| person_status(word, replaced_by))?;
            replacing.extend(replaced_by);
            let revision = reader.position(3)?;
            let known = self.state.persons.entry(person);
            let known = known.or_insert_with(|| PersonState {
                status,
                members: BTreeSet::new(),
                revision,
            });
            known
                .members
                .extend(reader.number_or_null(4)?.map(RecordNumber));
            said.extend(reader.parsed_or_null(5, "assertion", parse_assertion)?);
        }
        Ok((distinct(replacing), said))
    }

    async fn load_tasks(
        &mut self,
        connection: &mut Connection,
        persons: &[PersonId],
    ) -> Result<(), StoreError> {
        let rows = TASKS
            .select(connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        for row in &rows {
            let (task, state) = task_from(row)?;
            // A command of this batch may have changed it since.
            self.state.tasks.insert_new(task, state);
        }
        Ok(())
    }

    pub(super) async fn load_records(
        &mut self,
        connection: &mut Connection,
        records: BTreeSet<RecordNumber>,
    ) -> Result<(), StoreError> {
        let missing = |number: &RecordNumber| !self.state.records.contains_key(number);
        let wanted: Vec<RecordNumber> = records.into_iter().filter(missing).collect();
        let rows = NUMBERED
            .select(connection, &[], &wanted, |query, number| {
                query.bind(number.0)
            })
            .await?;
        self.insert_records(&rows)?;
        Ok(())
    }

    fn insert_records(&mut self, rows: &[Row]) -> Result<Vec<RecordNumber>, StoreError> {
        let mut numbers = Vec::with_capacity(rows.len());
        for row in rows {
            let (record, standard) = record_from(row)?;
            let number = record.number;
            let name = (record.source.clone(), record.local_id.clone());
            self.state.names.insert(name, number);
            self.state.records.insert(number, record);
            if let Some(standard) = standard {
                self.state.standards.insert(number, standard);
            }
            numbers.push(number);
        }
        Ok(numbers)
    }
}

fn distinct<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let distinct: BTreeSet<T> = values.into_iter().collect();
    distinct.into_iter().collect()
}
