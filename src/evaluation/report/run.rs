//! A run without a truth as one page: what was compared and how, what the model
//! weighs, how large persons are, and pairs around the thresholds to read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bulk::{BulkRecords, Linked};
use crate::evaluation::report::bars::Bars;
use crate::evaluation::report::levels::model_levels;
use crate::evaluation::report::plot::{Plot, Scale};
use crate::evaluation::report::tables::Table;
use crate::evaluation::report::waterfall::waterfall;
use crate::evaluation::report::{escaped, section, whole};
use crate::matching::{Explanation, MatchWeight};

/// Large blocks that are named.
const BLOCKS_NAMED_MAX: usize = 50;
/// Pairs to read at each threshold.
const PAIRS_AT_THRESHOLD: usize = 6;
/// Sizes of persons that have a row of their own.
const SIZES_NAMED: usize = 12;

/// A pair to read.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledPair {
    /// Ids of the two records.
    pub ids: [String; 2],
    /// What the run gives them.
    pub weight_bits: f64,
    /// Which threshold they are near to.
    pub near: &'static str,
    /// The comparison of the two alone, level by level.
    pub explanation: Explanation,
}

/// What a page is made from.
pub struct RunShown<'r> {
    /// The records.
    pub records: &'r BulkRecords,
    /// What came of them.
    pub linked: &'r Linked,
    /// `model` or `care`.
    pub policy: &'static str,
    /// Pairs to read.
    pub pairs: &'r [SampledPair],
    /// Values of records by id, where they may be shown.
    pub values: Option<&'r BTreeMap<String, BTreeMap<String, String>>>,
}

/// Those closest to the review and to the linking threshold, the closest first.
#[must_use]
pub fn pairs_to_read(records: &BulkRecords, linked: &Linked) -> Vec<SampledPair> {
    let model = &linked.model;
    let thresholds = [
        ("review", model.review_threshold().bits()),
        ("linking", model.link_threshold().bits()),
    ];
    let mut pairs = Vec::new();
    for (near, threshold) in thresholds {
        let mut closest: Vec<_> = linked.links.iter().collect();
        let away = |weight: f64| (weight - threshold).abs();
        closest.sort_by(|x, y| {
            let order = away(x.weight).total_cmp(&away(y.weight));
            order.then((x.a, x.b).cmp(&(y.a, y.b)))
        });
        pairs.extend(
            closest
                .iter()
                .take(PAIRS_AT_THRESHOLD)
                .map(|edge| SampledPair {
                    ids: [edge.a, edge.b].map(|record| records.id(record).to_owned()),
                    weight_bits: edge.weight,
                    near,
                    explanation: records.explain(model, edge.a, edge.b),
                }),
        );
    }
    pairs
}

/// The page.
#[must_use]
pub fn run_page(shown: &RunShown<'_>) -> String {
    let mut body = String::new();
    section(&mut body, "In short", &in_short(shown));
    section(&mut body, "What was learnt", &learnt(shown.linked));
    section(&mut body, "Blocks", &blocks(shown.linked));
    section(&mut body, "Weights of links", &weights(shown.linked));
    section(
        &mut body,
        "What the model weighs",
        &model_levels(&shown.linked.model),
    );
    section(&mut body, "Sizes of persons", &sizes(shown.linked));
    section(&mut body, "Pairs to read", &to_read(shown));
    whole(
        "What was linked",
        &format!(
            "{} records. Nobody has said which of them are one person: how good the links are, this page \
             cannot tell.",
            shown.records.len()
        ),
        shown.values.is_some(),
        "",
        &body,
    )
}

fn in_short(shown: &RunShown<'_>) -> String {
    let linked = shown.linked;
    let mut persons = linked.persons.clone();
    persons.sort_unstable();
    persons.dedup();
    let model = &linked.model;
    let calibrated = if model.calibrated() {
        "yes: probabilities are measured ones"
    } else {
        "no: probabilities are what weights claim"
    };
    let mut table = Table::new("The run", &["What", "Figure"]);
    for (name, figure) in [
        ("Records", shown.records.len().to_string()),
        ("Pairs compared", linked.compared.to_string()),
        ("Links", linked.links.len().to_string()),
        ("Persons", persons.len().to_string()),
        ("Persons are made by", shown.policy.to_owned()),
        ("Model", format!("{} ({})", model.file().name, model.id())),
        ("Profile", model.file().profile.clone()),
        ("Calibrated", calibrated.to_owned()),
        ("For review from", bits(model.review_threshold())),
        ("Linked in care from", bits(model.link_threshold())),
    ] {
        table.row("", &[name.to_owned(), figure]);
    }
    table.done()
}

fn bits(weight: MatchWeight) -> String {
    format!("{:.1} bits", weight.bits())
}

fn learnt(linked: &Linked) -> String {
    let mut html = String::new();
    for note in &linked.model.file().notes {
        let _ = writeln!(html, "<p>{}.</p>", escaped(note));
    }
    html
}

/// What each rule brought together, and which blocks were too large.
fn blocks(linked: &Linked) -> String {
    let mut table = Table::new(
        "Blocks by rule, as they were compared",
        &["Rule", "Blocks", "Largest", "Pairs in them"],
    );
    for rule in &linked.rules {
        table.row(
            "",
            &[
                rule.rule.replace('_', " "),
                rule.blocks.to_string(),
                rule.largest.to_string(),
                rule.pairs.to_string(),
            ],
        );
    }
    let most = linked.rules.iter().map(|rule| rule.pairs).max();
    let most = most.unwrap_or(0).max(1) as f64;
    let mut bars = Bars::default();
    for rule in &linked.rules {
        let name = rule.rule.replace('_', " ");
        bars.row(&name, rule.pairs as f64 / most, &rule.pairs.to_string());
    }
    let picture = bars.svg(
        ("rules", "Pairs by rule"),
        "How many pairs the blocks of each rule hold. Most of them are ruled out by a first look, or met \
         under another rule. The table below has the same figures.",
    );
    picture + &table.done() + &too_large(linked)
}

fn too_large(linked: &Linked) -> String {
    if linked.oversized.is_empty() {
        return "<p>No block was too large: all pairs of each block were compared.</p>".to_owned();
    }
    let mut table = Table::new(
        "Blocks that were too large to be compared whole",
        &["Rule", "Records", "What was done"],
    );
    for block in linked.oversized.iter().take(BLOCKS_NAMED_MAX) {
        let done = if block.sharpened {
            "divided by further fields"
        } else {
            "not every pair compared"
        };
        table.row(
            "texts",
            &[
                block.rule.to_owned(),
                block.records.to_string(),
                done.to_owned(),
            ],
        );
    }
    let more = linked.oversized.len().saturating_sub(BLOCKS_NAMED_MAX);
    let mut html = table.done();
    if more > 0 {
        let _ = writeln!(html, "<p>And {more} more.</p>");
    }
    html
}

/// Links in bins of one bit.
fn weights(linked: &Linked) -> String {
    let mut bins: BTreeMap<i32, u64> = BTreeMap::new();
    for edge in &linked.links {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "weights are within ±200 bits"
        )]
        let bin = edge.weight.floor().clamp(-200.0, 200.0) as i32;
        *bins.entry(bin).or_default() += 1;
    }
    let (Some(first), Some(last)) = (bins.keys().next(), bins.keys().last()) else {
        return "<p>There are no links.</p>".to_owned();
    };
    let most = bins.values().copied().max().unwrap_or(1) as f64;
    let x = Scale::Linear(f64::from(*first), f64::from(*last + 1));
    let y = Scale::Linear(0.0, most);
    let mut plot = Plot::new((x, "weight in bits"), (y, "links"), 260.0);
    for (bin, count) in &bins {
        plot.bar("one", (f64::from(*bin) + 0.5, 0.5), (0.0, *count as f64));
    }
    for (name, at) in [
        ("review", linked.model.review_threshold().bits()),
        ("linked in care", linked.model.link_threshold().bits()),
    ] {
        if (f64::from(*first)..=f64::from(*last + 1)).contains(&at) {
            plot.line("other", &[(at, 0.0), (at, most)]);
            plot.label((at, most * 0.97), name);
        }
    }
    let mut table =
        Table::new("Links by weight", &["From, in bits", "Links"]).behind("The same as a table");
    for (bin, count) in bins.iter().rev() {
        table.row("", &[bin.to_string(), count.to_string()]);
    }
    plot.svg(
        "weights",
        "Links by weight",
        "Number of links in bins of one bit, and the thresholds. A second heap close to a threshold \
         is worth reading. The table below has the same figures.",
    ) + &table.done()
}

fn sizes(linked: &Linked) -> String {
    let mut members: BTreeMap<u32, usize> = BTreeMap::new();
    for person in &linked.persons {
        *members.entry(*person).or_default() += 1;
    }
    let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
    for size in members.values() {
        *sizes.entry((*size).min(SIZES_NAMED)).or_default() += 1;
    }
    let largest = members.values().max().copied().unwrap_or(0);
    let mut table = Table::new("Records of a person", &["Records", "Persons"]);
    for (size, persons) in &sizes {
        let name = if *size == SIZES_NAMED {
            format!("{size} and more")
        } else {
            size.to_string()
        };
        table.row("", &[name, persons.to_string()]);
    }
    format!("{}<p>The largest has {largest}.</p>\n", table.done())
}

fn to_read(shown: &RunShown<'_>) -> String {
    let mut html = String::new();
    for (place, pair) in shown.pairs.iter().enumerate() {
        let [a, b] = &pair.ids;
        let caption = format!(
            "{a} and {b}: {:.1} bits, near the {} threshold",
            pair.weight_bits, pair.near
        );
        let _ = writeln!(html, "<h3>{}</h3>", escaped(&caption));
        let id = format!("pair-{place}");
        html += &waterfall(&id, &format!("{a} and {b}"), &pair.explanation);
        if let Some(values) = shown.values {
            let caption = format!("What {a} and {b} say");
            html.push_str(&side_by_side(&caption, values.get(a), values.get(b)));
        }
    }
    if html.is_empty() {
        return "<p>There are no links.</p>".to_owned();
    }
    let shown = "<p>The bars compare the two records alone; the weight in the heading is what the run \
                 gives them, which may come from the groups that they belong to.</p>\n";
    shown.to_owned() + &html
}

fn side_by_side(
    caption: &str,
    one: Option<&BTreeMap<String, String>>,
    other: Option<&BTreeMap<String, String>>,
) -> String {
    let (Some(one), Some(other)) = (one, other) else {
        return String::new();
    };
    let mut table = Table::new(caption, &["Field", "One", "The other"]);
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let value = |side: &BTreeMap<String, String>| side.get(name).cloned().unwrap_or_default();
        let class = if one.get(name) == other.get(name) {
            "texts"
        } else {
            "texts differs"
        };
        table.row(class, &[name.replace('_', " "), value(one), value(other)]);
    }
    table.done()
}
