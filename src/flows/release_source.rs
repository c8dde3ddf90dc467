//! A quarantine of a source ends (R98), and what was kept meanwhile is decided,
//! in pages, each version in a commit of its own: wherever the work is
//! interrupted, what is left still waits.

use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt, TryStreamExt};

use crate::flows::register_record::{PreparedRegistration, commit_again, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::limits::{DEFERRED_PER_PAGE, RELEASE_FOLLOW_INTERVAL_MS};
use crate::registry::{
    Quarantine, RegistryEvent, RegistryState, SourceCode, WaitingVersion, release_source as release,
};
use crate::security::Access;
use crate::storage::{CommitActor, DeferredVersion, Planned, ReadSet};

/// A source that is quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQuarantine {
    /// Which.
    pub source: SourceCode,
    /// Since when, why, and the task that says so.
    pub quarantine: Quarantine,
    /// Versions that wait to be decided.
    pub waiting: u64,
}

/// What one page of deciding did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecidedDeferred {
    /// Records of which no version waits any more.
    pub decided: u64,
    /// Versions of released sources may be left.
    pub more: bool,
}

/// The sources that are quarantined, by code.
///
/// # Errors
/// A fault of ours.
pub async fn list_quarantines(
    context: &Context,
    _access: &Access,
) -> Result<Vec<SourceQuarantine>, FlowError> {
    let stored = context.store.list_quarantines().await?;
    if stored.is_empty() {
        return Ok(Vec::new());
    }
    let waiting = context.store.waiting_versions().await?;
    let quarantine = stored.into_iter().map(|stored| SourceQuarantine {
        waiting: waiting.get(&stored.source).copied().unwrap_or(0),
        source: stored.source,
        quarantine: stored.quarantine,
    });
    Ok(quarantine.collect())
}

/// Ends the quarantine; the reason goes into the audit. Gives how many versions
/// wait to be decided, which [`decide_deferred`] does.
///
/// # Errors
/// No such quarantine, a blank reason, or a fault of ours.
pub async fn release_source(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    reason: &str,
) -> Result<u64, FlowError> {
    const NONE: FlowError =
        FlowError::NotFound("no quarantine of a source with this code is known");
    if reason.trim().is_empty() {
        return Err(FlowError::Unprocessable {
            member: "reason",
            rule: "R98",
            detail: "say why the source may be trusted again".to_owned(),
        });
    }
    let known = context.store.list_quarantines().await?;
    let found = known.into_iter().find(|known| known.source == *source);
    let found = found.ok_or(NONE)?;
    let read = ReadSet {
        records: vec![(source.clone(), found.local_id)],
        ..ReadSet::default()
    };
    let now = context.clock.now();
    let mut audit = access.audit(now, Vec::new(), Some(source.to_string()));
    audit.purpose = Some(reason.trim().to_owned());
    let (released_source, source) = (source.clone(), source.clone());
    let decide = move |state: &mut RegistryState, _: &_| match release(state, &source) {
        Some(events) => Planned {
            events,
            audit: vec![audit.clone()],
            ..Planned::nothing(true)
        },
        None => Planned::nothing(false),
    };
    let released = context
        .store
        .commit(read, actor(access), now, decide)
        .await?;
    if !released {
        return Err(NONE);
    }
    Ok(context.store.count_deferred(Some(&released_source)).await?)
}

fn actor(access: &Access) -> CommitActor {
    CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    }
}

/// Decides a page of the records of which versions wait though their source is
/// released, in the order in which they came. `access` is one that may write records.
///
/// # Errors
/// A fault of ours; what is not decided still waits.
pub async fn decide_deferred(
    context: &Context,
    access: &Access,
) -> Result<DecidedDeferred, FlowError> {
    let page = context.store.deferred_versions(DEFERRED_PER_PAGE).await?;
    let mut done = DecidedDeferred {
        decided: 0,
        more: page.len() == DEFERRED_PER_PAGE as usize,
    };
    let preparing: FuturesOrdered<_> = page
        .into_iter()
        .map(|waiting| prepare(context, access, waiting))
        .collect();
    let prepared: Vec<Prepared> = preparing.try_collect().await?;
    // The order of calls is the order of the commits.
    let mut committing: FuturesOrdered<_> = prepared
        .into_iter()
        .map(|prepared| commit(context, access, prepared))
        .collect();
    while let Some(decided) = committing.next().await {
        done.decided += u64::from(decided?);
    }
    // A source that is quarantined again keeps the rest.
    done.more &= done.decided > 0;
    Ok(done)
}

enum Prepared {
    Decidable(Box<PreparedRegistration>, WaitingVersion),
    /// Nothing is left to decide.
    Erased(Vec<RegistryEvent>),
}

async fn prepare(
    context: &Context,
    access: &Access,
    waiting: DeferredVersion,
) -> Result<Prepared, FlowError> {
    let Some(submitted) = waiting.submitted else {
        let decided = waiting.waiting.decided(waiting.record);
        return Ok(Prepared::Erased(decided));
    };
    let command = RegisterCommand {
        source: waiting.source,
        local_id: waiting.local_id,
        submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    let prepared = prepare_registration(context, access, command).await?;
    Ok(Prepared::Decidable(Box::new(prepared), waiting.waiting))
}

async fn commit(context: &Context, access: &Access, prepared: Prepared) -> Result<bool, FlowError> {
    let events = match prepared {
        Prepared::Decidable(prepared, waiting) => return commit_again(*prepared, waiting).await,
        Prepared::Erased(events) => events,
    };
    let plan = move |_: &mut RegistryState, _: &_| Planned {
        events: events.clone(),
        ..Planned::nothing(true)
    };
    let (read, now) = (ReadSet::default(), context.clock.now());
    Ok(context.store.commit(read, actor(access), now, plan).await?)
}

/// Whether anything waits of a source that is not quarantined; asked of what is
/// counted, because the walk over what waits of the others is long.
async fn anything_released(context: &Context) -> Result<bool, FlowError> {
    let waiting = context.store.waiting_versions().await?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let held = context.store.list_quarantines().await?;
    let is_held = |source: &SourceCode| held.iter().any(|held| held.source == *source);
    Ok(!waiting.keys().all(is_held))
}

async fn decide_released(context: &Context, access: &Access) -> Result<bool, FlowError> {
    Ok(anything_released(context).await? && decide_deferred(context, access).await?.more)
}

/// Decides what waits, as long as the process lives: a release by anybody, and
/// one that was interrupted, are carried on here.
pub async fn follow_releases(context: Context, access: Access) {
    loop {
        match decide_released(&context.at_present(), &access).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "what waited for a release could not be decided; trying again");
            }
        }
        tokio::time::sleep(Duration::from_millis(RELEASE_FOLLOW_INTERVAL_MS)).await;
    }
}
