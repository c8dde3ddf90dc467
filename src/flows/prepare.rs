//! Everything before a commit: where to look, who it might be, how alike. On a
//! file all of it is one piece of the pool's work; where a server is asked, what
//! computes goes to the pool and comes back.

use futures_util::FutureExt as _;

use crate::flows::{Context, FlowError};
use crate::foundation::EventPosition;
use crate::foundation::load_limits::COMPARED_IN_PLACE_MAX;
use crate::identity::StandardRecord;
use crate::index::{ProbeOutcome, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKeys, LinkageModel, blocking_keys};
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

/// Runs what reads and computes by turns. A file answers in the call itself, so
/// that the whole needs one change of threads and keeps none of the runtime's.
pub(super) async fn read_and_compute<T: Send + 'static>(
    context: &Context,
    work: impl Future<Output = Result<T, FlowError>> + Send + 'static,
) -> Result<T, FlowError> {
    if !context.store.is_file() {
        return work.await;
    }
    let done = context.pool.run(move || work.now_or_never()).await?;
    done.ok_or(FlowError::Broken)?
}

/// Where a record is to be looked for, and what the index holds there.
pub(super) struct LookedUp {
    pub(super) keys: BlockingKeys,
    retrieved: Retrieved,
}

/// Looks up. Computes and may wait for a page of the index: for the pool.
pub(super) fn look_up(context: &Context, record: &StandardRecord) -> Result<LookedUp, FlowError> {
    let keys = blocking_keys(record);
    let retrieved = context.index.retrieve(&keys, &RetrievalBounds::default())?;
    Ok(LookedUp { keys, retrieved })
}

/// Brings who was found, and with `beyond_index` also the rows that came after
/// the index. A commit reads those again under its own lock.
pub(super) async fn fetch(
    context: &Context,
    looked_up: LookedUp,
    beyond_index: bool,
) -> Result<Found, FlowError> {
    let LookedUp { keys, retrieved } = looked_up;
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

/// Compares with these persons in the pool, or at once when a change of threads
/// would take longer.
pub(super) async fn compare<T: Send + 'static>(
    context: &Context,
    persons: Vec<StoredPerson>,
    work: impl FnOnce(Vec<StoredPerson>) -> T + Send + 'static,
) -> Result<T, FlowError> {
    let records: usize = persons.iter().map(|person| person.members.len()).sum();
    if records <= COMPARED_IN_PLACE_MAX {
        return Ok(work(persons));
    }
    context.pool.run(move || work(persons)).await
}

/// Scores what was found.
pub(super) fn score(
    model: &LinkageModel,
    record: &StandardRecord,
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
            let score = model.score(record, &members);
            PreparedPerson {
                person: person.person,
                revision: person.revision,
                members: person.members,
                score,
            }
        })
        .collect()
}
