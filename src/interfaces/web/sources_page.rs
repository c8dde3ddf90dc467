//! The sources: who sends, what is assumed of them, how many of their questions
//! wait, and which of them are quarantined; also as a file for the sender.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, Context, FlowError, TaskFilter};
use crate::interfaces::web::csv;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::queue_page::REASON;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::registry::SourceCode;
use crate::security::Action;

/// Questions of one source that are counted; more are said as "or more".
const COUNTED: u32 = 200;

struct Row {
    code: String,
    name: String,
    ods_code: String,
    trust: u8,
    /// Waiting questions, where the reader may know.
    questions: Option<String>,
    quarantined: Option<(LocalTime, u64)>,
}

#[derive(Template)]
#[template(path = "sources.html")]
struct SourcesTemplate {
    page: Page,
    rows: Vec<Row>,
    /// What people have in hand, by account.
    hands: Vec<(String, usize)>,
    kinds: Vec<(&'static str, &'static str, String)>,
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
    let mut rows = Vec::new();
    for source in sources {
        let quarantine = held.iter().find(|held| held.source == source.code);
        let questions = if may_review {
            Some(waiting(&context, &visitor, of_source(&source.code)).await?)
        } else {
            None
        };
        rows.push(Row {
            quarantined: quarantine
                .map(|held| (LocalTime::of(held.quarantine.task.made_at()), held.waiting)),
            code: source.code.to_string(),
            name: source.name,
            ods_code: source.ods_code.unwrap_or_default(),
            trust: source.trust,
            questions,
        });
    }
    if uri.query() == Some("csv") {
        return Ok(file(rows));
    }
    let mut kinds = Vec::new();
    let mut hands = Vec::new();
    if may_review {
        for (kind, code, label) in words::KINDS {
            let filter = TaskFilter {
                kind: Some(kind),
                ..TaskFilter::default()
            };
            kinds.push((code, label, waiting(&context, &visitor, filter).await?));
        }
        hands = in_hands(&context, &visitor).await?;
    }
    let template = SourcesTemplate {
        page: visitor.page("Sources and work", "/sources"),
        rows,
        hands,
        kinds,
        may_review,
    };
    Ok(html(StatusCode::OK, &template))
}

fn of_source(code: &SourceCode) -> TaskFilter {
    TaskFilter {
        source: Some(code.clone()),
        ..TaskFilter::default()
    }
}

async fn waiting(
    context: &Context,
    visitor: &Visitor,
    filter: TaskFilter,
) -> Result<String, NoPage> {
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let filter = TaskFilter {
        limit: COUNTED,
        ..filter
    };
    let page = flows::list_tasks(context, &access, filter)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let more = if page.next.is_some() { " or more" } else { "" };
    Ok(format!("{}{more}", page.tasks.len()))
}

async fn in_hands(context: &Context, visitor: &Visitor) -> Result<Vec<(String, usize)>, NoPage> {
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let filter = TaskFilter {
        standing: Some(flows::TaskStanding::Claimed),
        limit: COUNTED,
        ..TaskFilter::default()
    };
    let page = flows::list_tasks(context, &access, filter)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let mut hands = std::collections::BTreeMap::<String, usize>::new();
    for claim in page.tasks.into_iter().filter_map(|task| task.state.claim) {
        *hands.entry(claim.by).or_default() += 1;
    }
    Ok(hands.into_iter().collect())
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
            row.questions.unwrap_or_default(),
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
