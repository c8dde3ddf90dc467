//! The small steps with a question: taking it in hand, giving it back, writing
//! beside it. Each is decided inside the commit, on the task as it is there.

use crate::flows::known_pairs::known_pair;
use crate::flows::list_tasks::known_task;
use crate::flows::{Context, FlowError, IfMatch, ListedTask, standing_of};
use crate::foundation::limits::{NOTE_CHARACTERS_MAX, TASK_LEASE_SECONDS_MAX};
use crate::foundation::{Instant, TaskId};
use crate::registry::{RegistryEvent, RegistryState, TaskState};
use crate::review::{ReviewRefusal, Reviewer, claim, comment, release};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet, Remark};

/// What a step leads to inside the commit.
pub(super) enum Stepped {
    /// It was taken.
    Done,
    /// It may not be taken.
    Refused(ReviewRefusal),
    /// `If-Match` names another version.
    Stale,
}

/// Takes the task in hand for so many seconds.
///
/// # Errors
/// Unknown, settled or in other hands; a stale `If-Match`; a lease out of
/// bounds; a fault of ours.
pub async fn claim_task(
    context: &Context,
    access: &Access,
    task: TaskId,
    lease_seconds: i64,
    if_match: Option<IfMatch>,
) -> Result<ListedTask, FlowError> {
    if !(1..=TASK_LEASE_SECONDS_MAX).contains(&lease_seconds) {
        return Err(FlowError::Unprocessable {
            member: "lease_seconds",
            rule: "range",
            detail: format!("lease_seconds must be from 1 to {TASK_LEASE_SECONDS_MAX}"),
        });
    }
    let now = context.clock.now();
    let until = Instant::from_microseconds(now.microseconds() + lease_seconds * 1_000_000);
    let take =
        move |state: &TaskState, reviewer: &Reviewer| claim(task, state, reviewer, (now, until));
    step(context, access, task, (if_match, None), take).await
}

/// Gives the task back.
///
/// # Errors
/// Unknown, settled or not in these hands; a stale `If-Match`; a fault of ours.
pub async fn release_task(
    context: &Context,
    access: &Access,
    task: TaskId,
    if_match: Option<IfMatch>,
) -> Result<ListedTask, FlowError> {
    let now = context.clock.now();
    let give = move |state: &TaskState, reviewer: &Reviewer| release(task, state, reviewer, now);
    step(context, access, task, (if_match, None), give).await
}

/// Writes something beside the task, for its readers.
///
/// # Errors
/// Unknown task, no words or too many, a stale `If-Match`, a fault of ours.
pub async fn comment_task(
    context: &Context,
    access: &Access,
    task: TaskId,
    words: &str,
    if_match: Option<IfMatch>,
) -> Result<ListedTask, FlowError> {
    let words = words_of("comment", Some(words))?;
    let words = words.ok_or_else(|| no_words("comment", "say what is to be written"))?;
    let write = move |_: &TaskState, reviewer: &Reviewer| Ok(comment(task, reviewer));
    step(context, access, task, (if_match, Some(words)), write).await
}

/// Words as they are kept; `None` when there are none.
pub(super) fn words_of(
    member: &'static str,
    words: Option<&str>,
) -> Result<Option<String>, FlowError> {
    let Some(words) = words.map(str::trim).filter(|words| !words.is_empty()) else {
        return Ok(None);
    };
    let odd = |character: char| character.is_control() && character != '\n';
    if words.chars().count() > NOTE_CHARACTERS_MAX || words.chars().any(odd) {
        return Err(FlowError::Unprocessable {
            member,
            rule: "plain text",
            detail: format!(
                "{member} may have {NOTE_CHARACTERS_MAX} characters at most, none of them a \
                 control character but the end of a line"
            ),
        });
    }
    Ok(Some(words.to_owned()))
}

/// Words under the task that they are about.
pub(super) fn remark(task: TaskId, words: Option<&String>) -> Option<Remark> {
    words.map(|words| Remark {
        subject: task.to_string(),
        reason: words.clone(),
    })
}

pub(super) fn no_words(member: &'static str, detail: &str) -> FlowError {
    FlowError::Unprocessable {
        member,
        rule: "R115",
        detail: detail.to_owned(),
    }
}

pub(super) fn commit_actor(access: &Access) -> CommitActor {
    CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    }
}

/// What a step with a task reads: its persons whole, with their questions.
pub(super) async fn read_set(context: &Context, state: &TaskState) -> Result<ReadSet, FlowError> {
    let record = context.store.name_of_record(state.record).await?;
    Ok(ReadSet {
        records: record.into_iter().collect(),
        whole: state.persons.clone(),
        ..ReadSet::default()
    })
}

/// Whether the condition names the task's version.
pub(super) fn is_stale(if_match: Option<&IfMatch>, state: &TaskState) -> bool {
    if_match.is_some_and(|condition| !condition.holds(Some(state.version)))
}

/// Takes a step with a task on the state that it has in the commit.
pub(super) async fn step(
    context: &Context,
    access: &Access,
    task: TaskId,
    (if_match, words): (Option<IfMatch>, Option<String>),
    take: impl Fn(&TaskState, &Reviewer) -> Result<RegistryEvent, ReviewRefusal> + Send + 'static,
) -> Result<ListedTask, FlowError> {
    let known = match known_task(context, access, task).await {
        Err(FlowError::NotFound(_)) => {
            let pair = known_pair(context, access, task).await?;
            return pair.step(context, access, (if_match, words), take).await;
        }
        known => known?,
    };
    let read = read_set(context, &known).await?;
    let now = context.clock.now();
    let reviewer = Reviewer::of(access);
    let audit = access.audit(now, known.persons.clone(), Some(task.to_string()));
    let decide = move |state: &mut RegistryState, _: &_| {
        // What is closed is not loaded: nothing can be done with it.
        let Some(known) = state.tasks.get(&task) else {
            return Planned::nothing(Stepped::Refused(ReviewRefusal::Settled));
        };
        if is_stale(if_match.as_ref(), known) {
            return Planned::nothing(Stepped::Stale);
        }
        match take(known, &reviewer) {
            Ok(event) => Planned {
                events: vec![event],
                remark: remark(task, words.as_ref()),
                audit: vec![audit.clone()],
                ..Planned::nothing(Stepped::Done)
            },
            Err(refusal) => Planned::nothing(Stepped::Refused(refusal)),
        }
    };
    let committed = context
        .store
        .commit(read, commit_actor(access), now, decide);
    match committed.await? {
        Stepped::Done => listed(context, access, task).await,
        Stepped::Refused(refusal) => Err(refusal.into()),
        Stepped::Stale => Err(FlowError::Stale),
    }
}

/// The task as it is now.
pub(super) async fn listed(
    context: &Context,
    access: &Access,
    task: TaskId,
) -> Result<ListedTask, FlowError> {
    let state = known_task(context, access, task).await?;
    Ok(ListedTask {
        id: task,
        standing: standing_of(&state, context.clock.now()),
        state,
    })
}
