//! The comparison of a pair as bars: each begins where the one before ended, so
//! that the last one ends at the sum.

use std::fmt::Write as _;

use crate::evaluation::report::bars::picture;
use crate::evaluation::report::escaped;
use crate::evaluation::report::tables::Table;
use crate::matching::{Explanation, ExplanationRow};

const WIDTH: f64 = 720.0;
const NAMES: f64 = 250.0;
const FIGURES: f64 = 50.0;
const ROW: f64 = 18.0;

/// What is missing, or does not apply, and weighs nothing is not drawn.
fn rows(explanation: &Explanation) -> impl Iterator<Item = &ExplanationRow> {
    let silent = |level: &str| matches!(level, "missing" | "not_applicable" | "none");
    let says = move |row: &&ExplanationRow| {
        row.weight_bits != 0.0 || !(silent(&row.level) || row.field.name().ends_with("_cap"))
    };
    explanation.rows.iter().filter(says)
}

fn name(row: &ExplanationRow) -> String {
    let (field, level) = (row.field.name(), &row.level);
    if field == "prior" || field.ends_with("_cap") {
        field.replace('_', " ")
    } else {
        format!("{field}: {level}").replace('_', " ")
    }
}

/// The picture and, behind a line, its table; `id` is its own on the page.
pub(super) fn waterfall(id: &str, pair: &str, explanation: &Explanation) -> String {
    let mut sum = 0.0;
    let mut ends = vec![0.0];
    let bars: Vec<(&ExplanationRow, f64)> = rows(explanation)
        .map(|row| {
            let from = sum;
            sum += row.weight_bits;
            ends.push(sum);
            (row, from)
        })
        .collect();
    let least = ends.iter().copied().fold(0.0, f64::min);
    let most = ends.iter().copied().fold(0.0, f64::max);
    let scale = (WIDTH - NAMES - FIGURES) / (most - least).max(1.0);
    let place = |bits: f64| NAMES + (bits - least) * scale;
    let height = (bars.len() + 1) as f64 * ROW + 6.0;
    let mut inside = format!(
        "<path class=\"axis\" d=\"M{:.1} 2V{:.1}\"/>",
        place(0.0),
        height - 4.0
    );
    let mut table = Table::new(
        &format!("{pair}, level by level"),
        &["Field", "Level", "Bits"],
    )
    .behind("The same as a table");
    for (at, (row, from)) in bars.iter().enumerate() {
        let to = from + row.weight_bits;
        let class = if row.weight_bits < 0.0 {
            "other-fill"
        } else {
            "one-fill"
        };
        bar(
            &mut inside,
            (at, class),
            &name(row),
            (place(*from), place(to)),
            row.weight_bits,
        );
        table.row(
            "texts",
            &[
                row.field.name().replace('_', " "),
                row.level.replace('_', " "),
                format!("{:+.1}", row.weight_bits),
            ],
        );
    }
    bar(
        &mut inside,
        (bars.len(), "sum-fill"),
        "together",
        (place(0.0), place(sum)),
        sum,
    );
    picture(
        (id, &format!("How {pair} compare")),
        "Each bar is what one level adds or takes, in bits, from where the bar above ended; the last is \
         the sum. The table below has the same figures.",
        height,
        &inside,
    ) + &table.done()
}

fn bar(inside: &mut String, (row, class): (usize, &str), name: &str, ends: (f64, f64), bits: f64) {
    let top = row as f64 * ROW + 4.0;
    let (left, right) = (ends.0.min(ends.1), ends.0.max(ends.1));
    let _ = write!(
        inside,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" \
         x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{bits:+.1}</text>",
        NAMES - 8.0,
        top + 11.0,
        escaped(name),
        (right - left).max(1.0),
        ROW - 5.0,
        right + 4.0,
        top + 11.0
    );
}

#[cfg(test)]
mod tests {
    use super::waterfall;
    use crate::matching::{Explanation, ExplanationRow, Field};

    #[test]
    fn each_bar_begins_where_the_one_before_ended() {
        let row = |field, level: &str, weight_bits| ExplanationRow {
            field,
            level: level.to_owned(),
            weight_bits,
            reason: String::new(),
            member: None,
            record_value: None,
            member_value: None,
        };
        let explanation = Explanation {
            rows: vec![
                row(Field::Prior, "prior", -20.0),
                row(Field::BirthDate, "exact", 10.0),
                row(Field::Phone, "missing", 0.0),
            ],
        };
        let html = waterfall("pair-1", "A & B", &explanation);
        // 420 units of width are 20 bits.
        for bar in [
            "x=\"250.0\" y=\"4.0\" width=\"420.0\"",
            "x=\"250.0\" y=\"22.0\" width=\"210.0\"",
            "x=\"460.0\" y=\"40.0\" width=\"210.0\"",
        ] {
            assert!(html.contains(bar), "{bar}: {html}");
        }
        assert!(html.contains("birth date: exact") && !html.contains("phone"));
        assert!(html.contains("A &amp; B"));
    }
}
