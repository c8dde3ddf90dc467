//! What a score says against a link that holds already: for updates, which
//! never move a record but may raise a question.

use crate::matching::levels::{BirthDateLevel, NhsNumberLevel, SexLevel};
use crate::matching::{IdentityScore, LinkageModel};

/// How far below the linking threshold a held link must fall before it is
/// questioned: hysteresis, so that a lost phone number does not make a task
/// (R101).
const DEMOTION_BITS: f64 = 20.0;

impl IdentityScore {
    /// How many of given name, family name, birth date, sex and verified NHS
    /// number contradict each other, 0 to 5.
    #[must_use]
    pub fn contradictions(&self) -> usize {
        let vector = &self.vector;
        [
            vector.given_name().differs(),
            vector.family_name().differs(),
            matches!(
                vector.birth_date(),
                BirthDateLevel::OnePart | BirthDateLevel::NoPart
            ),
            vector.sex() == SexLevel::Different,
            vector.nhs_number() == NhsNumberLevel::DifferentVerified,
        ]
        .into_iter()
        .filter(|contradicts| *contradicts)
        .count()
    }

    /// Whether a link that holds should be questioned: two contradictions, two
    /// verified numbers, no part of the birth dates equal without a number that
    /// both verified (R55), or a weight far below the linking threshold.
    #[must_use]
    pub fn speaks_against_a_link(&self, model: &LinkageModel) -> bool {
        self.contradictions() >= 2
            || self.vector.nhs_number() == NhsNumberLevel::DifferentVerified
            || (self.vector.birth_date() == BirthDateLevel::NoPart
                && self.vector.nhs_number() != NhsNumberLevel::SameVerified)
            || self.weight.bits() < model.link_threshold().bits() - DEMOTION_BITS
    }
}
