//! Names of which an engine for whole files knows already how they stand to each
//! other: the same outcomes as of a comparison, without a look at their letters.

use crate::identity::NameToken;
use crate::matching::LinkageModel;
use crate::matching::frequency::Frequency;
use crate::matching::levels::{
    Comparison, FamilyNameLevel, GivenNameLevel, MiddleNameLevel, NameComparison,
};

/// How common a name is, for an engine that keeps it by word.
#[derive(Debug, Clone, Copy)]
pub struct NameShare(Frequency);

impl NameShare {
    /// The rarer of two.
    #[must_use]
    pub fn rarer(self, other: Self) -> Self {
        if other.0.log2 < self.0.log2 {
            other
        } else {
            self
        }
    }
}

/// How the further given names of two plain namings stand to each other.
#[derive(Debug, Clone, Copy)]
pub enum MiddleNames {
    /// A side has none.
    Missing,
    /// A whole one is equal; the rarest that is.
    Shared(NameShare),
    /// The first of a side is an initial that fits the other's.
    InitialFits,
    /// They are alike in no way.
    Differ,
}

impl LinkageModel {
    /// What [`Self::compare_names`] gives for two plain namings whose words are
    /// alike in no way, for an engine that sees so at a glance.
    #[must_use]
    pub fn names_that_differ(&self, both_middle: bool, one_generic: bool) -> NameComparison {
        let none = Frequency::NONE;
        let family_level = if one_generic {
            FamilyNameLevel::Generic
        } else {
            FamilyNameLevel::Different
        };
        let middle_level = if both_middle {
            MiddleNameLevel::Conflict
        } else {
            MiddleNameLevel::Missing
        };
        let given = self.given_at(GivenNameLevel::Different, none, none);
        let family = self.family_at(family_level, none, none);
        NameComparison {
            given: given.outcome,
            middle: self.outcome(Comparison::MiddleName, middle_level),
            family: family.outcome,
            full_name_max: self.full_name_max(&given, &family),
        }
    }

    /// What [`Self::compare_names`] gives for two plain namings with equal given
    /// and family names, for an engine that knows words by number.
    #[must_use]
    pub fn names_that_agree(
        &self,
        given: NameShare,
        family: NameShare,
        middle: MiddleNames,
    ) -> NameComparison {
        let given = self.given_at(GivenNameLevel::Exact, given.0, given.0);
        let family = self.family_at(FamilyNameLevel::Exact, family.0, family.0);
        let level = match middle {
            MiddleNames::Missing => MiddleNameLevel::Missing,
            MiddleNames::Shared(_) => MiddleNameLevel::Same,
            MiddleNames::InitialFits => MiddleNameLevel::InitialCompatible,
            MiddleNames::Differ => MiddleNameLevel::Conflict,
        };
        let middle = match middle {
            MiddleNames::Shared(NameShare(rarest)) => {
                self.named_outcome(Comparison::MiddleName, level, rarest.log2)
            }
            _ => self.outcome(Comparison::MiddleName, level),
        };
        NameComparison {
            given: given.outcome,
            middle,
            family: family.outcome,
            full_name_max: self.full_name_max(&given, &family),
        }
    }

    /// How common a given name is in the model's tables.
    #[must_use]
    pub fn given_share(&self, token: &NameToken) -> NameShare {
        NameShare(self.frequencies().given(token))
    }

    /// How common a family name is in the model's tables.
    #[must_use]
    pub fn family_share(&self, token: &NameToken) -> NameShare {
        NameShare(self.frequencies().family(token))
    }
}
