//! Blocks of records that meet under a rule. Keys are sorted, so that a block
//! is a run; a block that holds too many is divided by the next field, and
//! what cannot be divided further is compared with its neighbours and listed.
//! Blocks are kept, and not their pairs, which are many times as many.

use rayon::prelude::*;

use crate::bulk::hashing::joined;
use crate::bulk::keys::Codes;
use crate::bulk::rules::{RULES, Rule};

/// Records of a block that are all compared with each other, where the block is
/// of a small file or divided already.
const BLOCK_RECORDS_MAX: usize = 100;

/// The same of blocks that are not divided yet, in the largest files.
const BLOCK_RECORDS_MIN: usize = 12;

/// In larger files fewer records of a block are compared as they stand.
const SMALL_FILE_RECORDS: f64 = 30_000.0;

/// In a block that cannot be divided each record meets so many neighbours.
pub(super) const NEIGHBOURS: usize = 30;

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

/// What the blocks of one rule hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleTally {
    /// The rule; `everybody` in a file so small that all meet.
    pub rule: &'static str,
    /// Blocks of at least two records, as they were compared.
    pub blocks: usize,
    /// Records of the largest.
    pub largest: usize,
    /// Pairs in the blocks, or a few more.
    pub pairs: u64,
}

/// Rules by their places, a bit each.
pub(super) type RuleBits = u32;

const _: () = assert!(RULES.len() <= RuleBits::BITS as usize);

/// Records of one rule, block by block.
#[derive(Default)]
pub(super) struct RuleBlocks {
    members: Vec<u32>,
    /// Where each block ends, shifted by one; the lowest bit says that each
    /// record meets only its neighbours.
    ends: Vec<u32>,
}

/// A block whose records meet.
#[derive(Clone, Copy)]
pub(super) struct Block<'b> {
    pub(super) members: &'b [u32],
    /// How many of those behind it each record meets.
    pub(super) reach: usize,
}

impl RuleBlocks {
    fn push(&mut self, members: impl Iterator<Item = u32>, neighbours: bool) {
        self.members.extend(members);
        let end = u32::try_from(self.members.len() * 2).expect("invariant: fewer than 2^31");
        self.ends.push(end | u32::from(neighbours));
    }

    fn append(&mut self, other: Self) {
        let before = u32::try_from(self.members.len() * 2).expect("invariant: fewer than 2^31");
        self.members.extend(other.members);
        self.ends.extend(other.ends.iter().map(|end| end + before));
    }

    /// Blocks in pieces of work of like size.
    pub(super) fn pieces(&self) -> impl ParallelIterator<Item = impl Iterator<Item = Block<'_>>> {
        let count = self.ends.len();
        let pieces = (0..count.div_ceil(BLOCKS_PER_PIECE)).into_par_iter();
        pieces.map(move |piece| {
            let first = piece * BLOCKS_PER_PIECE;
            (first..count.min(first + BLOCKS_PER_PIECE)).map(|place| self.block(place))
        })
    }

    /// Pairs in the blocks, or a few more.
    pub(super) fn pairs(&self) -> u64 {
        let blocks = (0..self.ends.len()).map(|place| self.block(place));
        blocks
            .map(|block| {
                let (count, reach) = (block.members.len() as u64, block.reach as u64);
                count * ((count - 1) / 2 + 1).min(reach)
            })
            .sum()
    }

    fn block(&self, place: usize) -> Block<'_> {
        let start = if place == 0 {
            0
        } else {
            self.ends[place - 1] >> 1
        };
        let end = self.ends[place];
        Block {
            members: &self.members[start as usize..(end >> 1) as usize],
            reach: if end & 1 == 1 { NEIGHBOURS } else { usize::MAX },
        }
    }
}

/// What met, and what was not compared with all that it met.
#[derive(Default)]
pub(super) struct Met {
    /// By rule.
    pub(super) blocks: Vec<RuleBlocks>,
    /// By record: the rules in whose blocks it meets everybody.
    pub(super) whole: Vec<RuleBits>,
    /// Whether a record lacks a field.
    pub(super) lacking: Vec<bool>,
    pub(super) oversized: Vec<OversizedBlock>,
}

impl Met {
    /// What each rule brought together.
    pub(super) fn tallies(&self) -> Vec<RuleTally> {
        let tally = |(place, blocks): (usize, &RuleBlocks)| RuleTally {
            rule: match (self.blocks.len(), RULES.get(place)) {
                (2.., Some(rule)) => rule.name,
                _ => "everybody",
            },
            blocks: blocks.ends.len(),
            largest: (0..blocks.ends.len())
                .map(|place| blocks.block(place).members.len())
                .max()
                .unwrap_or(0),
            pairs: blocks.pairs(),
        };
        self.blocks.iter().enumerate().map(tally).collect()
    }
}

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

/// Whether of so many records each is compared with each.
pub(super) fn is_small(records: u32) -> bool {
    u64::from(records) * u64::from(records.saturating_sub(1)) / 2 <= SMALL_FILE_PAIRS
}

/// One block of all records.
pub(super) fn everybody(records: u32) -> Vec<RuleBlocks> {
    let mut everybody = RuleBlocks::default();
    everybody.push(0..records, false);
    vec![everybody]
}

/// The blocks of each rule's keys, which stand above their records, in a run over so many
/// records.
pub(super) fn meet_at(codes: &Codes<'_>, keyed: Vec<Vec<u64>>, records: u32) -> Vec<RuleBlocks> {
    let most = undivided_max(records);
    let of_rule = |(rule, mut keyed): (&'static Rule, Vec<u64>)| {
        keyed.sort_unstable();
        divided(codes, rule, most, &keyed).blocks
    };
    RULES.iter().zip(keyed).map(of_rule).collect()
}

/// All blocks of all rules. `progress` is told how many rules are done.
pub(super) fn meet(codes: &Codes<'_>, records: u32, progress: &dyn Fn(u64)) -> Met {
    let lacking: Vec<bool> = (0..records)
        .into_par_iter()
        .map(|record| codes.of_record(record).lack_a_field())
        .collect();
    let mut met = Met {
        blocks: Vec::with_capacity(RULES.len()),
        whole: vec![RuleBits::MAX; records as usize],
        lacking,
        oversized: Vec::new(),
    };
    if is_small(records) {
        met.blocks = everybody(records);
        return met;
    }
    let most = undivided_max(records);
    let mut sorted = Vec::new();
    for (turn, rules) in RULES.chunks(RULES_AT_ONCE).enumerate() {
        progress((turn * RULES_AT_ONCE) as u64);
        let keys = keys_of(codes, rules, records, &met.lacking);
        for (rule, (keyed, cut)) in rules.iter().zip(keys) {
            sort_by_bits(&keyed, &mut sorted);
            drop(keyed);
            let found = divided(codes, rule, most, &sorted);
            let place = met.blocks.len();
            for record in cut.into_iter().chain(found.divided) {
                met.whole[record as usize] &= !(1 << place);
            }
            met.blocks.push(found.blocks);
            met.oversized.extend(found.oversized);
        }
    }
    met.oversized
        .sort_by(|a, b| (b.records, a.rule, a.sharpened).cmp(&(a.records, b.rule, b.sharpened)));
    met
}

/// The blocks of a rule's sorted keys.
fn divided(codes: &Codes<'_>, rule: &'static Rule, most: usize, keyed: &[u64]) -> Found {
    let pieces: Vec<&[u64]> = pieces_of(keyed);
    let found: Vec<Found> = pieces
        .par_iter()
        .map(|piece| {
            let mut division = Division {
                codes,
                rule,
                most,
                found: Found::default(),
            };
            for block in piece.chunk_by(|a, b| same_key(*a, *b)) {
                division.divide(0, block);
            }
            division.found
        })
        .collect();
    let mut all = Found::default();
    let members = found.iter().map(|found| found.blocks.members.len()).sum();
    let ends = found.iter().map(|found| found.blocks.ends.len()).sum();
    all.blocks.members.reserve_exact(members);
    all.blocks.ends.reserve_exact(ends);
    for found in found {
        all.blocks.append(found.blocks);
        all.divided.extend(found.divided);
        all.oversized.extend(found.oversized);
    }
    all
}

/// Sorted keys in pieces that each thread takes, cut between blocks.
fn pieces_of(mut keyed: &[u64]) -> Vec<&[u64]> {
    let mut pieces = Vec::new();
    while keyed.len() > KEYS_PER_PIECE {
        let last = keyed[KEYS_PER_PIECE - 1];
        let more = keyed[KEYS_PER_PIECE..].partition_point(|key| same_key(last, *key));
        let (piece, rest) = keyed.split_at(KEYS_PER_PIECE + more);
        pieces.push(piece);
        keyed = rest;
    }
    pieces.push(keyed);
    pieces
}

/// A key in the upper half, a record in the lower one. Two keys share 32 bits
/// once in four thousand million: such records meet for nothing.
const RECORD_BITS: u32 = 32;

const fn keyed(key: u64, record: u32) -> u64 {
    (key >> RECORD_BITS << RECORD_BITS) | record as u64
}

const fn same_key(a: u64, b: u64) -> bool {
    a >> RECORD_BITS == b >> RECORD_BITS
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn record_of(keyed: u64) -> u32 {
    keyed as u32
}

/// Keys of a rule with their records, in several lists, and the records that have
/// more keys than are looked at.
type Keys = (Vec<Vec<u64>>, Vec<u32>);

/// The keys of rules. Of a broad rule, keys that no record that lacks something
/// has are left out.
fn keys_of(codes: &Codes<'_>, rules: &[Rule], records: u32, lacking: &[bool]) -> Vec<Keys> {
    let wanted: Vec<Option<Wanted>> = rules
        .par_iter()
        .map(|rule| rule.broad.then(|| Wanted::of(codes, rule, lacking)))
        .collect();
    let chunks: Vec<Vec<(Vec<u64>, Vec<u32>)>> = (0..records.div_ceil(RECORDS_PER_CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut found: Vec<(Vec<u64>, Vec<u32>)> = vec![Default::default(); rules.len()];
            let first = chunk * RECORDS_PER_CHUNK;
            for record in first..records.min(first + RECORDS_PER_CHUNK) {
                let values = codes.of_record(record);
                for ((rule, wanted), (keys, cut)) in rules.iter().zip(&wanted).zip(&mut found) {
                    let all = values.each_key(rule, |key| {
                        if wanted.as_ref().is_none_or(|wanted| wanted.has(key)) {
                            keys.push(keyed(key, record));
                        }
                    });
                    if !all {
                        cut.push(record);
                    }
                }
            }
            found
        })
        .collect();
    let mut keys: Vec<Keys> = vec![Default::default(); rules.len()];
    for chunk in chunks {
        for (all, (found, cut)) in keys.iter_mut().zip(chunk) {
            all.0.push(found);
            all.1.extend(cut);
        }
    }
    keys
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
            codes.of_record(record).each_key(rule, |key| keys.push(key));
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

/// Keys that one thread makes blocks of at a time, at least.
const KEYS_PER_PIECE: usize = 16_384;

/// Blocks whose pairs one thread looks at in turn.
const BLOCKS_PER_PIECE: usize = 4_096;

/// Rules whose keys are made together, so that what a record says is looked up
/// once for them.
const RULES_AT_ONCE: usize = 7;

/// Records whose keys one thread makes at a time.
const RECORDS_PER_CHUNK: u32 = 16_384;

/// Leading bits by which values are dealt out before each heap is sorted.
const DEALT_BITS: u32 = 10;

/// Puts the numbers of several lists in order, in the place of `all`. They must be
/// spread over all 64 bits for the heaps to be of like size.
fn sort_by_bits(lists: &[Vec<u64>], all: &mut Vec<u64>) {
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
    all.resize(total, 0);
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
}

/// What comes of the blocks of a rule, or of some of them.
#[derive(Default)]
struct Found {
    blocks: RuleBlocks,
    /// Records of blocks that were divided.
    divided: Vec<u32>,
    oversized: Vec<OversizedBlock>,
}

/// Blocks of a rule on their way.
struct Division<'a> {
    codes: &'a Codes<'a>,
    rule: &'static Rule,
    /// Records of a block that is compared as it stands.
    most: usize,
    found: Found,
}

impl Division<'_> {
    /// Keeps a block; one with too many records is divided by the next field.
    fn divide(&mut self, depth: usize, block: &[u64]) {
        let most = if depth == 0 {
            self.most
        } else {
            BLOCK_RECORDS_MAX
        };
        let members = || block.iter().map(|keyed| record_of(*keyed));
        if block.len() <= most {
            if block.len() > 1 {
                self.found.blocks.push(members(), false);
            }
            return;
        }
        if depth == 0 {
            self.found.divided.extend(members());
        }
        let Some(part) = self.rule.sharper.get(depth) else {
            self.found.blocks.push(members(), true);
            self.list(block.len(), false);
            return;
        };
        if depth == 0 {
            self.list(block.len(), true);
        }
        let mut sharper = Vec::with_capacity(block.len());
        for record in members() {
            let values = self.codes.values(record, *part);
            if values.all().is_empty() {
                sharper.push(keyed(0, record));
            }
            let keys = values.all().iter().map(|value| joined(1, *value));
            sharper.extend(keys.map(|key| keyed(key, record)));
        }
        sharper.sort_unstable();
        for block in sharper.chunk_by(|a, b| same_key(*a, *b)) {
            self.divide(depth + 1, block);
        }
    }

    fn list(&mut self, records: usize, sharpened: bool) {
        self.found.oversized.push(OversizedBlock {
            rule: self.rule.name,
            records,
            sharpened,
        });
    }
}
