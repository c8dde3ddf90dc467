//! The model that ran last beside the one that decides, for engineers: what it would
//! decide otherwise, in counts and numbers of records. Nothing here identifies anybody.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{self, Context, FlowError, ShadowCount, ShadowOutcome, ShadowReport};
use crate::interfaces::web::layout::{NoPage, Page, html};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::models_page::REASON;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::security::Action;

/// Decisions of one kind.
struct Kind {
    words: &'static str,
    decisions: u64,
    share: String,
    /// The share in tenths of a percent, for the bar.
    width: u64,
}

/// What would be otherwise in one part of what was judged.
#[derive(Default)]
struct Part {
    judged: u64,
    links: u64,
    asks: u64,
    leaves: u64,
}

impl Part {
    fn add(&mut self, count: &ShadowCount) {
        self.judged += count.decisions;
        match count.outcome {
            ShadowOutcome::Unchanged => {}
            ShadowOutcome::JoinedInsteadOfAsked
            | ShadowOutcome::JoinedInsteadOfAlone
            | ShadowOutcome::JoinedElsewhere => self.links += count.decisions,
            ShadowOutcome::AskedInsteadOfJoined
            | ShadowOutcome::AskedInsteadOfAlone
            | ShadowOutcome::AskedAboutOthers => self.asks += count.decisions,
            ShadowOutcome::SplitInsteadOfJoined | ShadowOutcome::AloneInsteadOfAsked => {
                self.leaves += count.decisions;
            }
        }
    }
}

/// A record about which the two differ.
struct Sample {
    words: &'static str,
    record: i64,
    live: String,
    shadow: String,
}

/// A shadow and its figures.
struct Shown {
    facts: Vec<(&'static str, String)>,
    begun: LocalTime,
    ended: Option<LocalTime>,
    judged: u64,
    /// Questions that the shadow would ask and the model that decides does not, and
    /// the other way round.
    asked: u64,
    spared: u64,
    kinds: Vec<Kind>,
    sources: Vec<(String, Part)>,
    bands: Vec<(String, Part)>,
    samples: Vec<Sample>,
}

#[derive(Template)]
#[template(path = "shadow.html")]
struct ShadowTemplate {
    page: Page,
    shown: Option<Shown>,
}

/// What the shadow that began last has come to.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadModel, REASON)?;
    let report = match flows::shadow_report(&context, &access).await {
        Ok(report) => Some(report),
        Err(FlowError::NotFound(_)) => None,
        Err(error) => return Err(visitor.no_page(&error)),
    };
    let template = ShadowTemplate {
        page: visitor.page("A model in the shadow", "/models"),
        shown: report.map(|report| shown(&report)),
    };
    Ok(html(StatusCode::OK, &template))
}

fn shown(report: &ShadowReport) -> Shown {
    let shadow = &report.shadow;
    let counts = &report.counts;
    let of = |outcomes: &[ShadowOutcome]| -> u64 {
        let counts = counts.iter().filter(|it| outcomes.contains(&it.outcome));
        counts.map(|count| count.decisions).sum()
    };
    Shown {
        facts: vec![
            ("Model", shadow.model.to_string()),
            ("Beside", shadow.against.to_string()),
            ("Let begin by", shadow.begun_by.clone()),
            ("Why", shadow.reason.clone()),
            ("Records that both have judged", shadow.judged.to_string()),
            (
                "Left out, because they came faster",
                shadow.dropped.to_string(),
            ),
            ("Events still to look at", report.behind.to_string()),
        ],
        begun: LocalTime::of(shadow.begun_at),
        ended: shadow.ended_at.map(LocalTime::of),
        judged: shadow.judged,
        asked: of(&[
            ShadowOutcome::AskedInsteadOfJoined,
            ShadowOutcome::AskedInsteadOfAlone,
        ]),
        spared: of(&[
            ShadowOutcome::JoinedInsteadOfAsked,
            ShadowOutcome::AloneInsteadOfAsked,
        ]),
        kinds: kinds(counts),
        sources: parts(counts, |count| &count.source),
        bands: parts(counts, |count| &count.probability),
        samples: samples(report),
    }
}

/// What differs, the most frequent first; then what does not.
fn kinds(counts: &[ShadowCount]) -> Vec<Kind> {
    let mut by_outcome: BTreeMap<ShadowOutcome, u64> = BTreeMap::new();
    for count in counts {
        *by_outcome.entry(count.outcome).or_default() += count.decisions;
    }
    let all: u64 = by_outcome.values().sum();
    let mut sorted: Vec<(ShadowOutcome, u64)> = by_outcome.into_iter().collect();
    sorted.sort_by_key(|(outcome, decisions)| {
        let is_same = *outcome == ShadowOutcome::Unchanged;
        (is_same, std::cmp::Reverse(*decisions), *outcome)
    });
    let kinds = sorted.into_iter().map(|(outcome, decisions)| Kind {
        words: words::shadow_outcome(outcome),
        decisions,
        share: percent(decisions, all),
        width: decisions * 1_000 / all.max(1),
    });
    kinds.collect()
}

fn percent(part: u64, all: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / all.max(1) as f64)
}

/// The counts by something that they have.
fn parts(counts: &[ShadowCount], by: impl Fn(&ShadowCount) -> &String) -> Vec<(String, Part)> {
    let mut parts: BTreeMap<&String, Part> = BTreeMap::new();
    for count in counts {
        parts.entry(by(count)).or_default().add(count);
    }
    let parts = parts.into_iter();
    parts.map(|(name, part)| (name.clone(), part)).collect()
}

fn samples(report: &ShadowReport) -> Vec<Sample> {
    let bits = |bits: Option<f64>| match bits {
        Some(bits) => format!("{bits:.1} bits"),
        None => "nobody alike".to_owned(),
    };
    let samples = report.samples.iter().map(|sample| Sample {
        words: words::shadow_outcome(sample.outcome),
        record: sample.record,
        live: bits(sample.live_bits),
        shadow: bits(sample.shadow_bits),
    });
    samples.collect()
}

#[cfg(test)]
mod tests {
    use super::{kinds, parts};
    use crate::flows::{ShadowCount, ShadowOutcome};

    fn count(outcome: ShadowOutcome, source: &str, decisions: u64) -> ShadowCount {
        ShadowCount {
            outcome,
            source: source.to_owned(),
            probability: "nobody".to_owned(),
            decisions,
        }
    }

    #[test]
    fn what_differs_stands_first_and_each_source_adds_up() {
        let counts = [
            count(ShadowOutcome::Unchanged, "gp", 96),
            count(ShadowOutcome::AskedInsteadOfJoined, "gp", 1),
            count(ShadowOutcome::JoinedElsewhere, "pas", 1),
            count(ShadowOutcome::AskedInsteadOfJoined, "pas", 2),
        ];
        let kinds = kinds(&counts);
        let told: Vec<(&str, u64, &str)> = kinds
            .iter()
            .map(|kind| (kind.words, kind.decisions, kind.share.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("People asked, where it is linked", 3, "3.0 %"),
                ("Linked to another person", 1, "1.0 %"),
                ("The same", 96, "96.0 %"),
            ]
        );
        let sources = parts(&counts, |count| &count.source);
        let figures = sources.iter().map(|(name, part)| {
            let part = (part.judged, part.links, part.asks, part.leaves);
            (name.as_str(), part)
        });
        let figures: Vec<_> = figures.collect();
        assert_eq!(figures, [("gp", (97, 0, 1, 0)), ("pas", (3, 1, 2, 0))]);
    }
}
