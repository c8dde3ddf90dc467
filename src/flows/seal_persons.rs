//! Seals and objections: made, listed and lifted by a privacy officer, and kept by
//! everybody else's answers.

use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, SealId};
use crate::registry::{
    Gate, LocalId, RegistryEvent, RegistryState, SealRefusal, Seals, SourceCode, object, seal,
};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet, StoredSeal};

/// One side of a seal: whoever has this id, or this record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealSide {
    /// A person, by any id that it ever had.
    Person(PersonId),
    /// The person of a record.
    Record(SourceCode, LocalId),
}

/// Seals two persons from each other, or one from everybody (R134); the reason goes
/// into the audit.
///
/// # Errors
/// An unknown side, two sides that are one person or sealed already, a blank
/// reason, or a fault of ours.
pub async fn seal_persons(
    context: &Context,
    access: &Access,
    (a, b): (SealSide, Option<SealSide>),
    reason: &str,
) -> Result<(SealId, Instant), FlowError> {
    let reason = worded(reason)?;
    let store = &context.store;
    let mut sides = vec![find(context, a, "a").await?];
    if let Some(b) = b {
        sides.push(find(context, b, "b").await?);
    }
    let (mut records, mut ever) = (Vec::new(), Vec::new());
    for person in &sides {
        let person = *person;
        ever.push((person, store.records_ever_of(person).await?));
        let known = store.load_person(person).await?.into_iter();
        let members = known.flat_map(|known| known.members);
        records.extend(members.map(|member| (member.state.source, member.state.local_id)));
    }
    let read = ReadSet {
        records,
        whole: sides.clone(),
        ..ReadSet::default()
    };
    let now = context.clock.now();
    let id = SealId::new(now, context.chance.as_ref());
    let mut audit = access.audit(now, sides, Some(id.to_string()));
    audit.purpose = Some(reason);
    let by = access.actor().name.clone();
    let decided = move |state: &RegistryState| match ever.as_slice() {
        [(a, with_a), (b, with_b)] => seal(state, id, &by, (*a, with_a), (*b, with_b)),
        [(person, with), ..] => object(state, id, &by, (*person, with)),
        [] => Ok(Vec::new()),
    };
    let decide = move |state: &mut RegistryState, _: &_| match decided(state) {
        Ok(events) => Planned {
            events,
            audit: vec![audit.clone()],
            ..Planned::nothing(Ok(()))
        },
        Err(refusal) => Planned::nothing(Err(refusal)),
    };
    let sealed = store.commit(read, actor(access), now, decide).await?;
    sealed.map_err(|refusal| match refusal {
        SealRefusal::OnePerson => FlowError::Conflict(
            "both sides are one person now; undo the merge or move the record first",
        ),
        SealRefusal::Sealed => FlowError::Conflict("these two are sealed already"),
        SealRefusal::Objecting => FlowError::Conflict("an objection of this person holds already"),
    })?;
    Ok((id, now))
}

/// The seals that hold.
///
/// # Errors
/// A fault of ours.
pub async fn list_seals(context: &Context, access: &Access) -> Result<Vec<StoredSeal>, FlowError> {
    let seals = context.store.list_seals().await?;
    let sides = seals.iter().flat_map(|seal| seal.a.iter().chain(&seal.b));
    let persons = sides.filter_map(|(_, _, person)| *person).collect();
    let audit = access.audit(context.clock.now(), persons, None);
    context.store.append_audit(vec![audit]).await?;
    Ok(seals)
}

/// Opens a seal; the reason goes into the audit.
///
/// # Errors
/// No such seal, a blank reason, or a fault of ours.
pub async fn lift_seal(
    context: &Context,
    access: &Access,
    id: SealId,
    reason: &str,
) -> Result<(), FlowError> {
    const UNKNOWN: FlowError = FlowError::NotFound("no seal with this id holds");
    let reason = worded(reason)?;
    let seals = context.store.list_seals().await?;
    let known = seals.into_iter().find(|seal| seal.id == id);
    let known = known.ok_or(UNKNOWN)?;
    let sides: Vec<_> = known.a.into_iter().chain(known.b).collect();
    let read = ReadSet {
        records: sides
            .iter()
            .map(|(source, local_id, _)| (source.clone(), local_id.clone()))
            .collect(),
        ..ReadSet::default()
    };
    let persons = sides.into_iter().filter_map(|(_, _, person)| person);
    let now = context.clock.now();
    let mut audit = access.audit(now, persons.collect(), Some(id.to_string()));
    audit.purpose = Some(reason);
    let by = access.actor().name.clone();
    let decide = move |state: &mut RegistryState, _: &_| {
        if !state.seals.contains_key(&id) {
            return Planned::nothing(false);
        }
        Planned {
            events: vec![RegistryEvent::SealLifted {
                seal: id,
                by: by.clone(),
            }],
            audit: vec![audit.clone()],
            ..Planned::nothing(true)
        }
    };
    let lifted = context.store.commit(read, actor(access), now, decide);
    lifted.await?.then_some(()).ok_or(UNKNOWN)
}

/// Whether it may be told that a number of the person is under investigation: not
/// where everybody else who claims it is sealed from it (R19, R22).
pub(super) async fn shows_confusion(
    context: &Context,
    gate: Gate,
    person: PersonId,
) -> Result<bool, FlowError> {
    let rivals = context.store.rivals_for_number(person).await?;
    if rivals.is_empty() {
        return Ok(false);
    }
    let mut persons: Vec<PersonId> = rivals.iter().copied().collect();
    persons.push(person);
    let seals = seals_for(context, gate, &persons).await?;
    Ok(rivals.iter().any(|rival| !seals.part(person, *rival)))
}

/// The seals that an answer about these persons has to keep.
///
/// # Errors
/// A fault of ours.
pub(super) async fn seals_for(
    context: &Context,
    gate: Gate,
    persons: &[PersonId],
) -> Result<Seals, FlowError> {
    if gate.sees_sealed() {
        return Ok(Seals::default());
    }
    seals_of(context, gate, persons, &[]).await
}

async fn find(
    context: &Context,
    side: SealSide,
    member: &'static str,
) -> Result<PersonId, FlowError> {
    let found = match side {
        SealSide::Person(person) => {
            let known = context.store.load_person(person).await?;
            known.map(|known| known.survivor())
        }
        SealSide::Record(source, local_id) => {
            let known = context.store.find_record(&source, &local_id).await?;
            known.and_then(|known| known.state.link.map(|link| link.person))
        }
    };
    found.ok_or_else(|| FlowError::Unprocessable {
        member,
        rule: "R22",
        detail: format!("{member} names no person or record that is known and stands"),
    })
}

fn worded(reason: &str) -> Result<String, FlowError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(FlowError::Unprocessable {
            member: "reason",
            rule: "R22",
            detail: "say why".to_owned(),
        });
    }
    Ok(reason.to_owned())
}

fn actor(access: &Access) -> CommitActor {
    CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    }
}
