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
    sums: [f32; EVIDENCE_PARTS],
    said: [f32; EVIDENCE_PARTS],
}

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
                evidence.sums[place] = bits as f32;
                evidence.said[place] = 1.0;
            }
        }
        let weighed = model.weigh(vector);
        let taken = weighed.full_name + weighed.household_cap + weighed.twin_cap;
        evidence.sums[PARTS.len()] = taken as f32;
        evidence.said[PARTS.len()] = 1.0;
        evidence
    }

    /// Of two groups of pairs together.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mut both = *self;
        for place in 0..EVIDENCE_PARTS {
            both.sums[place] += other.sums[place];
            both.said[place] += other.said[place];
        }
        both
    }

    /// Posterior in bits: each part counts by its mean over the pairs that say
    /// something in it.
    pub(super) fn bits(&self, prior_bits: f64) -> f64 {
        let mut bits = prior_bits;
        for place in 0..EVIDENCE_PARTS {
            if self.said[place] > 0.0 {
                bits += f64::from(self.sums[place] / self.said[place]);
            }
        }
        bits
    }
}
