//! Pairs of records in blocks: those that are worth a comparison, and a sample
//! for training. A pair that met under a rule before is not looked at again.

use rayon::prelude::*;

use crate::bulk::blocks::{Block, Met, RuleBits, RuleBlocks};
use crate::bulk::bounds::Bounds;
use crate::bulk::briefs::{Brief, Has, NARROW};
use crate::bulk::hashing::mixed;
use crate::bulk::records::BulkRecords;
use crate::bulk::rules::{Part, RULES};

/// Pairs that are sampled at most.
const SAMPLED_MAX: usize = 1 << 21;

/// Pairs are put in order again when so many have come.
const PAIRS_BETWEEN_SORTS: usize = 1 << 20;

/// Two records as one number, the lower one in the upper half.
const fn pair_of(a: u32, b: u32) -> u64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    ((low as u64) << 32) | high as u64
}

/// The two records of a pair.
#[expect(clippy::cast_possible_truncation, reason = "each half is a record")]
pub(super) const fn records_of(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// Pairs that met, each once and in order, or a sample of them.
pub(super) struct Sample {
    pub(super) pairs: Vec<u64>,
    /// Their share of all that met.
    pub(super) share: f64,
}

/// Pairs in order.
#[derive(Default)]
struct Pairs {
    all: Vec<u64>,
    /// Of which so many are known to be different.
    unique: usize,
}

impl Pairs {
    fn take(&mut self, found: Vec<Vec<u64>>) {
        for mut found in found {
            self.all.append(&mut found);
        }
        if self.all.len() > 2 * self.unique.max(PAIRS_BETWEEN_SORTS) {
            self.tidy();
        }
    }

    /// Of a sample that is too large.
    fn keep_below(&mut self, halvings: u32) {
        self.all.retain(|pair| mixed(*pair) <= u64::MAX >> halvings);
        self.unique = self.all.len();
    }

    fn tidy(&mut self) {
        self.all.par_sort_unstable();
        self.all.dedup();
        self.unique = self.all.len();
    }
}

/// The pairs of a run.
#[derive(Clone, Copy)]
pub(super) struct Meeting<'m> {
    pub(super) records: &'m BulkRecords,
    pub(super) met: &'m Met,
    pub(super) briefs: &'m [Brief],
    pub(super) across_sources_only: bool,
}

impl Meeting<'_> {
    /// Pairs that met, or a few more.
    pub(super) fn pairs(&self) -> u64 {
        self.met.blocks.iter().map(RuleBlocks::pairs).sum()
    }

    /// Pairs that met whose hash is below a bound: the largest that leaves no more
    /// than are sampled at most.
    pub(super) fn sample(self) -> Sample {
        let mut halvings = 0;
        while self.pairs() >> halvings > 4 * SAMPLED_MAX as u64 {
            halvings += 1;
        }
        let mut pairs = Pairs::default();
        for place in 0..self.met.blocks.len() {
            let bound = u64::MAX >> halvings;
            pairs.take(self.sample_of(place, bound));
            while pairs.unique > SAMPLED_MAX {
                halvings += 1;
                pairs.keep_below(halvings);
            }
        }
        pairs.tidy();
        while pairs.all.len() > SAMPLED_MAX {
            halvings += 1;
            pairs.keep_below(halvings);
        }
        Sample {
            pairs: pairs.all,
            share: (-f64::from(halvings)).exp2(),
        }
    }

    /// Pairs that may reach the weight of the bounds, each once and in order.
    /// `progress` is told how many pairs were looked at.
    pub(super) fn worth_comparing(self, bounds: &Bounds<'_>, progress: &dyn Fn(u64)) -> Vec<u64> {
        let mut pairs = Pairs::default();
        let mut looked_at = 0;
        for (place, blocks) in self.met.blocks.iter().enumerate() {
            progress(looked_at);
            looked_at += blocks.pairs();
            pairs.take(self.pairs_of(place, bounds));
        }
        pairs.tidy();
        pairs.all
    }

    /// Pairs of one rule that may reach the weight of the bounds. The briefs of a block
    /// are put side by side first.
    fn pairs_of(self, place: usize, bounds: &Bounds<'_>) -> Vec<Vec<u64>> {
        let pieces = self.met.blocks[place].pieces();
        pieces
            .map(|piece| {
                let mut found = Vec::new();
                let mut near: Vec<Brief> = Vec::new();
                for block in piece {
                    near.clear();
                    let members = block.members.iter();
                    near.extend(members.map(|record| self.briefs[*record as usize]));
                    let lacks = |i: usize| near[i].has(Has::Lacks);
                    each(&block, lacks, RULES[place].broad, |i, j| {
                        let (x, y) = (&near[i], &near[j]);
                        let (a, b) = (block.members[i], block.members[j]);
                        if first_met(place, x, y) && bounds.may_reach(x, y) && self.may_be(a, b) {
                            found.push(pair_of(a, b));
                        }
                    });
                }
                found
            })
            .collect()
    }

    /// Pairs of one rule whose hash is not above a bound. Most are not asked for their
    /// briefs, which lie scattered.
    fn sample_of(self, place: usize, bound: u64) -> Vec<Vec<u64>> {
        let brief = |record: u32| &self.briefs[record as usize];
        let pieces = self.met.blocks[place].pieces();
        pieces
            .map(|piece| {
                let mut found = Vec::new();
                for block in piece {
                    let lacks = |i: usize| self.met.lacking[block.members[i] as usize];
                    each(&block, lacks, RULES[place].broad, |i, j| {
                        let (a, b) = (block.members[i], block.members[j]);
                        let pair = pair_of(a, b);
                        if mixed(pair) <= bound
                            && first_met(place, brief(a), brief(b))
                            && self.may_be(a, b)
                        {
                            found.push(pair);
                        }
                    });
                }
                found
            })
            .collect()
    }

    fn may_be(self, a: u32, b: u32) -> bool {
        let source = |record: u32| self.records.facts[record as usize].source;
        a != b && !(self.across_sources_only && source(a) == source(b))
    }
}

/// Whether two records that met under a rule did not surely meet under an earlier one.
fn first_met(place: usize, x: &Brief, y: &Brief) -> bool {
    let before: RuleBits = (1 << place) - 1;
    met_under(x, y) & x.whole_in(y) & before == 0
}

/// Gives the places of each pair of a block, each record with those within its reach
/// behind it; of a broad rule only pairs of which one lacks a field.
fn each(
    block: &Block<'_>,
    lacks: impl Fn(usize) -> bool,
    broad: bool,
    mut take: impl FnMut(usize, usize),
) {
    let count = block.members.len();
    if broad && (0..count).all(|place| !lacks(place)) {
        return;
    }
    for i in 0..count {
        let rest = i + 1..(i + 1).saturating_add(block.reach).min(count);
        if broad && !lacks(i) {
            rest.filter(|j| lacks(*j)).for_each(|j| take(i, j));
        } else {
            rest.for_each(|j| take(i, j));
        }
    }
}

/// Rules of whose parts two briefs show that both records have the same.
fn met_under(x: &Brief, y: &Brief) -> RuleBits {
    const NUMBER: RuleBits = rules_of(&[Part::Number]);
    const PHONE: RuleBits = rules_of(&[Part::Phone]);
    const EMAIL: RuleBits = rules_of(&[Part::Email]);
    const DATE_GIVEN: RuleBits = rules_of(&[Part::Date, Part::Given]);
    const DATE_FAMILY: RuleBits = rules_of(&[Part::Date, Part::Family]);
    const DATE_OUTWARD: RuleBits = rules_of(&[Part::Date, Part::Outward]);
    const YEAR_NAMES: RuleBits = rules_of(&[Part::Year, Part::Names]);
    const NAMES_OUTWARD: RuleBits = rules_of(&[Part::Names, Part::Outward]);
    const POSTCODE_GIVEN: RuleBits = rules_of(&[Part::Postcode, Part::Given]);
    const POSTCODE_FAMILY: RuleBits = rules_of(&[Part::Postcode, Part::Family]);
    const POSTCODE_YEAR: RuleBits = rules_of(&[Part::Postcode, Part::Year]);
    const OUTWARD_FROM: u32 = 24;
    let both = |a: u32, b: u32| a == b && a != 0;
    let date = both(x.date, y.date);
    let year = both(x.date >> 16, y.date >> 16);
    let word = |has, a, b| a == b && x.both_have(y, has);
    let given = word(Has::WholeGiven, x.shape.firsts().0, y.shape.firsts().0);
    let family = word(Has::WholeFamily, x.shape.firsts().1, y.shape.firsts().1);
    let places = x.postcode != 0 && y.postcode != 0;
    let postcode = places && x.postcode == y.postcode;
    let outward = places && x.postcode >> OUTWARD_FROM == y.postcode >> OUTWARD_FROM;
    let names = given && family;
    let rule = |holds: bool, rules: RuleBits| if holds { rules } else { 0 };
    rule(both(x.number, y.number), NUMBER)
        | rule(both(x.phones, y.phones), PHONE)
        | rule(both(x.emails, y.emails), EMAIL)
        | rule(date && given, DATE_GIVEN)
        | rule(date && family, DATE_FAMILY)
        | rule(date && outward, DATE_OUTWARD)
        | rule(year && names, YEAR_NAMES)
        | rule(names && outward, NAMES_OUTWARD)
        | rule(postcode && given, POSTCODE_GIVEN)
        | rule(postcode && family, POSTCODE_FAMILY)
        | rule(postcode && year, POSTCODE_YEAR)
}

/// The rules that bring all records that agree in these parts.
const fn rules_of(parts: &[Part]) -> RuleBits {
    let mut bits = 0;
    let mut place = 0;
    while place < RULES.len() {
        let rule = &RULES[place];
        let mut same = !rule.broad && rule.parts.len() == parts.len();
        let mut part = 0;
        while same && part < parts.len() {
            same = rule.parts[part] as u8 == parts[part] as u8;
            part += 1;
        }
        if same {
            bits |= 1 << place;
        }
        place += 1;
    }
    assert!(bits != 0 && bits & !NARROW == 0);
    bits
}
