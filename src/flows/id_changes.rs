//! What an event does to the ids that readers hold: the part of the ledger that
//! a system with copies must act on.

use crate::foundation::PersonId;
use crate::registry::RegistryEvent;
use crate::storage::PlacedEvent;

/// A change of what an id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdChange {
    /// The id is replaced by another.
    Retired {
        /// The id.
        person: PersonId,
        /// Where it resolves to; absent for a reader that may not see it.
        replaced_by: Option<PersonId>,
    },
    /// The id stands for nobody any more.
    Withdrawn {
        /// The id.
        person: PersonId,
    },
    /// The id stands for itself again.
    Restored {
        /// The id.
        person: PersonId,
    },
    /// A record went from one person to another.
    Moved {
        /// From whom.
        from: PersonId,
        /// To whom.
        to: PersonId,
    },
}

/// What the event changes for a reader who may see the persons that it still
/// names.
pub(super) fn id_changes(placed: &PlacedEvent) -> Vec<IdChange> {
    let seen = |person: &PersonId| placed.persons.contains(person);
    let change = match &placed.stored.event {
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } if seen(person) => Some(IdChange::Retired {
            person: *person,
            replaced_by: Some(*replaced_by).filter(|person| seen(person)),
        }),
        RegistryEvent::PersonWithdrawn { person } if seen(person) => {
            Some(IdChange::Withdrawn { person: *person })
        }
        RegistryEvent::PersonRestored { person } if seen(person) => {
            Some(IdChange::Restored { person: *person })
        }
        RegistryEvent::RecordLinked { person, .. } if seen(person) => placed
            .moved_from
            .map(|from| IdChange::Moved { from, to: *person }),
        _ => None,
    };
    change.into_iter().collect()
}
