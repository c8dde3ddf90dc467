//! The picture of a person: its records as numbered circles, and what they weigh
//! against one another as lines. The table beside it says the same.

use std::f64::consts::TAU;

use crate::flows::{Cohesion, Tie};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 30.0;
/// Weights are written at the lines while they have room.
const LABELLED_MAX: usize = 8;

/// A record.
pub(super) struct Node {
    pub(super) place: usize,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text_y: String,
}

/// A pair of records.
pub(super) struct Line {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) bits: String,
    /// `for` or `against`, as a word of the stylesheet.
    pub(super) class: &'static str,
    pub(super) holds: bool,
    pub(super) ends: [String; 4],
    pub(super) width: String,
    pub(super) label: Option<(String, String)>,
}

/// The picture.
pub(super) struct Picture {
    pub(super) nodes: Vec<Node>,
    pub(super) lines: Vec<Line>,
    pub(super) more: usize,
    /// The part of the plane that is shown: few records need little of its height.
    pub(super) view: String,
}

impl Picture {
    /// `None` where there is nothing to be compared.
    pub(super) fn of(cohesion: &Cohesion) -> Option<Self> {
        if cohesion.ties.is_empty() {
            return None;
        }
        let count = cohesion.looked_at;
        let labelled = count <= LABELLED_MAX;
        let nodes = (0..count).map(|at| {
            let (x, y) = place(at, count);
            Node {
                place: at + 1,
                x: coordinate(x),
                y: coordinate(y),
                text_y: coordinate(y + 5.0),
            }
        });
        Some(Self {
            nodes: nodes.collect(),
            lines: cohesion
                .ties
                .iter()
                .map(|tie| line(tie, count, labelled))
                .collect(),
            more: cohesion.records - count,
            view: view(count),
        })
    }
}

/// On an ellipse, the first one at its left.
fn place(at: usize, count: usize) -> (f64, f64) {
    let angle = TAU * (at as f64 / count.max(1) as f64 - 0.5);
    let (width, height) = (WIDTH / 2.0, HEIGHT / 2.0);
    let x = width + (width - MARGIN) * angle.cos();
    (x, height + (height - MARGIN) * angle.sin())
}

fn view(count: usize) -> String {
    let heights = (0..count).map(|at| place(at, count).1);
    let (top, bottom) = heights.fold((HEIGHT, 0.0_f64), |(top, bottom), y| {
        (top.min(y), bottom.max(y))
    });
    format!(
        "0 {:.0} {WIDTH:.0} {:.0}",
        top - MARGIN,
        bottom - top + 2.0 * MARGIN
    )
}

fn line(tie: &Tie, count: usize, labelled: bool) -> Line {
    let (from, to) = (place(tie.a, count), place(tie.b, count));
    let against = tie.weight_bits < 0.0;
    // Not in the middle, where lines of opposite records would all meet.
    let at = |one: f64, other: f64| one + (other - one) * 0.4;
    let label = labelled.then(|| (at(from.0, to.0), at(from.1, to.1)));
    Line {
        a: tie.a + 1,
        b: tie.b + 1,
        bits: format!("{:+.1}", tie.weight_bits),
        class: if against { "against" } else { "for" },
        holds: tie.holds,
        ends: [from.0, from.1, to.0, to.1].map(coordinate),
        width: coordinate((tie.weight_bits.abs() / 6.0).clamp(1.0, 6.0)),
        label: label.map(|(x, y)| (coordinate(x), coordinate(y))),
    }
}

fn coordinate(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::{HEIGHT, Picture, WIDTH, place};
    use crate::flows::{Cohesion, Tie};

    #[test]
    fn all_records_are_in_the_picture_and_apart() {
        assert_eq!(super::view(2), "0 150 640 60");
        assert_eq!(super::view(4), "0 0 640 360");
        let places: Vec<(f64, f64)> = (0..24).map(|at| place(at, 24)).collect();
        for (at, (x, y)) in places.iter().enumerate() {
            assert!((0.0..=WIDTH).contains(x) && (0.0..=HEIGHT).contains(y));
            for (other_x, other_y) in &places[at + 1..] {
                assert!((x - other_x).hypot(y - other_y) > 32.0);
            }
        }
    }

    #[test]
    fn a_record_alone_has_no_picture() {
        assert!(Picture::of(&Cohesion::default()).is_none());
        let tie = Tie {
            a: 0,
            b: 1,
            weight_bits: -3.25,
            holds: true,
        };
        let cohesion = Cohesion {
            looked_at: 2,
            records: 5,
            ties: vec![tie],
        };
        let picture = Picture::of(&cohesion).expect("a picture");
        assert_eq!((picture.nodes.len(), picture.more), (2, 3));
        assert_eq!(picture.lines[0].class, "against");
        assert_eq!(picture.lines[0].bits, "-3.2");
    }
}
