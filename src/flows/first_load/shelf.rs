//! What a load of an empty ledger knows: all of it, in memory. A record is named
//! by its place in the order in which it came.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::flows::FlowError;
use crate::flows::first_load::source_run::SourceRun;
use crate::foundation::limits::{YOUNG_RECORDS_OF_CROWD, YOUNG_RECORDS_PER_KEY_MAX};
use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::index::{KeysInMemory, RetrievalBounds};
use crate::matching::{BlockingKeys, FACET_BIT, LinkageModel};
use crate::registry::{
    Home, LinkState, LocalId, Member, NumberHash, PersonState, PersonStatus, PreparedPerson,
    RecordState, RecordStatus, Registration, RegistryState, SourceCode, TaskState, VersionStanding,
    VersionState, claimed_number,
};
use crate::storage::LoadedRecord;

/// All that decisions ask for.
#[derive(Default)]
pub(super) struct Shelf {
    keys: KeysInMemory,
    records: Vec<Kept>,
    persons: Vec<KeptPerson>,
    places: HashMap<PersonId, u32>,
    names: HashMap<(SourceCode, LocalId), u32>,
    tasks: HashMap<TaskId, TaskState>,
    claims: HashMap<NumberHash, Vec<u32>>,
    sources: BTreeMap<SourceCode, SourceRun>,
    /// Records since the last call of [`Shelf::settle`], by key.
    young: HashMap<u64, Vec<u32>>,
    unsettled: Vec<(u32, Vec<u64>)>,
}

/// A record.
struct Kept {
    number: RecordNumber,
    person: u32,
    standard: Arc<StandardRecord>,
    effective_at: Option<Instant>,
    digest: String,
}

/// A person.
struct KeptPerson {
    id: PersonId,
    revision: EventPosition,
    members: Vec<u32>,
    tasks: Vec<TaskId>,
}

/// Who a record may belong to, as far as earlier windows tell.
pub(super) struct Looked {
    persons: Vec<(u32, PreparedPerson)>,
    complete: bool,
}

/// A state that holds what one record's decision asks for, and what to put back.
pub(super) struct Reach {
    pub(super) state: RegistryState,
    pub(super) prepared: Vec<PreparedPerson>,
    pub(super) complete: bool,
    persons: Vec<u32>,
}

/// What a decided record brings to the shelf.
pub(super) struct Decided<'d> {
    pub(super) registration: &'d Registration,
    pub(super) record: RecordNumber,
    pub(super) person: PersonId,
    /// The keys under which it is found from now on.
    pub(super) keys: &'d [u64],
    pub(super) events: &'d [crate::registry::RegistryEvent],
    pub(super) deferred: bool,
}

impl Shelf {
    /// How many records it holds.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The digest of what is known of a record.
    pub(super) fn digest(&self, source: &SourceCode, local_id: &LocalId) -> Option<&str> {
        let place = self.names.get(&(source.clone(), local_id.clone()))?;
        Some(&self.records[*place as usize].digest)
    }

    /// Looks for persons among the records of earlier windows, and compares.
    pub(super) fn look(
        &self,
        model: &LinkageModel,
        record: &StandardRecord,
        keys: &BlockingKeys,
    ) -> Result<Looked, FlowError> {
        let found = self.keys.retrieve(keys, &RetrievalBounds::default())?;
        let persons: BTreeSet<u32> = found
            .records
            .iter()
            .filter_map(|place| usize::try_from(place.0).ok())
            .map(|place| self.records[place].person)
            .collect();
        let persons = persons
            .into_iter()
            .map(|person| (person, self.compare(model, record, person)));
        Ok(Looked {
            persons: persons.collect(),
            complete: !keys.probes.is_empty() && found.complete(),
        })
    }

    fn compare(&self, model: &LinkageModel, record: &StandardRecord, at: u32) -> PreparedPerson {
        let person = &self.persons[at as usize];
        let members = person.members.iter();
        let members = members.map(|place| &self.records[*place as usize]);
        let members: Vec<Member> = members
            .map(|kept| Member {
                record: kept.number,
                version: 1,
                standard: Arc::clone(&kept.standard),
            })
            .collect();
        let values: Vec<&StandardRecord> = members.iter().map(|it| it.standard.as_ref()).collect();
        PreparedPerson {
            person: person.id,
            revision: person.revision,
            score: model.score(record, &values),
            members,
        }
    }

    /// Loads what a decision asks for, as a commit would: the persons found, those
    /// of records of the same window, their tasks, claims of the same number, the
    /// source.
    pub(super) fn reach(
        &mut self,
        model: &LinkageModel,
        source: &SourceCode,
        standard: &StandardRecord,
        lock_hashes: &[u64],
        looked: Looked,
    ) -> Reach {
        let mut complete = looked.complete;
        let mut known: BTreeMap<u32, PreparedPerson> = looked.persons.into_iter().collect();
        let mut persons: BTreeSet<u32> = known.keys().copied().collect();
        for list in lock_hashes.iter().filter_map(|key| self.young.get(key)) {
            let mut taken = list.as_slice();
            if taken.len() > YOUNG_RECORDS_PER_KEY_MAX {
                complete = false;
                taken = &taken[taken.len() - YOUNG_RECORDS_OF_CROWD..];
            }
            persons.extend(
                taken
                    .iter()
                    .map(|place| self.records[*place as usize].person),
            );
        }
        let mut state = RegistryState::default();
        let mut prepared = Vec::with_capacity(persons.len());
        for at in &persons {
            let revision = self.persons[*at as usize].revision;
            let stands = known.remove(at).filter(|it| it.revision == revision);
            prepared.push(stands.unwrap_or_else(|| self.compare(model, standard, *at)));
            let person = &self.persons[*at as usize];
            for task in &person.tasks {
                let moved = self.tasks.remove(task);
                state.tasks.extend(moved.map(|known| (*task, known)));
            }
            let known = PersonState {
                status: PersonStatus::Active,
                members: BTreeSet::new(),
                revision,
            };
            state.persons.insert(person.id, known);
        }
        self.load_claims(model, &mut state, standard);
        if standard.death_date.is_some() {
            let members = persons
                .iter()
                .flat_map(|at| &self.persons[*at as usize].members);
            let records = members.map(|place| self.record_state(model, *place));
            let records: Vec<RecordState> = records.collect();
            state
                .records
                .extend(records.into_iter().map(|it| (it.number, it)));
        }
        let run = self.sources.entry(source.clone()).or_default();
        state.sources.insert(source.clone(), run.stand());
        Reach {
            state,
            prepared,
            complete,
            persons: persons.into_iter().collect(),
        }
    }

    /// Only a number that several persons claim changes a decision (R19).
    fn load_claims(
        &self,
        model: &LinkageModel,
        state: &mut RegistryState,
        standard: &StandardRecord,
    ) {
        let Some(number) = claimed_number(standard) else {
            return;
        };
        let claims = self.claims.get(&number).map_or(&[][..], Vec::as_slice);
        let person = |place: &u32| self.records[*place as usize].person;
        let first = claims.first().map(person);
        if claims.iter().all(|place| Some(person(place)) == first) {
            return;
        }
        for place in claims {
            let record = self.record_state(model, *place);
            state
                .claims
                .entry(number)
                .or_default()
                .insert(record.number);
            state.records.insert(record.number, record);
        }
    }

    /// A record as decisions about others see it: when it was so, and whose it is.
    fn record_state(&self, model: &LinkageModel, place: u32) -> RecordState {
        let kept = &self.records[place as usize];
        let person = self.persons[kept.person as usize].id;
        let nameless = "-";
        RecordState {
            number: kept.number,
            source: SourceCode::parse(nameless).expect("invariant: a dash is a name"),
            local_id: LocalId::parse(nameless).expect("invariant: a dash is a name"),
            status: RecordStatus::Active,
            latest_version: 1,
            current: VersionState {
                version: 1,
                digest: String::new(),
                effective_at: kept.effective_at,
                standing: VersionStanding::Current,
            },
            held: None,
            link: Some(LinkState {
                person,
                route: None,
                weight_bits: None,
                since: EventPosition::default(),
                home: Home {
                    person,
                    since: EventPosition::default(),
                    route: None,
                    weight_bits: None,
                    model: model.id().clone(),
                },
            }),
            position: EventPosition::default(),
        }
    }

    /// Puts back what a decision was given, as the events have left it, and the
    /// record beside it.
    pub(super) fn put_back(&mut self, reach: Reach, decided: &Decided<'_>) {
        let Reach {
            mut state, persons, ..
        } = reach;
        let registration = decided.registration;
        let place = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        for at in persons {
            let person = &mut self.persons[at as usize];
            if let Some(known) = state.persons.get(&person.id) {
                person.revision = known.revision;
            }
        }
        let at = self.person_at(decided.person);
        let person = &mut self.persons[at as usize];
        person.members.push(place);
        if let Some(known) = state.persons.get(&decided.person) {
            person.revision = known.revision;
        }
        self.names.insert(
            (registration.source.clone(), registration.local_id.clone()),
            place,
        );
        self.records.push(Kept {
            number: decided.record,
            person: at,
            standard: Arc::clone(&registration.standard),
            effective_at: registration.effective_at,
            digest: registration.digest.clone(),
        });
        for (task, known) in state.tasks {
            self.keep_task(task, known);
        }
        let run = self.sources.entry(registration.source.clone()).or_default();
        let stands = state.sources.remove(&registration.source);
        run.take(decided.record, stands.unwrap_or_default(), decided.events);
        if decided.deferred {
            return;
        }
        if let Some(number) = claimed_number(&registration.standard) {
            self.claims.entry(number).or_default().push(place);
        }
        for key in decided.keys.iter().filter(|key| *key & FACET_BIT == 0) {
            self.young.entry(*key).or_default().push(place);
        }
        self.unsettled.push((place, decided.keys.to_vec()));
    }

    /// Takes a record that was written before.
    pub(super) fn read_back(&mut self, loaded: LoadedRecord, keys: Vec<u64>) {
        let place = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let at = self.person_at(loaded.person);
        let person = &mut self.persons[at as usize];
        person.revision = loaded.revision;
        person.members.push(place);
        let run = self.sources.entry(loaded.source.clone()).or_default();
        run.read_back(loaded.record, loaded.conflict, loaded.default);
        if let Some(number) = claimed_number(&loaded.standard) {
            self.claims.entry(number).or_default().push(place);
        }
        self.names.insert((loaded.source, loaded.local_id), place);
        self.records.push(Kept {
            number: loaded.record,
            person: at,
            standard: loaded.standard,
            effective_at: loaded.effective_at,
            digest: loaded.digest,
        });
        self.unsettled.push((place, keys));
    }

    /// Takes a task, of persons that are known.
    pub(super) fn keep_task(&mut self, task: TaskId, known: TaskState) {
        for person in &known.persons {
            let at = self.places.get(person).copied();
            let own = at.and_then(|at| self.persons.get_mut(at as usize));
            if let Some(own) = own.filter(|own| !own.tasks.contains(&task)) {
                own.tasks.push(task);
            }
        }
        self.tasks.insert(task, known);
    }

    /// The place of a person, who is made where there is none.
    fn person_at(&mut self, person: PersonId) -> u32 {
        *self.places.entry(person).or_insert_with(|| {
            self.persons.push(KeptPerson {
                id: person,
                revision: EventPosition::default(),
                members: Vec::new(),
                tasks: Vec::new(),
            });
            u32::try_from(self.persons.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Puts the records of a window among the earlier ones.
    pub(super) fn settle(&mut self) {
        self.young.clear();
        let unsettled = std::mem::take(&mut self.unsettled);
        let entries: Vec<(u32, &[u64])> = unsettled
            .iter()
            .map(|(place, keys)| (*place, keys.as_slice()))
            .collect();
        self.keys.extend(&entries);
    }
}
