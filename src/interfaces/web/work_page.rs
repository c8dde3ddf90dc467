//! Work: what is in the reader's own hands, and what the team has to do, by person,
//! source and kind, with how well answers agree (R117).

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{self, Context, FlowError, TaskFilter, TeamWork, WaitingTasks};
use crate::foundation::Instant;
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::interfaces::web::layout::{NoPage, Page, html};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::queue_page::REASON;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::review::share_interval;
use crate::security::Action;

/// A question in the reader's hands.
struct Mine {
    id: String,
    kind: &'static str,
    until: Option<LocalTime>,
    due: LocalTime,
    overdue: bool,
}

/// Questions that have something in common.
#[derive(Default)]
struct Heap {
    tasks: u32,
    overdue: u32,
    oldest: Option<Instant>,
    age: String,
}

impl Heap {
    fn add(&mut self, waiting: &WaitingTasks) {
        self.tasks += waiting.tasks;
        self.overdue += waiting.overdue;
        let oldest = self.oldest.unwrap_or(waiting.oldest);
        self.oldest = Some(oldest.min(waiting.oldest));
    }
}

/// A colleague.
#[derive(Default)]
struct Colleague {
    in_hand: u32,
    overdue: u32,
    answers: u32,
    alone: String,
    wrong: String,
    undecided: u32,
    alarms: bool,
}

#[derive(Template)]
#[template(path = "work.html")]
struct WorkTemplate {
    page: Page,
    mine: Vec<Mine>,
    all: Heap,
    people: Vec<(String, Colleague)>,
    sources: Vec<(String, Heap)>,
    kinds: Vec<(&'static str, &'static str, Heap)>,
}

/// The page.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let failed = |error: FlowError| visitor.no_page(&error);
    let work = flows::team_work(&context, &access).await.map_err(failed)?;
    let filter = TaskFilter {
        assigned_to: Some(access.person().to_owned()),
        limit: TASKS_PER_PAGE_MAX,
        ..TaskFilter::default()
    };
    let mine = flows::list_tasks(&context, &access, filter)
        .await
        .map_err(failed)?;
    let now = context.clock.now();
    let mine = mine.tasks.into_iter().map(|task| {
        let due = context.review.due.due_at(task.id, &task.state);
        Mine {
            id: task.id.to_string(),
            kind: words::kind(task.state.kind),
            until: task.state.claim.map(|claim| LocalTime::of(claim.until)),
            due: LocalTime::of(due),
            overdue: due < now,
        }
    });
    let template = template(visitor.page("Work", "/work"), mine.collect(), work, now);
    Ok(html(StatusCode::OK, &template))
}

fn template(page: Page, mine: Vec<Mine>, work: TeamWork, now: Instant) -> WorkTemplate {
    let mut all = Heap::default();
    let mut people: BTreeMap<String, Colleague> = BTreeMap::new();
    let mut sources: BTreeMap<String, Heap> = BTreeMap::new();
    let mut kinds: BTreeMap<usize, Heap> = BTreeMap::new();
    for waiting in &work.waiting {
        all.add(waiting);
        sources
            .entry(waiting.source.to_string())
            .or_default()
            .add(waiting);
        let place = words::KINDS
            .iter()
            .position(|(kind, _, _)| *kind == waiting.kind);
        kinds
            .entry(place.unwrap_or_default())
            .or_default()
            .add(waiting);
        if let Some(name) = &waiting.in_hand {
            let colleague = people.entry(name.clone()).or_default();
            colleague.in_hand += waiting.tasks;
            colleague.overdue += waiting.overdue;
        }
    }
    for known in work.agreement {
        let alarms = known.alarms();
        let colleague = people.entry(known.by).or_default();
        colleague.answers = known.answers;
        colleague.alone = share(known.discordant, known.compared);
        colleague.wrong = share(known.wrong, known.known);
        colleague.undecided = known.undecided;
        colleague.alarms = alarms;
    }
    let aged = |mut heap: Heap| {
        let oldest = heap.oldest.unwrap_or(now);
        heap.age = words::age((now.microseconds() - oldest.microseconds()) / 1_000_000);
        heap
    };
    let kinds = kinds.into_iter().map(|(place, heap)| {
        let (_, code, label) = words::KINDS[place];
        (code, label, aged(heap))
    });
    WorkTemplate {
        page,
        mine,
        all: aged(all),
        people: people.into_iter().collect(),
        kinds: kinds.collect(),
        sources: sources
            .into_iter()
            .map(|(source, heap)| (source, aged(heap)))
            .collect(),
    }
}

/// So many of so many, with what that says of the true share.
fn share(of: u32, among: u32) -> String {
    if among == 0 {
        return String::new();
    }
    let (low, high) = share_interval(of, among);
    let percent = |share: f64| (share * 100.0).round();
    format!("{of} of {among} ({}–{} %)", percent(low), percent(high))
}
