//! What a model asks about a record that is as it was. Questions alone: nothing is
//! linked, moved or closed, because no source has said anything new.

use std::sync::Arc;

use crate::foundation::PersonId;
use crate::identity::StandardRecord;
use crate::matching::{LinkageModel, Route};
use crate::registry::register::Work;
use crate::registry::{
    Numbering, RecordState, RecordStatus, Registration, RegistryEvent, RegistryState, TaskKind,
};

/// Judges the current version of a record as if it had just come, and gives the
/// questions that follow; nothing where another version has come, or where its source
/// is quarantined. A question that waits is left as it was raised; what people have
/// settled on these versions is not asked again because another model looks at them.
#[must_use]
pub fn rejudge(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    version: u32,
) -> Vec<RegistryEvent> {
    let Some((record, person, standard)) = as_it_is(state, registration, version) else {
        return Vec::new();
    };
    let mut work = Work::on(state, model, numbering, registration);
    let candidates = work.find_candidates(record.number, &standard);
    work.judge(&record, person, version, &standard, &candidates);
    let mut events = work.events;
    let by_human = is_by_human(state, person);
    events.retain(|event| match event {
        RegistryEvent::TaskOpened { kind, .. } => *kind != TaskKind::LinkDoubtful || !by_human,
        RegistryEvent::TaskReopened { task, compared, .. } => {
            let known = state.tasks.get(task);
            known.is_none_or(|known| known.compared != *compared)
        }
        _ => false,
    });
    events
}

/// A record whose current version is still this one, with its person and what it says;
/// nothing where its source is quarantined.
pub(super) fn as_it_is(
    state: &RegistryState,
    registration: &Registration,
    version: u32,
) -> Option<(RecordState, PersonId, Arc<StandardRecord>)> {
    let record = state.record(&registration.source, &registration.local_id)?;
    let as_it_was = record.status == RecordStatus::Active
        && record.current.version == version
        && !state.is_quarantined(&registration.source);
    let person = record.link.as_ref().filter(|_| as_it_was)?.person;
    let standard = state.standards.get(&record.number)?;
    // Without earlier versions in it, what was scored before the commit stands.
    let standard = if **standard == *registration.standard {
        &registration.standard
    } else {
        standard
    };
    Some((record.clone(), person, Arc::clone(standard)))
}

/// Whether a human has put any of its records where it is: the machine does not doubt it.
fn is_by_human(state: &RegistryState, person: PersonId) -> bool {
    let person = state.persons.get(&person);
    let members = person.into_iter().flat_map(|person| &person.members);
    let mut links = members.filter_map(|record| state.records.get(record)?.link.as_ref());
    links.any(|link| link.route == Some(Route::Human))
}
