//! Once a duplicate is confirmed, its household is looked at (R94): whoever made
//! the two registrations has often made the same of the others.

use crate::foundation::PersonId;
use crate::identity::StandardRecord;
use crate::matching::levels::{BirthDateLevel, Level, NhsNumberLevel};
use crate::matching::{Comparison, Field, LinkageModel, Reason};
use crate::registry::candidates::Scored;
use crate::registry::tasks::{Grounds, Question, raise};
use crate::registry::{
    EvidenceRow, Numbering, PersonStatus, RegistryEvent, RegistryState, TaskKind, TaskPriority,
};

/// Whether two records say that they live at one address.
#[must_use]
pub fn lives_with(model: &LinkageModel, one: &StandardRecord, other: &StandardRecord) -> bool {
    let pair = model.compare(one, other);
    pair.weight(Comparison::Address) > 0.0 && pair.weight(Comparison::Postcode) > 0.0
}

/// Questions about pairs of these residents whose names and birth dates stand to
/// one another as those of the confirmed pair do: the given name and the birth
/// date agree, the family name as it does there. `confirmed` are that pair's
/// rows. They come to the top of the queue; nobody is joined.
#[must_use]
pub fn sweep_household(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    confirmed: &[EvidenceRow],
    residents: &[PersonId],
) -> Vec<RegistryEvent> {
    let family = confirmed.iter().find(|row| row.field == Field::FamilyName);
    let Some(family) = family.map(|row| row.level.as_str()) else {
        return Vec::new();
    };
    let mut residents: Vec<PersonId> = residents.to_vec();
    residents.sort_unstable();
    residents.dedup();
    residents.retain(|person| {
        let known = state.persons.get(person);
        known.is_some_and(|known| known.status == PersonStatus::Active)
    });
    let mut events = Vec::new();
    for (place, one) in residents.iter().enumerate() {
        for other in &residents[place + 1..] {
            let question = ask(state, model, (*one, *other), family);
            if let Some(question) = question {
                raise(state, &mut events, numbering, question);
            }
        }
    }
    events
}

fn ask(
    state: &RegistryState,
    model: &LinkageModel,
    (one, other): (PersonId, PersonId),
    family: &str,
) -> Option<Question> {
    let members = state.members(other);
    let values: Vec<&StandardRecord> = members
        .iter()
        .map(|member| member.standard.as_ref())
        .collect();
    if values.is_empty() {
        return None;
    }
    let mut found = state.members(one).into_iter().filter_map(|member| {
        let score = model.score(&member.standard, &values);
        let vector = &score.vector;
        let alike = vector.given_name().names_the_same()
            && vector.birth_date() == BirthDateLevel::Exact
            && vector.family_name().name() == family;
        alike.then_some((member, score))
    });
    let (member, score) = found.next()?;
    let mut reasons = vec![Reason::HouseholdOfDuplicate];
    let kind = if score.vector.nhs_number() == NhsNumberLevel::DifferentVerified {
        reasons.push(Reason::TwoVerifiedNumbers);
        TaskKind::PossibleDuplicateNumber
    } else {
        TaskKind::PossibleDuplicate
    };
    let weight = score.weight.bits();
    let scored = Scored {
        person: other,
        members: members.clone(),
        score,
    };
    let asked = (member.record, member.version);
    Some(Question {
        kind,
        record: member.record,
        persons: vec![one, other],
        weight_bits: Some(weight),
        reasons,
        grounds: Grounds::compared(model, asked, &member.standard, &scored),
        priority: TaskPriority::Household,
    })
}
