//! What a model weighs: m and u of every level, and the bits that follow. Holds
//! nothing of anybody, so that engineers see the same on pages of the service.

use std::fmt::Write as _;

use crate::evaluation::report::bars::picture;
use crate::evaluation::report::tables::Table;
use crate::evaluation::report::{escaped, percent};
use crate::matching::{Comparison, LinkageModel};

const WIDTH: f64 = 720.0;
const NAMES: f64 = 250.0;
const ROW: f64 = 17.0;
/// The axis of shares: 10^-7 to 1.
const DECADES: f64 = 7.0;

/// A level of a model.
struct Level {
    name: String,
    m: Option<f64>,
    u: Option<f64>,
    bits: f64,
}

fn levels(model: &LinkageModel) -> Vec<Level> {
    let mut levels = Vec::new();
    for comparison in Comparison::ALL {
        let Some(file) = model.file().comparison(comparison) else {
            continue;
        };
        for level in &file.level {
            let bits = match (level.weight_bits, level.m, level.u) {
                (Some(bits), _, _) => bits,
                (None, Some(m), Some(u)) => (m / u).log2(),
                _ => continue,
            };
            levels.push(Level {
                name: format!("{}: {}", comparison.name(), level.name).replace('_', " "),
                m: level.m,
                u: level.u,
                bits,
            });
        }
    }
    levels
}

/// The m/u chart, the bits, and both as a table.
#[must_use]
pub fn model_levels(model: &LinkageModel) -> String {
    let levels = levels(model);
    let mut table = Table::new(
        "Levels: how often true pairs and pairs of two people are there, and what that weighs",
        &["Comparison and level", "m", "u", "Bits"],
    )
    .behind("All levels as a table");
    for level in &levels {
        let share = |share: Option<f64>| share.map_or_else(String::new, percent);
        let bits = format!("{:+.1}", level.bits);
        table.row(
            "",
            &[level.name.clone(), share(level.m), share(level.u), bits],
        );
    }
    shares(&levels) + &weights(&levels) + &table.done()
}

/// m and u of each level on one axis of powers of ten: what lies between them is
/// the weight.
fn shares(levels: &[Level]) -> String {
    let learnt: Vec<(&Level, f64, f64)> = levels
        .iter()
        .filter_map(|level| Some((level, level.m?, level.u?)))
        .collect();
    let place = |share: f64| {
        let log = share.max(f64::MIN_POSITIVE).log10().clamp(-DECADES, 0.0);
        NAMES + (log / DECADES + 1.0) * (WIDTH - NAMES - 20.0)
    };
    let top = 22.0;
    let bottom = top + learnt.len() as f64 * ROW;
    let mut inside = String::new();
    for power in -7..=0_i32 {
        let at = place(10_f64.powi(power));
        let places = usize::try_from(-power - 2).unwrap_or(0);
        let _ = write!(
            inside,
            "<path class=\"axis\" d=\"M{at:.1} {top}V{bottom:.1}\" opacity=\".5\"/>\
             <text x=\"{at:.1}\" y=\"14\" text-anchor=\"middle\">{:.places$} %</text>",
            100.0 * 10_f64.powi(power)
        );
    }
    for (row, (level, m, u)) in learnt.iter().enumerate() {
        let y = top + (row as f64 + 0.5) * ROW;
        let (at_m, at_u) = (place(*m), place(*u));
        let class = if m >= u { "one" } else { "other" };
        let _ = write!(
            inside,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <path class=\"{class} solid\" d=\"M{at_u:.1} {y:.1}H{at_m:.1}\"/>\
             <circle class=\"one-fill\" cx=\"{at_m:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>\
             <rect class=\"other-fill\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\"/>",
            NAMES - 8.0,
            y + 4.0,
            escaped(&level.name),
            at_u - 4.0,
            y - 4.0
        );
    }
    picture(
        ("levels", "m and u of each level"),
        "For each level the share of pairs of one person that are there (m, a disc) and of pairs of two \
         people (u, a square), on a scale of powers of ten. The further m lies to the right of u, the more \
         the level says for one person. Levels whose weight a rule fixes are left out. The table below has \
         the same figures.",
        bottom + 6.0,
        &inside,
    )
}

/// A bar for each level, from zero to either side.
fn weights(levels: &[Level]) -> String {
    let levels: Vec<&Level> = levels
        .iter()
        .filter(|level| level.bits.abs() > 0.05)
        .collect();
    let most = levels
        .iter()
        .map(|level| level.bits.abs())
        .fold(1.0, f64::max);
    let (middle, half) = (
        f64::midpoint(NAMES, WIDTH - 40.0),
        (WIDTH - 40.0 - NAMES) / 2.0 - 34.0,
    );
    let mut inside = String::new();
    for (place, level) in levels.iter().enumerate() {
        let top = place as f64 * ROW + 4.0;
        let bits = level.bits;
        let reach = bits.abs() / most * half;
        let (left, class) = if bits < 0.0 {
            (middle - reach, "other-fill")
        } else {
            (middle, "one-fill")
        };
        let (at, anchor) = if bits < 0.0 {
            (left - 4.0, "end")
        } else {
            (middle + reach + 4.0, "start")
        };
        let _ = write!(
            inside,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{reach:.1}\" \
             height=\"{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{bits:+.1}\
             </text>",
            NAMES - 8.0,
            top + 11.0,
            escaped(&level.name),
            ROW - 4.0,
            top + 11.0
        );
    }
    picture(
        ("model", "Bits of each level"),
        "What agreement or disagreement at each level adds to the weight, for a value of average \
         frequency. The table below has the same figures.",
        levels.len() as f64 * ROW + 8.0,
        &inside,
    )
}
