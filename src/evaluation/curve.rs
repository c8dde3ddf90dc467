//! Precision and recall over thresholds, and the cheapest of them when a false
//! link, a miss and a minute of review have a price.

use serde::Serialize;

use crate::evaluation::pair_figures::{Prf, hits};
use crate::evaluation::{Links, Truth};

/// More points would not be told apart on a page.
const POINTS_MAX: f64 = 60.0;

/// A point of the threshold curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Links of at least so many bits.
    pub threshold: f64,
    /// How many.
    pub links: u64,
    /// How many of them are false.
    pub false_links: u64,
    /// Precision, recall, F1.
    #[serde(flatten)]
    pub prf: Prf,
}

/// Points with falling thresholds: whole bits where the weights span some.
#[must_use]
pub fn curve(truth: &Truth, links: &Links) -> Vec<CurvePoint> {
    let (Some(first), Some(last)) = (links.edges().first(), links.edges().last()) else {
        return Vec::new();
    };
    let span = first.weight - last.weight;
    let step = if span >= 8.0 {
        (span / POINTS_MAX).ceil().max(1.0)
    } else {
        (span / 20.0).max(f64::MIN_POSITIVE)
    };
    let mut points: Vec<CurvePoint> = Vec::new();
    let (mut found, mut true_links) = (0, 0);
    let mut threshold = (first.weight / step).floor() * step;
    while found < links.edges().len() && points.len() <= 2 * 60 {
        if threshold <= last.weight {
            threshold = last.weight;
        }
        let end = links.at_least(threshold).len();
        true_links += hits(truth, &links.edges()[found..end]);
        found = end;
        points.push(CurvePoint {
            threshold,
            links: found as u64,
            false_links: found as u64 - true_links,
            prf: Prf::of(true_links as f64, found as f64, truth.true_pairs() as f64),
        });
        threshold -= step;
    }
    points
}

/// What things cost, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Costs {
    /// A pair linked that is not one person.
    pub false_link: f64,
    /// A pair of one person not linked.
    pub miss: f64,
    /// A minute of a clerk.
    pub review_minute: f64,
    /// Minutes for a pair.
    pub minutes_a_task: f64,
}

/// The cheapest thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CheapestThresholds {
    /// What things cost.
    pub costs: Costs,
    /// Without review: link from here; `None` when linking nothing is cheapest.
    pub link_from: Option<f64>,
    /// What that costs.
    pub cost: f64,
    /// With review: link from here,
    pub link_from_with_review: Option<f64>,
    /// and have the pairs from here to there looked at.
    pub review_from: Option<f64>,
    /// Pairs that are looked at.
    pub reviewed_pairs: u64,
    /// What that costs, if clerks decide rightly.
    pub cost_with_review: f64,
    /// Weight at which the odds are those of the costs, were weights true.
    pub nominal_link_from: f64,
}

/// The place after which a sum is least: threshold, links up to it, sum.
#[derive(Clone, Copy)]
struct Least {
    threshold: Option<f64>,
    found: u64,
    sum: f64,
}

impl Least {
    const NOTHING: Self = Self {
        threshold: None,
        found: 0,
        sum: 0.0,
    };

    fn take(&mut self, threshold: f64, found: u64, sum: f64) {
        if sum < self.sum {
            *self = Self {
                threshold: Some(threshold),
                found,
                sum,
            };
        }
    }
}

/// Tries every threshold. A pair between the two is looked at; the costs of
/// both thresholds add up, so that each is found by itself.
#[must_use]
pub fn cheapest(truth: &Truth, links: &Links, costs: Costs) -> CheapestThresholds {
    let look = costs.review_minute * costs.minutes_a_task;
    let mut alone = Least::NOTHING;
    let mut linked = Least::NOTHING;
    let mut looked_at = Least::NOTHING;
    let (mut found, mut hit) = (0_u64, 0_u64);
    for run in links.runs() {
        hit += hits(truth, run);
        found += run.len() as u64;
        let wrong = costs.false_link * (found - hit) as f64;
        let saved = costs.miss * hit as f64;
        let looks = look * found as f64;
        alone.take(run[0].weight, found, wrong - saved);
        linked.take(run[0].weight, found, wrong - looks);
        looked_at.take(run[0].weight, found, looks - saved);
    }
    let all_missed = costs.miss * truth.true_pairs() as f64;
    let with_review = all_missed + linked.sum + looked_at.sum;
    // Where a look costs more than it saves, nobody looks.
    let nobody_looks = looked_at.found <= linked.found || with_review >= all_missed + alone.sum;
    CheapestThresholds {
        costs,
        link_from: alone.threshold,
        cost: all_missed + alone.sum,
        link_from_with_review: if nobody_looks {
            alone.threshold
        } else {
            linked.threshold
        },
        review_from: looked_at.threshold.filter(|_| !nobody_looks),
        reviewed_pairs: if nobody_looks {
            0
        } else {
            looked_at.found - linked.found
        },
        cost_with_review: if nobody_looks {
            all_missed + alone.sum
        } else {
            with_review
        },
        nominal_link_from: (costs.false_link / costs.miss).log2(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Costs, cheapest, curve};
    use crate::evaluation::truth::tests::truth;
    use crate::evaluation::{Links, Truth};

    /// At 20 bits 8 true links, at 10 bits 3 true and 1 false, at 0 bits 1 of 4.
    fn example() -> (Truth, Links) {
        let persons: Vec<u32> = (0..60).map(|record| record / 2).collect();
        let truth = truth(&persons, None);
        let mut links = Links::default();
        let mut pair = 0;
        for (weight, hits, wrong) in [(20.0, 8, 0), (10.0, 3, 1), (0.0, 1, 3)] {
            for _ in 0..hits {
                links.push(&truth, 2 * pair, 2 * pair + 1, weight);
                pair += 1;
            }
            for _ in 0..wrong {
                links.push(&truth, 2 * pair, 2 * pair + 2, weight);
                pair += 1;
            }
        }
        links.settle();
        (truth, links)
    }

    fn costs(false_link: f64, review_minute: f64) -> Costs {
        Costs {
            false_link,
            miss: 1.0,
            review_minute,
            minutes_a_task: 2.0,
        }
    }

    #[test]
    fn a_dear_false_link_moves_the_threshold_up() {
        let (truth, links) = example();
        let threshold = |false_link| cheapest(&truth, &links, costs(false_link, 9.0)).link_from;
        assert_eq!(threshold(2.0), Some(10.0));
        assert_eq!(threshold(1_000.0), Some(20.0));
        assert_eq!(threshold(0.1), Some(0.0));
    }

    #[test]
    fn cheap_clerks_look_where_it_pays_and_dear_ones_nowhere() {
        let (truth, links) = example();
        // A look costs 0.5: three misses saved by four looks pay, one does not.
        let cheap = cheapest(&truth, &links, costs(1_000.0, 0.25));
        assert_eq!(cheap.link_from_with_review, Some(20.0));
        assert_eq!((cheap.review_from, cheap.reviewed_pairs), (Some(10.0), 4));
        assert!((cheap.cost_with_review - (30.0 - 11.0 + 2.0)).abs() < 1e-9);
        let dear = cheapest(&truth, &links, costs(1_000.0, 10.0));
        assert_eq!((dear.review_from, dear.reviewed_pairs), (None, 0));
        assert!((dear.cost_with_review - dear.cost).abs() < 1e-9);
    }

    #[test]
    fn the_curve_ends_with_all_links() {
        let (truth, links) = example();
        let points = curve(&truth, &links);
        let last = points.last().expect("points");
        assert_eq!((last.links, last.false_links), (16, 4));
        assert!(
            points
                .windows(2)
                .all(|two| two[0].threshold > two[1].threshold)
        );
    }
}
