//! Review as a third outcome: how many questions clerks get, and what the
//! groups are worth once they have answered. Clerks are taken to decide
//! rightly; two groups make one question, however many links they share (R118).

use serde::Serialize;

use crate::evaluation::pair_figures::Prf;
use crate::evaluation::{ClusterFigures, Links, Partition, Truth};

/// What review would do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReviewFigures {
    /// Links between two groups are looked at from so many bits.
    pub review_from: f64,
    /// Questions.
    pub tasks: u64,
    /// Questions for 1,000 records.
    pub tasks_per_1000_records: f64,
    /// Questions whose answer is "same".
    pub tasks_same: u64,
    /// Hours of clerks.
    pub hours: f64,
    /// Pairs before anybody looked.
    pub before: Prf,
    /// Pairs after all answers.
    pub after: Prf,
}

/// Puts the links between groups to clerks.
#[must_use]
pub fn review(
    truth: &Truth,
    links: &Links,
    partition: &Partition,
    review_from: f64,
    minutes_a_task: f64,
) -> ReviewFigures {
    let between = |a: u32, b: u32| {
        let (a, b) = (partition.group(a), partition.group(b));
        (a != b).then(|| (a.min(b), a.max(b)))
    };
    let edges = links.at_least(review_from).iter();
    let mut tasks: Vec<(u32, u32)> = edges.filter_map(|edge| between(edge.a, edge.b)).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let most = most_of_groups(truth, partition);
    let mut after = partition.components();
    let mut same = 0_u64;
    for (one, other) in &tasks {
        if most[*one as usize] == most[*other as usize] {
            same += 1;
            after.join(*one, *other);
        }
    }
    let records = truth.records().max(1) as f64;
    ReviewFigures {
        review_from,
        tasks: tasks.len() as u64,
        tasks_per_1000_records: tasks.len() as f64 * 1_000.0 / records,
        tasks_same: same,
        hours: tasks.len() as f64 * minutes_a_task / 60.0,
        before: ClusterFigures::of(partition, truth).pairwise,
        after: ClusterFigures::of(&after.partition(), truth).pairwise,
    }
}

/// For each group the person that most of its records are of.
fn most_of_groups(truth: &Truth, partition: &Partition) -> Vec<u32> {
    let mut most = vec![(0_u32, 0_u32); truth.records()];
    for cell in partition.cells(truth) {
        let best = &mut most[cell.group as usize];
        if cell.records > best.0 {
            *best = (cell.records, cell.person);
        }
    }
    most.into_iter().map(|(_, person)| person).collect()
}

#[cfg(test)]
mod tests {
    use super::review;
    use crate::evaluation::truth::tests::truth;
    use crate::evaluation::{Links, Partition};

    #[test]
    fn r118_two_groups_make_one_task_and_a_right_answer_joins_them() {
        let truth = truth(&[0, 0, 0, 0, 1, 1], None);
        // {0, 1}, {2, 3}, {4}, {5}; three links between the first two.
        let groups = Partition::of_labels(&[0, 0, 1, 1, 2, 3].map(Some), 4);
        let mut links = Links::default();
        for (a, b, weight) in [
            (0, 2, 6.0),
            (0, 3, 5.0),
            (1, 2, 7.0),
            (3, 4, 4.0),
            (4, 5, -3.0),
        ] {
            links.push(&truth, a, b, weight);
        }
        links.settle();
        let found = review(&truth, &links, &groups, 0.0, 3.0);
        assert_eq!((found.tasks, found.tasks_same), (2, 1));
        assert!((found.hours - 0.1).abs() < 1e-9);
        assert!((found.before.r - 0.28571).abs() < 1e-5);
        assert!((found.after.r - 0.85714).abs() < 1e-5 && found.after.p > 0.999);
    }
}
