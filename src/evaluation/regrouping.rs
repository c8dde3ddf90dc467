//! What another model would make of the same records: persons that it would join,
//! split or shuffle, by source and probability. No value of anybody is in here, and
//! the samples are numbers of records.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::matching::PROBABILITY_BANDS as BANDS;

/// How a set of persons changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Regrouped {
    /// Several become one.
    Joined,
    /// One becomes several.
    Split,
    /// Records go from one person to another.
    Moved,
}

impl Regrouped {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Split => "split",
            Self::Moved => "moved",
        }
    }
}

/// Records of one source whose persons change alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegroupedRecords {
    /// How.
    pub change: Regrouped,
    /// Their source.
    pub source: String,
    /// How sure the model is that has them together: that one, of those that are joined
    /// or moved, and the earlier one, of those that are split.
    pub probability: &'static str,
    /// How many.
    pub records: u64,
}

/// A set of persons that changes, by numbers of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegroupedSample {
    /// How.
    pub change: Regrouped,
    /// Its persons by the first model.
    pub before: Vec<Vec<i64>>,
    /// Its persons by the other.
    pub after: Vec<Vec<i64>>,
}

/// All that changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Regrouping {
    /// Records that were linked.
    pub records: u64,
    /// Persons by the first model.
    pub persons_before: u64,
    /// Persons by the other.
    pub persons_after: u64,
    /// Sets of persons that are joined.
    pub joined: u64,
    /// Persons that are split.
    pub split: u64,
    /// Sets of persons between which records move.
    pub moved: u64,
    /// Records in these, by how, source and probability.
    pub by: Vec<RegroupedRecords>,
    /// Some of each kind, those with the earliest records.
    pub samples: Vec<RegroupedSample>,
}

/// Persons of records by one model.
#[derive(Debug, Clone, Copy)]
pub struct Grouped<'g> {
    /// Person of each record.
    pub persons: &'g [u32],
    /// How sure the model is of it.
    pub certainty: &'g [f64],
}

/// The records, alike for both models.
#[derive(Debug, Clone, Copy)]
pub struct Grouping<'g> {
    /// Number of each record in its ledger.
    pub numbers: &'g [i64],
    /// Source of each record.
    pub sources: &'g [String],
}

/// Compares what two models make of the same records; at most `samples` of each kind.
#[must_use]
pub fn regrouping(
    records: Grouping<'_>,
    before: Grouped<'_>,
    after: Grouped<'_>,
    samples: usize,
) -> Regrouping {
    let mut found = Regrouping {
        records: records.numbers.len() as u64,
        persons_before: count(before.persons),
        persons_after: count(after.persons),
        ..Regrouping::default()
    };
    let mut by: BTreeMap<(Regrouped, &str, usize), u64> = BTreeMap::new();
    let mut taken: BTreeMap<Regrouped, usize> = BTreeMap::new();
    for members in components(records.numbers, before.persons, after.persons) {
        let (old, new) = (
            parts(records.numbers, &members, before.persons),
            parts(records.numbers, &members, after.persons),
        );
        if old == new {
            continue;
        }
        let (change, sure) = match (old.len(), new.len()) {
            (_, 1) => (Regrouped::Joined, after.certainty),
            (1, _) => (Regrouped::Split, before.certainty),
            _ => (Regrouped::Moved, after.certainty),
        };
        *match change {
            Regrouped::Joined => &mut found.joined,
            Regrouped::Split => &mut found.split,
            Regrouped::Moved => &mut found.moved,
        } += 1;
        for record in members {
            let key = (change, records.sources[record].as_str(), band(sure[record]));
            *by.entry(key).or_default() += 1;
        }
        let taken = taken.entry(change).or_default();
        if *taken < samples {
            *taken += 1;
            found.samples.push(RegroupedSample {
                change,
                before: old,
                after: new,
            });
        }
    }
    let rows = by.into_iter();
    let rows = rows.map(|((change, source, band), records)| RegroupedRecords {
        change,
        source: source.to_owned(),
        probability: BANDS[band].1,
        records,
    });
    found.by = rows.collect();
    found.samples.sort_by_key(|sample| sample.change);
    found
}

fn count(persons: &[u32]) -> u64 {
    persons.iter().collect::<BTreeSet<_>>().len() as u64
}

fn band(probability: f64) -> usize {
    let above = |(least, _): &(f64, &str)| probability >= *least;
    BANDS.iter().position(above).unwrap_or(BANDS.len() - 1)
}

/// The persons of these records, each by the numbers of its records.
fn parts(numbers: &[i64], members: &[usize], persons: &[u32]) -> Vec<Vec<i64>> {
    let mut parts: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for record in members {
        let part = parts.entry(persons[*record]).or_default();
        part.push(numbers[*record]);
    }
    let mut parts: Vec<Vec<i64>> = parts.into_values().collect();
    for part in &mut parts {
        part.sort_unstable();
    }
    parts.sort();
    parts
}

/// Records that hang together by one model or the other, the earliest first.
fn components(numbers: &[i64], before: &[u32], after: &[u32]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..before.len()).collect();
    for persons in [before, after] {
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        for (record, person) in persons.iter().enumerate() {
            let other = *first.entry(*person).or_insert(record);
            let (one, other) = (root(&mut parent, record), root(&mut parent, other));
            parent[one.max(other)] = one.min(other);
        }
    }
    let mut together: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for record in 0..before.len() {
        let root = root(&mut parent, record);
        together.entry(root).or_default().push(record);
    }
    let mut together: Vec<Vec<usize>> = together.into_values().collect();
    together.sort_by_key(|members| members.iter().map(|record| numbers[*record]).min());
    together
}

fn root(parent: &mut [usize], record: usize) -> usize {
    let mut at = record;
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{Grouped, Grouping, Regrouped, regrouping};

    #[test]
    fn persons_are_joined_split_and_shuffled() {
        let numbers: Vec<i64> = (1..=9).collect();
        let sources: Vec<String> = ["gp", "pas"]
            .into_iter()
            .cycle()
            .take(9)
            .map(str::to_owned)
            .collect();
        //            joined    split     moved       as it was
        let before = [10, 11, 20, 20, 30, 30, 31, 40, 40];
        let after = [10, 10, 20, 21, 30, 31, 31, 41, 41];
        let (sure, unsure) = ([0.9995; 9], [0.95; 9]);
        let before = Grouped {
            persons: &before,
            certainty: &sure,
        };
        let after = Grouped {
            persons: &after,
            certainty: &unsure,
        };
        let records = Grouping {
            numbers: &numbers,
            sources: &sources,
        };
        let found = regrouping(records, before, after, 1);
        assert_eq!((found.joined, found.split, found.moved), (1, 1, 1));
        assert_eq!((found.persons_before, found.persons_after), (6, 6));
        let joined = &found.samples[0];
        assert_eq!(joined.before, [vec![1], vec![2]]);
        assert_eq!(joined.after, [vec![1, 2]]);
        assert_eq!(found.samples[2].after, [vec![5], vec![6, 7]]);
        let of = |change, source: &str| {
            let mut rows = found.by.iter();
            rows.find(|row| row.change == change && row.source == source)
                .map(|row| (row.probability, row.records))
        };
        assert_eq!(of(Regrouped::Joined, "gp"), Some(("0.9 to 0.99", 1)));
        assert_eq!(of(Regrouped::Split, "pas"), Some(("0.999 and more", 1)));
        assert_eq!(of(Regrouped::Moved, "gp"), Some(("0.9 to 0.99", 2)));
        // Another name of a person is no change.
        assert!(regrouping(records, before, before, 1).by.is_empty());
    }
}
