//! Questions that wait for a human: reading them.

use crate::flows::seal_persons::seals_for;
use crate::flows::{Context, FlowError};
use crate::foundation::{PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::registry::{
    Gate, LocalId, Member, ShownRow, SourceCode, TaskKind, TaskState, TaskStatus,
};
use crate::security::Access;
use crate::storage::{StoredPersonView, TaskFilter as StoredFilter};

const UNKNOWN: FlowError = FlowError::NotFound("no task with this id is known");

/// Which tasks to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskFilter {
    /// Open or closed only.
    pub status: Option<TaskStatus>,
    /// This kind only.
    pub kind: Option<TaskKind>,
    /// Those after this one, in order of id.
    pub after: Option<TaskId>,
    /// At most so many.
    pub limit: u32,
}

/// A task with the comparison as it is now.
#[derive(Debug, Clone)]
pub struct TaskAnswer {
    /// Its id.
    pub id: TaskId,
    /// What is asked.
    pub state: TaskState,
    /// The record that raised it, where it still belongs to one of the persons.
    pub record: Option<(SourceCode, LocalId)>,
    /// The waterfall between the two persons, masked; empty for a question
    /// about one person.
    pub explanation: Vec<ShownRow>,
}

/// Lists tasks in order of id, which is order of age.
///
/// # Errors
/// A fault of ours.
pub async fn list_tasks(
    context: &Context,
    access: &Access,
    filter: TaskFilter,
) -> Result<Vec<(TaskId, TaskState)>, FlowError> {
    let wanted = StoredFilter {
        status: filter.status,
        kind: filter.kind,
    };
    let gate = Gate::of(access);
    let mut tasks = Vec::new();
    let mut after = filter.after;
    loop {
        let page = context
            .store
            .list_tasks(wanted, after, filter.limit)
            .await?;
        let more = page.len() == filter.limit as usize;
        after = page.last().map(|(task, _)| *task);
        tasks.extend(unsealed(context, gate, page).await?);
        if !more || tasks.len() >= filter.limit as usize {
            break;
        }
    }
    tasks.truncate(filter.limit as usize);
    let mut persons: Vec<PersonId> = tasks
        .iter()
        .flat_map(|(_, task)| task.persons.iter().copied())
        .collect();
    persons.sort_unstable();
    persons.dedup();
    let audit = access.audit(context.clock.now(), persons, None);
    context.store.append_audit(vec![audit]).await?;
    Ok(tasks)
}

/// Tasks about two persons whom no seal keeps from each other (R22).
async fn unsealed(
    context: &Context,
    gate: Gate,
    tasks: Vec<(TaskId, TaskState)>,
) -> Result<Vec<(TaskId, TaskState)>, FlowError> {
    let named = tasks
        .iter()
        .flat_map(|(_, task)| task.persons.iter().copied());
    let named: Vec<PersonId> = named.collect();
    let seals = seals_for(context, gate, &named).await?;
    let mut tasks = tasks;
    tasks.retain(|(_, task)| gate.may_tell(&seals, &task.persons, &[]));
    Ok(tasks)
}

/// One task, with the evidence as it stands now.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn view_task(
    context: &Context,
    access: &Access,
    id: TaskId,
) -> Result<TaskAnswer, FlowError> {
    let state = context.store.load_task(id).await?.ok_or(UNKNOWN)?;
    let found = unsealed(context, Gate::of(access), vec![(id, state)]).await?;
    let (_, state) = found.into_iter().next().ok_or(UNKNOWN)?;
    let mut sides = Vec::new();
    for person in &state.persons {
        sides.extend(context.store.load_person(*person).await?);
    }
    let record = sides
        .iter()
        .flat_map(|side| &side.members)
        .find(|member| member.state.number == state.record)
        .map(|member| (member.state.source.clone(), member.state.local_id.clone()));
    let explanation = match sides.as_slice() {
        [one, other] if one.survivor() != other.survivor() => {
            compare(context, access, one, other, state.record)
        }
        _ => Vec::new(),
    };
    let audit = access.audit(
        context.clock.now(),
        state.persons.clone(),
        Some(id.to_string()),
    );
    context.store.append_audit(vec![audit]).await?;
    Ok(TaskAnswer {
        id,
        state,
        record,
        explanation,
    })
}

fn values(person: &StoredPersonView) -> Vec<Member> {
    let values = person.members.iter().filter_map(|member| {
        Some(Member {
            record: member.state.number,
            version: member.state.current.version,
            standard: member.standard.clone()?,
        })
    });
    values.collect()
}

/// The record that raised the question against the person that it is not under.
fn compare(
    context: &Context,
    access: &Access,
    one: &StoredPersonView,
    other: &StoredPersonView,
    record: RecordNumber,
) -> Vec<ShownRow> {
    let sides_are_restricted = one.restricted || other.restricted;
    let (one, other) = (values(one), values(other));
    let holds = |members: &[Member]| members.iter().any(|member| member.record == record);
    let (raising, against) = if holds(&one) {
        (one, other)
    } else {
        (other, one)
    };
    let asked = raising
        .iter()
        .find(|member| member.record == record)
        .or(raising.first());
    let members: Vec<&StandardRecord> = against
        .iter()
        .map(|member| member.standard.as_ref())
        .collect();
    let Some(asked) = asked.filter(|_| !members.is_empty()) else {
        return Vec::new();
    };
    let explanation = context.model.explain(&asked.standard, &members);
    Gate::of(access).explanation(explanation, &asked.standard, &members, sides_are_restricted)
}
