//! From question to question: the next one in hand, and those before and after one
//! in the queue.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::flows::{self, Context, FlowError, TaskFilter, TaskStanding};
use crate::foundation::TaskId;
use crate::foundation::limits::TASK_LEASE_SECONDS_DEFAULT;
use crate::interfaces::web::comparison_page::task_of;
use crate::interfaces::web::layout::{NoPage, may, redirect};
use crate::interfaces::web::queue_page::{Asked, REASON};
use crate::interfaces::web::task_steps::{address, one};
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::registry::TaskKind;
use crate::security::Action;

/// Questions that are tried when the next one is taken in hand.
const NEXT_TRIED: u32 = 25;

/// The next question that this reader may take, in their hands already; a known pair
/// where chance mixes one in (R117).
pub(super) async fn take_next(
    context: &Context,
    visitor: &Visitor,
    filter: TaskFilter,
    but: Option<TaskId>,
) -> Result<Option<TaskId>, NoPage> {
    let read = visitor.may_because(Action::ReadTask, REASON)?;
    let work = visitor.may_because(Action::WorkTask, REASON)?;
    let failed = |error: FlowError| visitor.no_page(&error);
    let decides = may(&visitor.visit.roles, Action::DecideTask);
    let mut tasks = Vec::new();
    for turn in turns(&filter, decides) {
        let listed = TaskFilter {
            limit: NEXT_TRIED,
            after: None,
            ..turn
        };
        // In either case, so that neither takes less.
        let page = flows::list_tasks(context, &read, listed).await;
        tasks.extend(page.map_err(failed)?.tasks);
    }
    let known = flows::deal_known_pair(context, &work, &filter, but).await;
    if let Some(known) = known.map_err(failed)? {
        return Ok(Some(known));
    }
    let me = visitor.visit.account.as_str();
    for task in tasks {
        let by = task.state.claim.as_ref().map(|claim| claim.by.as_str());
        let elsewhere = task.standing == TaskStanding::Claimed && by != Some(me);
        let over = matches!(task.standing, TaskStanding::Decided | TaskStanding::Closed);
        if Some(task.id) == but || elsewhere || over || task.standing == TaskStanding::Escalated {
            continue;
        }
        let lease = TASK_LEASE_SECONDS_DEFAULT;
        match flows::claim_task(context, &work, task.id, lease, None).await {
            Ok(taken) => return Ok(Some(taken.id)),
            // Somebody else was quicker, or another role reads it next.
            Err(FlowError::Review(_) | FlowError::Stale | FlowError::NotFound(_)) => {}
            Err(error) => return Err(visitor.no_page(&error)),
        }
    }
    Ok(None)
}

/// Where to look for what a reader may take. Second readings and merges to be approved
/// stand far behind what waits for a first reader, which is no approver's.
fn turns(filter: &TaskFilter, decides: bool) -> Vec<TaskFilter> {
    let whatever = matches!(filter.standing, None | Some(TaskStanding::Waiting));
    if decides || !whatever || filter.kind.is_some() {
        return vec![filter.clone()];
    }
    let standing = |standing| TaskFilter {
        standing: Some(standing),
        ..filter.clone()
    };
    let approvals = TaskFilter {
        kind: Some(TaskKind::MergeApproval),
        ..filter.clone()
    };
    vec![
        standing(TaskStanding::AwaitingThird),
        standing(TaskStanding::AwaitingSecond),
        approvals,
        filter.clone(),
    ]
}

fn to_question(task: Option<TaskId>, query: &str) -> Response {
    match task {
        Some(task) => redirect(&address(task, query)),
        None => redirect(&format!("/review?{query}")),
    }
}

/// Takes the most urgent question in hand and opens it.
pub(super) async fn start(
    State(context): State<Context>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let asked = Asked::of(Some(posted.form.text("query")), &visitor.visit.account);
    let query = asked.query();
    let next = take_next(&context, visitor, asked.filter, None).await?;
    Ok(match next {
        Some(next) => redirect(&address(next, &query)),
        None => redirect(&format!("/review?{query}&none")),
    })
}

/// The question after this one in the queue; the queue after the last.
pub(super) async fn next(
    State(context): State<Context>,
    visitor: Visitor,
    Path(task): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let task = task_of(&task, &visitor)?;
    beside(&context, &visitor, (task, uri.query()), false).await
}

/// The question before this one; the queue before the first.
pub(super) async fn previous(
    State(context): State<Context>,
    visitor: Visitor,
    Path(task): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let task = task_of(&task, &visitor)?;
    beside(&context, &visitor, (task, uri.query()), true).await
}

async fn beside(
    context: &Context,
    visitor: &Visitor,
    (task, query): (TaskId, Option<&str>),
    backwards: bool,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadTask, REASON)?;
    let asked = Asked::of(query, access.person());
    let query = asked.query();
    let failed = |error: FlowError| visitor.no_page(&error);
    let here = one(context, &access, task).await.map_err(failed)?;
    let filter = TaskFilter {
        after: Some(flows::place_of_task(&here)),
        backwards,
        limit: 1,
        ..asked.filter
    };
    let page = flows::list_tasks(context, &access, filter)
        .await
        .map_err(failed)?;
    Ok(to_question(page.tasks.first().map(|it| it.id), &query))
}
