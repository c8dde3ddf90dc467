//! Moving one record by a human's word: to another person, or to one of its own.

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, PersonId, RecordNumber};
use crate::matching::{LinkageModel, Route};
use crate::registry::candidates::Scored;
use crate::registry::evidence::link_decision;
use crate::registry::merging::merge::{members_of, refuse_two_numbers, require_active, seen};
use crate::registry::merging::tasks::{carry_tasks, drop_proposals};
use crate::registry::supersession::resolved;
use crate::registry::tasks::evidence_digest;
use crate::registry::{
    AssertionKind, Change, CloseReason, LinkDecision, LocalId, Member, MergeRefusal, MergeStatus,
    Numbering, PersonStatus, RecordState, Refused, RegistryEvent, RegistryState, SourceCode,
    TaskKind, UnlinkReason, needs_approval,
};

/// Where a record is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveTarget {
    /// To this person.
    Person(PersonId),
    /// To a person of its own.
    New,
    /// Back to whom it had left: a move is taken back.
    Back(PersonId),
}

/// What a human asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveCommand {
    /// Whose record.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// Where it is to go.
    pub to: MoveTarget,
    /// Who asks.
    pub by: String,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveAnswer {
    /// The record.
    pub record: RecordNumber,
    /// Whom it has left.
    pub from: PersonId,
    /// To whom it belongs.
    pub to: PersonId,
    /// What keeps automation from putting it back.
    pub assertion: Option<AssertionId>,
}

/// Moves a record.
///
/// # Errors
/// An unknown or withdrawn record; a target that is unknown, replaced,
/// withdrawn or its person already; two live verified numbers (R15); records
/// that a human holds to be different people's (R102); the only record of a
/// person, where joining the two needs a second human (R114).
pub fn move_record(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    command: &MoveCommand,
) -> Result<Change<MoveAnswer>, Refused> {
    let (known, from) = movable(state, command)?;
    let record = known.number;
    let mut left = members_of(state, from);
    left.remove(&record);
    let mut events = Vec::new();
    let to = match command.to {
        MoveTarget::New if left.is_empty() => return Err(MergeRefusal::AlreadyThere.into()),
        MoveTarget::New => {
            let person = numbering.person();
            events.push(RegistryEvent::PersonCreated { person });
            person
        }
        MoveTarget::Person(person) => {
            require_active(state, person)?;
            refuse_move(state, model, numbering, known, (from, person))?;
            refuse_joining(state, numbering, (from, person), &left)?;
            person
        }
        MoveTarget::Back(person) => {
            let person = back_to(state, from, person)?;
            refuse_move(state, model, numbering, known, (from, person))?;
            let status = state.persons.get(&person).map(|known| known.status);
            if status != Some(PersonStatus::Active) {
                events.push(RegistryEvent::PersonRestored { person });
            }
            person
        }
    };
    events.push(RegistryEvent::RecordUnlinked {
        record,
        person: from,
        because: UnlinkReason::Moved,
        merge: None,
    });
    events.push(RegistryEvent::RecordLinked {
        record,
        person: to,
        decision: by_human(state, model, known, to),
    });
    let mut assertion = None;
    if left.is_empty() {
        events.push(RegistryEvent::PersonRetired {
            person: from,
            replaced_by: to,
        });
        carry_tasks(state, &mut events, numbering, from, to);
        drop_proposals(state, &mut events, from, &command.by);
    } else {
        close_answered(state, &mut events, record, from, to);
        assertion = Some(part(
            state,
            model,
            numbering,
            &mut events,
            (record, &left),
            &command.by,
        ));
    }
    let answer = MoveAnswer {
        record,
        from,
        to,
        assertion,
    };
    Ok(Change { events, answer })
}

/// The record and whose it is, unless an objection hides it (R134).
fn movable<'s>(
    state: &'s RegistryState,
    command: &MoveCommand,
) -> Result<(&'s RecordState, PersonId), MergeRefusal> {
    let known = state.record(&command.source, &command.local_id);
    let known = known.ok_or(MergeRefusal::UnknownRecord)?;
    let link = known.link.as_ref().ok_or(MergeRefusal::RecordWithdrawn)?;
    if state.hidden(&state.sealable(link.person)) {
        return Err(MergeRefusal::UnknownRecord);
    }
    Ok((known, link.person))
}

fn refuse_move(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    known: &RecordState,
    (from, to): (PersonId, PersonId),
) -> Result<(), Refused> {
    if from == to {
        return Err(MergeRefusal::AlreadyThere.into());
    }
    let own = BTreeSet::from([known.number]);
    if state.sealed(&own, &state.sealable(to)).is_some() {
        return Err(MergeRefusal::UnknownPerson(to).into());
    }
    if let Some(assertion) = state.asserted_different(&own, &members_of(state, to)) {
        return Err(MergeRefusal::AssertedDifferent(assertion).into());
    }
    let own: Vec<Member> = state.members(from).into_iter().collect();
    let own = own.into_iter().filter(|it| it.record == known.number);
    let sides = [own.collect(), state.members(to)];
    refuse_two_numbers(state, model, numbering, [from, to], sides)
}

/// Whom a record goes back to: the id that it had left, unless that has become
/// somebody else since.
fn back_to(
    state: &RegistryState,
    from: PersonId,
    person: PersonId,
) -> Result<PersonId, MergeRefusal> {
    let now = state
        .survivor_of(person)
        .ok_or(MergeRefusal::UnknownPerson(person))?;
    // A merge that holds leads there by itself.
    let merged = state
        .merges
        .values()
        .any(|merge| merge.status == MergeStatus::Done && merge.retired == person);
    Ok(if now == from && !merged { person } else { now })
}

/// The only record of a person joins the two for good (R114).
fn refuse_joining(
    state: &RegistryState,
    numbering: &Numbering<'_>,
    (from, to): (PersonId, PersonId),
    left: &BTreeSet<RecordNumber>,
) -> Result<(), Refused> {
    let approval = if left.is_empty() {
        needs_approval(state, numbering.now, from, to)
    } else {
        Vec::new()
    };
    if approval.is_empty() {
        Ok(())
    } else {
        Err(MergeRefusal::NeedsApproval(approval).into())
    }
}

/// With the comparison that was there to be seen.
fn by_human(
    state: &RegistryState,
    model: &LinkageModel,
    known: &RecordState,
    to: PersonId,
) -> LinkDecision {
    let members = state.members(to);
    let (record, version) = (known.number, known.current.version);
    let standard = state.standards.get(&record);
    let members = match standard {
        Some(standard) => resolved(&state.replacements, standard, members),
        None => members,
    };
    let scored = standard.filter(|_| !members.is_empty()).map(|standard| {
        let values: Vec<_> = members.iter().map(|it| it.standard.as_ref()).collect();
        let score = model.score(standard, &values);
        let person = to;
        (
            Scored {
                person,
                score,
                members: members.clone(),
            },
            standard,
        )
    });
    let chosen = scored
        .as_ref()
        .map(|(scored, standard)| (scored, standard.as_ref()));
    LinkDecision {
        route: Some(Route::Human),
        ..link_decision(model, record, version, chosen, Vec::new())
    }
}

/// Questions that the move has answered.
fn close_answered(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    record: RecordNumber,
    from: PersonId,
    to: PersonId,
) {
    for (task, known) in state.open_tasks_of(from) {
        let doubt = known.kind == TaskKind::LinkDoubtful;
        let same = known.kind == TaskKind::PossibleDuplicate && known.persons.contains(&to);
        if known.record == record && (doubt || same) {
            events.push(RegistryEvent::TaskClosed {
                task,
                because: CloseReason::RecordMoved,
            });
        }
    }
}

/// The record is not theirs whom it has left: a human has said so.
fn part(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    events: &mut Vec<RegistryEvent>,
    (record, left): (RecordNumber, &BTreeSet<RecordNumber>),
    by: &str,
) -> AssertionId {
    let assertion = numbering.assertion();
    let person = state.records.get(&record).and_then(|it| it.link.as_ref());
    let members = person.map_or_else(Vec::new, |link| state.members(link.person));
    events.push(RegistryEvent::AssertionMade {
        assertion,
        kind: AssertionKind::Different,
        a: vec![record],
        b: left.iter().copied().collect(),
        evidence: evidence_digest(model, &seen(members.iter())),
        by: by.to_owned(),
        merge: None,
    });
    assertion
}
