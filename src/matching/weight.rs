//! Weights in bits and probabilities. The conversions between the two live
//! here only, and neither type can hold a NaN.

use serde::{Deserialize, Serialize};

/// A weight beyond this many bits says nothing more than certainty.
const BITS_MAX: f64 = 1_000.0;

/// log2 of a Bayes factor or of posterior odds; always finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, Default)]
#[serde(from = "f64", into = "f64")]
pub struct MatchWeight(f64);

impl MatchWeight {
    /// Clamps to ±1000 bits and turns NaN into 0, so that no arithmetic
    /// accident can reach a decision.
    #[must_use]
    pub fn new(bits: f64) -> Self {
        if bits.is_nan() {
            Self(0.0)
        } else {
            Self(bits.clamp(-BITS_MAX, BITS_MAX))
        }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> f64 {
        self.0
    }

    /// 1 / (1 + 2^−bits), read as posterior odds. Not calibrated (DESIGN 6.1):
    /// the calibrated figure is [`crate::matching::LinkageModel::probability`].
    #[must_use]
    pub fn probability(self) -> MatchProbability {
        MatchProbability(1.0 / (1.0 + (-self.0).exp2()))
    }
}

impl From<f64> for MatchWeight {
    fn from(bits: f64) -> Self {
        Self::new(bits)
    }
}

impl From<MatchWeight> for f64 {
    fn from(weight: MatchWeight) -> Self {
        weight.0
    }
}

/// Lower ends of the bands in which probabilities are counted, and their names.
pub const PROBABILITY_BANDS: [(f64, &str); 5] = [
    (0.999, "0.999 and more"),
    (0.99, "0.99 to 0.999"),
    (0.9, "0.9 to 0.99"),
    (0.5, "0.5 to 0.9"),
    (0.0, "below 0.5"),
];

/// A probability, 0 ..= 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct MatchProbability(f64);

impl MatchProbability {
    /// Clamps to 0 ..= 1; NaN becomes 0.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if value.is_nan() {
            Self(0.0)
        } else {
            Self(value.clamp(0.0, 1.0))
        }
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }

    /// The band that it is counted in, by its name.
    #[must_use]
    pub fn band(self) -> &'static str {
        let mut bands = PROBABILITY_BANDS.iter();
        let band = bands.find(|(least, _)| self.0 >= *least);
        band.map_or("below 0.5", |(_, name)| name)
    }

    /// log2 of the odds.
    #[must_use]
    pub fn weight(self) -> MatchWeight {
        MatchWeight::new((self.0 / (1.0 - self.0)).log2())
    }
}

impl From<f64> for MatchProbability {
    fn from(value: f64) -> Self {
        Self::new(value)
    }
}

impl From<MatchProbability> for f64 {
    fn from(probability: MatchProbability) -> Self {
        probability.0
    }
}

#[cfg(test)]
mod tests {
    use super::{MatchProbability, MatchWeight};

    #[test]
    fn a_weight_is_always_finite() {
        assert_eq!(
            MatchWeight::new(f64::NAN).bits().to_bits(),
            0.0_f64.to_bits()
        );
        assert!(MatchWeight::new(f64::INFINITY).bits() < 1_001.0);
        assert!(MatchProbability::new(1.0).weight().bits() < 1_001.0);
    }

    #[test]
    fn probability_and_weight_are_inverse() {
        for bits in [-20.0, -1.0, 0.0, 3.5, 20.0] {
            let back = MatchWeight::new(bits).probability().weight().bits();
            assert!((back - bits).abs() < 1e-6, "{bits} came back as {back}");
        }
        assert!((MatchWeight::new(0.0).probability().value() - 0.5).abs() < 1e-12);
    }
}
