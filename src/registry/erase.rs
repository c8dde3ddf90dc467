//! Erasing: the values of a record are destroyed (R135). Its versions, links and
//! decisions stay as ids, digests and weights; a record whose values are gone is
//! compared with nobody and still belongs to its person.

use crate::foundation::{EventPosition, RecordNumber};
use crate::registry::{Change, LocalId, Refusal, RegistryEvent, RegistryState, SourceCode};

/// Erases all versions that a record has now.
///
/// # Errors
/// When it is unknown.
pub fn erase(
    state: &RegistryState,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Change<u32>, Refusal> {
    let record = state
        .record(source, local_id)
        .ok_or(Refusal::UnknownRecord)?;
    let standard = state.standards.get(&record.number);
    let event = RegistryEvent::RecordErased {
        record: record.number,
        versions: record.latest_version,
        restricted: standard.is_some_and(|standard| standard.restricted),
    };
    Ok(Change {
        events: vec![event],
        answer: record.latest_version,
    })
}

impl RegistryState {
    pub(in crate::registry) fn apply_erasure(
        &mut self,
        record: RecordNumber,
        position: EventPosition,
    ) {
        self.standards.remove(&record);
        if let Some(state) = self.records.get_mut(&record) {
            state.position = position;
        }
        self.touch_person_of(record, position);
    }
}
