//! Numbers that stand for one another (R16): under which a record is looked for too,
//! and with which it is compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flows::prepare::{Found, LookedUp, fetch};
use crate::flows::{Context, FlowError};
use crate::identity::StandardRecord;
use crate::index::RetrievalBounds;
use crate::matching::{BlockingKey, BlockingKeys, KeyKind, Probe};
use crate::registry::{LiveNumbers, NumberHash, Replacement, Replacements, number_hash};
use crate::storage::StoredPerson;

/// Numbers that stand for one another, as far as they concern a record (R16).
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    pub(super) replacements: Replacements,
    /// Hashes of the other numbers under which the record is looked for.
    others: Vec<u64>,
}

/// The chains that a record's number belongs to, with what its message says.
pub(super) async fn numbers_of(
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
pub(super) async fn look_up_numbers(
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
) -> Result<(Found, Numbers), FlowError> {
    let numbers = numbers_of(context, record, said).await?;
    let looked_up = look_up_numbers(context, looked_up, &numbers).await?;
    let found = fetch(context, looked_up).await?;
    let numbers = complete_numbers(context, numbers, &found.persons).await?;
    Ok((found, numbers))
}

/// Completes the chains by those of persons with more than one number.
pub(super) async fn complete_numbers(
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
