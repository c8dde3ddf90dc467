//! Review tasks: reading them.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::flows::{self, Context, TaskFilter};
use crate::foundation::TaskId;
use crate::foundation::limits::TASKS_PER_PAGE_MAX;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::bodies::{TaskBody, TasksBody};
use crate::interfaces::rest::request::{Parameters, Segment};
use crate::registry::{TaskKind, TaskStatus};
use crate::security::Action;

/// Parameters of a list of tasks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskParameters {
    state: Option<StateParameter>,
    kind: Option<TaskKind>,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateParameter {
    Open,
    Closed,
}

/// `GET /review/tasks`
pub async fn list_tasks(
    State(context): State<Context>,
    caller: Caller,
    Parameters(parameters): Parameters<TaskParameters>,
) -> Result<Json<TasksBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let limit = parameters
        .limit
        .unwrap_or(TASKS_PER_PAGE_MAX)
        .clamp(1, TASKS_PER_PAGE_MAX);
    let after = parameters
        .after
        .map(|text| text.parse::<TaskId>())
        .transpose()
        .map_err(|_| {
            let detail = "`after` must be the `next` of an earlier page";
            caller.problem(Refused::Malformed, detail).member("after")
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

/// `GET /review/tasks/{id}`
pub async fn view_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
) -> Result<Json<TaskBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let unknown = |_| caller.problem(Refused::NotFound, "no task with this id is known");
    let task: TaskId = task.parse().map_err(unknown)?;
    let answer = flows::view_task(&context, &access, task)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
