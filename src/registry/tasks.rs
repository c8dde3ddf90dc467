//! Raising and closing questions: one task for a pair of persons, whatever
//! number of records speak for it (R118), and never the same question twice on
//! the same evidence (R102).

use sha2::{Digest, Sha256};

use crate::foundation::{Instant, PersonId, RecordNumber, TaskId, hex};
use crate::identity::{StandardDate, StandardRecord};
use crate::matching::{LinkageModel, ModelId, Reason};
use crate::registry::candidates::Scored;
use crate::registry::evidence::{compared, evidence_rows};
use crate::registry::merging::drop_proposals;
use crate::registry::{
    CloseReason, ComparedVersion, EvidenceRow, LevelChange, Numbering, RegistryEvent,
    RegistryState, TaskKind, TaskPriority, TaskStage, TaskState, is_new_evidence, level_changes,
};

/// Youngest age in years at which nobody is a child any more.
const ADULT_YEARS: i16 = 18;

/// A question before it has a task.
pub(super) struct Question {
    pub(super) kind: TaskKind,
    pub(super) record: RecordNumber,
    pub(super) persons: Vec<PersonId>,
    pub(super) weight_bits: Option<f64>,
    pub(super) reasons: Vec<Reason>,
    pub(super) grounds: Grounds,
    pub(super) priority: TaskPriority,
}

/// What a question rests on.
pub(super) struct Grounds {
    pub(super) digest: String,
    pub(super) compared: Vec<ComparedVersion>,
    pub(super) rows: Vec<EvidenceRow>,
}

impl Question {
    /// The same as a task asks, of these persons.
    pub(super) fn again(known: &TaskState, persons: Vec<PersonId>) -> Self {
        let kind = match known.kind {
            // The question that the approval has taken the place of.
            TaskKind::MergeApproval => task_kind(&known.reasons),
            kind => kind,
        };
        Self {
            kind,
            record: known.record,
            persons,
            weight_bits: known.weight_bits,
            reasons: known.reasons.clone(),
            grounds: Grounds {
                digest: known.evidence.clone(),
                compared: known.compared.clone(),
                rows: known.rows.clone(),
            },
            priority: known.priority,
        }
    }
}

impl Grounds {
    /// Versions that a human had in front of them; no comparison.
    pub(super) fn seen(model: &LinkageModel, compared: Vec<ComparedVersion>) -> Self {
        Self {
            digest: evidence_digest(model, &compared),
            compared,
            rows: Vec::new(),
        }
    }

    /// A comparison of a record with a person.
    pub(super) fn compared(
        model: &LinkageModel,
        (record, version): (RecordNumber, u32),
        standard: &StandardRecord,
        scored: &Scored,
    ) -> Self {
        let compared = compared(record, version, scored);
        Self {
            digest: evidence_digest(model, &compared),
            compared,
            rows: evidence_rows(model, standard, scored),
        }
    }

    /// Contents, by their digests: the same content asks nothing new.
    pub(super) fn contents(digests: &[&str], compared: Vec<ComparedVersion>) -> Self {
        let mut digest = Sha256::new();
        for content in digests {
            digest.update(content.len().to_le_bytes());
            digest.update(content);
        }
        Self {
            digest: hex(&digest.finalize()),
            compared,
            rows: Vec::new(),
        }
    }
}

/// What has become of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raised {
    /// The task that asks it.
    pub(super) task: TaskId,
    /// Whether it waits; else people have settled it on this evidence.
    pub(super) waits: bool,
}

impl Raised {
    /// The task, where it waits.
    pub(super) fn waiting(self) -> Option<TaskId> {
        self.waits.then_some(self.task)
    }
}

/// Whether a question is about a version of one record, which waits for its answer.
const fn is_of_one_record(kind: TaskKind) -> bool {
    matches!(kind, TaskKind::OverlayHeld | TaskKind::SupersessionConflict)
}

/// Opens a task, adds the evidence to the one that asks the same, or asks again
/// what people have settled on other evidence.
pub(super) fn raise(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    numbering: &Numbering<'_>,
    question: Question,
) -> Raised {
    let waiting = |task| Raised { task, waits: true };
    let pair = question.persons.len() > 1;
    let asks_the_same = |task: &&TaskState| {
        // The approval of a merge stands for the pair's question while it waits (R118); a
        // suspected confusion is looked at by itself, because a number hangs on it (R19).
        let stands_for_it = task.waits() && question.kind != TaskKind::SuspectedConfusion;
        let of_the_pair = pair && (task.kind != TaskKind::MergeApproval || stands_for_it);
        // Two records of one person may both have a version that waits: neither question
        // may take the other's place.
        let of_another = is_of_one_record(question.kind) && task.record != question.record;
        of_the_pair || (task.kind == question.kind && !of_another)
    };
    let known = |wanted: fn(&TaskState) -> bool| {
        let mut tasks = state.tasks.about(&question.persons);
        tasks.find(|(_, task)| wanted(task) && asks_the_same(task))
    };
    if let Some((task, known)) = known(TaskState::waits) {
        events.push(add_evidence(*task, known, question));
        return waiting(*task);
    }
    let settled = known(|task| task.stage == TaskStage::Decided);
    if let Some((task, settled)) = settled {
        let changed = level_changes(&settled.rows, &question.grounds.rows);
        if is_settled(settled, &question, &changed) {
            return Raised {
                task: *task,
                waits: false,
            };
        }
        events.push(ask_again(*task, question, changed));
        return waiting(*task);
    }
    let task = numbering.task();
    let Question {
        kind,
        record,
        persons,
        weight_bits,
        reasons,
        grounds,
        priority,
    } = question;
    events.push(RegistryEvent::TaskOpened {
        task,
        kind,
        record,
        persons,
        weight_bits,
        reasons,
        evidence: grounds.digest,
        priority,
        compared: grounds.compared,
        rows: grounds.rows,
    });
    waiting(task)
}

fn is_settled(settled: &TaskState, question: &Question, changed: &[LevelChange]) -> bool {
    match question.kind {
        // About contents: two that differ from the earlier version in the same
        // fields may be two other people.
        TaskKind::OverlayHeld
        | TaskKind::SupersessionConflict
        | TaskKind::ImplausibleDates
        | TaskKind::ActivityAfterDeath => settled.evidence == question.grounds.digest,
        _ => settled.evidence == question.grounds.digest || !is_new_evidence(changed),
    }
}

/// Readers who have said something saw the earlier evidence: where the new one
/// holds another fact, they have to read again.
fn add_evidence(task: TaskId, known: &TaskState, mut question: Question) -> RegistryEvent {
    let mut reasons = known.reasons.clone();
    reasons.append(&mut question.reasons);
    reasons.sort_unstable();
    reasons.dedup();
    question.reasons = reasons;
    let changed = level_changes(&known.rows, &question.grounds.rows);
    let half_read = matches!(
        known.stage,
        TaskStage::SecondReader | TaskStage::ThirdReader
    );
    if half_read && is_new_evidence(&changed) {
        question.priority = question.priority.min(known.priority);
        return ask_again(task, question, changed);
    }
    RegistryEvent::TaskUpdated {
        task,
        record: question.record,
        weight_bits: question.weight_bits,
        reasons: question.reasons,
        evidence: question.grounds.digest,
        priority: question.priority,
        compared: question.grounds.compared,
        rows: question.grounds.rows,
    }
}

fn ask_again(task: TaskId, question: Question, changed: Vec<LevelChange>) -> RegistryEvent {
    RegistryEvent::TaskReopened {
        task,
        record: question.record,
        weight_bits: question.weight_bits,
        reasons: question.reasons,
        evidence: question.grounds.digest,
        priority: question.priority,
        compared: question.grounds.compared,
        rows: question.grounds.rows,
        changed,
    }
}

/// Who drops a proposed merge when one of its persons is gone.
const MACHINE: &str = "accord";

/// Closes what is open about a person that is no longer there to ask about, and
/// drops merges of it that wait.
pub(super) fn close_tasks_of(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    person: PersonId,
    because: CloseReason,
) {
    let gone = state.open_tasks_of(person);
    events.extend(gone.map(|(task, _)| RegistryEvent::TaskClosed { task, because }));
    drop_proposals(state, events, person, MACHINE);
}

/// What a question rests on: the model and the versions that were compared.
pub(super) fn evidence_digest(model: &LinkageModel, compared: &[ComparedVersion]) -> String {
    digest_of(model.id(), compared)
}

/// Whether a question was raised by this model.
#[must_use]
pub fn rests_on(task: &TaskState, model: &ModelId) -> bool {
    task.evidence == digest_of(model, &task.compared)
}

fn digest_of(model: &ModelId, compared: &[ComparedVersion]) -> String {
    let mut digest = Sha256::new();
    digest.update(model.as_str());
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

/// Where a question about these records stands in the queue (R116).
pub(super) fn priority<'r>(
    kind: TaskKind,
    mut about: impl Iterator<Item = &'r StandardRecord>,
    now: Instant,
) -> TaskPriority {
    match kind {
        // All that a quarantined source sends waits behind its question.
        TaskKind::SuspectedConfusion | TaskKind::OverlayHeld | TaskKind::SourceQuarantined => {
            TaskPriority::Confusion
        }
        _ if about.any(|record| record.restricted || is_child(record, now)) => {
            TaskPriority::Sensitive
        }
        TaskKind::PossibleDuplicateNumber | TaskKind::SupersessionConflict => TaskPriority::Number,
        TaskKind::PossibleDuplicate
        | TaskKind::LinkDoubtful
        | TaskKind::ImplausibleDates
        | TaskKind::ActivityAfterDeath
        | TaskKind::MergeApproval => TaskPriority::Weight,
    }
}

/// Whether the record may be of somebody under eighteen.
#[must_use]
pub fn is_child(record: &StandardRecord, now: Instant) -> bool {
    let (year, month, day) = now.date();
    let year = i16::try_from(year).unwrap_or(i16::MAX) - ADULT_YEARS;
    let birthday = StandardDate::from_parts(year, Some(month), Some(day))
        .or_else(|| StandardDate::from_parts(year, Some(month), Some(28)));
    let born = record.birth_date.and_then(|birth| {
        if birth.year_only {
            StandardDate::from_parts(birth.date.year(), None, None)
        } else {
            Some(birth.date)
        }
    });
    let pair = born.zip(birthday);
    record.unborn || pair.is_some_and(|(born, of_age)| born.latest_day() > of_age.latest_day())
}

#[cfg(test)]
mod tests {
    use super::is_child;
    use crate::foundation::Instant;
    use crate::identity::{BirthDate, StandardDate, StandardRecord};

    fn born(text: &str) -> StandardRecord {
        let date = StandardDate::parse(text).expect("a date");
        StandardRecord {
            birth_date: Some(BirthDate {
                date,
                year_only: false,
            }),
            ..StandardRecord::default()
        }
    }

    #[test]
    fn a_child_is_one_until_the_eighteenth_birthday() {
        let now = Instant::parse("2026-02-28T10:00:00Z").expect("an instant");
        assert!(is_child(&born("2008-03-01"), now));
        assert!(!is_child(&born("2008-02-28"), now));
        assert!(is_child(&born("2008"), now), "perhaps not yet of age");
        assert!(!is_child(&born("2007"), now));
        assert!(!is_child(&StandardRecord::default(), now));
    }
}
