//! The tables of the page: the same figures as the pictures, and more.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::evaluation::bounds::BoundedShare;
use crate::evaluation::curve::CheapestThresholds;
use crate::evaluation::gaps::Gap;
use crate::evaluation::groups::GroupTable;
use crate::evaluation::report::waterfall::waterfall;
use crate::evaluation::report::{escaped, percent};
use crate::evaluation::worst::{PairToRead, Why};
use crate::evaluation::{Evaluation, LinkFigures};

/// A table with a caption; `hidden` puts it behind a line to be opened.
pub(super) struct Table {
    html: String,
    hidden: Option<&'static str>,
}

impl Table {
    pub(super) fn new(caption: &str, headings: &[&str]) -> Self {
        let caption = escaped(caption);
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption} (table)\"><table>\
             <caption>{caption}</caption><thead><tr>"
        );
        for heading in headings {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(heading));
        }
        html.push_str("</tr></thead><tbody>\n");
        Self { html, hidden: None }
    }

    pub(super) fn behind(mut self, line: &'static str) -> Self {
        self.hidden = Some(line);
        self
    }

    pub(super) fn row(&mut self, class: &str, cells: &[String]) {
        let _ = write!(self.html, "<tr class=\"{class}\">");
        for (place, cell) in cells.iter().enumerate() {
            let cell = escaped(cell);
            let _ = match place {
                0 => write!(self.html, "<th scope=\"row\">{cell}</th>"),
                _ => write!(self.html, "<td>{cell}</td>"),
            };
        }
        self.html.push_str("</tr>\n");
    }

    pub(super) fn done(mut self) -> String {
        self.html.push_str("</tbody></table></div>\n");
        match self.hidden {
            Some(line) => format!(
                "<details><summary>{line}</summary>{}</details>\n",
                self.html
            ),
            None => self.html,
        }
    }
}

fn bits(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |bits| format!("{bits:.2}"))
}

fn between(lower: f64, upper: f64) -> String {
    format!("{} to {}", percent(lower), percent(upper))
}

fn bounded(share: &BoundedShare) -> String {
    format!(
        "{} ({})",
        percent(share.share),
        between(share.lower, share.upper)
    )
}

pub(super) fn headline(evaluation: &Evaluation) -> String {
    let mut table = Table::new("The figures that matter most", &["figure", "value"]);
    let mut put = |name: &str, value: String| table.row("", &[name.to_owned(), value]);
    if let Some(decided) = &evaluation.decided {
        let (figures, between_95) = (&decided.figures, &decided.pairwise_95);
        put("decided by", decided.by.clone());
        let p = between(between_95.p.lower, between_95.p.upper);
        put(
            "precision of pairs",
            format!("{} ({p})", percent(figures.pairwise.p)),
        );
        let r = between(between_95.r.lower, between_95.r.upper);
        put(
            "recall of pairs",
            format!("{} ({r})", percent(figures.pairwise.r)),
        );
        put("F1 of pairs", format!("{:.4}", figures.pairwise.f1));
        put("B³ F1", format!("{:.4}", figures.b_cubed.f1));
        put("persons exactly right", percent(figures.exact_persons));
        put(
            "groups of more than one person",
            figures.overlaid_clusters.to_string(),
        );
        put(
            "persons in more than one group",
            figures.split_persons.to_string(),
        );
        put(
            "false pairs",
            format!(
                "{} (share at most {}, one-sided 95 %)",
                decided.false_pairs,
                percent(decided.false_share_upper)
            ),
        );
    }
    if let Some(links) = &evaluation.links
        && let Some(best) = links.pairs.best()
    {
        put(
            "threshold with the best F1",
            format!("{:.2} bits", best.threshold),
        );
    }
    table.done()
}

pub(super) fn at_precision(links: &LinkFigures) -> String {
    let headings = [
        "precision",
        "recall",
        "95 % interval",
        "from bits",
        "links",
        "false",
        "false share at most",
    ];
    let mut table = Table::new("Recall at a fixed precision", &headings);
    let mut rows: Vec<_> = links.at_precision.iter().collect();
    rows.sort_by(|one, other| one.precision.total_cmp(&other.precision));
    for row in rows {
        table.row(
            "",
            &[
                percent(row.precision),
                percent(row.recall),
                between(row.recall_95.lower, row.recall_95.upper),
                bits(row.threshold),
                row.links.to_string(),
                row.false_links.to_string(),
                percent(row.false_share_upper),
            ],
        );
    }
    table.done()
}

pub(super) fn curve(links: &LinkFigures) -> String {
    let headings = [
        "from bits",
        "links",
        "false",
        "precision",
        "95 %",
        "recall",
        "95 %",
        "F1",
    ];
    let mut table = Table::new("The threshold curve", &headings).behind("The curve as a table");
    for row in &links.curve {
        let point = &row.point;
        table.row(
            "",
            &[
                bits(Some(point.threshold)),
                point.links.to_string(),
                point.false_links.to_string(),
                percent(point.prf.p),
                between(row.p_95.lower, row.p_95.upper),
                percent(point.prf.r),
                between(row.r_95.lower, row.r_95.upper),
                format!("{:.4}", point.prf.f1),
            ],
        );
    }
    table.done()
}

fn bin_name(from: Option<f64>, to: Option<f64>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{from:.0} to {to:.0}"),
        (Some(from), None) => format!("{from:.0} and more"),
        (None, Some(to)) => format!("less than {to:.0}"),
        (None, None) => "all".to_owned(),
    }
}

pub(super) fn weights(links: &LinkFigures) -> String {
    let headings = ["bits", "links", "true", "false"];
    let mut table = Table::new("Links by weight", &headings).behind("The weights as a table");
    for bin in &links.calibration {
        table.row(
            "",
            &[
                bin_name(bin.from, bin.to),
                bin.pairs.to_string(),
                bin.true_pairs.to_string(),
                (bin.pairs - bin.true_pairs).to_string(),
            ],
        );
    }
    table.done()
}

pub(super) fn calibration(links: &LinkFigures) -> String {
    let headings = ["bits", "links", "claimed true", "seen true", "claim"];
    let mut table = Table::new("What weights claim and what is seen", &headings);
    for bin in &links.calibration {
        use crate::evaluation::calibration::Verdict;
        let (class, verdict) = match bin.verdict {
            Verdict::Within => ("", "holds"),
            Verdict::OverConfident => ("differs", "too much"),
            Verdict::UnderConfident => ("", "too little"),
        };
        table.row(
            class,
            &[
                bin_name(bin.from, bin.to),
                bin.pairs.to_string(),
                percent(bin.nominal),
                bounded(&bin.observed),
                verdict.to_owned(),
            ],
        );
    }
    let blocked = if links.calibration_blocks_links {
        "<p class=\"warning\">Weights above the threshold claim more than was seen: by rule R127 they \
         may not link automatically as they are.</p>\n"
    } else {
        ""
    };
    blocked.to_owned() + &table.done()
}

pub(super) fn costs(cheapest: &CheapestThresholds) -> String {
    let costs = &cheapest.costs;
    let caption = format!(
        "The cheapest thresholds when a false link costs {}, a miss {}, a minute of review {} and a \
         pair takes {} minutes",
        costs.false_link, costs.miss, costs.review_minute, costs.minutes_a_task
    );
    let mut table = Table::new(&caption, &["figure", "value"]);
    for (name, value) in [
        ("link from, nobody reviews (bits)", bits(cheapest.link_from)),
        ("cost of that", format!("{:.1}", cheapest.cost)),
        (
            "link from, with review (bits)",
            bits(cheapest.link_from_with_review),
        ),
        ("review from (bits)", bits(cheapest.review_from)),
        ("pairs reviewed", cheapest.reviewed_pairs.to_string()),
        ("cost of that", format!("{:.1}", cheapest.cost_with_review)),
        (
            "link from, if weights were true (bits)",
            bits(Some(cheapest.nominal_link_from)),
        ),
    ] {
        table.row("", &[name.to_owned(), value]);
    }
    table.done()
}

pub(super) fn decided(evaluation: &Evaluation) -> String {
    let reach = &evaluation.reach;
    let mut table = Table::new("Recall that each stage can reach", &["stage", "recall"]);
    for (stage, recall) in [
        (
            "retrieval: true pairs among the candidates",
            reach.retrieval,
        ),
        ("retrieval, persons completed", reach.retrieval_closed),
        ("links: true pairs in the file", reach.links),
        (
            "links, persons completed: what groups can reach",
            reach.links_closed,
        ),
        ("groups, as decided", reach.groups),
    ] {
        if let Some(recall) = recall {
            table.row("", &[stage.to_owned(), percent(recall)]);
        }
    }
    let mut html = table.done();
    let Some(decided) = &evaluation.decided else {
        return html;
    };
    let missed = &decided.missed;
    let mut table = Table::new("Missed true pairs by reason", &["reason", "pairs"]);
    for (reason, pairs) in [
        ("in no link", missed.not_in_links),
        ("link too light", missed.below_threshold),
        ("link strong enough, groups apart", missed.grouped_apart),
        ("all", missed.all),
    ] {
        table.row("", &[reason.to_owned(), pairs.to_string()]);
    }
    html += &table.done();
    if let Some(review) = &decided.review {
        let caption = "Review: clerks look at links between two groups and decide rightly";
        let mut table = Table::new(caption, &["figure", "value"]);
        for (name, value) in [
            ("reviewed from (bits)", bits(Some(review.review_from))),
            ("questions", review.tasks.to_string()),
            (
                "questions for 1,000 records",
                format!("{:.1}", review.tasks_per_1000_records),
            ),
            ("of them answered \"same\"", review.tasks_same.to_string()),
            ("hours of clerks", format!("{:.1}", review.hours)),
            ("recall before", percent(review.before.r)),
            ("recall after", percent(review.after.r)),
            ("precision after", percent(review.after.p)),
        ] {
            table.row("", &[name.to_owned(), value]);
        }
        html += &table.done();
    }
    html
}

pub(super) fn groups(found: &GroupTable) -> String {
    let headings = [
        "no.",
        "divided by",
        "group",
        "persons",
        "true pairs",
        "missed",
        "times everybody's",
        "linked pairs",
        "false",
        "verdict",
    ];
    let mut table = Table::new("Errors by group of people, with 95 % bounds", &headings);
    for (number, group) in (1..).zip(&found.groups) {
        table.row(
            if group.worse { "differs" } else { "" },
            &[
                number.to_string(),
                group.dimension.clone(),
                group.group.clone(),
                group.persons.to_string(),
                group.true_pairs.to_string(),
                bounded(&group.missed),
                format!("{:.2}", group.missed_ratio),
                group.linked_pairs.to_string(),
                bounded(&group.false_links),
                if group.worse { "worse" } else { "" }.to_owned(),
            ],
        );
    }
    let small = found.too_small.iter().map(|group| {
        format!(
            "{} {} ({} persons)",
            group.dimension, group.group, group.persons
        )
    });
    let small = small.collect::<Vec<_>>().join(", ");
    let small = if small.is_empty() {
        String::new()
    } else {
        format!(
            "<p>Too few persons to say anything: {}.</p>\n",
            escaped(&small)
        )
    };
    format!(
        "<p>Everybody: {} of the true pairs missed, {} of the linked pairs false.</p>\n{}{small}",
        bounded(&found.missed),
        bounded(&found.false_links),
        table.done()
    )
}

/// The largest gaps between a group and everybody.
pub(super) fn gaps(gaps: &[Gap]) -> String {
    let headings = [
        "divided by",
        "of",
        "group",
        "its share",
        "everybody's",
        "gap",
        "between (95 %)",
    ];
    let mut table = Table::new("The largest gap of each division", &headings);
    for gap in gaps {
        table.row(
            if gap.lower > 0.0 { "differs" } else { "" },
            &[
                gap.dimension.clone(),
                gap.of.replace('_', " "),
                gap.group.clone(),
                percent(gap.share),
                percent(gap.everybody),
                points(gap.gap),
                format!("{} to {}", points(gap.lower), points(gap.upper)),
            ],
        );
    }
    table.done()
}

/// Percentage points.
fn points(gap: f64) -> String {
    format!("{:+.3}", gap * 100.0)
}

/// Pairs to read; `name` makes their pictures' ids.
pub(super) fn pairs(name: &str, pairs: &[PairToRead]) -> String {
    let mut html = String::new();
    for (place, pair) in pairs.iter().enumerate() {
        let why = match pair.why {
            Why::NotInLinks => "one person, in no link",
            Why::BelowThreshold => "one person, link too light",
            Why::GroupedApart => "one person, link strong enough, groups apart",
            Why::Linked => "two persons, linked",
            Why::Chained => "two persons, held together by others",
        };
        let weight = pair
            .weight_bits
            .map_or_else(String::new, |bits| format!(", {bits:.2} bits"));
        let (a, b) = (&pair.record_id_a, &pair.record_id_b);
        let caption = format!("{a} and {b}: {why}{weight}");
        let Some([one, other]) = &pair.records else {
            let _ = writeln!(html, "<p>{}</p>", escaped(&caption));
            continue;
        };
        let _ = writeln!(html, "<h3>{}</h3>", escaped(&caption));
        if let Some(explanation) = &pair.explanation {
            let id = format!("{name}-{place}");
            html += &waterfall(&id, &format!("{a} and {b}"), explanation);
        }
        let caption = format!("What {a} and {b} say");
        let mut table = Table::new(&caption, &["field", a, b]);
        let fields: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for field in fields {
            let of = |record: &std::collections::BTreeMap<String, String>| {
                record.get(field).cloned().unwrap_or_default()
            };
            let (a, b) = (of(one), of(other));
            let class = if a == b { "texts" } else { "texts differs" };
            table.row(class, &[field.clone(), a, b]);
        }
        html += &table.done();
    }
    html
}
