//! One question with all that a reader needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flows::active_model::Raised;
use crate::flows::known_pairs::known_pair;
use crate::flows::list_tasks::known_task;
use crate::flows::live_numbers::chains_of;
use crate::flows::moments::known_person;
use crate::flows::review_task::{commit_actor, read_set};
use crate::flows::view_history::sentence_of_task;
use crate::flows::{Context, FlowError, ListedTask, VersionAnswer, standing_of};
use crate::foundation::limits::TASK_RECORDS_SHOWN_MAX;
use crate::foundation::{EventPosition, Instant, PersonId, TaskId};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::matching::LinkageModel;
use crate::registry::{
    Gate, LiveNumbers, LocalId, Member, Numbering, OtherPerson, RegistryEvent, RegistryState,
    ShownRow, SourceCode, TaskKind, TaskOutcome, TaskState,
};
use crate::review::{Foresight, SeenRecord, evidence_seen, may_see_read};
use crate::security::Access;
use crate::storage::{Planned, StoredEvent, StoredMember, StoredPersonView, Words};

/// A record of one side.
#[derive(Debug, Clone)]
pub struct SideRecord {
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// The version that is served.
    pub version: u32,
    /// The version that is held.
    pub held: Option<u32>,
    /// All versions, masked, the first one first.
    pub versions: Vec<VersionAnswer>,
}

/// One person of the question.
#[derive(Debug, Clone)]
pub struct Side {
    /// As the question names it.
    pub person: PersonId,
    /// Who it is now.
    pub survivor: PersonId,
    /// Its location is restricted, and masked.
    pub restricted: bool,
    /// Its active records; the first ones when there are very many.
    pub records: Vec<SideRecord>,
    /// All of its records.
    pub record_count: usize,
    /// Other persons that it may be.
    pub possible: Vec<OtherPerson>,
}

/// What a reader said, as far as the asker may see it.
#[derive(Debug, Clone)]
pub struct ShownRead {
    /// Who.
    pub by: String,
    /// When.
    pub at: Instant,
    /// What; absent for somebody who has still to read blind (R114).
    pub outcome: Option<TaskOutcome>,
    /// Why, in words; absent too where it was erased.
    pub reason: Option<String>,
    /// Counted from 1.
    pub round: u32,
}

/// One thing that happened to the question.
#[derive(Debug, Clone)]
pub struct TaskEntry {
    /// When.
    pub at: Instant,
    /// The account behind it.
    pub actor: String,
    /// In words, without a value of a patient.
    pub sentence: String,
    /// What somebody wrote with it.
    pub words: Option<String>,
}

/// A task with all that a reader needs.
#[derive(Debug, Clone)]
pub struct TaskAnswer {
    /// Its id, state and standing.
    pub listed: ListedTask,
    /// Digest of what is shown here: a decision names it.
    pub evidence: String,
    /// The record that raised it, where it still belongs to one of the persons.
    pub record: Option<(SourceCode, LocalId)>,
    /// The persons.
    pub sides: Vec<Side>,
    /// The waterfall as it is now, masked; empty for a question about no
    /// comparison.
    pub explanation: Vec<ShownRow>,
    /// Why there is none, where the model that raised the question cannot be read.
    pub unexplained: Option<String>,
    /// What readers said, all rounds.
    pub reads: Vec<ShownRead>,
    /// What happened to it, oldest first.
    pub history: Vec<TaskEntry>,
    /// What may be said to it, and what would follow.
    pub foresight: Foresight,
    /// What is right, where it was a known pair and is answered (R117).
    pub known_answer: Option<TaskOutcome>,
}

/// One task, with all that a reader needs.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn view_task(
    context: &Context,
    access: &Access,
    id: TaskId,
) -> Result<TaskAnswer, FlowError> {
    let state = match known_task(context, access, id).await {
        Err(FlowError::NotFound(_)) => {
            let pair = known_pair(context, access, id).await?;
            return pair.view(context, access).await;
        }
        known => known?,
    };
    let mut people = Vec::new();
    for person in &state.persons {
        people.extend(context.store.load_person(*person).await?);
    }
    let seen = people.iter().flat_map(|person| &person.members);
    let evidence = evidence_seen(&state, seen.map(|member| SeenRecord::from(&member.state)));
    let record = people
        .iter()
        .flat_map(|side| &side.members)
        .find(|member| member.state.number == state.record)
        .map(|member| (member.state.source.clone(), member.state.local_id.clone()));
    let (explanation, unexplained) = match people.as_slice() {
        [one, other] if one.survivor() != other.survivor() => {
            match context.model_of_task(&state).await? {
                Raised::By(model) => {
                    let rows = compare(context, access, (one, other), &state, &model).await?;
                    (rows, None)
                }
                Raised::Unreadable(why) => (Vec::new(), Some(why)),
            }
        }
        _ => (Vec::new(), None),
    };
    let restricted = people.iter().any(|person| person.restricted);
    let foresight = foresee(context, access, id, &state, restricted).await?;
    let (events, mut words) = context.store.task_history(id).await?;
    words.extend(why_proposed(context, (id, &state), &events).await?);
    let mut sides = Vec::new();
    for person in people {
        sides.push(side(context, access, person).await?);
    }
    let now = context.clock.now();
    let audit = access.audit(now, state.persons.clone(), Some(id.to_string()));
    context.store.append_audit(vec![audit]).await?;
    Ok(TaskAnswer {
        evidence,
        record,
        sides,
        explanation,
        unexplained,
        reads: reads(&state, access.person(), &events, &words),
        history: history(&state, access.person(), events, &words),
        foresight,
        known_answer: None,
        listed: ListedTask {
            id,
            standing: standing_of(&state, now),
            state,
        },
    })
}

/// Why a merge was proposed, with the question that asks for its approval: whoever
/// approves reads it. The proposal is among the events too, and stands before that.
async fn why_proposed(
    context: &Context,
    (id, state): (TaskId, &TaskState),
    events: &[StoredEvent],
) -> Result<Option<(EventPosition, String)>, FlowError> {
    let raises = |stored: &&StoredEvent| matches!(stored.event, RegistryEvent::TaskOpened { .. });
    let (TaskKind::MergeApproval, [one, other], Some(asked)) = (
        state.kind,
        state.persons.as_slice(),
        events.iter().find(raises),
    ) else {
        return Ok(None);
    };
    let reason = context.store.words_of_proposal(id, [*one, *other]).await?;
    Ok(reason.map(|reason| (asked.position, reason)))
}

/// What readers gave as reasons when they settled a question, as far as the asker may
/// see it; nothing where the question is not to be known.
///
/// # Errors
/// A fault of ours.
pub async fn reasons_of_task(
    context: &Context,
    access: &Access,
    id: TaskId,
) -> Result<Vec<String>, FlowError> {
    let state = match known_task(context, access, id).await {
        Err(FlowError::NotFound(_)) => return Ok(Vec::new()),
        known => known?,
    };
    let (events, words) = context.store.task_history(id).await?;
    let said = reads(&state, access.person(), &events, &words).into_iter();
    let audit = access.audit(context.clock.now(), state.persons, Some(id.to_string()));
    context.store.append_audit(vec![audit]).await?;
    Ok(said.filter_map(|read| read.reason).collect())
}

/// Looks ahead on the state that a decision would be made on.
async fn foresee(
    context: &Context,
    access: &Access,
    task: TaskId,
    state: &TaskState,
    restricted: bool,
) -> Result<Foresight, FlowError> {
    if !state.waits() {
        return Ok(Foresight::default());
    }
    let read = read_set(context, state).await?;
    let (own, by, now) = (
        context.clone(),
        access.person().to_owned(),
        context.clock.now(),
    );
    let look = move |state: &mut RegistryState, _: &_| {
        let numbering = Numbering {
            now,
            chance: own.chance.as_ref(),
        };
        let person = (by.as_str(), restricted);
        let ahead = crate::review::foresee(state, &own.model, &numbering, task, person);
        Planned::nothing(ahead)
    };
    let looked = context.store.commit(read, commit_actor(access), now, look);
    Ok(looked.await?)
}

/// What readers said, as far as somebody may see it who perhaps reads next.
pub(super) fn reads(
    state: &TaskState,
    asker: &str,
    events: &[StoredEvent],
    words: &Words,
) -> Vec<ShownRead> {
    let by_position: BTreeMap<_, &StoredEvent> =
        events.iter().map(|event| (event.position, event)).collect();
    let shown = state.reads.iter().map(|read| {
        let event = by_position.get(&read.position);
        let visible = may_see_read(state, read, asker);
        ShownRead {
            by: read.by.clone(),
            at: event.map(|event| event.at).unwrap_or_default(),
            outcome: visible.then_some(read.outcome),
            reason: event
                .filter(|_| visible)
                .and_then(|event| words.get(&event.position).cloned()),
            round: read.round,
        }
    });
    shown.collect()
}

pub(super) fn history(
    state: &TaskState,
    asker: &str,
    events: Vec<StoredEvent>,
    words: &Words,
) -> Vec<TaskEntry> {
    let entries = events.into_iter().filter_map(|stored| {
        // Reads have their own list, where each is shown or hidden.
        if matches!(stored.event, RegistryEvent::TaskRead { .. }) {
            return None;
        }
        let hidden = match &stored.event {
            RegistryEvent::TaskCommented { by, .. } => {
                let said = state.reads_of_round().find(|read| read.by == *by);
                said.is_some_and(|read| !may_see_read(state, read, asker))
            }
            _ => false,
        };
        Some(TaskEntry {
            at: stored.at,
            sentence: sentence_of_task(&stored.event)?,
            words: words.get(&stored.position).filter(|_| !hidden).cloned(),
            actor: stored.actor,
        })
    });
    entries.collect()
}

async fn side(
    context: &Context,
    access: &Access,
    person: StoredPersonView,
) -> Result<Side, FlowError> {
    let gate = Gate::of(access);
    let possible = known_person(context, access, person.requested, None)
        .await?
        .possible;
    let mut records = Vec::new();
    for member in person.members.iter().take(TASK_RECORDS_SHOWN_MAX) {
        records.push(side_record(context, gate, member, person.restricted).await?);
    }
    Ok(Side {
        person: person.requested,
        survivor: person.survivor(),
        restricted: person.restricted,
        records,
        record_count: person.members.len(),
        possible,
    })
}

async fn side_record(
    context: &Context,
    gate: Gate,
    member: &StoredMember,
    restricted: bool,
) -> Result<SideRecord, FlowError> {
    let (source, local_id) = (&member.state.source, &member.state.local_id);
    let stored = context.store.find_record(source, local_id).await?;
    let versions = stored.map_or_else(Vec::new, |stored| stored.versions);
    // A held version restricts the others too, and one may be newer than the person read.
    let restricts = |sent: &SubmittedRecord| sent.restricted == Some(true);
    let mut sent = versions.iter().filter_map(|it| it.submitted.as_ref());
    let restricted = restricted || sent.any(restricts);
    let versions = versions.into_iter().map(|version| VersionAnswer {
        version: version.version,
        standing: version.standing,
        effective_at: version.effective_at,
        received_at: version.received_at,
        record: version
            .submitted
            .map(|submitted: SubmittedRecord| gate.record(submitted, restricted)),
    });
    Ok(SideRecord {
        source: source.clone(),
        local_id: local_id.clone(),
        version: member.state.current.version,
        held: member.state.held.as_ref().map(|held| held.version),
        versions: versions.collect(),
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

/// The record that raised the question against the person that it is not under, by
/// the numbers that stand (R16); the values are those that were sent (R17). By the
/// model that raised the question.
async fn compare(
    context: &Context,
    access: &Access,
    (one, other): (&StoredPersonView, &StoredPersonView),
    task: &TaskState,
    model: &LinkageModel,
) -> Result<Vec<ShownRow>, FlowError> {
    let record = task.record;
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
        return Ok(Vec::new());
    };
    let all = members.iter().copied().chain([asked.standard.as_ref()]);
    let replacements = chains_of(context, all).await?;
    let held: Vec<Arc<StandardRecord>> = against
        .iter()
        .map(|member| Arc::clone(&member.standard))
        .collect();
    let live = LiveNumbers::of(&replacements, &asked.standard, &held);
    let held: Vec<Arc<StandardRecord>> = held.iter().map(|it| live.resolve(it)).collect();
    let held: Vec<&StandardRecord> = held.iter().map(AsRef::as_ref).collect();
    let explanation = model.explain(&asked.standard, &held);
    let gate = Gate::of(access);
    Ok(gate.explanation(explanation, &asked.standard, &members, sides_are_restricted))
}
