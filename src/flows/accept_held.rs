//! A held version that a human says is the same patient's: decided as a further
//! version with the same content, in the commit of the human's word.

use std::sync::Arc;

use crate::flows::decide_task::{Inside as Question, NotDecided};
use crate::flows::register_record::{Inside, PreparedRegistration, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::registry::{RegistryEvent, RegistryState, TaskState, accept_held};
use crate::review::{Carried, Follow};
use crate::security::{Access, AuditEntry};
use crate::storage::{CommitActor, CommitReads, Planned, ReadSet, Remark};

/// Decides the question; where it is settled so, the version becomes current.
pub(super) async fn commit(
    context: &Context,
    access: &Access,
    known: &TaskState,
    read: ReadSet,
    question: Question,
) -> Result<Carried, FlowError> {
    const GONE: FlowError = FlowError::Conflict("no version of this record is held any more");
    let (source, local_id) = read.records.first().cloned().ok_or(GONE)?;
    let stored = context.store.find_record(&source, &local_id).await?;
    let stored = stored.ok_or(GONE)?;
    let held = stored.state.held.as_ref().ok_or(GONE)?.version;
    let mut versions = stored.versions.into_iter();
    let version = versions.find(|version| version.version == held);
    let submitted = version.and_then(|version| version.submitted).ok_or(GONE)?;
    let command = RegisterCommand {
        source,
        local_id,
        submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    let prepared = prepare_registration(context, access, command).await?;
    let (remark, task) = (question.remark(), question.task());
    let audit = access.audit(
        context.clock.now(),
        known.persons.clone(),
        Some(task.to_string()),
    );
    let decide = move |state: &RegistryState| {
        let decided = question.decide(state)?;
        Ok(Accepting {
            accepts: (decided.follow == Some(Follow::AcceptHeld)).then_some(held),
            events: decided.events,
            carried: decided.carried,
            remark: remark.clone(),
            audit: audit.clone(),
        })
    };
    commit_accepting(prepared, read, Arc::new(decide)).await
}

/// What a human's word about a held version writes.
struct Accepting {
    /// The version that becomes current; `None` while the question waits.
    accepts: Option<u32>,
    events: Vec<RegistryEvent>,
    carried: Carried,
    remark: Option<Remark>,
    audit: AuditEntry,
}

/// Decides what a human says of a held version, inside the commit.
type Accept = Arc<dyn Fn(&RegistryState) -> Result<Accepting, NotDecided> + Send + Sync>;

/// Decides a question about a held version, which becomes current where the
/// human says so. `read` is what the question reads.
async fn commit_accepting(
    prepared: PreparedRegistration,
    read: ReadSet,
    accept: Accept,
) -> Result<Carried, FlowError> {
    let PreparedRegistration { read: own, inside } = prepared;
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    let mut persons = own.persons.clone();
    persons.extend(read.persons);
    let read = ReadSet {
        persons,
        whole: read.whole,
        locks: read.locks,
        ..own
    };
    let (store, now) = (inside.context.store.clone(), inside.now);
    let decide = move |state: &mut RegistryState, _: &CommitReads| inside.accept(state, &accept);
    let committed = store.commit(read, actor, now, decide);
    Ok(committed.await??)
}

impl Inside {
    fn accept(
        &self,
        state: &RegistryState,
        accept: &Accept,
    ) -> Planned<Result<Carried, NotDecided>> {
        let mut accepting = match accept(state) {
            Ok(accepting) => accepting,
            Err(refused) => return Planned::nothing(Err(refused)),
        };
        let mut planned = Planned::nothing(Ok(accepting.carried));
        planned.events.append(&mut accepting.events);
        planned.remark = accepting.remark;
        planned.audit.push(accepting.audit);
        if let Some(version) = accepting.accepts {
            let mut after = state.clone();
            for event in &planned.events {
                after.apply(event);
            }
            let (model, numbering) = (&self.context.model, self.numbering());
            let change = accept_held(&after, model, &numbering, &self.registration, version);
            let mut plan = self.plan(change);
            planned.events.append(&mut plan.events);
            planned.versions = plan.versions;
            planned.keys = plan.keys;
        }
        planned
    }
}
