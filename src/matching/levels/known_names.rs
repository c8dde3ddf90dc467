//! Names of which an engine for whole files knows already how they stand to each
//! other: the same outcomes as of a comparison, without a look at their letters.

use crate::identity::NameToken;
use crate::matching::LinkageModel;
use crate::matching::frequency::Frequency;
use crate::matching::levels::likeness::{Likeness, likeness};
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

/// How the family names of two plain namings stand to each other.
#[derive(Debug, Clone, Copy)]
pub enum KnownFamily {
    /// They are equal.
    Same(NameShare),
    /// They are alike in no way.
    Differs,
    /// The same, and one of them says hardly anything.
    OneGeneric,
}

/// Whether two different words are alike by letters or sound in any level.
#[must_use]
pub fn words_alike(a: &NameToken, b: &NameToken) -> bool {
    likeness(a, b) != Likeness::None
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
    /// What [`Self::compare_names`] gives for two plain namings, for an engine that
    /// knows words by number: a given name that is equal, or alike in no way.
    #[must_use]
    pub fn known_names(
        &self,
        given: Option<NameShare>,
        family: KnownFamily,
        middle: MiddleNames,
    ) -> NameComparison {
        let none = Frequency::NONE;
        let given = match given {
            Some(NameShare(share)) => self.given_at(GivenNameLevel::Exact, share, share),
            None => self.given_at(GivenNameLevel::Different, none, none),
        };
        let family = match family {
            KnownFamily::Same(NameShare(share)) => {
                self.family_at(FamilyNameLevel::Exact, share, share)
            }
            KnownFamily::Differs => self.family_at(FamilyNameLevel::Different, none, none),
            KnownFamily::OneGeneric => self.family_at(FamilyNameLevel::Generic, none, none),
        };
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
