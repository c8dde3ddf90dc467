//! The steps with a question: taking it in hand, giving it back, writing beside
//! it, saying what the answer is, and taking that back. Who is refused sees the
//! page again with all that was typed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{
    self, Asked as AskedToUndo, Context, DecideCommand, FlowError, IfMatch, ListedTask,
};
use crate::foundation::limits::TASK_LEASE_SECONDS_DEFAULT;
use crate::foundation::{AssertionId, MergeId, TaskId};
use crate::interfaces::http::Problem;
use crate::interfaces::web::comparison_page::{Showing, Typed, is_grave, render, task_of};
use crate::interfaces::web::forms::Form;
use crate::interfaces::web::layout::{NoPage, redirect};
use crate::interfaces::web::queue_page::{Asked, REASON};
use crate::interfaces::web::task_moves::take_next;
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::interfaces::web::words;
use crate::registry::TaskOutcome;
use crate::review::{ReviewRefusal, follow};
use crate::security::{Access, Action};

pub(super) fn address(task: TaskId, query: &str) -> String {
    if query.is_empty() {
        format!("/review/tasks/{task}")
    } else {
        format!("/review/tasks/{task}?{query}")
    }
}

/// The filters that came along with a form.
fn query_of(visitor: &Visitor, form: &Form) -> String {
    Asked::of(Some(form.text("query")), &visitor.visit.account).query()
}

/// The page again, with what was typed and what is wrong.
async fn refused(
    context: &Context,
    Posted { visitor, form }: &Posted,
    task: TaskId,
    error: &FlowError,
) -> Result<Response, NoPage> {
    let problem = Problem::of(error, &visitor.request_id);
    // Unknown, or not of this role: there is no page to show.
    if matches!(problem.status, 404 | 500..) {
        return Err(NoPage::new(visitor.page("", ""), problem));
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
    again(context, (visitor, form), task, (status, problem.detail)).await
}

async fn again(
    context: &Context,
    (visitor, form): (&Visitor, &Form),
    task: TaskId,
    (status, problem): (StatusCode, String),
) -> Result<Response, NoPage> {
    let showing = Showing {
        status,
        query: Some(query_of(visitor, form)),
        typed: Typed {
            reason: form.text("reason").to_owned(),
            comment: form.text("comment").to_owned(),
            outcome: words::outcome_of(form.text("outcome")),
        },
        problem: Some(problem),
    };
    render(context, visitor, task, showing).await
}

fn work(visitor: &Visitor, task: TaskId) -> Result<Access, NoPage> {
    visitor.may_because(Action::WorkTask, &format!("{REASON}: {task}"))
}

/// Takes the question in hand, or for longer.
pub(super) async fn claim(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let task = task_of(&task, visitor)?;
    let access = work(visitor, task)?;
    let lease = TASK_LEASE_SECONDS_DEFAULT;
    let claimed = flows::claim_task(&context, &access, task, lease, None).await;
    if claimed.is_ok() {
        flows::mix_in_known_pair(&context, &access).await;
    }
    match claimed {
        // What was typed is on the page again, and nothing is lost by taking it.
        Ok(_) if !posted.form.text("reason").is_empty() => {
            let said = "The question is in your hands again.".to_owned();
            let pair = (visitor, &posted.form);
            again(&context, pair, task, (StatusCode::OK, said)).await
        }
        Ok(_) => Ok(redirect(&address(task, &query_of(visitor, &posted.form)))),
        Err(error) => refused(&context, &posted, task, &error).await,
    }
}

/// Gives it back.
pub(super) async fn release(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let task = task_of(&task, visitor)?;
    let access = work(visitor, task)?;
    match flows::release_task(&context, &access, task, None).await {
        Ok(_) => Ok(redirect(&address(task, &query_of(visitor, &posted.form)))),
        Err(error) => refused(&context, &posted, task, &error).await,
    }
}

/// Gives it to a colleague.
pub(super) async fn assign(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let task = task_of(&task, visitor)?;
    let access = work(visitor, task)?;
    let to = posted.form.text("to");
    match flows::assign_task(&context, &access, task, to, None).await {
        Ok(_) => Ok(redirect(&address(task, &query_of(visitor, &posted.form)))),
        Err(error) => refused(&context, &posted, task, &error).await,
    }
}

/// Writes beside it.
pub(super) async fn comment(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let task = task_of(&task, visitor)?;
    let access = work(visitor, task)?;
    let words = posted.form.text("comment").replace("\r\n", "\n");
    match flows::comment_task(&context, &access, task, &words, None).await {
        Ok(_) => Ok(redirect(&address(task, &query_of(visitor, &posted.form)))),
        Err(error) => refused(&context, &posted, task, &error).await,
    }
}

/// Says what the answer is, and goes on to the next question.
pub(super) async fn decide(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let task = task_of(&task, visitor)?;
    let access = work(visitor, task)?;
    let Some(outcome) = words::outcome_of(form.text("outcome")) else {
        let problem = "Say what the answer is.".to_owned();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return again(&context, (visitor, form), task, (status, problem)).await;
    };
    if !is_confirmed(&context, &posted, (task, outcome)).await? {
        let answer = (StatusCode::FORBIDDEN, unconfirmed(visitor).to_owned());
        return again(&context, (visitor, form), task, answer).await;
    }
    let version = form.text("version").parse().ok();
    let command = DecideCommand {
        task,
        outcome,
        reason: form.given("reason").map(|text| text.replace("\r\n", "\n")),
        evidence: form.text("evidence").to_owned(),
        if_match: version.map(|version| IfMatch::OneOf(vec![version])),
    };
    let followed = match flows::decide_task(&context, &access, command).await {
        Ok(answer) => Followed {
            merge: answer.merge,
            assertion: answer.assertion,
            known_answer: answer.known_answer,
        },
        Err(error) => {
            // A second click, or a reload: it has been said already.
            let repeated = is_repeated(&error);
            if !(repeated && has_said(&context, visitor, (task, outcome)).await?) {
                return refused(&context, &posted, task, &error).await;
            }
            Followed::default()
        }
    };
    let query = told(query_of(visitor, form), (task, outcome), followed);
    let filter = Asked::of(Some(form.text("query")), &visitor.visit.account).filter;
    Ok(
        match take_next(&context, visitor, filter, Some(task)).await? {
            Some(next) => redirect(&address(next, &query)),
            None => redirect(&format!("/review?{query}")),
        },
    )
}

/// What followed from an answer.
#[derive(Default)]
struct Followed {
    merge: Option<MergeId>,
    assertion: Option<AssertionId>,
    known_answer: Option<TaskOutcome>,
}

/// What was done, for the page that follows; ids of ours only.
fn told(query: String, (task, outcome): (TaskId, TaskOutcome), followed: Followed) -> String {
    let mut query = url::form_urlencoded::Serializer::new(query);
    query.append_pair("done", &task.to_string());
    query.append_pair("outcome", outcome.name());
    if let Some(merge) = followed.merge {
        query.append_pair("merge", &merge.to_string());
    }
    if let Some(assertion) = followed.assertion {
        query.append_pair("assertion", &assertion.to_string());
    }
    if let Some(answer) = followed.known_answer {
        query.append_pair("known", answer.name());
    }
    query.finish()
}

/// Whether the password was given a short time ago, where it has to be.
async fn is_confirmed(
    context: &Context,
    Posted { visitor, form }: &Posted,
    (task, outcome): (TaskId, TaskOutcome),
) -> Result<bool, NoPage> {
    if visitor.visit.confirmed {
        return Ok(true);
    }
    let access = visitor.may_because(Action::ReadTask, &format!("{REASON}: {task}"))?;
    let filter = one(context, &access, task).await;
    let listed = filter.map_err(|error| visitor.no_page(&error))?;
    if !is_grave(follow(listed.state.kind, outcome)) {
        return Ok(true);
    }
    confirm(context, visitor, form).await
}

/// What somebody has to do first who joins or parts people.
pub(super) const fn unconfirmed(visitor: &Visitor) -> &'static str {
    if visitor.visit.elsewhere {
        "Show again who you are: what follows joins or parts people, and you have not done so \
         within the last half hour."
    } else {
        "Give your password: what follows joins or parts people, and the right one was not given \
         within the last half hour."
    }
}

/// Takes the password of a form, where one was typed.
pub(super) async fn confirm(
    context: &Context,
    visitor: &Visitor,
    form: &Form,
) -> Result<bool, NoPage> {
    if visitor.visit.confirmed {
        return Ok(true);
    }
    let password = form.as_typed("password").to_owned();
    if password.is_empty() {
        return Ok(false);
    }
    flows::confirm_visit(context, &visitor.cookie, password, visitor.asked())
        .await
        .map_err(|error| visitor.no_page(&error))
}

pub(super) async fn one(
    context: &Context,
    access: &Access,
    task: TaskId,
) -> Result<ListedTask, FlowError> {
    let answer = flows::view_task(context, access, task).await?;
    Ok(answer.listed)
}

const fn is_repeated(error: &FlowError) -> bool {
    matches!(
        error,
        FlowError::Review(ReviewRefusal::Settled | ReviewRefusal::SamePerson) | FlowError::Stale
    )
}

/// Whether this person has said just that in the present or settled round.
async fn has_said(
    context: &Context,
    visitor: &Visitor,
    (task, outcome): (TaskId, TaskOutcome),
) -> Result<bool, NoPage> {
    let access = visitor.may_because(Action::ReadTask, &format!("{REASON}: {task}"))?;
    let listed = one(context, &access, task)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let me = visitor.visit.account.as_str();
    let mut reads = listed.state.reads_of_round();
    Ok(reads.any(|read| read.by == me && read.outcome == outcome))
}

/// A merge may be taken back without its preview for so long, by who made it.
const AT_ONCE_SECONDS: i64 = 900;

const NOT_AT_ONCE: FlowError = FlowError::Conflict(
    "only what you have joined yourself a few minutes ago is taken back at once; take this merge \
     back from the timeline of the person, where you see first what would change",
);

/// Whether the account itself has just made a merge: whoever gives its id in a form, or
/// in a link, takes back nobody else's (T13).
async fn is_own_and_new(
    context: &Context,
    access: &Access,
    merge: MergeId,
    account: &str,
) -> Result<bool, FlowError> {
    let known = flows::view_merge(context, access, merge).await?;
    let since = (context.clock.now()).plus_microseconds(-AT_ONCE_SECONDS * 1_000_000);
    let last = known.steps.last();
    Ok(last.is_some_and(|step| step.actor.as_deref() == Some(account) && step.at >= since))
}

/// Takes back what was done to a question just now: its merge is undone, its
/// assertion withdrawn.
pub(super) async fn undo(
    State(context): State<Context>,
    Path(task): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let task = task_of(&task, visitor)?;
    let access = visitor.may_because(Action::MergePerson, &format!("{REASON}: {task}"))?;
    let asked = AskedToUndo {
        reason: "taken back at once by the person who said it".to_owned(),
        dry_run: false,
        idempotency_key: None,
    };
    let failed = |error: FlowError| visitor.no_page(&error);
    if !visitor.visit.confirmed {
        return Err(failed(FlowError::Conflict(unconfirmed(visitor))));
    }
    if let Ok(merge) = form.text("merge").parse() {
        let own = is_own_and_new(&context, &access, merge, &visitor.visit.account).await;
        if !own.map_err(failed)? {
            return Err(failed(NOT_AT_ONCE));
        }
        let undone = flows::undo_merge(&context, &access, merge, (&asked, None));
        undone.await.map_err(failed)?;
    } else if let Ok(assertion) = form.text("assertion").parse() {
        let withdrawn = flows::withdraw_assertion(&context, &access, assertion, &asked);
        withdrawn.await.map_err(failed)?;
    }
    Ok(redirect(&address(task, &query_of(visitor, form))))
}
