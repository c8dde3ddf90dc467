//! What events would change, for somebody who asks before anything happens.

use std::collections::BTreeMap;

use crate::foundation::{PersonId, RecordNumber, TaskId};
use crate::registry::{CloseReason, RegistryEvent, RegistryState, TaskKind};

/// A record that would belong to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordChange {
    /// The record.
    pub record: RecordNumber,
    /// Whom it would leave.
    pub from: Option<PersonId>,
    /// To whom it would belong.
    pub to: Option<PersonId>,
}

/// What a person id would become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChange {
    /// It would begin to exist.
    Created,
    /// It would stand for itself again.
    Restored,
    /// It would lead to another.
    Retired {
        /// To which.
        replaced_by: PersonId,
    },
    /// It would have no active record any more.
    Withdrawn,
}

/// What would become of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChange {
    /// It would be asked.
    Opened,
    /// It would have more to go by.
    Updated,
    /// It would be closed.
    Closed(CloseReason),
}

/// All that events would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// By record.
    pub records: Vec<RecordChange>,
    /// In order; the last word about a person counts.
    pub persons: BTreeMap<PersonId, PersonChange>,
    /// In order.
    pub tasks: Vec<(TaskId, Option<TaskKind>, TaskChange)>,
}

impl Effects {
    /// What these events would change in this state.
    #[must_use]
    pub fn of(state: &RegistryState, events: &[RegistryEvent]) -> Self {
        let mut effects = Self::default();
        let mut moved: BTreeMap<RecordNumber, RecordChange> = BTreeMap::new();
        for event in events {
            match event {
                RegistryEvent::RecordUnlinked { record, person, .. } => {
                    let change = RecordChange {
                        record: *record,
                        from: Some(*person),
                        to: None,
                    };
                    moved.entry(*record).or_insert(change).to = None;
                }
                RegistryEvent::RecordLinked { record, person, .. } => {
                    let change = RecordChange {
                        record: *record,
                        from: None,
                        to: None,
                    };
                    moved.entry(*record).or_insert(change).to = Some(*person);
                }
                _ => effects.take(state, event),
            }
        }
        effects.records = moved.into_values().collect();
        effects
    }

    fn take(&mut self, state: &RegistryState, event: &RegistryEvent) {
        let kind = |task: &TaskId| state.tasks.get(task).map(|known| known.kind);
        match event {
            RegistryEvent::PersonCreated { person } => {
                self.persons.insert(*person, PersonChange::Created);
            }
            RegistryEvent::PersonRestored { person } => {
                self.persons.insert(*person, PersonChange::Restored);
            }
            RegistryEvent::PersonRetired {
                person,
                replaced_by,
            } => {
                let replaced_by = *replaced_by;
                self.persons
                    .insert(*person, PersonChange::Retired { replaced_by });
            }
            RegistryEvent::PersonWithdrawn { person } => {
                self.persons.insert(*person, PersonChange::Withdrawn);
            }
            RegistryEvent::TaskOpened { task, kind, .. } => {
                self.tasks.push((*task, Some(*kind), TaskChange::Opened));
            }
            RegistryEvent::TaskUpdated { task, .. } => {
                self.tasks.push((*task, kind(task), TaskChange::Updated));
            }
            RegistryEvent::TaskClosed { task, because } => {
                let change = TaskChange::Closed(*because);
                self.tasks.push((*task, kind(task), change));
            }
            _ => {}
        }
    }
}
