//! Everything before a commit: where to look, who it might be, how alike. On a
//! file all of it is one piece of the pool's work; where a server is asked, what
//! computes goes to the pool and comes back.

use futures_util::FutureExt as _;

use crate::flows::live_numbers::compared_members;
use crate::flows::{Context, FlowError};
use crate::foundation::EventPosition;
use crate::foundation::load_limits::COMPARED_IN_PLACE_MAX;
use crate::identity::StandardRecord;
use crate::index::{ProbeOutcome, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKeys, LinkageModel, blocking_keys};
use crate::registry::{LocalId, NumberHash, PreparedPerson, Replacements, SourceCode};
use crate::storage::{QuestionReads, StoredPerson};

/// What the index holds for a record.
pub(super) struct Found {
    pub(super) keys: BlockingKeys,
    pub(super) persons: Vec<StoredPerson>,
    pub(super) position: EventPosition,
    pub(super) probes: Vec<ProbeOutcome>,
}

impl Found {
    /// Whether all were looked at that share a key. What cannot be looked up was
    /// not looked for.
    pub(super) fn is_complete(&self) -> bool {
        !self.keys.probes.is_empty() && self.probes.iter().all(ProbeOutcome::complete)
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
    pub(super) retrieved: Retrieved,
}

/// Looks up. Computes and may wait for a page of the index: for the pool.
pub(super) fn look_up(context: &Context, record: &StandardRecord) -> Result<LookedUp, FlowError> {
    look_up_within(context, record, &RetrievalBounds::default())
}

/// The same with other bounds.
pub(super) fn look_up_within(
    context: &Context,
    record: &StandardRecord,
    bounds: &RetrievalBounds,
) -> Result<LookedUp, FlowError> {
    let keys = blocking_keys(record);
    let retrieved = context.index.retrieve(&keys, bounds)?;
    Ok(LookedUp { keys, retrieved })
}

/// Brings who was found. A commit reads what came after the index under its own
/// lock.
pub(super) async fn fetch(context: &Context, looked_up: LookedUp) -> Result<Found, FlowError> {
    let LookedUp { keys, retrieved } = looked_up;
    let persons = context.store.candidate_persons(&retrieved.records).await?;
    Ok(Found {
        keys,
        persons,
        position: retrieved.position,
        probes: retrieved.probes,
    })
}

/// What a question is answered from: also what came after the index.
pub(super) async fn fetch_question(
    context: &Context,
    looked_up: LookedUp,
    number: Option<NumberHash>,
) -> Result<(QuestionReads, Vec<ProbeOutcome>), FlowError> {
    let LookedUp { keys, retrieved } = looked_up;
    let (hashes, position) = (keys.lock_hashes(), retrieved.position);
    let reading = context
        .store
        .read_question(&retrieved.records, &hashes, position, number);
    let reads = reading.await?;
    let mut probes = retrieved.probes;
    for probe in &mut probes {
        if let Some((held, looked_at)) = reads.young.crowded.get(&probe.key.hash) {
            probe.held += held;
            probe.looked_at += looked_at;
        }
    }
    Ok((reads, probes))
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

/// Persons past which those without prospects are left out before the commit, which
/// would load each of them again.
const CROWD: usize = 16;

/// Leaves out of a crowd who cannot be the record's, where it is new: an update is
/// compared again with its history, and with its own person whatever the score.
pub(super) async fn without_prospectless(
    context: &Context,
    source: &SourceCode,
    local_id: &LocalId,
    mut prepared: Vec<PreparedPerson>,
) -> Result<Vec<PreparedPerson>, FlowError> {
    if prepared.len() > CROWD && !context.store.knows_record(source, local_id).await? {
        prepared.retain(|person| person.score.has_prospects(&context.model));
    }
    Ok(prepared)
}

/// Scores what was found.
pub(super) fn score(
    model: &LinkageModel,
    record: &StandardRecord,
    replacements: &Replacements,
    persons: Vec<StoredPerson>,
) -> Vec<PreparedPerson> {
    persons
        .into_iter()
        .map(|person| {
            let members = compared_members(replacements, record, &person);
            let members: Vec<&StandardRecord> = members.iter().map(AsRef::as_ref).collect();
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
