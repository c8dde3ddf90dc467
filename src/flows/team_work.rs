//! How much work waits, who does it, and how well their answers agree; and giving a
//! question to a colleague.

use crate::flows::made_up_people::waiting_pairs;
use crate::flows::review_task::step;
use crate::flows::{Context, FlowError, IfMatch, ListedTask};
use crate::foundation::limits::{ANSWERED_TASKS_LOOKED_AT, TASK_LEASE_SECONDS_MAX};
use crate::foundation::{Instant, TaskId};
use crate::registry::TaskState;
use crate::review::{Agreement, Reviewer, agreement, assign};
use crate::security::{Access, Action, Role, actions};
use crate::storage::WaitingTasks;

/// What there is to do, and who does it.
#[derive(Debug, Clone)]
pub struct TeamWork {
    /// Questions that wait.
    pub waiting: Vec<WaitingTasks>,
    /// How the answers that were given last agree; of the asker alone, where it is not
    /// theirs to approve the answers of others.
    pub agreement: Vec<Agreement>,
    /// Who may be given a question, by name.
    pub colleagues: Vec<String>,
}

/// What there is to do: figures, and nothing of a patient.
///
/// # Errors
/// A fault of ours.
pub async fn team_work(context: &Context, access: &Access) -> Result<TeamWork, FlowError> {
    let now = context.clock.now();
    let store = &context.store;
    let due = (now, &context.review.due);
    let mut waiting = store.count_waiting(due, access.sees_sealed()).await?;
    waiting.extend(waiting_pairs(context, access).await?);
    Ok(TeamWork {
        waiting,
        agreement: readers_agree(context, access).await?,
        colleagues: colleagues(context).await?,
    })
}

/// How the answers that were given last agree with those of other readers and with
/// known pairs (R117); of the asker alone, where it is not theirs to approve the
/// answers of others.
///
/// # Errors
/// A fault of ours.
pub async fn readers_agree(
    context: &Context,
    access: &Access,
) -> Result<Vec<Agreement>, FlowError> {
    let store = &context.store;
    let answered = store.answered_tasks(ANSWERED_TASKS_LOOKED_AT).await?;
    let known = store.known_answers(ANSWERED_TASKS_LOOKED_AT).await?;
    let mut agreement = agreement(&answered, &known);
    if !access.may_also(Action::ApproveTask) {
        agreement.retain(|one| one.by == access.person());
    }
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    store.append_audit(vec![audit]).await?;
    Ok(agreement)
}

/// Accounts that may be given a question.
///
/// # Errors
/// A fault of ours.
pub async fn colleagues(context: &Context) -> Result<Vec<String>, FlowError> {
    let accounts = context.store.list_accounts().await?;
    let at_work = accounts
        .into_iter()
        .filter(|account| account.disabled_at.is_none() && may_work(&account.roles));
    Ok(at_work.map(|account| account.name).collect())
}

fn may_work(roles: &[Role]) -> bool {
    let works = |role: &Role| actions(*role).contains(&Action::WorkTask);
    roles.iter().any(works)
}

/// Gives a question to a colleague for a working day, or takes it over from them.
///
/// # Errors
/// Unknown or settled, in other hands, or not the colleague's to read; nobody of
/// this name; a stale `If-Match`; a fault of ours.
pub async fn assign_task(
    context: &Context,
    access: &Access,
    task: TaskId,
    to: &str,
    if_match: Option<IfMatch>,
) -> Result<ListedTask, FlowError> {
    let account = context.store.find_account(to).await?;
    let account = account.filter(|it| it.disabled_at.is_none() && may_work(&it.roles));
    let account = account.ok_or_else(|| FlowError::Unprocessable {
        member: "to",
        rule: "R114",
        detail: "nobody of this name may answer questions".to_owned(),
    })?;
    let colleague = Reviewer::absent(&account.name, &account.roles);
    let now = context.clock.now();
    let lease = TASK_LEASE_SECONDS_MAX * 1_000_000;
    let until = Instant::from_microseconds(now.microseconds() + lease);
    let give = move |state: &TaskState, reviewer: &Reviewer| {
        assign(task, state, (reviewer, &colleague), (now, until))
    };
    step(context, access, task, (if_match, None), give).await
}
