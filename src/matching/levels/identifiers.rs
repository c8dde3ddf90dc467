//! Identifiers: NHS numbers within their namespaces (R3, R4, R12, R13, R15),
//! numbers of other authorities, the general practice, and the order in a
//! multiple birth. Supersession (R16) is resolved before records come here.
//!
//! There is no level for near NHS numbers (R25): two numbers that pass
//! Modulus 11 are never one substitution or one adjacent exchange apart, so
//! the tag belongs to the finding of the number that failed its check.

use crate::identity::{NhsNumberClaim, OtherIdentifier};
use crate::matching::LinkageModel;
use crate::matching::levels::{Comparison, Outcome, levels};

levels! {
    /// How two NHS numbers stand to each other.
    NhsNumberLevel {
        SameVerified = "same_verified", RANKED, "Both sources verified the same NHS number.";
        Same = "same", RANKED, "The NHS numbers are equal, not verified by both sources.";
        SameSuspect = "same_suspect", SPECIAL, "The NHS numbers are equal, but a trace of one failed or is open: no evidence.";
        OtherNamespace = "other_namespace", SPECIAL, "The numbers are issued by different countries' services: no evidence.";
        DifferentSuspect = "different_suspect", SPECIAL, "The NHS numbers differ, but a trace of one failed or is open: no evidence.";
        Different = "different", RANKED, "The NHS numbers differ.";
        DifferentVerified = "different_verified", RANKED, "Both sources verified their NHS number, and the numbers differ.";
        Missing = "missing", SPECIAL, "An NHS number is missing: no evidence.";
    }
}

impl NhsNumberLevel {
    /// Equal and not suspect.
    #[must_use]
    pub const fn is_same(self) -> bool {
        matches!(self, Self::SameVerified | Self::Same)
    }

    /// Different in one namespace, neither suspect.
    #[must_use]
    pub const fn is_different(self) -> bool {
        matches!(self, Self::Different | Self::DifferentVerified)
    }
}

levels! {
    /// How the identifiers of other authorities stand to each other.
    OtherIdentifierLevel {
        Same = "same", RANKED, "An identifier of the same authority is equal.";
        SameUnknownSystem = "same_unknown_system", RANKED, "An identifier is equal; its authority is not known on a side.";
        Different = "different", RANKED, "The identifiers of one authority differ.";
        DifferentUnknownSystem = "different_unknown_system", OPTIONAL, "Identifiers differ whose authority nobody said.";
        Missing = "missing", SPECIAL, "No identifiers of one authority: no evidence.";
    }
}

levels! {
    /// How two general practices stand to each other.
    GpPracticeLevel {
        Same = "same", RANKED, "The general practices are equal.";
        Different = "different", RANKED, "The general practices differ.";
        Missing = "missing", SPECIAL, "A general practice is missing: no evidence.";
    }
}

levels! {
    /// How two orders in a multiple birth stand to each other. They weigh
    /// nothing; a difference is a veto (R91).
    BirthOrderLevel {
        Same = "same", RANKED, "The orders in the multiple birth are equal.";
        Different = "different", RANKED, "The orders in the multiple birth differ: these are siblings.";
        Missing = "missing", SPECIAL, "An order in a multiple birth is missing: no evidence.";
    }
}

/// What is known of two NHS numbers.
#[derive(Debug, Clone, Copy)]
pub struct NumberPair {
    /// They are equal.
    pub same: bool,
    /// One country's service issued both.
    pub same_namespace: bool,
    /// A trace of one failed or is open.
    pub suspect: bool,
    /// Both sources verified theirs.
    pub verified: bool,
}

impl LinkageModel {
    /// Compares NHS numbers.
    #[must_use]
    pub fn compare_nhs_numbers(
        &self,
        a: Option<&NhsNumberClaim>,
        b: Option<&NhsNumberClaim>,
    ) -> Outcome {
        let (Some(a), Some(b)) = (a, b) else {
            return self.outcome(Comparison::NhsNumber, NhsNumberLevel::Missing);
        };
        self.weigh_nhs_numbers(NumberPair {
            same: a.number == b.number,
            same_namespace: a.number.namespace() == b.number.namespace(),
            suspect: a.status.is_suspect() || b.status.is_suspect(),
            verified: a.status.is_verified() && b.status.is_verified(),
        })
    }

    /// What two NHS numbers say, by what is known of the two.
    #[must_use]
    pub fn weigh_nhs_numbers(&self, pair: NumberPair) -> Outcome {
        let NumberPair {
            same,
            same_namespace,
            suspect,
            verified,
        } = pair;
        let level = if same {
            match (suspect, verified) {
                (true, _) => NhsNumberLevel::SameSuspect,
                (false, true) => NhsNumberLevel::SameVerified,
                (false, false) => NhsNumberLevel::Same,
            }
        } else if !same_namespace {
            NhsNumberLevel::OtherNamespace
        } else {
            match (suspect, verified) {
                (true, _) => NhsNumberLevel::DifferentSuspect,
                (false, true) => NhsNumberLevel::DifferentVerified,
                (false, false) => NhsNumberLevel::Different,
            }
        };
        self.outcome(Comparison::NhsNumber, level)
    }

    /// Compares identifiers of other authorities: any equal one counts, a
    /// difference only within one authority.
    #[must_use]
    pub fn compare_identifiers(&self, a: &[OtherIdentifier], b: &[OtherIdentifier]) -> Outcome {
        let mut best = self.outcome(Comparison::OtherIdentifier, OtherIdentifierLevel::Missing);
        let mut found = false;
        let unknown_may_differ = self.names_level(
            Comparison::OtherIdentifier,
            OtherIdentifierLevel::DifferentUnknownSystem,
        );
        for (i, left) in a.iter().enumerate() {
            for (j, right) in b.iter().enumerate() {
                let same_system = left.system.is_some() && left.system == right.system;
                let unknown_system = left.system.is_none() || right.system.is_none();
                let both_unknown = left.system.is_none() && right.system.is_none();
                let level = if left.value == right.value {
                    match (same_system, unknown_system) {
                        (true, _) => OtherIdentifierLevel::Same,
                        (false, true) => OtherIdentifierLevel::SameUnknownSystem,
                        (false, false) => continue,
                    }
                } else if same_system {
                    OtherIdentifierLevel::Different
                } else if both_unknown && unknown_may_differ {
                    OtherIdentifierLevel::DifferentUnknownSystem
                } else {
                    continue;
                };
                let outcome = self.outcome(Comparison::OtherIdentifier, level).at(i, j);
                if !found || outcome.beats(&best) {
                    best = outcome;
                    found = true;
                }
            }
        }
        best
    }

    /// Compares general practices.
    #[must_use]
    pub fn compare_gp_practices(&self, a: Option<&str>, b: Option<&str>) -> Outcome {
        let level = match (a, b) {
            (Some(a), Some(b)) if a == b => GpPracticeLevel::Same,
            (Some(_), Some(_)) => GpPracticeLevel::Different,
            (None, _) | (_, None) => GpPracticeLevel::Missing,
        };
        self.outcome(Comparison::GpPractice, level)
    }

    /// Compares orders in a multiple birth.
    #[must_use]
    pub fn compare_birth_orders(&self, a: Option<u8>, b: Option<u8>) -> Outcome {
        let level = match (a, b) {
            (Some(a), Some(b)) if a == b => BirthOrderLevel::Same,
            (Some(_), Some(_)) => BirthOrderLevel::Different,
            (None, _) | (_, None) => BirthOrderLevel::Missing,
        };
        self.outcome(Comparison::BirthOrder, level)
    }
}
