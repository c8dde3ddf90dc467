//! How a batch found a person: what other processes may change meanwhile.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, TaskId};
use crate::registry::PersonState;

/// A person with its members, and the tasks that were open about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) state: Option<PersonState>,
    pub(super) tasks: BTreeMap<TaskId, EventPosition>,
}

impl Found {
    /// Whether the last event about it has no place after this one.
    pub(super) fn is_before(&self, position: i64) -> bool {
        let state = self.state.as_ref();
        state.is_none_or(|state| state.revision.0 <= position)
    }
}
