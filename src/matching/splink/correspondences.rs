//! Which level of ours stands for a condition of Splink, and which condition writes a level
//! of ours as SQL. The one table for both ways.

use crate::matching::Comparison;
use crate::matching::splink::conditions::Condition;

/// The levels of ours that a condition stands for, or why there is none.
pub(super) enum Counterpart {
    /// These say the same.
    Same(&'static [&'static str]),
    /// These come nearest.
    Alike(&'static [&'static str], &'static str),
    /// There is none.
    None(&'static str),
}

use Counterpart::{Alike, None as Nothing, Same};

/// Similarity from which two words differ by a slip.
const NEAR_MIN: f64 = 0.9;
/// Similarity from which two words are alike at all.
const FUZZY_MIN: f64 = 0.8;

const SLIP: &str = "here a slip is one edit, or a Jaro–Winkler similarity of at least 0.92";
const SOMEWHAT: &str = "here somewhat alike is a Jaro–Winkler similarity of at least 0.85";
const FOLDED: &str = "here other levels are tried first: spellings, short forms, sound, parts";
const NO_FURTHER_LEVEL: &str = "words less alike than that are different here";
const PARTS: &str = "here dates are compared by their parts: two equal, the third mistyped";
const NO_DISTANCE: &str = "here dates are compared by their parts, not by the days between them";
const NO_AREA: &str = "an area is tens of thousands of addresses: different here";
const PREMISES: &str =
    "here lines are read as premises: house, flat and street, in any order of lines";
const TOWN: &str =
    "here towns count only where a postcode is missing, because it says them already";
const NO_SUCH: &str = "this comparison has no such level here";
const OTHER_SQL: &str = "the condition is not one that is known here";
const AUTHORITY: &str =
    "here identifiers are compared within one authority, and others by a level of their own";

/// The levels for a condition in a comparison.
pub(super) fn counterpart(comparison: Comparison, condition: &Condition) -> Counterpart {
    match condition {
        Condition::Null => Same(&["missing"]),
        Condition::Other => Nothing(OTHER_SQL),
        _ => match comparison {
            Comparison::GivenName => given_name(condition),
            Comparison::FamilyName => family_name(condition),
            Comparison::BirthDate => birth_date(condition),
            Comparison::Postcode => postcode(condition),
            Comparison::Email | Comparison::Phone => contact(condition),
            Comparison::BirthOrder => {
                Nothing("it never weighs here; a difference forbids a link (R91)")
            }
            _ => equal_or_not(comparison, condition),
        },
    }
}

fn given_name(condition: &Condition) -> Counterpart {
    match condition {
        Condition::Equal(_) => Same(&["exact"]),
        Condition::JaroWinkler(_, least) if *least >= NEAR_MIN => Alike(&["fuzzy_near"], SLIP),
        Condition::Edits(_, most) if *most <= 1.0 => Alike(&["fuzzy_near"], SLIP),
        Condition::JaroWinkler(_, least) if *least >= FUZZY_MIN => Alike(&["fuzzy"], SOMEWHAT),
        Condition::Edits(_, most) if *most <= 2.0 => Alike(&["fuzzy"], SOMEWHAT),
        Condition::JaroWinkler(..) | Condition::Edits(..) => Nothing(NO_FURTHER_LEVEL),
        Condition::Else => Alike(&["different", "swapped"], FOLDED),
        _ => Nothing(NO_SUCH),
    }
}

fn family_name(condition: &Condition) -> Counterpart {
    match condition {
        Condition::Equal(_) => Same(&["exact", "truncated"]),
        Condition::Else => Alike(&["different_woman", "different", "swapped"], FOLDED),
        other => given_name(other),
    }
}

fn birth_date(condition: &Condition) -> Counterpart {
    match condition {
        Condition::Equal(_) => Same(&["exact"]),
        Condition::Edits(_, most) if *most <= 1.0 => Alike(&["two_parts_typo"], PARTS),
        Condition::Edits(..) => Alike(&["two_parts"], PARTS),
        Condition::DatesApart(_) => Nothing(NO_DISTANCE),
        Condition::Else => Alike(&["one_part", "no_part"], PARTS),
        _ => Nothing(NO_SUCH),
    }
}

fn postcode(condition: &Condition) -> Counterpart {
    match condition {
        Condition::Equal(_) => Same(&["unit"]),
        Condition::Edits(_, most) if *most <= 1.0 => Alike(&["near"], SLIP),
        Condition::PostcodeSector(_) => Same(&["sector"]),
        Condition::PostcodeDistrict(_) => Same(&["district"]),
        Condition::PostcodeArea(_) => Nothing(NO_AREA),
        Condition::Else => Same(&["different"]),
        _ => Nothing(NO_SUCH),
    }
}

fn contact(condition: &Condition) -> Counterpart {
    match condition {
        Condition::Equal(_) => Same(&["same"]),
        Condition::MailUser(_) => Alike(
            &["near"],
            "here a slip anywhere, or the same user elsewhere",
        ),
        Condition::JaroWinkler(..) | Condition::Edits(..) => Alike(&["near"], SLIP),
        Condition::Else => Same(&["different"]),
        _ => Nothing(NO_SUCH),
    }
}

fn equal_or_not(comparison: Comparison, condition: &Condition) -> Counterpart {
    match (comparison, condition) {
        (Comparison::NhsNumber, Condition::Equal(_)) => Same(&["same_verified", "same"]),
        (Comparison::NhsNumber, Condition::Else) => Same(&["different", "different_verified"]),
        (Comparison::Sex, Condition::Equal(_)) => Same(&["same", "same_named"]),
        (Comparison::MiddleName, Condition::Equal(_)) => Alike(&["same"], FOLDED),
        (Comparison::MiddleName, Condition::Else) => Alike(&["conflict"], FOLDED),
        (Comparison::Address, Condition::Equal(_)) => Alike(
            &["same_without_postcode", "same_other_postcode", "same"],
            PREMISES,
        ),
        (Comparison::Address, Condition::Else) => Alike(&["different", "conflict"], PREMISES),
        (Comparison::OtherIdentifier, Condition::Equal(_)) => {
            Alike(&["same", "same_unknown_system"], AUTHORITY)
        }
        (Comparison::OtherIdentifier, Condition::Else) => {
            Alike(&["different", "different_unknown_system"], AUTHORITY)
        }
        (Comparison::Town, Condition::Equal(_)) => Alike(&["same"], TOWN),
        (Comparison::Town, Condition::Else) => Alike(&["different"], TOWN),
        (_, Condition::Equal(_)) => Same(&["same"]),
        (_, Condition::Else) => Same(&["different"]),
        _ => Nothing(NO_SUCH),
    }
}

/// A level of ours as a condition of Splink; `None` where no SQL says the same.
pub(super) fn condition_of(comparison: Comparison, level: &str, column: &str) -> Option<Condition> {
    let column = column.to_owned();
    match (comparison, level) {
        // Written by the level that a file without statuses and authorities comes to.
        (Comparison::NhsNumber | Comparison::OtherIdentifier, "same")
        | (Comparison::OtherIdentifier, "different") => None,
        (_, "exact" | "unit" | "same" | "same_verified" | "same_unknown_system") => {
            Some(Condition::Equal(column))
        }
        (Comparison::GivenName | Comparison::FamilyName, "fuzzy_near") => {
            Some(Condition::JaroWinkler(column, 0.92))
        }
        (Comparison::GivenName | Comparison::FamilyName, "fuzzy") => {
            Some(Condition::JaroWinkler(column, 0.85))
        }
        (Comparison::BirthDate, "two_parts_typo")
        | (Comparison::Postcode | Comparison::Phone | Comparison::Email, "near") => {
            Some(Condition::Edits(column, 1.0))
        }
        (Comparison::Postcode, "sector") => Some(Condition::PostcodeSector(column)),
        (Comparison::Postcode, "district") => Some(Condition::PostcodeDistrict(column)),
        (_, "different" | "no_part" | "conflict" | "different_unknown_system")
            if comparison != Comparison::Address || level == "different" =>
        {
            Some(Condition::Else)
        }
        _ => None,
    }
}

/// The column that a comparison reads, by its name in our files.
pub(super) const fn column_of(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::BirthDate => "date_of_birth",
        Comparison::Sex => "gender",
        Comparison::Address => "address_line",
        Comparison::OtherIdentifier => "other_id",
        other => other.name(),
    }
}

/// Comparisons that together are a key of ours (`blocking`): pairs that agree in
/// these are compared whatever else they say.
pub(super) const KEYS: &[&[Comparison]] = &[
    &[Comparison::NhsNumber],
    &[Comparison::Phone],
    &[Comparison::Email],
    &[Comparison::OtherIdentifier],
    &[Comparison::BirthDate, Comparison::GivenName],
    &[Comparison::BirthDate, Comparison::FamilyName],
    &[Comparison::BirthDate, Comparison::Postcode],
    &[Comparison::Postcode, Comparison::GivenName],
    &[
        Comparison::GivenName,
        Comparison::FamilyName,
        Comparison::Postcode,
    ],
];
