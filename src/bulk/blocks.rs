//! Pairs of records that meet under a rule. Keys are sorted, so that a block
//! is a run; a block that holds too many is divided by the next field, and
//! what cannot be divided further is compared with its neighbours and listed.

use rayon::prelude::*;

use crate::bulk::hashing::joined;
use crate::bulk::keys::{Codes, RULES, Rule};

/// Records of a block that are all compared with each other, where the block is
/// of a small file or divided already.
const BLOCK_RECORDS_MAX: usize = 100;

/// The same of blocks that are not divided yet, in the largest files.
const BLOCK_RECORDS_MIN: usize = 12;

/// In larger files fewer records of a block are compared as they stand.
const SMALL_FILE_RECORDS: f64 = 30_000.0;

/// In a block that cannot be divided each record meets so many neighbours.
const NEIGHBOURS: usize = 30;

/// Below it every record is compared with every other.
const SMALL_FILE_PAIRS: u64 = 1_000_000;

/// A block in which not every pair was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OversizedBlock {
    /// The rule.
    pub rule: &'static str,
    /// Records in it.
    pub records: usize,
    /// Whether it was divided by further fields; else neighbours were compared.
    pub sharpened: bool,
}

/// Pairs to compare, each once, and what was not.
#[derive(Default)]
pub(super) struct Met {
    /// Lower record in the upper half.
    pub(super) pairs: Vec<u64>,
    pub(super) oversized: Vec<OversizedBlock>,
    /// Pairs at the last tidying.
    unique: usize,
}

/// Two records as one number.
pub(super) const fn pair_of(a: u32, b: u32) -> u64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    ((low as u64) << 32) | high as u64
}

/// The two records of a pair.
#[expect(clippy::cast_possible_truncation, reason = "each half is a record")]
pub(super) const fn records_of(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// Whether two records may be one person at all in this run.
pub(super) type MayMeet<'a> = &'a (dyn Fn(u32, u32) -> bool + Sync);

/// Records of a block that is not divided yet and is compared as it stands. The
/// records of one person grow no more with the file, but those that share a key
/// by chance do: of a large block of a large file hardly any pair is of one
/// person, and what is asks little of a further field.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between the two bounds"
)]
fn undivided_max(records: u32) -> usize {
    let share = (SMALL_FILE_RECORDS / f64::from(records.max(1)))
        .sqrt()
        .min(1.0);
    ((BLOCK_RECORDS_MAX as f64 * share) as usize).max(BLOCK_RECORDS_MIN)
}

/// All pairs that meet under any rule. `progress` is told how many rules are
/// done.
pub(super) fn meet(
    codes: &Codes<'_>,
    records: u32,
    may_meet: MayMeet<'_>,
    progress: &dyn Fn(u64),
) -> Met {
    if u64::from(records) * u64::from(records.saturating_sub(1)) / 2 <= SMALL_FILE_PAIRS {
        return all(records, may_meet);
    }
    let mut met = Met::default();
    let lacking: Vec<bool> = (0..records)
        .into_par_iter()
        .map(|record| codes.lacks_a_field(record))
        .collect();
    let most = undivided_max(records);
    for (done, rule) in (0..).zip(RULES) {
        progress(done);
        let keyed = blocks_of(codes, rule, records, rule.broad.then_some(&lacking));
        let blocks: Vec<&[u64]> = keyed
            .chunk_by(|a, b| a >> RECORD_BITS == b >> RECORD_BITS)
            .filter(|block| block.len() > 1)
            .collect();
        let found: Vec<Met> = blocks
            .par_chunks(BLOCKS_PER_CHUNK)
            .map(|blocks| {
                let mut division = Division {
                    codes,
                    rule,
                    most,
                    lacking: rule.broad.then_some(&lacking),
                    may_meet,
                    found: Met::default(),
                };
                for block in blocks {
                    division.divide(0, block);
                }
                division.found
            })
            .collect();
        for found in found {
            met = met.with(found);
        }
        if met.pairs.len() > 2 * met.unique.max(PAIRS_BETWEEN_SORTS) {
            met.tidy();
        }
    }
    met.tidy();
    met.oversized
        .sort_by(|a, b| (b.records, a.rule, a.sharpened).cmp(&(a.records, b.rule, b.sharpened)));
    met
}

/// A key in the upper half, a record in the lower one. Two keys share 32 bits
/// once in four thousand million: such records meet for nothing.
const RECORD_BITS: u32 = 32;

const fn keyed(key: u64, record: u32) -> u64 {
    (key >> RECORD_BITS << RECORD_BITS) | record as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn record_of(keyed: u64) -> u32 {
    keyed as u32
}

/// The keys of a rule with their records, sorted. Of a broad rule, keys that
/// no record that lacks something has are left out.
fn blocks_of(
    codes: &Codes<'_>,
    rule: &Rule,
    records: u32,
    lacking: Option<&Vec<bool>>,
) -> Vec<u64> {
    let wanted = lacking.map(|lacking| Wanted::of(codes, rule, lacking));
    let is_wanted = |key: u64| wanted.as_ref().is_none_or(|wanted| wanted.has(key));
    let chunks: Vec<Vec<u64>> = (0..records.div_ceil(RECORDS_PER_CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut found = Vec::new();
            let first = chunk * RECORDS_PER_CHUNK;
            for record in first..records.min(first + RECORDS_PER_CHUNK) {
                codes.each_key(record, rule, |key| {
                    if is_wanted(key) {
                        found.push(keyed(key, record));
                    }
                });
            }
            found
        })
        .collect();
    sorted_by_bits(&chunks)
}

/// Keys of records that lack something, by some of their bits: one that is not
/// in it is wanted by nobody.
struct Wanted {
    bits: Vec<u64>,
    shift: u32,
}

/// Bits of [`Wanted`] for each key.
const BITS_PER_KEY: usize = 16;

impl Wanted {
    fn of(codes: &Codes<'_>, rule: &Rule, lacking: &[bool]) -> Self {
        let mut keys = Vec::new();
        for (record, _) in (0..).zip(lacking).filter(|(_, lacks)| **lacks) {
            codes.each_key(record, rule, |key| keys.push(key));
        }
        let size = (keys.len() * BITS_PER_KEY).next_power_of_two().max(64);
        let mut wanted = Self {
            bits: vec![0; size / 64],
            shift: 64 - size.trailing_zeros(),
        };
        for key in keys {
            let (word, bit) = wanted.place(key);
            wanted.bits[word] |= bit;
        }
        wanted
    }

    fn place(&self, key: u64) -> (usize, u64) {
        let place = key >> self.shift;
        ((place / 64) as usize, 1 << (place % 64))
    }

    fn has(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word] & bit != 0
    }
}

/// Blocks that one thread takes at a time.
const BLOCKS_PER_CHUNK: usize = 1_024;

/// Records whose keys one thread makes at a time.
const RECORDS_PER_CHUNK: u32 = 16_384;

/// Pairs are sorted again when so many have come.
const PAIRS_BETWEEN_SORTS: usize = 1 << 20;

/// Leading bits by which values are dealt out before each heap is sorted.
const DEALT_BITS: u32 = 10;

/// Sorted numbers of several lists. They must be spread over all 64 bits for
/// the heaps to be of like size.
fn sorted_by_bits(lists: &[Vec<u64>]) -> Vec<u64> {
    let heap = |value: u64| (value >> (64 - DEALT_BITS)) as usize;
    let mut counts = vec![0_usize; 1 << DEALT_BITS];
    for value in lists.iter().flatten() {
        counts[heap(*value)] += 1;
    }
    let mut next = Vec::with_capacity(counts.len());
    let mut total = 0;
    for count in &counts {
        next.push(total);
        total += count;
    }
    let mut all = vec![0; total];
    for value in lists.iter().flatten() {
        let place = &mut next[heap(*value)];
        all[*place] = *value;
        *place += 1;
    }
    let mut rest = all.as_mut_slice();
    let mut heaps = Vec::with_capacity(counts.len());
    for count in counts {
        let (heap, left) = rest.split_at_mut(count);
        heaps.push(heap);
        rest = left;
    }
    heaps.into_par_iter().for_each(<[u64]>::sort_unstable);
    all
}

/// Every pair of a file so small that nobody need be left out.
fn all(records: u32, may_meet: MayMeet<'_>) -> Met {
    let pairs = (0..records)
        .into_par_iter()
        .flat_map_iter(|a| {
            (a + 1..records)
                .filter(move |b| may_meet(a, *b))
                .map(move |b| pair_of(a, b))
        })
        .collect();
    Met {
        pairs,
        ..Met::default()
    }
}

impl Met {
    fn with(mut self, mut other: Self) -> Self {
        self.pairs.append(&mut other.pairs);
        self.oversized.append(&mut other.oversized);
        self
    }

    fn tidy(&mut self) {
        self.pairs.par_sort_unstable();
        self.pairs.dedup();
        self.unique = self.pairs.len();
    }
}

/// Blocks of a rule on their way to pairs.
struct Division<'a> {
    codes: &'a Codes<'a>,
    rule: &'static Rule,
    /// Records of a block that is compared as it stands.
    most: usize,
    /// Records that lack something, where only they are to meet.
    lacking: Option<&'a Vec<bool>>,
    may_meet: MayMeet<'a>,
    found: Met,
}

impl Division<'_> {
    fn take(&mut self, a: u32, b: u32) {
        let lacks = |record: u32| self.lacking.is_none_or(|lacking| lacking[record as usize]);
        if a != b && (lacks(a) || lacks(b)) && (self.may_meet)(a, b) {
            self.found.pairs.push(pair_of(a, b));
        }
    }

    /// Pairs of a block; one with too many records is divided by the next field.
    fn divide(&mut self, depth: usize, block: &[u64]) {
        let most = if depth == 0 {
            self.most
        } else {
            BLOCK_RECORDS_MAX
        };
        if block.len() <= most {
            for (place, a) in block.iter().enumerate() {
                for b in &block[place + 1..] {
                    self.take(record_of(*a), record_of(*b));
                }
            }
            return;
        }
        let Some(part) = self.rule.sharper.get(depth) else {
            return self.neighbours(block);
        };
        if depth == 0 {
            self.list(block.len(), true);
        }
        let mut sharper = Vec::with_capacity(block.len());
        for member in block {
            let record = record_of(*member);
            let values = self.codes.values(record, *part);
            if values.all().is_empty() {
                sharper.push(keyed(0, record));
            }
            let keys = values.all().iter().map(|value| joined(1, *value));
            sharper.extend(keys.map(|key| keyed(key, record)));
        }
        sharper.sort_unstable();
        for block in sharper.chunk_by(|a, b| a >> RECORD_BITS == b >> RECORD_BITS) {
            self.divide(depth + 1, block);
        }
    }

    /// What cannot be divided further: each record meets those next to it.
    fn neighbours(&mut self, block: &[u64]) {
        for (place, a) in block.iter().enumerate() {
            for b in block[place + 1..].iter().take(NEIGHBOURS) {
                self.take(record_of(*a), record_of(*b));
            }
        }
        self.list(block.len(), false);
    }

    fn list(&mut self, records: usize, sharpened: bool) {
        self.found.oversized.push(OversizedBlock {
            rule: self.rule.name,
            records,
            sharpened,
        });
    }
}
