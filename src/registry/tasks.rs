//! Raising and closing questions: one task for a pair of persons, whatever
//! number of records speak for it (R118).

use sha2::{Digest, Sha256};

use crate::foundation::{PersonId, RecordNumber, TaskId, hex};
use crate::matching::{LinkageModel, Reason};
use crate::registry::{
    CloseReason, ComparedVersion, Numbering, RegistryEvent, RegistryState, TaskKind,
};

/// A question before it has a task.
pub(super) struct Question {
    pub(super) kind: TaskKind,
    pub(super) record: RecordNumber,
    pub(super) persons: Vec<PersonId>,
    pub(super) weight_bits: Option<f64>,
    pub(super) reasons: Vec<Reason>,
    pub(super) evidence: String,
}

/// Opens a task, or adds the evidence to the one that asks the same.
pub(super) fn raise(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    numbering: &Numbering<'_>,
    question: Question,
) -> TaskId {
    let pair = question.persons.len() > 1;
    let open = if pair {
        state.open_task(&question.persons)
    } else {
        state.open_task_of_kind(&question.persons, question.kind)
    };
    if let Some((task, known)) = open {
        let mut reasons = known.reasons.clone();
        reasons.extend(question.reasons);
        reasons.sort_unstable();
        reasons.dedup();
        events.push(RegistryEvent::TaskUpdated {
            task,
            record: question.record,
            weight_bits: question.weight_bits,
            reasons,
            evidence: question.evidence,
        });
        return task;
    }
    let task = numbering.task();
    events.push(RegistryEvent::TaskOpened {
        task,
        kind: question.kind,
        record: question.record,
        persons: question.persons,
        weight_bits: question.weight_bits,
        reasons: question.reasons,
        evidence: question.evidence,
    });
    task
}

/// Closes what is open about a person that is no longer there to ask about.
pub(super) fn close_tasks_of(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    person: PersonId,
    because: CloseReason,
) {
    let gone = state.open_tasks_of(person);
    events.extend(gone.map(|(task, _)| RegistryEvent::TaskClosed { task, because }));
}

/// What a question rests on: the model and the versions that were compared.
pub(super) fn evidence_digest(model: &LinkageModel, compared: &[ComparedVersion]) -> String {
    let mut digest = Sha256::new();
    digest.update(model.id().as_str());
    for version in compared {
        digest.update(version.record.0.to_le_bytes());
        digest.update(version.version.to_le_bytes());
    }
    hex(&digest.finalize())
}

/// What is asked when these rules speak.
pub(super) fn task_kind(reasons: &[Reason]) -> TaskKind {
    if reasons.contains(&Reason::TwoVerifiedNumbers) {
        TaskKind::PossibleDuplicateNumber
    } else if reasons.iter().any(|reason| reason.suspects_confusion()) {
        TaskKind::SuspectedConfusion
    } else {
        TaskKind::PossibleDuplicate
    }
}
