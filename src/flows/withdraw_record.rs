//! A source no longer holds a record.

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
