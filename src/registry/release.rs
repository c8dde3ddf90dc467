//! Ending the quarantine of a source, and deciding what it kept.

use std::sync::Arc;

use crate::foundation::RecordNumber;
use crate::identity::StandardRecord;
use crate::matching::LinkageModel;
use crate::registry::register::register_undecided;
use crate::registry::{
    Change, CloseReason, Numbering, RecordState, RecordStatus, Registered, Registration,
    RegistryEvent, RegistryState, SourceCode, register,
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

/// A version that came during a quarantine and is the last word of its source.
#[derive(Debug, Clone)]
pub struct WaitingVersion {
    /// Its number.
    pub version: u32,
    /// The versions of the record that waited before it, the latest first, with
    /// their values where these are not erased.
    pub overtaken: Vec<(u32, Option<Arc<StandardRecord>>)>,
}

impl WaitingVersion {
    /// What is said once none of them waits any more.
    #[must_use]
    pub fn decided(&self, record: RecordNumber) -> Vec<RegistryEvent> {
        let overtaken = self.overtaken.iter().rev().map(|(version, _)| *version);
        let versions = overtaken.chain([self.version]);
        versions
            .map(|version| RegistryEvent::DeferredDecided { record, version })
            .collect()
    }

    /// Whether nothing of the record was ever decided: what is served came
    /// during the quarantine too.
    fn is_all_of(&self, record: &RecordState) -> bool {
        let served = record.current.version;
        self.overtaken.iter().any(|(version, _)| *version == served)
    }
}

/// Decides a version that came during a quarantine as an ordinary update, when
/// it is still the last word of its source. What overtakes it wins: a source
/// that has been put right has sent the truth since. The versions that it
/// overtook are remembered as earlier values are, where they do not speak of
/// somebody else.
#[must_use]
pub fn decide_again(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    waiting: &WaitingVersion,
) -> DecidedAgain {
    if state.is_quarantined(&registration.source) {
        return DecidedAgain::Waits;
    }
    let Some(record) = state.record(&registration.source, &registration.local_id) else {
        return DecidedAgain::Waits;
    };
    let decided = waiting.decided(record.number);
    if record.latest_version != waiting.version || record.status == RecordStatus::Withdrawn {
        return DecidedAgain::Overtaken(decided);
    }
    let mut standard = registration.standard.as_ref().clone();
    for earlier in waiting
        .overtaken
        .iter()
        .filter_map(|(_, values)| values.as_deref())
    {
        let score = model.score(&registration.standard, &[earlier]);
        if !score.is_of_someone_else() {
            standard = standard.remembering(earlier);
        }
    }
    let registration = Registration {
        standard: Arc::new(standard),
        ..registration.clone()
    };
    let mut change = if waiting.is_all_of(record) {
        register_undecided(state, model, numbering, &registration)
    } else {
        register(state, model, numbering, &registration)
    };
    let added = i64::try_from(decided.len()).unwrap_or(i64::MAX);
    change.events.extend(decided);
    change.answer.answer.position.0 += added;
    DecidedAgain::Decided(Box::new(change))
}
