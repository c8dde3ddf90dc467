//! Small facts about a pair that the decision table's steps read.

use crate::identity::StandardRecord;
use crate::matching::ComparisonVector;
use crate::matching::levels::{FamilyNameLevel, GivenNameLevel, PostcodeLevel, SexLevel};

/// Births in this window may carry a number that was issued twice (R24).
const REISSUED_FROM: (i16, u8, u8) = (1995, 12, 4);
/// Its last day.
const REISSUED_TO: (i16, u8, u8) = (1997, 3, 5);

/// Two likenesses are not one agreement: Ahmed Hassan and Ahmad Hussein are
/// brothers' names as often as one person's.
pub(super) fn both_names_inexact(vector: &ComparisonVector) -> bool {
    let family = vector.family_name();
    !family.is_at_least_variant()
        && family != FamilyNameLevel::Missing
        && vector.given_name() != GivenNameLevel::Exact
        && vector.given_name() != GivenNameLevel::Swapped
}

/// How many of given, family, date, sex and postcode agree, at least partly (R80).
pub(super) fn agreeing_fields(vector: &ComparisonVector) -> usize {
    let postcode = matches!(
        vector.postcode(),
        PostcodeLevel::Unit
            | PostcodeLevel::HistoricUnit
            | PostcodeLevel::Near
            | PostcodeLevel::Sector
    );
    [
        vector.given_name().agrees() || vector.given_name().is_at_least_fuzzy(),
        vector.family_name().is_at_least_fuzzy() || vector.given_name() == GivenNameLevel::Swapped,
        vector.birth_date().is_exact(),
        matches!(vector.sex(), SexLevel::Same | SexLevel::SameNamed),
        postcode,
    ]
    .into_iter()
    .filter(|agrees| *agrees)
    .count()
}

pub(super) fn born_when_reissued(record: &StandardRecord) -> bool {
    record.birth_date.is_some_and(|birth| {
        let date = birth.date;
        let born = (
            date.year(),
            date.month().unwrap_or(1),
            date.day().unwrap_or(1),
        );
        (REISSUED_FROM..=REISSUED_TO).contains(&born)
    })
}

/// Whether both name one mother, by her record or by her number.
#[must_use]
pub fn same_mother(a: &StandardRecord, b: &StandardRecord) -> bool {
    let (Some(a), Some(b)) = (&a.mother, &b.mother) else {
        return false;
    };
    (a.local.is_some() && a.local == b.local)
        || (a.nhs_number.is_some() && a.nhs_number == b.nhs_number)
}
