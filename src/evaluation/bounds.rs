//! Bounds of shares. Exact binomial ones (Clopper and Pearson 1934) where units
//! are independent; pairs of one person are not, so their number is first
//! reduced to an effective one (Kish's design effect, units = persons).

use serde::Serialize;

/// A share with its two-sided 95 % bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoundedShare {
    /// The share seen, 0 to 1.
    pub share: f64,
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
}

/// Half of what lies outside of the bounds.
const TAIL: f64 = 0.025;

/// A share of independent units.
#[must_use]
pub fn exact(hits: f64, of: f64) -> BoundedShare {
    if of <= 0.0 {
        return BoundedShare {
            share: 0.0,
            lower: 0.0,
            upper: 1.0,
        };
    }
    let misses = of - hits;
    let lower = if hits <= 0.0 {
        0.0
    } else {
        beta_quantile(TAIL, hits, misses + 1.0)
    };
    let upper = if misses <= 0.0 {
        1.0
    } else {
        beta_quantile(1.0 - TAIL, hits + 1.0, misses)
    };
    BoundedShare {
        share: hits / of,
        lower,
        upper,
    }
}

/// One-sided upper 95 % bound of a share of independent units.
#[must_use]
pub fn upper_only(hits: f64, of: f64) -> f64 {
    if of <= 0.0 || hits >= of {
        1.0
    } else {
        beta_quantile(0.95, hits + 1.0, of - hits)
    }
}

/// Sums over units (persons) from which a share of dependent pairs is bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Clustered {
    units: f64,
    hits: f64,
    of: f64,
    hits_squared: f64,
    of_squared: f64,
    product: f64,
}

impl Clustered {
    /// Adds a unit with so many hits among so many pairs.
    pub fn add(&mut self, hits: f64, of: f64) {
        if of > 0.0 {
            self.units += 1.0;
            self.hits += hits;
            self.of += of;
            self.hits_squared += hits * hits;
            self.of_squared += of * of;
            self.product += hits * of;
        }
    }

    /// Units that have at least one pair.
    #[must_use]
    pub const fn units(&self) -> f64 {
        self.units
    }

    /// Pairs that hit.
    #[must_use]
    pub const fn hits(&self) -> f64 {
        self.hits
    }

    /// All pairs.
    #[must_use]
    pub const fn of(&self) -> f64 {
        self.of
    }

    /// As many independent pairs would say as much. Where all or none hit, the
    /// spread between persons cannot be seen, and a person counts once.
    #[must_use]
    pub fn effective(&self) -> f64 {
        let share = self.hits / self.of.max(1.0);
        if self.hits <= 0.0 || self.hits >= self.of {
            return self.units;
        }
        let residuals =
            self.hits_squared - 2.0 * share * self.product + share * share * self.of_squared;
        let independent = self.of * share * (1.0 - share);
        let effect = (residuals / independent).max(1.0);
        (self.of / effect).max(1.0)
    }

    /// The share with bounds.
    #[must_use]
    pub fn bounded(&self) -> BoundedShare {
        let effective = self.effective();
        let share = if self.of > 0.0 {
            self.hits / self.of
        } else {
            0.0
        };
        let bounds = exact(share * effective, effective);
        BoundedShare { share, ..bounds }
    }
}

/// The value below which a beta variable lies with this probability, by
/// bisection: slow and without surprises.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beta_below(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Regularised incomplete beta function, by Lentz's continued fraction.
fn beta_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    if x < (a + 1.0) / (a + b + 2.0) {
        (front.exp() / a * fraction(x, a, b)).clamp(0.0, 1.0)
    } else {
        (1.0 - front.exp() / b * fraction(1.0 - x, b, a)).clamp(0.0, 1.0)
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut numerator = 1.0;
    let mut denominator = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut result = denominator;
    for step in 1..2_000_u32 {
        let step = f64::from(step);
        let twice = a + 2.0 * step;
        let even = step * (b - step) * x / ((twice - 1.0) * twice);
        let odd = -(a + step) * (a + b + step) * x / (twice * (twice + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            denominator = 1.0 / away(1.0 + term * denominator);
            numerator = away(1.0 + term / numerator);
            change = numerator * denominator;
            result *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    result
}

/// Natural logarithm of the gamma function (Lanczos, g = 7, n = 9).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let base = x + 7.5;
    let mut sum = 0.999_999_999_999_809_9;
    for (place, term) in (1..).zip(TERMS) {
        sum += term / (x + f64::from(place));
    }
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * base.ln() - base + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::{Clustered, exact, upper_only};

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    #[test]
    fn bounds_are_those_of_the_tables() {
        // R's binom.test(2, 20) and binom.test(0, 300).
        let few = exact(2.0, 20.0);
        near(few.lower, 0.012_348_53);
        near(few.upper, 0.316_982_71);
        let none = exact(0.0, 300.0);
        near(none.lower, 0.0);
        near(none.upper, 0.012_220_78);
        near(exact(300.0, 300.0).lower, 1.0 - 0.012_220_78);
    }

    #[test]
    fn r82_300_clean_pairs_do_not_certify_one_in_a_thousand_and_3000_do() {
        assert!(upper_only(0.0, 300.0) > 0.001);
        assert!(upper_only(0.0, 3_000.0) < 0.001);
    }

    #[test]
    fn pairs_of_one_person_count_for_less_than_pairs_of_many() {
        let mut alike = Clustered::default();
        let mut alone = Clustered::default();
        for person in 0..20 {
            let missed = if person < 4 { 1.0 } else { 0.0 };
            // Each person misses all of its ten pairs or none.
            alike.add(10.0 * missed, 10.0);
            for _ in 0..10 {
                alone.add(missed, 1.0);
            }
        }
        near(alike.effective(), 20.0);
        near(alone.effective(), 200.0);
        assert!(alike.bounded().upper > alone.bounded().upper);
        near(alike.bounded().share, 0.2);
    }

    #[test]
    fn where_nothing_was_missed_a_person_counts_once() {
        let mut clean = Clustered::default();
        for _ in 0..50 {
            clean.add(0.0, 6.0);
        }
        near(clean.effective(), 50.0);
        assert!(clean.bounded().upper > 0.05);
        assert!(Clustered::default().bounded().upper > 0.99);
    }
}
