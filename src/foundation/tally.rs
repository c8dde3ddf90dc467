//! Counts by size, for many threads: how large commits are, how long they took.
//! What the figures mean and who reads them is not known here.

use std::sync::atomic::{AtomicU64, Ordering};

/// A histogram whose bounds are fixed. Values are whole numbers.
#[derive(Debug)]
pub struct Tally<const BOUNDS: usize> {
    bounds: [u64; BOUNDS],
    /// Values up to each bound and above the one before it.
    counts: [AtomicU64; BOUNDS],
    above: AtomicU64,
    sum: AtomicU64,
}

/// A tally at one moment, up to values that arrive while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyFigures {
    /// Each bound with the number of values up to it, the smaller ones included.
    pub upto: Vec<(u64, u64)>,
    /// All values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl<const BOUNDS: usize> Tally<BOUNDS> {
    /// An empty one; bounds ascend.
    #[must_use]
    pub fn new(bounds: [u64; BOUNDS]) -> Self {
        Self {
            bounds,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub fn record(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        let count = self.counts.get(place).unwrap_or(&self.above);
        count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn figures(&self) -> TallyFigures {
        let sum = self.sum.load(Ordering::Relaxed);
        let mut count = 0;
        let mut upto = Vec::with_capacity(BOUNDS);
        for (bound, counted) in self.bounds.iter().zip(&self.counts) {
            count += counted.load(Ordering::Relaxed);
            upto.push((*bound, count));
        }
        count += self.above.load(Ordering::Relaxed);
        TallyFigures { upto, count, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn a_value_counts_up_to_each_bound_that_it_does_not_exceed() {
        let tally = Tally::new([1, 2, 4]);
        for value in [1, 2, 3, 4, 5, 100] {
            tally.record(value);
        }
        let figures = tally.figures();
        assert_eq!(figures.upto, [(1, 1), (2, 2), (4, 4)]);
        assert_eq!((figures.count, figures.sum), (6, 115));
    }
}
