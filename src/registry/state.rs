//! The registry's state, or the part of it that a command needs. A fold of
//! events: [`RegistryState::apply`] is the only code that changes it, in a
//! commit, in a replay and in `verify` alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::foundation::{
    AssertionId, EventPosition, MergeId, PersonId, RecordNumber, SealId, TaskId,
};
use crate::identity::StandardRecord;
use crate::registry::{
    AssertionState, Counters, Home, KnownTasks, LinkDecision, LinkState, LocalId, MergeState,
    NumberHash, RecordNumberCounter, RecordState, RecordStatus, RegistryEvent, SealState,
    SourceCode, SourceState, TaskKind, TaskOutcome, TaskPriority, TaskState, UnlinkReason,
    VersionStanding, VersionState,
};

/// Whether a person id stands for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonStatus {
    /// It has active records.
    Active,
    /// It resolves to another.
    Retired {
        /// To which.
        replaced_by: PersonId,
    },
    /// No active record is left.
    Withdrawn,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonState {
    /// Active, retired or withdrawn.
    pub status: PersonStatus,
    /// Its active records.
    pub members: BTreeSet<RecordNumber>,
    /// Position of the last event about it or about a member: a prepared score
    /// is valid while this stands.
    pub revision: EventPosition,
}

/// A record as matching sees it.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its number.
    pub record: RecordNumber,
    /// Its current version.
    pub version: u32,
    /// Its values with those of earlier versions as history.
    pub standard: Arc<StandardRecord>,
}

/// All of the registry, or the part that was loaded. Absent means "not loaded
/// or not existing"; whoever loads a part must load all that a command reads.
#[derive(Debug, Clone, Default)]
pub struct RegistryState {
    /// Position and numbering.
    pub counters: Counters,
    /// Records by number.
    pub records: BTreeMap<RecordNumber, RecordState>,
    /// Records by name.
    pub names: HashMap<(SourceCode, LocalId), RecordNumber>,
    /// Persons.
    pub persons: BTreeMap<PersonId, PersonState>,
    /// Tasks.
    pub tasks: KnownTasks,
    /// Standardised values of the current versions, where loaded.
    pub standards: HashMap<RecordNumber, Arc<StandardRecord>>,
    /// Records by hash of a blocking key, for those younger than the index.
    pub recent_keys: HashMap<u64, BTreeSet<RecordNumber>>,
    /// Keys under which there are more young records than were loaded.
    pub crowded_keys: BTreeSet<u64>,
    /// Sources that the command's records belong to.
    pub sources: BTreeMap<SourceCode, SourceState>,
    /// Which number is replaced by which, where a command says or asks it.
    pub replacements: BTreeMap<NumberHash, BTreeSet<NumberHash>>,
    /// Merges, where a command is about them or about their persons.
    pub merges: BTreeMap<MergeId, MergeState>,
    /// What humans have said of the records of loaded persons.
    pub assertions: BTreeMap<AssertionId, AssertionState>,
    /// Records that claim a verified number, for the numbers of the commands.
    pub claims: BTreeMap<NumberHash, BTreeSet<RecordNumber>>,
    /// Seals that bear on loaded persons.
    pub seals: BTreeMap<SealId, SealState>,
    /// Withdrawn records with the persons that they belonged to, as far as loaded: a
    /// seal outlasts a withdrawal (R22).
    pub withdrawn: BTreeMap<RecordNumber, BTreeSet<PersonId>>,
    /// The decision of each record's present link, for a whole replay only.
    pub decisions: Option<BTreeMap<RecordNumber, LinkDecision>>,
}

impl RegistryState {
    /// The record of this name.
    #[must_use]
    pub fn record(&self, source: &SourceCode, local_id: &LocalId) -> Option<&RecordState> {
        let number = self.names.get(&(source.clone(), local_id.clone()))?;
        self.records.get(number)
    }

    /// The members of a person whose values are loaded, in order of number.
    #[must_use]
    pub fn members(&self, person: PersonId) -> Vec<Member> {
        let Some(state) = self.persons.get(&person) else {
            return Vec::new();
        };
        state
            .members
            .iter()
            .filter_map(|record| {
                Some(Member {
                    record: *record,
                    version: self.records.get(record)?.current.version,
                    standard: Arc::clone(self.standards.get(record)?),
                })
            })
            .collect()
    }

    /// The open task about exactly these persons.
    #[must_use]
    pub fn open_task(&self, persons: &[PersonId]) -> Option<(TaskId, &TaskState)> {
        self.tasks
            .about(persons)
            .find(|(_, task)| task.waits())
            .map(|(id, task)| (*id, task))
    }

    /// Which of `others` an open task already holds to be the same as `person`. One that
    /// is asked to learn from the answer alone holds nothing.
    #[must_use]
    pub fn open_duplicates_of(&self, person: PersonId, others: &[PersonId]) -> Vec<PersonId> {
        self.open_tasks_of(person)
            .filter(|(_, task)| task.priority != TaskPriority::Learning)
            .flat_map(|(_, task)| task.persons.iter().copied())
            .filter(|other| *other != person && others.contains(other))
            .collect()
    }

    /// Whether the person's number may be on two people: it anchors nothing (R11,
    /// R19), also once people have said that these are two: whose it is says the
    /// national service.
    #[must_use]
    pub fn number_is_confused(&self, person: PersonId) -> bool {
        let left_apart = [TaskOutcome::Different, TaskOutcome::CannotTell];
        self.tasks.of(person).any(|(_, task)| {
            task.kind == TaskKind::SuspectedConfusion
                && (task.waits() || task.outcome.is_some_and(|it| left_apart.contains(&it)))
        })
    }

    /// Open tasks that name the person.
    pub fn open_tasks_of(&self, person: PersonId) -> impl Iterator<Item = (TaskId, &TaskState)> {
        self.tasks
            .of(person)
            .filter(|(_, task)| task.waits())
            .map(|(id, task)| (*id, task))
    }

    /// Takes one event into the state. Total: an event about something that is
    /// not loaded changes only what is.
    pub fn apply(&mut self, event: &RegistryEvent) {
        self.counters.position = EventPosition(self.counters.position.0 + 1);
        let position = self.counters.position;
        match event {
            RegistryEvent::RecordRegistered { .. } | RegistryEvent::RecordUpdated { .. } => {
                self.apply_version(event, position);
            }
            RegistryEvent::RecordWithdrawn { record } => {
                if let Some(state) = self.records.get_mut(record) {
                    state.status = RecordStatus::Withdrawn;
                    state.held = None;
                    state.position = position;
                }
            }
            RegistryEvent::PersonCreated { .. }
            | RegistryEvent::PersonRetired { .. }
            | RegistryEvent::PersonWithdrawn { .. } => self.apply_person(event, position),
            RegistryEvent::RecordLinked {
                record,
                person,
                decision,
            } => {
                self.apply_link(*record, *person, decision, position);
            }
            RegistryEvent::RecordUnlinked {
                record,
                person,
                because,
                ..
            } => {
                if *because == UnlinkReason::Withdrawn {
                    self.withdrawn.entry(*record).or_default().insert(*person);
                }
                self.apply_unlink(*record, *person, position);
            }
            RegistryEvent::HeldSettled { record, .. } => self.settle_held(*record, position),
            RegistryEvent::SourceConflictNoted { .. }
            | RegistryEvent::SourceQuarantined { .. }
            | RegistryEvent::SourceReleased { .. } => self.apply_source(event, position),
            RegistryEvent::NumberReplaced { .. } => self.apply_replacement(event),
            RegistryEvent::SealMade { .. } | RegistryEvent::SealLifted { .. } => {
                self.apply_seal(event, position);
            }
            RegistryEvent::RecordErased { record, .. } => self.apply_erasure(*record, position),
            // What waits, what is disputed and what is preferred is read from the events
            // themselves; nothing here depends on it.
            RegistryEvent::VersionDeferred { .. }
            | RegistryEvent::ValueDisputed { .. }
            | RegistryEvent::DisputeEnded { .. }
            | RegistryEvent::DeferredDecided { .. }
            | RegistryEvent::GoldenValuePreferred { .. }
            | RegistryEvent::GoldenPreferenceEnded { .. } => {}
            _ => {
                self.apply_task(event, position);
                self.apply_merging(event, position);
            }
        }
    }

    fn settle_held(&mut self, record: RecordNumber, position: EventPosition) {
        if let Some(state) = self.records.get_mut(&record) {
            state.held = None;
            state.position = position;
        }
        self.touch_person_of(record, position);
    }

    fn apply_unlink(&mut self, record: RecordNumber, person: PersonId, position: EventPosition) {
        if let Some(state) = self.records.get_mut(&record) {
            state.link = None;
            state.position = position;
        }
        if let Some(state) = self.persons.get_mut(&person) {
            state.members.remove(&record);
            state.revision = position;
        }
    }

    fn apply_person(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::PersonCreated { person } => {
                let state = PersonState {
                    status: PersonStatus::Active,
                    members: BTreeSet::new(),
                    revision: position,
                };
                self.persons.insert(*person, state);
            }
            RegistryEvent::PersonRetired {
                person,
                replaced_by,
            } => {
                let replaced_by = *replaced_by;
                self.set_status(*person, PersonStatus::Retired { replaced_by });
            }
            RegistryEvent::PersonWithdrawn { person } => {
                self.set_status(*person, PersonStatus::Withdrawn);
            }
            _ => {}
        }
    }

    fn set_status(&mut self, person: PersonId, status: PersonStatus) {
        let position = self.counters.position;
        if let Some(state) = self.persons.get_mut(&person) {
            state.status = status;
            state.revision = position;
        }
    }

    pub(super) fn touch_person_of(&mut self, record: RecordNumber, position: EventPosition) {
        let person = self
            .records
            .get(&record)
            .and_then(|state| state.link.as_ref());
        if let Some(person) = person.map(|link| link.person)
            && let Some(state) = self.persons.get_mut(&person)
        {
            state.revision = position;
        }
    }

    fn apply_version(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::RecordRegistered {
                record,
                source,
                local_id,
                digest,
                effective_at,
            } => {
                let current = VersionState {
                    version: 1,
                    digest: digest.clone(),
                    effective_at: *effective_at,
                    standing: VersionStanding::Current,
                };
                let state = RecordState {
                    number: *record,
                    source: source.clone(),
                    local_id: local_id.clone(),
                    status: RecordStatus::Active,
                    latest_version: 1,
                    current,
                    held: None,
                    link: None,
                    position,
                };
                self.counters.record = RecordNumberCounter(self.counters.record.0.max(record.0));
                self.names
                    .insert((source.clone(), local_id.clone()), *record);
                self.records.insert(*record, state);
            }
            RegistryEvent::RecordUpdated {
                record,
                version,
                digest,
                effective_at,
                standing,
            } => {
                let Some(state) = self.records.get_mut(record) else {
                    return;
                };
                let made = VersionState {
                    version: *version,
                    digest: digest.clone(),
                    effective_at: *effective_at,
                    standing: *standing,
                };
                state.latest_version = *version;
                state.position = position;
                match standing {
                    VersionStanding::Current => {
                        state.current = made;
                        state.held = None;
                        state.status = RecordStatus::Active;
                    }
                    VersionStanding::Held => state.held = Some(made),
                    VersionStanding::History => {}
                }
                self.touch_person_of(*record, position);
            }
            _ => {}
        }
    }

    fn apply_link(
        &mut self,
        record: RecordNumber,
        person: PersonId,
        decision: &LinkDecision,
        position: EventPosition,
    ) {
        self.withdrawn.remove(&record);
        if let Some(state) = self.records.get_mut(&record) {
            let carried = decision.carried.as_ref();
            state.link = Some(LinkState {
                person,
                route: decision.route,
                weight_bits: decision.weight_bits,
                since: position,
                home: carried.map_or_else(
                    || Home {
                        person,
                        since: position,
                        route: decision.route,
                        weight_bits: decision.weight_bits,
                        model: decision.model.clone(),
                    },
                    |carried| carried.home.clone(),
                ),
            });
            state.position = position;
        }
        if let Some(state) = self.persons.get_mut(&person) {
            state.members.insert(record);
            state.status = PersonStatus::Active;
            state.revision = position;
        }
        if let Some(decisions) = &mut self.decisions {
            decisions.insert(record, decision.clone());
        }
    }
}
