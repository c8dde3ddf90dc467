//! A number is invalidated and nothing replaces it (R21): its person anchors
//! nothing by it, and is sealed by default from whoever has any other number.

use std::collections::BTreeSet;

use crate::foundation::{PersonId, RecordNumber};
use crate::registry::merging::drop_proposals;
use crate::registry::register::{Placed, Work};
use crate::registry::{CloseReason, NumberHash, RegistryEvent, carried_number};

/// Who a seal by rule says made it.
const RULE: &str = "rule R21";

impl Work<'_> {
    /// Seals the person whose number the message invalidates, when it is that
    /// person's number.
    pub(super) fn take_invalidation(&mut self, record: RecordNumber, placed: &mut Placed) {
        let Some(number) = self.registration.invalidated else {
            return;
        };
        let known = self.state.persons.get(&placed.person);
        let mut records = known.map_or_else(BTreeSet::new, |known| known.members.clone());
        records.insert(record);
        let sealed = self
            .state
            .seals
            .values()
            .any(|seal| seal.is_open_for(&records));
        if sealed || !self.carries(&records, number) {
            return;
        }
        self.events.push(RegistryEvent::SealMade {
            seal: self.numbering.seal(),
            a: records.into_iter().collect(),
            b: Vec::new(),
            by: RULE.to_owned(),
            whole: false,
        });
        self.close_pairs(placed.person);
    }

    fn carries(&self, records: &BTreeSet<RecordNumber>, number: NumberHash) -> bool {
        let standards = records.iter().filter_map(|it| self.state.standards.get(it));
        let mut numbers = standards.filter_map(|standard| carried_number(standard));
        numbers.any(|known| known == number)
    }

    /// What is asked about the person and another is asked no more.
    fn close_pairs(&mut self, person: PersonId) {
        let own = self.state.tasks.of(person);
        let pairs = own.filter(|(_, task)| task.waits() && task.persons.len() > 1);
        let closed = pairs.map(|(task, _)| RegistryEvent::TaskClosed {
            task: *task,
            because: CloseReason::Sealed,
        });
        self.events.extend(closed.collect::<Vec<_>>());
        // One whose approval is closed could never be asked for again.
        drop_proposals(self.state, &mut self.events, person, RULE);
    }
}
