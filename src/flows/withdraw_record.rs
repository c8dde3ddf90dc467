//! A source no longer holds a record.

use crate::flows::ready::effective_at;
use crate::flows::{Context, FlowError, IfMatch};
use crate::registry::{LocalId, Refusal, RegistryState, SourceCode, withdraw};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet};

/// Withdraws a record; withdrawing again changes nothing and answers the same.
///
/// # Errors
/// Unknown record, a stale `If-Match`, or a fault of ours.
pub async fn withdraw_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    if_match: Option<IfMatch>,
) -> Result<(), FlowError> {
    let now = context.clock.now();
    let read = ReadSet {
        records: vec![(source.clone(), local_id.clone())],
        ..ReadSet::default()
    };
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let (access, source, local_id) = (access.clone(), source.clone(), local_id.clone());
    let outcome = context
        .store
        .commit(read, actor, now, move |state: &mut RegistryState, _| {
            let record = state.record(&source, &local_id);
            let person = record
                .and_then(|record| record.link.as_ref())
                .map(|link| link.person);
            let stale = record.is_some_and(|record| {
                let current = Some(record.current.version);
                if_match.as_ref().is_some_and(|asked| !asked.holds(current))
            });
            if stale {
                return Planned::nothing(Err(Refusal::StaleVersion));
            }
            match withdraw(state, &source, &local_id) {
                Ok(change) => {
                    let name = format!("{source}:{local_id}");
                    let audit = access.audit(now, person.into_iter().collect(), Some(name));
                    Planned {
                        events: change.events,
                        audit: vec![audit],
                        ..Planned::nothing(Ok(()))
                    }
                }
                Err(refusal) => Planned::nothing(Err(refusal)),
            }
        })
        .await?;
    match outcome {
        Ok(()) | Err(Refusal::AlreadyWithdrawn) => Ok(()),
        Err(Refusal::UnknownRecord) => Err(FlowError::NotFound(
            "no record with this local id is known for this source",
        )),
        Err(Refusal::StaleVersion) => Err(FlowError::Stale),
    }
}

/// Attempts against a source that changes the record at the same time.
const ATTEMPTS_MAX: usize = 4;

/// Withdraws a record as of a moment at its source: not when the record has been changed
/// by something later. Whether it is withdrawn now.
///
/// # Errors
/// As [`withdraw_record`], and a moment that is none.
pub async fn withdraw_record_as_of(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    at: Option<&str>,
) -> Result<bool, FlowError> {
    let at = effective_at(at)?;
    for _ in 0..ATTEMPTS_MAX {
        let known = context.store.find_record(source, local_id).await?;
        let current = known.map(|known| known.state.current);
        let later = current.as_ref().and_then(|current| current.effective_at);
        if at.zip(later).is_some_and(|(at, later)| at < later) {
            return Ok(false);
        }
        let condition = current.map(|current| IfMatch::OneOf(vec![current.version]));
        match withdraw_record(context, access, source, local_id, condition).await {
            Err(FlowError::Stale) => {}
            withdrawn => return withdrawn.map(|()| true),
        }
    }
    Err(FlowError::Busy)
}
