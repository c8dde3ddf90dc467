//! Questions about records that are as they were: what another model, or a sample to
//! learn from, asks of them. A record is looked up and scored as if it had just come;
//! what is asked, a function of the registry says inside the commit. Nobody is joined,
//! parted or moved by it.

use std::sync::Arc;

use crate::flows::register_record::{Inside, PreparedRegistration, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::{PersonId, RecordNumber};
use crate::registry::{RegistryEvent, RegistryState};
use crate::security::Access;
use crate::storage::{CommitActor, CurrentRecord, Planned};

/// A record as it is, ready to be asked about.
pub(super) struct Ready {
    pub(super) record: RecordNumber,
    /// The version that was scored.
    pub(super) version: u32,
    /// Nothing where it says too little to be anybody's.
    prepared: Option<PreparedRegistration>,
}

/// What has come of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) record: RecordNumber,
    /// Questions that were raised.
    pub(super) questions: u64,
    /// Whether these are all that there was to ask.
    pub(super) all: bool,
}

/// Looks a record up and scores it.
pub(super) async fn make_ready(
    context: &Context,
    access: &Access,
    current: CurrentRecord,
) -> Result<Ready, FlowError> {
    let (record, version) = (current.record, current.version);
    let command = RegisterCommand {
        source: current.source,
        local_id: current.local_id,
        submitted: current.submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    let prepared = match prepare_registration(context, access, command).await {
        Ok(prepared) => Some(prepared),
        Err(FlowError::Unprocessable { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(Ready {
        record,
        version,
        prepared,
    })
}

/// Asks what `asks` says, at most so many questions, the first ones first. Where another
/// model decides meanwhile, nothing is asked.
pub(super) async fn ask(
    ready: Ready,
    questions_max: u64,
    asks: impl Fn(&RegistryState, &Inside) -> Vec<RegistryEvent> + Send + 'static,
) -> Result<Asked, FlowError> {
    let nothing = Asked {
        record: ready.record,
        questions: 0,
        all: true,
    };
    let Some(PreparedRegistration { read, inside }) = ready.prepared else {
        return Ok(nothing);
    };
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    let (now, store) = (inside.now, inside.context.store.clone());
    let inside = Arc::new(inside);
    let at_most = usize::try_from(questions_max).unwrap_or(usize::MAX);
    let decide = move |state: &mut RegistryState, _: &_| {
        if inside.context.is_superseded() {
            return Planned::nothing(nothing);
        }
        let mut events = asks(state, &inside);
        let asked = Asked {
            all: events.len() <= at_most,
            questions: events.len().min(at_most) as u64,
            ..nothing
        };
        events.truncate(at_most);
        if events.is_empty() {
            return Planned::nothing(asked);
        }
        let registration = &inside.registration;
        let named = format!("{}:{}", registration.source, registration.local_id);
        let persons = events.iter().flat_map(|event| asked_about(state, event));
        let audit = inside.access.audit(now, persons.collect(), Some(named));
        Planned {
            events,
            audit: vec![audit],
            ..Planned::nothing(asked)
        }
    };
    Ok(store.commit(read, actor, now, decide).await?)
}

/// The persons of a question that is raised.
fn asked_about(state: &RegistryState, event: &RegistryEvent) -> Vec<PersonId> {
    match event {
        RegistryEvent::TaskOpened { persons, .. } => persons.clone(),
        RegistryEvent::TaskReopened { task, .. } => {
            let known = state.tasks.get(task);
            known.map_or_else(Vec::new, |known| known.persons.clone())
        }
        _ => Vec::new(),
    }
}
