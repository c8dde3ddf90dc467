//! The comparisons and their levels. A level is how two records stand to each
//! other in one field; its name is what the model file weighs and what an
//! explanation shows. What a level weighs is not here.
//!
//! Each comparison has one enum, best level first. `missing` is a level
//! everywhere and weighs nothing (R75). A level marked `RANKED` may not weigh
//! more than a better ranked one; the others are neutral or special cases.

mod addresses;
mod birth_dates;
mod contacts;
mod identifiers;
mod known_names;
mod likeness;
mod name_levels;
mod names;

use serde::{Deserialize, Serialize};

pub use addresses::{AddressComparison, AddressLevel, PostcodeLevel, TownLevel};
pub use birth_dates::{BirthDateLevel, SexLevel};
pub use contacts::{EmailLevel, PhoneLevel};
pub use identifiers::{
    BirthOrderLevel, GpPracticeLevel, NhsNumberLevel, NumberPair, OtherIdentifierLevel,
};
pub use known_names::{KnownFamily, MiddleNames, NameShare, words_alike};
pub use name_levels::{FamilyNameLevel, GivenNameLevel, MiddleNameLevel};
pub use names::NameComparison;

use crate::matching::Field;

/// One level as the model file and the explanation know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelDescription {
    /// Name in the model file.
    pub name: &'static str,
    /// Why it is the level, in plain English without values.
    pub sentence: &'static str,
    /// Whether the order of weights is checked for it.
    pub ranked: bool,
    /// Whether a model may leave it out; pairs are then not put at it.
    pub optional: bool,
}

/// A comparison's level: a small enum with fixed names.
pub trait Level: Copy + PartialEq + Sized + 'static {
    /// All levels, best first.
    const ALL: &'static [Self];
    /// Their descriptions, in the same order.
    const DESCRIPTIONS: &'static [LevelDescription];

    /// Place in `ALL`.
    fn index(self) -> u8;

    /// The level at a place; the last one (`missing`) for a place beyond.
    #[must_use]
    fn at(index: u8) -> Self {
        Self::ALL[usize::from(index).min(Self::ALL.len() - 1)]
    }

    /// Name in the model file.
    #[must_use]
    fn name(self) -> &'static str {
        Self::DESCRIPTIONS[usize::from(self.index())].name
    }
}

macro_rules! levels {
    ($(#[$doc:meta])* $enum:ident {
        $($variant:ident = $name:literal, $rank:ident, $sentence:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum {
            $(#[doc = $sentence] $variant,)+
        }

        impl $crate::matching::levels::Level for $enum {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const DESCRIPTIONS: &'static [$crate::matching::levels::LevelDescription] = &[$(
                $crate::matching::levels::LevelDescription {
                    name: $name,
                    sentence: $sentence,
                    ranked: $crate::matching::levels::$rank.0,
                    optional: $crate::matching::levels::$rank.1,
                }
            ),+];

            fn index(self) -> u8 {
                self as u8
            }
        }
    };
}
use levels;

/// Ranked, optional: the order of weights is checked for the level.
const RANKED: (bool, bool) = (true, false);
/// A neutral level or a special case.
const SPECIAL: (bool, bool) = (false, false);
/// A level that only some models weigh.
const OPTIONAL: (bool, bool) = (false, true);

/// The comparisons that a model weighs, in the order of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// NHS number.
    NhsNumber,
    /// First given name.
    GivenName,
    /// Further given names.
    MiddleName,
    /// Family name.
    FamilyName,
    /// Birth date.
    BirthDate,
    /// Sex.
    Sex,
    /// Postcode.
    Postcode,
    /// Address lines.
    Address,
    /// Town.
    Town,
    /// Phone.
    Phone,
    /// E-mail.
    Email,
    /// Identifier of another authority.
    OtherIdentifier,
    /// General practice.
    GpPractice,
    /// Order in a multiple birth.
    BirthOrder,
}

impl Comparison {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// All, in the order of an explanation.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NhsNumber,
        Self::GivenName,
        Self::MiddleName,
        Self::FamilyName,
        Self::BirthDate,
        Self::Sex,
        Self::Postcode,
        Self::Address,
        Self::Town,
        Self::Phone,
        Self::Email,
        Self::OtherIdentifier,
        Self::GpPractice,
        Self::BirthOrder,
    ];

    /// The explanation's field.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::NhsNumber => Field::NhsNumber,
            Self::GivenName => Field::GivenName,
            Self::MiddleName => Field::MiddleName,
            Self::FamilyName => Field::FamilyName,
            Self::BirthDate => Field::BirthDate,
            Self::Sex => Field::Sex,
            Self::Postcode => Field::Postcode,
            Self::Address => Field::Address,
            Self::Town => Field::Town,
            Self::Phone => Field::Phone,
            Self::Email => Field::Email,
            Self::OtherIdentifier => Field::OtherIdentifier,
            Self::GpPractice => Field::GpPractice,
            Self::BirthOrder => Field::BirthOrder,
        }
    }

    /// The name in the model file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.field().name()
    }

    /// Its levels, best first; `missing` is the last.
    #[must_use]
    pub const fn levels(self) -> &'static [LevelDescription] {
        match self {
            Self::NhsNumber => NhsNumberLevel::DESCRIPTIONS,
            Self::GivenName => GivenNameLevel::DESCRIPTIONS,
            Self::MiddleName => MiddleNameLevel::DESCRIPTIONS,
            Self::FamilyName => FamilyNameLevel::DESCRIPTIONS,
            Self::BirthDate => BirthDateLevel::DESCRIPTIONS,
            Self::Sex => SexLevel::DESCRIPTIONS,
            Self::Postcode => PostcodeLevel::DESCRIPTIONS,
            Self::Address => AddressLevel::DESCRIPTIONS,
            Self::Town => TownLevel::DESCRIPTIONS,
            Self::Phone => PhoneLevel::DESCRIPTIONS,
            Self::Email => EmailLevel::DESCRIPTIONS,
            Self::OtherIdentifier => OtherIdentifierLevel::DESCRIPTIONS,
            Self::GpPractice => GpPracticeLevel::DESCRIPTIONS,
            Self::BirthOrder => BirthOrderLevel::DESCRIPTIONS,
        }
    }

    /// Whether its weights depend on how common the value is.
    #[must_use]
    pub const fn by_frequency(self) -> bool {
        matches!(self, Self::GivenName | Self::MiddleName | Self::FamilyName)
    }

    /// Place of `missing`.
    #[must_use]
    pub fn missing(self) -> u8 {
        u8::try_from(self.levels().len() - 1).expect("invariant: fewer than 256 levels")
    }
}

/// What one field says of a pair: its level, what that weighs, and which
/// values gave it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// What it weighs, in bits.
    pub weight: f64,
    /// log2 of the frequency that it was weighed by; 0 where none was.
    pub log2_frequency: f64,
    /// Place of the level in [`Comparison::levels`].
    pub level: u8,
    /// Which value of the first side.
    pub record_value: u8,
    /// Which value of the second side.
    pub member_value: u8,
}

impl Outcome {
    /// The level alone, with its weight, of the first values.
    #[must_use]
    pub fn of(level: impl Level, weight: f64) -> Self {
        Self {
            weight,
            log2_frequency: 0.0,
            level: level.index(),
            record_value: 0,
            member_value: 0,
        }
    }

    /// The same of other values of the lists.
    #[must_use]
    pub fn at(mut self, record_value: usize, member_value: usize) -> Self {
        self.record_value = u8::try_from(record_value).unwrap_or(u8::MAX);
        self.member_value = u8::try_from(member_value).unwrap_or(u8::MAX);
        self
    }

    /// Whether `self` is to be preferred: more bits, else the better level.
    #[must_use]
    pub fn beats(&self, other: &Self) -> bool {
        self.weight > other.weight || (self.weight >= other.weight && self.level < other.level)
    }
}

#[cfg(test)]
mod tests {
    use super::Comparison;

    #[test]
    fn every_comparison_ends_with_missing_and_repeats_no_name() {
        for (place, comparison) in Comparison::ALL.into_iter().enumerate() {
            assert_eq!(comparison as usize, place);
            let mut names: Vec<_> = comparison.levels().iter().map(|level| level.name).collect();
            assert_eq!(names.last(), Some(&"missing"), "{}", comparison.name());
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), comparison.levels().len());
        }
    }
}
