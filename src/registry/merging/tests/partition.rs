//! The partition as it follows from decisions, by another way than the product's:
//! a list of decisions with their times, and pointers that are followed as at a
//! moment. Nothing here is kept up to date; all of it is worked out when asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{MergeId, PersonId, RecordNumber};
use crate::matching::Route;
use crate::registry::RegistryEvent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) person: PersonId,
    pub(super) at: i64,
    pub(super) by_human: bool,
}

#[derive(Debug, Clone)]
struct Pointer {
    from: PersonId,
    to: PersonId,
    since: i64,
    until: Option<i64>,
    merge: Option<MergeId>,
}

#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) retired: PersonId,
    pub(super) at: i64,
    /// What was decided then of each record that it carried over.
    pub(super) found: BTreeMap<RecordNumber, Decided>,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    decided: BTreeMap<RecordNumber, Decided>,
    pointers: Vec<Pointer>,
    merges: BTreeMap<MergeId, Joined>,
    at: i64,
}

impl Partition {
    pub(super) fn take(&mut self, event: &RegistryEvent) {
        self.at += 1;
        let at = self.at;
        match event {
            RegistryEvent::RecordLinked {
                record,
                person,
                decision,
            } if decision.carried.is_none() => {
                let decided = Decided {
                    person: *person,
                    at,
                    by_human: decision.route == Some(Route::Human),
                };
                self.decided.insert(*record, decided);
            }
            RegistryEvent::RecordWithdrawn { record } => {
                self.decided.remove(record);
            }
            RegistryEvent::MergeMade {
                merge,
                survivor,
                retired,
                moved,
                ..
            } => {
                let found = moved.iter().map(|record| (*record, self.decided[record]));
                let joined = Joined {
                    retired: *retired,
                    at,
                    found: found.collect(),
                };
                self.merges.insert(*merge, joined);
                self.point(*retired, *survivor, Some(*merge));
            }
            RegistryEvent::PersonRetired {
                person,
                replaced_by,
            } => {
                let pointed = self
                    .pointers
                    .iter()
                    .any(|known| known.from == *person && known.until.is_none());
                if !pointed {
                    self.point(*person, *replaced_by, None);
                }
            }
            RegistryEvent::PersonRestored { person } => {
                let open = self.pointers.iter_mut();
                for pointer in open.filter(|known| {
                    known.from == *person && known.merge.is_none() && known.until.is_none()
                }) {
                    pointer.until = Some(at);
                }
            }
            RegistryEvent::MergeUndone { merge, .. } => {
                let made = self.pointers.iter_mut();
                for pointer in made.filter(|known| known.merge == Some(*merge)) {
                    pointer.until = Some(at);
                }
            }
            _ => {}
        }
    }

    fn point(&mut self, from: PersonId, to: PersonId, merge: Option<MergeId>) {
        self.pointers.push(Pointer {
            from,
            to,
            since: self.at,
            until: None,
            merge,
        });
    }

    /// Who a person was as at a moment.
    pub(super) fn who(&self, person: PersonId, at: i64) -> PersonId {
        let mut who = person;
        while let Some(next) = self.pointers.iter().find(|known| {
            known.from == who && known.since <= at && known.until.is_none_or(|until| until > at)
        }) {
            who = next.to;
        }
        who
    }

    /// To whom each record belongs now.
    pub(super) fn now(&self) -> BTreeMap<RecordNumber, PersonId> {
        let decided = self.decided.iter();
        decided
            .map(|(record, decided)| (*record, self.who(decided.person, self.at)))
            .collect()
    }

    pub(super) fn merge(&self, merge: MergeId) -> &Joined {
        &self.merges[&merge]
    }

    pub(super) fn decided(&self, record: RecordNumber) -> Option<Decided> {
        self.decided.get(&record).copied()
    }

    /// Records that the machine has decided on since for whoever the two had
    /// become: only these may go where evidence puts them.
    pub(super) fn undecided_without(&self, merge: MergeId) -> BTreeSet<RecordNumber> {
        let joined = &self.merges[&merge];
        let decided = self.decided.iter().filter(|(_, decided)| {
            !decided.by_human
                && decided.at > joined.at
                && decided.person == self.who(joined.retired, decided.at)
        });
        decided.map(|(record, _)| *record).collect()
    }
}
