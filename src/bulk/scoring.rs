//! Scores of pairs that met, and what training is to see of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::bulk::comparing::Comparer;
use crate::bulk::hashing::{FastHash, mixed};
use crate::bulk::pairs::{Sample, records_of};
use crate::bulk::records::{BulkRecords, Facts};
use crate::bulk::run::{Stage, Watch};
use crate::identity::StandardDate;
use crate::matching::Comparison;
use crate::matching::training::{Observed, Pattern, PatternCounts};

/// A pair with its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The record whose id comes first.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// Posterior in bits.
    pub weight: f64,
}

/// Random pairs that u is counted over.
const RANDOM_PAIRS: u64 = 80_000;

/// And no more than so many for each record.
const RANDOM_PAIRS_PER_RECORD: u64 = 100;

/// Pairs between two words to whoever shows progress.
const PAIRS_PER_STEP: usize = 2_048;

/// Pairs that met from which a model is learnt; of more a sample is taken.
const LEARNT_PAIRS: usize = 200_000;

/// The weights of pairs, in their order; those below `least` are left out.
pub(super) fn score(comparer: &Comparer<'_>, pairs: &[u64], least: f64) -> Vec<Edge> {
    pairs
        .par_iter()
        .filter_map(|pair| {
            let (a, b) = records_of(*pair);
            let weight = comparer.model.weigh(&comparer.compare(a, b)).total;
            (weight >= least).then_some(Edge { a, b, weight })
        })
        .collect()
}

/// What training sees. The watch is told of each pair that is compared for it.
pub(super) fn observe(comparer: &Comparer<'_>, sample: &Sample, watch: &dyn Watch) -> Observed {
    let records = comparer.records;
    let count = records.len() as u64;
    let all = count as f64 * (count as f64 - 1.0) / 2.0;
    let random: Vec<u64> = (0..RANDOM_PAIRS.min(count * RANDOM_PAIRS_PER_RECORD))
        .filter_map(|draw| {
            let a = mixed(draw * 2 + 1) % count.max(1);
            let b = mixed(draw * 2 + 2) % count.max(1);
            (a != b).then_some((a << 32) | b)
        })
        .collect();
    let (met, share) = learnt_from(&sample.pairs);
    watch.begin(Stage::Training, (met.len() + random.len()) as u64);
    let done = AtomicU64::new(0);
    let seen = |pairs: &[u64]| {
        let pairs = pairs.len() as u64;
        watch.at(done.fetch_add(pairs, Ordering::Relaxed) + pairs);
    };
    Observed {
        met: patterns(comparer, &met, &seen),
        met_share: share * sample.share,
        random: patterns(comparer, &random, &seen),
        pairs: all.max(1.0),
        equal: equal_shares(records),
    }
}

/// All pairs, or those whose hash leaves a small rest, and their share.
fn learnt_from(pairs: &[u64]) -> (Vec<u64>, f64) {
    let (wanted, of) = (LEARNT_PAIRS as u64, pairs.len() as u64);
    if of <= wanted {
        return (pairs.to_vec(), 1.0);
    }
    let chosen: Vec<u64> = pairs
        .iter()
        .copied()
        .filter(|pair| mixed(*pair) % of < wanted)
        .collect();
    let share = chosen.len() as f64 / of as f64;
    (chosen, share)
}

fn patterns(
    comparer: &Comparer<'_>,
    pairs: &[u64],
    seen: &(dyn Fn(&[u64]) + Sync),
) -> PatternCounts {
    let counted = pairs
        .par_chunks(PAIRS_PER_STEP)
        .fold(
            HashMap::<Pattern, u64, FastHash>::default,
            |mut counts, pairs| {
                for pair in pairs {
                    let (a, b) = records_of(*pair);
                    let pattern = Pattern::of(&comparer.compare(a, b));
                    *counts.entry(pattern).or_default() += 1;
                }
                seen(pairs);
                counts
            },
        )
        .reduce(HashMap::default, |mut a, b| {
            for (pattern, count) in b {
                *a.entry(pattern).or_default() += count;
            }
            a
        });
    PatternCounts::of(counted)
}

/// Share of all pairs of records whose values are equal.
fn equal_shares(records: &BulkRecords) -> [Option<f64>; Comparison::COUNT] {
    let mut equal = [None; Comparison::COUNT];
    let total = records.len() as f64;
    let share = |counts: Vec<u64>| -> Option<f64> {
        let pairs: f64 = counts
            .iter()
            .map(|count| *count as f64 * (*count as f64 - 1.0))
            .sum();
        (total > 1.0).then(|| pairs / (total * (total - 1.0)))
    };
    let mut dates: HashMap<StandardDate, u64, FastHash> = HashMap::default();
    for facts in &records.facts {
        if let Some(birth) = facts.birth_date.filter(|birth| birth.date.is_full()) {
            *dates.entry(birth.date).or_default() += 1;
        }
    }
    equal[Comparison::BirthDate as usize] = share(dates.into_values().collect());
    equal[Comparison::Phone as usize] = share(counts_of(records, |facts| facts.phones));
    equal[Comparison::Email as usize] = share(counts_of(records, |facts| facts.emails));
    equal[Comparison::OtherIdentifier as usize] =
        share(counts_of(records, |facts| facts.identifiers));
    equal[Comparison::GivenName as usize] = share(given_counts(records).into_values().collect());
    equal[Comparison::FamilyName as usize] = share(family_counts(records).into_values().collect());
    equal
}

/// Records by their list; the empty one is left out.
fn counts_of(records: &BulkRecords, list: impl Fn(&Facts) -> u32) -> Vec<u64> {
    let most = records.facts.iter().map(&list).max().unwrap_or(0);
    let mut counts = vec![0; most as usize + 1];
    for facts in &records.facts {
        counts[list(facts) as usize] += 1;
    }
    counts[0] = 0;
    counts
}

/// Records by their first given name.
pub(super) fn given_counts(records: &BulkRecords) -> BTreeMap<&str, u64> {
    counted(records, |name| {
        name.given
            .first()
            .filter(|token| !token.is_initial())
            .map(|token| token.as_str())
    })
}

/// Records by their family name.
pub(super) fn family_counts(records: &BulkRecords) -> BTreeMap<&str, u64> {
    counted(records, |name| {
        name.family.as_ref().map(|family| family.whole.as_str())
    })
}

fn counted(
    records: &BulkRecords,
    word: impl Fn(&crate::identity::PersonName) -> Option<&str>,
) -> BTreeMap<&str, u64> {
    let mut by_list: Vec<u64> = vec![0; records.names.values.len()];
    for facts in &records.facts {
        by_list[facts.names as usize] += 1;
    }
    let mut counts: HashMap<&str, u64, FastHash> = HashMap::default();
    for (list, count) in records.names.values.iter().zip(by_list) {
        if let Some(word) = list.first().and_then(&word) {
            *counts.entry(word).or_default() += count;
        }
    }
    counts.into_iter().collect()
}
