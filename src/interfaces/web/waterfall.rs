//! The weights as a picture: each bar begins where the one before it ended, so
//! that the last one ends at the sum.

use crate::interfaces::web::words;
use crate::registry::ShownRow;

const WIDTH: f64 = 640.0;
const LABELS: f64 = 190.0;
const FIGURES: f64 = 60.0;
const ROW: f64 = 24.0;

/// A row of the table beside the picture, and its bar.
pub(super) struct Bar {
    pub(super) label: &'static str,
    pub(super) level: String,
    pub(super) asked: Option<String>,
    pub(super) held: Option<String>,
    /// `+5.1`.
    pub(super) bits: String,
    /// The sum so far.
    pub(super) sum: String,
    pub(super) reason: String,
    /// What weighs nothing stands in the table alone.
    pub(super) drawn: bool,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    /// `for`, `against` or `none`, as a word of the stylesheet.
    pub(super) class: &'static str,
    pub(super) text_y: String,
}

/// The picture.
pub(super) struct Waterfall {
    pub(super) bars: Vec<Bar>,
    pub(super) total: String,
    pub(super) sentence: String,
    pub(super) width: String,
    pub(super) height: String,
    /// Where nothing weighs.
    pub(super) zero: String,
}

impl Waterfall {
    /// `None` where nothing was compared.
    pub(super) fn of(rows: Vec<ShownRow>) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let sums = rows.iter().scan(0.0, |sum, row| {
            *sum += row.weight_bits;
            Some(*sum)
        });
        let sums: Vec<f64> = sums.collect();
        let least = sums.iter().copied().fold(0.0, f64::min);
        let most = sums.iter().copied().fold(0.0, f64::max);
        let scale = (WIDTH - LABELS - FIGURES) / (most - least).max(1.0);
        let place = |bits: f64| LABELS + (bits - least) * scale;
        let total = sums.last().copied().unwrap_or_default();
        let weighs = |row: &&ShownRow| row.weight_bits != 0.0;
        let height = ROW * (rows.iter().filter(weighs).count() as f64 + 0.5);
        let places = rows.iter().scan(0, |drawn, row| {
            let place = *drawn;
            *drawn += u32::from(weighs(&row));
            Some(place)
        });
        let places: Vec<u32> = places.collect();
        let bars = rows
            .into_iter()
            .zip(&sums)
            .zip(places)
            .map(|((row, sum), at)| {
                let from = sum - row.weight_bits;
                let y = ROW * f64::from(at);
                let (asked, held) = row.values.map_or((None, None), |it| (it.asked, it.held));
                Bar {
                    label: words::field(row.field),
                    level: row.level.replace('_', " "),
                    asked,
                    held,
                    bits: signed(row.weight_bits),
                    sum: format!("{sum:.1}"),
                    reason: row.reason,
                    drawn: row.weight_bits != 0.0,
                    x: coordinate(place(from.min(*sum))),
                    y: coordinate(y + 4.0),
                    width: coordinate((row.weight_bits.abs() * scale).max(1.0)),
                    class: class(row.weight_bits),
                    text_y: coordinate(y + 17.0),
                }
            });
        Some(Self {
            bars: bars.collect(),
            total: format!("{total:.1}"),
            sentence: sentence(total),
            width: coordinate(WIDTH),
            height: coordinate(height),
            zero: coordinate(place(0.0)),
        })
    }
}

const fn class(bits: f64) -> &'static str {
    if bits > 0.0 {
        "for"
    } else if bits < 0.0 {
        "against"
    } else {
        "none"
    }
}

fn coordinate(number: f64) -> String {
    format!("{number:.1}")
}

fn signed(bits: f64) -> String {
    if bits == 0.0 {
        "0".to_owned()
    } else {
        format!("{bits:+.1}")
    }
}

/// What the sum means.
fn sentence(total: f64) -> String {
    let odds = total.abs().min(40.0).exp2();
    let odds = match odds {
        ..10.0 => format!("{odds:.1}"),
        10.0..10_000.0 => format!("{odds:.0}"),
        10_000.0..1_000_000.0 => format!("{:.0},000", odds / 1_000.0),
        _ => "more than a million".to_owned(),
    };
    if total >= 0.0 {
        format!(
            "Together {total:.1} bits: by the model, about {odds} to 1 that they are one person."
        )
    } else {
        format!(
            "Together {total:.1} bits: by the model, about {odds} to 1 that they are two people."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Waterfall, sentence};
    use crate::matching::Field;
    use crate::registry::ShownRow;

    fn row(field: Field, weight_bits: f64) -> ShownRow {
        ShownRow {
            field,
            level: "exact".into(),
            values: None,
            weight_bits,
            reason: String::new(),
        }
    }

    #[test]
    fn each_bar_begins_where_the_last_one_ended() {
        let rows = vec![row(Field::Prior, -20.0), row(Field::BirthDate, 10.0)];
        let waterfall = Waterfall::of(rows).expect("rows");
        assert_eq!(waterfall.total, "-10.0");
        assert_eq!(waterfall.bars[0].x, waterfall.bars[1].x);
        assert_eq!(waterfall.bars[0].width, "390.0");
        assert_eq!(waterfall.bars[1].width, "195.0");
        let rows = vec![
            row(Field::Prior, -20.0),
            row(Field::Sex, 0.0),
            row(Field::BirthDate, 10.0),
        ];
        let other = Waterfall::of(rows).expect("rows");
        assert_eq!(
            other.height, waterfall.height,
            "what weighs nothing has no bar"
        );
        assert_eq!(other.bars[2].y, waterfall.bars[1].y);
        assert!(Waterfall::of(Vec::new()).is_none());
    }

    #[test]
    fn the_sum_is_said_as_odds() {
        assert!(sentence(3.0).contains("8.0 to 1 that they are one person"));
        assert!(sentence(-16.0).contains("66,000 to 1 that they are two people"));
        assert!(sentence(30.0).contains("more than a million to 1"));
    }
}
