//! Pairs of records that meet under a rule. Keys are sorted, so that a block
//! is a run; a block that holds too many is divided by the next field, and
//! what cannot be divided further is compared with its neighbours and listed.

use rayon::prelude::*;

use crate::bulk::hashing::joined;
use crate::bulk::keys::{Codes, RULES, Rule};

/// Records of a block that are all compared with each other.
const BLOCK_RECORDS_MAX: usize = 100;

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

/// All pairs that meet under any rule.
pub(super) fn meet(codes: &Codes<'_>, records: u32, may_meet: MayMeet<'_>) -> Met {
    if u64::from(records) * u64::from(records.saturating_sub(1)) / 2 <= SMALL_FILE_PAIRS {
        return all(records, may_meet);
    }
    let mut met = Met::default();
    let lacking: Vec<bool> = (0..records)
        .into_par_iter()
        .map(|record| codes.lacks_a_field(record))
        .collect();
    let lacks = |record: u32| lacking[record as usize];
    for rule in RULES {
        let blocks = blocks_of(codes, rule, records);
        let lacking = |block: &&[(u64, u32)]| block.iter().any(|(_, record)| lacks(*record));
        let blocks: Vec<&[(u64, u32)]> = blocks
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|block| block.len() > 1 && (!rule.broad || lacking(block)))
            .collect();
        let broadly = |a: u32, b: u32| (lacks(a) || lacks(b)) && may_meet(a, b);
        let may: MayMeet<'_> = if rule.broad { &broadly } else { may_meet };
        let found = blocks
            .par_chunks(BLOCKS_PER_CHUNK)
            .map(|blocks| {
                let mut found = Met::default();
                for block in blocks {
                    let members: Vec<u32> = block.iter().map(|(_, record)| *record).collect();
                    divide(codes, rule, 0, &members, may, &mut found);
                }
                found
            })
            .reduce(Met::default, Met::with);
        met = met.with(found);
        if met.pairs.len() > 2 * met.unique.max(PAIRS_BETWEEN_SORTS) {
            met.tidy();
        }
    }
    met.tidy();
    met.oversized
        .sort_by(|a, b| (b.records, a.rule, a.sharpened).cmp(&(a.records, b.rule, b.sharpened)));
    met
}

/// The keys of a rule with their records, sorted.
fn blocks_of(codes: &Codes<'_>, rule: &Rule, records: u32) -> Vec<(u64, u32)> {
    let chunks: Vec<Vec<(u64, u32)>> = (0..records.div_ceil(RECORDS_PER_CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut keyed = Vec::new();
            let first = chunk * RECORDS_PER_CHUNK;
            for record in first..records.min(first + RECORDS_PER_CHUNK) {
                codes
                    .values(record)
                    .each_key(rule, |key| keyed.push((key, record)));
            }
            keyed
        })
        .collect();
    sorted_by_bits(&chunks, |keyed| keyed.0)
}

/// Blocks that one thread takes at a time.
const BLOCKS_PER_CHUNK: usize = 1_024;

/// Records whose keys one thread makes at a time.
const RECORDS_PER_CHUNK: u32 = 16_384;

/// Pairs are sorted again when so many have come.
const PAIRS_BETWEEN_SORTS: usize = 1 << 20;

/// Leading bits by which values are dealt out before each heap is sorted.
const DEALT_BITS: u32 = 10;

/// Sorted values of several lists. `bits` must be spread over all 64 bits for
/// the heaps to be of like size, and must order as the values do.
fn sorted_by_bits<T: Copy + Default + Ord + Send>(
    lists: &[Vec<T>],
    bits: impl Fn(&T) -> u64 + Sync,
) -> Vec<T> {
    let heap = |value: &T| (bits(value) >> (64 - DEALT_BITS)) as usize;
    let mut counts = vec![0_usize; 1 << DEALT_BITS];
    for value in lists.iter().flatten() {
        counts[heap(value)] += 1;
    }
    let mut next = Vec::with_capacity(counts.len());
    let mut total = 0;
    for count in &counts {
        next.push(total);
        total += count;
    }
    let mut all = vec![T::default(); total];
    for value in lists.iter().flatten() {
        let place = &mut next[heap(value)];
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
    heaps.into_par_iter().for_each(<[T]>::sort_unstable);
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

fn divide(
    codes: &Codes<'_>,
    rule: &'static Rule,
    depth: usize,
    members: &[u32],
    may_meet: MayMeet<'_>,
    found: &mut Met,
) {
    if members.len() <= BLOCK_RECORDS_MAX {
        for (place, a) in members.iter().enumerate() {
            for b in &members[place + 1..] {
                if a != b && may_meet(*a, *b) {
                    found.pairs.push(pair_of(*a, *b));
                }
            }
        }
        return;
    }
    let Some(part) = rule.sharper.get(depth) else {
        let window = members.windows(NEIGHBOURS.min(members.len()));
        for near in window {
            for b in near[1..].iter().filter(|b| may_meet(near[0], **b)) {
                found.pairs.push(pair_of(near[0], *b));
            }
        }
        found.oversized.push(OversizedBlock {
            rule: rule.name,
            records: members.len(),
            sharpened: false,
        });
        return;
    };
    if depth == 0 {
        found.oversized.push(OversizedBlock {
            rule: rule.name,
            records: members.len(),
            sharpened: true,
        });
    }
    let mut keyed = Vec::with_capacity(members.len());
    for record in members {
        let values = codes.values(*record);
        let values = values.of(*part);
        if values.is_empty() {
            keyed.push((0, *record));
        }
        keyed.extend(values.iter().map(|value| (joined(1, *value), *record)));
    }
    keyed.sort_unstable();
    for block in keyed.chunk_by(|a, b| a.0 == b.0) {
        let members: Vec<u32> = block.iter().map(|(_, record)| *record).collect();
        divide(codes, rule, depth + 1, &members, may_meet, found);
    }
}
