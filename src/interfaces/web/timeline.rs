//! What happened to a person, with why: the evidence on which a record was linked, as
//! it was stored then, and what people said when they joined two persons.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::flows::{self, Asked, Context, FlowError, HistoryEntry, MergeStep};
use crate::foundation::{AssertionId, MergeId};
use crate::interfaces::web::layout::{NoPage, may, redirect};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::person_page::person_of;
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::interfaces::web::words;
use crate::registry::{EvidenceRow, LinkDecision, RegistryEvent};
use crate::security::Action;

/// Merges, assertions and settled questions of a history that are asked after; more are
/// told without it.
const ASKED_AFTER_MAX: usize = 20;

/// Something that happened.
pub(super) struct Happened {
    pub(super) at: LocalTime,
    pub(super) actor: Option<String>,
    pub(super) sentence: String,
    pub(super) task: Option<String>,
    /// A merge that can be undone from here.
    pub(super) merge: Option<String>,
    /// What somebody said of two records, while it holds and where the asker may take
    /// it back.
    pub(super) assertion: Option<String>,
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
    let may_read = may(&visitor.visit.roles, Action::ReadTask);
    let may_withdraw = may(&visitor.visit.roles, Action::MergePerson);
    let mut asked = 0;
    let mut shown = Vec::with_capacity(entries.len());
    for entry in entries {
        let event = entry.event.clone();
        let mut happened = happened(entry);
        match event {
            RegistryEvent::MergeMade { merge, .. } if may_ask && asked < ASKED_AFTER_MAX => {
                asked += 1;
                tell_merge(context, visitor, merge, &mut happened).await?;
            }
            RegistryEvent::TaskDecided { task, .. } if may_read && asked < ASKED_AFTER_MAX => {
                asked += 1;
                let access = visitor.may(Action::ReadTask)?;
                let said = flows::reasons_of_task(context, &access, task).await;
                let said = said.map_err(|error| visitor.no_page(&error))?;
                happened.reason = Some(said.join("; ")).filter(|said| !said.is_empty());
            }
            RegistryEvent::AssertionMade { assertion, .. }
                if may_withdraw && asked < ASKED_AFTER_MAX =>
            {
                asked += 1;
                let access = visitor.may(Action::MergePerson)?;
                let holds = flows::assertion_holds(context, &access, assertion).await;
                let holds = holds.map_err(|error| visitor.no_page(&error))?;
                happened.assertion = holds.then(|| assertion.to_string());
            }
            _ => {}
        }
        shown.push(happened);
    }
    Ok(shown)
}

/// Takes back what somebody said of two records: nobody is joined or parted by it, and
/// they may be joined again.
pub(super) async fn withdraw(
    State(context): State<Context>,
    Path((person, assertion)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let person = person_of(&person, visitor)?;
    let unknown = || visitor.no_page(&FlowError::NotFound("no assertion with this id is known"));
    let assertion: AssertionId = assertion.parse().map_err(|_| unknown())?;
    let access = visitor.may(Action::MergePerson)?;
    let asked = Asked {
        reason: form.text("reason").to_owned(),
        dry_run: false,
        idempotency_key: None,
    };
    flows::withdraw_assertion(&context, &access, assertion, &asked)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    Ok(redirect(&format!("/persons/{person}")))
}

/// What people said of a merge, and whether it can still be taken back.
async fn tell_merge(
    context: &Context,
    visitor: &Visitor,
    merge: MergeId,
    happened: &mut Happened,
) -> Result<(), NoPage> {
    let access = visitor.may(Action::ReadMerge)?;
    match flows::view_merge(context, &access, merge).await {
        Ok(view) => {
            happened.merge = (view.status == MergeStep::Done).then(|| merge.to_string());
            happened.reason = view.steps.into_iter().find_map(|step| step.reason);
            Ok(())
        }
        Err(FlowError::NotFound(_)) => Ok(()),
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
        assertion: None,
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
