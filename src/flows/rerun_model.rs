//! After an activation, what records say is judged again by the model that decides now,
//! and people are asked (R86). Nothing is linked or parted by it. Page by page, each in
//! commits of its own: wherever it is interrupted, it goes on from the last page that was
//! noted, and what was asked before is not asked twice (R118).

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, FuturesOrdered, StreamExt, TryStreamExt};

use crate::flows::model_life::{approved, words};
use crate::flows::register_record::{PreparedRegistration, prepare_registration};
use crate::flows::{Context, FlowError, NamedPerson, RegisterCommand};
use crate::foundation::limits::{
    MODEL_FOLLOW_INTERVAL_MS, RERUN_AT_ONCE, RERUN_LEASE_SECONDS, RERUN_PAGE, RERUN_PAUSE_MS,
};
use crate::foundation::{PersonId, RecordNumber};
use crate::registry::{RegistryEvent, RegistryState, rejudge};
use crate::security::Access;
use crate::storage::{CommitActor, CurrentRecord, Planned, RerunState, StoredRerun};

/// Lets the records be judged again by the model that decides, or lets a re-run that
/// pauses go on for so many questions more.
///
/// # Errors
/// No approver, no reason, one that runs or is done, or a fault of ours.
pub async fn begin_rerun(
    context: &Context,
    approver: NamedPerson,
    (reason, tasks_max): (&str, u32),
    request_id: &str,
) -> Result<StoredRerun, FlowError> {
    let reason = words("reason", reason, false)?;
    let access = approved(context, approver, &reason, request_id).await?;
    let activations = context.store.list_activations().await?;
    let active = activations.last().ok_or(FlowError::Conflict(
        "no model decides in this ledger yet: there is nothing to judge again by",
    ))?;
    let now = context.clock.now();
    let audit = access.audit(now, Vec::new(), Some(active.model.to_string()));
    let known = context.store.last_rerun().await?;
    let known = known.filter(|known| known.activation == active.number);
    let turned = if let Some(known) = &known {
        match known.state {
            RerunState::Running => return Ok(known.clone()),
            RerunState::Done => {
                return Err(FlowError::Conflict(
                    "all records have been judged again by the model that decides",
                ));
            }
            RerunState::Paused => {}
        }
        let on = StoredRerun {
            begun_by: access.actor().name.clone(),
            reason,
            state: RerunState::Running,
            tasks_until: known.tasks + u64::from(tasks_max),
            continued_at: now,
            looked_before: known.looked_at,
            updated_at: now,
            ..known.clone()
        };
        context
            .store
            .turn_rerun(&on, RerunState::Paused, audit)
            .await?
    } else {
        let rerun = StoredRerun {
            activation: active.number,
            begun_by: access.actor().name.clone(),
            reason,
            begun_at: now,
            state: RerunState::Running,
            after: RecordNumber(0),
            looked_at: 0,
            records: context.store.count_current_records().await?,
            tasks: 0,
            tasks_until: u64::from(tasks_max),
            continued_at: now,
            looked_before: 0,
            updated_at: now,
            epoch: 0,
        };
        context.store.begin_rerun(&rerun, audit).await?
    };
    if !turned {
        return Err(OVERTAKEN);
    }
    context.store.last_rerun().await?.ok_or(OVERTAKEN)
}

const OVERTAKEN: FlowError =
    FlowError::Conflict("somebody else was faster; look how far it is and decide again");

/// Lets the re-run that goes on pause.
///
/// # Errors
/// No approver, no reason, none goes on, or a fault of ours.
pub async fn pause_rerun(
    context: &Context,
    approver: NamedPerson,
    reason: &str,
    request_id: &str,
) -> Result<StoredRerun, FlowError> {
    const NONE: FlowError = FlowError::Conflict("no re-run goes on");
    let reason = words("reason", reason, false)?;
    let access = approved(context, approver, &reason, request_id).await?;
    let running = context.store.last_rerun().await?.ok_or(NONE)?;
    let now = context.clock.now();
    let paused = StoredRerun {
        begun_by: access.actor().name.clone(),
        reason,
        state: RerunState::Paused,
        updated_at: now,
        continued_at: now,
        ..running
    };
    let audit = access.audit(now, Vec::new(), None);
    if !context
        .store
        .turn_rerun(&paused, RerunState::Running, audit)
        .await?
    {
        return Err(NONE);
    }
    Ok(paused)
}

/// How far the re-run of the latest activation that has one is.
///
/// # Errors
/// A fault of ours.
pub async fn rerun_standing(
    context: &Context,
    access: &Access,
) -> Result<Option<StoredRerun>, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    context.store.append_audit(vec![audit]).await?;
    Ok(context.store.last_rerun().await?)
}

/// What one page has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerunPage {
    /// How far it is now.
    pub standing: Option<StoredRerun>,
    /// Whether this process has done something, and there is more.
    pub more: bool,
}

/// Judges a page of records again, where a re-run goes on and nobody else works on it.
/// `access` is one that may write records.
///
/// # Errors
/// A fault of ours; what is not noted is judged again, and not asked again.
pub async fn rerun_page(context: &Context, access: &Access) -> Result<RerunPage, FlowError> {
    rerun_some(context, access, RERUN_PAGE).await
}

/// The same of so many records.
pub(super) async fn rerun_some(
    context: &Context,
    access: &Access,
    records: u32,
) -> Result<RerunPage, FlowError> {
    let known = context.store.last_rerun().await?;
    let idle = |standing| RerunPage {
        standing,
        more: false,
    };
    let Some(rerun) = known.filter(|known| known.state == RerunState::Running) else {
        return Ok(idle(None));
    };
    let now = context.clock.now();
    let until = now.plus_microseconds(RERUN_LEASE_SECONDS * 1_000_000);
    let Some(epoch) = context.store.lease_rerun(&rerun, now, until).await? else {
        return Ok(idle(Some(rerun)));
    };
    let rerun = StoredRerun { epoch, ..rerun };
    let rerun = judge_page(context, access, rerun, records).await?;
    let kept = context.store.keep_rerun(&rerun).await?;
    let more = kept && rerun.state == RerunState::Running;
    Ok(RerunPage {
        standing: Some(rerun),
        more,
    })
}

/// The re-run as it is after its next page.
pub(super) async fn judge_page(
    context: &Context,
    access: &Access,
    rerun: StoredRerun,
    records: u32,
) -> Result<StoredRerun, FlowError> {
    let activations = context.store.list_activations().await?;
    let is_of_the_active = activations
        .last()
        .is_some_and(|last| last.number == rerun.activation && last.model == *context.model.id());
    if !is_of_the_active {
        // Another model decides, here or everywhere: it goes on when this process has
        // followed, and never where its activation is over.
        let over = activations
            .last()
            .is_none_or(|last| last.number != rerun.activation);
        return Ok(StoredRerun {
            state: if over {
                RerunState::Paused
            } else {
                rerun.state
            },
            ..rerun
        });
    }
    let page = context.store.current_records(rerun.after, records).await?;
    let looked_at = page.len() as u64;
    let last = page.last().map(|last| last.record);
    // A few at once: the pool is there for those who wait for an answer.
    let preparing = stream::iter(page).map(|current| prepare(context, access, current));
    let prepared: Vec<_> = preparing.buffered(RERUN_AT_ONCE).try_collect().await?;
    let mut committing: FuturesOrdered<_> = prepared.into_iter().flatten().map(commit).collect();
    let mut tasks = rerun.tasks;
    while let Some(asked) = committing.next().await {
        tasks += asked?;
    }
    metrics::counter!("accord_rerun_records_total").increment(looked_at);
    metrics::counter!("accord_rerun_tasks_total").increment(tasks - rerun.tasks);
    let state = match last {
        // Records that come while it goes on are judged as they come.
        None => RerunState::Done,
        Some(_) if tasks >= rerun.tasks_until => RerunState::Paused,
        Some(_) => RerunState::Running,
    };
    Ok(StoredRerun {
        state,
        after: last.unwrap_or(rerun.after),
        looked_at: rerun.looked_at + looked_at,
        tasks,
        updated_at: context.clock.now(),
        ..rerun
    })
}

/// A record as it is, looked up and scored; nothing where it says too little to be.
async fn prepare(
    context: &Context,
    access: &Access,
    current: CurrentRecord,
) -> Result<Option<(PreparedRegistration, u32)>, FlowError> {
    let command = RegisterCommand {
        source: current.source,
        local_id: current.local_id,
        submitted: current.submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    match prepare_registration(context, access, command).await {
        Ok(prepared) => Ok(Some((prepared, current.version))),
        Err(FlowError::Unprocessable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asks what the model asks; how many questions that are.
async fn commit((prepared, version): (PreparedRegistration, u32)) -> Result<u64, FlowError> {
    let PreparedRegistration { read, inside } = prepared;
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    let (now, store) = (inside.now, inside.context.store.clone());
    let inside = Arc::new(inside);
    let decide = move |state: &mut RegistryState, _: &_| {
        if inside.context.is_superseded() {
            return Planned::nothing(0);
        }
        let (model, registration) = (&inside.context.model, &inside.registration);
        let events = rejudge(state, model, &inside.numbering(), registration, version);
        if events.is_empty() {
            return Planned::nothing(0);
        }
        let named = format!("{}:{}", registration.source, registration.local_id);
        let persons = events.iter().flat_map(|event| asked_about(state, event));
        let audit = inside.access.audit(now, persons.collect(), Some(named));
        let asked = events.len() as u64;
        Planned {
            events,
            audit: vec![audit],
            ..Planned::nothing(asked)
        }
    };
    Ok(store.commit(read, actor, now, decide).await?)
}

/// The persons of a question that is raised.
fn asked_about(state: &RegistryState, event: &RegistryEvent) -> Vec<PersonId> {
    match event {
        RegistryEvent::TaskOpened { persons, .. } => persons.clone(),
        RegistryEvent::TaskReopened { task, .. } => {
            let known = state.tasks.get(task);
            known.map_or_else(Vec::new, |known| known.persons.clone())
        }
        _ => Vec::new(),
    }
}

/// Works on a re-run as long as the process lives, wherever it was let begin.
pub async fn follow_reruns(context: Context, access: Access) {
    loop {
        let pause = match rerun_page(&context.at_present(), &access).await {
            Ok(page) if page.more => RERUN_PAUSE_MS,
            Ok(_) => MODEL_FOLLOW_INTERVAL_MS,
            Err(error) => {
                tracing::warn!(%error, "records could not be judged again; trying again");
                MODEL_FOLLOW_INTERVAL_MS
            }
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
