//! Everything that links and groups give against a truth, in one value: the
//! answer of `accord evaluate`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::evaluation::bootstrap::{self, Centres, Interval, PrfIntervals};
use crate::evaluation::bounds::upper_only;
use crate::evaluation::calibration::{self, CalibrationBin, Nominal};
use crate::evaluation::curve::{self, CheapestThresholds, Costs, CurvePoint};
use crate::evaluation::gaps;
use crate::evaluation::groups::{self, GroupBook, GroupTable};
use crate::evaluation::pair_figures::{self, PRECISIONS, PairFigures, Prf, places};
use crate::evaluation::partition::{Cell, Components};
use crate::evaluation::review::{self, ReviewFigures};
use crate::evaluation::worst::{self, MissedPairs, PairToRead};
use crate::evaluation::{ClusterFigures, Links, Partition, Truth};

/// How intervals and bounds are made; stands in every answer.
pub const METHOD: &str = "Intervals: 95 %, by resampling persons (Poisson bootstrap, fixed seed; a true \
pair counts by its person's weight, a false one by the product of both), widened to hold the figure; \
the threshold of a fixed precision is found anew in each replicate. With few or no false pairs they are \
too narrow: read false_share_upper beside them (exact binomial, one-sided 95 %, pairs as if independent). \
Bounds of shares in bins and groups: exact binomial with the pairs' number reduced by the design effect \
between persons; where all or none hit, each person counts once.";

/// What to work out, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOptions {
    /// Weights at which precision and recall are told (`at_…`).
    pub at: Vec<f64>,
    /// Links of at least so many bits count as decided where there are no groups.
    pub link_from: f64,
    /// Links between groups go to review from here; `None` is all links.
    pub review_from: Option<f64>,
    /// What things cost.
    pub costs: Costs,
    /// Replicates of the intervals.
    pub replicates: u32,
    /// Pairs to read of each kind.
    pub worst: usize,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Who is who.
    pub truth: &'a Truth,
    /// The links, settled, and what they claim.
    pub links: Option<(&'a Links, &'a Nominal)>,
    /// The groups.
    pub persons: Option<&'a Partition>,
    /// Pairs that retrieval proposed, settled.
    pub candidates: Option<&'a Links>,
    /// Groups of people.
    pub groups: Option<&'a GroupBook>,
}

/// Recall at a fixed precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RecallAtPrecision {
    /// The precision.
    pub precision: f64,
    /// The lowest threshold that reaches it, in bits.
    pub threshold: Option<f64>,
    /// Recall there.
    pub recall: f64,
    /// Its interval.
    pub recall_95: Interval,
    /// Links there.
    pub links: u64,
    /// False ones.
    pub false_links: u64,
    /// One-sided upper 95 % bound of the false share, pairs as if independent.
    pub false_share_upper: f64,
}

/// A point of the threshold curve with its intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurveRow {
    /// The point.
    #[serde(flatten)]
    pub point: CurvePoint,
    /// Interval of the precision; its lower end is the exact binomial one where
    /// that is lower.
    pub p_95: Interval,
    /// Interval of the recall.
    pub r_95: Interval,
}

/// What each stage could reach at most: recall, if the stages after it made no error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reach {
    /// True pairs among the candidates; `None` where none were given.
    pub retrieval: Option<f64>,
    /// The same, with persons completed over their candidates.
    pub retrieval_closed: Option<f64>,
    /// Candidate pairs for a record.
    pub candidates_per_record: Option<f64>,
    /// True pairs among the links.
    pub links: Option<f64>,
    /// The same, with persons completed over their links: what groups can reach.
    pub links_closed: Option<f64>,
    /// What the groups have reached.
    pub groups: Option<f64>,
}

/// What was decided, and its errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// `persons file`, or components of links.
    pub by: String,
    /// True pairs, found or not.
    pub true_pairs: u64,
    /// How the groups fit.
    #[serde(flatten)]
    pub figures: ClusterFigures,
    /// Intervals of the pairwise figures.
    pub pairwise_95: PrfIntervals,
    /// Pairs in one group that are of two persons.
    pub false_pairs: u64,
    /// One-sided upper 95 % bound of their share, pairs as if independent.
    pub false_share_upper: f64,
    /// What was missed, by why.
    pub missed: MissedPairs,
    /// Review as a third outcome.
    pub review: Option<ReviewFigures>,
}

/// Figures of links alone.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkFigures {
    /// Pair by pair.
    pub pairs: PairFigures,
    /// At the thresholds that were asked for: pairs, and components.
    pub at: Vec<(f64, Prf, ClusterFigures)>,
    /// The components with the best B³ over 41 quantiles of the weights.
    pub best_clusters: Option<(f64, ClusterFigures)>,
    /// Interval of the best F1.
    pub best_f1_95: Interval,
    /// By [`PRECISIONS`].
    pub at_precision: Vec<RecallAtPrecision>,
    /// The threshold curve.
    pub curve: Vec<CurveRow>,
    /// The calibration table.
    pub calibration: Vec<CalibrationBin>,
    /// Weights above `link_from` claim too much (R127).
    pub calibration_blocks_links: bool,
    /// The cheapest thresholds.
    pub costs: CheapestThresholds,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Records that have a truth.
    pub records: usize,
    /// True persons.
    pub persons: u32,
    /// Only pairs of two sources count.
    pub across_sources_only: bool,
    /// Of the links.
    pub links: Option<LinkFigures>,
    /// Of the groups in the persons file.
    pub clusters: Option<ClusterFigures>,
    /// Of what was decided.
    pub decided: Option<Decided>,
    /// What each stage could reach.
    pub reach: Reach,
    /// Errors by group of people.
    pub groups: Option<GroupTable>,
    /// Missed pairs to read.
    pub worst_misses: Vec<PairToRead>,
    /// False pairs to read.
    pub worst_false_links: Vec<PairToRead>,
}

/// Works everything out; `step` is told what comes next.
#[must_use]
pub fn evaluate(
    evidence: &Evidence<'_>,
    options: &EvaluationOptions,
    step: &mut dyn FnMut(&'static str),
) -> Evaluation {
    let truth = evidence.truth;
    let links = evidence.links.map(|(links, nominal)| {
        step("pairs");
        of_links(truth, links, nominal, options, step)
    });
    let none = Links::default();
    let edges = evidence.links.map_or(&none, |(links, _)| links);
    let components = |weight: f64| {
        let mut components = Components::alone(truth.records());
        components.join_all(edges.at_least(weight));
        components.partition()
    };
    let partition = match evidence.persons {
        Some(persons) => persons.clone(),
        None => components(options.link_from),
    };
    step("groups");
    let decided = decided(evidence, edges, &partition, options);
    let groups = evidence.groups.map(|book| {
        step("errors by group");
        groups::table(truth, &partition, book)
    });
    step("pairs to read");
    let (from, most) = (options.link_from, options.worst);
    Evaluation {
        records: truth.records(),
        persons: truth.persons(),
        across_sources_only: truth.across_sources_only(),
        links,
        clusters: evidence.persons.map(|_| decided.figures),
        reach: reach(evidence, &decided),
        groups,
        worst_misses: worst::worst_misses(truth, edges, &partition, from, most),
        worst_false_links: worst::worst_false_links(truth, edges, &partition, most),
        decided: Some(decided),
    }
}

fn of_links(
    truth: &Truth,
    links: &Links,
    nominal: &Nominal,
    options: &EvaluationOptions,
    step: &mut dyn FnMut(&'static str),
) -> LinkFigures {
    let pairs = PairFigures::of(truth, links);
    let points = curve::curve(truth, links);
    step("intervals");
    let recall = |place| {
        let standing = pairs.at_precision(place);
        standing.map_or(0.0, |standing| pairs.recall(&standing))
    };
    let truths = truth.true_pairs() as f64;
    let best_f1 = pairs.best().map_or(0.0, |best| {
        Prf::of(best.hits as f64, best.found as f64, truths).f1
    });
    let centres = Centres {
        at_precision: std::array::from_fn(recall),
        best_f1,
        curve: &points,
    };
    let intervals = bootstrap::of_links(truth, links, &centres, options.replicates);
    let at_precision = (0..PRECISIONS.len()).map(|place| {
        let standing = pairs.at_precision(place);
        let found = standing.map_or(0, |standing| standing.found);
        let wrong = standing.map_or(0, |standing| standing.found - standing.hits);
        RecallAtPrecision {
            precision: PRECISIONS[place],
            threshold: standing.map(|standing| standing.threshold),
            recall: recall(place),
            recall_95: intervals.at_precision[place],
            links: found,
            false_links: wrong,
            false_share_upper: upper_only(wrong as f64, found as f64),
        }
    });
    let at_precision = at_precision.collect();
    let rows = points.iter().zip(&intervals.curve).map(|(point, (p, r))| {
        let exact = 1.0 - upper_only(point.false_links as f64, point.links as f64);
        CurveRow {
            point: *point,
            p_95: Interval {
                lower: p.lower.min(exact),
                upper: p.upper,
            },
            r_95: *r,
        }
    });
    let rows = rows.collect();
    let calibration = calibration::table(truth, links, nominal);
    step("components");
    let at = options.at.iter().map(|weight| {
        let mut components = Components::alone(truth.records());
        components.join_all(links.at_least(*weight));
        let figures = ClusterFigures::of(&components.partition(), truth);
        (
            *weight,
            pair_figures::at_threshold(truth, links, *weight),
            figures,
        )
    });
    LinkFigures {
        at: at.collect(),
        best_clusters: best_clusters(truth, links),
        best_f1_95: intervals.best_f1,
        at_precision,
        curve: rows,
        calibration_blocks_links: calibration::blocks_links(&calibration, options.link_from),
        calibration,
        costs: curve::cheapest(truth, links, options.costs),
        pairs,
    }
}

/// The quantile of ascending values as numpy has it: between neighbours.
fn quantile(links: &Links, share: f64) -> f64 {
    let edges = links.edges();
    let last = edges.len() - 1;
    let value = |place: usize| edges[last - place.min(last)].weight;
    let at = share * last as f64;
    let below = at.floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = below as usize;
    let (low, high, part) = (value(place), value(place + 1), at - below);
    if part >= 0.5 {
        high - (high - low) * (1.0 - part)
    } else {
        low + (high - low) * part
    }
}

/// Components over a grid of thresholds, grown from the strongest link down.
fn best_clusters(truth: &Truth, links: &Links) -> Option<(f64, ClusterFigures)> {
    if links.edges().is_empty() || truth.across_sources_only() {
        return None;
    }
    let mut grid: Vec<f64> = (0..=40)
        .map(|step| {
            let share = if step == 40 {
                1.0
            } else {
                f64::from(step) * 0.025
            };
            quantile(links, share)
        })
        .collect();
    grid.sort_by(|one, other| other.total_cmp(one));
    grid.dedup();
    let mut components = Components::alone(truth.records());
    let mut joined = 0;
    let mut best: Option<(f64, ClusterFigures)> = None;
    for threshold in grid {
        let edges = links.at_least(threshold);
        components.join_all(&edges[joined..]);
        joined = edges.len();
        let figures = ClusterFigures::of(&components.partition(), truth);
        // Of equals the lowest threshold.
        if best.is_none_or(|(_, known)| figures.b_cubed.f1 >= known.b_cubed.f1) {
            best = Some((threshold, figures));
        }
    }
    best
}

fn decided(
    evidence: &Evidence<'_>,
    links: &Links,
    partition: &Partition,
    options: &EvaluationOptions,
) -> Decided {
    let truth = evidence.truth;
    let mut cells: Vec<Cell> = partition.cells(truth).collect();
    cells.sort_unstable_by_key(|cell| (cell.group, cell.person));
    let figures = ClusterFigures::of(partition, truth);
    let (mut hits, mut found) = (0, 0);
    for group in cells.chunk_by(|one, other| one.group == other.group) {
        let records: u64 = group.iter().map(|cell| u64::from(cell.records)).sum();
        found += crate::evaluation::truth::pairs(records);
        let own = group.iter().map(|cell| u64::from(cell.records));
        hits += own.map(crate::evaluation::truth::pairs).sum::<u64>();
    }
    let by = match evidence.persons {
        Some(_) => "persons file".to_owned(),
        None => format!(
            "connected components of links of at least {:.3} bits",
            options.link_from
        ),
    };
    let review_from = options
        .review_from
        .or_else(|| links.edges().last().map(|edge| edge.weight));
    let minutes = options.costs.minutes_a_task;
    Decided {
        by,
        true_pairs: truth.true_pairs(),
        figures,
        pairwise_95: bootstrap::of_cells(truth, &cells, figures.pairwise, options.replicates),
        false_pairs: found - hits,
        false_share_upper: upper_only((found - hits) as f64, found as f64),
        missed: worst::missed(truth, links, partition, options.link_from),
        review: review_from.map(|from| review::review(truth, links, partition, from, minutes)),
    }
}

fn reach(evidence: &Evidence<'_>, decided: &Decided) -> Reach {
    let truth = evidence.truth;
    let truths = truth.true_pairs().max(1) as f64;
    let recall = |links: &Links| pair_figures::hits(truth, links.edges()) as f64 / truths;
    let closed = |links: &Links| {
        let mut components = Components::alone(truth.records());
        for edge in links
            .edges()
            .iter()
            .filter(|edge| truth.is_true(edge.a, edge.b))
        {
            components.join(edge.a, edge.b);
        }
        ClusterFigures::of(&components.partition(), truth)
            .pairwise
            .r
    };
    let links = evidence.links.map(|(links, _)| links);
    Reach {
        retrieval: evidence.candidates.map(recall),
        retrieval_closed: evidence.candidates.map(closed),
        candidates_per_record: evidence
            .candidates
            .map(|pairs| pairs.edges().len() as f64 / truth.records().max(1) as f64),
        links: links.map(recall),
        links_closed: links.map(closed),
        groups: Some(decided.figures.pairwise.r),
    }
}

impl Evaluation {
    /// One JSON object. The members of the contract are at the top; all others
    /// have names that it does not use.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut top = Map::new();
        let mut put = |name: &str, value: Value| {
            top.insert(name.to_owned(), value);
        };
        put("n_records", json!(self.records));
        put("across_sources_only", json!(self.across_sources_only));
        put("decided", json!(self.decided));
        put("reach", json!(self.reach));
        put("errors_by_group", json!(self.groups));
        put(
            "largest_group_gaps",
            json!(self.groups.as_ref().map(gaps::largest)),
        );
        put("worst_misses", json!(self.worst_misses));
        put("worst_false_links", json!(self.worst_false_links));
        put("method", json!(METHOD));
        if let Some(Value::Object(clusters)) = self.clusters.map(|figures| json!(figures)) {
            top.extend(clusters);
        }
        if let Some(links) = &self.links {
            links.write(&mut top);
        }
        Value::Object(top)
    }
}

impl LinkFigures {
    fn write(&self, top: &mut Map<String, Value>) {
        self.pairs.write(top);
        for (weight, pairs, clusters) in &self.at {
            top.insert(format!("at_{weight:?}"), json!(pairs.rounded()));
            top.insert(format!("clusters_at_{weight:?}"), json!(clusters));
        }
        if let Some((threshold, figures)) = &self.best_clusters {
            let mut best = json!(figures);
            best["threshold"] = json!(places(*threshold, 6));
            top.insert("best_clusters_by_b_cubed".to_owned(), best);
        }
        for (name, value) in [
            ("best_f1_95", json!(self.best_f1_95)),
            ("recall_at_precision", json!(self.at_precision)),
            ("threshold_curve", json!(self.curve)),
            ("calibration", json!(self.calibration)),
            (
                "calibration_blocks_links",
                json!(self.calibration_blocks_links),
            ),
            ("costs", json!(self.costs)),
        ] {
            top.insert(name.to_owned(), value);
        }
    }
}
