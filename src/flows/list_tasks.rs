//! The queue of questions that wait for a human, in the order of R116.

use crate::flows::made_up_people::listed_pairs;
use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, RecordNumber, TaskId};
use crate::registry::{Gate, SourceCode, TaskKind, TaskStage, TaskState};
use crate::security::Access;
use crate::storage::{Assigned, QueuePart, QueuePlace, TaskFilter as StoredFilter};

/// What may be asked of the queue: a stage, or who has a task in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStanding {
    /// Whatever waits, in hand or not.
    Waiting,
    /// Nobody has read it or has it in hand.
    Open,
    /// Somebody has it in hand.
    Claimed,
    /// One has read it, nobody has it in hand.
    AwaitingSecond,
    /// Two have read it and differ, nobody has it in hand.
    AwaitingThird,
    /// It waits for the national back office, nobody has it in hand.
    Escalated,
    /// People have settled it.
    Decided,
    /// The question is gone.
    Closed,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// How they stand; those that wait when not said.
    pub standing: Option<TaskStanding>,
    /// What is asked.
    pub kind: Option<TaskKind>,
    /// In whose hands.
    pub assigned_to: Option<String>,
    /// Raised by a record of this source.
    pub source: Option<SourceCode>,
    /// About this person, by any id that it ever had.
    pub person: Option<PersonId>,
    /// Opened at least so many seconds ago.
    pub older_than_seconds: Option<i64>,
    /// Where to go on.
    pub after: Option<String>,
    /// What comes before that place, the nearest first.
    pub backwards: bool,
    /// At most so many.
    pub limit: u32,
}

/// A task as a list shows it.
#[derive(Debug, Clone)]
pub struct ListedTask {
    /// Its id.
    pub id: TaskId,
    /// What is asked.
    pub state: TaskState,
    /// How it stands.
    pub standing: TaskStanding,
}

/// A page of the queue.
#[derive(Debug, Clone)]
pub struct TaskPage {
    /// In the queue's order.
    pub tasks: Vec<ListedTask>,
    /// Where to go on, when something may follow.
    pub next: Option<String>,
}

/// How the task stands for somebody who looks now.
#[must_use]
pub fn standing_of(state: &TaskState, now: Instant) -> TaskStanding {
    match state.stage {
        TaskStage::Decided => TaskStanding::Decided,
        TaskStage::Closed => TaskStanding::Closed,
        _ if state.claim_at(now).is_some() => TaskStanding::Claimed,
        TaskStage::Open => TaskStanding::Open,
        TaskStage::SecondReader => TaskStanding::AwaitingSecond,
        TaskStage::ThirdReader => TaskStanding::AwaitingThird,
        TaskStage::Escalated => TaskStanding::Escalated,
    }
}

/// A page of the queue, in the order of R116.
///
/// # Errors
/// A place that is none, or a fault of ours.
pub async fn list_tasks(
    context: &Context,
    access: &Access,
    filter: TaskFilter,
) -> Result<TaskPage, FlowError> {
    let now = context.clock.now();
    let after = match &filter.after {
        Some(text) => Some(QueuePlace::parse(text).ok_or(FlowError::Malformed {
            member: "after",
            rule: "place in the queue",
            detail: "`after` must be the `next` of an earlier page",
        })?),
        None => None,
    };
    let backwards = filter.backwards;
    let known_pairs = listed_pairs(context, access, &filter).await?;
    let persons = match filter.person {
        Some(person) => context.store.person_and_retired(person).await?,
        None => Vec::new(),
    };
    let limit = filter.limit;
    let wanted = wanted(filter, persons, now);
    let gate = Gate::of(access);
    let (mut tasks, mut last, mut more) = (Vec::new(), after, true);
    // What seals keep from the asker leaves no gap (R22).
    while more && tasks.len() < limit as usize {
        let part = match last {
            None => QueuePart::First,
            Some(place) if backwards => QueuePart::Before(place),
            Some(place) => QueuePart::After(place),
        };
        let page = context.store.list_tasks(&wanted, part, limit).await?;
        more = page.len() == limit as usize;
        last = page.last().map(|(id, state)| QueuePlace::of(*id, state));
        tasks.extend(unsealed(context, gate, page).await?);
    }
    mix_in(&mut tasks, known_pairs, (after, backwards, more));
    let more = more || tasks.len() > limit as usize;
    tasks.truncate(limit as usize);
    let mut named: Vec<PersonId> = tasks
        .iter()
        .flat_map(|(_, task)| task.persons.iter().copied())
        .collect();
    named.sort_unstable();
    named.dedup();
    let audit = access.audit(now, named, None);
    context.store.append_audit(vec![audit]).await?;
    let last = tasks.last().filter(|_| more);
    let next = last.map(|(id, state)| QueuePlace::of(*id, state).text());
    let tasks = tasks.into_iter().map(|(id, state)| ListedTask {
        id,
        standing: standing_of(&state, now),
        state,
    });
    Ok(TaskPage {
        tasks: tasks.collect(),
        next,
    })
}

/// Puts known pairs where questions of their weight stand (R117): between the place
/// that the page begins at and its last task, or behind that where nothing follows.
fn mix_in(
    tasks: &mut Vec<(TaskId, TaskState)>,
    known_pairs: Vec<(TaskId, TaskState)>,
    (after, backwards, more): (Option<QueuePlace>, bool, bool),
) {
    let comes_first = |one: &QueuePlace, other: &QueuePlace| {
        let order = one.order(other);
        if backwards {
            order.is_gt()
        } else {
            order.is_lt()
        }
    };
    for (id, state) in known_pairs {
        let own = QueuePlace::of(id, &state);
        if after.is_some_and(|place| !comes_first(&place, &own)) {
            continue;
        }
        let behind =
            |(id, state): &(TaskId, TaskState)| comes_first(&own, &QueuePlace::of(*id, state));
        match tasks.iter().position(behind) {
            Some(place) => tasks.insert(place, (id, state)),
            None if !more => tasks.push((id, state)),
            None => {}
        }
    }
}

/// Where the task stands in the queue, to list what comes after or before it.
#[must_use]
pub fn place_of_task(task: &ListedTask) -> String {
    QueuePlace::of(task.id, &task.state).text()
}

/// Tasks about persons whom no seal keeps from each other (R22).
async fn unsealed(
    context: &Context,
    gate: Gate,
    mut tasks: Vec<(TaskId, TaskState)>,
) -> Result<Vec<(TaskId, TaskState)>, FlowError> {
    if gate.sees_sealed() {
        return Ok(tasks);
    }
    let named = tasks
        .iter()
        .flat_map(|(_, task)| task.persons.iter().copied());
    let named: Vec<PersonId> = named.collect();
    let records: Vec<RecordNumber> = tasks.iter().map(|(_, task)| task.record).collect();
    let seals = seals_of(context, gate, &named, &records).await?;
    tasks.retain(|(_, task)| gate.may_tell(&seals, &task.persons, &[task.record]));
    Ok(tasks)
}

/// The task, where the asker may know of it.
///
/// # Errors
/// Unknown, sealed, or a fault of ours.
pub(super) async fn known_task(
    context: &Context,
    access: &Access,
    id: TaskId,
) -> Result<TaskState, FlowError> {
    const UNKNOWN: FlowError = FlowError::NotFound("no task with this id is known");
    let state = context.store.load_task(id).await?.ok_or(UNKNOWN)?;
    let found = unsealed(context, Gate::of(access), vec![(id, state)]).await?;
    let known = found.into_iter().next();
    known.map(|(_, state)| state).ok_or(UNKNOWN)
}

fn wanted(filter: TaskFilter, persons: Vec<PersonId>, now: Instant) -> StoredFilter {
    let standing = filter.standing.unwrap_or(TaskStanding::Waiting);
    let waits = !matches!(standing, TaskStanding::Decided | TaskStanding::Closed);
    let stage = match standing {
        TaskStanding::Waiting | TaskStanding::Claimed => None,
        TaskStanding::Open => Some(TaskStage::Open),
        TaskStanding::AwaitingSecond => Some(TaskStage::SecondReader),
        TaskStanding::AwaitingThird => Some(TaskStage::ThirdReader),
        TaskStanding::Escalated => Some(TaskStage::Escalated),
        TaskStanding::Decided => Some(TaskStage::Decided),
        TaskStanding::Closed => Some(TaskStage::Closed),
    };
    let assigned = match (standing, filter.assigned_to) {
        (_, Some(name)) => Some(Assigned::To(name)),
        (TaskStanding::Claimed, None) => Some(Assigned::ToSomebody),
        _ if stage.is_some() && waits => Some(Assigned::ToNobody),
        _ => None,
    };
    let age = filter.older_than_seconds;
    StoredFilter {
        waits: Some(waits),
        // Who asks for somebody's tasks has them at whatever stage.
        stage: stage.filter(|_| !matches!(assigned, Some(Assigned::To(_)))),
        assigned,
        kind: filter.kind,
        source: filter.source,
        persons,
        before: age.map(|age| {
            Instant::from_microseconds(now.microseconds().saturating_sub(age * 1_000_000))
        }),
        now,
    }
}
