//! What a transaction locks where several processes write: a pure function of
//! what its commands name, so that two processes that could join the same
//! records always share a lock (DESIGN §4).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::foundation::PersonId;
use crate::storage::command::Queued;

/// Locks of the commands' keys in sorted order, none below zero: the blocking
/// keys, the records they name, their idempotency keys.
pub(super) fn key_locks(batch: &[Queued]) -> Vec<i64> {
    let mut locks = BTreeSet::new();
    for read in batch.iter().filter_map(|command| command.read.as_ref()) {
        let keys = read.keys.iter().chain(&read.locks);
        locks.extend(keys.map(|key| upper_half(*key)));
        for (source, local_id) in &read.records {
            locks.insert(named("record", source.as_str(), local_id.as_str()));
        }
        if let Some((actor, key)) = &read.idempotency {
            locks.insert(named("idempotency", actor, key));
        }
    }
    locks.into_iter().collect()
}

/// Locks of persons in sorted order, all below zero: no key has the same.
pub(super) fn person_locks(persons: &BTreeSet<PersonId>) -> Vec<i64> {
    let lock = |person: &PersonId| !named("person", &person.to_string(), "");
    let locks: BTreeSet<i64> = persons.iter().map(lock).collect();
    locks.into_iter().collect()
}

fn named(kind: &str, first: &str, second: &str) -> i64 {
    let mut hash = Sha256::new();
    for part in [kind, first, second] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut head = [0_u8; 8];
    head.copy_from_slice(&digest[..8]);
    upper_half(u64::from_be_bytes(head))
}

const fn upper_half(hash: u64) -> i64 {
    (hash >> 1).cast_signed()
}
