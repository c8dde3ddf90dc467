//! Everything before a commit: where to look, who it might be, how alike.

use std::sync::Arc;

use crate::flows::{Context, FlowError};
use crate::foundation::EventPosition;
use crate::identity::StandardRecord;
use crate::index::{ProbeOutcome, RetrievalBounds};
use crate::matching::{BlockingKeys, blocking_keys};
use crate::registry::PreparedPerson;
use crate::storage::StoredPerson;

/// What the index and the rows beyond it hold for a record.
pub(super) struct Found {
    pub(super) keys: BlockingKeys,
    pub(super) persons: Vec<StoredPerson>,
    pub(super) position: EventPosition,
    pub(super) probes: Vec<ProbeOutcome>,
}

impl Found {
    /// Probes that did not look at all that share their key.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &ProbeOutcome> {
        self.probes
            .iter()
            .filter(|probe| probe.looked_at < probe.held)
    }
}

/// Retrieves: the index as it stands, and with `beyond_index` the rows that
/// came after it. A commit reads those again under its own lock.
pub(super) async fn retrieve(
    context: &Context,
    record: &StandardRecord,
    beyond_index: bool,
) -> Result<Found, FlowError> {
    let keys = blocking_keys(record);
    let retrieved = context.index.retrieve(&keys, &RetrievalBounds::default())?;
    let (mut records, mut probes) = (retrieved.records, retrieved.probes);
    if beyond_index {
        let hashes = keys.lock_hashes();
        let young = context.store.young_records(&hashes, retrieved.position);
        let young = young.await?;
        for probe in &mut probes {
            if let Some((held, looked_at)) = young.crowded.get(&probe.key.hash) {
                probe.held += held;
                probe.looked_at += looked_at;
            }
        }
        records.extend(young.records);
        records.sort_unstable();
        records.dedup();
    }
    let persons = context.store.candidate_persons(&records).await?;
    Ok(Found {
        keys,
        persons,
        position: retrieved.position,
        probes,
    })
}

/// Scores what was found.
pub(super) fn score(
    context: &Context,
    record: &Arc<StandardRecord>,
    persons: Vec<StoredPerson>,
) -> Vec<PreparedPerson> {
    persons
        .into_iter()
        .map(|person| {
            let members: Vec<&StandardRecord> = person
                .members
                .iter()
                .map(|member| member.standard.as_ref())
                .collect();
            let score = context.model.score(record, &members);
            PreparedPerson {
                person: person.person,
                revision: person.revision,
                members: person.members,
                score,
            }
        })
        .collect()
}
