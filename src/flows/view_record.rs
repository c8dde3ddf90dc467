//! What a source said, and to whom its record belongs.

use crate::flows::seal_persons::seals_for;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::POSSIBLE_PERSONS_MAX;
use crate::foundation::{Instant, PersonId, TaskId};
use crate::identity::SubmittedRecord;
use crate::matching::Route;
use crate::registry::{
    Gate, LocalId, OtherPerson, RecordStatus, RegistrationAnswer, SourceCode, VersionStanding,
};
use crate::security::Access;
use crate::storage::{StoreError, StoredPersonView, StoredRecord, StoredVersion};

const UNKNOWN: FlowError =
    FlowError::NotFound("no record with this local id is known for this source");

/// A record with its versions.
#[derive(Debug, Clone)]
pub struct RecordAnswer {
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
    /// Another person claims a number of this one (R19).
    pub number_confused: bool,
}

/// A record with versions, link, findings and tasks.
///
/// # Errors
/// Unknown record, or a fault of ours.
pub async fn view_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<RecordAnswer, FlowError> {
    let stored = context
        .store
        .find_record(source, local_id)
        .await?
        .ok_or(UNKNOWN)?;
    let restricted = is_restricted(context, &stored).await?;
    let gate = Gate::of(access);
    let mut answer = current_answer(&stored)?;
    let possible = std::mem::take(&mut answer.possible);
    answer.possible = unsealed_possible(context, gate, answer.person_id, possible).await?;
    let link = link_of(context, &stored);
    let mut versions = Vec::with_capacity(stored.versions.len());
    let mut current = SubmittedRecord::default();
    for version in stored.versions {
        let record = version
            .submitted
            .map(|submitted| gate.record(submitted, restricted));
        if version.version == stored.state.current.version {
            current = record.clone().unwrap_or_default();
        }
        versions.push(VersionAnswer {
            version: version.version,
            standing: version.standing,
            effective_at: version.effective_at,
            received_at: version.received_at,
            record,
        });
    }
    let persons = link.iter().map(|link| link.person).collect();
    audit(context, access, persons, source, local_id).await?;
    Ok(RecordAnswer {
        answer,
        status: stored.state.status,
        record: current,
        versions,
        link,
        tasks: stored.tasks,
        held: stored.state.held.is_some(),
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

/// The person of a record, and the local ids that it has elsewhere.
///
/// # Errors
/// Unknown or withdrawn record, or a fault of ours.
pub async fn cross_reference(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    wanted: Wanted<'_>,
) -> Result<CrossReference, FlowError> {
    let stored = context
        .store
        .find_record(source, local_id)
        .await?
        .ok_or(UNKNOWN)?;
    let link = link_of(context, &stored).ok_or(FlowError::NotFound(
        "the record is withdrawn and belongs to nobody now",
    ))?;
    let person = context
        .store
        .load_person(link.person)
        .await?
        .ok_or(FlowError::NotFound(
            "the person of this record is not known",
        ))?;
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
    let possible = if access.sees_possible() {
        possible_of(context, Gate::of(access), &person).await?
    } else {
        Vec::new()
    };
    let number_confused = context.store.number_is_confused(link.person).await?;
    audit(context, access, vec![link.person], source, local_id).await?;
    Ok(CrossReference {
        person: link.person,
        link,
        records,
        possible,
        tasks: person.tasks,
        number_confused,
    })
}

/// Other persons, from the open questions about this one.
pub(super) async fn possible_of(
    context: &Context,
    gate: Gate,
    person: &StoredPersonView,
) -> Result<Vec<OtherPerson>, FlowError> {
    let mut possible = Vec::new();
    for task in person.tasks.iter().take(POSSIBLE_PERSONS_MAX) {
        let Some(task) = context.store.load_task(*task).await? else {
            continue;
        };
        for other in task
            .persons
            .iter()
            .filter(|other| **other != person.survivor())
        {
            let weight = crate::matching::MatchWeight::new(task.weight_bits.unwrap_or(0.0));
            possible.push(OtherPerson {
                person_id: *other,
                grade: crate::matching::Grade::Probable,
                weight_bits: weight.bits(),
                probability: context.model.probability(weight).value(),
            });
        }
    }
    unsealed_possible(context, gate, person.survivor(), possible).await
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

fn link_of(context: &Context, stored: &StoredRecord) -> Option<RecordLink> {
    let link = stored.state.link.as_ref()?;
    let weight = link.weight_bits.map(crate::matching::MatchWeight::new);
    Some(RecordLink {
        person: link.person,
        route: link.route,
        weight_bits: link.weight_bits,
        probability: weight.map(|weight| context.model.probability(weight).value()),
    })
}

/// A flag on any record of the person masks all of them, whenever it came (R111).
async fn is_restricted(context: &Context, stored: &StoredRecord) -> Result<bool, FlowError> {
    let flagged = |version: &StoredVersion| {
        version
            .submitted
            .as_ref()
            .is_some_and(|submitted| submitted.restricted == Some(true))
    };
    if stored.versions.iter().any(flagged) {
        return Ok(true);
    }
    let Some(link) = &stored.state.link else {
        return Ok(false);
    };
    let person = context.store.load_person(link.person).await?;
    Ok(person.is_some_and(|person| person.restricted))
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
