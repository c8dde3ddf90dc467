//! Who has become whom: persons form a forest, each replaced one pointing to
//! the one that replaced it.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, PersonId};
use crate::registry::{PersonStatus, RegistryState};

impl RegistryState {
    /// Who the person is now, active or withdrawn; `None` when it is not known.
    #[must_use]
    pub fn survivor_of(&self, person: PersonId) -> Option<PersonId> {
        self.path(person).last().map(|(person, _)| *person)
    }

    /// The persons from this one to who it is now, each with the position from
    /// which on all pointers before it stood.
    pub(super) fn path(&self, person: PersonId) -> Vec<(PersonId, EventPosition)> {
        let mut path: Vec<(PersonId, EventPosition)> = Vec::new();
        let (mut at, mut since) = (person, EventPosition(0));
        // A circle cannot be made; a broken ledger must not hang a command.
        while let Some(state) = self.persons.get(&at)
            && path.len() <= self.persons.len()
        {
            path.push((at, since));
            let PersonStatus::Retired { replaced_by } = state.status else {
                break;
            };
            // Nothing changes a replaced person but its restoring.
            since = since.max(state.revision);
            at = replaced_by;
        }
        path
    }

    /// The person and all that resolve through it.
    pub(super) fn family(&self, person: PersonId) -> BTreeSet<PersonId> {
        let mut replaced: BTreeMap<PersonId, Vec<PersonId>> = BTreeMap::new();
        for (id, state) in &self.persons {
            if let PersonStatus::Retired { replaced_by } = state.status {
                replaced.entry(replaced_by).or_default().push(*id);
            }
        }
        let mut family = BTreeSet::from([person]);
        let mut open = vec![person];
        while let Some(next) = open.pop() {
            for child in replaced.get(&next).into_iter().flatten() {
                if family.insert(*child) {
                    open.push(*child);
                }
            }
        }
        family
    }
}
