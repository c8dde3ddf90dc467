//! The queue, the most urgent first. Its filters stand in the address, so that
//! they survive a reload and can be sent to somebody else; they name no patient.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, Context, FlowError, ListedTask, TaskFilter, TaskStanding};
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::interfaces::web::comparison_page::{Done, done_of};
use crate::interfaces::web::csv;
use crate::interfaces::web::forms::parameters;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::registry::SourceCode;
use crate::security::{Access, Action};

/// Tasks on a page: as many as are read with some scrolling.
const TASKS_PER_PAGE: u32 = 25;
/// Tasks in a file.
const TASKS_IN_FILE_MAX: usize = 5_000;
/// Why a reader looks at the queue (R131).
pub(super) const REASON: &str = "review of questions";

/// Ages that can be asked for.
const AGES: [(&str, &str, i64); 4] = [
    ("1d", "a day", 86_400),
    ("3d", "three days", 3 * 86_400),
    ("7d", "a week", 7 * 86_400),
    ("28d", "four weeks", 28 * 86_400),
];

/// A choice of a filter.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

struct Row {
    id: String,
    kind: &'static str,
    priority: &'static str,
    standing: &'static str,
    by: Option<String>,
    until: Option<LocalTime>,
    weight: Option<String>,
    reasons: Vec<&'static str>,
    opened: LocalTime,
    age: String,
    due: LocalTime,
    overdue: bool,
    outcome: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueueTemplate {
    page: Page,
    rows: Vec<Row>,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    hands: Vec<Choice>,
    sources: Vec<Choice>,
    ages: Vec<Choice>,
    filtered: bool,
    /// Query of the next page.
    next: Option<String>,
    /// The filters, to go along to a task.
    query: String,
    /// Somebody wanted to start, and nothing was theirs to take.
    none: bool,
    done: Option<Done>,
    may_work: bool,
}

/// What the address asks for; what cannot be read asks for nothing.
#[derive(Default)]
pub(super) struct Asked {
    state: Option<TaskStanding>,
    pub(super) filter: TaskFilter,
    values: Vec<(String, String)>,
    /// As a file for a spreadsheet.
    as_file: bool,
}

impl Asked {
    pub(super) fn of(query: Option<&str>, me: &str) -> Self {
        let mut asked = Self {
            filter: TaskFilter {
                limit: TASKS_PER_PAGE,
                ..TaskFilter::default()
            },
            ..Self::default()
        };
        for (name, value) in parameters(query) {
            let filter = &mut asked.filter;
            let known = match name.as_str() {
                "state" => {
                    let found = words::STANDINGS.iter().find(|(_, code, _)| *code == value);
                    filter.standing = found.map(|(standing, _, _)| *standing);
                    asked.state = filter.standing;
                    found.is_some()
                }
                "kind" => {
                    let found = words::KINDS.iter().find(|(_, code, _)| *code == value);
                    filter.kind = found.map(|(kind, _, _)| *kind);
                    found.is_some()
                }
                "assigned_to" if !value.is_empty() => {
                    let own = if value == "me" { me } else { &value };
                    filter.assigned_to = Some(own.to_owned());
                    true
                }
                "source" => {
                    filter.source = SourceCode::parse(&value).ok();
                    filter.source.is_some()
                }
                "older_than" => {
                    let found = AGES.iter().find(|(code, _, _)| *code == value);
                    filter.older_than_seconds = found.map(|(_, _, seconds)| *seconds);
                    found.is_some()
                }
                "after" => {
                    filter.after = Some(value);
                    continue;
                }
                "csv" => {
                    asked.as_file = true;
                    continue;
                }
                _ => false,
            };
            if known {
                asked.values.push((name, value));
            }
        }
        asked
    }

    fn is(&self, name: &str, value: &str) -> bool {
        let has = |(known, of): &(String, String)| known == name && of == value;
        self.values.iter().any(has)
    }

    /// The filters as a query, without a place.
    pub(super) fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.values);
        query.finish()
    }

    fn choices<'c>(
        &self,
        name: &str,
        all: &str,
        known: impl Iterator<Item = (&'c str, &'c str)>,
    ) -> Vec<Choice> {
        let known = known.map(|(value, label)| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            chosen: self.is(name, value),
        });
        let known: Vec<Choice> = known.collect();
        let none = Choice {
            value: String::new(),
            label: all.to_owned(),
            chosen: !known.iter().any(|choice| choice.chosen),
        };
        std::iter::once(none).chain(known).collect()
    }
}

fn row(context: &Context, listed: ListedTask, now: i64) -> Row {
    let state = listed.state;
    let opened = listed.id.made_at();
    let due = context.review.due.due_at(listed.id, &state);
    let claim = state
        .claim
        .filter(|_| listed.standing == TaskStanding::Claimed);
    Row {
        id: listed.id.to_string(),
        kind: words::kind(state.kind),
        priority: words::priority(state.kind, state.priority),
        standing: words::standing(listed.standing),
        until: claim.as_ref().map(|claim| LocalTime::of(claim.until)),
        by: claim.map(|claim| claim.by),
        weight: state.weight_bits.map(|bits| format!("{bits:.1}")),
        reasons: state
            .reasons
            .iter()
            .map(|reason| reason.sentence())
            .collect(),
        age: words::age((now - opened.microseconds()) / 1_000_000),
        opened: LocalTime::of(opened),
        due: LocalTime::of(due),
        overdue: due.microseconds() < now && state.outcome.is_none(),
        outcome: state.outcome.map(words::outcome),
    }
}

const COLUMNS: [&str; 9] = [
    "question",
    "kind",
    "urgent_because",
    "stands",
    "in_hands_of",
    "weight_bits",
    "asked",
    "due",
    "overdue",
];

/// A row of the file: ids of ours and words, nothing of a patient.
fn cells(row: Row) -> Vec<String> {
    vec![
        row.id,
        row.kind.to_owned(),
        row.priority.to_owned(),
        row.standing.to_owned(),
        row.by.unwrap_or_default(),
        row.weight.unwrap_or_default(),
        row.opened.exact,
        row.due.exact,
        if row.overdue { "yes" } else { "no" }.to_owned(),
    ]
}

/// What the filters find, up to a bound.
async fn all_tasks(
    context: &Context,
    access: &Access,
    filter: TaskFilter,
) -> Result<Vec<ListedTask>, FlowError> {
    let mut filter = TaskFilter {
        limit: TASKS_PER_PAGE_MAX,
        after: None,
        ..filter
    };
    let mut tasks = Vec::new();
    loop {
        let page = flows::list_tasks(context, access, filter.clone()).await?;
        tasks.extend(page.tasks);
        match page.next {
            Some(next) if tasks.len() < TASKS_IN_FILE_MAX => filter.after = Some(next),
            _ => return Ok(tasks),
        }
    }
}

/// The queue.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let asked = Asked::of(uri.query(), access.person());
    let failed = |error: FlowError| visitor.no_page(&error);
    let now = context.clock.now().microseconds();
    let row = |task| row(&context, task, now);
    if asked.as_file {
        let tasks = all_tasks(&context, &access, asked.filter)
            .await
            .map_err(failed)?;
        let rows = tasks.into_iter().map(|task| cells(row(task)));
        return Ok(csv::file("queue.csv", &COLUMNS, rows));
    }
    let filter = asked.filter.clone();
    let page = flows::list_tasks(&context, &access, filter)
        .await
        .map_err(failed)?;
    let colleagues = flows::colleagues(&context).await.map_err(failed)?;
    let colleagues = colleagues.iter().filter(|name| *name != access.person());
    let colleagues = colleagues.map(|name| (name.as_str(), name.as_str()));
    let reading = visitor.may_because(Action::ReadSource, REASON)?;
    let sources = flows::list_sources(&context, &reading)
        .await
        .map_err(failed)?;
    let next = page.next.map(|place| {
        let mut query = url::form_urlencoded::Serializer::new(asked.query());
        query.append_pair("after", &place);
        query.finish()
    });
    let known = sources
        .iter()
        .map(|source| (source.code.as_str(), source.name.as_str()));
    let template = QueueTemplate {
        page: visitor.page("Review queue", "/review"),
        rows: page.tasks.into_iter().map(row).collect(),
        states: asked.choices(
            "state",
            "Whatever waits",
            words::STANDINGS
                .iter()
                .skip(1)
                .map(|(_, code, words)| (*code, *words)),
        ),
        kinds: asked.choices(
            "kind",
            "All questions",
            words::KINDS.iter().map(|(_, code, words)| (*code, *words)),
        ),
        hands: asked.choices(
            "assigned_to",
            "Anybody's",
            std::iter::once(("me", "Mine")).chain(colleagues),
        ),
        sources: asked.choices("source", "All sources", known),
        ages: asked.choices(
            "older_than",
            "Any age",
            AGES.iter().map(|(code, words, _)| (*code, *words)),
        ),
        filtered: !asked.values.is_empty(),
        query: asked.query(),
        next,
        done: done_of(uri.query()),
        none: parameters(uri.query())
            .iter()
            .any(|(name, _)| name == "none"),
        may_work: may(&visitor.visit.roles, Action::WorkTask),
    };
    Ok(html(StatusCode::OK, &template))
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use crate::flows::TaskStanding;

    #[test]
    fn filters_are_read_from_the_address_and_written_back() {
        let query = "state=open&kind=overlay_held&assigned_to=me&source=gp&older_than=7d";
        let asked = Asked::of(Some(query), "clare");
        assert_eq!(asked.filter.standing, Some(TaskStanding::Open));
        assert_eq!(asked.filter.assigned_to.as_deref(), Some("clare"));
        assert_eq!(asked.filter.older_than_seconds, Some(604_800));
        assert_eq!(asked.query(), query);
    }

    #[test]
    fn what_cannot_be_read_filters_nothing_and_is_not_repeated() {
        let asked = Asked::of(Some("state=%3Cscript%3E&name=Smith&kind="), "clare");
        assert_eq!(asked.query(), "");
    }
}
