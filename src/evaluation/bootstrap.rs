//! Intervals by resampling persons. Pairs of one person stand and fall
//! together, so that persons are drawn with replacement and not pairs: each
//! replicate gives every person a Poisson weight of mean 1; a true pair counts
//! by its person's weight, a false one by the product of both. The weights are
//! hashes of seed, replicate and person: nothing is stored, and the intervals
//! are the same on any number of threads.

use rayon::prelude::*;
use serde::Serialize;

use crate::evaluation::curve::CurvePoint;
use crate::evaluation::pair_figures::{PRECISIONS, Prf};
use crate::evaluation::partition::Cell;
use crate::evaluation::record_ids::scattered;
use crate::evaluation::truth::pairs;
use crate::evaluation::{Links, Truth};

/// The seed of every interval; a repeated evaluation gives the same figures.
const SEED: u64 = 20_261_127;

/// 95 % of the replicates lie between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// 2.5 % lie below.
    pub lower: f64,
    /// 2.5 % lie above.
    pub upper: f64,
}

impl Interval {
    /// Of replicates, widened to hold the figure itself.
    fn of(mut replicates: Vec<f64>, figure: f64) -> Self {
        if replicates.is_empty() {
            return Self {
                lower: 0.0,
                upper: 1.0,
            };
        }
        replicates.sort_by(f64::total_cmp);
        let outside = replicates.len() / 40;
        Self {
            lower: replicates[outside].min(figure),
            upper: replicates[replicates.len() - 1 - outside].max(figure),
        }
    }
}

/// Weight of a person in a replicate: Poisson with mean 1, at most 7.
fn weight(replicate: u64, person: u32) -> u64 {
    /// Upper ends of the cumulative probabilities in 1/2^32.
    const ENDS: [u64; 7] = [
        1_580_030_169,
        3_160_060_337,
        3_950_075_422,
        4_213_413_783,
        4_279_248_374,
        4_292_415_292,
        4_294_609_778,
    ];
    let key = SEED ^ (replicate << 32) ^ u64::from(person);
    let drawn = scattered(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 32;
    ENDS.iter().filter(|end| drawn >= **end).count() as u64
}

/// What one replicate gives of links.
struct Replicate {
    at_precision: [f64; PRECISIONS.len()],
    best_f1: f64,
    curve: Vec<(f64, f64)>,
}

/// Intervals of the figures of links.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkIntervals {
    /// Recall by [`PRECISIONS`].
    pub at_precision: Vec<Interval>,
    /// The best F1.
    pub best_f1: Interval,
    /// Precision and recall of each point of the curve.
    pub curve: Vec<(Interval, Interval)>,
}

/// Figures beside which intervals are given.
pub struct Centres<'a> {
    /// Recall by [`PRECISIONS`].
    pub at_precision: [f64; PRECISIONS.len()],
    /// The best F1.
    pub best_f1: f64,
    /// Points with falling thresholds.
    pub curve: &'a [CurvePoint],
}

/// Resamples links so many times.
#[must_use]
pub fn of_links(truth: &Truth, links: &Links, centres: &Centres<'_>, times: u32) -> LinkIntervals {
    let replicates: Vec<Replicate> = (0..u64::from(times))
        .into_par_iter()
        .map(|replicate| walk(truth, links, centres.curve, replicate))
        .collect();
    let column = |of: &dyn Fn(&Replicate) -> f64, centre: f64| {
        Interval::of(replicates.iter().map(of).collect(), centre)
    };
    LinkIntervals {
        at_precision: (0..PRECISIONS.len())
            .map(|place| column(&|one| one.at_precision[place], centres.at_precision[place]))
            .collect(),
        best_f1: column(&|one| one.best_f1, centres.best_f1),
        curve: (centres.curve.iter().enumerate())
            .map(|(place, point)| {
                let precision = column(&|one| one.curve[place].0, point.prf.p);
                (precision, column(&|one| one.curve[place].1, point.prf.r))
            })
            .collect(),
    }
}

fn walk(truth: &Truth, links: &Links, curve: &[CurvePoint], replicate: u64) -> Replicate {
    let truths: u64 = (0..truth.persons())
        .map(|person| weight(replicate, person) * truth.pairs_of(person))
        .sum();
    let mut result = Replicate {
        at_precision: [0.0; PRECISIONS.len()],
        best_f1: 0.0,
        curve: Vec::with_capacity(curve.len()),
    };
    let (mut hits, mut found) = (0_u64, 0_u64);
    for run in links.runs() {
        while curve
            .get(result.curve.len())
            .is_some_and(|point| point.threshold > run[0].weight)
        {
            let prf = Prf::of(hits as f64, found as f64, truths as f64);
            result.curve.push((prf.p, prf.r));
        }
        for edge in run {
            let (one, other) = (truth.person(edge.a), truth.person(edge.b));
            let times = weight(replicate, one);
            if one == other {
                hits += times;
                found += times;
            } else {
                found += times * weight(replicate, other);
            }
        }
        let prf = Prf::of(hits as f64, found as f64, truths as f64);
        result.best_f1 = result.best_f1.max(prf.f1);
        for (place, least) in PRECISIONS.iter().enumerate() {
            if prf.p >= *least {
                result.at_precision[place] = prf.r;
            }
        }
    }
    let prf = Prf::of(hits as f64, found as f64, truths as f64);
    result.curve.resize(curve.len(), (prf.p, prf.r));
    result
}

/// Intervals of precision, recall and F1 of groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PrfIntervals {
    /// Precision.
    pub p: Interval,
    /// Recall.
    pub r: Interval,
    /// F1.
    pub f1: Interval,
}

/// Resamples groups so many times; `cells` lie together by group.
#[must_use]
pub fn of_cells(truth: &Truth, cells: &[Cell], figure: Prf, times: u32) -> PrfIntervals {
    let replicates: Vec<Prf> = (0..u64::from(times))
        .into_par_iter()
        .map(|replicate| regrouped(truth, cells, replicate))
        .collect();
    let column =
        |of: &dyn Fn(&Prf) -> f64| Interval::of(replicates.iter().map(of).collect(), of(&figure));
    PrfIntervals {
        p: column(&|prf| prf.p),
        r: column(&|prf| prf.r),
        f1: column(&|prf| prf.f1),
    }
}

fn regrouped(truth: &Truth, cells: &[Cell], replicate: u64) -> Prf {
    let (mut hits, mut found, mut truths) = (0.0, 0.0, 0.0);
    for group in cells.chunk_by(|one, other| one.group == other.group) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for cell in group {
            let times = weight(replicate, cell.person) as f64;
            let records = f64::from(cell.records);
            let own = times * pairs(u64::from(cell.records)) as f64;
            hits += own;
            found += own;
            sum += times * records;
            squares += times * records * times * records;
        }
        // Pairs of two persons: the copies of one person are not paired.
        found += f64::midpoint(sum * sum, -squares);
    }
    for person in 0..truth.persons() {
        let own = pairs(truth.members(person).len() as u64);
        truths += (weight(replicate, person) * own) as f64;
    }
    Prf::of(hits, found, truths)
}

#[cfg(test)]
mod tests {
    use super::{Centres, of_links, weight};
    use crate::evaluation::Links;
    use crate::evaluation::truth::tests::truth;

    #[test]
    fn weights_are_poisson_with_mean_one() {
        let drawn: Vec<u64> = (0..20_000).map(|person| weight(3, person)).collect();
        let mean = drawn.iter().sum::<u64>() as f64 / 20_000.0;
        let none = drawn.iter().filter(|times| **times == 0).count() as f64 / 20_000.0;
        assert!((mean - 1.0).abs() < 0.03, "mean {mean}");
        assert!((none - (-1.0_f64).exp()).abs() < 0.015, "none {none}");
    }

    /// Half of `persons` persons with two records are found.
    fn interval(persons: u32) -> f64 {
        let of: Vec<u32> = (0..2 * persons).map(|record| record / 2).collect();
        let truth = truth(&of, None);
        let mut links = Links::default();
        for pair in 0..persons / 2 {
            links.push(&truth, 2 * pair, 2 * pair + 1, 5.0);
        }
        links.settle();
        let centres = Centres {
            at_precision: [0.5; 6],
            best_f1: 2.0 / 3.0,
            curve: &[],
        };
        let found = of_links(&truth, &links, &centres, 400).at_precision[0];
        assert!(found.lower < 0.5 && found.upper > 0.5);
        found.upper - found.lower
    }

    #[test]
    fn an_interval_is_as_wide_as_the_number_of_persons_says() {
        // A share of a half among n persons: 2 × 1.96 × sqrt(1 / 4n).
        for persons in [100, 400] {
            let expected = 2.0 * 1.96 * (0.25 / f64::from(persons)).sqrt();
            let found = interval(persons);
            assert!(
                (found / expected - 1.0).abs() < 0.25,
                "{found}, not {expected}"
            );
        }
    }
}
