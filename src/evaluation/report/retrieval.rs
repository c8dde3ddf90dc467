//! Retrieval, rule by rule, and the sizes of blocks.

use crate::evaluation::report::bars::Bars;
use crate::evaluation::report::percent;
use crate::evaluation::report::tables::Table;
use crate::evaluation::retrieval::RetrievalFigures;

/// Pictures and tables of retrieval.
pub(super) fn retrieval(found: &RetrievalFigures) -> String {
    let mut table = Table::new(
        "Blocking rules of the service",
        &[
            "rule",
            "recall",
            "true pairs",
            "by it alone",
            "records",
            "blocks",
            "largest",
            "pairs",
        ],
    );
    for rule in &found.rules {
        let broad = if rule.broad { " (broad)" } else { "" };
        table.row(
            "",
            &[
                format!("{}{broad}", rule.rule).replace('_', " "),
                percent(rule.recall),
                rule.true_pairs.to_string(),
                rule.alone.to_string(),
                rule.records.to_string(),
                rule.blocks.to_string(),
                rule.largest.to_string(),
                rule.pairs.to_string(),
            ],
        );
    }
    format!(
        "<p>{} of the true pairs share a key of some rule. That is the most that retrieval can find; \
         keys that very many records share are sharpened when they are looked up. Broad rules are looked \
         up only for records that have nothing narrower. <code>accord link</code> has rules of its own.\
         </p>\n{}{}{}",
        percent(found.recall),
        recalls(found),
        table.done(),
        sizes(found)
    )
}

fn recalls(found: &RetrievalFigures) -> String {
    let mut bars = Bars::default();
    for rule in &found.rules {
        let alone = rule.recall * rule.alone as f64 / rule.true_pairs.max(1) as f64;
        let name = rule.rule.replace('_', " ");
        bars.row_in_two(&name, (rule.recall, alone), &percent(rule.recall));
    }
    bars.svg(
        ("rules", "Recall of retrieval by rule"),
        "For each blocking rule the share of true pairs that it brings together; the part in the other \
         colour is of pairs that no other rule finds. The table below has the same figures.",
    )
}

/// How many blocks are how large.
fn sizes(found: &RetrievalFigures) -> String {
    let most = found.sizes.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut table = Table::new("Blocks by size", &["records", "blocks"]).behind("Sizes as a table");
    let mut bars = Bars::default();
    for (place, count) in found.sizes.iter().enumerate() {
        let (from, to) = ((1_u64 << place) + 1, 2_u64 << place);
        let name = if from == to {
            format!("{to} records")
        } else {
            format!("{from} to {to}")
        };
        bars.row(&name, *count as f64 / most, &count.to_string());
        table.row("", &[name, count.to_string()]);
    }
    bars.svg(
        ("sizes", "Blocks by size"),
        "How many keys of the rules that are not broad are shared by so many records. The table below \
         has the same figures.",
    ) + &table.done()
}
