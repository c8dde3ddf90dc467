//! Whether weights mean what they say (R127): by bins of weight, the share of
//! true pairs beside the nominal one.

use serde::Serialize;

use crate::evaluation::bounds::{BoundedShare, Clustered};
use crate::evaluation::{Edge, Links, Truth};

/// Lower ends of the bins in bits; below the first is a bin of its own.
pub const BIN_ENDS: [f64; 21] = [
    -10.0, -8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0,
    22.0, 24.0, 26.0, 28.0, 30.0,
];

/// The bin of a weight: 0 is below all ends.
#[must_use]
pub fn bin_of(weight: f64) -> usize {
    BIN_ENDS.partition_point(|end| *end <= weight)
}

/// Sums of the probabilities that the file gives, by bin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nominal {
    sums: [(f64, f64); BIN_ENDS.len() + 1],
}

impl Nominal {
    /// Takes a row of the links file; without a probability, that of the weight.
    pub fn take(&mut self, weight: f64, probability: Option<f64>) {
        let said = probability.unwrap_or_else(|| 1.0 / (1.0 + (-weight).exp2()));
        let (sum, rows) = &mut self.sums[bin_of(weight)];
        *sum += said;
        *rows += 1.0;
    }
}

/// How the observed share stands to the nominal one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The nominal share is within the bounds, give or take the tolerance.
    Within,
    /// Fewer pairs are true than the weights say.
    OverConfident,
    /// More pairs are true than the weights say.
    UnderConfident,
}

/// A bin of the calibration table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Bits, with; `None` is without end.
    pub from: Option<f64>,
    /// Bits, without.
    pub to: Option<f64>,
    /// Pairs.
    pub pairs: u64,
    /// True ones.
    pub true_pairs: u64,
    /// Independent pairs that would say as much.
    pub effective_pairs: f64,
    /// Mean of the probabilities that the links gave.
    pub nominal: f64,
    /// Share of true pairs, with bounds.
    #[serde(flatten)]
    pub observed: BoundedShare,
    /// What follows.
    pub verdict: Verdict,
}

/// A nominal share this close to the bounds is good enough.
const TOLERANCE: f64 = 0.0005;

/// The bins that have pairs, strongest first.
#[must_use]
pub fn table(truth: &Truth, links: &Links, nominal: &Nominal) -> Vec<CalibrationBin> {
    (0..=BIN_ENDS.len())
        .rev()
        .filter_map(|bin| {
            let from = bin.checked_sub(1).map(|place| BIN_ENDS[place]);
            let to = BIN_ENDS.get(bin).copied();
            let (low, high) = (from.unwrap_or(f64::MIN), to.unwrap_or(f64::INFINITY));
            let edges = links.between(low, high);
            (!edges.is_empty()).then(|| {
                let (sum, rows) = nominal.sums[bin];
                calibration_bin(truth, edges, (from, to), sum / f64::max(rows, 1.0))
            })
        })
        .collect()
}

fn calibration_bin(
    truth: &Truth,
    edges: &[Edge],
    (from, to): (Option<f64>, Option<f64>),
    nominal: f64,
) -> CalibrationBin {
    let shares = by_person(truth, edges);
    let observed = shares.bounded();
    let verdict = if nominal > observed.upper + TOLERANCE {
        Verdict::OverConfident
    } else if nominal < observed.lower - TOLERANCE {
        Verdict::UnderConfident
    } else {
        Verdict::Within
    };
    CalibrationBin {
        from,
        to,
        pairs: edges.len() as u64,
        true_pairs: crate::evaluation::pair_figures::hits(truth, edges),
        effective_pairs: shares.effective(),
        nominal,
        observed,
        verdict,
    }
}

/// True pairs by person; a false pair belongs to the first of its persons.
#[must_use]
pub fn by_person(truth: &Truth, edges: &[Edge]) -> Clustered {
    let mut marked: Vec<u64> = edges
        .iter()
        .map(|edge| {
            let (one, other) = (truth.person(edge.a), truth.person(edge.b));
            u64::from(one.min(other)) << 1 | u64::from(one == other)
        })
        .collect();
    marked.sort_unstable();
    let mut shares = Clustered::default();
    for person in marked.chunk_by(|one, other| one >> 1 == other >> 1) {
        let hits: u64 = person.iter().map(|mark| mark & 1).sum();
        shares.add(hits as f64, person.len() as f64);
    }
    shares
}

/// Whether weights of at least this claim more than the pairs bear out, which
/// forbids to link by them (R127).
#[must_use]
pub fn blocks_links(bins: &[CalibrationBin], link_from: f64) -> bool {
    bins.iter()
        .any(|bin| bin.verdict == Verdict::OverConfident && bin.to.is_none_or(|to| to > link_from))
}

#[cfg(test)]
mod tests {
    use super::{Nominal, Verdict, blocks_links, table};
    use crate::evaluation::truth::tests::truth;
    use crate::evaluation::{Links, Truth};

    fn links(pairs: u32, wrong: u32, weight: f64) -> (Truth, Links, Nominal) {
        let persons: Vec<u32> = (0..2 * pairs)
            .map(|record| {
                if record / 2 < wrong {
                    10_000 + record
                } else {
                    record / 2
                }
            })
            .collect();
        let truth = truth(&persons, None);
        let (mut links, mut nominal) = (Links::default(), Nominal::default());
        for pair in 0..pairs {
            links.push(&truth, 2 * pair, 2 * pair + 1, weight);
            nominal.take(weight, None);
        }
        links.settle();
        (truth, links, nominal)
    }

    #[test]
    fn r127_a_bin_that_claims_too_much_blocks_automatic_links() {
        // 0.976 seen where 9 bits say 0.998.
        let (truth, links, nominal) = links(1_000, 24, 9.0);
        let bins = table(&truth, &links, &nominal);
        assert_eq!(bins.len(), 1);
        assert_eq!((bins[0].from, bins[0].to), (Some(8.0), Some(10.0)));
        assert!((bins[0].nominal - 0.998_05).abs() < 1e-4);
        assert_eq!(bins[0].verdict, Verdict::OverConfident);
        assert!(blocks_links(&bins, 9.0));
        assert!(!blocks_links(&bins, 20.0), "these links need more bits");
    }

    #[test]
    fn r127_a_bin_as_good_as_its_word_blocks_nothing() {
        let (truth, links, nominal) = links(1_000, 2, 9.0);
        let bins = table(&truth, &links, &nominal);
        assert_eq!(bins[0].verdict, Verdict::Within);
        assert!(!blocks_links(&bins, 0.0));
    }
}
