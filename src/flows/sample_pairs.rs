//! Which pairs of a ledger people should read next, so that a model learns most: those
//! nearest to its thresholds of which nobody has said anything. Nothing is written but
//! the audit row.

use std::collections::{BTreeMap, BTreeSet};

use crate::bulk::{LinkPlan, Policy, Watch, link, pairs_near};
use crate::flows::compare_models::read;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::foundation::{PersonId, RecordNumber};
use crate::matching::{MatchWeight, ModelId};
use crate::registry::{LocalId, SourceCode};
use crate::security::Access;
use crate::storage::ExportRow;

/// Pairs so far below the review threshold are still looked at.
const BELOW_BITS: f64 = 6.0;

/// The thresholds, as the answer names them.
const THRESHOLDS: [&str; 2] = ["linking", "review"];

/// A pair to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct PairToRead {
    /// Numbers of the two records.
    pub records: [RecordNumber; 2],
    /// One record.
    pub one: (SourceCode, LocalId),
    /// The other.
    pub other: (SourceCode, LocalId),
    /// What it weighs by the model.
    pub weight_bits: f64,
    /// The probability that the weight stands for.
    pub probability: f64,
    /// The threshold that it is near: `linking` or `review`.
    pub near: &'static str,
}

/// Which pairs are proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairsOf {
    /// All.
    Anybody,
    /// Those whose records are of two persons now about whom nobody has been asked: people
    /// can be asked whether these are one.
    TwoPersons,
}

/// Proposes at most so many pairs, by a model of the ledger.
///
/// # Errors
/// An unknown model, or a fault of ours.
pub async fn pairs_to_read(
    context: &Context,
    access: &Access,
    (id, count, of): (&ModelId, usize, PairsOf),
    watch: &(dyn Watch + Sync),
) -> Result<Vec<PairToRead>, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), Some(id.to_string()));
    context.store.append_audit(vec![audit]).await?;
    let model = context.model_of(id).await?;
    let (records, _) = read(context).await?;
    let thresholds = [
        model.link_threshold().bits(),
        model.review_threshold().bits(),
    ];
    let plan = LinkPlan {
        model: model.as_ref().clone(),
        trains: false,
        policy: Policy::Model,
        across_sources_only: false,
        least_bits: Some(model.review_threshold().bits() - BELOW_BITS),
    };
    // Only training can fail.
    let linked = link(&records, &plan, watch).map_err(|_| FlowError::Broken)?;
    let number = |record: u32| records.id(record).parse::<i64>().unwrap_or_default();
    let decided = decided_pairs(context).await?;
    let asked = match of {
        PairsOf::Anybody => None,
        PairsOf::TwoPersons => Some(Asked::read(context).await?),
    };
    let known = |a, b| {
        let (a, b) = (number(a), number(b));
        let is_asked = asked.as_ref().is_some_and(|asked| asked.has(a, b));
        is_asked || decided.contains(&(a.min(b), a.max(b)))
    };
    let mut found = Vec::new();
    for near in pairs_near(&linked.links, &thresholds, count, &known) {
        let names = [near.edge.a, near.edge.b].map(|record| RecordNumber(number(record)));
        let [one, other] = names.map(|record| context.store.name_of_record(record));
        if let (Some(one), Some(other)) = (one.await?, other.await?) {
            let weight = MatchWeight::new(near.edge.weight);
            found.push(PairToRead {
                records: names,
                one,
                other,
                weight_bits: weight.bits(),
                probability: model.probability(weight).value(),
                near: THRESHOLDS[near.threshold],
            });
        }
    }
    Ok(found)
}

/// Whose each active record is, and about which two persons people are asked or have
/// answered.
struct Asked {
    persons: BTreeMap<i64, PersonId>,
    pairs: BTreeSet<(PersonId, PersonId)>,
}

impl Asked {
    async fn read(context: &Context) -> Result<Self, FlowError> {
        let mut persons = BTreeMap::new();
        let gather = |row: ExportRow| {
            persons.insert(row.record.0, row.person);
            Ok::<(), FlowError>(())
        };
        context.store.export_rows(gather).await?;
        let pairs = context.store.asked_pairs().await?;
        Ok(Self { persons, pairs })
    }

    /// Whether nothing is to be asked about these records: they are one person's, or the
    /// question is there.
    fn has(&self, a: i64, b: i64) -> bool {
        let persons = self.persons.get(&a).zip(self.persons.get(&b));
        persons.is_none_or(|(one, other)| {
            one == other || self.pairs.contains(&(*one.min(other), *one.max(other)))
        })
    }
}

/// Pairs of records of which people have said something.
async fn decided_pairs(context: &Context) -> Result<BTreeSet<(i64, i64)>, FlowError> {
    let (mut pairs, mut after) = (BTreeSet::new(), None);
    loop {
        let page = context
            .store
            .decided_tasks(after, TASKS_PER_PAGE_MAX)
            .await?;
        let Some(last) = page.last() else {
            return Ok(pairs);
        };
        after = Some(last.task);
        for state in page.iter().map(|decided| &decided.state) {
            let of = state.record.0;
            let others = state.compared.iter().map(|version| version.record.0);
            pairs.extend(others.map(|other| (of.min(other), of.max(other))));
        }
    }
}
