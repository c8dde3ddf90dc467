//! What a threshold costs in a year: the reader chooses from how many bits pairs
//! are linked and looked at, and sees false links, misses, questions and hours.
//! No script: the choice is two rows of radio buttons, and the sheet counts.

use std::fmt::Write as _;

use crate::evaluation::curve::Costs;
use crate::evaluation::report::tables::Table;
use crate::evaluation::{CurveRow, LinkFigures};

/// Thresholds to choose from; more would not be told apart.
const STEPS_MAX: usize = 24;
/// Counters of a sheet are no larger.
const COUNT_MAX: f64 = 2.0e9;

/// A region that the figures are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yearly {
    /// Records that are new or changed in a year.
    pub records_a_year: f64,
    /// Records that they are compared with.
    pub region_records: f64,
}

/// Figures of one threshold in a year.
struct Step {
    bits: f64,
    /// Pairs at or above it.
    pairs: f64,
    false_links: f64,
    false_upper: f64,
    true_links: f64,
}

/// What makes a file's figures those of a year. A record that comes meets its
/// person's records, as each record of the file does: twice the pairs over the
/// records. The chance of a false link grows with the records that it meets.
struct Scale {
    of_true: f64,
    of_false: f64,
}

impl Scale {
    fn new(yearly: Yearly, records: f64) -> Self {
        let of_true = 2.0 * yearly.records_a_year / records.max(1.0);
        Self {
            of_true,
            of_false: of_true * yearly.region_records / records.max(1.0),
        }
    }

    fn step(&self, row: &CurveRow) -> Step {
        let point = &row.point;
        let false_links = point.false_links as f64;
        let true_links = point.links as f64 - false_links;
        let false_upper = (1.0 - row.p_95.lower) * point.links as f64;
        Step {
            bits: point.threshold,
            pairs: true_links * self.of_true + false_links * self.of_false,
            false_links: false_links * self.of_false,
            false_upper: false_upper * self.of_false,
            true_links: true_links * self.of_true,
        }
    }
}

/// Evenly chosen rows of the curve, the first and the last among them.
fn chosen(curve: &[CurveRow]) -> Vec<&CurveRow> {
    let last = curve.len().saturating_sub(1);
    let steps = last.min(STEPS_MAX - 1);
    (0..=steps)
        .filter_map(|step| curve.get((step * last).checked_div(steps).unwrap_or(0)))
        .collect()
}

/// The place of the step that is closest.
fn closest(steps: &[Step], bits: f64) -> usize {
    let away = |place: &usize| (steps[*place].bits - bits).abs();
    (0..steps.len())
        .min_by(|one, other| away(one).total_cmp(&away(other)))
        .unwrap_or(0)
}

fn few(count: f64) -> String {
    match count {
        ..10.0 => format!("{count:.1}"),
        _ => format!("{count:.0}"),
    }
}

/// The explorer, and what the sheet of its page must say.
#[derive(Debug, Default)]
pub(super) struct Explorer {
    pub(super) style: String,
    pub(super) html: String,
}

/// The explorer; `link_from` and `review_from` are chosen at first.
pub(super) fn explorer(
    links: &LinkFigures,
    (records, true_pairs): (usize, u64),
    yearly: Yearly,
    costs: &Costs,
    (link_from, review_from): (f64, Option<f64>),
) -> Explorer {
    let scale = Scale::new(yearly, records as f64);
    let rows = chosen(&links.curve).into_iter();
    let steps: Vec<Step> = rows.map(|row| scale.step(row)).collect();
    let Some(last) = steps.last() else {
        return Explorer::default();
    };
    let truths = true_pairs as f64 * scale.of_true;
    let link = closest(&steps, link_from);
    let review = closest(&steps, review_from.unwrap_or(last.bits));
    let mut html = format!(
        "<p>For {} records that are new or changed in a year, in a region that holds {}: figures of this \
         file, scaled. Move both thresholds by the arrow keys or a click. Clerks are taken to decide \
         rightly and need {} minutes for a pair; each pair is counted as a question of its own, which is \
         the most that there can be.</p>\n",
        few(yearly.records_a_year),
        few(yearly.region_records),
        costs.minutes_a_task
    );
    html += "<form class=\"explorer\">\n";
    html += &choice("link", "Pairs are linked from (bits)", &steps, link);
    html += &choice("review", "Pairs are looked at from (bits)", &steps, review);
    html += "<dl class=\"yearly\">";
    for (class, name) in [
        ("false-links", "False links a year"),
        ("misses", "Missed pairs a year, after review"),
        ("questions", "Pairs to look at a year"),
        ("hours", "Hours of review a year"),
    ] {
        let _ = write!(
            html,
            "<div><dt>{name}</dt><dd class=\"{class}\"></dd></div>"
        );
    }
    html += "</dl>\n</form>\n";
    html += &table(&steps, truths);
    Explorer {
        style: style(&steps, truths, costs.minutes_a_task),
        html,
    }
}

/// What each choice counts; the sheet of all pages subtracts and multiplies.
fn style(steps: &[Step], truths: f64, minutes_a_task: f64) -> String {
    let count = |figure: f64| format!("{:.0}", figure.min(COUNT_MAX));
    let mut style = format!(
        ".explorer {{ --truths: {}; --seconds: {:.0}; }}\n",
        count(truths),
        minutes_a_task * 60.0
    );
    for (place, step) in steps.iter().enumerate() {
        let (pairs, true_links) = (count(step.pairs), count(step.true_links));
        let _ = writeln!(
            style,
            ".explorer:has(#link-{place}:checked) {{ --lp: {pairs}; --lt: {true_links}; --lf: \"{} (95 %: at \
             most {})\"; }}\n.explorer:has(#review-{place}:checked) {{ --rp: {pairs}; --rt: {true_links}; }}",
            few(step.false_links),
            few(step.false_upper),
        );
    }
    style
}

fn choice(name: &str, legend: &str, steps: &[Step], checked: usize) -> String {
    let mut html = format!("<fieldset><legend>{legend}</legend><div class=\"steps\">");
    for (place, step) in steps.iter().enumerate() {
        let checked = if place == checked { " checked" } else { "" };
        let _ = write!(
            html,
            "<span><input type=\"radio\" name=\"{name}\" id=\"{name}-{place}\"{checked}>\
             <label for=\"{name}-{place}\">{:.0}</label></span>",
            step.bits
        );
    }
    html + "</div></fieldset>\n"
}

fn table(steps: &[Step], truths: f64) -> String {
    let mut table = Table::new(
        "In a year, by threshold; pairs to look at are the difference of two rows",
        &[
            "from bits",
            "pairs from here",
            "false links",
            "at most (95 %)",
            "true pairs below",
        ],
    )
    .behind("The same as a table");
    for step in steps {
        table.row(
            "",
            &[
                format!("{:.1}", step.bits),
                few(step.pairs),
                few(step.false_links),
                few(step.false_upper),
                few((truths - step.true_links).max(0.0)),
            ],
        );
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::{Scale, Yearly, chosen};
    use crate::evaluation::CurveRow;
    use crate::evaluation::bootstrap::Interval;
    use crate::evaluation::curve::CurvePoint;
    use crate::evaluation::pair_figures::Prf;

    fn row(threshold: f64, links: u64, false_links: u64) -> CurveRow {
        let sure = Interval {
            lower: 0.9,
            upper: 1.0,
        };
        CurveRow {
            point: CurvePoint {
                threshold,
                links,
                false_links,
                prf: Prf::of(0.0, 1.0, 1.0),
            },
            p_95: sure,
            r_95: sure,
        }
    }

    #[test]
    fn false_links_grow_with_the_region_and_true_ones_do_not() {
        // 1,000 records; half as many come in a year and meet ten times as many.
        let yearly = Yearly {
            records_a_year: 500.0,
            region_records: 10_000.0,
        };
        let step = Scale::new(yearly, 1_000.0).step(&row(5.0, 410, 10));
        assert!((step.true_links - 400.0).abs() < 1e-9);
        assert!((step.false_links - 100.0).abs() < 1e-9);
        assert!((step.false_upper - 410.0).abs() < 1e-9);
    }

    #[test]
    fn few_thresholds_are_shown_with_both_ends() {
        let curve: Vec<CurveRow> = (0..100).map(|at| row(f64::from(-at), 1, 0)).collect();
        let shown = chosen(&curve);
        assert_eq!(shown.len(), 24);
        let ends = [shown.first(), shown.last()].map(|row| row.map(|row| row.point.threshold));
        assert_eq!(ends, [Some(0.0), Some(-99.0)]);
        assert_eq!(chosen(&curve[..1]).len(), 1);
        assert!(chosen(&[]).is_empty());
    }
}
