//! A run from records to links and persons.

use rayon::prelude::*;

use crate::bulk::blocks::{Met, OversizedBlock, RuleTally, meet};
use crate::bulk::bounds::Bounds;
use crate::bulk::briefs::briefs;
use crate::bulk::care;
use crate::bulk::comparing::Comparer;
use crate::bulk::evidence::Evidence;
use crate::bulk::groups::{Cuts, Grouped, group};
use crate::bulk::keys::Codes;
use crate::bulk::known_pairs::Labels;
use crate::bulk::learning::{Calibrates, Trained, train};
use crate::bulk::pairs::Meeting;
use crate::bulk::records::BulkRecords;
use crate::bulk::rules::RULES;
use crate::bulk::scoring::{Edge, score};
use crate::matching::{LinkageModel, MatchWeight, ModelProblem};

/// How persons are made of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// By the model alone.
    Model,
    /// By the decision table of the service.
    Care,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct LinkPlan {
    /// The model to weigh by, or to start training from.
    pub model: LinkageModel,
    /// Learn from the records first.
    pub trains: bool,
    /// How persons are made.
    pub policy: Policy,
    /// Only records of different sources are compared.
    pub across_sources_only: bool,
    /// Pairs below it are no links; the model's review threshold when absent.
    pub least_bits: Option<f64>,
}

impl LinkPlan {
    /// Pairs below it are no links, where a run weighs by this model.
    pub(super) fn least_bits_of(&self, model: &LinkageModel) -> f64 {
        self.least_bits
            .unwrap_or_else(|| model.review_threshold().bits())
    }
}

/// A stage of a run, for whoever shows progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Records that may be one person are found.
    Meeting,
    /// The model is learnt.
    Training,
    /// Pairs are compared.
    Comparing,
    /// Persons are made.
    Grouping,
}

/// Told how far a run is.
pub trait Watch: Sync {
    /// A stage begins, with so much to do.
    fn begin(&self, stage: Stage, total: u64);
    /// So much of it is done.
    fn at(&self, done: u64);
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Linked {
    /// The model that was weighed by.
    pub model: LinkageModel,
    /// What was learnt, where the run trained.
    pub trained: Option<Trained>,
    /// Pairs that were compared in full, each once: those that a first look did
    /// not rule out.
    pub compared: usize,
    /// Pairs at or above the least weight, strongest first, then by ids.
    pub links: Vec<Edge>,
    /// Person of each record, named by its first record.
    pub persons: Vec<u32>,
    /// Probability that a record belongs to its person.
    pub certainty: Vec<f64>,
    /// What each rule brought together.
    pub rules: Vec<RuleTally>,
    /// Blocks in which not every pair was compared as it stood.
    pub oversized: Vec<OversizedBlock>,
}

/// Pairs further below the review threshold are of no use to grouping.
const FLOOR_BITS: f64 = 8.0;

/// Pairs so far below the review threshold may still belong together when all
/// records of their groups are heard.
const COMPONENT_BITS: f64 = 4.0;

/// Means over many pairs understate what they say together, the more the more
/// records a person has: groups so far below the review threshold are one.
const PERSON_BITS: f64 = 2.0;

/// Blocks of records that may be one person.
fn candidates(records: &BulkRecords, watch: &dyn Watch) -> Met {
    watch.begin(Stage::Meeting, RULES.len() as u64);
    let codes = Codes::of(records);
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    meet(&codes, count, &|done| watch.at(done))
}

/// Learns a model from records, and what its weights are worth: by labels, else by
/// hidden NHS numbers where there are enough.
///
/// # Errors
/// When what was learnt is no valid model.
pub fn learn_model(
    records: &BulkRecords,
    start: &LinkageModel,
    across_sources_only: bool,
    labels: Option<&Labels>,
    watch: &dyn Watch,
) -> Result<Trained, ModelProblem> {
    let met = candidates(records, watch);
    let briefs = briefs(records, &met);
    let meeting = Meeting {
        records,
        met: &met,
        briefs: &briefs,
        across_sources_only,
    };
    let sample = meeting.sample();
    let calibrates = Calibrates::By(labels);
    train(records, &briefs, start, &sample, calibrates, watch)
}

/// Links records.
///
/// # Errors
/// When what was learnt is no valid model.
pub fn link(
    records: &BulkRecords,
    plan: &LinkPlan,
    watch: &dyn Watch,
) -> Result<Linked, ModelProblem> {
    let met = candidates(records, watch);
    let briefs = briefs(records, &met);
    let meeting = Meeting {
        records,
        met: &met,
        briefs: &briefs,
        across_sources_only: plan.across_sources_only,
    };
    let trained = if plan.trains {
        let sample = meeting.sample();
        let calibrates = match plan.policy {
            Policy::Model => Calibrates::No,
            Policy::Care => Calibrates::By(None),
        };
        let model = &plan.model;
        Some(train(records, &briefs, model, &sample, calibrates, watch)?)
    } else {
        None
    };
    let model = trained
        .as_ref()
        .map_or(&plan.model, |trained| &trained.model);
    let floor = floor_of(plan, model);
    watch.begin(Stage::Comparing, meeting.pairs());
    let bounds = Bounds::new(records, model, floor);
    let pairs = meeting.worth_comparing(&bounds, &|done| watch.at(done));
    let rules = met.tallies();
    let oversized = met.oversized;
    drop(met.blocks);
    let compared = pairs.len();
    let comparer = Comparer::new(records, model, &briefs);
    let mut edges = score(&comparer, &pairs, floor);
    drop(pairs);
    watch.begin(Stage::Grouping, edges.len() as u64);
    let grouped = settled(&comparer, plan.policy, &edges);
    let persons = grouped.person;
    if model.file().weighs_groups {
        edges = weighed_by_groups(edges, grouped.pairs);
    }
    let least = plan.least_bits_of(model);
    let source = |record: u32| records.facts[record as usize].source;
    edges.retain(|edge| {
        edge.weight >= least && !(plan.across_sources_only && source(edge.a) == source(edge.b))
    });
    let links = strongest_first(edges);
    let certainty = certainty(records.len(), model, &persons, &links);
    Ok(Linked {
        model: model.clone(),
        compared,
        links,
        persons,
        certainty,
        rules,
        oversized,
        trained,
    })
}

/// Pairs below it are of no use: neither links, nor anything that persons are made of.
pub(super) fn floor_of(plan: &LinkPlan, model: &LinkageModel) -> f64 {
    plan.least_bits_of(model).min(match plan.policy {
        // Persons are made of pairs that bring records into one component.
        Policy::Model => component_bits(model),
        Policy::Care => model.review_threshold().bits() - FLOOR_BITS,
    })
}

/// Pairs at or above it bring records into one component.
pub(super) fn component_bits(model: &LinkageModel) -> f64 {
    cuts_of(model).component
}

/// Persons of records, and the pairs inside components with the weight of their groups.
pub(super) fn settled(comparer: &Comparer<'_>, policy: Policy, edges: &[Edge]) -> Grouped {
    let (records, model) = (comparer.records, comparer.model);
    let witness = |a, b| Evidence::of(model, &comparer.compare(a, b));
    let mut grouped = group(records.len(), edges, cuts_of(model), &witness);
    if policy == Policy::Care {
        grouped.person = care::settle(records, model, edges);
    }
    grouped
}

pub(super) fn strongest_first(mut links: Vec<Edge>) -> Vec<Edge> {
    links.par_sort_unstable_by(|x, y| {
        y.weight
            .total_cmp(&x.weight)
            .then((x.a, x.b).cmp(&(y.a, y.b)))
    });
    links
}

fn cuts_of(model: &LinkageModel) -> Cuts {
    let review = model.review_threshold().bits();
    // The threshold of a model that weighs groups is as much lower already.
    let (component, person) = if model.file().weighs_groups {
        (review, review + COMPONENT_BITS - PERSON_BITS)
    } else {
        (review - COMPONENT_BITS, review)
    };
    Cuts {
        component,
        person,
        prior: model.prior_bits(),
    }
}

/// Pairs with the weight of the groups in which they met; those in no group
/// keep their own. Both are in order then.
pub(super) fn weighed_by_groups(edges: Vec<Edge>, mut grouped: Vec<Edge>) -> Vec<Edge> {
    let key = |edge: &Edge| (edge.a, edge.b);
    grouped.par_sort_unstable_by_key(key);
    let mut all = Vec::with_capacity(grouped.len());
    let mut weighed = grouped.into_iter().peekable();
    for edge in edges {
        while weighed.peek().is_some_and(|next| key(next) < key(&edge)) {
            all.extend(weighed.next());
        }
        if weighed.peek().is_none_or(|next| key(next) != key(&edge)) {
            all.push(edge);
        }
    }
    all.extend(weighed);
    all
}

/// The best probability of a record's pairs inside its person; 1 where it
/// stands alone.
pub(super) fn certainty(
    count: usize,
    model: &LinkageModel,
    persons: &[u32],
    links: &[Edge],
) -> Vec<f64> {
    let mut best: Vec<Option<f64>> = vec![None; count];
    for edge in links {
        if persons[edge.a as usize] == persons[edge.b as usize] {
            for record in [edge.a, edge.b] {
                best[record as usize].get_or_insert(edge.weight);
            }
        }
    }
    best.into_iter()
        .map(|weight| {
            weight.map_or(1.0, |bits| {
                model.probability(MatchWeight::new(bits)).value()
            })
        })
        .collect()
}
