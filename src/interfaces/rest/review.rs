//! The queue of questions, and the steps that people take with one.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::{IntoParams, IntoResponses};

use crate::flows::{self, Context, DecideCommand, FlowError, ListedTask, TaskFilter};
use crate::foundation::TaskId;
use crate::foundation::limits::{TASK_LEASE_SECONDS_DEFAULT, TASKS_PER_PAGE_MAX};
use crate::interfaces::http::conditions::if_match;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment, source_code};
use crate::interfaces::rest::bodies::{
    AgreementBody, AssignRequest, ClaimRequest, CommentRequest, DecideRequest, DecidedBody,
    EscalateRequest, OpenedTaskBody, PackBody, ReleaseTaskRequest, TaskBody, TaskStanding,
    TasksBody,
};
use crate::interfaces::rest::document::{
    Conflicting, Stale, TaskCondition, TaskParameters, Unknown, Unusable,
};
use crate::interfaces::rest::records::with_etag;
use crate::registry::{TaskKind, TaskOutcome};
use crate::security::{Access, Action};

/// Parameters of the queue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QueueParameters {
    /// Only tasks that stand so; those that wait when not said.
    #[param(inline)]
    state: Option<TaskStanding>,
    /// Only tasks of this kind.
    kind: Option<TaskKind>,
    /// Only tasks in the hands of this account; `me` is the caller.
    #[param(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"
    )]
    assigned_to: Option<String>,
    /// Only tasks raised by a record of this source.
    #[param(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    source: Option<String>,
    /// Only tasks about this person, by any id that it ever had.
    #[param(pattern = "^P-[0-9a-f]{32}$")]
    person: Option<String>,
    /// Only tasks opened at least so long ago: minutes, hours or days.
    #[param(pattern = "^[1-9][0-9]{0,4}[mhd]$", example = "7d")]
    older_than: Option<String>,
    /// `next` of the page before.
    #[param(pattern = r"^1\.[0-4]\.[0-9a-f]{16}\.T-[0-9a-f]{32}$")]
    after: Option<String>,
    /// Tasks on the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl QueueParameters {
    fn filter(self, caller: &Caller, access: &Access) -> Result<TaskFilter, Problem> {
        let limit = self.limit.unwrap_or(TASKS_PER_PAGE_MAX);
        if !(1..=TASKS_PER_PAGE_MAX).contains(&limit) {
            let detail = format!("limit must be a whole number from 1 to {TASKS_PER_PAGE_MAX}");
            let problem = caller.problem(Refused::Unprocessable, detail);
            return Err(problem.member("limit").rule("range"));
        }
        let source = self.source.as_deref();
        let source = source.map(|text| source_code(text, caller.request_id()));
        let person = self.person.map(|text| {
            text.parse().map_err(|_| {
                let detail = "`person` must be a person's id";
                let problem = caller.problem(Refused::Malformed, detail);
                problem.member("person").rule("person id")
            })
        });
        let age = self.older_than.map(|text| {
            seconds(&text).ok_or_else(|| {
                let detail = "`older_than` must be a number of minutes, hours or days, such as 7d";
                let problem = caller.problem(Refused::Malformed, detail);
                problem.member("older_than").rule("duration")
            })
        });
        let own = |name: String| match name.as_str() {
            "me" => Ok(access.person().to_owned()),
            text if is_name(text) => Ok(name),
            _ => {
                let detail = "`assigned_to` must be the name of an account, or `me`";
                let problem = caller.problem(Refused::Malformed, detail);
                Err(problem.member("assigned_to").rule("account"))
            }
        };
        Ok(TaskFilter {
            standing: self.state.map(Into::into),
            kind: self.kind,
            assigned_to: self.assigned_to.map(own).transpose()?,
            source: source.transpose()?,
            person: person.transpose()?,
            older_than_seconds: age.transpose()?,
            after: self.after,
            backwards: false,
            limit,
        })
    }
}

/// Whether this may name an account: as the document says.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn seconds(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    let is_plain = (1..=5).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    is_plain
        .then(|| number.parse::<i64>().ok())?
        .map(|number| number * unit)
}

/// Lists review tasks, the most urgent first.
#[utoipa::path(get, path = "/review/tasks", tag = "review", params(QueueParameters),
    responses((status = 200, description = "A page of tasks.", body = TasksBody), Unusable))]
pub(super) async fn list_tasks(
    State(context): State<Context>,
    caller: Caller,
    Parameters(parameters): Parameters<QueueParameters>,
) -> Result<Json<TasksBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let filter = parameters.filter(&caller, &access)?;
    let page = flows::list_tasks(&context, &access, filter)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(page.into()))
}

fn task_id(text: &str, caller: &Caller) -> Result<TaskId, Problem> {
    text.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no task with this id is known");
        problem.member("task")
    })
}

/// Opens a task with everything that its reader needs.
#[utoipa::path(get, path = "/review/tasks/{task}", tag = "review", params(TaskParameters),
    responses((status = 200, description = "The task.", body = OpenedTaskBody,
        headers(("ETag" = String, description = "The version, for If-Match."))), Unknown))]
pub(super) async fn view_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let task = task_id(&task, &caller)?;
    let answer = flows::view_task(&context, &access, task)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let body = OpenedTaskBody::from(answer);
    let version = body.version();
    Ok(with_etag(Json(body).into_response(), version))
}

/// The task after a step.
#[derive(IntoResponses)]
#[response(status = 200, description = "The task.",
    headers(("ETag" = String, description = "The version, for If-Match.")))]
#[expect(dead_code, reason = "describes what `stepped` answers")]
struct Stepped(TaskBody);

fn stepped(caller: &Caller, answer: Result<ListedTask, FlowError>) -> Result<Response, Problem> {
    let listed = answer.map_err(|error| Problem::of(&error, caller.request_id()))?;
    let body = TaskBody::from(listed);
    let version = body.version();
    Ok(with_etag(Json(body).into_response(), version))
}

/// Takes a task in hand, or longer.
///
/// Nobody else may decide it until the lease ends or it is given back.
#[utoipa::path(post, path = "/review/tasks/{task}/claim", tag = "review",
    params(TaskParameters, TaskCondition), request_body = ClaimRequest,
    responses(Stepped, Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn claim_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let asked: ClaimRequest = body.read()?;
    let lease = asked.lease_seconds.unwrap_or(TASK_LEASE_SECONDS_DEFAULT);
    let condition = if_match(&headers, caller.request_id())?;
    let claimed = flows::claim_task(&context, &access, task, lease, condition).await;
    if claimed.is_ok() {
        flows::mix_in_known_pair(&context, &access).await;
    }
    stepped(&caller, claimed)
}

/// Gives a task to a colleague for a working day, or takes it over from them.
#[utoipa::path(post, path = "/review/tasks/{task}/assign", tag = "review",
    params(TaskParameters, TaskCondition), request_body = AssignRequest,
    responses(Stepped, Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn assign_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let AssignRequest { to } = body.read()?;
    let condition = if_match(&headers, caller.request_id())?;
    let given = flows::assign_task(&context, &access, task, &to, condition).await;
    stepped(&caller, given)
}

/// How readers' answers agree with those of others and with known pairs (R117).
///
/// Of the answers that were given last; approvers see everybody's, stewards their own.
#[utoipa::path(get, path = "/review/agreement", tag = "review",
    responses((status = 200, description = "Figures by reader.", body = AgreementBody)))]
pub(super) async fn readers_agree(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<AgreementBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let readers = flows::readers_agree(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(readers.into()))
}

/// Gives a task back.
#[utoipa::path(post, path = "/review/tasks/{task}/release", tag = "review",
    params(TaskParameters, TaskCondition), request_body = ReleaseTaskRequest,
    responses(Stepped, Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn release_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let ReleaseTaskRequest {} = body.read()?;
    let condition = if_match(&headers, caller.request_id())?;
    stepped(
        &caller,
        flows::release_task(&context, &access, task, condition).await,
    )
}

/// Writes something beside a task, for its readers.
#[utoipa::path(post, path = "/review/tasks/{task}/comment", tag = "review",
    params(TaskParameters, TaskCondition), request_body = CommentRequest,
    responses(Stepped, Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn comment_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let asked: CommentRequest = body.read()?;
    let condition = if_match(&headers, caller.request_id())?;
    let (words, context) = (asked.comment, &context);
    stepped(
        &caller,
        flows::comment_task(context, &access, task, &words, condition).await,
    )
}

async fn decide(
    context: &Context,
    caller: &Caller,
    command: DecideCommand,
) -> Result<Response, Problem> {
    let access = caller.may(Action::WorkTask)?;
    let answer = flows::decide_task(context, &access, command)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let body = DecidedBody::from(answer);
    let version = body.version();
    Ok(with_etag(Json(body).into_response(), version))
}

/// Says what the answer to the question is.
///
/// It settles the question, or leads it to a second reader (R114), who does not
/// see what was said. What follows is done in the same commit: a merge, an
/// assertion, a held version that becomes current.
#[utoipa::path(post, path = "/review/tasks/{task}/decide", tag = "review",
    params(TaskParameters, TaskCondition), request_body = DecideRequest,
    responses((status = 200, description = "What follows.", body = DecidedBody,
        headers(("ETag" = String, description = "The version, for If-Match."))),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn decide_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let asked: DecideRequest = body.read()?;
    let command = DecideCommand {
        task,
        outcome: asked.outcome,
        reason: asked.reason,
        evidence: asked.evidence,
        if_match: if_match(&headers, caller.request_id())?,
    };
    decide(&context, &caller, command).await
}

/// Sends a task to the national back office, with its evidence pack (R119).
#[utoipa::path(post, path = "/review/tasks/{task}/escalate", tag = "review",
    params(TaskParameters, TaskCondition), request_body = EscalateRequest,
    responses((status = 200, description = "The task.", body = DecidedBody,
        headers(("ETag" = String, description = "The version, for If-Match."))),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn escalate_task(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Action::WorkTask)?;
    let task = task_id(&task, &caller)?;
    let asked: EscalateRequest = body.read()?;
    let command = DecideCommand {
        task,
        outcome: TaskOutcome::Escalate,
        reason: asked.reason,
        evidence: asked.evidence,
        if_match: if_match(&headers, caller.request_id())?,
    };
    decide(&context, &caller, command).await
}

/// The evidence for the national back office (R119).
///
/// Identifiers, history, statuses and reasoning of an escalated task; never what
/// people wrote about it.
#[utoipa::path(get, path = "/review/tasks/{task}/pack", tag = "review", params(TaskParameters),
    responses((status = 200, description = "The pack.", body = PackBody), Unknown, Conflicting))]
pub(super) async fn view_pack(
    State(context): State<Context>,
    caller: Caller,
    Segment(task): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<PackBody>, Problem> {
    let access = caller.may(Action::ReadTask)?;
    let task = task_id(&task, &caller)?;
    let pack = flows::evidence_pack(&context, &access, task)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(pack.into()))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn an_age_is_a_number_of_minutes_hours_or_days() {
        assert_eq!(seconds("30m"), Some(1_800));
        assert_eq!(seconds("7d"), Some(604_800));
        for text in [
            "", "d", "0d", "07d", "7", "7w", "-7d", "+7d", "100000d", "7é",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
