//! Merges and assertions as a fold of events.

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, EventPosition, MergeId, PersonId, RecordNumber, TaskId};
use crate::registry::merging::merge::members_of;
use crate::registry::{
    ApprovalReason, AssertionKind, PersonStatus, RecordState, RegistryEvent, RegistryState,
};

/// How far a merge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStatus {
    /// A second human has to agree.
    AwaitingApproval,
    /// It holds.
    Done,
    /// It was undone.
    Undone,
    /// It was proposed and not carried out.
    Dropped,
}

/// A human's joining of two persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeState {
    /// How far it is.
    pub status: MergeStatus,
    /// Whose id goes on.
    pub survivor: PersonId,
    /// Whose id resolves to the survivor's.
    pub retired: PersonId,
    /// Who asked for it.
    pub asked_by: String,
    /// Who carried it out: the same, or who approved it.
    pub made_by: Option<String>,
    /// Why it needs a second human.
    pub approval: Vec<ApprovalReason>,
    /// The task that asks for the approval.
    pub task: Option<TaskId>,
    /// Where it was made.
    pub made: Option<EventPosition>,
    /// Records that it has carried over.
    pub moved: BTreeSet<RecordNumber>,
    /// Records that the survivor had.
    pub kept: BTreeSet<RecordNumber>,
    /// Position of the last event about it.
    pub position: EventPosition,
}

/// What a human has said of two groups of records: each of the one with each of
/// the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionState {
    /// The same, or different.
    pub kind: AssertionKind,
    /// The one group.
    pub a: BTreeSet<RecordNumber>,
    /// The other.
    pub b: BTreeSet<RecordNumber>,
    /// SHA-256 of what was seen.
    pub evidence: String,
    /// Who said it.
    pub by: String,
    /// The merge whose undoing says it.
    pub merge: Option<MergeId>,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// Position of the last event about it.
    pub position: EventPosition,
}

impl AssertionState {
    /// Whether it speaks of records of both.
    #[must_use]
    pub fn parts(&self, one: &BTreeSet<RecordNumber>, other: &BTreeSet<RecordNumber>) -> bool {
        let meets = |group: &BTreeSet<RecordNumber>, records: &BTreeSet<RecordNumber>| {
            !group.is_disjoint(records)
        };
        (meets(&self.a, one) && meets(&self.b, other))
            || (meets(&self.a, other) && meets(&self.b, one))
    }
}

impl RegistryState {
    /// What holds these two groups of records to be different people's: checked
    /// for all members of both, so that no third record joins them (R102).
    #[must_use]
    pub fn asserted_different(
        &self,
        one: &BTreeSet<RecordNumber>,
        other: &BTreeSet<RecordNumber>,
    ) -> Option<AssertionId> {
        let held = self
            .assertions
            .iter()
            .filter(|(_, known)| known.kind == AssertionKind::Different && !known.withdrawn);
        held.filter(|(_, known)| known.parts(one, other))
            .map(|(id, _)| *id)
            .next()
    }

    /// The same of a record, with those beside it, and of a person.
    #[must_use]
    pub fn is_asserted_different(&self, record: &RecordState, person: PersonId) -> bool {
        if self.assertions.is_empty() {
            return false;
        }
        let link = record.link.as_ref();
        let mut own = link.map_or_else(BTreeSet::new, |link| members_of(self, link.person));
        own.insert(record.number);
        self.asserted_different(&own, &members_of(self, person))
            .is_some()
    }

    pub(in crate::registry) fn apply_merging(
        &mut self,
        event: &RegistryEvent,
        position: EventPosition,
    ) {
        match event {
            RegistryEvent::MergeProposed { .. }
            | RegistryEvent::MergeDropped { .. }
            | RegistryEvent::MergeMade { .. }
            | RegistryEvent::MergeUndone { .. } => self.apply_merge(event, position),
            RegistryEvent::PersonRestored { person } => {
                if let Some(state) = self.persons.get_mut(person) {
                    state.status = PersonStatus::Active;
                    state.revision = position;
                }
            }
            RegistryEvent::AssertionMade {
                assertion,
                kind,
                a,
                b,
                evidence,
                by,
                merge,
            } => {
                let state = AssertionState {
                    kind: *kind,
                    a: a.iter().copied().collect(),
                    b: b.iter().copied().collect(),
                    evidence: evidence.clone(),
                    by: by.clone(),
                    merge: *merge,
                    withdrawn: false,
                    position,
                };
                self.assertions.insert(*assertion, state);
                self.touch_asserted(*assertion, position);
            }
            RegistryEvent::AssertionWithdrawn { assertion, .. } => {
                if let Some(state) = self.assertions.get_mut(assertion) {
                    state.withdrawn = true;
                    state.position = position;
                }
                self.touch_asserted(*assertion, position);
            }
            _ => {}
        }
    }

    fn apply_merge(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::MergeProposed {
                merge,
                survivor,
                retired,
                by,
                because,
                task,
            } => {
                let state = MergeState {
                    approval: because.clone(),
                    task: Some(*task),
                    ..MergeState::asked(*survivor, *retired, by.clone(), position)
                };
                self.merges.insert(*merge, state);
            }
            RegistryEvent::MergeDropped { merge, .. } => {
                if let Some(state) = self.merges.get_mut(merge) {
                    state.status = MergeStatus::Dropped;
                    state.position = position;
                }
            }
            RegistryEvent::MergeMade {
                merge,
                survivor,
                retired,
                moved,
                kept,
                by,
            } => {
                let state = self.merges.entry(*merge).or_insert_with(|| {
                    MergeState::asked(*survivor, *retired, by.clone(), position)
                });
                state.status = MergeStatus::Done;
                state.made_by = Some(by.clone());
                state.made = Some(position);
                state.moved = moved.iter().copied().collect();
                state.kept = kept.iter().copied().collect();
                state.position = position;
            }
            RegistryEvent::MergeUndone { merge, .. } => {
                if let Some(state) = self.merges.get_mut(merge) {
                    state.status = MergeStatus::Undone;
                    state.position = position;
                }
            }
            _ => {}
        }
    }

    /// Who decided on a person before somebody said something of its records
    /// has to look again.
    fn touch_asserted(&mut self, assertion: AssertionId, position: EventPosition) {
        let Some(known) = self.assertions.get(&assertion) else {
            return;
        };
        let records: Vec<RecordNumber> = known.a.union(&known.b).copied().collect();
        for record in records {
            self.touch_person_of(record, position);
        }
    }
}

impl MergeState {
    fn asked(survivor: PersonId, retired: PersonId, by: String, position: EventPosition) -> Self {
        Self {
            status: MergeStatus::AwaitingApproval,
            survivor,
            retired,
            asked_by: by,
            made_by: None,
            approval: Vec::new(),
            task: None,
            made: None,
            moved: BTreeSet::new(),
            kept: BTreeSet::new(),
            position,
        }
    }
}
