//! What happened to a person, with why: the evidence on which a record was linked, as
//! it was stored then, and what people said when they joined two persons.

use crate::flows::{self, Context, FlowError, HistoryEntry};
use crate::foundation::MergeId;
use crate::interfaces::web::layout::{NoPage, may};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::registry::{EvidenceRow, LinkDecision, RegistryEvent};
use crate::security::Action;

/// Merges of a history whose words are looked up; more are told without them.
const MERGES_TOLD_MAX: usize = 20;

/// Something that happened.
pub(super) struct Happened {
    pub(super) at: LocalTime,
    pub(super) actor: Option<String>,
    pub(super) sentence: String,
    pub(super) task: Option<String>,
    /// A merge that can be undone from here.
    pub(super) merge: Option<String>,
    /// What the human said who did it.
    pub(super) reason: Option<String>,
    pub(super) why: Option<Why>,
}

/// Why a record was linked.
pub(super) struct Why {
    pub(super) bits: String,
    pub(super) reasons: Vec<&'static str>,
    /// Field, what was found, bits.
    pub(super) rows: Vec<(&'static str, String, String)>,
    pub(super) model: String,
}

/// The entries of a history as they are shown.
pub(super) async fn timeline(
    context: &Context,
    visitor: &Visitor,
    entries: Vec<HistoryEntry>,
) -> Result<Vec<Happened>, NoPage> {
    let may_ask = may(&visitor.visit.roles, Action::ReadMerge);
    let mut told = 0;
    let mut shown = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut happened = happened(entry);
        let merge = happened.merge.as_deref().and_then(|text| text.parse().ok());
        if let Some(merge) = merge.filter(|_| may_ask && told < MERGES_TOLD_MAX) {
            told += 1;
            happened.reason = reason(context, visitor, merge).await?;
        }
        shown.push(happened);
    }
    Ok(shown)
}

/// What was said last of a merge before it was made, or then.
async fn reason(
    context: &Context,
    visitor: &Visitor,
    merge: MergeId,
) -> Result<Option<String>, NoPage> {
    let access = visitor.may(Action::ReadMerge)?;
    match flows::view_merge(context, &access, merge).await {
        Ok(view) => Ok(view.steps.into_iter().find_map(|step| step.reason)),
        Err(FlowError::NotFound(_)) => Ok(None),
        Err(error) => Err(visitor.no_page(&error)),
    }
}

fn happened(entry: HistoryEntry) -> Happened {
    let (merge, why) = match &entry.event {
        RegistryEvent::MergeMade { merge, .. } => (Some(merge.to_string()), None),
        RegistryEvent::RecordLinked { decision, .. } => (None, why(decision)),
        _ => (None, None),
    };
    Happened {
        at: LocalTime::of(entry.at),
        actor: entry.actor,
        sentence: entry.sentence,
        task: entry.task.map(|task| task.to_string()),
        merge,
        reason: None,
        why,
    }
}

/// The evidence of a link; none where the record came alone, or was carried.
fn why(decision: &LinkDecision) -> Option<Why> {
    let bits = decision
        .weight_bits
        .filter(|_| decision.carried.is_none())?;
    let row = |row: &EvidenceRow| {
        let found = row.level.replace('_', " ");
        let bits = format!("{:+.1}", row.weight_bits);
        (words::field(row.field), found, bits)
    };
    let reasons = decision.reasons.iter().map(|reason| reason.sentence());
    Some(Why {
        bits: format!("{bits:.1}"),
        reasons: reasons.collect(),
        rows: decision.rows.iter().map(row).collect(),
        model: decision.model.to_string(),
    })
}
