//! Review tasks: reading them.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::flows::{self, Context, TaskFilter};
use crate::foundation::TaskId;
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment};
use crate::interfaces::rest::bodies::{TaskBody, TasksBody};
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::registry::{TaskKind, TaskStatus};
use crate::security::Action;

/// Parameters of a list of tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskParameters {
    /// Only tasks in this state.
    #[param(inline)]
    state: Option<StateParameter>,
    /// Only tasks of this kind.
    kind: Option<TaskKind>,
    /// `next` of the page before.
    #[param(pattern = "^T-[0-9a-f]{32}$")]
    after: Option<String>,
    /// Tasks on the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Whether a task waits.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateParameter {
    Open,
    Closed,
}

/// Lists review tasks, oldest first.
#[utoipa::path(get, path = "/review/tasks", tag = "review", params(TaskParameters),
    responses((status = 200, description = "A page of tasks.", body = TasksBody), Unusable))]
pub(super) async fn list_tasks(
    State(context): State<Context>,
    caller: Caller,
    Parameters(parameters): Parameters<TaskParameters>,
) -> Result<Json<TasksBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let limit = parameters.limit.unwrap_or(TASKS_PER_PAGE_MAX);
    if !(1..=TASKS_PER_PAGE_MAX).contains(&limit) {
        let detail = format!("limit must be a whole number from 1 to {TASKS_PER_PAGE_MAX}");
        let problem = caller.problem(Refused::Unprocessable, detail);
        return Err(problem.member("limit").rule("range"));
    }
    let after = parameters
        .after
        .map(|text| text.parse::<TaskId>())
        .transpose()
        .map_err(|_| {
            let detail = "`after` must be the `next` of an earlier page";
            let problem = caller.problem(Refused::Malformed, detail);
            problem.member("after").rule("task id")
        })?;
    let filter = TaskFilter {
        status: parameters.state.map(|state| match state {
            StateParameter::Open => TaskStatus::Open,
            StateParameter::Closed => TaskStatus::Closed,
        }),
        kind: parameters.kind,
        after,
        limit,
    };
    let tasks = flows::list_tasks(&context, &access, filter)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let full = tasks.len() == limit as usize;
    let next = tasks
        .last()
        .filter(|_| full)
        .map(|(task, _)| task.to_string());
    let tasks = tasks
        .into_iter()
        .map(|(id, state)| TaskBody::of(id, state, None))
        .collect();
    Ok(Json(TasksBody { tasks, next }))
}

/// Opens a task with the comparison that it rests on.
#[utoipa::path(get, path = "/review/tasks/{task}", tag = "review",
    params(("task" = String, Path, description = "A task's id.", example = "T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71")),
    responses((status = 200, description = "The task.", body = TaskBody), Unknown))]
pub(super) async fn view_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<TaskBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no task with this id is known");
        problem.member("task")
    };
    let task: TaskId = task.parse().map_err(unknown)?;
    let answer = flows::view_task(&context, &access, task)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
