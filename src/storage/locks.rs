//! What a transaction locks where several processes write: a pure function of
//! what its commands name, so that two processes that could join the same
//! records always share a lock (DESIGN §4).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::foundation::PersonId;
use crate::registry::SourceCode;
use crate::storage::command::Queued;

/// What a batch changes that its commands need not name: locked once it is
/// known, after all keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Persons that stood before.
    pub(super) persons: BTreeSet<PersonId>,
    /// Sources whose quarantine begins or ends.
    pub(super) sources: BTreeSet<SourceCode>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.persons.is_empty() && self.sources.is_empty()
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.persons.is_subset(&other.persons) && self.sources.is_subset(&other.sources)
    }

    pub(super) fn extend(&mut self, more: &Self) {
        self.persons.extend(more.persons.iter().copied());
        self.sources.extend(more.sources.iter().cloned());
    }

    /// Their locks in sorted order, all below zero: no key has the same.
    pub(super) fn locks(&self) -> Vec<i64> {
        let persons = self.persons.iter();
        let persons = persons.map(|person| !named("person", &person.to_string(), ""));
        let sources = self.sources.iter();
        let sources = sources.map(|source| !named("source", source.as_str(), ""));
        let locks: BTreeSet<i64> = persons.chain(sources).collect();
        locks.into_iter().collect()
    }
}

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
        if let Some((human, _)) = &read.merging {
            locks.insert(named("merging", human, ""));
        }
        if let Some((actor, key)) = &read.idempotency {
            locks.insert(named("idempotency", actor, key));
        }
    }
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
