//! What another model would make of the ledger's records: both link all of them anew,
//! in memory, by the decision table. Nothing is written but the audit row.

use std::collections::BTreeMap;

use crate::bulk::{BulkRecords, LinkPlan, Linked, Policy, SentRow, Watch, link};
use crate::flows::{Context, FlowError};
use crate::foundation::RecordNumber;
use crate::foundation::limits::MODEL_PAGE;
use crate::identity::NumberStatus;
use crate::matching::{LinkageModel, ModelId};
use crate::security::Access;

/// The records of a ledger as two models would link them. A record is known by its
/// number alone.
#[derive(Debug, Clone)]
pub struct LinkedTwice {
    /// Number of each record.
    pub numbers: Vec<i64>,
    /// Source of each.
    pub sources: Vec<String>,
    /// By the first model.
    pub before: Linked,
    /// By the other.
    pub after: Linked,
}

/// Links the current versions of all active records by two models of the ledger.
///
/// # Errors
/// An unknown model, or a fault of ours.
pub async fn link_twice(
    context: &Context,
    access: &Access,
    models: [&ModelId; 2],
    watch: &(dyn Watch + Sync),
) -> Result<LinkedTwice, FlowError> {
    let named = format!("{} {}", models[0], models[1]);
    let audit = access.audit(context.clock.now(), Vec::new(), Some(named));
    context.store.append_audit(vec![audit]).await?;
    let mut found = Vec::new();
    for id in models {
        found.push(context.model_of(id).await?);
    }
    let (records, sources) = read(context).await?;
    let linked = |model: &LinkageModel| {
        let plan = LinkPlan {
            model: model.clone(),
            trains: false,
            policy: Policy::Care,
            across_sources_only: false,
            least_bits: None,
        };
        // Only training can fail.
        link(&records, &plan, watch).map_err(|_| FlowError::Broken)
    };
    let (before, after) = (linked(&found[0])?, linked(&found[1])?);
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let numbers: Vec<i64> = (0..count)
        .map(|record| records.id(record).parse().unwrap_or_default())
        .collect();
    let sources = numbers.iter().map(|number| sources[number].clone());
    Ok(LinkedTwice {
        sources: sources.collect(),
        numbers,
        before,
        after,
    })
}

/// All active records under their numbers, and their sources.
pub(super) async fn read(
    context: &Context,
) -> Result<(BulkRecords, BTreeMap<i64, String>), FlowError> {
    let (mut records, mut sources) = (BulkRecords::default(), BTreeMap::new());
    let defaults: BTreeMap<_, _> = context
        .store
        .list_sources()
        .await?
        .into_iter()
        .map(|source| (source.code, source.number_status_default))
        .collect();
    let mut after = RecordNumber(0);
    loop {
        let page = context.store.current_records(after, MODEL_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.record;
        let mut rows: BTreeMap<_, Vec<SentRow>> = BTreeMap::new();
        for current in page {
            sources.insert(current.record.0, current.source.to_string());
            let row = SentRow {
                // Padded, so that records are taken in the order in which they came.
                record_id: format!("{:019}", current.record.0),
                source: current.source.to_string(),
                record: current.submitted,
            };
            rows.entry(current.source).or_default().push(row);
        }
        for (source, rows) in rows {
            let default = defaults.get(&source).copied();
            let default = default.unwrap_or(NumberStatus::NotTraced);
            records.take(rows, &context.standardise_options(default));
        }
    }
    records.seal();
    Ok((records, sources))
}
