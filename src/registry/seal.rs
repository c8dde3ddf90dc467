//! Seals: two identities that may not be seen together by anybody but a privacy
//! officer (R21, R22), or one that may not be seen at all (R134). A seal stands
//! stronger than a human's "different": the other side is no candidate, no question
//! and no name.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, PersonId, RecordNumber, SealId};
use crate::registry::{
    CloseReason, DropReason, MergeStatus, RegistryEvent, RegistryState, TaskKind,
};

/// A seal that holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealState {
    /// Records of the one identity.
    pub a: BTreeSet<RecordNumber>,
    /// Records of the other.
    pub b: BTreeSet<RecordNumber>,
    /// It has no other side: an objection keeps the identity from everybody (R134).
    pub whole: bool,
}

impl SealState {
    /// Whether it keeps these records from whoever has another number (R21).
    #[must_use]
    pub fn is_open_for(&self, records: &BTreeSet<RecordNumber>) -> bool {
        !self.whole && self.b.is_empty() && !self.a.is_disjoint(records)
    }

    /// Whether it hides whoever has these records (R134).
    #[must_use]
    pub fn hides(&self, records: &BTreeSet<RecordNumber>) -> bool {
        self.whole && !self.a.is_disjoint(records)
    }

    /// Whether it keeps these two groups of records apart.
    #[must_use]
    pub fn parts(&self, one: &BTreeSet<RecordNumber>, other: &BTreeSet<RecordNumber>) -> bool {
        let meets = |side: &BTreeSet<RecordNumber>, records: &BTreeSet<RecordNumber>| {
            !side.is_disjoint(records)
        };
        if self.whole {
            return (self.hides(one) || self.hides(other)) && one.is_disjoint(other);
        }
        (meets(&self.a, one) && meets(&self.b, other))
            || (meets(&self.a, other) && meets(&self.b, one))
    }
}

/// The seals that bear on some persons, for whoever answers about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seals {
    /// Seals that hold.
    pub seals: Vec<SealState>,
    /// Records of each person, by any id that it ever had.
    pub records: BTreeMap<PersonId, BTreeSet<RecordNumber>>,
}

impl Seals {
    /// Whether these two may not be seen together.
    #[must_use]
    pub fn part(&self, one: PersonId, other: PersonId) -> bool {
        let (Some(one), Some(other)) = (self.records.get(&one), self.records.get(&other)) else {
            return false;
        };
        self.seals.iter().any(|seal| seal.parts(one, other))
    }

    /// Whether an objection hides the person from everybody (R134).
    #[must_use]
    pub fn hide(&self, person: PersonId) -> bool {
        let records = self.records.get(&person);
        records.is_some_and(|records| self.seals.iter().any(|seal| seal.hides(records)))
    }

    /// Whether a seal names a record of the person.
    #[must_use]
    pub fn name(&self, person: PersonId) -> bool {
        let records = self.records.get(&person);
        let named = |seal: &SealState| {
            records.is_some_and(|own| !seal.a.is_disjoint(own) || !seal.b.is_disjoint(own))
        };
        self.seals.iter().any(named)
    }

    /// Whether a record that was the person's may not be shown as its any more: for
    /// an answer "as at", to which today's seals apply (R139).
    #[must_use]
    pub fn part_record(&self, person: PersonId, record: RecordNumber) -> bool {
        let alone = BTreeSet::from([record]);
        let own = self.records.get(&person);
        own.is_some_and(|own| self.seals.iter().any(|seal| seal.parts(own, &alone)))
    }

    /// Whether the person is sealed from whoever has another number (R21).
    #[must_use]
    pub fn is_open(&self, person: PersonId) -> bool {
        let records = self.records.get(&person);
        records.is_some_and(|records| self.seals.iter().any(|seal| seal.is_open_for(records)))
    }

    /// Whether something that names these persons and records names both sides of
    /// a seal.
    #[must_use]
    pub fn part_any(&self, persons: &[PersonId], records: &[RecordNumber]) -> bool {
        if self.seals.is_empty() {
            return false;
        }
        let named = persons.iter().filter_map(|person| self.records.get(person));
        let alone = records.iter().map(|record| BTreeSet::from([*record]));
        let groups: Vec<BTreeSet<RecordNumber>> = named.cloned().chain(alone).collect();
        let hidden = |group| self.seals.iter().any(|seal| seal.hides(group));
        if groups.iter().any(hidden) {
            return true;
        }
        let pairs = groups.iter().enumerate();
        pairs
            .flat_map(|(place, one)| groups.iter().skip(place + 1).map(move |other| (one, other)))
            .any(|(one, other)| {
                let parts = |seal: &SealState| {
                    let open = seal.is_open_for(one) || seal.is_open_for(other);
                    seal.parts(one, other) || (open && one.is_disjoint(other))
                };
                self.seals.iter().any(parts)
            })
    }
}

/// Why a seal is not made. For a privacy officer's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealRefusal {
    /// They are one person now.
    #[error("both sides are one person now; undo the merge or move the record first")]
    OnePerson,
    /// It is sealed.
    #[error("these two are sealed already")]
    Sealed,
    /// It is kept from everybody.
    #[error("an objection of this person holds already")]
    Objecting,
}

impl RegistryState {
    /// Whether a seal keeps these two groups of records apart.
    #[must_use]
    pub fn sealed(
        &self,
        one: &BTreeSet<RecordNumber>,
        other: &BTreeSet<RecordNumber>,
    ) -> Option<SealId> {
        let parting = self.seals.iter().find(|(_, seal)| seal.parts(one, other));
        parting.map(|(id, _)| *id)
    }

    /// Whether an objection hides whoever has these records (R134).
    #[must_use]
    pub fn hidden(&self, records: &BTreeSet<RecordNumber>) -> bool {
        self.seals.values().any(|seal| seal.hides(records))
    }

    /// The records by which seals know a person: its own, and withdrawn ones that were
    /// its. Only where the latter are loaded, which is where there are seals.
    #[must_use]
    pub fn sealable(&self, person: PersonId) -> BTreeSet<RecordNumber> {
        let known = self.persons.get(&person);
        let mut records = known.map_or_else(BTreeSet::new, |known| known.members.clone());
        if !self.seals.is_empty() {
            let left = self.withdrawn.iter();
            let left = left.filter(|(_, persons)| persons.contains(&person));
            records.extend(left.map(|(record, _)| *record));
        }
        records
    }

    pub(in crate::registry) fn apply_seal(
        &mut self,
        event: &RegistryEvent,
        position: EventPosition,
    ) {
        let touched = match event {
            RegistryEvent::SealMade {
                seal, a, b, whole, ..
            } => {
                let state = SealState {
                    a: a.iter().copied().collect(),
                    b: b.iter().copied().collect(),
                    whole: *whole,
                };
                self.seals.insert(*seal, state);
                self.seals.get(seal).cloned()
            }
            RegistryEvent::SealLifted { seal, .. } => self.seals.remove(seal),
            _ => None,
        };
        if let Some(state) = touched {
            for record in state.a.union(&state.b) {
                self.touch_person_of(*record, position);
            }
        }
    }
}

/// Seals two persons with these records beside their active ones, and closes what
/// is asked about the two.
///
/// # Errors
/// They are one person, or sealed already.
pub fn seal(
    state: &RegistryState,
    id: SealId,
    by: &str,
    (a, with_a): (PersonId, &[RecordNumber]),
    (b, with_b): (PersonId, &[RecordNumber]),
) -> Result<Vec<RegistryEvent>, SealRefusal> {
    let (one, other) = (side(state, a, with_a), side(state, b, with_b));
    if a == b || !one.is_disjoint(&other) {
        return Err(SealRefusal::OnePerson);
    }
    if state.sealed(&one, &other).is_some() {
        return Err(SealRefusal::Sealed);
    }
    let mut events = vec![RegistryEvent::SealMade {
        seal: id,
        a: one.into_iter().collect(),
        b: other.into_iter().collect(),
        by: by.to_owned(),
        whole: false,
    }];
    let of_one = state.tasks.of(a);
    let about_both = of_one.filter(|(_, task)| task.waits() && task.persons.contains(&b));
    events.extend(about_both.map(|(task, _)| RegistryEvent::TaskClosed {
        task: *task,
        because: CloseReason::Sealed,
    }));
    let of_both = state.merges.iter().filter(|(_, merge)| {
        merge.status == MergeStatus::AwaitingApproval
            && BTreeSet::from([merge.survivor, merge.retired]) == BTreeSet::from([a, b])
    });
    events.extend(of_both.map(|(merge, known)| RegistryEvent::MergeDropped {
        merge: *merge,
        survivor: known.survivor,
        retired: known.retired,
        by: by.to_owned(),
        because: DropReason::NoLongerPossible,
    }));
    Ok(events)
}

fn side(state: &RegistryState, person: PersonId, with: &[RecordNumber]) -> BTreeSet<RecordNumber> {
    let members = state.persons.get(&person).map(|state| &state.members);
    let mut records: BTreeSet<RecordNumber> = with.iter().copied().collect();
    records.extend(members.into_iter().flatten());
    records
}

/// Keeps a person, with these records beside its active ones, from everybody (R134).
/// What is asked about it waits unseen; a merge that waits for approval is dropped.
///
/// # Errors
/// An objection of it holds already.
pub fn object(
    state: &RegistryState,
    id: SealId,
    by: &str,
    (person, with): (PersonId, &[RecordNumber]),
) -> Result<Vec<RegistryEvent>, SealRefusal> {
    let records = side(state, person, with);
    if state.hidden(&records) {
        return Err(SealRefusal::Objecting);
    }
    let mut events = vec![RegistryEvent::SealMade {
        seal: id,
        a: records.into_iter().collect(),
        b: Vec::new(),
        by: by.to_owned(),
        whole: true,
    }];
    let approvals = state.open_tasks_of(person);
    let approvals = approvals.filter(|(_, task)| task.kind == TaskKind::MergeApproval);
    events.extend(approvals.map(|(task, _)| RegistryEvent::TaskClosed {
        task,
        because: CloseReason::Sealed,
    }));
    let waiting = state.merges.iter().filter(|(_, merge)| {
        merge.status == MergeStatus::AwaitingApproval
            && [merge.survivor, merge.retired].contains(&person)
    });
    events.extend(waiting.map(|(merge, known)| RegistryEvent::MergeDropped {
        merge: *merge,
        survivor: known.survivor,
        retired: known.retired,
        by: by.to_owned(),
        because: DropReason::NoLongerPossible,
    }));
    Ok(events)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{SealState, Seals};
    use crate::foundation::{Instant, PersonId, RecordNumber, SeededChance};

    #[test]
    fn r22_a_seal_parts_its_two_sides_and_nobody_else() {
        let chance = SeededChance::new(1);
        let [one, other, third] =
            [1, 2, 3].map(|at| PersonId::new(Instant::from_microseconds(at), &chance));
        let records = |numbers: &[i64]| -> BTreeSet<RecordNumber> {
            numbers.iter().copied().map(RecordNumber).collect()
        };
        let seals = Seals {
            seals: vec![SealState {
                a: records(&[1, 2]),
                b: records(&[5]),
                whole: false,
            }],
            records: BTreeMap::from([
                (one, records(&[2, 3])),
                (other, records(&[5])),
                (third, records(&[7])),
            ]),
        };
        assert!(seals.part(one, other) && seals.part(other, one));
        assert!(!seals.part(one, third) && !seals.part(one, one));
        assert!(seals.part_any(&[one, third, other], &[]));
        assert!(seals.part_any(&[one], &[RecordNumber(5)]), "an old event");
        assert!(
            seals.part_record(one, RecordNumber(5)),
            "as at a merged past"
        );
        assert!(!seals.part_record(one, RecordNumber(3)));
        assert!(!seals.part_any(&[other, third], &[RecordNumber(5)]));
        assert!(!Seals::default().part_any(&[one, other], &[]));
    }

    #[test]
    fn r134_an_objection_hides_one_identity_from_everybody() {
        let chance = SeededChance::new(1);
        let [one, other] = [1, 2].map(|at| PersonId::new(Instant::from_microseconds(at), &chance));
        let seals = Seals {
            seals: vec![SealState {
                a: BTreeSet::from([RecordNumber(1)]),
                b: BTreeSet::new(),
                whole: true,
            }],
            records: BTreeMap::from([
                (one, BTreeSet::from([RecordNumber(1), RecordNumber(2)])),
                (other, BTreeSet::from([RecordNumber(3)])),
            ]),
        };
        assert!(seals.hide(one) && !seals.hide(other));
        assert!(seals.part_any(&[one], &[]) && !seals.part_any(&[other], &[]));
        assert!(seals.part(one, other) && !seals.part(one, one));
        assert!(
            !seals.is_open(one),
            "whoever has another number is no matter"
        );
    }
}
