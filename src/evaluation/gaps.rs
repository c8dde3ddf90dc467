//! The largest gap between a group of people and everybody, of missed pairs and
//! of false links (R126), with bounds.

use serde::Serialize;

use crate::evaluation::bounds::BoundedShare;
use crate::evaluation::groups::{GroupFigures, GroupTable};

/// How far a group's share lies above everybody's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// What divides.
    pub dimension: String,
    /// `missed` or `false_links`.
    pub of: &'static str,
    /// The group that fares worst.
    pub group: String,
    /// Its share.
    pub share: f64,
    /// Everybody's.
    pub everybody: f64,
    /// Their difference.
    pub gap: f64,
    /// At least, with both shares at their nearer 95 % bounds.
    pub lower: f64,
    /// At most, with both shares at their farther 95 % bounds.
    pub upper: f64,
}

/// What nobody said is no group of people; the division by missing fields has it.
const NOBODY: [&str; 2] = ["not_said", "no_name"];

/// For each division the group that fares worst, of misses and of false links.
#[must_use]
pub fn largest(table: &GroupTable) -> Vec<Gap> {
    let mut dimensions: Vec<&str> = Vec::new();
    for group in &table.groups {
        if !dimensions.contains(&group.dimension.as_str()) {
            dimensions.push(&group.dimension);
        }
    }
    let mut gaps = Vec::new();
    for dimension in dimensions {
        let missed = |group: &GroupFigures| group.missed;
        let wrong = |group: &GroupFigures| group.false_links;
        gaps.extend(worst(table, dimension, "missed", (table.missed, &missed)));
        let of = (table.false_links, &wrong as &dyn Fn(&GroupFigures) -> _);
        gaps.extend(worst(table, dimension, "false_links", of));
    }
    gaps
}

fn worst(
    table: &GroupTable,
    dimension: &str,
    of: &'static str,
    (everybody, share): (BoundedShare, &dyn Fn(&GroupFigures) -> BoundedShare),
) -> Option<Gap> {
    let groups = table.groups.iter();
    let groups = groups.filter(|group| group.dimension == dimension);
    let groups = groups.filter(|group| !NOBODY.contains(&group.group.as_str()));
    let group = groups.max_by(|one, other| share(one).share.total_cmp(&share(other).share))?;
    let its = share(group);
    Some(Gap {
        dimension: dimension.to_owned(),
        of,
        group: group.group.clone(),
        share: its.share,
        everybody: everybody.share,
        gap: its.share - everybody.share,
        lower: its.lower - everybody.upper,
        upper: its.upper - everybody.lower,
    })
}

#[cfg(test)]
mod tests {
    use super::largest;
    use crate::evaluation::bounds::BoundedShare;
    use crate::evaluation::groups::{GroupFigures, GroupTable};

    #[test]
    fn r126_the_largest_gap_is_that_of_the_group_that_fares_worst() {
        let share = |share, lower, upper| BoundedShare {
            share,
            lower,
            upper,
        };
        let group = |dimension: &str, name: &str, missed| GroupFigures {
            dimension: dimension.to_owned(),
            group: name.to_owned(),
            records: 1_000,
            persons: 500,
            true_pairs: 500,
            missed,
            missed_ratio: 1.0,
            linked_pairs: 500,
            false_links: share(0.0, 0.0, 0.01),
            worse: false,
        };
        let table = GroupTable {
            missed: share(0.05, 0.04, 0.06),
            false_links: share(0.0, 0.0, 0.001),
            groups: vec![
                group("sex", "female", share(0.07, 0.065, 0.08)),
                group("sex", "male", share(0.03, 0.02, 0.04)),
                group("age_band", "85+", share(0.02, 0.01, 0.04)),
                group("age_band", "not_said", share(0.5, 0.4, 0.6)),
            ],
            too_small: Vec::new(),
        };
        let gaps = largest(&table);
        assert_eq!(gaps.len(), 4);
        let sex = &gaps[0];
        assert_eq!((sex.of, sex.group.as_str()), ("missed", "female"));
        assert!((sex.gap - 0.02).abs() < 1e-9);
        assert!((sex.lower - 0.005).abs() < 1e-9 && (sex.upper - 0.04).abs() < 1e-9);
        // A group of its own that fares better has no gap.
        assert!(gaps[2].gap < 0.0);
    }
}
