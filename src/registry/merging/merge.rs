//! Merging two persons: pointer work over the records of one of them.

use std::collections::BTreeSet;

use crate::foundation::{MergeId, PersonId, RecordNumber, TaskId};
use crate::matching::{LinkageModel, Reason, Route};
use crate::registry::merging::tasks::{carry_tasks, drop_proposals};
use crate::registry::tasks::{Grounds, Question, evidence_digest, raise};
use crate::registry::{
    ApprovalReason, Carried, Change, CloseReason, ComparedVersion, DropReason, LinkDecision,
    Member, MergeRefusal, MergeStatus, Numbering, PersonStatus, Refused, RegistryEvent,
    RegistryState, TaskKind, TaskPriority, TaskStage, TaskState, UnlinkReason, needs_approval,
};
use crate::security::is_same_human;

/// What a human asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeCommand {
    /// Whose id goes on.
    pub survivor: PersonId,
    /// Whose id is to resolve to it.
    pub retired: PersonId,
    /// Who asks.
    pub by: String,
    /// A withdrawn record restricts the location of one of them: the flag
    /// outlives its record (R111).
    pub restricted: bool,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeAnswer {
    /// Its id.
    pub merge: MergeId,
    /// Done, or awaiting approval.
    pub status: MergeStatus,
    /// Whose id goes on.
    pub survivor: PersonId,
    /// Whose id resolves to it.
    pub retired: PersonId,
    /// The task that asks for the approval.
    pub task: Option<TaskId>,
    /// Why it needs one.
    pub approval: Vec<ApprovalReason>,
}

/// Merges two persons, or proposes it where it needs a second human (R114).
///
/// # Errors
/// Unknown, replaced, withdrawn or the same persons; two live verified numbers
/// (R15), which leaves a question; persons that a human holds to be different
/// (R102); a merge of the two that waits already; a question about the two that is
/// half read, where the merge needs a second human (R114).
pub fn merge_persons(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    command: &MergeCommand,
) -> Result<Change<MergeAnswer>, Refused> {
    let (survivor, retired) = (command.survivor, command.retired);
    let waiting = state.merges.iter().find(|(_, known)| {
        known.status == MergeStatus::AwaitingApproval
            && BTreeSet::from([known.survivor, known.retired])
                == BTreeSet::from([survivor, retired])
    });
    if let Some((merge, known)) = waiting {
        let (merge, task) = (*merge, known.task);
        return Err(MergeRefusal::AlreadyProposed { merge, task }.into());
    }
    refuse_impossible(state, model, numbering, survivor, retired)?;
    let mut approval = needs_approval(state, numbering.now, survivor, retired);
    if command.restricted && !approval.contains(&ApprovalReason::Restricted) {
        approval.push(ApprovalReason::Restricted);
        approval.sort_unstable();
    }
    let merge = numbering.merge();
    let mut events = Vec::new();
    if approval.is_empty() {
        carry_out(state, model, numbering, &mut events, (merge, command));
        let answer = MergeAnswer {
            merge,
            status: MergeStatus::Done,
            survivor,
            retired,
            task: None,
            approval,
        };
        return Ok(Change { events, answer });
    }
    let known = question_of(state, survivor, retired)?;
    let task = numbering.task();
    events.push(RegistryEvent::MergeProposed {
        merge,
        survivor,
        retired,
        by: command.by.clone(),
        because: approval.clone(),
        task,
    });
    let question = known.map(|(_, question)| question);
    let pair = (survivor, retired);
    events.push(ask_for_approval(state, model, task, pair, question));
    events.extend(known.map(|(task, _)| RegistryEvent::TaskClosed {
        task,
        because: CloseReason::MergeProposed,
    }));
    let answer = MergeAnswer {
        merge,
        status: MergeStatus::AwaitingApproval,
        survivor,
        retired,
        task: Some(task),
        approval,
    };
    Ok(Change { events, answer })
}

/// Carries out a merge that waits; `by` is a second, different human (R114).
/// The task that asked for it closes with the questions about the two.
///
/// # Errors
/// As [`merge_persons`]: what forbids a merge may have come to light since.
pub fn approve_merge(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    merge: MergeId,
    by: &str,
) -> Result<Change<MergeAnswer>, Refused> {
    let known = state.merges.get(&merge).ok_or(MergeRefusal::UnknownMerge)?;
    if known.status != MergeStatus::AwaitingApproval {
        return Err(MergeRefusal::WrongStatus(known.status).into());
    }
    if is_same_human(&known.asked_by, by) {
        return Err(MergeRefusal::SameHuman.into());
    }
    refuse_impossible(state, model, numbering, known.survivor, known.retired)?;
    let command = MergeCommand {
        survivor: known.survivor,
        retired: known.retired,
        by: by.to_owned(),
        restricted: false,
    };
    let mut events = Vec::new();
    carry_out(state, model, numbering, &mut events, (merge, &command));
    let answer = MergeAnswer {
        merge,
        status: MergeStatus::Done,
        survivor: known.survivor,
        retired: known.retired,
        task: known.task,
        approval: known.approval.clone(),
    };
    Ok(Change { events, answer })
}

/// Drops a merge that waits. The task that asked for it stays as it is: whoever
/// decides it closes it.
///
/// # Errors
/// An unknown merge, or one that does not wait.
pub fn drop_merge(
    state: &RegistryState,
    merge: MergeId,
    by: &str,
    because: DropReason,
) -> Result<Vec<RegistryEvent>, MergeRefusal> {
    let known = state.merges.get(&merge).ok_or(MergeRefusal::UnknownMerge)?;
    if known.status != MergeStatus::AwaitingApproval {
        return Err(MergeRefusal::WrongStatus(known.status));
    }
    Ok(vec![RegistryEvent::MergeDropped {
        merge,
        survivor: known.survivor,
        retired: known.retired,
        by: by.to_owned(),
        because,
    }])
}

/// A person that a human names must be active: who names a replaced id has not
/// seen who it is now.
pub(super) fn require_active(state: &RegistryState, person: PersonId) -> Result<(), MergeRefusal> {
    let known = state.persons.get(&person);
    match known.map(|known| known.status) {
        None => Err(MergeRefusal::UnknownPerson(person)),
        Some(PersonStatus::Active) => Ok(()),
        Some(PersonStatus::Withdrawn) => Err(MergeRefusal::Withdrawn(person)),
        Some(PersonStatus::Retired { .. }) => {
            let survivor = state.survivor_of(person).unwrap_or(person);
            Err(MergeRefusal::Retired { person, survivor })
        }
    }
}

fn refuse_impossible(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    survivor: PersonId,
    retired: PersonId,
) -> Result<(), Refused> {
    if survivor == retired {
        return Err(MergeRefusal::SamePerson.into());
    }
    require_active(state, survivor)?;
    require_active(state, retired)?;
    let (one, other) = (members_of(state, survivor), members_of(state, retired));
    // For whoever names the one, the other does not exist (R22).
    if state
        .sealed(&state.sealable(survivor), &state.sealable(retired))
        .is_some()
    {
        return Err(MergeRefusal::UnknownPerson(retired).into());
    }
    if let Some(assertion) = state.asserted_different(&one, &other) {
        return Err(MergeRefusal::AssertedDifferent(assertion).into());
    }
    let sides = [state.members(survivor), state.members(retired)];
    refuse_two_numbers(state, model, numbering, [survivor, retired], sides)
}

/// Nobody local joins two live verified numbers: the question is noted (R15).
pub(in crate::registry) fn refuse_two_numbers(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    mut persons: [PersonId; 2],
    sides: [Vec<Member>; 2],
) -> Result<(), Refused> {
    let all: Vec<&Member> = sides.iter().flatten().collect();
    if !state.have_two_live_numbers(all.iter().copied()) {
        return Ok(());
    }
    persons.sort_unstable();
    let question = Question {
        kind: TaskKind::PossibleDuplicateNumber,
        record: all.last().map_or(RecordNumber(0), |member| member.record),
        persons: persons.to_vec(),
        weight_bits: None,
        reasons: vec![Reason::TwoVerifiedNumbers],
        grounds: Grounds::seen(model, seen(all.iter().copied())),
        priority: TaskPriority::Number,
    };
    let mut events = Vec::new();
    let task = raise(state, &mut events, numbering, question).task;
    let refusal = MergeRefusal::TwoVerifiedNumbers(task);
    Err(Refused { refusal, events })
}

/// The versions that a human has in front of them.
pub(super) fn seen<'m>(members: impl Iterator<Item = &'m Member>) -> Vec<ComparedVersion> {
    let mut seen: Vec<ComparedVersion> = members
        .map(|member| ComparedVersion {
            record: member.record,
            version: member.version,
        })
        .collect();
    seen.sort_unstable();
    seen
}

pub(super) fn members_of(state: &RegistryState, person: PersonId) -> BTreeSet<RecordNumber> {
    let known = state.persons.get(&person);
    known.map_or_else(BTreeSet::new, |known| known.members.clone())
}

/// The question whether these two are one, which the approval takes the place of: one
/// task for a pair (R118). A suspected confusion stays beside it (R19).
fn question_of(
    state: &RegistryState,
    survivor: PersonId,
    retired: PersonId,
) -> Result<Option<(TaskId, &TaskState)>, MergeRefusal> {
    let mut pair = [survivor, retired];
    pair.sort_unstable();
    let waiting = state.tasks.about(&pair).filter(|(_, task)| task.waits());
    let waiting: Vec<_> = waiting.collect();
    let half_read =
        |task: &TaskState| matches!(task.stage, TaskStage::SecondReader | TaskStage::ThirdReader);
    if let Some((task, _)) = waiting.iter().find(|(_, task)| half_read(task)) {
        return Err(MergeRefusal::HalfRead(**task));
    }
    let asks = waiting.into_iter().find(|(_, task)| {
        matches!(
            task.kind,
            TaskKind::PossibleDuplicate | TaskKind::PossibleDuplicateNumber
        )
    });
    Ok(asks.map(|(task, known)| (*task, known)))
}

fn ask_for_approval(
    state: &RegistryState,
    model: &LinkageModel,
    task: TaskId,
    (survivor, retired): (PersonId, PersonId),
    question: Option<&TaskState>,
) -> RegistryEvent {
    let mut persons = vec![survivor, retired];
    persons.sort_unstable();
    if let Some(known) = question {
        return RegistryEvent::TaskOpened {
            task,
            kind: TaskKind::MergeApproval,
            record: known.record,
            persons,
            weight_bits: known.weight_bits,
            reasons: known.reasons.clone(),
            evidence: known.evidence.clone(),
            priority: TaskPriority::Sensitive.min(known.priority),
            compared: known.compared.clone(),
            rows: known.rows.clone(),
        };
    }
    let sides = [survivor, retired].map(|person| state.members(person));
    let records = members_of(state, retired);
    RegistryEvent::TaskOpened {
        task,
        kind: TaskKind::MergeApproval,
        record: records.first().copied().unwrap_or(RecordNumber(0)),
        persons,
        weight_bits: None,
        reasons: Vec::new(),
        evidence: evidence_digest(model, &seen(sides.iter().flatten())),
        priority: TaskPriority::Sensitive,
        compared: Vec::new(),
        rows: Vec::new(),
    }
}

fn carry_out(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    events: &mut Vec<RegistryEvent>,
    (merge, command): (MergeId, &MergeCommand),
) {
    let (survivor, retired) = (command.survivor, command.retired);
    let moved = members_of(state, retired);
    events.push(RegistryEvent::MergeMade {
        merge,
        survivor,
        retired,
        moved: moved.iter().copied().collect(),
        kept: members_of(state, survivor).into_iter().collect(),
        by: command.by.clone(),
    });
    for record in &moved {
        carry(state, model, events, *record, survivor, |home| Carried {
            merge,
            undone: false,
            home,
        });
    }
    events.push(RegistryEvent::PersonRetired {
        person: retired,
        replaced_by: survivor,
    });
    carry_tasks(state, events, numbering, retired, survivor);
    drop_proposals(state, events, retired, &command.by);
}

/// Carries a record to another person; the decision about it stands.
pub(super) fn carry(
    state: &RegistryState,
    model: &LinkageModel,
    events: &mut Vec<RegistryEvent>,
    record: RecordNumber,
    to: PersonId,
    carried: impl Fn(crate::registry::Home) -> Carried,
) {
    let Some(known) = state.records.get(&record) else {
        return;
    };
    let Some(link) = &known.link else { return };
    let carried = carried(link.home.clone());
    events.push(RegistryEvent::RecordUnlinked {
        record,
        person: link.person,
        because: if carried.undone {
            UnlinkReason::Unmerged
        } else {
            UnlinkReason::Merged
        },
        merge: Some(carried.merge),
    });
    // At home, the decision holds as it fell; elsewhere a human has brought it.
    let home = &carried.home;
    let (route, weight_bits, of) = if home.person == to {
        (home.route, home.weight_bits, &home.model)
    } else {
        (Some(Route::Human), None, model.id())
    };
    let of = of.clone();
    events.push(RegistryEvent::RecordLinked {
        record,
        person: to,
        decision: LinkDecision {
            route,
            weight_bits,
            model: of,
            standardiser: crate::identity::STANDARDISER_VERSION,
            version: known.current.version,
            compared: Vec::new(),
            rows: Vec::new(),
            reasons: Vec::new(),
            carried: Some(carried),
        },
    });
}
