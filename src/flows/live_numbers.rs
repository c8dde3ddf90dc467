//! Numbers that stand for one another (R16): under which a record is looked for too,
//! and with which it is compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flows::prepare::{Found, LookedUp, fetch};
use crate::flows::{Context, FlowError};
use crate::foundation::RecordNumber;
use crate::identity::{NhsNumber, NhsNumberClaim, NumberStatus, StandardRecord};
use crate::index::{RetrievalBounds, Retrieved};
use crate::matching::{BlockingKey, BlockingKeys, KeyKind, Probe};
use crate::registry::{
    LiveNumbers, NumberHash, Replacement, Replacements, carried_number, number_hash,
};
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
        replacements,
        others,
    })
}

/// Looks for those, too, who have a number that this one stands for.
pub(super) async fn look_up_numbers(
    context: &Context,
    mut looked_up: LookedUp,
    numbers: &Numbers,
) -> Result<LookedUp, FlowError> {
    let Some((keys, found)) = retrieve_others(context, numbers).await? else {
        return Ok(looked_up);
    };
    let retrieved = &mut looked_up.retrieved;
    retrieved.records.extend(found.records);
    retrieved.records.sort_unstable();
    retrieved.records.dedup();
    retrieved.probes.extend(found.probes);
    retrieved.position = retrieved.position.min(found.position);
    looked_up.keys.probes.extend(keys.probes);
    Ok(looked_up)
}

/// What the index holds under the other numbers.
async fn retrieve_others(
    context: &Context,
    numbers: &Numbers,
) -> Result<Option<(BlockingKeys, Retrieved)>, FlowError> {
    if numbers.others.is_empty() {
        return Ok(None);
    }
    let probe = |hash: &u64| Probe {
        key: BlockingKey {
            kind: KeyKind::NhsNumber,
            hash: *hash,
        },
        facets: Vec::new(),
    };
    let keys = BlockingKeys {
        probes: numbers.others.iter().map(probe).collect(),
        ..BlockingKeys::default()
    };
    let (own, asked) = (context.clone(), keys.clone());
    let found = context
        .pool
        .run(move || own.index.retrieve(&asked, &RetrievalBounds::default()))
        .await??;
    Ok(Some((keys, found)))
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

/// A number that is searched for, with those that stand for it or that it stands for.
pub(super) struct SoughtNumber {
    asked: StandardRecord,
    numbers: Numbers,
}

impl SoughtNumber {
    /// With what is known of the number today; no number has no others.
    pub(super) async fn of(
        context: &Context,
        number: Option<NhsNumber>,
    ) -> Result<Self, FlowError> {
        let status = NumberStatus::NotTraced;
        let asked = StandardRecord {
            nhs_number: number.map(|number| NhsNumberClaim { number, status }),
            ..StandardRecord::default()
        };
        let numbers = numbers_of(context, &asked, None).await?;
        Ok(Self { asked, numbers })
    }

    /// Records in the index that carry one of the other numbers, and whether these
    /// are all.
    pub(super) async fn records(
        &self,
        context: &Context,
    ) -> Result<(Vec<RecordNumber>, bool), FlowError> {
        let found = retrieve_others(context, &self.numbers).await?;
        Ok(found.map_or((Vec::new(), true), |(_, found)| {
            let complete = found.complete();
            (found.records, complete)
        }))
    }

    /// The record as it is compared with the number that is sought.
    pub(super) fn resolve(&self, record: &Arc<StandardRecord>) -> Arc<StandardRecord> {
        let alone = std::slice::from_ref(record);
        LiveNumbers::of(&self.numbers.replacements, &self.asked, alone).resolve(record)
    }
}

/// The chains that the numbers of these persons belong to.
pub(super) async fn chains_of(
    context: &Context,
    members: impl Iterator<Item = &StandardRecord>,
) -> Result<Replacements, FlowError> {
    let numbers: BTreeSet<NumberHash> = members.filter_map(carried_number).collect();
    if numbers.len() < 2 {
        return Ok(Replacements::new());
    }
    let numbers: Vec<NumberHash> = numbers.into_iter().collect();
    let chains = context.store.number_chains(&numbers, None).await?;
    Ok(chains.replacements)
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
