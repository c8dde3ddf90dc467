//! The sources: who sends, what is assumed of them, how many of their questions
//! wait, and which of them are quarantined; also as a file.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, Context, FlowError};
use crate::interfaces::web::csv;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::queue_page::REASON;
use crate::interfaces::web::visitor::Visitor;
use crate::security::Action;

struct Row {
    code: String,
    name: String,
    ods_code: String,
    trust: u8,
    /// Waiting questions, where the reader may know.
    questions: Option<u32>,
    quarantined: Option<(LocalTime, u64)>,
}

#[derive(Template)]
#[template(path = "sources.html")]
struct SourcesTemplate {
    page: Page,
    rows: Vec<Row>,
    may_review: bool,
}

/// The sources, and the work that they bring.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadSource, REASON)?;
    let failed = |error: FlowError| visitor.no_page(&error);
    let sources = flows::list_sources(&context, &access)
        .await
        .map_err(failed)?;
    let held = flows::list_quarantines(&context, &access)
        .await
        .map_err(failed)?;
    let may_review = may(&visitor.visit.roles, Action::ReadTask);
    let waiting = if may_review {
        let access = visitor.may_because(Action::ReadTask, REASON)?;
        let work = flows::team_work(&context, &access).await.map_err(failed)?;
        Some(work.waiting)
    } else {
        None
    };
    let rows = sources.into_iter().map(|source| {
        let quarantine = held.iter().find(|held| held.source == source.code);
        let questions = waiting.as_ref().map(|waiting| {
            let own = waiting.iter().filter(|it| it.source == source.code);
            own.map(|it| it.tasks).sum()
        });
        Row {
            quarantined: quarantine
                .map(|held| (LocalTime::of(held.quarantine.task.made_at()), held.waiting)),
            code: source.code.to_string(),
            name: source.name,
            ods_code: source.ods_code.unwrap_or_default(),
            trust: source.trust,
            questions,
        }
    });
    let rows: Vec<Row> = rows.collect();
    if uri.query() == Some("csv") {
        return Ok(file(rows));
    }
    let template = SourcesTemplate {
        page: visitor.page("Sources", "/sources"),
        rows,
        may_review,
    };
    Ok(html(StatusCode::OK, &template))
}

fn file(rows: Vec<Row>) -> Response {
    let head = [
        "source",
        "name",
        "ods_code",
        "trust",
        "questions",
        "quarantined_since",
        "waiting",
    ];
    let rows = rows.into_iter().map(|row| {
        let (since, waiting) = row.quarantined.unzip();
        vec![
            row.code,
            row.name,
            row.ods_code,
            row.trust.to_string(),
            row.questions
                .map(|count| count.to_string())
                .unwrap_or_default(),
            since
                .map(|since: LocalTime| since.exact)
                .unwrap_or_default(),
            waiting
                .map(|count: u64| count.to_string())
                .unwrap_or_default(),
        ]
    });
    csv::file("sources.csv", &head, rows)
}
