//! Pairs of which it is known whether they are one person: told by people, or by
//! NHS numbers that are hidden from the weight (uk-identity 4.6, R82, R123).

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::bulk::comparing::Comparer;
use crate::bulk::hashing::mixed;
use crate::bulk::pairs::records_of;
use crate::matching::number_key;
use crate::matching::training::KnownPair;

/// Pairs that met of which at most so many are looked at.
const LOOKED_AT: usize = 2_000_000;

/// Pairs this far below the review threshold say nothing about thresholds.
const BELOW_BITS: f64 = 10.0;

/// What people say of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelledPair {
    /// One record.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// Whether they are the same person's.
    pub same: bool,
    /// How many people have read it.
    pub reads: u32,
}

impl LabelledPair {
    /// As many observations as people have come to it, each by themselves; what a third
    /// one says who decides between two is no more than that.
    fn counts(&self) -> f64 {
        if self.reads < 2 { 1.0 } else { 2.0 }
    }
}

/// What people say.
#[derive(Debug, Clone)]
pub enum Labels {
    /// Of pairs of records: the same person or not.
    Pairs(Vec<LabelledPair>),
    /// Of every record, or some: whose it is.
    Persons(BTreeMap<u32, u32>),
}

impl Labels {
    /// Pairs that two or more people have read.
    #[must_use]
    pub fn read_twice(&self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.iter().filter(|pair| pair.reads > 1).count(),
            Self::Persons(_) => 0,
        }
    }

    /// How many records or pairs they speak of.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.len(),
            Self::Persons(persons) => persons.len(),
        }
    }

    /// Whether they say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Known pairs, with what they weigh.
pub(super) fn known_pairs(
    comparer: &Comparer<'_>,
    met: &[u64],
    labels: Option<&Labels>,
) -> Vec<KnownPair> {
    let (records, model) = (comparer.records, comparer.model);
    match labels {
        Some(Labels::Pairs(pairs)) => pairs
            .par_iter()
            .map(|pair| KnownPair {
                bits: model.weigh(&comparer.compare(pair.a, pair.b)).total,
                same: pair.same,
                person: mixed(u64::from(pair.a)),
                counts: pair.counts(),
            })
            .collect(),
        Some(Labels::Persons(persons)) => of_met(met, |a, b| {
            let (one, other) = (persons.get(&a)?, persons.get(&b)?);
            Some(KnownPair {
                bits: model.weigh(&comparer.compare(a, b)).total,
                same: one == other,
                person: mixed(u64::from(*one)),
                counts: 1.0,
            })
        }),
        None => {
            let least = model.review_threshold().bits() - BELOW_BITS;
            of_met(met, |a, b| {
                let number = |record: u32| records.facts[record as usize].nhs_number;
                let (one, other) = (number(a)?.number, number(b)?.number);
                let bits = model.weigh(&comparer.compare(a, b)).without_number;
                (bits >= least).then(|| KnownPair {
                    bits,
                    same: one == other,
                    person: mixed(number_key(one)),
                    counts: 1.0,
                })
            })
        }
    }
}

/// Of the pairs that met, or a sample of them.
fn of_met(met: &[u64], known: impl Fn(u32, u32) -> Option<KnownPair> + Sync) -> Vec<KnownPair> {
    let every = (met.len() / LOOKED_AT + 1) as u64;
    met.par_iter()
        .filter(|pair| every == 1 || mixed(**pair).is_multiple_of(every))
        .filter_map(|pair| {
            let (a, b) = records_of(*pair);
            known(a, b)
        })
        .collect()
}
