//! Tasks of a state, found by id and by the persons that they are about: a batch may
//! hold thousands, and each candidate of each record is asked after.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};
use std::ops::Deref;

use crate::foundation::{PersonId, TaskId};
use crate::registry::TaskState;

/// Tasks by id, read as a map. Whom a task is about never changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownTasks {
    by_id: BTreeMap<TaskId, TaskState>,
    by_person: HashMap<PersonId, BTreeSet<TaskId>>,
}

impl Deref for KnownTasks {
    type Target = BTreeMap<TaskId, TaskState>;

    fn deref(&self) -> &Self::Target {
        &self.by_id
    }
}

impl KnownTasks {
    /// Takes a task, in the place of what was known of it.
    pub fn insert(&mut self, task: TaskId, known: TaskState) {
        for person in &known.persons {
            self.by_person.entry(*person).or_default().insert(task);
        }
        self.by_id.insert(task, known);
    }

    /// Takes a task of which nothing is known.
    pub fn insert_new(&mut self, task: TaskId, known: TaskState) {
        if !self.by_id.contains_key(&task) {
            self.insert(task, known);
        }
    }

    pub(super) fn get_mut(&mut self, task: &TaskId) -> Option<&mut TaskState> {
        self.by_id.get_mut(task)
    }

    /// Those that are about a person, in order of id.
    pub fn of(&self, person: PersonId) -> impl Iterator<Item = (&TaskId, &TaskState)> {
        let own = self.by_person.get(&person).into_iter().flatten();
        own.filter_map(|task| self.by_id.get_key_value(task))
    }

    /// Those that are about exactly these persons, in order of id.
    pub fn about<'t>(
        &'t self,
        persons: &[PersonId],
    ) -> impl Iterator<Item = (&'t TaskId, &'t TaskState)> {
        let (named, unnamed) = match persons.first() {
            Some(first) => (Some(self.of(*first)), None),
            None => (None, Some(self.by_id.iter())),
        };
        let all = named.into_iter().flatten();
        let all = all.chain(unnamed.into_iter().flatten());
        all.filter(move |(_, task)| task.persons == persons)
    }
}

impl Extend<(TaskId, TaskState)> for KnownTasks {
    fn extend<T: IntoIterator<Item = (TaskId, TaskState)>>(&mut self, tasks: T) {
        for (task, known) in tasks {
            self.insert(task, known);
        }
    }
}

impl IntoIterator for KnownTasks {
    type Item = (TaskId, TaskState);
    type IntoIter = btree_map::IntoIter<TaskId, TaskState>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_id.into_iter()
    }
}
