//! A source no longer holds a record.

use crate::flows::ready::effective_at;
use crate::flows::{Context, FlowError, IfMatch};
use crate::foundation::Instant;
use crate::registry::{LocalId, Refusal, RegistryState, SourceCode, withdraw};
use crate::security::{Access, AuditEntry};
use crate::storage::{CommitActor, Planned, ReadSet};

/// Withdraws a record; withdrawing again changes nothing and answers the same.
///
/// # Errors
/// Unknown record, a stale `If-Match`, or a fault of ours.
pub async fn withdraw_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    if_match: Option<IfMatch>,
) -> Result<(), FlowError> {
    let now = context.clock.now();
    let read = ReadSet {
        records: vec![(source.clone(), local_id.clone())],
        ..ReadSet::default()
    };
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let withdrawal = Withdrawal {
        access: access.clone(),
        now,
        source: source.clone(),
        local_id: local_id.clone(),
        if_match,
    };
    let decide = move |state: &mut RegistryState, _: &_| withdrawal.decide(state);
    outcome_of(context.store.commit(read, actor, now, decide).await?)
}

/// A withdrawal as it is decided inside a commit.
pub(super) struct Withdrawal {
    pub(super) access: Access,
    pub(super) now: Instant,
    pub(super) source: SourceCode,
    pub(super) local_id: LocalId,
    pub(super) if_match: Option<IfMatch>,
}

impl Withdrawal {
    /// Who asks for it, of whom.
    pub(super) fn audit(&self, state: &RegistryState) -> Vec<AuditEntry> {
        let record = state.record(&self.source, &self.local_id);
        let link = record.and_then(|record| record.link.as_ref());
        let persons = link.map(|link| link.person).into_iter().collect();
        let name = format!("{}:{}", self.source, self.local_id);
        vec![self.access.audit(self.now, persons, Some(name))]
    }

    pub(super) fn decide(&self, state: &RegistryState) -> Planned<Result<(), Refusal>> {
        let (source, local_id) = (&self.source, &self.local_id);
        let record = state.record(source, local_id);
        let stale = record.is_some_and(|record| {
            let current = Some(record.current.version);
            let condition = self.if_match.as_ref();
            condition.is_some_and(|asked| !asked.holds(current))
        });
        if stale {
            return Planned::nothing(Err(Refusal::StaleVersion));
        }
        match withdraw(state, source, local_id) {
            Ok(change) => Planned {
                events: change.events,
                audit: self.audit(state),
                ..Planned::nothing(Ok(()))
            },
            Err(refusal) => Planned::nothing(Err(refusal)),
        }
    }
}

/// What a withdrawal's sender is told.
pub(super) fn outcome_of(outcome: Result<(), Refusal>) -> Result<(), FlowError> {
    match outcome {
        Ok(()) | Err(Refusal::AlreadyWithdrawn) => Ok(()),
        Err(Refusal::UnknownRecord) => Err(FlowError::NotFound(
            "no record with this local id is known for this source",
        )),
        Err(Refusal::StaleVersion) => Err(FlowError::Stale),
    }
}

/// Attempts against a source that changes the record at the same time.
const ATTEMPTS_MAX: usize = 4;

/// Withdraws a record as of a moment at its source: not when the record has been changed
/// by something later. Whether it is withdrawn now.
///
/// # Errors
/// As [`withdraw_record`], and a moment that is none.
pub async fn withdraw_record_as_of(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    at: Option<&str>,
) -> Result<bool, FlowError> {
    let at = effective_at(at)?;
    for _ in 0..ATTEMPTS_MAX {
        let known = context.store.find_record(source, local_id).await?;
        let current = known.map(|known| known.state.current);
        let later = current.as_ref().and_then(|current| current.effective_at);
        if at.zip(later).is_some_and(|(at, later)| at < later) {
            return Ok(false);
        }
        let condition = current.map(|current| IfMatch::OneOf(vec![current.version]));
        match withdraw_record(context, access, source, local_id, condition).await {
            Err(FlowError::Stale) => {}
            withdrawn => return withdrawn.map(|()| true),
        }
    }
    Err(FlowError::Busy)
}
