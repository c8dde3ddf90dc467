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
use crate::evaluation::{Evaluation, EvaluationOptions, LinkFigures, METHOD};
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
    section(&mut body, "In short", &tables::headline(evaluation));
    let mut explored = Explorer::default();
    if let Some(links) = &evaluation.links {
        explored = of_links(&mut body, links, evaluation, (options, beside.yearly));
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
    let pairs = evaluation.worst_misses.iter();
    let mut pairs = pairs.chain(&evaluation.worst_false_links);
    let identifying = pairs.any(|pair| pair.records.is_some());
    whole(
        "How good the linkage is",
        &format!(
            "{} records of {} persons whose truth is known.",
            evaluation.records, evaluation.persons
        ),
        identifying,
        &explored.style,
        &body,
    )
}

/// Sections about links and their weights.
fn of_links(
    body: &mut String,
    links: &LinkFigures,
    evaluation: &Evaluation,
    (options, yearly): (&EvaluationOptions, Yearly),
) -> Explorer {
    let curve = pictures::curve(links) + &tables::curve(links);
    section(body, "Thresholds", &curve);
    section(
        body,
        "Recall at a fixed precision",
        &tables::at_precision(links),
    );
    let weights = pictures::weights(links) + &tables::weights(links);
    section(body, "Weights", &weights);
    let calibration = pictures::calibration(links) + &tables::calibration(links);
    section(body, "Calibration", &calibration);
    section(body, "Costs", &tables::costs(&links.costs));
    let decided = evaluation.decided.as_ref();
    let truths = decided.map_or(0, |decided| decided.true_pairs);
    let explored = explorer(
        links,
        (evaluation.records, truths),
        yearly,
        &options.costs,
        (options.link_from, options.review_from),
    );
    section(body, "What a threshold costs in a year", &explored.html);
    explored
}

/// A page that stands alone: its sheet in its head, nothing from elsewhere.
fn whole(title: &str, about: &str, identifying: bool, style: &str, body: &str) -> String {
    let warning = if identifying {
        "<p class=\"warning\"><strong>This page holds values of records. Keep it as you keep the \
         records.</strong></p>"
    } else {
        ""
    };
    format!(
        "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#figures\">To the figures</a>\n\
         <header><h1>{title}</h1>\n<p>{about}</p>{warning}</header>\n\
         <main id=\"figures\">\n{body}</main>\n</body>\n</html>\n"
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
