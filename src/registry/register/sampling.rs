//! Pairs that are read so that a model learns from the answers (R86). Nobody suspects
//! anything: such a question stands last in the queue, and until evidence of its own
//! speaks for it the machine decides as if it were not there.

use crate::foundation::RecordNumber;
use crate::matching::{LinkageModel, Reason};
use crate::registry::register::Work;
use crate::registry::register::rejudging::as_it_is;
use crate::registry::tasks::{Grounds, Question, task_kind};
use crate::registry::{
    Numbering, Registration, RegistryEvent, RegistryState, TaskKind, TaskPriority, TaskState,
};

/// Asks whether a record, as it is, and another one are the same person's. Nothing where
/// they are joined already, where people have been asked about the two persons or have
/// said that they differ (R102, R118), or where somebody may not be seen.
#[must_use]
pub fn ask_to_learn(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    (version, other): (u32, RecordNumber),
) -> Vec<RegistryEvent> {
    let Some((record, person, standard)) = as_it_is(state, registration, version) else {
        return Vec::new();
    };
    let mut work = Work::on(state, model, numbering, registration);
    let candidates = work.find_candidates(record.number, &standard);
    let of_other = candidates.iter().find(|candidate| {
        let mut members = candidate.members.iter();
        members.any(|member| member.record == other)
    });
    let Some(candidate) = of_other.filter(|candidate| candidate.person != person) else {
        return Vec::new();
    };
    let mut persons = vec![person, candidate.person];
    persons.sort_unstable();
    let is_asked = |(_, task): (_, &TaskState)| task.waits() || task.outcome.is_some();
    if state.tasks.about(&persons).any(is_asked) || work.is_asserted_different(candidate.person) {
        return Vec::new();
    }
    let (_, graded) = work.decide(&[candidate]);
    let mut reasons: Vec<Reason> = graded
        .into_iter()
        .flat_map(|(_, reasons)| reasons)
        .collect();
    // A number that may be on two people anchors nothing while it is asked about: that is
    // for evidence to say.
    if task_kind(&reasons) != TaskKind::PossibleDuplicate {
        return Vec::new();
    }
    reasons.insert(0, Reason::AskedToLearn);
    work.raise(Question {
        kind: TaskKind::PossibleDuplicate,
        record: record.number,
        persons,
        weight_bits: Some(candidate.score.weight.bits()),
        reasons,
        grounds: Grounds::compared(model, (record.number, version), &standard, candidate),
        priority: TaskPriority::Learning,
    });
    work.events
}
