//! Which pairs to read next: those about which a model is least sure what to do, because
//! they lie nearest to one of its thresholds.

use std::collections::BTreeSet;

use crate::bulk::scoring::Edge;

/// A pair near a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairNear {
    /// The pair with its weight.
    pub edge: Edge,
    /// Place of the threshold that it is near.
    pub threshold: usize,
}

/// The pairs nearest to each of the thresholds, as many of each, from both sides by
/// turns. No record is in two of them, so that one large person does not take all;
/// `known` are left out.
#[must_use]
pub fn pairs_near(
    links: &[Edge],
    thresholds: &[f64],
    count: usize,
    known: &dyn Fn(u32, u32) -> bool,
) -> Vec<PairNear> {
    let mut taken: BTreeSet<u32> = BTreeSet::new();
    let mut found = Vec::new();
    for (place, threshold) in thresholds.iter().enumerate() {
        let share = (count - found.len()) / (thresholds.len() - place);
        let near = |one: &Edge, other: &Edge| {
            let [one_is, other_is] = [one, other].map(|edge| (edge.weight - threshold).abs());
            one_is
                .total_cmp(&other_is)
                .then((one.a, one.b).cmp(&(other.a, other.b)))
        };
        let (mut above, mut below): (Vec<Edge>, Vec<Edge>) =
            links.iter().partition(|edge| edge.weight >= *threshold);
        above.sort_by(near);
        below.sort_by(near);
        let (mut above, mut below) = (above.into_iter(), below.into_iter());
        let mut free = |edges: &mut std::vec::IntoIter<Edge>| {
            let edge = edges.find(|edge| {
                !taken.contains(&edge.a) && !taken.contains(&edge.b) && !known(edge.a, edge.b)
            })?;
            taken.extend([edge.a, edge.b]);
            Some(PairNear {
                edge,
                threshold: place,
            })
        };
        let end = found.len() + share;
        while found.len() < end {
            let (one, other) = (free(&mut above), free(&mut below));
            if one.is_none() && other.is_none() {
                break;
            }
            found.extend(one);
            if found.len() < end {
                found.extend(other);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::pairs_near;
    use crate::bulk::scoring::Edge;

    fn edge(a: u32, b: u32, weight: f64) -> Edge {
        Edge { a, b, weight }
    }

    #[test]
    fn the_nearest_pairs_of_both_sides_are_read_next_and_no_record_twice() {
        let links = [
            edge(0, 1, 30.0),
            edge(2, 3, 10.5),
            edge(4, 5, 9.9),
            edge(4, 6, 9.8),
            edge(7, 8, 1.0),
            edge(9, 10, -1.0),
            edge(11, 12, 0.5),
        ];
        let none = |_, _| false;
        let found = pairs_near(&links, &[10.0, 0.0], 4, &none);
        let pairs: Vec<(u32, usize)> = found.iter().map(|it| (it.edge.a, it.threshold)).collect();
        assert_eq!(pairs, [(2, 0), (4, 0), (11, 1), (9, 1)]);
        // What is known already is not asked; where one side has no more, the other has.
        let known = |a, _| a == 4;
        let found = pairs_near(&links, &[10.0], 3, &known);
        let pairs: Vec<u32> = found.iter().map(|it| it.edge.a).collect();
        assert_eq!(pairs, [2, 4 + 3, 0]);
        assert!(pairs_near(&[], &[10.0], 3, &none).is_empty());
    }
}
