//! Reading as it is, or as it was known at an instant (R139). What is shown of
//! the past passes the gate of today, except for whoever reconstructs what was
//! visible then.

use crate::flows::made_up_people::{MadeUp, made_up_person};
use crate::flows::seal_persons::shows_confusion;
use crate::flows::view_record::unsealed_possible;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::POSSIBLE_PERSONS_MAX;
use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::matching::{Grade, MatchWeight, Reason};
use crate::registry::{ComparedVersion, Gate, OtherPerson, Seals, TaskKind, TaskState};
use crate::security::Access;
use crate::storage::{Moment, StoredDispute, StoredPersonView};

/// A person, with others that it may be for roles that may see them.
pub(super) struct Known {
    pub(super) view: StoredPersonView,
    pub(super) possible: Vec<OtherPerson>,
    /// The open questions about it.
    pub(super) questions: Vec<TaskState>,
    /// A number of it is, or was then, suspected to be on two people (R19).
    pub(super) confused: bool,
    /// Disputes about its records that hold, or held then (R133).
    pub(super) disputes: Vec<StoredDispute>,
    /// Of somebody made up for a known pair (R117); else nothing.
    pub(super) made_up: MadeUp,
}

impl Known {
    /// Whether it is nobody of the ledger (R117).
    pub(super) fn is_made_up(&self) -> bool {
        !self.made_up.versions.is_empty()
    }

    /// Whether an update has made a record's link doubtful, or a dispute has taken away
    /// what it rests on, and nobody has looked since: the link is possible, and goes on
    /// being answered (R101, R133).
    pub(super) fn is_doubtful(&self, record: RecordNumber) -> bool {
        let mut questions = self.questions.iter();
        questions.any(|task| {
            let rests = |known: &ComparedVersion| known.record == record;
            let disputed = task.reasons.contains(&Reason::ValueDisputed);
            task.kind == TaskKind::LinkDoubtful
                && (task.record == record || (disputed && task.compared.iter().any(rests)))
        })
    }
}

/// The moment of an instant that a caller has named.
pub(super) async fn moment(
    context: &Context,
    as_of: Option<Instant>,
) -> Result<Option<Moment>, FlowError> {
    let Some(at) = as_of else {
        return Ok(None);
    };
    let moment = context.store.moment(at, context.clock.now()).await?;
    let moment = moment.ok_or_else(|| FlowError::Unprocessable {
        member: "as_of",
        rule: "R139",
        detail: "as_of lies in the future: nobody knows yet".to_owned(),
    })?;
    Ok(Some(moment))
}

/// A person by any id that it ever had, or had by that moment, where the reader may
/// know of it.
pub(super) async fn known_person(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Moment>,
) -> Result<Known, FlowError> {
    let known = load_known(context, access, requested, as_of).await?;
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    if as_of.is_none() && objects(context, gate, known.view.survivor()).await? {
        return Err(FlowError::NotFound("no person with this id is known"));
    }
    Ok(known)
}

/// The same for whoever reads back what it has sent.
pub(super) async fn load_known(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Moment>,
) -> Result<Known, FlowError> {
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    let (mut view, questions) = match as_of {
        None => {
            let Some(view) = context.store.load_person(requested).await? else {
                return Box::pin(made_up(context, access, requested, None)).await;
            };
            let mut questions = Vec::new();
            for task in &view.tasks {
                questions.extend(context.store.load_task(*task).await?);
            }
            (view, questions)
        }
        Some(moment) => {
            let store = &context.store;
            let Some(mut past) = store.load_person_as_of(requested, moment).await? else {
                return Box::pin(made_up(context, access, requested, as_of)).await;
            };
            if gate.then().is_some() {
                past.view.restricted = past.restricted_then;
            }
            let mut questions = Vec::with_capacity(past.questions.len());
            past.view.tasks.clear();
            for (task, state) in past.questions {
                if may_tell_question(context, gate, &state).await? {
                    past.view.tasks.push(task);
                    questions.push(state);
                }
            }
            (past.view, questions)
        }
    };
    if as_of.is_some() {
        view = cut_by_seals(context, gate, view).await?;
    }
    let possible = if access.sees_possible() {
        let others = possible_of(context, view.survivor(), &questions).await?;
        unsealed_possible(context, gate, view.survivor(), others).await?
    } else {
        Vec::new()
    };
    let suspected = |task: &TaskState| task.kind == TaskKind::SuspectedConfusion;
    let mut confused = questions.iter().any(suspected);
    if as_of.is_none() {
        confused |= shows_confusion(context, gate, view.survivor()).await?;
    }
    let records: Vec<RecordNumber> = view.members.iter().map(|it| it.state.number).collect();
    let then = as_of.map(|moment| moment.at);
    let disputes = context.store.open_disputes(&records, then).await?;
    Ok(Known {
        view,
        possible,
        questions,
        confused,
        disputes,
        made_up: MadeUp::default(),
    })
}

/// Somebody of a known pair that the reader has (R117); else nobody is known.
async fn made_up(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Moment>,
) -> Result<Known, FlowError> {
    let found = made_up_person(context, access, requested, as_of).await?;
    let mut known = found.ok_or(FlowError::NotFound("no person with this id is known"))?;
    if access.sees_possible() {
        known.possible = possible_of(context, requested, &known.questions).await?;
    }
    Ok(known)
}

/// The past without what a seal of today keeps apart (R22): a chain of ids that
/// crosses one is unknown, and records of the other side were never there.
async fn cut_by_seals(
    context: &Context,
    gate: Gate,
    mut view: StoredPersonView,
) -> Result<StoredPersonView, FlowError> {
    if !may_be_cut(context, gate).await? {
        return Ok(view);
    }
    let mut persons = view.chain.clone();
    persons.push(view.requested);
    let records: Vec<RecordNumber> = view.members.iter().map(|it| it.state.number).collect();
    let seals = seals_of(context, gate, &persons, &records).await?;
    if !gate.may_tell(&seals, &persons, &[]) {
        return Err(FlowError::NotFound("no person with this id is known"));
    }
    let own = [view.requested];
    view.members
        .retain(|member| gate.may_tell(&seals, &own, &[member.state.number]));
    Ok(view)
}

/// Whether an objection keeps the person from this reader (R134).
pub(super) async fn objects(
    context: &Context,
    gate: Gate,
    person: PersonId,
) -> Result<bool, FlowError> {
    if !may_be_cut(context, gate).await? {
        return Ok(false);
    }
    Ok(seals_of(context, gate, &[person], &[]).await?.hide(person))
}

/// The same of a record that belongs to nobody now.
pub(super) async fn objects_to(
    context: &Context,
    gate: Gate,
    record: RecordNumber,
) -> Result<bool, FlowError> {
    if !may_be_cut(context, gate).await? {
        return Ok(false);
    }
    let seals = seals_of(context, gate, &[], &[record]).await?;
    Ok(seals.part_any(&[], &[record]))
}

/// Whether it may be told that a record was this person's: not across a seal (R22).
pub(super) async fn may_tell_link(
    context: &Context,
    gate: Gate,
    person: PersonId,
    record: RecordNumber,
) -> Result<bool, FlowError> {
    if !may_be_cut(context, gate).await? {
        return Ok(true);
    }
    let seals = seals_of(context, gate, &[person], &[record]).await?;
    Ok(gate.may_tell(&seals, &[person], &[record]))
}

/// Whether it may be told that a question was open: not about a sealed pair (R22).
pub(super) async fn may_tell_question(
    context: &Context,
    gate: Gate,
    task: &TaskState,
) -> Result<bool, FlowError> {
    if !may_be_cut(context, gate).await? {
        return Ok(true);
    }
    let seals = seals_of(context, gate, &task.persons, &[]).await?;
    Ok(gate.may_tell(&seals, &task.persons, &[]))
}

/// Whether any seal could bear on an answer.
async fn may_be_cut(context: &Context, gate: Gate) -> Result<bool, FlowError> {
    let then = gate.then().is_some();
    Ok(!gate.sees_sealed() && (then || context.store.has_seals().await?))
}

/// The seals that bear on these for whoever the gate is for: those of now, or of the
/// instant whose sight is reconstructed (R139).
pub(super) async fn seals_of(
    context: &Context,
    gate: Gate,
    persons: &[PersonId],
    records: &[RecordNumber],
) -> Result<Seals, FlowError> {
    let store = &context.store;
    Ok(match gate.then() {
        None => store.seals_about(persons, records).await?,
        Some(then) => store.seals_about_as_of(persons, records, then).await?,
    })
}

/// Other persons, from the open questions about one: each once, by the question that
/// weighs most of those that weigh anything.
///
/// # Errors
/// A fault of ours.
pub(super) async fn possible_of(
    context: &Context,
    person: PersonId,
    questions: &[TaskState],
) -> Result<Vec<OtherPerson>, FlowError> {
    let weighs = |task: &TaskState| task.weight_bits.unwrap_or(f64::NEG_INFINITY);
    let mut heaviest: Vec<(PersonId, &TaskState)> = Vec::new();
    for task in questions.iter().take(POSSIBLE_PERSONS_MAX) {
        for other in task.persons.iter().filter(|other| **other != person) {
            match heaviest.iter_mut().find(|(known, _)| known == other) {
                Some((_, known)) if weighs(known) >= weighs(task) => {}
                Some((_, known)) => *known = task,
                None => heaviest.push((*other, task)),
            }
        }
    }
    let mut possible = Vec::with_capacity(heaviest.len());
    for (other, task) in heaviest {
        let raised = context.model_of_task(task).await?;
        let weight = MatchWeight::new(task.weight_bits.unwrap_or(0.0));
        possible.push(OtherPerson {
            person_id: other,
            grade: Grade::Probable,
            weight_bits: weight.bits(),
            probability: raised.probability(weight).value(),
        });
    }
    Ok(possible)
}
