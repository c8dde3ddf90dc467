//! Errors to be read one by one: what was missed and why, and what was linked
//! that is not one person. No person fills the list: each gives one pair.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::evaluation::record_ids::scattered;
use crate::evaluation::{Edge, Links, Partition, Truth};
use crate::matching::Explanation;

/// Where a pair went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// One person, and no link says so: not found, or far below.
    NotInLinks,
    /// One person, and the link weighs too little.
    BelowThreshold,
    /// One person with a strong link, in two groups all the same.
    GroupedApart,
    /// Two persons with a link, in one group.
    Linked,
    /// Two persons without a link, in one group by way of others.
    Chained,
}

/// A pair to be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairToRead {
    /// Where it went wrong.
    pub why: Why,
    /// One record.
    pub record_id_a: String,
    /// The other.
    pub record_id_b: String,
    /// The model's weight, if it is in the links.
    pub weight_bits: Option<f64>,
    /// What the two records say, when the records are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<[BTreeMap<String, String>; 2]>,
    /// The two alone by the model, level by level, when the records are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// What limits recall, in true pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MissedPairs {
    /// All of them.
    pub all: u64,
    /// Retrieval, or a weight below what the links file holds.
    pub not_in_links: u64,
    /// The weight.
    pub below_threshold: u64,
    /// The grouping.
    pub grouped_apart: u64,
}

/// Counts what was missed, by why.
#[must_use]
pub fn missed(truth: &Truth, links: &Links, partition: &Partition, link_from: f64) -> MissedPairs {
    let mut together = 0;
    let mut members: Vec<(u32, u32)> = Vec::new();
    for person in 0..truth.persons() {
        members.clear();
        let records = truth.members(person).iter();
        members.extend(records.map(|record| (partition.group(*record), *record)));
        members.sort_unstable();
        for group in members.chunk_by(|one, other| one.0 == other.0) {
            let records: Vec<u32> = group.iter().map(|(_, record)| *record).collect();
            together += truth.pairs_among(&records);
        }
    }
    let all = truth.true_pairs() - together;
    let mut missed = MissedPairs {
        all,
        ..MissedPairs::default()
    };
    for edge in links.edges() {
        if truth.is_true(edge.a, edge.b) && partition.group(edge.a) != partition.group(edge.b) {
            if edge.weight >= link_from {
                missed.grouped_apart += 1;
            } else {
                missed.below_threshold += 1;
            }
        }
    }
    missed.not_in_links = all - missed.grouped_apart - missed.below_threshold;
    missed
}

/// At most `most` pairs of each kind of miss: those not in the links drawn by
/// a hash of their persons, the lightest below the threshold, the heaviest apart.
#[must_use]
pub fn worst_misses(
    truth: &Truth,
    links: &Links,
    partition: &Partition,
    link_from: f64,
    most: usize,
) -> Vec<PairToRead> {
    let apart = |edge: &&Edge| {
        truth.is_true(edge.a, edge.b) && partition.group(edge.a) != partition.group(edge.b)
    };
    let strong = links.at_least(link_from);
    let weak = &links.edges()[strong.len()..];
    let mut found = not_in_links(truth, links, partition, most);
    let weakest = weak.iter().rev().filter(apart);
    found.extend(one_each(truth, weakest, most, |_| Why::BelowThreshold));
    let strongest = strong.iter().filter(apart);
    found.extend(one_each(truth, strongest, most, |_| Why::GroupedApart));
    found
}

/// At most `most` pairs of two persons in one group, strongest links first; then
/// those that only others hold together.
#[must_use]
pub fn worst_false_links(
    truth: &Truth,
    links: &Links,
    partition: &Partition,
    most: usize,
) -> Vec<PairToRead> {
    let wrong = |edge: &&Edge| {
        !truth.is_true(edge.a, edge.b) && partition.group(edge.a) == partition.group(edge.b)
    };
    let mut seen = BTreeSet::new();
    let mut found: Vec<PairToRead> = (links.edges().iter().filter(wrong))
        .filter(|edge| {
            let persons = (truth.person(edge.a), truth.person(edge.b));
            seen.insert((persons.0.min(persons.1), persons.0.max(persons.1)))
        })
        .take(most)
        .map(|edge| pair(truth, edge.a, edge.b, Some(edge.weight), Why::Linked))
        .collect();
    // In each group one pair for each two persons that no link has told yet.
    for group in partition.by_group().iter() {
        if found.len() >= most {
            break;
        }
        let mut first: BTreeMap<u32, u32> = BTreeMap::new();
        for record in group {
            first.entry(truth.person(*record)).or_insert(*record);
        }
        let mut persons = first.into_iter();
        let Some((one, a)) = persons.next() else {
            continue;
        };
        for (other, b) in persons.take(most) {
            if seen.insert((one.min(other), one.max(other))) {
                found.push(pair(truth, a, b, None, Why::Chained));
            }
        }
    }
    found.truncate(most);
    found
}

fn one_each<'a>(
    truth: &Truth,
    edges: impl Iterator<Item = &'a Edge>,
    most: usize,
    why: impl Fn(&Edge) -> Why,
) -> Vec<PairToRead> {
    let mut seen = BTreeSet::new();
    edges
        .filter(|edge| seen.insert(truth.person(edge.a)))
        .take(most)
        .map(|edge| pair(truth, edge.a, edge.b, Some(edge.weight), why(edge)))
        .collect()
}

/// One pair of each drawn person that lies in two groups and in no link.
fn not_in_links(
    truth: &Truth,
    links: &Links,
    partition: &Partition,
    most: usize,
) -> Vec<PairToRead> {
    // More are drawn than wanted: most of them turn out to be in the links.
    let keep = most * 50;
    let mut drawn: BTreeMap<(u64, u32), (u32, u32)> = BTreeMap::new();
    for person in 0..truth.persons() {
        let records = truth.members(person);
        let Some((first, rest)) = records.split_first() else {
            continue;
        };
        let other = rest.iter().find(|record| {
            partition.group(**record) != partition.group(*first) && truth.counts(*first, **record)
        });
        if let Some(other) = other {
            let key = (scattered(u64::from(person)), person);
            drawn.insert(key, (*first.min(other), *first.max(other)));
            if drawn.len() > keep {
                drawn.pop_last();
            }
        }
    }
    let mut unlinked: BTreeSet<(u32, u32)> = drawn.values().copied().collect();
    for edge in links.edges() {
        unlinked.remove(&(edge.a, edge.b));
    }
    drawn
        .into_values()
        .filter(|pair| unlinked.contains(pair))
        .take(most)
        .map(|(a, b)| pair(truth, a, b, None, Why::NotInLinks))
        .collect()
}

fn pair(truth: &Truth, a: u32, b: u32, weight_bits: Option<f64>, why: Why) -> PairToRead {
    PairToRead {
        why,
        record_id_a: truth.ids.text(a),
        record_id_b: truth.ids.text(b),
        weight_bits,
        records: None,
        explanation: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Why, missed, worst_false_links, worst_misses};
    use crate::evaluation::truth::tests::truth;
    use crate::evaluation::{Links, Partition};

    #[test]
    fn every_miss_has_its_reason_and_every_false_link_is_shown() {
        let truth = truth(&[0, 0, 1, 1, 2, 2, 3, 4], None);
        // 0 0 in no link; 1 1 too light; 2 2 heavy and apart; 3 and 4 as one.
        let labels = [0, 1, 2, 3, 4, 5, 6, 6].map(Some);
        let groups = Partition::of_labels(&labels, 7);
        let mut links = Links::default();
        for (a, b, weight) in [(2, 3, 1.0), (4, 5, 30.0), (6, 7, 12.0)] {
            links.push(&truth, a, b, weight);
        }
        links.settle();
        let counts = missed(&truth, &links, &groups, 10.0);
        assert_eq!(
            [
                counts.all,
                counts.not_in_links,
                counts.below_threshold,
                counts.grouped_apart
            ],
            [3, 1, 1, 1]
        );
        let whys: Vec<Why> = worst_misses(&truth, &links, &groups, 10.0, 5)
            .iter()
            .map(|pair| pair.why)
            .collect();
        assert_eq!(
            whys,
            [Why::NotInLinks, Why::BelowThreshold, Why::GroupedApart]
        );
        let wrong = worst_false_links(&truth, &links, &groups, 5);
        assert_eq!(wrong.len(), 1);
        assert_eq!(
            (wrong[0].record_id_a.as_str(), wrong[0].why),
            ("6", Why::Linked)
        );
    }
}
