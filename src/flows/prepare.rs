//! Everything before a commit: where to look, who it might be, how alike. On a
//! file all of it is one piece of the pool's work; where a server is asked, what
//! computes goes to the pool and comes back.

use futures_util::FutureExt as _;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flows::{Context, FlowError};
use crate::foundation::EventPosition;
use crate::foundation::load_limits::COMPARED_IN_PLACE_MAX;
use crate::identity::StandardRecord;
use crate::index::{ProbeOutcome, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKey, BlockingKeys, KeyKind, LinkageModel, Probe, blocking_keys};
use crate::registry::{
    LiveNumbers, NumberHash, PreparedPerson, Replacement, Replacements, number_hash,
};
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

/// Numbers that stand for one another, as far as they concern a record (R16).
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    pub(super) replacements: Replacements,
    /// Hashes of the other numbers under which the record is looked for.
    others: Vec<u64>,
}

/// The chains that a record's number belongs to, with what its message says.
async fn numbers_of(
    context: &Context,
    record: &StandardRecord,
    said: Option<Replacement>,
) -> Result<Numbers, FlowError> {
    let Some(claim) = record.nhs_number else {
        return Ok(Numbers::default());
    };
    let own = number_hash(claim.number);
    let mut asked = vec![own];
    asked.extend(said.map(|said| said.replaced));
    let chains = context.store.number_chains(&asked, None).await?;
    let mut replacements = chains.replacements;
    if let Some(said) = said {
        let known = replacements.entry(said.replaced).or_default();
        known.insert(said.replaced_by);
    }
    let others = replacements
        .iter()
        .flat_map(|(replaced, by)| by.iter().chain([replaced]))
        .filter(|number| **number != own)
        .map(|number| number.0);
    let mut others: Vec<u64> = others.collect();
    others.sort_unstable();
    others.dedup();
    Ok(Numbers {
        others,
        replacements,
    })
}

/// Looks for those, too, who have a number that this one stands for.
async fn look_up_numbers(
    context: &Context,
    mut looked_up: LookedUp,
    numbers: &Numbers,
) -> Result<LookedUp, FlowError> {
    if numbers.others.is_empty() {
        return Ok(looked_up);
    }
    let probe = |hash: &u64| Probe {
        key: BlockingKey {
            kind: KeyKind::NhsNumber,
            hash: *hash,
        },
        sharper: Vec::new(),
    };
    let keys = BlockingKeys {
        stored: Vec::new(),
        probes: numbers.others.iter().map(probe).collect(),
    };
    let (own, asked) = (context.clone(), keys.clone());
    let found = context
        .pool
        .run(move || own.index.retrieve(&asked, &RetrievalBounds::default()))
        .await??;
    let retrieved = &mut looked_up.retrieved;
    retrieved.records.extend(found.records);
    retrieved.records.sort_unstable();
    retrieved.records.dedup();
    retrieved.probes.extend(found.probes);
    retrieved.position = retrieved.position.min(found.position);
    looked_up.keys.probes.extend(keys.probes);
    Ok(looked_up)
}

/// Brings who was found under a record's keys and under the numbers that its own
/// stands for.
pub(super) async fn find(
    context: &Context,
    looked_up: LookedUp,
    record: &StandardRecord,
    said: Option<Replacement>,
    beyond_index: bool,
) -> Result<(Found, Numbers), FlowError> {
    let numbers = numbers_of(context, record, said).await?;
    let looked_up = look_up_numbers(context, looked_up, &numbers).await?;
    let found = fetch(context, looked_up, beyond_index).await?;
    let numbers = complete_numbers(context, numbers, &found.persons).await?;
    Ok((found, numbers))
}

/// Completes the chains by those of persons with more than one number.
async fn complete_numbers(
    context: &Context,
    mut numbers: Numbers,
    persons: &[StoredPerson],
) -> Result<Numbers, FlowError> {
    let mut wanted = BTreeSet::new();
    for person in persons {
        let claims = person.members.iter();
        let claims = claims.filter_map(|member| member.standard.nhs_number);
        let own: BTreeSet<NumberHash> = claims.map(|claim| number_hash(claim.number)).collect();
        if own.len() > 1 {
            wanted.extend(own);
        }
    }
    if !wanted.is_empty() {
        let wanted: Vec<NumberHash> = wanted.into_iter().collect();
        let chains = context.store.number_chains(&wanted, None).await?;
        for (replaced, by) in chains.replacements {
            numbers.replacements.entry(replaced).or_default().extend(by);
        }
    }
    Ok(numbers)
}

impl Numbers {
    /// All of them, for the commit to read again.
    pub(super) fn hashes(&self, record: &StandardRecord) -> Vec<NumberHash> {
        let own = record.nhs_number.map(|claim| number_hash(claim.number));
        let chained = self.replacements.keys().copied();
        own.into_iter().chain(chained).collect()
    }
}

/// The members of a person as they are compared: with the numbers that stand.
pub(super) fn compared_members(
    replacements: &Replacements,
    record: &StandardRecord,
    person: &StoredPerson,
) -> Vec<Arc<StandardRecord>> {
    let members = person.members.iter();
    let members: Vec<Arc<StandardRecord>> =
        members.map(|member| Arc::clone(&member.standard)).collect();
    let live = LiveNumbers::of(replacements, record, &members);
    members.iter().map(|member| live.resolve(member)).collect()
}

/// Brings who was found, and with `beyond_index` also the rows that came after
/// the index. A commit reads those again under its own lock.
async fn fetch(
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
