//! What becomes of open questions when persons are joined or parted.

use std::collections::BTreeSet;

use crate::foundation::{PersonId, RecordNumber};
use crate::matching::{LinkageModel, Reason};
use crate::registry::supersession::resolved;
use crate::registry::tasks::{Question, raise};
use crate::registry::{
    CloseReason, DropReason, MergeStatus, Numbering, RegistryEvent, RegistryState, TaskKind,
    TaskState,
};

/// Closes the questions about a person that is replaced; those that also name
/// somebody else, or the person alone, are asked of the survivor from here on.
pub(in crate::registry) fn carry_tasks(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    numbering: &Numbering<'_>,
    retired: PersonId,
    survivor: PersonId,
) {
    for (task, known) in state.open_tasks_of(retired) {
        events.push(RegistryEvent::TaskClosed {
            task,
            because: CloseReason::PersonsJoined,
        });
        let asks = known.kind != TaskKind::MergeApproval || known.stands_for_a_question();
        if asks && !known.persons.contains(&survivor) {
            ask_of(state, events, numbering, known, retired, survivor);
        }
    }
}

/// Asks the question again that the approval of a merge has stood for, where it did:
/// that the merge is not made does not answer it (R118).
#[must_use]
pub fn ask_what_it_stood_for(
    state: &RegistryState,
    numbering: &Numbering<'_>,
    approval: &TaskState,
) -> Vec<RegistryEvent> {
    let mut events = Vec::new();
    if approval.stands_for_a_question() {
        let question = Question::again(approval, approval.persons.clone());
        raise(state, &mut events, numbering, question);
    }
    events
}

/// Asks the same of another person.
pub(super) fn ask_of(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    numbering: &Numbering<'_>,
    known: &TaskState,
    from: PersonId,
    to: PersonId,
) {
    let asked = known.persons.iter();
    let mut persons: Vec<PersonId> = asked
        .map(|person| if *person == from { to } else { *person })
        .collect();
    persons.sort_unstable();
    let question = Question::again(known, persons);
    raise(state, events, numbering, question);
}

/// Whether a question is still one when these records part from a person. A link
/// that an update made doubtful is judged again against those on the record's own
/// side: what it contradicted may be what it parts from (R101).
pub(super) fn doubt_stands(
    state: &RegistryState,
    model: &LinkageModel,
    person: PersonId,
    known: &TaskState,
    gone: &BTreeSet<RecordNumber>,
) -> bool {
    let of_an_update = |reason: &Reason| *reason == Reason::UpdateContradictsPerson;
    if known.kind != TaskKind::LinkDoubtful || !known.reasons.iter().all(of_an_update) {
        return true;
    }
    let mut beside = state.members(person);
    let side = gone.contains(&known.record);
    beside.retain(|member| gone.contains(&member.record) == side);
    let own = beside.iter().position(|it| it.record == known.record);
    let Some(own) = own.map(|place| beside.remove(place)) else {
        return true;
    };
    let beside = resolved(&state.replacements, &own.standard, beside);
    let beside: Vec<_> = beside.iter().map(|it| it.standard.as_ref()).collect();
    !beside.is_empty()
        && model
            .score(&own.standard, &beside)
            .speaks_against_a_link(model)
}

/// Proposed merges of a person that is gone cannot be carried out any more.
pub(in crate::registry) fn drop_proposals(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    gone: PersonId,
    by: &str,
) {
    let waiting = state.merges.iter().filter(|(_, known)| {
        known.status == MergeStatus::AwaitingApproval
            && (known.survivor == gone || known.retired == gone)
    });
    for (merge, known) in waiting {
        let made = |event: &RegistryEvent| matches!(event, RegistryEvent::MergeMade { merge: made, .. } if made == merge);
        if !events.iter().any(made) {
            events.push(RegistryEvent::MergeDropped {
                merge: *merge,
                survivor: known.survivor,
                retired: known.retired,
                by: by.to_owned(),
                because: DropReason::NoLongerPossible,
            });
        }
    }
}
