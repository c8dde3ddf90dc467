//! Joining two persons by a human's word, and taking that back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::by_human::{Acted, Asked, Stop, act, locks_of};
use crate::flows::merge_made_up::merge_made_up;
use crate::flows::seal_persons::seals_for;
use crate::flows::would_change::{NamedLocal, WouldChange, name_of};
use crate::flows::{Context, FlowError, IfMatch};
use crate::foundation::{AssertionId, Instant, MergeId, PersonId, TaskId};
use crate::matching::LinkageModel;
use crate::registry::{
    ApprovalReason, Deviation, DeviationKind, Gate, MergeCommand, MergeStatus, Numbering,
    RegistryEvent, RegistryState, UndoAnswer, approve_merge, merge_persons as merge, task_of,
    undo_merge as undo,
};
use crate::security::Access;
use crate::storage::{ReadSet, StoredMerge};

/// No such merge.
const UNKNOWN: FlowError = FlowError::NotFound("no merge with this id is known");

/// What has become of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeOutcome {
    /// Its id; null for a dry run.
    #[schema(value_type = Option<String>, pattern = "^M-[0-9a-f]{32}$")]
    pub merge_id: Option<MergeId>,
    /// Done, or waiting for a second, different human.
    pub status: MergeStep,
    /// Whose id goes on.
    #[schema(value_type = String)]
    pub survivor: PersonId,
    /// Whose id leads to it.
    #[schema(value_type = String)]
    pub retired: PersonId,
    /// The task that asks for the approval.
    #[schema(value_type = Option<String>)]
    pub task: Option<TaskId>,
    /// Why it needs one (R114).
    pub approval: Vec<ApprovalReason>,
    /// For a dry run: all that would change, once it is approved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub would_change: Option<WouldChange>,
}

/// How far a merge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeStep {
    /// It waits for a second, different human.
    AwaitingApproval,
    /// It holds.
    Done,
    /// It was taken back.
    Undone,
    /// It was proposed and not carried out.
    Dropped,
}

impl From<MergeStatus> for MergeStep {
    fn from(status: MergeStatus) -> Self {
        match status {
            MergeStatus::AwaitingApproval => Self::AwaitingApproval,
            MergeStatus::Done => Self::Done,
            MergeStatus::Undone => Self::Undone,
            MergeStatus::Dropped => Self::Dropped,
        }
    }
}

/// What undoing has done, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UndoOutcome {
    /// The merge.
    #[schema(value_type = String)]
    pub merge_id: MergeId,
    /// From whom the records part.
    #[schema(value_type = String)]
    pub survivor: PersonId,
    /// Whose id stands for itself again.
    #[schema(value_type = String)]
    pub retired: PersonId,
    /// Records that are back where they were.
    pub restored: Vec<NamedLocal>,
    /// Records that came since and that the evidence puts on that side.
    pub moved: Vec<NamedLocal>,
    /// Questions about records that the evidence does not place; none of a dry run.
    #[schema(value_type = Vec<String>)]
    pub tasks: Vec<TaskId>,
    /// What cannot be as it was.
    pub deviations: Vec<DeviationEntry>,
    /// What keeps automation from joining the two again; null for a dry run.
    #[schema(value_type = Option<String>)]
    pub assertion_id: Option<AssertionId>,
    /// For a dry run: all that would change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub would_change: Option<WouldChange>,
}

/// Something that cannot be as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviationEntry {
    /// The record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<NamedLocal>,
    /// To whom it belongs then, or the person that is not as it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub person_id: Option<PersonId>,
    /// Why.
    pub kind: DeviationWord,
    /// In words.
    pub sentence: String,
}

/// Why something cannot be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviationWord {
    /// A later human decision has put the record where it is.
    PlacedByHuman,
    /// Later evidence has put the record where it is.
    PlacedByEvidence,
    /// The source has withdrawn the record.
    Withdrawn,
    /// The values of the record are erased.
    Erased,
    /// The record came since, and the evidence is clear for neither side.
    Unclear,
    /// The person has no active record any more.
    NoRecordLeft,
}

/// A merge as it is shown.
#[derive(Debug, Clone)]
pub struct MergeView {
    /// Its id.
    pub merge: MergeId,
    /// How far it is.
    pub status: MergeStep,
    /// Whose id goes on.
    pub survivor: PersonId,
    /// Whose id leads to it, while it holds.
    pub retired: PersonId,
    /// Why it needed a second human.
    pub approval: Vec<ApprovalReason>,
    /// The task that asked for the approval.
    pub task: Option<TaskId>,
    /// The records that it carried over.
    pub moved: Vec<NamedLocal>,
    /// What happened to it, oldest first.
    pub steps: Vec<MergeHappening>,
    /// For `If-Match`.
    pub tag: u32,
}

/// Something that happened to a merge.
#[derive(Debug, Clone)]
pub struct MergeHappening {
    /// When.
    pub at: Instant,
    /// What, as the kind of an event.
    pub kind: String,
    /// Account, for roles that may see it.
    pub actor: Option<String>,
    /// Why, for the same roles; absent after an erasure.
    pub reason: Option<String>,
}

/// Joins two persons, or proposes it where it needs a second human (R114).
///
/// # Errors
/// No reason, a stale `If-Match`, what [`crate::registry::MergeRefusal`] says,
/// or a fault of ours.
pub async fn merge_persons(
    context: &Context,
    access: &Access,
    survivor: PersonId,
    retired: PersonId,
    (asked, if_match): (&Asked, Option<IfMatch>),
) -> Result<MergeOutcome, FlowError> {
    let made_up = merge_made_up(context, access, (survivor, retired), asked);
    if let Some(outcome) = Box::pin(made_up).await? {
        return Ok(outcome);
    }
    let (locks, restricted) = locks_of(context, &[survivor, retired]).await?;
    let read = ReadSet {
        whole: vec![survivor, retired],
        locks,
        ..ReadSet::default()
    };
    let command = MergeCommand {
        survivor,
        retired,
        by: access.person().to_owned(),
        restricted,
    };
    let content = ["merge", &survivor.to_string(), &retired.to_string()];
    let (model, dry_run) = (Arc::clone(&context.model), asked.dry_run);
    let mut outcome: MergeOutcome = act(context, access, read, (asked, &content), {
        move |state, numbering| {
            if if_match.as_ref().is_some_and(|condition| {
                [survivor, retired]
                    .iter()
                    .any(|person| !condition.holds(revision(state, *person)))
            }) {
                return Err(Stop::Stale);
            }
            let change = merge(state, &model, numbering, &command)?;
            let merge_id = change.answer.merge;
            let would_change = WouldChange::asked_for(dry_run, if_match.as_ref(), || {
                let events = in_the_end(state, &model, numbering, merge_id, &change.events);
                WouldChange::of(state, &events)
            })?;
            let answer = MergeOutcome {
                merge_id: Some(merge_id).filter(|_| !dry_run),
                status: change.answer.status.into(),
                survivor,
                retired,
                task: change.answer.task.filter(|_| !dry_run),
                approval: change.answer.approval,
                would_change,
            };
            Ok(Acted {
                events: change.events,
                subject: merge_id.to_string(),
                persons: vec![survivor, retired],
                answer,
            })
        }
    })
    .await?;
    if let Some(would_change) = &mut outcome.would_change {
        would_change.compare_golden(context, access).await?;
        would_change
            .tell(context, retired, Instant::default())
            .await?;
    }
    Ok(outcome)
}

/// A merge, unless a seal keeps apart whom it names: for others it never was (R22).
async fn known_merge(
    context: &Context,
    access: &Access,
    merge: MergeId,
) -> Result<StoredMerge, FlowError> {
    let stored = context.store.find_merge(merge).await?.ok_or(UNKNOWN)?;
    let persons = [stored.state.survivor, stored.state.retired];
    let gate = Gate::of(access);
    let seals = seals_for(context, gate, &persons).await?;
    if gate.may_tell(&seals, &persons, &[]) {
        Ok(stored)
    } else {
        Err(UNKNOWN)
    }
}

/// What a merge comes to once it is approved, if it has to be: who asks before
/// anything happens wants to know that.
fn in_the_end(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    merge: MergeId,
    events: &[RegistryEvent],
) -> Vec<RegistryEvent> {
    let mut after = state.clone();
    for event in events {
        after.apply(event);
    }
    let second = approve_merge(&after, model, numbering, merge, "");
    let approved = second.map(|change| change.events).unwrap_or_default();
    if approved.is_empty() {
        return events.to_vec();
    }
    // The question that asks for the approval has come and gone by then.
    let asked: Vec<_> = events.iter().filter_map(task_of).collect();
    let closes = |event: &RegistryEvent| match event {
        RegistryEvent::TaskClosed { task, .. } => asked.contains(task),
        _ => false,
    };
    // The question that the approval takes the place of is gone in either case.
    let taken = events.iter().filter(|event| closes(event)).cloned();
    let others = approved.into_iter().filter(|event| !closes(event));
    taken.chain(others).collect()
}

/// The tag of a person: the place of the last change of it.
pub(super) fn revision(state: &RegistryState, person: PersonId) -> Option<u32> {
    let known = state.persons.get(&person)?;
    u32::try_from(known.revision.0).ok()
}

/// Undoes a merge, at any later time (DESIGN §2.8).
///
/// # Errors
/// As [`merge_persons`].
pub async fn undo_merge(
    context: &Context,
    access: &Access,
    merge: MergeId,
    (asked, if_match): (&Asked, Option<IfMatch>),
) -> Result<UndoOutcome, FlowError> {
    let stored = known_merge(context, access, merge).await?;
    let (survivor, retired) = (stored.state.survivor, stored.state.retired);
    let (locks, _) = locks_of(context, &[survivor, retired]).await?;
    let read = ReadSet {
        merges: vec![merge],
        locks,
        ..ReadSet::default()
    };
    let content = ["undo", &merge.to_string()];
    let (model, dry_run) = (Arc::clone(&context.model), asked.dry_run);
    let by = access.person().to_owned();
    let mut outcome: UndoOutcome = act(context, access, read, (asked, &content), {
        move |state, numbering| {
            let known = state.merges.get(&merge);
            let tag = known.and_then(|known| u32::try_from(known.position.0).ok());
            if if_match
                .as_ref()
                .is_some_and(|condition| !condition.holds(tag))
            {
                return Err(Stop::Stale);
            }
            let change = undo(state, &model, numbering, merge, &by)?;
            let would_change = WouldChange::asked_for(dry_run, if_match.as_ref(), || {
                WouldChange::of(state, &change.events)
            })?;
            let answer = outcome_of(state, change.answer, dry_run, would_change);
            Ok(Acted {
                events: change.events,
                subject: merge.to_string(),
                persons: vec![answer.survivor, answer.retired],
                answer,
            })
        }
    })
    .await?;
    let made = stored.steps.iter().find(|step| step.kind == "merge_made");
    let since = made.map_or_else(Instant::default, |made| made.at);
    let told_of = outcome.survivor;
    if let Some(would_change) = &mut outcome.would_change {
        would_change.compare_golden(context, access).await?;
        would_change.tell(context, told_of, since).await?;
    }
    Ok(outcome)
}

fn outcome_of(
    state: &RegistryState,
    answer: UndoAnswer,
    dry_run: bool,
    would_change: Option<WouldChange>,
) -> UndoOutcome {
    let names = |records: &[crate::foundation::RecordNumber]| {
        let names = records.iter().filter_map(|record| name_of(state, *record));
        names.collect()
    };
    let deviations = answer.deviations.iter();
    UndoOutcome {
        merge_id: answer.merge,
        survivor: answer.survivor,
        retired: answer.retired,
        restored: names(&answer.restored),
        moved: names(&answer.moved),
        tasks: if dry_run { Vec::new() } else { answer.tasks },
        deviations: deviations.map(|it| deviation(state, *it)).collect(),
        assertion_id: answer.assertion.filter(|_| !dry_run),
        would_change,
    }
}

fn deviation(state: &RegistryState, deviation: Deviation) -> DeviationEntry {
    DeviationEntry {
        record: deviation.record.and_then(|record| name_of(state, record)),
        person_id: deviation.person,
        kind: match deviation.kind {
            DeviationKind::PlacedByHuman => DeviationWord::PlacedByHuman,
            DeviationKind::PlacedByEvidence => DeviationWord::PlacedByEvidence,
            DeviationKind::Withdrawn => DeviationWord::Withdrawn,
            DeviationKind::Erased => DeviationWord::Erased,
            DeviationKind::Unclear => DeviationWord::Unclear,
            DeviationKind::NoRecordLeft => DeviationWord::NoRecordLeft,
        },
        sentence: deviation.kind.sentence().to_owned(),
    }
}

/// Shows a merge with its steps.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn view_merge(
    context: &Context,
    access: &Access,
    merge: MergeId,
) -> Result<MergeView, FlowError> {
    let stored = known_merge(context, access, merge).await?;
    let persons = vec![stored.state.survivor, stored.state.retired];
    let audit = access.audit(context.clock.now(), persons, None);
    context.store.append_audit(vec![audit]).await?;
    let named = access.sees_actors();
    let steps = stored.steps.into_iter().map(|step| MergeHappening {
        at: step.at,
        kind: step.kind,
        actor: Some(step.actor).filter(|_| named),
        reason: step.reason.filter(|_| named),
    });
    let moved = stored.moved.iter().map(|(source, local_id)| NamedLocal {
        source: source.to_string(),
        local_id: local_id.to_string(),
    });
    Ok(MergeView {
        merge,
        status: stored.state.status.into(),
        survivor: stored.state.survivor,
        retired: stored.state.retired,
        approval: stored.state.approval,
        task: stored.state.task,
        moved: moved.collect(),
        steps: steps.collect(),
        tag: u32::try_from(stored.state.position.0).unwrap_or(u32::MAX),
    })
}
