//! Links as numbers: 16 bytes each, every unordered pair once, strongest first.

use std::cmp::Ordering;

use rayon::slice::ParallelSliceMut;

use crate::evaluation::Truth;

/// A pair of records with the model's weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Bits.
    pub weight: f64,
    /// The record with the smaller number.
    pub a: u32,
    /// The other.
    pub b: u32,
}

/// All links that count, strongest first.
#[derive(Debug, Clone, Default)]
pub struct Links {
    edges: Vec<Edge>,
}

impl Links {
    /// Takes a link as it was read; a pair that does not count is left out.
    pub fn push(&mut self, truth: &Truth, a: u32, b: u32, weight: f64) {
        if truth.counts(a, b) {
            self.edges.push(Edge {
                weight,
                a: a.min(b),
                b: a.max(b),
            });
        }
    }

    /// Sorts, and keeps of each pair the strongest link.
    pub fn settle(&mut self) {
        self.edges.par_sort_unstable_by(|one, other| {
            let pair = (one.a, one.b).cmp(&(other.a, other.b));
            pair.then(other.weight.total_cmp(&one.weight))
        });
        self.edges.dedup_by_key(|edge| (edge.a, edge.b));
        self.edges.shrink_to_fit();
        self.edges.par_sort_unstable_by(|one, other| {
            let weight = other.weight.total_cmp(&one.weight);
            weight.then((one.a, one.b).cmp(&(other.a, other.b)))
        });
    }

    /// Strongest first.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Those of at least this weight.
    #[must_use]
    pub fn at_least(&self, weight: f64) -> &[Edge] {
        let end = self.edges.partition_point(|edge| edge.weight >= weight);
        &self.edges[..end]
    }

    /// Those from `low` (with) to `high` (without).
    #[must_use]
    pub fn between(&self, low: f64, high: f64) -> &[Edge] {
        let start = self.at_least(high).len();
        let end = self.at_least(low).len();
        &self.edges[start..end.max(start)]
    }

    /// Links of one weight together, strongest first: no threshold parts them.
    pub fn runs(&self) -> impl Iterator<Item = &[Edge]> {
        let same =
            |one: &Edge, other: &Edge| one.weight.total_cmp(&other.weight) == Ordering::Equal;
        self.edges.chunk_by(same)
    }
}

#[cfg(test)]
mod tests {
    use super::Links;
    use crate::evaluation::truth::tests::truth;

    #[test]
    fn a_pair_is_kept_once_with_its_highest_weight_and_itself_never() {
        let truth = truth(&[0, 0, 1], None);
        let mut links = Links::default();
        for (a, b, weight) in [
            (0, 1, 3.0),
            (1, 0, 5.0),
            (2, 2, 9.0),
            (2, 0, 4.0),
            (1, 2, 4.0),
        ] {
            links.push(&truth, a, b, weight);
        }
        links.settle();
        let found: Vec<(u32, u32, f64)> = links
            .edges()
            .iter()
            .map(|edge| (edge.a, edge.b, edge.weight))
            .collect();
        assert_eq!(found, [(0, 1, 5.0), (0, 2, 4.0), (1, 2, 4.0)]);
        assert_eq!(links.runs().count(), 2);
        assert_eq!(links.at_least(4.5).len(), 1);
        assert_eq!(links.between(4.0, 5.0).len(), 2);
    }
}
