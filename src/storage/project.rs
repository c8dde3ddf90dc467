//! The views as a fold: which rows follow from events and the state after
//! them. A commit writes these rows, `verify` compares them with the tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, Instant, MergeId, PersonId, RecordNumber, TaskId};
use crate::matching::Route;
use crate::registry::{
    PersonStatus, RecordState, RegistryEvent, RegistryState, VersionStanding, task_of,
};
use crate::storage::disputes::{DisputeRows, dispute_subjects};
use crate::storage::erasures::Erasures;
use crate::storage::golden::golden_subjects;
use crate::storage::merge_rows::{MergeRows, merge_subjects};
use crate::storage::rows::{person_status_word, record_status_word};
use crate::storage::seals::{SealRows, seal_subjects};
use crate::storage::source_rows::{SourceRows, source_subjects};

/// A row of `records`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordRow {
    pub(super) record: RecordNumber,
    pub(super) source: String,
    pub(super) local_id: String,
    pub(super) status: &'static str,
    pub(super) latest_version: u32,
    pub(super) current_version: u32,
    pub(super) held_version: Option<u32>,
    pub(super) position: EventPosition,
}

impl RecordRow {
    pub(super) fn of(state: &RecordState) -> Self {
        Self {
            record: state.number,
            source: state.source.to_string(),
            local_id: state.local_id.to_string(),
            status: record_status_word(state.status),
            latest_version: state.latest_version,
            current_version: state.current.version,
            held_version: state.held.as_ref().map(|held| held.version),
            position: state.position,
        }
    }
}

/// A row of `persons`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PersonRow {
    pub(super) person: PersonId,
    pub(super) status: &'static str,
    pub(super) replaced_by: Option<PersonId>,
    pub(super) created_position: Option<EventPosition>,
    pub(super) revision: EventPosition,
}

/// A row of `links`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinkRow {
    pub(super) record: RecordNumber,
    pub(super) person: PersonId,
    pub(super) from: EventPosition,
    pub(super) to: Option<EventPosition>,
    pub(super) route: Option<Route>,
    pub(super) weight_bits: Option<f64>,
    pub(super) model: String,
    /// The link that holds the decision, where a merge has carried this one.
    pub(super) home: Option<EventPosition>,
    pub(super) opened_by: Option<MergeId>,
    pub(super) closed_by: Option<MergeId>,
}

/// What an event says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionFact {
    pub(super) record: RecordNumber,
    pub(super) version: u32,
    pub(super) digest: String,
    pub(super) standing: VersionStanding,
    pub(super) effective_at: Option<Instant>,
    pub(super) position: EventPosition,
}

/// What a run of events touches.
#[derive(Debug, Default)]
pub(super) struct Projection {
    /// Records that the events register.
    pub(super) new_records: BTreeSet<RecordNumber>,
    /// Other records that they change.
    pub(super) changed_records: BTreeSet<RecordNumber>,
    /// Persons that they make, with where.
    pub(super) new_persons: BTreeMap<PersonId, EventPosition>,
    /// Other persons that they change.
    pub(super) changed_persons: BTreeSet<PersonId>,
    /// Tasks that they open, with where.
    pub(super) new_tasks: BTreeMap<TaskId, EventPosition>,
    /// Other tasks that they change.
    pub(super) changed_tasks: BTreeSet<TaskId>,
    /// Where somebody wrote about a task.
    pub(super) comments: BTreeSet<EventPosition>,
    /// Versions in order.
    pub(super) versions: Vec<VersionFact>,
    /// Links that the events open, some of them closed again.
    pub(super) links: Vec<LinkRow>,
    /// Earlier links that they close.
    pub(super) closings: Vec<(RecordNumber, EventPosition, Option<MergeId>)>,
    /// What they say of disputes.
    pub(super) disputes: DisputeRows,
    /// Whom they keep apart.
    pub(super) seals: SealRows,
    /// Whose values they destroy.
    pub(super) erasures: Erasures,
    /// What they say of sources and of replaced numbers.
    pub(super) sources: SourceRows,
    /// What they say of merges and assertions.
    pub(super) merges: MergeRows,
    open: BTreeMap<RecordNumber, usize>,
}

impl Projection {
    /// Takes an event that `state` has just applied; its position is the
    /// state's.
    pub(super) fn take(&mut self, event: &RegistryEvent, state: &RegistryState) {
        let position = state.counters.position;
        match event {
            RegistryEvent::RecordRegistered { record, .. } => {
                self.new_records.insert(*record);
                self.versions.extend(version_fact(event, position));
            }
            RegistryEvent::RecordUpdated { record, .. }
            | RegistryEvent::HeldSettled { record, .. } => {
                self.change_record(*record);
                self.versions.extend(version_fact(event, position));
                // The state gives the person of a changed record a new revision.
                let link = state.records.get(record).and_then(|it| it.link.as_ref());
                if let Some(link) = link {
                    self.change_person(link.person);
                }
            }
            RegistryEvent::RecordWithdrawn { record } => self.change_record(*record),
            RegistryEvent::SealMade { a, b, .. } => {
                self.seals.take(event, position);
                self.change_persons_of(a.iter().chain(b), state);
            }
            RegistryEvent::SealLifted { .. } => {
                self.seals.take(event, position);
                // Those whose revision the state has just moved.
                let moved = state.persons.iter();
                let moved = moved.filter(|(_, known)| known.revision == position);
                let moved: Vec<PersonId> = moved.map(|(person, _)| *person).collect();
                for person in moved {
                    self.change_person(person);
                }
            }
            RegistryEvent::RecordErased { record, .. } => {
                self.change_record(*record);
                self.erasures.take(event, position);
                self.disputes.take(event, position);
                let link = state.records.get(record).and_then(|it| it.link.as_ref());
                if let Some(link) = link {
                    self.change_person(link.person);
                }
            }
            RegistryEvent::ValueDisputed { .. } | RegistryEvent::DisputeEnded { .. } => {
                self.disputes.take(event, position);
            }
            RegistryEvent::PersonCreated { person } => {
                self.new_persons.insert(*person, position);
            }
            RegistryEvent::RecordLinked { .. } | RegistryEvent::RecordUnlinked { .. } => {
                self.take_link(event, position);
            }
            RegistryEvent::PersonRetired { person, .. }
            | RegistryEvent::PersonRestored { person }
            | RegistryEvent::PersonWithdrawn { person } => self.change_person(*person),
            RegistryEvent::TaskOpened { task, .. } => {
                self.new_tasks.insert(*task, position);
            }
            RegistryEvent::AssertionMade { .. } | RegistryEvent::AssertionWithdrawn { .. } => {
                self.merges.take(event, position);
                self.take_assertion(event, state);
            }
            RegistryEvent::MergeProposed { .. }
            | RegistryEvent::MergeDropped { .. }
            | RegistryEvent::MergeMade { .. }
            | RegistryEvent::MergeUndone { .. } => self.merges.take(event, position),
            _ => match task_of(event) {
                Some(task) => self.change_task(task, event, position),
                None => self.sources.take(event, position),
            },
        }
    }

    /// The state gives the persons of its records a new revision.
    fn take_assertion(&mut self, event: &RegistryEvent, state: &RegistryState) {
        let (RegistryEvent::AssertionMade { assertion, .. }
        | RegistryEvent::AssertionWithdrawn { assertion, .. }) = event
        else {
            return;
        };
        let Some(known) = state.assertions.get(assertion) else {
            return;
        };
        let records = known.a.iter().chain(&known.b);
        let links = records.filter_map(|record| state.records.get(record)?.link.as_ref());
        let persons: BTreeSet<PersonId> = links.map(|link| link.person).collect();
        for person in persons {
            self.change_person(person);
        }
    }

    fn take_link(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::RecordLinked {
                record,
                person,
                decision,
            } => {
                self.change_record(*record);
                self.change_person(*person);
                self.open.insert(*record, self.links.len());
                self.links.push(LinkRow {
                    record: *record,
                    person: *person,
                    from: position,
                    to: None,
                    route: decision.route,
                    weight_bits: decision.weight_bits,
                    model: decision.model.as_str().to_owned(),
                    home: decision.carried.as_ref().map(|carried| carried.home.since),
                    opened_by: decision.carried.as_ref().map(|carried| carried.merge),
                    closed_by: None,
                });
            }
            RegistryEvent::RecordUnlinked {
                record,
                person,
                merge,
                ..
            } => {
                self.change_record(*record);
                self.change_person(*person);
                let opened = self.open.remove(record);
                match opened.and_then(|place| self.links.get_mut(place)) {
                    Some(link) => {
                        link.to = Some(position);
                        link.closed_by = *merge;
                    }
                    None => self.closings.push((*record, position, *merge)),
                }
            }
            _ => {}
        }
    }

    fn change_task(&mut self, task: TaskId, event: &RegistryEvent, position: EventPosition) {
        if let RegistryEvent::TaskCommented { .. } = event {
            self.comments.insert(position);
        }
        if !self.new_tasks.contains_key(&task) {
            self.changed_tasks.insert(task);
        }
    }

    fn change_persons_of<'r>(
        &mut self,
        records: impl Iterator<Item = &'r RecordNumber>,
        state: &RegistryState,
    ) {
        for record in records {
            let link = state.records.get(record).and_then(|it| it.link.as_ref());
            if let Some(link) = link {
                self.change_person(link.person);
            }
        }
    }

    fn change_record(&mut self, record: RecordNumber) {
        if !self.new_records.contains(&record) {
            self.changed_records.insert(record);
        }
    }

    fn change_person(&mut self, person: PersonId) {
        if !self.new_persons.contains_key(&person) {
            self.changed_persons.insert(person);
        }
    }

    /// The row of a person; `None` when the state does not know it.
    pub(super) fn person_row(&self, person: PersonId, state: &RegistryState) -> Option<PersonRow> {
        let known = state.persons.get(&person)?;
        Some(PersonRow {
            person,
            status: person_status_word(known.status),
            replaced_by: match known.status {
                PersonStatus::Retired { replaced_by } => Some(replaced_by),
                PersonStatus::Active | PersonStatus::Withdrawn => None,
            },
            created_position: self.new_persons.get(&person).copied(),
            revision: known.revision,
        })
    }
}

fn version_fact(event: &RegistryEvent, position: EventPosition) -> Option<VersionFact> {
    let (record, version, digest, standing, effective_at) = match event {
        RegistryEvent::RecordRegistered {
            record,
            digest,
            effective_at,
            ..
        } => (record, 1, digest, VersionStanding::Current, effective_at),
        RegistryEvent::RecordUpdated {
            record,
            version,
            digest,
            effective_at,
            standing,
        } => (record, *version, digest, *standing, effective_at),
        _ => return None,
    };
    Some(VersionFact {
        record: *record,
        version,
        digest: digest.clone(),
        standing,
        effective_at: *effective_at,
        position,
    })
}

/// The kind of an event, as its JSON says.
#[must_use]
pub const fn event_kind(event: &RegistryEvent) -> &'static str {
    match event {
        RegistryEvent::RecordRegistered { .. } => "record_registered",
        RegistryEvent::RecordUpdated { .. } => "record_updated",
        RegistryEvent::RecordWithdrawn { .. } => "record_withdrawn",
        RegistryEvent::RecordErased { .. } => "record_erased",
        RegistryEvent::ValueDisputed { .. } => "value_disputed",
        RegistryEvent::DisputeEnded { .. } => "dispute_ended",
        RegistryEvent::SealMade { .. } => "seal_made",
        RegistryEvent::SealLifted { .. } => "seal_lifted",
        RegistryEvent::PersonCreated { .. } => "person_created",
        RegistryEvent::RecordLinked { .. } => "record_linked",
        RegistryEvent::RecordUnlinked { .. } => "record_unlinked",
        RegistryEvent::PersonRetired { .. } => "person_retired",
        RegistryEvent::PersonWithdrawn { .. } => "person_withdrawn",
        RegistryEvent::TaskOpened { .. } => "task_opened",
        RegistryEvent::TaskUpdated { .. } => "task_updated",
        RegistryEvent::TaskClosed { .. } => "task_closed",
        RegistryEvent::TaskReopened { .. } => "task_reopened",
        RegistryEvent::TaskClaimed { .. } => "task_claimed",
        RegistryEvent::TaskReleased { .. } => "task_released",
        RegistryEvent::TaskRead { .. } => "task_read",
        RegistryEvent::TaskDecided { .. } => "task_decided",
        RegistryEvent::TaskEscalated { .. } => "task_escalated",
        RegistryEvent::TaskCommented { .. } => "task_commented",
        RegistryEvent::HeldSettled { .. } => "held_settled",
        RegistryEvent::SourceConflictNoted { .. } => "source_conflict_noted",
        RegistryEvent::SourceQuarantined { .. } => "source_quarantined",
        RegistryEvent::SourceReleased { .. } => "source_released",
        RegistryEvent::VersionDeferred { .. } => "version_deferred",
        RegistryEvent::DeferredDecided { .. } => "deferred_decided",
        RegistryEvent::NumberReplaced { .. } => "number_replaced",
        RegistryEvent::GoldenValuePreferred { .. } => "golden_value_preferred",
        RegistryEvent::GoldenPreferenceEnded { .. } => "golden_preference_ended",
        RegistryEvent::PersonRestored { .. } => "person_restored",
        RegistryEvent::MergeProposed { .. } => "merge_proposed",
        RegistryEvent::MergeDropped { .. } => "merge_dropped",
        RegistryEvent::MergeMade { .. } => "merge_made",
        RegistryEvent::MergeUndone { .. } => "merge_undone",
        RegistryEvent::AssertionMade { .. } => "assertion_made",
        RegistryEvent::AssertionWithdrawn { .. } => "assertion_withdrawn",
    }
}

/// The subjects of an event, without repetition.
pub(super) fn event_subjects(event: &RegistryEvent) -> BTreeSet<String> {
    let record = |record: &RecordNumber| format!("R{}", record.0);
    let mut subjects = BTreeSet::new();
    match event {
        RegistryEvent::RecordRegistered { record: number, .. }
        | RegistryEvent::RecordUpdated { record: number, .. }
        | RegistryEvent::HeldSettled { record: number, .. }
        | RegistryEvent::RecordErased { record: number, .. }
        | RegistryEvent::RecordWithdrawn { record: number } => {
            subjects.insert(record(number));
        }
        RegistryEvent::PersonCreated { person } | RegistryEvent::PersonWithdrawn { person } => {
            subjects.insert(person.to_string());
        }
        RegistryEvent::RecordLinked {
            record: number,
            person,
            ..
        }
        | RegistryEvent::RecordUnlinked {
            record: number,
            person,
            ..
        } => {
            subjects.insert(record(number));
            subjects.insert(person.to_string());
        }
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } => {
            subjects.insert(person.to_string());
            subjects.insert(replaced_by.to_string());
        }
        RegistryEvent::TaskOpened {
            task,
            record: number,
            persons,
            ..
        } => {
            subjects.insert(task.to_string());
            subjects.insert(record(number));
            subjects.extend(persons.iter().map(ToString::to_string));
        }
        RegistryEvent::TaskUpdated {
            task,
            record: number,
            ..
        }
        | RegistryEvent::TaskReopened {
            task,
            record: number,
            ..
        } => {
            subjects.insert(task.to_string());
            subjects.insert(record(number));
        }
        _ => {
            subjects.extend(task_of(event).map(|task| task.to_string()));
            subjects.extend(source_subjects(event));
            subjects.extend(merge_subjects(event));
            subjects.extend(seal_subjects(event));
            subjects.extend(dispute_subjects(event));
            subjects.extend(golden_subjects(event));
        }
    }
    subjects
}
