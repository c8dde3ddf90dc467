//! Which merges need a second, different human (R114).

use crate::foundation::{Instant, PersonId};
use crate::identity::StandardRecord;
use crate::registry::{ApprovalReason, Member, MergeStatus, RegistryState};

/// Below this age a person is a child.
const ADULT_YEARS: i32 = 18;

/// Why merging these two needs a second human; empty when it does not.
/// `state` holds both persons with the values of their records and the merges
/// that made them, `now` says who is a child.
#[must_use]
pub fn needs_approval(
    state: &RegistryState,
    now: Instant,
    a: PersonId,
    b: PersonId,
) -> Vec<ApprovalReason> {
    let members: Vec<Member> = [a, b]
        .into_iter()
        .flat_map(|person| state.members(person))
        .collect();
    let some = |test: &dyn Fn(&StandardRecord) -> bool| {
        members.iter().any(|member| test(&member.standard))
    };
    let joined = state.merges.values().filter(|merge| {
        merge.status == MergeStatus::Done
            && state
                .survivor_of(merge.retired)
                .is_some_and(|person| person == a || person == b)
    });
    let raised = [
        (some(&is_verified), ApprovalReason::VerifiedNumber),
        (
            state.number_is_confused(a) || state.number_is_confused(b),
            ApprovalReason::Confusion,
        ),
        (joined.count() > 0, ApprovalReason::MoreThanTwoPersons),
        (some(&|record| is_child(record, now)), ApprovalReason::Child),
        (
            some(&|record| record.restricted),
            ApprovalReason::Restricted,
        ),
        (some(&is_deceased), ApprovalReason::Deceased),
    ];
    let raised = raised.into_iter().filter(|(holds, _)| *holds);
    raised.map(|(_, reason)| reason).collect()
}

fn is_verified(record: &StandardRecord) -> bool {
    record
        .nhs_number
        .is_some_and(|claim| claim.status.is_verified())
}

fn is_deceased(record: &StandardRecord) -> bool {
    record.deceased || record.death_date.is_some()
}

/// By the latest day that the known parts of the birth date allow.
fn is_child(record: &StandardRecord, now: Instant) -> bool {
    let Some(birth) = record.birth_date else {
        return false;
    };
    let (month, day) = (birth.date.month(), birth.date.day());
    let born = (
        i32::from(birth.date.year()) + ADULT_YEARS,
        month.unwrap_or(12),
        day.unwrap_or(31),
    );
    born > now.date()
}
