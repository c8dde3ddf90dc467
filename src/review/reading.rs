//! The steps that people take with a question.

use crate::foundation::{Instant, TaskId};
use crate::registry::{
    EscalationReason, RegistryEvent, TaskKind, TaskOutcome, TaskRead, TaskState,
};
use crate::review::follow::may_escalate;
use crate::review::{Follow, ReviewRefusal, follow};
use crate::security::{Access, Action, Role, actions, is_same_human};

/// Somebody at work, by what the policy lets them do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// Account, or the person for whom a system acts.
    pub name: String,
    /// May read first.
    pub decides: bool,
    /// May read second and third, and approve.
    pub approves: bool,
}

impl Reviewer {
    /// Who acts, and what the policy lets them do with a task.
    #[must_use]
    pub fn of(access: &Access) -> Self {
        Self {
            name: access.person().to_owned(),
            decides: access.may_also(Action::DecideTask),
            approves: access.may_also(Action::ApproveTask),
        }
    }

    /// Somebody of these roles, who is not there to ask.
    #[must_use]
    pub fn absent(name: &str, roles: &[Role]) -> Self {
        let may = |action: Action| roles.iter().any(|role| actions(*role).contains(&action));
        Self {
            name: name.to_owned(),
            decides: may(Action::DecideTask),
            approves: may(Action::ApproveTask),
        }
    }
}

/// What a reader says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The outcome.
    pub outcome: TaskOutcome,
    /// Digest of what was seen.
    pub evidence: String,
}

/// What the rules ask of a question, besides its stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Two readers (R114).
    pub two_readers: bool,
    /// "Same" would bring two live verified numbers together (R15, R20).
    pub two_live_numbers: bool,
}

/// Where a read leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What happened.
    pub events: Vec<RegistryEvent>,
    /// What has to follow in the same commit; `None` while it waits.
    pub follow: Option<Follow>,
}

/// Takes the question in hand until then; who has it may take it for longer.
///
/// # Errors
/// Settled, in other hands, or read by this person.
pub fn claim(
    task: TaskId,
    state: &TaskState,
    reviewer: &Reviewer,
    (now, until): (Instant, Instant),
) -> Result<RegistryEvent, ReviewRefusal> {
    may_take(state, reviewer, now)?;
    may_read_next(state, reviewer)?;
    Ok(RegistryEvent::TaskClaimed {
        task,
        by: reviewer.name.clone(),
        until,
        assigned_by: None,
    })
}

/// Gives the question to a colleague until then, who is asked as if they took it.
///
/// # Errors
/// Settled, in the hands of a third person, or not the colleague's to read.
pub fn assign(
    task: TaskId,
    state: &TaskState,
    (by, to): (&Reviewer, &Reviewer),
    (now, until): (Instant, Instant),
) -> Result<RegistryEvent, ReviewRefusal> {
    may_take(state, by, now)?;
    may_read_next(state, to)?;
    Ok(RegistryEvent::TaskClaimed {
        task,
        by: to.name.clone(),
        until,
        assigned_by: Some(by.name.clone()).filter(|_| by.name != to.name),
    })
}

/// Gives the question back.
///
/// # Errors
/// Settled, or not in this person's hands.
pub fn release(
    task: TaskId,
    state: &TaskState,
    reviewer: &Reviewer,
    now: Instant,
) -> Result<RegistryEvent, ReviewRefusal> {
    if !state.waits() {
        return Err(ReviewRefusal::Settled);
    }
    let own = state
        .claim_at(now)
        .filter(|claim| claim.by == reviewer.name);
    own.map(|claim| RegistryEvent::TaskReleased {
        task,
        by: claim.by.clone(),
    })
    .ok_or(ReviewRefusal::NotInHand)
}

/// Writes something beside the question, also when it is settled.
#[must_use]
pub fn comment(task: TaskId, reviewer: &Reviewer) -> RegistryEvent {
    RegistryEvent::TaskCommented {
        task,
        by: reviewer.name.clone(),
    }
}

/// A reader says something; `seen` is the digest of what would be seen now.
///
/// # Errors
/// What the table in the module's doc does not allow.
pub fn read(
    task: TaskId,
    state: &TaskState,
    reviewer: &Reviewer,
    said: &Said,
    needs: Needs,
    (now, seen): (Instant, &str),
) -> Result<Reading, ReviewRefusal> {
    may_take(state, reviewer, now)?;
    let kind = state.kind;
    let known = match said.outcome {
        TaskOutcome::Escalate => may_escalate(kind),
        outcome => follow(kind, outcome).is_some(),
    };
    if !known {
        return Err(ReviewRefusal::NotAnOutcome(kind));
    }
    may_read_next(state, reviewer)?;
    if said.evidence != seen {
        return Err(ReviewRefusal::StaleEvidence {
            now: seen.to_owned(),
        });
    }
    let step = Step {
        task,
        reviewer,
        said,
    };
    if said.outcome == TaskOutcome::Escalate {
        return Ok(Reading {
            events: vec![step.escalated(EscalationReason::Asked)],
            follow: None,
        });
    }
    if said.outcome == TaskOutcome::Same && needs.two_live_numbers {
        return Ok(Reading {
            events: vec![
                step.read(),
                step.escalated(EscalationReason::TwoLiveNumbers),
            ],
            follow: None,
        });
    }
    let earlier: Vec<&TaskRead> = state.reads_of_round().collect();
    let settled = settles(&earlier, said.outcome, needs.two_readers);
    let mut events = vec![step.read()];
    events.extend(settled.map(|outcome| RegistryEvent::TaskDecided { task, outcome }));
    Ok(Reading {
        events,
        follow: settled.and_then(|outcome| follow(kind, outcome)),
    })
}

struct Step<'s> {
    task: TaskId,
    reviewer: &'s Reviewer,
    said: &'s Said,
}

impl Step<'_> {
    fn read(&self) -> RegistryEvent {
        RegistryEvent::TaskRead {
            task: self.task,
            by: self.reviewer.name.clone(),
            outcome: self.said.outcome,
            evidence: self.said.evidence.clone(),
        }
    }

    fn escalated(&self, because: EscalationReason) -> RegistryEvent {
        RegistryEvent::TaskEscalated {
            task: self.task,
            by: self.reviewer.name.clone(),
            because,
            evidence: self.said.evidence.clone(),
        }
    }
}

/// As what the reads settle the question, if they do.
fn settles(earlier: &[&TaskRead], outcome: TaskOutcome, two_readers: bool) -> Option<TaskOutcome> {
    let same_before = earlier.iter().any(|read| read.outcome == outcome);
    match earlier.len() {
        0 => (!two_readers).then_some(outcome),
        1 => same_before.then_some(outcome),
        _ if outcome == TaskOutcome::Same && !same_before => Some(TaskOutcome::CannotTell),
        _ => Some(outcome),
    }
}

fn may_take(state: &TaskState, reviewer: &Reviewer, now: Instant) -> Result<(), ReviewRefusal> {
    if !state.waits() {
        return Err(ReviewRefusal::Settled);
    }
    match state.claim_at(now) {
        Some(claim) if claim.by != reviewer.name => Err(ReviewRefusal::InHand),
        _ => Ok(()),
    }
}

/// R114: another person for each read of a round, and the right one.
fn may_read_next(state: &TaskState, reviewer: &Reviewer) -> Result<(), ReviewRefusal> {
    let mut reads = state.reads_of_round();
    if reads.any(|read| is_same_human(&read.by, &reviewer.name)) {
        return Err(ReviewRefusal::SamePerson);
    }
    let first = state.reads_of_round().next().is_none();
    match state.kind {
        TaskKind::MergeApproval if !reviewer.approves => Err(ReviewRefusal::NotApprover),
        TaskKind::MergeApproval | TaskKind::SourceQuarantined => Ok(()),
        _ if first && !reviewer.decides => Err(ReviewRefusal::NotSteward),
        _ if !first && !reviewer.approves => Err(ReviewRefusal::NotApprover),
        _ => Ok(()),
    }
}

/// Why somebody may not answer the question as it stands, whoever has it in hand.
#[must_use]
pub fn barred(state: &TaskState, reviewer: &Reviewer) -> Option<ReviewRefusal> {
    may_read_next(state, reviewer).err()
}

/// Whether somebody may see what a reader said: of the present round only those
/// who have read it themselves, until it is settled (R114).
#[must_use]
pub fn may_see_read(state: &TaskState, read: &TaskRead, asker: &str) -> bool {
    read.round != state.round || !state.waits() || state.reads_of_round().any(|own| own.by == asker)
}
