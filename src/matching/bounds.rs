//! The most that levels can weigh, for an engine that looks no further at a
//! pair once it cannot reach the weight that matters.

use crate::identity::NameToken;
use crate::matching::LinkageModel;
use crate::matching::levels::{Comparison, Level};

impl LinkageModel {
    /// The most bits that any level of a comparison weighs, whatever the value.
    #[must_use]
    pub fn most_bits(&self, comparison: Comparison) -> f64 {
        let levels = u8::try_from(comparison.levels().len()).unwrap_or(u8::MAX);
        (0..levels)
            .map(|level| self.level_bits(comparison, level))
            .fold(0.0, f64::max)
    }

    /// The most bits that one of these levels weighs, whatever the value.
    #[must_use]
    pub fn most_bits_of<L: Level>(&self, comparison: Comparison, levels: &[L]) -> f64 {
        levels
            .iter()
            .map(|level| self.level_bits(comparison, level.index()))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// The most bits that any level of a name's comparison weighs for names that
    /// are no rarer than this one.
    #[must_use]
    pub fn most_bits_for(&self, comparison: Comparison, token: &NameToken) -> f64 {
        let log2 = self.log2_of(comparison, token);
        let levels = u8::try_from(comparison.levels().len()).unwrap_or(u8::MAX);
        (0..levels)
            .map(|level| self.named_weight(comparison, level, log2))
            .fold(0.0, f64::max)
    }

    /// The most bits that one of these levels weighs for names that are no rarer
    /// than this one.
    #[must_use]
    pub fn most_bits_for_levels<L: Level>(
        &self,
        comparison: Comparison,
        token: &NameToken,
        levels: &[L],
    ) -> f64 {
        let log2 = self.log2_of(comparison, token);
        levels
            .iter()
            .map(|level| self.named_weight(comparison, level.index(), log2))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn log2_of(&self, comparison: Comparison, token: &NameToken) -> f64 {
        if comparison == Comparison::FamilyName {
            self.frequencies().family(token).log2
        } else {
            self.frequencies().given(token).log2
        }
    }

    /// A level's weight for the rarest value.
    fn level_bits(&self, comparison: Comparison, level: u8) -> f64 {
        self.named_weight(comparison, level, self.frequencies().lowest())
    }
}
