//! What a pair's fields say, apart, so that two groups of records can be
//! weighed field by field over all their pairs.

use crate::matching::{Comparison, ComparisonVector, LinkageModel};

/// Fields that are weighed together.
const PARTS: [&[Comparison]; 9] = [
    &[Comparison::NhsNumber],
    &[Comparison::GivenName, Comparison::MiddleName],
    &[Comparison::FamilyName],
    &[Comparison::BirthDate],
    &[Comparison::Sex],
    &[Comparison::Postcode, Comparison::Address, Comparison::Town],
    &[Comparison::Phone],
    &[Comparison::Email],
    &[
        Comparison::OtherIdentifier,
        Comparison::GpPractice,
        Comparison::BirthOrder,
    ],
];

/// The parts, and what joint frequency and caps take.
pub(super) const EVIDENCE_PARTS: usize = PARTS.len() + 1;

/// Sums over pairs of records, and how many pairs said something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    bits: [f32; EVIDENCE_PARTS],
    /// Bayes factors: 2 to the power of the bits.
    factors: [f32; EVIDENCE_PARTS],
    said: [f32; EVIDENCE_PARTS],
}

/// Bits beyond which a factor says no more than certainty.
const FACTOR_BITS_MAX: f64 = 40.0;

impl Evidence {
    /// Of one pair.
    #[expect(clippy::cast_possible_truncation, reason = "bits need no more")]
    pub(super) fn of(model: &LinkageModel, vector: &ComparisonVector) -> Self {
        let mut evidence = Self::default();
        for (place, fields) in PARTS.iter().enumerate() {
            let says = fields
                .iter()
                .any(|field| vector.outcome(*field).level != field.missing());
            if says {
                let bits: f64 = fields.iter().map(|field| vector.weight(*field)).sum();
                evidence.bits[place] = bits as f32;
                let bits = bits.clamp(-FACTOR_BITS_MAX, FACTOR_BITS_MAX);
                evidence.factors[place] = bits.exp2() as f32;
                evidence.said[place] = 1.0;
            }
        }
        let weighed = model.weigh(vector);
        let taken = weighed.full_name + weighed.household_cap + weighed.twin_cap;
        evidence.bits[PARTS.len()] = taken as f32;
        evidence.factors[PARTS.len()] = taken.max(-FACTOR_BITS_MAX).exp2() as f32;
        evidence.said[PARTS.len()] = 1.0;
        evidence
    }

    /// Of two groups of pairs together.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = *self;
        for place in 0..EVIDENCE_PARTS {
            both.bits[place] += other.bits[place];
            both.factors[place] += other.factors[place];
            both.said[place] += other.said[place];
        }
        both
    }

    /// Posterior in bits. A part counts over the pairs that say something in it.
    /// The mean of their factors is what the records of a group predict of
    /// another one if each of them may be the one that it repeats; it forgives
    /// slips, and relatives. The mean of their bits forgives nothing. Half way
    /// between is used; caps are taken by their mean alone.
    pub(super) fn posterior(&self, prior_bits: f64) -> f64 {
        let mut total = prior_bits;
        for place in 0..EVIDENCE_PARTS {
            if self.said[place] > 0.0 {
                let mean = f64::from(self.bits[place] / self.said[place]);
                let predicted = f64::from(self.factors[place] / self.said[place]).log2();
                total += if place == PARTS.len() {
                    mean
                } else {
                    f64::midpoint(mean, predicted)
                };
            }
        }
        total
    }
}
