//! What follows from a settled question, as events of the registry.

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, Instant, MergeId, PersonId, RecordNumber, TaskId};
use crate::matching::{LinkageModel, Reason};
use crate::registry::{
    ApprovalReason, AssertionKind, DropReason, Member, MergeCommand, MergeRefusal, MergeStatus,
    MoveCommand, MoveTarget, Numbering, RegistryEvent, RegistryState, TaskKind, TaskOutcome,
    TaskState, approve_merge, ask_what_it_stood_for, drop_merge, merge_persons, move_record,
    needs_approval, release_source, sweep_household, withdraw_assertion,
};
use crate::review::{Follow, Needs, follow};

/// What has followed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Carried {
    /// What happened.
    pub events: Vec<RegistryEvent>,
    /// The merge that was made.
    pub merge: Option<MergeId>,
    /// The assertion that was made.
    pub assertion: Option<AssertionId>,
    /// A person that the record was moved to.
    pub person: Option<PersonId>,
    /// Questions that were raised.
    pub raised: Vec<TaskId>,
}

/// What the rules ask of the question besides its stage. `restricted` says that
/// a withdrawn record restricts one of its persons (R111).
#[must_use]
pub fn needs_of(state: &RegistryState, now: Instant, task: &TaskState, restricted: bool) -> Needs {
    let merges = follow(task.kind, TaskOutcome::Same) == Some(Follow::Merge);
    let pair = (task.persons.first(), task.persons.get(1));
    let (true, (Some(one), Some(other))) = (merges, pair) else {
        return Needs {
            two_readers: false,
            two_live_numbers: task.reasons.contains(&Reason::SecondVerifiedNumber),
        };
    };
    let members: Vec<Member> = [one, other]
        .into_iter()
        .flat_map(|person| state.members(*person))
        .collect();
    Needs {
        two_readers: restricted || !needs_approval(state, now, *one, *other).is_empty(),
        two_live_numbers: state.have_two_live_numbers(&members),
    }
}

/// Whether the outcome goes against the evidence, or lets happen what the
/// machine holds back, and so says why (R115).
#[must_use]
pub fn needs_reason(model: &LinkageModel, task: &TaskState, outcome: TaskOutcome) -> bool {
    let weight = task.weight_bits;
    match outcome {
        TaskOutcome::Same => {
            let contrary = |reason: &Reason| {
                reason.suspects_confusion()
                    || matches!(
                        reason,
                        Reason::AssertedDifferent
                            | Reason::AssertionContradicted
                            | Reason::DifferentNumbers
                            | Reason::DifferentBirthOrder
                            | Reason::NoDatePartEqual
                            | Reason::SexAndGivenNameDiffer
                    )
            };
            task.kind == TaskKind::OverlayHeld
                || task.reasons.iter().any(contrary)
                || weight.is_some_and(|bits| bits < 0.0)
        }
        TaskOutcome::Different => {
            weight.is_some_and(|bits| bits >= model.file().link_uncalibrated_bits)
        }
        TaskOutcome::Approve => task.kind == TaskKind::SourceQuarantined,
        TaskOutcome::Reject => true,
        TaskOutcome::CannotTell | TaskOutcome::Escalate => false,
    }
}

/// Carries out what follows, on the state after the question was settled. A
/// held version that is accepted is not in here: it is registered.
///
/// # Errors
/// What forbids a merge or a move.
pub fn carry_out(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    task: TaskId,
    (follow, by): (Follow, &str),
    residents: &[PersonId],
) -> Result<Carried, MergeRefusal> {
    let Some(known) = state.tasks.get(&task) else {
        return Ok(Carried::default());
    };
    let work = Work {
        state,
        model,
        numbering,
        known,
        by,
    };
    match follow {
        Follow::Nothing | Follow::AcceptHeld => Ok(Carried::default()),
        Follow::Merge => work.merge(residents),
        Follow::AssertDifferent => Ok(work.keep_apart()),
        Follow::AssertSame => Ok(work.keep_together()),
        Follow::MoveOut => work.move_out(),
        Follow::RefuseHeld => Ok(work.refuse_held()),
        Follow::ReleaseSource => Ok(work.release()),
        Follow::ApproveMerge => work.approve(task),
        Follow::DropMerge => work.drop(task),
    }
}

struct Work<'w> {
    state: &'w RegistryState,
    model: &'w LinkageModel,
    numbering: &'w Numbering<'w>,
    known: &'w TaskState,
    by: &'w str,
}

impl Work<'_> {
    /// The older person goes on. Where it takes two humans, the merge was asked
    /// for by the first who said "same" and is approved by the last.
    fn merge(&self, residents: &[PersonId]) -> Result<Carried, MergeRefusal> {
        let [survivor, retired] = self.known.persons[..] else {
            return Ok(Carried::default());
        };
        let mut after = self.state.clone();
        let mut events = self.lift_assertions(survivor, retired);
        apply(&mut after, &events);
        let first = self
            .known
            .reads_of_round()
            .find(|read| read.outcome == TaskOutcome::Same && read.by != self.by);
        let command = MergeCommand {
            survivor,
            retired,
            by: first.map_or(self.by, |read| &read.by).to_owned(),
            restricted: false,
        };
        let asked = merge_persons(&after, self.model, self.numbering, &command)
            .map_err(|refused| refused.refusal)?;
        let merge = asked.answer.merge;
        let waits = asked.answer.status == MergeStatus::AwaitingApproval;
        apply(&mut after, &asked.events);
        events.extend(asked.events);
        if waits {
            let approved = approve_merge(&after, self.model, self.numbering, merge, self.by)
                .map_err(|refused| refused.refusal)?;
            apply(&mut after, &approved.events);
            events.extend(approved.events);
        }
        let rows = &self.known.rows;
        let swept = sweep_household(&after, self.model, self.numbering, rows, residents);
        let raised = swept.iter().filter_map(crate::registry::task_of).collect();
        events.extend(swept);
        Ok(Carried {
            events,
            merge: Some(merge),
            raised,
            ..Carried::default()
        })
    }

    /// What was said before of these two is said otherwise now.
    fn lift_assertions(&self, one: PersonId, other: PersonId) -> Vec<RegistryEvent> {
        let (one, other) = (self.records_of(one), self.records_of(other));
        let contrary = self.state.assertions.iter().filter(|(_, known)| {
            known.kind == AssertionKind::Different && !known.withdrawn && known.parts(&one, &other)
        });
        let lifted =
            contrary.filter_map(|(id, _)| withdraw_assertion(self.state, *id, self.by).ok());
        lifted.flatten().collect()
    }

    fn records_of(&self, person: PersonId) -> BTreeSet<RecordNumber> {
        let known = self.state.persons.get(&person);
        known.map_or_else(BTreeSet::new, |known| known.members.clone())
    }

    /// Every record of the one and every record of the other: a record that
    /// leaves later takes nothing of it away.
    fn keep_apart(&self) -> Carried {
        let [one, other] = self.known.persons[..] else {
            return Carried::default();
        };
        let (a, b) = (self.records_of(one), self.records_of(other));
        self.assert(AssertionKind::Different, a, b)
    }

    fn keep_together(&self) -> Carried {
        let record = BTreeSet::from([self.known.record]);
        let person = self.known.persons.first();
        let mut others = person.map_or_else(BTreeSet::new, |person| self.records_of(*person));
        others.remove(&self.known.record);
        self.assert(AssertionKind::Same, record, others)
    }

    fn assert(
        &self,
        kind: AssertionKind,
        a: BTreeSet<RecordNumber>,
        b: BTreeSet<RecordNumber>,
    ) -> Carried {
        if a.is_empty() || b.is_empty() {
            return Carried::default();
        }
        let assertion = self.numbering.assertion();
        Carried {
            events: vec![RegistryEvent::AssertionMade {
                assertion,
                kind,
                a: a.into_iter().collect(),
                b: b.into_iter().collect(),
                evidence: self.known.evidence.clone(),
                by: self.by.to_owned(),
                merge: None,
            }],
            assertion: Some(assertion),
            ..Carried::default()
        }
    }

    fn move_out(&self) -> Result<Carried, MergeRefusal> {
        let Some(record) = self.state.records.get(&self.known.record) else {
            return Err(MergeRefusal::UnknownRecord);
        };
        let command = MoveCommand {
            source: record.source.clone(),
            local_id: record.local_id.clone(),
            to: MoveTarget::New,
            by: self.by.to_owned(),
        };
        let moved = move_record(self.state, self.model, self.numbering, &command)
            .map_err(|refused| refused.refusal)?;
        Ok(Carried {
            events: moved.events,
            assertion: moved.answer.assertion,
            person: Some(moved.answer.to),
            ..Carried::default()
        })
    }

    fn refuse_held(&self) -> Carried {
        let record = self.state.records.get(&self.known.record);
        let held = record.and_then(|record| record.held.as_ref());
        let refused = held.map(|held| RegistryEvent::HeldSettled {
            record: self.known.record,
            version: held.version,
            accepted: false,
        });
        Carried {
            events: refused.into_iter().collect(),
            ..Carried::default()
        }
    }

    fn release(&self) -> Carried {
        let record = self.state.records.get(&self.known.record);
        let events = record.and_then(|record| release_source(self.state, &record.source));
        let mut events = events.unwrap_or_default();
        // People have settled it: it does not close by itself as well.
        events.retain(|event| !matches!(event, RegistryEvent::TaskClosed { .. }));
        Carried {
            events,
            ..Carried::default()
        }
    }

    fn proposed(&self, task: TaskId) -> Result<MergeId, MergeRefusal> {
        let mut merges = self.state.merges.iter();
        let found = merges.find(|(_, known)| known.task == Some(task));
        found
            .map(|(merge, _)| *merge)
            .ok_or(MergeRefusal::UnknownMerge)
    }

    fn approve(&self, task: TaskId) -> Result<Carried, MergeRefusal> {
        let merge = self.proposed(task)?;
        let approved = approve_merge(self.state, self.model, self.numbering, merge, self.by)
            .map_err(|refused| refused.refusal)?;
        Ok(Carried {
            events: approved.events,
            merge: Some(merge),
            ..Carried::default()
        })
    }

    fn drop(&self, task: TaskId) -> Result<Carried, MergeRefusal> {
        let merge = self.proposed(task)?;
        let mut events = drop_merge(self.state, merge, self.by, DropReason::Rejected)?;
        let asked = ask_what_it_stood_for(self.state, self.numbering, self.known);
        let raised = asked.iter().filter_map(crate::registry::task_of).collect();
        events.extend(asked);
        Ok(Carried {
            events,
            merge: Some(merge),
            raised,
            ..Carried::default()
        })
    }
}

fn apply(state: &mut RegistryState, events: &[RegistryEvent]) {
    for event in events {
        state.apply(event);
    }
}

/// Why a question takes two readers, for those who ask before they decide.
#[must_use]
pub fn reasons_for_two(
    state: &RegistryState,
    now: Instant,
    task: &TaskState,
) -> Vec<ApprovalReason> {
    match task.persons[..] {
        [one, other] if follow(task.kind, TaskOutcome::Same) == Some(Follow::Merge) => {
            needs_approval(state, now, one, other)
        }
        _ => Vec::new(),
    }
}
