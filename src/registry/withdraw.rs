//! Withdrawing: the source no longer holds the record. Nothing is deleted; a
//! person without active records is withdrawn and goes on resolving.

use crate::registry::tasks::close_tasks_of;
use crate::registry::{
    Change, CloseReason, LocalId, RecordStatus, Refusal, RegistryEvent, RegistryState, SourceCode,
    UnlinkReason,
};

/// Withdraws a record.
///
/// # Errors
/// When it is unknown, or withdrawn already.
pub fn withdraw(
    state: &RegistryState,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Change<()>, Refusal> {
    let record = state
        .record(source, local_id)
        .ok_or(Refusal::UnknownRecord)?;
    if record.status == RecordStatus::Withdrawn {
        return Err(Refusal::AlreadyWithdrawn);
    }
    let mut events = vec![RegistryEvent::RecordWithdrawn {
        record: record.number,
    }];
    if let Some(link) = &record.link {
        events.push(RegistryEvent::RecordUnlinked {
            record: record.number,
            person: link.person,
            because: UnlinkReason::Withdrawn,
            merge: None,
        });
        let left = state
            .persons
            .get(&link.person)
            .is_some_and(|person| person.members.iter().any(|member| *member != record.number));
        if !left {
            events.push(RegistryEvent::PersonWithdrawn {
                person: link.person,
            });
            close_tasks_of(
                state,
                &mut events,
                link.person,
                CloseReason::PersonWithdrawn,
            );
        }
    }
    Ok(Change { events, answer: () })
}
