//! A held version that a human says is the same patient's: decided as a further
//! version with the same content, in the commit of the human's word.

use std::sync::Arc;

use crate::flows::decide_task::Inside;
use crate::flows::register_record::{Accepting, commit_accepting, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::registry::{RegistryState, TaskState};
use crate::review::{Carried, Follow};
use crate::security::Access;
use crate::storage::ReadSet;

/// Decides the question; where it is settled so, the version becomes current.
pub(super) async fn commit(
    context: &Context,
    access: &Access,
    known: &TaskState,
    read: ReadSet,
    inside: Inside,
) -> Result<Carried, FlowError> {
    const GONE: FlowError = FlowError::Conflict("no version of this record is held any more");
    let (source, local_id) = read.records.first().cloned().ok_or(GONE)?;
    let stored = context.store.find_record(&source, &local_id).await?;
    let stored = stored.ok_or(GONE)?;
    let held = stored.state.held.as_ref().ok_or(GONE)?.version;
    let mut versions = stored.versions.into_iter();
    let version = versions.find(|version| version.version == held);
    let submitted = version.and_then(|version| version.submitted).ok_or(GONE)?;
    let command = RegisterCommand {
        source,
        local_id,
        submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    let prepared = prepare_registration(context, access, command).await?;
    let (remark, task) = (inside.remark(), inside.task());
    let audit = access.audit(
        context.clock.now(),
        known.persons.clone(),
        Some(task.to_string()),
    );
    let decide = move |state: &RegistryState| {
        let decided = inside.decide(state)?;
        Ok(Accepting {
            accepts: (decided.follow == Some(Follow::AcceptHeld)).then_some(held),
            events: decided.events,
            carried: decided.carried,
            remark: remark.clone(),
            audit: audit.clone(),
        })
    };
    commit_accepting(prepared, read, Arc::new(decide)).await
}
