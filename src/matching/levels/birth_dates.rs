//! Birth dates by their known parts (R50–R55), and sex in its separate
//! meanings (R59–R61).

use crate::identity::{BirthDate, DateRelation, Sex, StandardRecord};
use crate::matching::LinkageModel;
use crate::matching::levels::{Comparison, Outcome, levels};

levels! {
    /// How two birth dates stand to each other.
    BirthDateLevel {
        Exact = "exact", RANKED, "The birth dates are equal.";
        YearMonth = "year_month", RANKED, "Year and month are equal; a day is not known.";
        YearOnly = "year_only", RANKED, "The years are equal; no more of the dates is reliable.";
        Swapped = "swapped", RANKED, "Day and month are exchanged.";
        TwoPartsTypo = "two_parts_typo", RANKED, "Two of three parts are equal, the third looks mistyped.";
        TwoParts = "two_parts", RANKED, "Two of three parts are equal.";
        OnePart = "one_part", RANKED, "One part of the dates is equal.";
        NoPart = "no_part", RANKED, "No part of the dates is equal.";
        Missing = "missing", SPECIAL, "A birth date is missing: no evidence.";
    }
}

impl BirthDateLevel {
    /// The whole date is known and equal.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Exact)
    }

    /// Two of three parts, or the two exchanged (R9, R54).
    #[must_use]
    pub const fn is_two_of_three(self) -> bool {
        matches!(self, Self::Swapped | Self::TwoPartsTypo | Self::TwoParts)
    }
}

levels! {
    /// How two statements of sex stand to each other.
    SexLevel {
        Same = "same", RANKED, "The sexes are equal.";
        SameNamed = "same_named", RANKED, "The sexes are equal, which the given name already said.";
        Different = "different", RANKED, "The sexes differ.";
        Missing = "missing", SPECIAL, "No two comparable statements of sex: no evidence.";
    }
}

impl LinkageModel {
    /// Compares birth dates.
    #[must_use]
    pub fn compare_birth_dates(&self, a: Option<&BirthDate>, b: Option<&BirthDate>) -> Outcome {
        let level = match (a, b) {
            (Some(a), Some(b)) => match a.relation(b) {
                DateRelation::Exact => BirthDateLevel::Exact,
                DateRelation::YearMonthAgree => BirthDateLevel::YearMonth,
                DateRelation::YearAgrees => BirthDateLevel::YearOnly,
                DateRelation::Swapped => BirthDateLevel::Swapped,
                DateRelation::TwoPartsTypo => BirthDateLevel::TwoPartsTypo,
                DateRelation::TwoParts => BirthDateLevel::TwoParts,
                DateRelation::OnePart => BirthDateLevel::OnePart,
                DateRelation::NoPart => BirthDateLevel::NoPart,
            },
            (None, _) | (_, None) => BirthDateLevel::Missing,
        };
        self.outcome(Comparison::BirthDate, level)
    }

    /// Compares administrative gender with administrative gender or, where
    /// one side has none, birth sex with birth sex; never one with the other
    /// (R60). Gender identity is not compared.
    #[must_use]
    pub fn compare_sexes(&self, a: &StandardRecord, b: &StandardRecord) -> Outcome {
        self.compare_stated_sexes((a.gender, a.birth_sex), (b.gender, b.birth_sex))
    }

    /// The same of gender and birth sex alone.
    #[must_use]
    pub fn compare_stated_sexes(
        &self,
        a: (Option<Sex>, Option<Sex>),
        b: (Option<Sex>, Option<Sex>),
    ) -> Outcome {
        let pair = a.0.zip(b.0).or_else(|| a.1.zip(b.1));
        let level = match pair {
            Some((a, b)) if a == b => SexLevel::Same,
            Some(_) => SexLevel::Different,
            None => SexLevel::Missing,
        };
        self.outcome(Comparison::Sex, level)
    }
}
