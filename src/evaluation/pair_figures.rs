//! Figures of links against the truth, pair by pair: best F1, recall at fixed
//! precision, precision and recall at thresholds. Recall counts every true
//! pair, also those that nothing proposed.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::evaluation::{Edge, Links, Truth};

/// Precisions at which recall is told. The first three are the contract's.
pub const PRECISIONS: [f64; 6] = [0.999, 0.99, 0.95, 0.995, 0.9995, 0.9999];

/// Five decimal places, as the contract's figures have.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    places(value, 5)
}

/// So many decimal places, ties as printed.
#[must_use]
pub fn places(value: f64, places: usize) -> f64 {
    format!("{value:.places$}").parse().unwrap_or(value)
}

/// Precision, recall and their harmonic mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prf {
    /// Precision.
    pub p: f64,
    /// Recall.
    pub r: f64,
    /// F1.
    pub f1: f64,
}

impl Prf {
    /// Of counts: pairs found and true, found, true. Nothing found is precise,
    /// and of nothing everything is found.
    #[must_use]
    pub fn of(hits: f64, found: f64, truths: f64) -> Self {
        let p = if found > 0.0 { hits / found } else { 1.0 };
        let r = if truths > 0.0 { hits / truths } else { 1.0 };
        let f1 = if p + r > 0.0 {
            2.0 * p * r / (p + r)
        } else {
            0.0
        };
        Self { p, r, f1 }
    }

    /// Five decimal places each.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self {
            p: rounded(self.p),
            r: rounded(self.r),
            f1: rounded(self.f1),
        }
    }
}

/// Where a walk from the strongest link down stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Weight of the weakest link so far.
    pub threshold: f64,
    /// True links so far.
    pub hits: u64,
    /// Links so far.
    pub found: u64,
}

impl Standing {
    fn prf(&self, truths: u64) -> Prf {
        Prf::of(self.hits as f64, self.found as f64, truths as f64)
    }
}

/// Figures of the links at all thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct PairFigures {
    truths: u64,
    all: Standing,
    best: Option<Standing>,
    /// By [`PRECISIONS`].
    at_precision: [Option<Standing>; PRECISIONS.len()],
}

/// How many of these are true.
#[must_use]
pub fn hits(truth: &Truth, edges: &[Edge]) -> u64 {
    let is_true = |edge: &&Edge| truth.is_true(edge.a, edge.b);
    edges.iter().filter(is_true).count() as u64
}

impl PairFigures {
    /// Walks down the links once.
    #[must_use]
    pub fn of(truth: &Truth, links: &Links) -> Self {
        let truths = truth.true_pairs();
        let mut figures = Self {
            truths,
            all: Standing::default(),
            best: None,
            at_precision: [None; PRECISIONS.len()],
        };
        let mut best_f1 = f64::NEG_INFINITY;
        for run in links.runs() {
            let now = &mut figures.all;
            now.threshold = run[0].weight;
            now.hits += hits(truth, run);
            now.found += run.len() as u64;
            let now = *now;
            let precision = now.hits as f64 / now.found as f64;
            let f1 = now.prf(truths).f1;
            if f1 > best_f1 {
                best_f1 = f1;
                figures.best = Some(now);
            }
            // Precision falls and rises again: the last place that reaches it counts.
            for (place, least) in PRECISIONS.iter().enumerate() {
                if precision >= *least {
                    figures.at_precision[place] = Some(now);
                }
            }
        }
        figures
    }

    /// The threshold with the highest F1.
    #[must_use]
    pub const fn best(&self) -> Option<Standing> {
        self.best
    }

    /// The lowest threshold with this place's precision of [`PRECISIONS`].
    #[must_use]
    pub fn at_precision(&self, place: usize) -> Option<Standing> {
        self.at_precision[place]
    }

    /// True pairs among all links.
    #[must_use]
    pub const fn hits(&self) -> u64 {
        self.all.hits
    }

    /// Recall, as a share of all true pairs.
    #[must_use]
    pub fn recall(&self, standing: &Standing) -> f64 {
        standing.hits as f64 / self.truths.max(1) as f64
    }

    /// The contract's members.
    pub fn write(&self, into: &mut Map<String, Value>) {
        into.insert("n_links".to_owned(), json!(self.all.found));
        into.insert("n_true_pairs".to_owned(), json!(self.truths));
        let ceiling = rounded(self.recall(&self.all));
        into.insert("ceiling_recall".to_owned(), json!(ceiling));
        let Some(best) = self.best else { return };
        let prf = best.prf(self.truths).rounded();
        let best = json!({
            "threshold": places(best.threshold, 6), "p": prf.p, "r": prf.r, "f1": prf.f1,
        });
        into.insert("best".to_owned(), best);
        for (precision, standing) in PRECISIONS.iter().zip(&self.at_precision) {
            let recall = standing.map_or(0.0, |standing| rounded(self.recall(&standing)));
            into.insert(format!("recall_at_p{precision}"), json!(recall));
        }
    }
}

/// Precision and recall of the links at a threshold.
#[must_use]
pub fn at_threshold(truth: &Truth, links: &Links, weight: f64) -> Prf {
    let found = links.at_least(weight);
    let hits = hits(truth, found);
    Prf::of(hits as f64, found.len() as f64, truth.true_pairs() as f64)
}

#[cfg(test)]
mod tests {
    use super::{PairFigures, Prf, places, rounded};
    use crate::evaluation::Links;
    use crate::evaluation::truth::tests::truth;

    #[test]
    fn numbers_are_rounded_as_they_are_printed() {
        assert_eq!(rounded(0.123_456_7).to_bits(), 0.12346_f64.to_bits());
        assert_eq!(places(2.5, 0).to_bits(), 2.0_f64.to_bits());
    }

    #[test]
    fn nothing_found_is_precise_and_useless() {
        let nothing = Prf::of(0.0, 0.0, 5.0);
        assert!((nothing.p - 1.0).abs() < 1e-12 && nothing.r.abs() < 1e-12);
    }

    #[test]
    fn recall_at_a_precision_is_that_of_the_lowest_threshold_that_reaches_it() {
        // 19 true, 1 false, 20 true: at the end 39 of 40, in between 19 of 20.
        let persons: Vec<u32> = (0..80).map(|at| at / 2).chain([90, 91]).collect();
        let persons: Vec<u32> = persons
            .iter()
            .map(|of| if *of > 40 { of - 50 } else { *of })
            .collect();
        let truth = truth(&persons, None);
        let mut links = Links::default();
        for pair in 0..39_u32 {
            let weight = f64::from(100 - pair) - if pair < 19 { 0.0 } else { 1.0 };
            links.push(&truth, 2 * pair, 2 * pair + 1, weight);
        }
        links.push(&truth, 80, 81, 81.0);
        links.settle();
        let figures = PairFigures::of(&truth, &links);
        let at = |place: usize| figures.at_precision(place).map(|standing| standing.hits);
        assert_eq!([at(0), at(1), at(2)], [Some(19), Some(19), Some(39)]);
        assert_eq!(figures.best().map(|best| best.found), Some(40));
    }
}
