//! What people have decided, as labels to train on: pairs of records.

use std::collections::BTreeMap;

use crate::flows::{Context, FlowError};
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::foundation::{Instant, RecordNumber};
use crate::registry::{LocalId, SourceCode, TaskOutcome};
use crate::storage::DecidedTask;

/// A pair that people have decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedLabel {
    /// The record that raised the question.
    pub one: (SourceCode, LocalId),
    /// A record that it was compared with.
    pub other: (SourceCode, LocalId),
    /// Whether they are the same person's.
    pub same: bool,
    /// How many people have read it; with two or more they agreed in the end.
    pub reads: usize,
    /// When it was settled.
    pub decided_at: Instant,
}

/// Every pair that people have held to be the same or different, in order of
/// the tasks. What is settled in another way is no label.
///
/// # Errors
/// A fault of ours.
pub async fn export_labels(context: &Context) -> Result<Vec<ExportedLabel>, FlowError> {
    let mut labels = Vec::new();
    let mut after = None;
    loop {
        let page = context
            .store
            .decided_tasks(after, TASKS_PER_PAGE_MAX)
            .await?;
        let Some(last) = page.last() else {
            return Ok(labels);
        };
        after = Some(last.task);
        for decided in &page {
            labels.extend(labels_of(context, decided).await?);
        }
    }
}

async fn labels_of(
    context: &Context,
    decided: &DecidedTask,
) -> Result<Vec<ExportedLabel>, FlowError> {
    let state = &decided.state;
    let same = match state.outcome {
        Some(TaskOutcome::Same) => true,
        Some(TaskOutcome::Different) => false,
        _ => return Ok(Vec::new()),
    };
    // A version against an earlier one of the same record is no pair.
    let others: Vec<RecordNumber> = state
        .compared
        .iter()
        .map(|version| version.record)
        .filter(|record| *record != state.record)
        .collect();
    if state.persons.len() != 2 || others.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = BTreeMap::new();
    for record in others.iter().chain([&state.record]) {
        if let Some(name) = context.store.name_of_record(*record).await? {
            names.insert(*record, name);
        }
    }
    let Some(one) = names.get(&state.record) else {
        return Ok(Vec::new());
    };
    let reads = state.reads_of_round().count();
    let pairs = others.iter().filter_map(|record| names.get(record));
    Ok(pairs
        .map(|other| {
            // In order, so that the same pair is written the same.
            let (one, other) = (one.min(other), one.max(other));
            ExportedLabel {
                one: one.clone(),
                other: other.clone(),
                same,
                reads,
                decided_at: decided.at,
            }
        })
        .collect())
}
