//! Agreement patterns: the levels of a pair in one number, so that many pairs
//! are counted instead of kept.

use std::collections::BTreeMap;

use crate::matching::ComparisonVector;
use crate::matching::levels::Comparison;

/// Bits that hold one level.
const LEVEL_BITS: u32 = 4;

/// The levels of a pair in all comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub u64);

impl Pattern {
    /// Of a compared pair.
    #[must_use]
    pub fn of(vector: &ComparisonVector) -> Self {
        let mut bits = 0;
        for comparison in Comparison::ALL {
            let level = u64::from(vector.outcome(comparison).level);
            bits |= level << (LEVEL_BITS * comparison as u32);
        }
        Self(bits)
    }

    /// The level of a comparison.
    #[must_use]
    pub const fn level(self, comparison: Comparison) -> u8 {
        ((self.0 >> (LEVEL_BITS * comparison as u32)) & 0xf) as u8
    }
}

/// How often each pattern was seen, in the order of patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatternCounts(pub Vec<(Pattern, u64)>);

impl PatternCounts {
    /// Counts of any order, as a list in order.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = (Pattern, u64)>) -> Self {
        let mut sorted: BTreeMap<Pattern, u64> = BTreeMap::new();
        for (pattern, count) in counts {
            *sorted.entry(pattern).or_default() += count;
        }
        Self(sorted.into_iter().collect())
    }

    /// Pairs in all.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}
