//! What the model's weights have made of the ledger, in figures and levels: for
//! engineers, who see nobody. No value, no id of a record or person is in here.

use crate::flows::{Context, FlowError};
use crate::registry::{EvidenceRow, TaskOutcome};
use crate::security::Access;
pub use crate::storage::LinkTally;

/// Questions shown near each threshold.
const NEAR_EACH: u32 = 4;

/// A question near a threshold, without the pair.
#[derive(Debug, Clone, PartialEq)]
pub struct NearThreshold {
    /// `review` or `linking`.
    pub threshold: &'static str,
    /// The weight of its evidence.
    pub weight_bits: f64,
    /// What people said, where they did: the same, or not.
    pub same: Option<bool>,
    /// Levels and what each weighed.
    pub rows: Vec<EvidenceRow>,
}

/// What weights have come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LedgerWeights {
    /// Links that stand, by route and weight.
    pub links: Vec<LinkTally>,
    /// Weights of questions about a pair that people have decided, and whether
    /// they said that it is one person.
    pub labels: Vec<(f64, bool)>,
    /// Questions near the thresholds.
    pub near: Vec<NearThreshold>,
}

/// Counts links and answers by weight, with a few questions near the thresholds.
///
/// # Errors
/// A fault of ours.
pub async fn weigh_ledger(context: &Context, access: &Access) -> Result<LedgerWeights, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    context.store.append_audit(vec![audit]).await?;
    let mut near = Vec::new();
    let model = &context.model;
    for (threshold, weight) in [
        ("review", model.review_threshold()),
        ("linking", model.link_threshold()),
    ] {
        let tasks = context
            .store
            .list_tasks_near(weight.bits(), NEAR_EACH)
            .await?;
        near.extend(tasks.into_iter().map(|task| NearThreshold {
            threshold,
            weight_bits: task.weight_bits.unwrap_or_default(),
            same: answer(task.outcome),
            rows: task.rows,
        }));
    }
    Ok(LedgerWeights {
        links: context.store.count_links_by_weight().await?,
        labels: context.store.answers_by_weight().await?,
        near,
    })
}

fn answer(outcome: Option<TaskOutcome>) -> Option<bool> {
    match outcome {
        Some(TaskOutcome::Same) => Some(true),
        Some(TaskOutcome::Different) => Some(false),
        _ => None,
    }
}
