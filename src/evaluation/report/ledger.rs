//! What the model's weights have made of a ledger, as pictures for engineers:
//! figures and levels, nobody's values and nobody's ids.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::evaluation::bounds::exact;
use crate::evaluation::report::plot::{Plot, Scale};
use crate::evaluation::report::tables::Table;
use crate::evaluation::report::waterfall::waterfall;
use crate::evaluation::report::{percent, section};
use crate::flows::{LedgerWeights, LinkTally, NearThreshold};
use crate::matching::{Explanation, ExplanationRow, KeyKind, LinkageModel, MatchWeight, Route};

/// Bits of a bin of answers.
const BIN: f64 = 2.0;

/// Sections about what the weights have come to.
#[must_use]
pub fn ledger_weights(found: &LedgerWeights, model: &LinkageModel) -> String {
    let mut body = String::new();
    section(&mut body, "Links that stand", &links(&found.links, model));
    section(
        &mut body,
        "What people answered",
        &answers(&found.labels, model),
    );
    section(&mut body, "Blocking rules", &rules());
    section(
        &mut body,
        "Questions near the thresholds",
        &near(&found.near),
    );
    body
}

const fn route(route: Option<Route>) -> &'static str {
    match route {
        Some(Route::Deterministic) => "by number or rule",
        Some(Route::Probabilistic) => "by weight",
        Some(Route::Human) => "by a human",
        None => "first record of a person",
    }
}

/// Links by route, and those with a weight by bit.
fn links(tallies: &[LinkTally], model: &LinkageModel) -> String {
    let mut by_route: BTreeMap<&str, u64> = BTreeMap::new();
    let mut by_bit: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    for tally in tallies {
        *by_route.entry(route(tally.route)).or_default() += tally.links;
        if let (Some(bits), Some(of)) = (tally.weight_bits, tally.route) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "weights are within ±200 bits"
            )]
            let bin = by_bit.entry(bits.clamp(-200.0, 200.0) as i32).or_default();
            match of {
                Route::Probabilistic => bin.0 += tally.links,
                Route::Deterministic | Route::Human => bin.1 += tally.links,
            }
        }
    }
    let mut table = Table::new(
        "Records by how they came to their person",
        &["Route", "Records"],
    );
    for (name, count) in &by_route {
        table.row("", &[(*name).to_owned(), count.to_string()]);
    }
    histogram(&by_bit, model) + &table.done()
}

fn histogram(by_bit: &BTreeMap<i32, (u64, u64)>, model: &LinkageModel) -> String {
    let (Some(first), Some(last)) = (by_bit.keys().next(), by_bit.keys().last()) else {
        return "<p>No link has a weight yet.</p>\n".to_owned();
    };
    let most = by_bit.values().map(|(by_weight, other)| by_weight + other);
    let most = most.max().unwrap_or(1).max(1) as f64;
    let (low, high) = (f64::from(first - 1), f64::from(last + 1));
    let x = (Scale::Linear(low, high), "weight in bits");
    let mut plot = Plot::new(x, (Scale::Linear(0.0, most), "links"), 260.0);
    let headings = ["Bits", "By weight", "By number, rule or human"];
    let mut table = Table::new("Links by weight", &headings).behind("The same as a table");
    for (bit, (by_weight, other)) in by_bit {
        let (middle, sum) = (f64::from(*bit), (by_weight + other) as f64);
        plot.bar("one", (middle, 0.5), (*other as f64, sum));
        plot.bar("other", (middle, 0.5), (0.0, *other as f64));
        let row = [bit.to_string(), by_weight.to_string(), other.to_string()];
        table.row("", &row);
    }
    for (name, at) in [
        ("review", model.review_threshold().bits()),
        ("linked", model.link_threshold().bits()),
    ] {
        if (low..=high).contains(&at) {
            plot.line("axis", &[(at, 0.0), (at, most)]);
            plot.label((at, most * 0.97), name);
        }
    }
    plot.svg(
        "ledger-links",
        "Links by weight",
        "Number of links that stand, to the nearest bit: those made by weight in the upper, those made by \
         a number, a rule or a human in the lower part of each bar. The table below has the same figures.",
    ) + &table.done()
}

/// The share of "same" among answers, beside what the weights claim.
fn answers(labels: &[(f64, bool)], model: &LinkageModel) -> String {
    let mut bins: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for (weight, same) in labels {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "weights are within ±200 bits"
        )]
        let bin = bins.entry((weight / BIN).floor() as i64).or_default();
        bin.0 += 1;
        bin.1 += u64::from(*same);
    }
    let (Some(first), Some(last)) = (bins.keys().next(), bins.keys().last()) else {
        return "<p>No question about a pair has been answered yet.</p>\n".to_owned();
    };
    let from = |bin: i64| bin as f64 * BIN;
    let (low, high) = (from(*first), from(last + 1));
    let x = (Scale::Linear(low, high), "weight in bits");
    let y = (Scale::Linear(0.0, 1.0), "share answered as the same");
    let mut plot = Plot::new(x, y, 260.0);
    let claim = |bits: f64| model.probability(MatchWeight::new(bits)).value();
    let steps = (0..=60).map(|step| low + (high - low) * f64::from(step) / 60.0);
    let line: Vec<(f64, f64)> = steps.map(|bits| (bits, claim(bits))).collect();
    plot.line("axis", &line);
    let headings = ["Bits", "Answers", "Same", "Share (95 %)", "Claimed"];
    let mut table = Table::new("Answers by weight", &headings).behind("The same as a table");
    for (bin, (count, same)) in &bins {
        let share = exact(*same as f64, *count as f64);
        let middle = from(*bin) + BIN / 2.0;
        plot.whisker("one", middle, (share.share, share.lower, share.upper));
        table.row(
            "",
            &[
                format!("{:.0} to {:.0}", from(*bin), from(bin + 1)),
                count.to_string(),
                same.to_string(),
                format!(
                    "{} ({} to {})",
                    percent(share.share),
                    percent(share.lower),
                    percent(share.upper)
                ),
                percent(claim(middle)),
            ],
        );
    }
    plot.svg(
        "ledger-answers",
        "Answers by weight",
        "For each bin of two bits the share of answered questions that people held to be one person, with \
         95 % bounds, beside the line of what weights claim. Questions are not a sample of all pairs. The \
         table below has the same figures.",
    ) + &table.done()
}

fn rules() -> String {
    let mut html =
        "<p>A record is compared with those that share one of these keys. Broad ones are looked \
                    up only for records that have nothing narrower.</p>\n<ul>"
            .to_owned();
    for kind in KeyKind::ALL {
        let broad = if kind.is_broad() { " (broad)" } else { "" };
        let _ = write!(html, "<li>{}{broad}</li>", kind.name().replace('_', " "));
    }
    html + "</ul>\n"
}

/// Levels of questions, without the pair.
fn near(questions: &[NearThreshold]) -> String {
    if questions.is_empty() {
        return "<p>There is no question about a pair.</p>\n".to_owned();
    }
    let mut html =
        "<p>Levels and weights only: whose records these are, the review desk knows.</p>\n"
            .to_owned();
    for (place, question) in questions.iter().enumerate() {
        let answer = match question.same {
            Some(true) => "; people said: the same person",
            Some(false) => "; people said: two people",
            None => "",
        };
        let _ = writeln!(
            html,
            "<h3>{:.1} bits, near the {} threshold{answer}</h3>",
            question.weight_bits, question.threshold
        );
        let rows = question.rows.iter().map(|row| ExplanationRow {
            field: row.field,
            level: row.level.clone(),
            weight_bits: row.weight_bits,
            reason: String::new(),
            member: None,
            record_value: None,
            member_value: None,
        });
        let explanation = Explanation {
            rows: rows.collect(),
        };
        let pair = format!("the records of question {}", place + 1);
        html += &waterfall(&format!("near-{place}"), &pair, &explanation);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::ledger_weights;
    use crate::flows::{LedgerWeights, LinkTally, NearThreshold};
    use crate::matching::{Field, LinkageModel, Route};
    use crate::registry::EvidenceRow;

    #[test]
    fn an_empty_ledger_and_a_full_one_have_all_their_sections() {
        let model = LinkageModel::uk_care();
        let empty = ledger_weights(&LedgerWeights::default(), &model);
        assert!(empty.contains("No link has a weight") && empty.contains("birth date given"));
        let found = LedgerWeights {
            links: vec![
                LinkTally {
                    route: None,
                    weight_bits: None,
                    links: 70,
                },
                LinkTally {
                    route: Some(Route::Probabilistic),
                    weight_bits: Some(22.0),
                    links: 30,
                },
                LinkTally {
                    route: Some(Route::Deterministic),
                    weight_bits: Some(40.0),
                    links: 12,
                },
            ],
            labels: vec![(11.0, true), (11.5, true), (11.9, false), (4.0, false)],
            near: vec![NearThreshold {
                threshold: "review",
                weight_bits: 10.2,
                same: Some(false),
                rows: vec![EvidenceRow {
                    field: Field::BirthDate,
                    level: "exact".to_owned(),
                    weight_bits: 12.1,
                }],
            }],
        };
        let full = ledger_weights(&found, &model);
        for words in [
            "first record of a person</th><td>70",
            "10 to 12</th><td>3</td><td>2</td>",
            "near the review threshold; people said: two people",
            "birth date: exact",
        ] {
            assert!(full.contains(words), "{words}: {full}");
        }
    }
}
