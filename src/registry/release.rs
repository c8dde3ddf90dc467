//! Ending the quarantine of a source, and deciding what it kept.

use crate::matching::LinkageModel;
use crate::registry::{
    Change, CloseReason, Numbering, RecordStatus, Registered, Registration, RegistryEvent,
    RegistryState, SourceCode, register,
};

/// The events that end the quarantine; `None` when there is none.
#[must_use]
pub fn release_source(state: &RegistryState, source: &SourceCode) -> Option<Vec<RegistryEvent>> {
    let quarantine = state.sources.get(source)?.quarantine.as_ref()?;
    let released = RegistryEvent::SourceReleased {
        source: source.clone(),
    };
    let mut events = vec![released];
    if state.tasks.contains_key(&quarantine.task) {
        events.push(RegistryEvent::TaskClosed {
            task: quarantine.task,
            because: CloseReason::SourceReleased,
        });
    }
    Some(events)
}

/// What became of a deferred version.
#[derive(Debug)]
pub enum DecidedAgain {
    /// The source is quarantined (again): it goes on waiting.
    Waits,
    /// A later version, or a withdrawal, has overtaken it.
    Overtaken(Vec<RegistryEvent>),
    /// Decided as a further version with the same content.
    Decided(Box<Change<Registered>>),
}

/// Decides a version that came during a quarantine as an ordinary update, when
/// it is still the last word of its source. What overtakes it wins: a source
/// that has been put right has sent the truth since.
#[must_use]
pub fn decide_again(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    version: u32,
) -> DecidedAgain {
    if state.is_quarantined(&registration.source) {
        return DecidedAgain::Waits;
    }
    let Some(record) = state.record(&registration.source, &registration.local_id) else {
        return DecidedAgain::Waits;
    };
    let decided = RegistryEvent::DeferredDecided {
        record: record.number,
        version,
    };
    if record.latest_version != version || record.status == RecordStatus::Withdrawn {
        return DecidedAgain::Overtaken(vec![decided]);
    }
    let mut change = register(state, model, numbering, registration);
    change.events.push(decided);
    change.answer.answer.position.0 += 1;
    DecidedAgain::Decided(Box::new(change))
}
