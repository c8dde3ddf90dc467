//! What a model loses and gains against another one on the same records: true pairs
//! that the one finds and the other does not.

use serde::Serialize;

use crate::evaluation::bounds::{BoundedShare, Clustered};
use crate::evaluation::truth::pairs;
use crate::evaluation::{Partition, Truth};

/// The pairs of the truth, as two models find them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Against {
    /// True pairs that the other model finds.
    pub found_by_other: u64,
    /// Of these, pairs that this one does not find.
    pub lost: u64,
    /// True pairs that this one finds and the other does not.
    pub gained: u64,
    /// The share of `lost`, with bounds; the unit is the person.
    pub lost_share: BoundedShare,
}

/// Compares what two models make of the same records.
#[must_use]
pub fn against(truth: &Truth, ours: &Partition, theirs: &Partition) -> Against {
    let mut lost_share = Clustered::default();
    let mut found = Against {
        found_by_other: 0,
        lost: 0,
        gained: 0,
        lost_share: lost_share.bounded(),
    };
    for person in 0..truth.persons() {
        let members = truth.members(person).iter();
        let mut groups: Vec<(u32, u32)> = members
            .map(|record| (theirs.group(*record), ours.group(*record)))
            .collect();
        let both = together(&mut groups, |group| *group);
        let by_other = together(&mut groups, |group| (group.0, 0));
        let by_us = together(&mut groups, |group| (0, group.1));
        let lost = by_other - both;
        found.found_by_other += by_other;
        found.lost += lost;
        found.gained += by_us - both;
        lost_share.add(lost as f64, by_other as f64);
    }
    found.lost_share = lost_share.bounded();
    found
}

/// Pairs of records that are alike in this.
fn together(groups: &mut [(u32, u32)], of: impl Fn(&(u32, u32)) -> (u32, u32)) -> u64 {
    groups.sort_unstable_by_key(&of);
    let alike = groups.chunk_by(|one, other| of(one) == of(other));
    alike.map(|alike| pairs(alike.len() as u64)).sum()
}

#[cfg(test)]
mod tests {
    use super::against;
    use crate::evaluation::Partition;
    use crate::evaluation::truth::tests::truth;

    #[test]
    fn pairs_are_lost_and_gained_person_by_person() {
        let truth = truth(&[0, 0, 0, 1, 1, 2], None);
        let of = |labels: [u32; 6]| Partition::of_labels(&labels.map(Some), 6);
        // The other finds all of the first person and nothing of the second.
        let theirs = of([0, 0, 0, 1, 2, 2]);
        let ours = of([0, 0, 1, 2, 2, 3]);
        let found = against(&truth, &ours, &theirs);
        assert_eq!((found.found_by_other, found.lost, found.gained), (3, 2, 1));
        assert!((found.lost_share.share - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(against(&truth, &ours, &ours).lost, 0);
        assert_eq!(against(&truth, &theirs, &theirs).found_by_other, 3);
    }
}
