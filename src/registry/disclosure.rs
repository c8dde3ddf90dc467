//! The one gate that masks what an actor may not see, for every door
//! (RULES R109–R112, R22). Location of a restricted person, and the two sides of
//! a seal together, leave only through here, and only for the role that may see
//! them.

use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::matching::{Explanation, Field};
use crate::registry::{GoldenRecord, Seals};
use crate::security::Access;

/// What an actor may see of restricted persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    sees_location: bool,
    sees_sealed: bool,
    is_person: bool,
    then: Option<Instant>,
}

/// One row of an explanation as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRow {
    /// What was compared.
    pub field: Field,
    /// The level found.
    pub level: String,
    /// The value asked with and the candidate's, where both may be shown.
    pub values: Option<ShownValues>,
    /// Weight in bits.
    pub weight_bits: f64,
    /// Why, in plain English.
    pub reason: String,
}

/// Two values side by side, standardised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownValues {
    /// What was asked with.
    pub asked: Option<String>,
    /// What the candidate has.
    pub held: Option<String>,
}

impl Gate {
    /// The gate for this access.
    #[must_use]
    pub fn of(access: &Access) -> Self {
        Self {
            sees_location: access.sees_restricted_location(),
            sees_sealed: access.sees_sealed(),
            is_person: access.actor().is_person(),
            then: None,
        }
    }

    /// The gate for this access to the past: the masks and seals of today, unless the
    /// access is there to see what was visible then (R139).
    #[must_use]
    pub fn at(access: &Access, as_of: Option<Instant>) -> Self {
        Self {
            then: as_of.filter(|_| access.reconstructs()),
            ..Self::of(access)
        }
    }

    /// The instant whose masks and seals apply; `None` is now.
    #[must_use]
    pub const fn then(self) -> Option<Instant> {
        self.then
    }

    /// Whether seals bind this access at all (R22).
    #[must_use]
    pub const fn sees_sealed(self) -> bool {
        self.sees_sealed
    }

    /// A list without those whom a seal keeps from somebody before them in it, or from
    /// everybody.
    #[must_use]
    pub fn apart<T>(
        self,
        seals: &Seals,
        listed: Vec<T>,
        person: impl Fn(&T) -> PersonId,
    ) -> Vec<T> {
        let plain = listed.iter().any(|item| !seals.is_open(person(item)));
        let mut shown: Vec<T> = Vec::with_capacity(listed.len());
        for item in listed {
            // Whose number is invalid is shown to who asks for it alone (R21).
            if plain && !self.sees_sealed && seals.is_open(person(&item)) {
                continue;
            }
            if !self.sees_sealed && seals.hide(person(&item)) {
                continue;
            }
            let sealed = |other: &T| seals.part(person(other), person(&item));
            if self.sees_sealed || !shown.iter().any(sealed) {
                shown.push(item);
            }
        }
        shown
    }

    /// Whether something that names all these may be told at all.
    #[must_use]
    pub fn may_tell(self, seals: &Seals, persons: &[PersonId], records: &[RecordNumber]) -> bool {
        self.sees_sealed || !seals.part_any(persons, records)
    }

    /// A record as sent, without the location of a restricted person. A version that
    /// restricts by itself is masked whatever is known of its person: it may be held,
    /// old, or newer than what was asked before it. Columns that nobody mapped go
    /// too: nobody knows what is in them.
    #[must_use]
    pub fn record(self, submitted: SubmittedRecord, person_is_restricted: bool) -> SubmittedRecord {
        let restricts = person_is_restricted || submitted.restricted == Some(true);
        if self.sees_location || !restricts {
            return submitted;
        }
        SubmittedRecord {
            addresses: Vec::new(),
            phones: Vec::new(),
            emails: Vec::new(),
            gp_practice: None,
            associated_persons: Vec::new(),
            other_columns: std::collections::BTreeMap::new(),
            restricted: Some(true),
            ..submitted
        }
    }

    /// A golden record without the location of a restricted person: those fields
    /// are as if no record said anything of them.
    #[must_use]
    pub fn golden(self, golden: GoldenRecord, person_is_restricted: bool) -> GoldenRecord {
        if self.sees_location || !person_is_restricted {
            return golden;
        }
        let values = golden.values.into_iter();
        GoldenRecord {
            values: values.filter(|value| !value.field.is_location()).collect(),
        }
    }

    /// What may be compared with a restricted person when somebody only asks:
    /// nothing of location, so that no answer depends on it.
    #[must_use]
    pub fn question(self, asked: &StandardRecord, person_is_restricted: bool) -> StandardRecord {
        if self.sees_location || !person_is_restricted {
            return asked.clone();
        }
        asked.without_location()
    }

    /// Whether a candidate may be named at all: a person's question that holds
    /// a location never finds a restricted person (R110).
    #[must_use]
    pub fn may_find(self, asked: &StandardRecord, person_is_restricted: bool) -> bool {
        !(person_is_restricted && self.is_person && !self.sees_location && asked.has_location())
    }

    /// Whether a search may show a person at all: one that asks for a location
    /// never finds a restricted person, whoever searches (R110).
    #[must_use]
    pub const fn may_find_by_search(
        self,
        asks_for_location: bool,
        person_is_restricted: bool,
    ) -> bool {
        !(person_is_restricted && asks_for_location) || self.sees_location
    }

    /// The rows with the values that may be shown; `restricted` says that one of
    /// the sides is.
    #[must_use]
    pub fn explanation(
        self,
        explanation: Explanation,
        asked: &StandardRecord,
        members: &[&StandardRecord],
        restricted: bool,
    ) -> Vec<ShownRow> {
        let restricted = restricted && !self.sees_location;
        explanation
            .rows
            .into_iter()
            .map(|row| {
                let hidden = restricted && is_location(row.field);
                let member = row
                    .member
                    .map_or_else(|| members.first(), |member| members.get(member));
                let values = member.filter(|_| !hidden).map(|member| ShownValues {
                    asked: value(asked, row.field),
                    held: value(member, row.field),
                });
                let values = values.filter(|shown| shown.asked.is_some() || shown.held.is_some());
                ShownRow {
                    field: row.field,
                    level: row.level,
                    values,
                    weight_bits: row.weight_bits,
                    reason: row.reason,
                }
            })
            .collect()
    }
}

fn is_location(field: Field) -> bool {
    matches!(
        field,
        Field::Postcode
            | Field::Address
            | Field::Town
            | Field::Phone
            | Field::Email
            | Field::GpPractice
    )
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let joined = words.collect::<Vec<_>>().join(" ");
    if joined.is_empty() {
        None
    } else {
        Some(joined)
    }
}

fn value(record: &StandardRecord, field: Field) -> Option<String> {
    let name = record.usual_name();
    let address = record.addresses.first();
    match field {
        Field::NhsNumber => record.nhs_number.map(|claim| claim.number.digits()),
        Field::GivenName => name
            .and_then(|name| name.given.first())
            .map(|token| token.as_str().to_owned()),
        Field::MiddleName => {
            name.and_then(|name| words(name.given.iter().skip(1).map(|token| token.as_str())))
        }
        Field::FamilyName => name
            .and_then(|name| name.family.as_ref())
            .and_then(|family| words(family.parts.iter().map(|token| token.as_str()))),
        Field::BirthDate => record.birth_date.map(|birth| birth.date.to_iso()),
        Field::Sex => record.gender.map(|sex| format!("{sex:?}").to_lowercase()),
        Field::Postcode => address
            .and_then(|address| address.postcode.as_ref())
            .map(|postcode| postcode.text()),
        Field::Address => {
            address.and_then(|address| words(address.street.iter().map(AsRef::as_ref)))
        }
        Field::Town => address.and_then(|address| address.town.as_deref().map(str::to_owned)),
        Field::Phone => record.phones.first().map(|phone| phone.as_str().to_owned()),
        Field::Email => record.emails.first().map(|email| email.as_str().to_owned()),
        Field::OtherIdentifier => record.identifiers.first().map(|other| other.value.clone()),
        Field::GpPractice => record.gp_practice.clone(),
        Field::BirthOrder => record.birth_order.map(|order| order.to_string()),
        Field::Prior | Field::FullName | Field::HouseholdCap | Field::TwinCap => None,
    }
}
