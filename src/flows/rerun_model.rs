//! After an activation, what records say is judged again by the model that decides now,
//! and people are asked (R86). Nothing is linked or parted by it. Page by page, each in
//! commits of its own: wherever it is interrupted, it goes on from the last page that was
//! noted, and what was asked before is not asked twice (R118).

use std::time::Duration;

use futures_util::stream::{self, FuturesOrdered, StreamExt, TryStreamExt};

use crate::flows::ask_of_records::{Ready, ask, make_ready};
use crate::flows::model_life::{approved, words};
use crate::flows::{Context, FlowError, NamedPerson};
use crate::foundation::RecordNumber;
use crate::foundation::limits::{
    MODEL_FOLLOW_INTERVAL_MS, RERUN_AT_ONCE, RERUN_LEASE_SECONDS, RERUN_PAGE, RERUN_PAUSE_MS,
    REVIEW_TASKS_PER_RECORD_MAX,
};
use crate::registry::rejudge;
use crate::security::Access;
use crate::storage::{RerunState, StoredRerun};

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
    let is_over = page.is_empty();
    // A few at once: the pool is there for those who wait for an answer.
    let preparing = stream::iter(page).map(|current| make_ready(context, access, current));
    let ready: Vec<Ready> = preparing.buffered(RERUN_AT_ONCE).try_collect().await?;
    let judged = judge(rerun.clone(), ready).await?;
    metrics::counter!("accord_rerun_records_total").increment(judged.looked_at - rerun.looked_at);
    metrics::counter!("accord_rerun_tasks_total").increment(judged.tasks - rerun.tasks);
    let state = if is_over {
        // Records that come while it goes on are judged as they come.
        RerunState::Done
    } else if judged.tasks >= judged.tasks_until {
        RerunState::Paused
    } else {
        RerunState::Running
    };
    Ok(StoredRerun {
        state,
        updated_at: context.clock.now(),
        ..judged
    })
}

/// Asks about these records in their order, and no more questions than the re-run may
/// raise: near its bound one record after the other. Of a record whose questions do not
/// all fit, the others are asked when it goes on.
async fn judge(rerun: StoredRerun, ready: Vec<Ready>) -> Result<StoredRerun, FlowError> {
    let (mut judged, mut rest) = (rerun, ready.into_iter());
    loop {
        let left = judged.tasks_until.saturating_sub(judged.tasks);
        let fit = usize::try_from(left / QUESTIONS_PER_RECORD_MAX).unwrap_or(usize::MAX);
        let at_once = fit.max(1).min(rest.len());
        if left == 0 || at_once == 0 {
            return Ok(judged);
        }
        let each = left / at_once as u64;
        // The order of calls is the order of the commits.
        let mut asking: FuturesOrdered<_> = rest
            .by_ref()
            .take(at_once)
            .map(|ready| {
                let version = ready.version;
                ask(ready, each, move |state, inside| {
                    let (model, registration) = (&inside.context.model, &inside.registration);
                    rejudge(state, model, &inside.numbering(), registration, version)
                })
            })
            .collect();
        let mut all = true;
        while let Some(asked) = asking.next().await {
            let asked = asked?;
            judged.tasks += asked.questions;
            all &= asked.all;
            if all {
                judged.after = asked.record;
                judged.looked_at += 1;
            }
        }
        if !all {
            return Ok(judged);
        }
    }
}

/// A record raises at most so many questions: about others, and whether it fits its own
/// person.
const QUESTIONS_PER_RECORD_MAX: u64 = REVIEW_TASKS_PER_RECORD_MAX as u64 + 1;

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
