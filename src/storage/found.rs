//! How a batch found a person: what other processes may change meanwhile.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, PersonId, TaskId};
use crate::registry::{PersonState, RegistryState};

/// A person with its members, and the tasks that were open about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) state: Option<PersonState>,
    pub(super) tasks: BTreeMap<TaskId, EventPosition>,
}

impl Found {
    pub(super) fn of(state: &RegistryState, person: PersonId) -> Self {
        let tasks = state.tasks.iter();
        let tasks = tasks.filter(|(_, task)| task.persons.contains(&person));
        Self {
            state: state.persons.get(&person).cloned(),
            tasks: tasks.map(|(task, it)| (*task, it.position)).collect(),
        }
    }

    /// Whether the last event about it has no place after this one.
    pub(super) fn is_before(&self, position: i64) -> bool {
        let state = self.state.as_ref();
        state.is_none_or(|state| state.revision.0 <= position)
    }
}
