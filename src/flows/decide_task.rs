//! A reader says what the answer to a question is; what follows from it is done
//! in the same commit: persons are joined or kept apart, a held version becomes
//! current, a household is looked at.

use std::sync::Arc;

use crate::flows::by_human::locks_of;
use crate::flows::known_pairs::known_pair;
use crate::flows::list_tasks::known_task;
use crate::flows::review_task::{
    commit_actor, is_stale, listed, no_words, read_set, remark, words_of,
};
use crate::flows::{Context, FlowError, IfMatch, ListedTask, merge_limit};
use crate::foundation::{AssertionId, EventPosition, Instant, MergeId, PersonId, TaskId};
use crate::registry::{Numbering, RegistryEvent, RegistryState, TaskOutcome, TaskState};
use crate::review::{
    Carried, Follow, Needs, Reading, ReviewRefusal, Reviewer, Said, SeenRecord, carry_out,
    evidence_seen, follow, needs_of, needs_reason, read,
};
use crate::security::Access;
use crate::storage::{Planned, ReadSet, Remark};

/// What a reader says.
#[derive(Debug, Clone)]
pub struct DecideCommand {
    /// To which task.
    pub task: TaskId,
    /// The outcome.
    pub outcome: TaskOutcome,
    /// Why, in words.
    pub reason: Option<String>,
    /// Digest of what was seen.
    pub evidence: String,
    /// `If-Match`.
    pub if_match: Option<IfMatch>,
}

/// What has become of it.
#[derive(Debug, Clone)]
pub struct DecisionAnswer {
    /// The task as it is now.
    pub listed: ListedTask,
    /// The merge that was made.
    pub merge: Option<MergeId>,
    /// The assertion that was made.
    pub assertion: Option<AssertionId>,
    /// Who the question was about, as they are now.
    pub persons: Vec<PersonId>,
    /// Questions that were raised by it (R94), and other questions of the same
    /// persons that closed.
    pub raised: Vec<TaskId>,
    /// What is right, where it was a known pair (R117).
    pub known_answer: Option<TaskOutcome>,
}

/// What stands between the re-read and the inserts.
pub(super) struct Inside {
    pub(super) context: Context,
    task: TaskId,
    said: Said,
    reviewer: Reviewer,
    if_match: Option<IfMatch>,
    words: Option<String>,
    now: Instant,
    residents: Vec<PersonId>,
    /// A withdrawn record restricts one of the persons (R111).
    restricted: bool,
}

/// Why nothing is written.
#[derive(Debug, Clone)]
pub(super) enum NotDecided {
    /// The step is refused.
    Review(ReviewRefusal),
    /// What would follow is refused.
    Merge(crate::registry::MergeRefusal),
    /// `If-Match` names another version.
    Stale,
    /// The outcome goes against the evidence and says not why (R115).
    NoReason,
    /// The human has joined as many as one may in an hour.
    TooMany,
}

impl From<NotDecided> for FlowError {
    fn from(refused: NotDecided) -> Self {
        match refused {
            NotDecided::Review(refusal) => refusal.into(),
            NotDecided::Merge(refusal) => Self::Refused(refusal),
            NotDecided::Stale => Self::Stale,
            NotDecided::TooMany => merge_limit::REACHED,
            NotDecided::NoReason => no_words(
                "reason",
                "this outcome goes against the evidence, or lets something happen: say why",
            ),
        }
    }
}

/// What is to be written.
pub(super) struct Decided {
    pub(super) events: Vec<RegistryEvent>,
    pub(super) follow: Option<Follow>,
    pub(super) carried: Carried,
}

/// Decides a task, or reads it first.
///
/// # Errors
/// Unknown, settled, in other hands, read by the same person; evidence that has
/// changed; a stale `If-Match`; an outcome that the kind has not, or without
/// its reason; too many merges in an hour; what forbids the merge; a fault of
/// ours.
pub async fn decide_task(
    context: &Context,
    access: &Access,
    command: DecideCommand,
) -> Result<DecisionAnswer, FlowError> {
    let known = match known_task(context, access, command.task).await {
        Err(FlowError::NotFound(_)) => {
            let pair = known_pair(context, access, command.task).await?;
            return pair.decide(context, access, command).await;
        }
        known => known?,
    };
    let words = words_of("reason", command.reason.as_deref())?;
    let follows = follow(known.kind, command.outcome);
    let residents = match follows {
        Some(Follow::Merge) => super::household::residents(context, &known).await?,
        _ => Vec::new(),
    };
    let (locks, restricted) = locks_of(context, &known.persons).await?;
    let mut read = read_set(context, &known).await?;
    read.locks = locks;
    if matches!(follows, Some(Follow::Merge | Follow::ApproveMerge)) {
        read.merging = Some(merge_limit::counted(context, access.person()));
    }
    read.persons
        .extend(residents.iter().map(|person| (*person, EventPosition(0))));
    let inside = Inside {
        context: context.clone(),
        task: command.task,
        said: Said {
            outcome: command.outcome,
            evidence: command.evidence,
        },
        reviewer: Reviewer::of(access),
        if_match: command.if_match,
        words,
        now: context.clock.now(),
        residents,
        restricted,
    };
    let carried = if matches!(follows, Some(Follow::AcceptHeld)) {
        super::accept_held::commit(context, access, &known, read, inside).await?
    } else {
        commit(context, access, &known, read, inside).await?
    };
    let mut persons = Vec::new();
    for person in &known.persons {
        let now = context.store.load_person(*person).await?;
        persons.extend(now.map(|person| person.survivor()));
    }
    persons.extend(carried.person);
    persons.sort_unstable();
    persons.dedup();
    Ok(DecisionAnswer {
        listed: listed(context, access, command.task).await?,
        merge: carried.merge,
        assertion: carried.assertion,
        persons,
        raised: carried.raised,
        known_answer: None,
    })
}

async fn commit(
    context: &Context,
    access: &Access,
    known: &TaskState,
    read: ReadSet,
    inside: Inside,
) -> Result<Carried, FlowError> {
    let (now, remark) = (inside.now, inside.remark());
    let audit = access.audit(now, known.persons.clone(), Some(inside.task.to_string()));
    let inside = Arc::new(inside);
    let limit = context.merges_per_hour;
    let decide = move |state: &mut RegistryState, reads: &_| match inside.decide(state) {
        Ok(decided) if merge_limit::is_reached(limit, &decided.events, reads) => {
            Planned::nothing(Err(NotDecided::TooMany))
        }
        Ok(decided) => Planned {
            events: decided.events,
            remark: remark.clone(),
            audit: vec![audit.clone()],
            ..Planned::nothing(Ok(decided.carried))
        },
        Err(refused) => Planned::nothing(Err(refused)),
    };
    let committed = context
        .store
        .commit(read, commit_actor(access), now, decide);
    Ok(committed.await??)
}

impl Inside {
    /// The task that it is about.
    pub(super) const fn task(&self) -> TaskId {
        self.task
    }

    /// The reason in words, where one was given.
    pub(super) fn remark(&self) -> Option<Remark> {
        remark(self.task, self.words.as_ref())
    }

    /// Decides on the task as it is in the commit.
    pub(super) fn decide(&self, state: &RegistryState) -> Result<Decided, NotDecided> {
        let (task, model) = (self.task, self.context.model.as_ref());
        let numbering = Numbering {
            now: self.now,
            chance: self.context.chance.as_ref(),
        };
        // What is closed is not loaded: nothing can be done with it.
        let settled = NotDecided::Review(ReviewRefusal::Settled);
        let known = state.tasks.get(&task).ok_or(settled)?;
        if is_stale(self.if_match.as_ref(), known) {
            return Err(NotDecided::Stale);
        }
        if needs_reason(model, known, self.said.outcome) && self.words.is_none() {
            return Err(NotDecided::NoReason);
        }
        let seen = evidence_now(state, known);
        let needs: Needs = needs_of(state, self.now, known, self.restricted);
        let moment = (self.now, seen.as_str());
        let Reading { mut events, follow } =
            read(task, known, &self.reviewer, &self.said, needs, moment)
                .map_err(NotDecided::Review)?;
        let mut carried = Carried::default();
        if let Some(follow) = follow {
            let mut after = state.clone();
            for event in &events {
                after.apply(event);
            }
            carried = carry_out(
                &after,
                model,
                &numbering,
                task,
                (follow, &self.reviewer.name),
                &self.residents,
            )
            .map_err(NotDecided::Merge)?;
            events.append(&mut carried.events);
        }
        Ok(Decided {
            events,
            follow,
            carried,
        })
    }
}

/// Digest of what a reader would see now.
pub(super) fn evidence_now(state: &RegistryState, task: &TaskState) -> String {
    let persons = task.persons.iter().filter_map(|person| {
        let survivor = state.survivor_of(*person)?;
        state.persons.get(&survivor)
    });
    let members = persons.flat_map(|person| &person.members);
    let records = members.filter_map(|record| state.records.get(record));
    evidence_seen(task, records.map(SeenRecord::from))
}
