//! What becomes of open questions when persons are joined or parted.

use crate::foundation::PersonId;
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
        if known.kind != TaskKind::MergeApproval && !known.persons.contains(&survivor) {
            ask_of(state, events, numbering, known, retired, survivor);
        }
    }
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
