//! The same look-ups as in the index, over records of which nothing is written
//! yet: what a load of an empty ledger asks instead of it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::retrieve::{Holdings, retrieve};
use crate::index::{IndexError, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKey, BlockingKeys};

/// Parts that are filled side by side.
const SHARDS: usize = 16;
/// The last entry of a list.
const END: u32 = u32::MAX;

/// Records by key, in the order in which they came. They are numbered from zero:
/// a record found is its place in that order.
#[derive(Debug)]
pub struct KeysInMemory {
    shards: Vec<Shard>,
}

/// Keys whose hashes end alike. The lists of all stand in one row: most hold one
/// record or two, and a list of its own for each would be mostly room.
#[derive(Debug, Default)]
struct Shard {
    lists: HashMap<u64, List, BuildHasherDefault<AsItIs>>,
    records: Vec<u32>,
    next: Vec<u32>,
}

/// The records under a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    first: u32,
    last: u32,
    held: u32,
    shard: u32,
}

impl Default for KeysInMemory {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }
}

impl KeysInMemory {
    /// Takes the keys of records that come after all before them, in order.
    pub fn extend(&mut self, entries: &[(u32, &[u64])]) {
        self.shards
            .par_iter_mut()
            .enumerate()
            .for_each(|(number, shard)| {
                for (record, keys) in entries {
                    for key in keys.iter().filter(|key| shard_of(**key) == number) {
                        shard.push(number, *key, *record);
                    }
                }
            });
    }

    /// The records to compare with, as the index would give them.
    ///
    /// # Errors
    /// None that can happen; the index has some.
    pub fn retrieve(
        &self,
        keys: &BlockingKeys,
        bounds: &RetrievalBounds,
    ) -> Result<Retrieved, IndexError> {
        retrieve(self, keys, bounds)
    }

    fn records(&self, list: &List) -> impl Iterator<Item = u32> + '_ {
        let shard = &self.shards[list.shard as usize];
        let first = Some(list.first).filter(|entry| *entry != END);
        std::iter::successors(first, |entry| {
            Some(shard.next[*entry as usize]).filter(|next| *next != END)
        })
        .map(|entry| shard.records[entry as usize])
    }
}

impl Shard {
    fn push(&mut self, number: usize, key: u64, record: u32) {
        let entry = u32::try_from(self.records.len()).unwrap_or(END);
        let list = self.lists.entry(key).or_insert(List {
            first: END,
            last: END,
            held: 0,
            shard: u32::try_from(number).unwrap_or(0),
        });
        if list.held == 0 {
            list.first = entry;
        } else if self.records[list.last as usize] == record {
            // A key that a record has twice counts once.
            return;
        } else {
            self.next[list.last as usize] = entry;
        }
        list.last = entry;
        list.held += 1;
        self.records.push(record);
        self.next.push(END);
    }
}

impl Holdings for KeysInMemory {
    type Holding = List;
    type Place = RecordNumber;

    fn position(&self) -> EventPosition {
        EventPosition::default()
    }

    fn holding(&self, key: &BlockingKey) -> Result<List, IndexError> {
        let list = self.shards[shard_of(key.hash)].lists.get(&key.hash);
        Ok(list.copied().unwrap_or(List {
            first: END,
            last: END,
            held: 0,
            shard: 0,
        }))
    }

    fn held(list: &List) -> u64 {
        u64::from(list.held)
    }

    fn first_records(
        &self,
        list: &List,
        bound: usize,
    ) -> Result<Vec<(RecordNumber, RecordNumber)>, IndexError> {
        let records = self.records(list).take(bound);
        let records = records.map(|record| RecordNumber(i64::from(record)));
        Ok(records.map(|record| (record, record)).collect())
    }

    fn count_among(&self, list: &List, places: &[RecordNumber]) -> Result<u64, IndexError> {
        let among = |record: &u32| {
            let record = RecordNumber(i64::from(*record));
            places.binary_search(&record).is_ok()
        };
        Ok(self.records(list).filter(among).count() as u64)
    }
}

fn shard_of(key: u64) -> usize {
    usize::try_from(key % SHARDS as u64).unwrap_or(0)
}

/// Keys are hashes already; their upper bits serve the table.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.rotate_right(4);
    }
}

#[cfg(test)]
mod tests {
    use super::KeysInMemory;
    use crate::foundation::RecordNumber;
    use crate::index::{CandidateIndex, IndexEntry, RetrievalBounds};
    use crate::matching::{BlockingKey, BlockingKeys, KeyKind, Probe};

    fn key(hash: u64) -> BlockingKey {
        BlockingKey {
            kind: KeyKind::Phone,
            hash,
        }
    }

    #[test]
    fn memory_gives_what_the_index_gives() {
        // Key 1 holds all, 2 every third, 3 one of twenty, 4 nobody.
        let keys: Vec<Vec<u64>> = (0..40_u64)
            .map(|record| {
                let shared = [(1, 1), (2, 3), (3, 20)].into_iter();
                let shared = shared.filter(|(_, every)| record % every == 0);
                shared.map(|(key, _)| key).collect()
            })
            .collect();
        let mut memory = KeysInMemory::default();
        let (early, late) = keys.split_at(25);
        for (start, part) in [(0, early), (25, late)] {
            let entries = part.iter().zip(start..);
            let entries: Vec<(u32, &[u64])> = entries
                .map(|(keys, record)| (record, keys.as_slice()))
                .collect();
            memory.extend(&entries);
        }
        let index = CandidateIndex::in_memory().expect("an index");
        let entries: Vec<IndexEntry> = keys
            .iter()
            .zip(0..)
            .map(|(keys, record)| IndexEntry {
                record: RecordNumber(record),
                keys: keys.clone(),
                search: Vec::new(),
            })
            .collect();
        index.apply(&entries, &[]).expect("applied");
        index
            .commit(crate::foundation::EventPosition(0))
            .expect("committed");

        for (records_per_key, records_total) in [(64, 400), (10, 400), (10, 12), (3, 5)] {
            let bounds = RetrievalBounds {
                records_per_key,
                records_total,
            };
            let asked = BlockingKeys {
                stored: Vec::new(),
                probes: vec![
                    Probe {
                        key: key(1),
                        sharper: vec![key(4), key(2)],
                    },
                    Probe {
                        key: key(3),
                        sharper: Vec::new(),
                    },
                ],
            };
            let expected = index.retrieve(&asked, &bounds).expect("retrieved");
            let found = memory.retrieve(&asked, &bounds).expect("retrieved");
            assert_eq!(found, expected, "{bounds:?}");
        }
    }
}
