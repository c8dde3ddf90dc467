//! A source's scorecard: what its sender can mend, in figures; and as files that
//! can be sent to it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, Context, FaultyRecord, FlowError, SourceCard};
use crate::interfaces::web::csv::file;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::registry::{Measure, SourceCode};
use crate::security::Action;

const REASON: &str = "quality of a source's records";

struct Figure {
    label: &'static str,
    advice: &'static str,
    records: u32,
    share: String,
}

struct Finding {
    rule: &'static str,
    sentence: &'static str,
    records: u32,
    share: String,
}

#[derive(Template)]
#[template(path = "scorecard.html")]
struct ScorecardTemplate {
    page: Page,
    code: String,
    name: String,
    records: u32,
    more: bool,
    figures: Vec<Figure>,
    findings: Vec<Finding>,
    may_list: bool,
}

fn source_of(text: &str, visitor: &Visitor) -> Result<SourceCode, NoPage> {
    SourceCode::parse(text).map_err(|_| {
        let unknown = FlowError::NotFound("no source with this code is known");
        visitor.no_page(&unknown)
    })
}

/// The scorecard, also as a file.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
    Path(source): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadSource, REASON)?;
    let source = source_of(&source, &visitor)?;
    let SourceCard { source, card, more } = flows::view_scorecard(&context, &access, &source)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let share = |records: u32| {
        let of = f64::from(card.records.max(1));
        format!("{:.1} %", 100.0 * f64::from(records) / of)
    };
    let figures = card.measures.iter().map(|(measure, records)| {
        let (label, advice) = measured(*measure);
        Figure {
            label,
            advice,
            records: *records,
            share: share(*records),
        }
    });
    let figures: Vec<Figure> = figures.collect();
    let findings = card.findings.iter().map(|(code, records)| Finding {
        rule: code.rule().unwrap_or_default(),
        sentence: code.sentence(),
        records: *records,
        share: share(*records),
    });
    let mut findings: Vec<Finding> = findings.collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.records));
    if uri.query() == Some("csv") {
        return Ok(figures_file(card.records, &figures, &findings));
    }
    let template = ScorecardTemplate {
        page: visitor.page("Scorecard", "/sources"),
        code: source.code.to_string(),
        name: source.name,
        records: card.records,
        more,
        figures,
        findings,
        may_list: may(&visitor.visit.roles, Action::ReadTask),
    };
    Ok(html(StatusCode::OK, &template))
}

fn figures_file(of: u32, figures: &[Figure], findings: &[Finding]) -> Response {
    let head = ["what", "rule", "records", "of", "share"];
    let all = figures
        .iter()
        .map(|it| (it.label, "", it.records, &it.share));
    let all = all.chain(
        findings
            .iter()
            .map(|it| (it.sentence, it.rule, it.records, &it.share)),
    );
    let rows = all.map(|(what, rule, records, share)| {
        vec![
            what.to_owned(),
            rule.to_owned(),
            records.to_string(),
            of.to_string(),
            share.clone(),
        ]
    });
    file("scorecard.csv", &head, rows)
}

/// The records behind it, for the sender: its own ids and what is wrong, no value.
pub(super) async fn list(
    State(context): State<Context>,
    visitor: Visitor,
    Path(source): Path<String>,
) -> Result<Response, NoPage> {
    let source = source_of(&source, &visitor)?;
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let found = flows::faulty_records(&context, &access, &source)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let head = ["local_id", "version", "field", "how_grave", "rule", "what"];
    let rows = found.into_iter().flat_map(rows_of);
    Ok(file("findings.csv", &head, rows))
}

fn rows_of(record: FaultyRecord) -> Vec<Vec<String>> {
    let row = |field: &str, severity: &str, rule: &str, what: &str| {
        let local_id = record.local_id.to_string();
        let version = record.version.to_string();
        let rest = [field, severity, rule, what].map(str::to_owned);
        [local_id, version].into_iter().chain(rest).collect()
    };
    let findings = record.findings.iter().map(|finding| {
        let severity = words::severity(finding.severity);
        let rule = finding.rule.as_deref().unwrap_or_default();
        row(&finding.field, severity, rule, &finding.sentence)
    });
    let mut rows: Vec<Vec<String>> = findings.collect();
    for sibling in &record.siblings {
        let what = format!("The same person as your record {sibling}.");
        rows.push(row("", "warning", "", &what));
    }
    if record.confused {
        let (what, _) = measured(Measure::Confusion);
        rows.push(row("", "error", "R19", what));
    }
    if record.overlaid {
        let (what, _) = measured(Measure::Overlay);
        rows.push(row("", "error", "R20", what));
    }
    rows
}

/// What is measured, and what its sender can do.
const fn measured(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Placeholder => (
            "Placeholders in place of a value",
            "Leave a field empty where the value is not known.",
        ),
        Measure::DefaultDate => (
            "Default or year-only birth dates",
            "Ask for the date; say that it is estimated where nobody knows it.",
        ),
        Measure::Impossible => (
            "Values that cannot be",
            "Check digits and dates can be checked where they are typed.",
        ),
        Measure::NoNumber => ("No usable NHS number", "Trace the number at registration."),
        Measure::UnverifiedNumber => (
            "NHS numbers that nobody has verified",
            "Trace them, and send the status (01 when verified).",
        ),
        Measure::NoBirthDate => (
            "No usable birth date",
            "Without it little can be told apart.",
        ),
        Measure::NoPostcode => (
            "No usable postcode",
            "Send the postcode in a field of its own.",
        ),
        Measure::Duplicate => (
            "The same person twice in the source",
            "Merge them at the source and send the merge.",
        ),
        Measure::Confusion => (
            "The number or the person contradicts what is known",
            "Look at the registration: two people may share a number.",
        ),
        Measure::Overlay => (
            "An update would have turned the record into somebody else",
            "Look for a record that was used for two patients.",
        ),
    }
}
