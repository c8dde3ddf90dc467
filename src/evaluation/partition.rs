//! Records grouped into persons, and how well the groups fit the truth.

use serde::Serialize;

use crate::evaluation::pair_figures::{Prf, rounded};
use crate::evaluation::truth::pairs;
use crate::evaluation::{Edge, Truth};

/// Grows groups link by link.
#[derive(Debug, Clone)]
pub struct Components {
    above: Vec<u32>,
}

impl Components {
    /// Everybody alone.
    #[must_use]
    pub fn alone(records: usize) -> Self {
        Self {
            above: (0..u32::try_from(records).unwrap_or(u32::MAX)).collect(),
        }
    }

    /// The group's name: its smallest member.
    pub fn group(&mut self, record: u32) -> u32 {
        let mut at = record;
        while self.above[at as usize] != at {
            let higher = self.above[self.above[at as usize] as usize];
            self.above[at as usize] = higher;
            at = higher;
        }
        at
    }

    /// Joins two groups; whether they were two.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.group(a), self.group(b));
        self.above[a.max(b) as usize] = a.min(b);
        a != b
    }

    /// Joins along these links.
    pub fn join_all(&mut self, edges: &[Edge]) {
        for edge in edges {
            self.join(edge.a, edge.b);
        }
    }

    /// The groups as they are now.
    pub fn partition(&mut self) -> Partition {
        let records = u32::try_from(self.above.len()).unwrap_or(u32::MAX);
        Partition {
            group: (0..records).map(|record| self.group(record)).collect(),
        }
    }
}

/// For each record its group; a group's name is a record's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    group: Vec<u32>,
}

/// Records of one true person in one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The group.
    pub group: u32,
    /// The person.
    pub person: u32,
    /// How many records.
    pub records: u32,
}

impl Partition {
    /// From what a persons file says: for each record a number below `labels`,
    /// or nothing for those that it leaves out, who are alone.
    #[must_use]
    pub fn of_labels(label: &[Option<u32>], labels: usize) -> Self {
        let mut first: Vec<Option<u32>> = vec![None; labels];
        let group = (0..).zip(label).map(|(record, label)| match label {
            Some(label) => *first[*label as usize].get_or_insert(record),
            None => record,
        });
        Self {
            group: group.collect(),
        }
    }

    /// A record's group.
    #[must_use]
    pub fn group(&self, record: u32) -> u32 {
        self.group[record as usize]
    }

    /// The groups, to be joined further.
    #[must_use]
    pub fn components(&self) -> Components {
        Components {
            above: self.group.clone(),
        }
    }

    /// Every meeting of a group and a person, by person.
    pub fn cells<'a>(&'a self, truth: &'a Truth) -> impl Iterator<Item = Cell> + 'a {
        let mut groups = Vec::new();
        let of_person = move |person| {
            groups.clear();
            groups.extend(
                truth
                    .members(person)
                    .iter()
                    .map(|record| self.group(*record)),
            );
            groups.sort_unstable();
            let runs = groups.chunk_by(PartialEq::eq).map(|run| Cell {
                group: run[0],
                person,
                records: u32::try_from(run.len()).unwrap_or(u32::MAX),
            });
            runs.collect::<Vec<Cell>>()
        };
        (0..truth.persons()).flat_map(of_person)
    }

    /// Records by group: places where groups start, and the records.
    #[must_use]
    pub fn by_group(&self) -> Groups {
        let mut starts = vec![0_u32; self.group.len() + 1];
        for group in &self.group {
            starts[*group as usize + 1] += 1;
        }
        for at in 0..self.group.len() {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut ordered = vec![0; self.group.len()];
        for (record, group) in (0..).zip(&self.group) {
            let place = &mut next[*group as usize];
            ordered[*place as usize] = record;
            *place += 1;
        }
        Groups { starts, ordered }
    }
}

/// Records ordered by group.
#[derive(Debug, Clone)]
pub struct Groups {
    starts: Vec<u32>,
    ordered: Vec<u32>,
}

impl Groups {
    /// The members of each group that has some.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let bounds = self
            .starts
            .windows(2)
            .filter(|bounds| bounds[0] < bounds[1]);
        bounds.map(|bounds| &self.ordered[bounds[0] as usize..bounds[1] as usize])
    }
}

/// How well groups fit persons; every record weighs alike in `b_cubed`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClusterFigures {
    /// Groups, single ones too.
    pub n_clusters: u64,
    /// True persons.
    pub n_persons: u64,
    /// Precision and recall of the pairs that groups make.
    pub pairwise: Prf,
    /// B³ (Bagga and Baldwin 1998).
    pub b_cubed: Prf,
    /// Share of persons whose group is exactly theirs.
    pub exact_persons: f64,
    /// Groups with records of more than one person.
    pub overlaid_clusters: u64,
    /// Persons in more than one group.
    pub split_persons: u64,
    /// Records of the largest group.
    pub largest_cluster: u64,
}

impl ClusterFigures {
    /// Compares groups with the truth. All pairs count, those of one source too.
    #[must_use]
    pub fn of(partition: &Partition, truth: &Truth) -> Self {
        let mut sizes = vec![0_u32; truth.records()];
        for group in &partition.group {
            sizes[*group as usize] += 1;
        }
        let mut persons_in = vec![0_u32; truth.records()];
        let (mut hits, mut truths) = (0, 0);
        let (mut precise, mut recalled) = (0.0, 0.0);
        let (mut exact, mut split) = (0_u64, 0_u64);
        let mut last = None;
        for cell in partition.cells(truth) {
            let size = f64::from(sizes[cell.group as usize]);
            let person = truth.members(cell.person).len() as f64;
            let records = f64::from(cell.records);
            hits += pairs(u64::from(cell.records));
            precise += records * records / size;
            recalled += records * records / person;
            exact += u64::from(records >= size && records >= person);
            persons_in[cell.group as usize] += 1;
            if last.replace(cell.person) != Some(cell.person) {
                truths += pairs(truth.members(cell.person).len() as u64);
                split += u64::from(records < person);
            }
        }
        let records = truth.records().max(1) as f64;
        let found: u64 = sizes.iter().map(|size| pairs(u64::from(*size))).sum();
        let (p, r) = (precise / records, recalled / records);
        Self {
            n_clusters: sizes.iter().filter(|size| **size > 0).count() as u64,
            n_persons: u64::from(truth.persons()),
            pairwise: Prf::of(hits as f64, found as f64, truths as f64).rounded(),
            b_cubed: Prf {
                p,
                r,
                f1: 2.0 * p * r / (p + r),
            }
            .rounded(),
            exact_persons: rounded(exact as f64 / f64::from(truth.persons().max(1))),
            overlaid_clusters: persons_in.iter().filter(|count| **count > 1).count() as u64,
            split_persons: split,
            largest_cluster: u64::from(sizes.iter().copied().max().unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClusterFigures, Components, Partition};
    use crate::evaluation::truth::tests::truth;

    #[test]
    fn links_join_groups_and_the_order_is_nothing() {
        let mut one = Components::alone(5);
        let mut other = Components::alone(5);
        assert!(one.join(3, 4) && one.join(1, 3) && !one.join(4, 1));
        other.join(1, 4);
        other.join(4, 3);
        assert_eq!(one.partition(), other.partition());
        assert_eq!(one.group(4), 1);
    }

    #[test]
    fn records_that_the_file_leaves_out_are_alone() {
        let groups = Partition::of_labels(&[Some(1), None, Some(0), Some(1)], 2);
        assert_eq!(
            [0, 1, 2, 3].map(|record| groups.group(record)),
            [0, 1, 2, 0]
        );
    }

    #[test]
    fn a_split_and_an_overlay_are_told_apart() {
        let truth = truth(&[0, 0, 1, 1, 2], None);
        // {0}, {1, 2, 3}, {4}
        let labels = [0, 1, 1, 1, 2].map(Some);
        let figures = ClusterFigures::of(&Partition::of_labels(&labels, 3), &truth);
        assert_eq!((figures.n_clusters, figures.n_persons), (3, 3));
        assert_eq!((figures.overlaid_clusters, figures.split_persons), (1, 1));
        assert_eq!(figures.largest_cluster, 3);
        assert!((figures.exact_persons - 0.33333).abs() < 1e-9);
        assert!((figures.pairwise.p - 0.33333).abs() < 1e-9);
        assert!((figures.pairwise.r - 0.5).abs() < 1e-9);
    }
}
