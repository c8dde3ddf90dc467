//! A person disputes a value of a source's record, and how that ends (R133).

use std::sync::Arc;

use crate::flows::moments::objects;
use crate::flows::register_record::{Inside, PreparedRegistration, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::{Instant, PersonId, TaskId};
use crate::identity::DisputedField;
use crate::registry::{
    Change, DisputeEnd, DisputeRefused, Gate, LocalId, Registered, RegistryState, SourceCode,
    dispute, end_dispute,
};
use crate::security::Access;
use crate::storage::{CommitActor, CommitReads, Planned, Remark, StoredDispute, StoredRecord};

const UNKNOWN: FlowError =
    FlowError::NotFound("no record with this local id is known for this source");

/// What is said of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStep {
    /// It is disputed.
    Begin,
    /// It was confirmed, or is disputed no more.
    End(DisputeEnd),
}

/// What has become of it.
#[derive(Debug, Clone)]
pub struct DisputeOutcome {
    /// Of what.
    pub field: DisputedField,
    /// The record's version from now on, with the same content.
    pub version: u32,
    /// To whom the record belongs.
    pub person: PersonId,
    /// What is asked because of it.
    pub tasks: Vec<TaskId>,
}

/// A dispute as it is shown.
#[derive(Debug, Clone)]
pub struct DisputeAnswer {
    /// Of what.
    pub field: DisputedField,
    /// The version that says it.
    pub version: u32,
    /// Since when.
    pub since: Instant,
    /// Until when, and why.
    pub ended: Option<(Instant, DisputeEnd)>,
    /// Who has noted it, for roles that may see it.
    pub by: Option<String>,
    /// Why, in words, for the same; absent after an erasure.
    pub reason: Option<String>,
}

/// Begins or ends a dispute. The reason stands beside the ledger.
///
/// # Errors
/// An unknown record, one that has changed or waits, a field that it says nothing of or
/// that is (not) disputed, a blank reason, or a fault of ours.
pub async fn dispute_value(
    context: &Context,
    access: &Access,
    (source, local_id): (SourceCode, LocalId),
    (field, step): (DisputedField, DisputeStep),
    reason: &str,
) -> Result<DisputeOutcome, FlowError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(FlowError::Unprocessable {
            member: "reason",
            rule: "R133",
            detail: "say why".to_owned(),
        });
    }
    let stored = known_record(context, access, &source, &local_id).await?;
    let current = stored.state.current.version;
    let mut versions = stored.versions.into_iter();
    let version = versions.find(|version| version.version == current);
    let submitted = version.and_then(|version| version.submitted);
    let command = RegisterCommand {
        source,
        local_id,
        submitted: submitted.ok_or(FlowError::Conflict("the record was erased"))?,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    let prepared = prepare_registration(context, access, command).await?;
    let PreparedRegistration { read, inside } = prepared;
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let (inside, now) = (Arc::new(inside), context.clock.now());
    let remark = Remark {
        subject: format!("R{}", stored.state.number.0),
        reason,
    };
    let decide = move |state: &mut RegistryState, _: &CommitReads| {
        let change = match inside.dispute(state, field, step) {
            Ok(change) => change,
            Err(refused) => return Planned::nothing(Err(refused)),
        };
        let answer = change.answer.answer.clone();
        let plan = inside.plan(change);
        let Planned {
            events,
            versions,
            keys,
            audit,
            ..
        } = plan;
        Planned {
            events,
            versions,
            keys,
            audit,
            remark: Some(remark.clone()),
            ..Planned::nothing(Ok(DisputeOutcome {
                field,
                version: answer.version,
                person: answer.person_id,
                tasks: answer.tasks,
            }))
        }
    };
    let done = context.store.commit(read, actor, now, decide).await?;
    done.map_err(refusal)
}

impl Inside {
    fn dispute(
        &self,
        state: &RegistryState,
        field: DisputedField,
        step: DisputeStep,
    ) -> Result<Change<Registered>, DisputeRefused> {
        let (model, numbering) = (&self.context.model, self.numbering());
        match step {
            DisputeStep::Begin => {
                let by = self.access.person();
                dispute(state, model, &numbering, &self.registration, (field, by))
            }
            DisputeStep::End(because) => {
                let end = (field, because);
                end_dispute(state, model, &numbering, &self.registration, end)
            }
        }
    }
}

/// The disputes about a record, ended ones too, the first one first.
///
/// # Errors
/// An unknown record, or a fault of ours.
pub async fn list_disputes(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Vec<DisputeAnswer>, FlowError> {
    let stored = known_record(context, access, source, local_id).await?;
    let disputes = context.store.disputes_of(&[stored.state.number]).await?;
    let persons = stored.state.link.iter().map(|link| link.person).collect();
    let record = Some(format!("{source}:{local_id}"));
    let audit = access.audit(context.clock.now(), persons, record);
    context.store.append_audit(vec![audit]).await?;
    let shown = access.sees_actors();
    Ok(disputes.into_iter().map(|it| answer(it, shown)).collect())
}

pub(super) fn answer(stored: StoredDispute, names_actors: bool) -> DisputeAnswer {
    DisputeAnswer {
        field: stored.field,
        version: stored.version,
        since: stored.at,
        ended: stored.ended,
        by: Some(stored.by).filter(|_| names_actors),
        reason: stored.reason.filter(|_| names_actors),
    }
}

/// The record, where no objection keeps it from this reader (R134).
async fn known_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<StoredRecord, FlowError> {
    let stored = context.store.find_record(source, local_id).await?;
    let stored = stored.ok_or(UNKNOWN)?;
    if let Some(link) = &stored.state.link
        && objects(context, Gate::of(access), link.person).await?
    {
        return Err(UNKNOWN);
    }
    Ok(stored)
}

fn refusal(refused: DisputeRefused) -> FlowError {
    match refused {
        DisputeRefused::Unknown => UNKNOWN,
        DisputeRefused::Changed => {
            FlowError::Conflict("the record has a later version by now; read it again")
        }
        DisputeRefused::Waits => {
            FlowError::Conflict("an update of this record waits to be decided; that comes first")
        }
        DisputeRefused::Disputed => {
            FlowError::Conflict("this field of the record is disputed already")
        }
        DisputeRefused::Undisputed => {
            FlowError::Conflict("nobody disputes this field of the record")
        }
        DisputeRefused::SaysNothing => FlowError::Unprocessable {
            member: "field",
            rule: "R133",
            detail: refused.to_string(),
        },
    }
}
