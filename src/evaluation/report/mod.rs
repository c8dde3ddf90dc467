//! The evaluation as one page for people: no script, nothing from the network,
//! a table beside every picture, fit to be printed. It is made from the same
//! value as the JSON answer.

mod bars;
mod explorer;
mod ledger;
mod levels;
mod pictures;
mod plot;
mod retrieval;
mod run;
mod tables;
mod waterfall;

pub use explorer::Yearly;
pub use ledger::ledger_weights;
pub use levels::model_levels;
pub use run::{RunShown, SampledPair, pairs_to_read, run_page};

use std::fmt::Write as _;

use crate::evaluation::gaps;
use crate::evaluation::report::explorer::{Explorer, explorer};
use crate::evaluation::retrieval::RetrievalFigures;
use crate::evaluation::{Evaluation, EvaluationOptions, METHOD};
use crate::matching::LinkageModel;

const STYLE: &str = include_str!("page.css");

/// Text as it may stand in HTML, in attributes too.
#[must_use]
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// A share in per cent, with more places the closer it is to 0 or 100.
#[must_use]
pub(super) fn percent(share: f64) -> String {
    let away = share.min(1.0 - share).abs();
    if away == 0.0 {
        format!("{:.0} %", share * 100.0)
    } else if away < 0.01 {
        format!("{:.3} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// What a page shows beside the evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'b> {
    /// The region of the cost explorer.
    pub yearly: Yearly,
    /// The model that the pairs are explained by.
    pub model: &'b LinkageModel,
    /// Retrieval by rule, where records are at hand.
    pub retrieval: Option<&'b RetrievalFigures>,
}

/// The page.
#[must_use]
pub fn page(evaluation: &Evaluation, options: &EvaluationOptions, beside: &Beside<'_>) -> String {
    let mut body = String::new();
    let mut explored = Explorer::default();
    section(&mut body, "In short", &tables::headline(evaluation));
    if let Some(links) = &evaluation.links {
        let curve = pictures::curve(links) + &tables::curve(links);
        section(&mut body, "Thresholds", &curve);
        section(
            &mut body,
            "Recall at a fixed precision",
            &tables::at_precision(links),
        );
        let weights = pictures::weights(links) + &tables::weights(links);
        section(&mut body, "Weights", &weights);
        let calibration = pictures::calibration(links) + &tables::calibration(links);
        section(&mut body, "Calibration", &calibration);
        section(&mut body, "Costs", &tables::costs(&links.costs));
        let decided = evaluation.decided.as_ref();
        let truths = decided.map_or(0, |decided| decided.true_pairs);
        explored = explorer(
            links,
            (evaluation.records, truths),
            beside.yearly,
            &options.costs,
            (options.link_from, options.review_from),
        );
        section(
            &mut body,
            "What a threshold costs in a year",
            &explored.html,
        );
    }
    let decided = tables::decided(evaluation);
    section(&mut body, "What limits recall, and review", &decided);
    if let Some(found) = beside.retrieval {
        section(&mut body, "Retrieval by rule", &retrieval::retrieval(found));
    }
    if let Some(groups) = &evaluation.groups {
        let gaps = tables::gaps(&gaps::largest(groups));
        let errors = gaps + &pictures::groups(groups) + &tables::groups(groups);
        section(&mut body, "Errors by group of people", &errors);
    }
    let weighed = format!(
        "<p>Model {} ({}). Pairs below are explained by it, each pair alone; the weight in their headings \
         is that of the links.</p>\n{}",
        escaped(&beside.model.file().name),
        beside.model.id(),
        model_levels(beside.model)
    );
    section(&mut body, "What the model weighs", &weighed);
    section(
        &mut body,
        "Missed pairs to read",
        &tables::pairs("missed", &evaluation.worst_misses),
    );
    section(
        &mut body,
        "False pairs to read",
        &tables::pairs("false", &evaluation.worst_false_links),
    );
    let method = format!(
        "<p>{}</p><p>{} replicates.</p>",
        escaped(METHOD),
        options.replicates
    );
    section(&mut body, "Method", &method);
    let identifying = if evaluation
        .worst_misses
        .iter()
        .any(|pair| pair.records.is_some())
    {
        "<p class=\"warning\"><strong>This page holds values of records. Keep it as you keep the \
         records.</strong></p>"
    } else {
        ""
    };
    let style = explored.style;
    format!(
        "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>How good the linkage is</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#figures\">To the figures</a>\n\
         <header><h1>How good the linkage is</h1>\n\
         <p>{} records of {} persons whose truth is known.</p>{identifying}</header>\n\
         <main id=\"figures\">\n{body}</main>\n</body>\n</html>\n",
        evaluation.records, evaluation.persons
    )
}

fn section(body: &mut String, heading: &str, content: &str) {
    if content.is_empty() {
        return;
    }
    let id = heading.to_lowercase().replace([' ', ','], "-");
    let _ = writeln!(
        body,
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{content}</section>"
    );
}

#[cfg(test)]
mod tests {
    use super::{escaped, percent};

    #[test]
    fn values_cannot_leave_their_place_on_the_page() {
        let hostile = "\"><script>alert('x')</script>&";
        let safe = escaped(hostile);
        assert!(!safe.contains(['<', '>', '"', '\'']), "{safe}");
    }

    #[test]
    fn shares_have_the_places_that_matter() {
        let shown = [0.0, 1.0, 0.5, 0.9991, 0.0004].map(percent);
        assert_eq!(shown, ["0 %", "100 %", "50.0 %", "99.910 %", "0.040 %"]);
    }
}
