//! Repeatable chance for one family: the same seed and the same family give
//! the same throws, whatever other families do and on whichever thread.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The random throws of one family.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Independent throws for each `stream` of one `seed`.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Uniform in 0 (included) to 1 (excluded).
    pub(super) fn uniform(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// True with the given probability.
    pub(super) fn happens(&mut self, rate: impl Into<f64>) -> bool {
        self.uniform() < rate.into()
    }

    /// Uniform in `low..=high`.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        if low >= high {
            low
        } else {
            self.0.random_range(low..=high)
        }
    }

    /// Uniform in `0..bound`; 0 when the bound is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        if bound < 2 {
            0
        } else {
            self.0.random_range(0..bound)
        }
    }

    /// An index into a list of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One element, or `None` of an empty slice.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    /// Exponential with this mean.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}

/// Things to draw from by weight.
#[derive(Debug, Clone)]
pub(super) struct Weighted<T> {
    cumulative: Vec<f64>,
    values: Vec<T>,
}

impl<T> Weighted<T> {
    /// Pairs of value and weight; `None` when nothing has a positive weight.
    pub(super) fn new(pairs: impl IntoIterator<Item = (T, f64)>) -> Option<Self> {
        let mut total = 0.0;
        let (mut cumulative, mut values) = (Vec::new(), Vec::new());
        for (value, weight) in pairs {
            if weight > 0.0 && weight.is_finite() {
                total += weight;
                cumulative.push(total);
                values.push(value);
            }
        }
        (!values.is_empty()).then_some(Self { cumulative, values })
    }

    /// All values.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// One value, by weight.
    pub(super) fn draw(&self, dice: &mut Dice) -> &T {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let at = dice.uniform() * total;
        let index = self.cumulative.partition_point(|&edge| edge <= at);
        &self.values[index.min(self.values.len() - 1)]
    }
}

/// A fixed scattering of `0..modulus` onto itself: neighbours land far apart
/// and nobody lands twice, without a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scatter {
    modulus: u64,
    factor: u64,
    offset: u64,
}

impl Scatter {
    /// A scattering that depends on `seed`; `modulus` is at least 1.
    pub(super) fn new(modulus: u64, seed: u64) -> Self {
        let modulus = modulus.max(1);
        // The golden section spreads consecutive indices evenly.
        let mut factor = modulus / 1_000_000_000 * 618_033_989
            + modulus % 1_000_000_000 * 618_033_989 / 1_000_000_000;
        factor = (factor + seed % 97).max(1) % modulus;
        while greatest_common_divisor(factor, modulus) != 1 {
            factor = (factor + 1) % modulus.max(2);
        }
        Self {
            modulus,
            factor,
            offset: seed.rotate_left(17) % modulus,
        }
    }

    /// Where `index` (taken modulo the modulus) lands.
    pub(super) fn place(self, index: u64) -> u64 {
        let product = u128::from(index % self.modulus) * u128::from(self.factor);
        let place = (product + u128::from(self.offset)) % u128::from(self.modulus);
        u64::try_from(place).expect("invariant: a remainder of a u64 fits one")
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scattering_sends_no_two_to_one_place() {
        for (modulus, seed) in [(1, 0), (2, 5), (40, 1), (1000, 99), (99_999, 7)] {
            let scatter = Scatter::new(modulus, seed);
            let mut places: Vec<u64> = (0..modulus).map(|i| scatter.place(i)).collect();
            places.sort_unstable();
            assert_eq!(places, (0..modulus).collect::<Vec<_>>());
        }
    }

    #[test]
    fn heavier_values_are_drawn_more_often() {
        let weighted = Weighted::new([("rare", 1.0), ("common", 9.0), ("never", 0.0)]);
        let weighted = weighted.expect("two weights are positive");
        let mut dice = Dice::new(1, 1);
        let common = (0..1000)
            .filter(|_| *weighted.draw(&mut dice) == "common")
            .count();
        assert!((850..950).contains(&common), "{common}");
        assert!(Weighted::new([("none", 0.0)]).is_none());
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let throw = |seed, stream| Dice::new(seed, stream).below(u64::MAX);
        assert_eq!(throw(4, 2), throw(4, 2));
        assert_ne!(throw(4, 2), throw(4, 3));
        assert_ne!(throw(4, 2), throw(5, 2));
    }
}
