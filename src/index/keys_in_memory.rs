//! The same look-ups as in the index, over records of which nothing is written
//! yet: what a load of an empty ledger asks instead of it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::retrieve::{Holdings, retrieve};
use crate::index::{IndexError, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKey, BlockingKeys, FACET_BIT, Facet};

/// Parts that are filled side by side.
const SHARDS: usize = 16;
/// The last entry of a list.
const END: u32 = u32::MAX;

/// Records by key, in the order in which they came. They are numbered from zero:
/// a record found is its place in that order.
#[derive(Debug)]
pub struct KeysInMemory {
    shards: Vec<Shard>,
    /// Facets of each record, one record after another.
    facets: Vec<u64>,
    /// Where those of each record end.
    facet_ends: Vec<u32>,
}

/// Keys whose hashes end alike. The lists of all stand in one row: most hold one
/// record or two, and a list of its own for each would be mostly room.
#[derive(Debug, Default)]
struct Shard {
    lists: HashMap<u64, List, BuildHasherDefault<AsItIs>>,
    records: Vec<u32>,
    next: Vec<u32>,
}

/// What stands under a key.
pub(super) enum Holding {
    /// All.
    Whole(List),
    /// Those that have some facets, in order.
    Part(Vec<u32>),
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
            facets: Vec::new(),
            facet_ends: Vec::new(),
        }
    }
}

impl KeysInMemory {
    /// Takes the keys of records that come after all before them, in order.
    pub fn extend(&mut self, entries: &[(u32, &[u64])]) {
        for (record, keys) in entries {
            // One that is found under no key has none.
            self.facet_ends.resize(*record as usize, self.facets_end());
            let facets = keys.iter().filter(|key| *key & FACET_BIT != 0);
            self.facets.extend(facets);
            self.facet_ends.push(self.facets_end());
        }
        self.shards
            .par_iter_mut()
            .enumerate()
            .for_each(|(number, shard)| {
                for (record, keys) in entries {
                    for key in own_keys(keys, number) {
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

    fn facets_end(&self) -> u32 {
        u32::try_from(self.facets.len()).unwrap_or(END)
    }

    fn has(&self, record: u32, facet: Facet) -> bool {
        let end = |record: usize| self.facet_ends.get(record).copied().unwrap_or_default();
        let start = (record as usize).checked_sub(1).map_or(0, end);
        let own = self
            .facets
            .get(start as usize..end(record as usize) as usize);
        own.is_some_and(|own| own.contains(&facet.0))
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
    type Holding = Holding;
    type Place = RecordNumber;

    fn position(&self) -> EventPosition {
        EventPosition::default()
    }

    fn holding(&self, key: &BlockingKey) -> Result<Holding, IndexError> {
        let list = self.shards[shard_of(key.hash)].lists.get(&key.hash);
        Ok(Holding::Whole(list.copied().unwrap_or(List {
            first: END,
            last: END,
            held: 0,
            shard: 0,
        })))
    }

    fn narrowed(&self, holding: &Holding, facet: Facet) -> Result<Holding, IndexError> {
        let has = |record: &u32| self.has(*record, facet);
        Ok(Holding::Part(match holding {
            Holding::Whole(list) => self.records(list).filter(has).collect(),
            Holding::Part(records) => records.iter().copied().filter(has).collect(),
        }))
    }

    fn held(holding: &Holding) -> u64 {
        match holding {
            Holding::Whole(list) => u64::from(list.held),
            Holding::Part(records) => records.len() as u64,
        }
    }

    fn first_records(
        &self,
        holding: &Holding,
        bound: usize,
    ) -> Result<Vec<(RecordNumber, RecordNumber)>, IndexError> {
        let numbered = |record: u32| {
            let record = RecordNumber(i64::from(record));
            (record, record)
        };
        Ok(match holding {
            Holding::Whole(list) => self.records(list).take(bound).map(numbered).collect(),
            Holding::Part(records) => {
                let first = records.iter().copied().take(bound);
                first.map(numbered).collect()
            }
        })
    }

    fn count_among(&self, holding: &Holding, places: &[RecordNumber]) -> Result<u64, IndexError> {
        let among = |record: &u32| {
            let record = RecordNumber(i64::from(*record));
            places.binary_search(&record).is_ok()
        };
        Ok(match holding {
            Holding::Whole(list) => self.records(list).filter(among).count() as u64,
            Holding::Part(records) => records.iter().filter(|it| among(it)).count() as u64,
        })
    }
}

/// Those of a shard.
fn own_keys(keys: &[u64], shard: usize) -> impl Iterator<Item = &u64> {
    keys.iter()
        .filter(move |key| *key & FACET_BIT == 0 && shard_of(**key) == shard)
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
    use crate::matching::{BlockingKey, BlockingKeys, FACET_BIT, Facet, KeyKind, Probe};

    fn key(hash: u64) -> BlockingKey {
        BlockingKey {
            kind: KeyKind::Phone,
            hash,
        }
    }

    #[test]
    fn memory_gives_what_the_index_gives() {
        // Key 1 holds all, 3 one of twenty; facet 2 has every third, 5 every fifth, 4 nobody.
        let facet = |number: u64| Facet(number | FACET_BIT);
        let keys: Vec<Vec<u64>> = (0..40_u64)
            .map(|record| {
                let held = [(1, 1), (3, 20), (facet(2).0, 3), (facet(5).0, 5)];
                let shared = held.into_iter();
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
                probes: vec![
                    Probe {
                        key: key(1),
                        facets: vec![facet(4), facet(2), facet(5)],
                    },
                    Probe {
                        key: key(3),
                        facets: Vec::new(),
                    },
                ],
                ..BlockingKeys::default()
            };
            let expected = index.retrieve(&asked, &bounds).expect("retrieved");
            let found = memory.retrieve(&asked, &bounds).expect("retrieved");
            assert_eq!(found, expected, "{bounds:?}");
        }
    }
}
