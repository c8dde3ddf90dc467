//! What a source said, and to whom its record belongs.

use crate::flows::dispute_value::{DisputeAnswer, answer as shown_dispute};
use crate::flows::made_up_people::made_up_record;
use crate::flows::moments::{
    Known, known_person, load_known, may_tell_link, may_tell_question, moment, objects_to,
};
use crate::flows::seal_persons::{seals_for, shows_confusion};
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, TaskId};
use crate::identity::SubmittedRecord;
use crate::matching::Route;
use crate::registry::{
    Gate, LocalId, OtherPerson, RecordStatus, RegistrationAnswer, SourceCode, VersionStanding,
};
use crate::security::{Access, Action};
use crate::storage::{Moment, StoreError, StoredRecord, StoredVersion};

const UNKNOWN: FlowError =
    FlowError::NotFound("no record with this local id is known for this source");

/// A record with its versions.
#[derive(Debug, Clone)]
pub struct RecordAnswer {
    /// Names it where its local id may not stand.
    pub name: String,
    /// What registering the current version answered.
    pub answer: RegistrationAnswer,
    /// Active or withdrawn.
    pub status: RecordStatus,
    /// What the current version says, masked.
    pub record: SubmittedRecord,
    /// All versions, oldest first, masked.
    pub versions: Vec<VersionAnswer>,
    /// To whom it belongs, while active.
    pub link: Option<RecordLink>,
    /// Open tasks that it raised.
    pub tasks: Vec<TaskId>,
    /// A later version waits for a human.
    pub held: bool,
    /// The moment of knowledge that was asked for.
    pub as_of: Option<Moment>,
    /// Disputes that hold, or held then (R133).
    pub disputes: Vec<DisputeAnswer>,
}

/// One version.
#[derive(Debug, Clone)]
pub struct VersionAnswer {
    /// Counted from 1.
    pub version: u32,
    /// Current, history or held.
    pub standing: VersionStanding,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// When it came.
    pub received_at: Instant,
    /// What it says, masked; absent after an erasure.
    pub record: Option<SubmittedRecord>,
}

/// A link as shown.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordLink {
    /// To whom.
    pub person: PersonId,
    /// How.
    pub route: Option<Route>,
    /// Posterior weight in bits.
    pub weight_bits: Option<f64>,
    /// Posterior probability, 0 to 1.
    pub probability: Option<f64>,
    /// An update has made it doubtful: it is possible until a human has looked (R101).
    pub doubtful: bool,
}

/// A record's person and that person's other local ids.
#[derive(Debug, Clone)]
pub struct CrossReference {
    /// The active person.
    pub person: PersonId,
    /// How this record came to it.
    pub link: RecordLink,
    /// Local ids of the same person, in order of source and id.
    pub records: Vec<(SourceCode, LocalId)>,
    /// Other persons that it may be, for roles that may see them.
    pub possible: Vec<OtherPerson>,
    /// Open tasks about the person: the answer is under investigation.
    pub tasks: Vec<TaskId>,
    /// The moment of knowledge that was asked for.
    pub as_of: Option<Moment>,
    /// Another person claims a number of this one (R19).
    pub number_confused: bool,
    /// A value of one of its records is disputed (R133).
    pub disputed: bool,
}

/// A record with versions, link, findings and tasks, as it is or as it was known
/// at an instant (R139).
///
/// # Errors
/// Unknown record, an instant in the future, or a fault of ours.
pub async fn view_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    as_of: Option<Instant>,
) -> Result<RecordAnswer, FlowError> {
    let as_of = moment(context, as_of).await?;
    let stored = find(context, access, source, local_id, as_of).await?;
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    let mut restricted = match gate.then() {
        None => {
            let owner = stored.state.link.iter().map(|link| link.person);
            let owner: Vec<PersonId> = owner.collect();
            let store = &context.store;
            store.is_masked(&owner, &[stored.state.number]).await?
        }
        Some(_) => says_restricted(&stored),
    };
    let mut answer = current_answer(&stored)?;
    let possible = std::mem::take(&mut answer.possible);
    answer.possible = unsealed_possible(context, gate, answer.person_id, possible).await?;
    let mut link = link_of(context, &stored).await?;
    if let Some(link) = &mut link {
        if as_of.is_some()
            && !may_tell_link(context, gate, link.person, stored.state.number).await?
        {
            return Err(UNKNOWN);
        }
        // Who sends the record goes on seeing what it has sent (R134).
        let sends = as_of.is_none() && access.may_also(Action::WriteRecord);
        let known = if sends {
            load_known(context, access, link.person, as_of).await?
        } else {
            let known = known_person(context, access, link.person, as_of);
            known.await.map_err(as_unknown)?
        };
        link.doubtful = known.is_doubtful(stored.state.number);
        restricted |= known.view.restricted;
    } else if objects_to(context, gate, stored.state.number).await? {
        return Err(UNKNOWN);
    }
    let served = stored.state.current.version;
    let versions = shown_versions(stored.versions, gate, restricted);
    let current = versions.iter().find(|version| version.version == served);
    let current = current.and_then(|version| version.record.clone());
    let then = as_of.map(|moment| moment.at);
    let own = [stored.state.number];
    let disputes = context.store.open_disputes(&own, then).await?.into_iter();
    let disputes = disputes.map(|dispute| shown_dispute(dispute, access.sees_actors()));
    let disputes: Vec<DisputeAnswer> = disputes.collect();
    let mut tasks = stored.tasks;
    if as_of.is_some() {
        tasks = told_questions(context, gate, tasks).await?;
    }
    let persons = link.iter().map(|link| link.person).collect();
    audit(context, access, persons, source, local_id).await?;
    Ok(RecordAnswer {
        name: context.store.record_text(stored.state.number),
        answer,
        status: stored.state.status,
        record: current.unwrap_or_default(),
        versions,
        link,
        tasks,
        held: stored.state.held.is_some(),
        as_of,
        disputes,
    })
}

/// Which of a person's other local ids are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Those of this source only.
    pub source: Option<&'a SourceCode>,
    /// Those joined by this route or a surer one only (R136): a weight is the
    /// least sure, a rule about the number surer, a human the surest.
    pub min_route: Option<Route>,
    /// As it was known at this instant.
    pub as_of: Option<Instant>,
}

impl Wanted<'_> {
    /// A record without a route came first: nobody joined it to anything.
    fn allows(self, route: Option<Route>) -> bool {
        let sureness = |route: Route| match route {
            Route::Probabilistic => 0,
            Route::Deterministic => 1,
            Route::Human => 2,
        };
        match (self.min_route, route) {
            (Some(least), Some(route)) => sureness(route) >= sureness(least),
            _ => true,
        }
    }
}

/// The person of a record, and the local ids that it has elsewhere, as it is or
/// as it was known at an instant (R139).
///
/// # Errors
/// Unknown or withdrawn record, an instant in the future, or a fault of ours.
pub async fn cross_reference(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    wanted: Wanted<'_>,
) -> Result<CrossReference, FlowError> {
    let as_of = moment(context, wanted.as_of).await?;
    let stored = find(context, access, source, local_id, as_of).await?;
    let link = link_of(context, &stored).await?.ok_or(FlowError::NotFound(
        "the record is withdrawn and belongs to nobody now",
    ))?;
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    if as_of.is_some() && !may_tell_link(context, gate, link.person, stored.state.number).await? {
        return Err(UNKNOWN);
    }
    let known = known_person(context, access, link.person, as_of);
    let known = known.await.map_err(as_unknown)?;
    let link = RecordLink {
        doubtful: known.is_doubtful(stored.state.number),
        ..link
    };
    let Known {
        view: person,
        possible,
        confused,
        disputes,
        ..
    } = known;
    let mut records: Vec<(SourceCode, LocalId)> = person
        .members
        .iter()
        .filter(|member| {
            let own = member.state.number == stored.state.number;
            let route = member.state.link.as_ref().and_then(|link| link.route);
            own || (wanted.allows(route) && wanted.allows(link.route))
        })
        .map(|member| (member.state.source.clone(), member.state.local_id.clone()))
        .filter(|(held, _)| wanted.source.is_none_or(|target| target == held))
        .collect();
    records.sort();
    let number_confused = match gate.then() {
        None => shows_confusion(context, gate, link.person).await?,
        Some(_) => confused,
    };
    audit(context, access, vec![link.person], source, local_id).await?;
    Ok(CrossReference {
        person: link.person,
        link,
        records,
        possible,
        tasks: person.tasks,
        as_of,
        number_confused,
        disputed: !disputes.is_empty(),
    })
}

fn shown_versions(
    versions: Vec<StoredVersion>,
    gate: Gate,
    restricted: bool,
) -> Vec<VersionAnswer> {
    let shown = versions.into_iter().map(|version| VersionAnswer {
        version: version.version,
        standing: version.standing,
        effective_at: version.effective_at,
        received_at: version.received_at,
        record: version
            .submitted
            .map(|submitted| gate.record(submitted, restricted)),
    });
    shown.collect()
}

/// Questions of the past without those about a sealed pair.
async fn told_questions(
    context: &Context,
    gate: Gate,
    tasks: Vec<TaskId>,
) -> Result<Vec<TaskId>, FlowError> {
    let mut told = Vec::with_capacity(tasks.len());
    for task in tasks {
        let known = context.store.load_task(task).await?;
        let known = known.ok_or(UNKNOWN)?;
        if may_tell_question(context, gate, &known).await? {
            told.push(task);
        }
    }
    Ok(told)
}

/// Whether what the record itself had said by then restricts its location.
fn says_restricted(stored: &StoredRecord) -> bool {
    let versions = stored.versions.iter();
    let mut said = versions.filter_map(|version| version.submitted.as_ref());
    said.any(|submitted| submitted.restricted == Some(true))
}

/// A person who may not be known is a record that may not.
fn as_unknown(error: FlowError) -> FlowError {
    match error {
        FlowError::NotFound(_) => UNKNOWN,
        other => other,
    }
}

async fn find(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    as_of: Option<Moment>,
) -> Result<StoredRecord, FlowError> {
    let found = match as_of {
        None => context.store.find_record(source, local_id).await?,
        Some(moment) => {
            let store = &context.store;
            store.find_record_as_of(source, local_id, moment).await?
        }
    };
    if found.is_some() {
        return found.ok_or(UNKNOWN);
    }
    let made_up = made_up_record(context, access, (source, local_id), as_of);
    Box::pin(made_up).await?.ok_or(UNKNOWN)
}

/// Without those whom a seal keeps from the person, or from one before them.
pub(super) async fn unsealed_possible(
    context: &Context,
    gate: Gate,
    person: PersonId,
    possible: Vec<OtherPerson>,
) -> Result<Vec<OtherPerson>, FlowError> {
    if possible.is_empty() {
        return Ok(possible);
    }
    let mut named: Vec<PersonId> = possible.iter().map(|other| other.person_id).collect();
    named.push(person);
    let seals = seals_for(context, gate, &named).await?;
    let mut possible = gate.apart(&seals, possible, |other| other.person_id);
    possible.retain(|other| gate.may_tell(&seals, &[person, other.person_id], &[]));
    Ok(possible)
}

/// The link, with what its weight meant to the model that gave it (R84).
async fn link_of(
    context: &Context,
    stored: &StoredRecord,
) -> Result<Option<RecordLink>, FlowError> {
    let Some(link) = stored.state.link.as_ref() else {
        return Ok(None);
    };
    let probability = match link.weight_bits {
        Some(bits) => {
            let weight = crate::matching::MatchWeight::new(bits);
            Some(context.probability_by(&link.home.model, weight).await?)
        }
        None => None,
    };
    Ok(Some(RecordLink {
        person: link.person,
        route: link.route,
        weight_bits: link.weight_bits,
        probability,
        doubtful: false,
    }))
}

async fn audit(
    context: &Context,
    access: &Access,
    persons: Vec<PersonId>,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<(), FlowError> {
    let record = Some(format!("{source}:{local_id}"));
    let entry = access.audit(context.clock.now(), persons, record);
    context.store.append_audit(vec![entry]).await?;
    Ok(())
}

fn current_answer(stored: &StoredRecord) -> Result<RegistrationAnswer, FlowError> {
    let current = stored.state.current.version;
    let version = stored
        .versions
        .iter()
        .find(|version| version.version == current);
    version
        .and_then(|version| serde_json::from_str(&version.answer).ok())
        .ok_or_else(|| {
            FlowError::Store(StoreError::Inconsistent {
                table: "record_versions",
                column: "answer",
                row: stored.state.number.0.to_string(),
            })
        })
}
