//! Which NHS number is said to be replaced by which (R16–R18). Numbers stand as
//! hashes. A statement that makes a circle or a fork is not taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::identity::{Namespace, NhsNumber, NhsNumberClaim, StandardRecord};
use crate::matching::number_key;
use crate::registry::{Member, NumberHash, Registration, RegistryEvent, RegistryState};

/// What one message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The number that no longer stands.
    pub replaced: NumberHash,
    /// The number that stands for it.
    pub replaced_by: NumberHash,
}

impl RegistryState {
    /// Whether the statement contradicts those that are known: it closes a
    /// circle, or gives a number a second successor that neither leads to the
    /// first nor follows from it.
    #[must_use]
    pub fn contradicts_supersession(&self, said: Replacement) -> bool {
        let after = self.successors(said.replaced_by);
        if after.contains(&said.replaced) {
            return true;
        }
        let known = self.replacements.get(&said.replaced);
        known.into_iter().flatten().any(|successor| {
            *successor != said.replaced_by
                && !after.contains(successor)
                && !self.successors(*successor).contains(&said.replaced_by)
        })
    }

    /// Whether the statement is known already.
    #[must_use]
    pub fn knows_replacement(&self, said: Replacement) -> bool {
        let known = self.replacements.get(&said.replaced);
        known.is_some_and(|known| known.contains(&said.replaced_by))
    }

    /// Takes a statement into the state.
    pub(super) fn apply_replacement(&mut self, event: &RegistryEvent) {
        if let RegistryEvent::NumberReplaced {
            replaced,
            replaced_by,
            ..
        } = event
        {
            let known = self.replacements.entry(*replaced).or_default();
            known.insert(*replaced_by);
        }
    }

    /// All numbers that a chain from this one leads to.
    fn successors(&self, number: NumberHash) -> BTreeSet<NumberHash> {
        successors(&self.replacements, number)
    }
}

impl RegistryState {
    /// Which number is replaced by which, with what the message itself says.
    pub(super) fn replacements_with(&self, registration: &Registration) -> Replacements {
        let mut known = self.replacements.clone();
        if let Some(said) = registration.replacement
            && !self.contradicts_supersession(said)
        {
            known
                .entry(said.replaced)
                .or_default()
                .insert(said.replaced_by);
        }
        known
    }
}

impl RegistryState {
    /// Whether these would hold two different verified numbers of one namespace that
    /// both stand: of a number and the one that replaces it only the latter does
    /// (R15, R16). Only where the chains of their numbers are loaded.
    #[must_use]
    pub fn have_two_live_numbers<'m>(&self, members: impl IntoIterator<Item = &'m Member>) -> bool {
        let mut standing: BTreeMap<Namespace, BTreeSet<NumberHash>> = BTreeMap::new();
        for member in members {
            let claim = member.standard.nhs_number;
            if let Some(claim) = claim.filter(|claim| claim.status.is_verified()) {
                let own = number_hash(claim.number);
                let live = live_number(&self.replacements, own).unwrap_or(own);
                let namespace = claim.number.namespace();
                standing.entry(namespace).or_default().insert(live);
            }
        }
        standing.values().any(|numbers| numbers.len() > 1)
    }
}

/// The members as they are compared: with the numbers that stand (R16).
pub(super) fn resolved(
    numbers: &Replacements,
    record: &StandardRecord,
    members: Vec<Member>,
) -> Vec<Member> {
    if numbers.is_empty() {
        return members;
    }
    let all = members.iter().map(|member| Arc::clone(&member.standard));
    let all: Vec<Arc<StandardRecord>> = all.collect();
    let live = LiveNumbers::of(numbers, record, &all);
    let members = members.into_iter().map(|member| Member {
        standard: live.resolve(&member.standard),
        ..member
    });
    members.collect()
}

/// Which number is replaced by which.
pub type Replacements = BTreeMap<NumberHash, BTreeSet<NumberHash>>;

fn successors(replacements: &Replacements, number: NumberHash) -> BTreeSet<NumberHash> {
    let mut found = BTreeSet::new();
    let mut open = vec![number];
    while let Some(next) = open.pop() {
        for successor in replacements.get(&next).into_iter().flatten() {
            if found.insert(*successor) {
                open.push(*successor);
            }
        }
    }
    found
}

/// The number that stands for this one: the end of its chain, itself when nothing
/// replaces it (R16). `None` when the chain has no single end, which no statement
/// that was taken can bring about (R18).
#[must_use]
pub fn live_number(replacements: &Replacements, number: NumberHash) -> Option<NumberHash> {
    if !replacements.contains_key(&number) {
        return Some(number);
    }
    let successors = successors(replacements, number);
    let mut ends = successors
        .into_iter()
        .filter(|successor| !replacements.contains_key(successor));
    let end = ends.next();
    end.filter(|_| ends.next().is_none())
}

/// Records side by side with the numbers that stand (R16): a record whose number
/// is replaced is compared as if it had the one that stands for it. For
/// comparing alone; what is shown and stored is what was sent (R17).
pub struct LiveNumbers<'a> {
    replacements: &'a Replacements,
    /// One number for each that stands.
    shown: BTreeMap<NumberHash, NhsNumber>,
}

impl<'a> LiveNumbers<'a> {
    /// Of numbers that stand for one another the record's own is taken, else the
    /// lowest of the members'.
    #[must_use]
    pub fn of(
        replacements: &'a Replacements,
        record: &StandardRecord,
        members: &[Arc<StandardRecord>],
    ) -> Self {
        let mut shown = BTreeMap::new();
        if !replacements.is_empty() {
            let mut numbers: Vec<NhsNumber> = members.iter().filter_map(|it| number(it)).collect();
            numbers.sort_unstable();
            for number in number(record).into_iter().chain(numbers) {
                let live = live_number(replacements, number_hash(number));
                if let Some(live) = live {
                    shown.entry(live).or_insert(number);
                }
            }
        }
        Self {
            replacements,
            shown,
        }
    }

    /// The record as it is compared.
    #[must_use]
    pub fn resolve(&self, record: &Arc<StandardRecord>) -> Arc<StandardRecord> {
        let claim = record.nhs_number.filter(|_| !self.shown.is_empty());
        let live = claim.and_then(|it| live_number(self.replacements, number_hash(it.number)));
        let shown = live.and_then(|live| self.shown.get(&live));
        match (claim, shown) {
            (Some(claim), Some(shown)) if claim.number != *shown => Arc::new(StandardRecord {
                nhs_number: Some(NhsNumberClaim {
                    number: *shown,
                    ..claim
                }),
                ..record.as_ref().clone()
            }),
            _ => Arc::clone(record),
        }
    }
}

fn number(record: &StandardRecord) -> Option<NhsNumber> {
    record.nhs_number.map(|claim| claim.number)
}

/// The hash of a number, as events and keys have it.
#[must_use]
pub fn number_hash(number: NhsNumber) -> NumberHash {
    NumberHash(number_key(number))
}

#[cfg(test)]
mod tests {
    use super::{Replacement, live_number};
    use crate::registry::{NumberHash, RegistryState};

    fn said(replaced: u64, replaced_by: u64) -> Replacement {
        Replacement {
            replaced: NumberHash(replaced),
            replaced_by: NumberHash(replaced_by),
        }
    }

    fn knowing(chain: &[(u64, u64)]) -> RegistryState {
        let mut state = RegistryState::default();
        for (replaced, by) in chain {
            let successors = state.replacements.entry(NumberHash(*replaced));
            successors.or_default().insert(NumberHash(*by));
        }
        state
    }

    #[test]
    fn r16_a_chain_leads_to_the_number_that_stands() {
        let chain = knowing(&[(18, 26), (26, 34), (18, 34)]).replacements;
        for number in [18, 26, 34] {
            assert_eq!(
                live_number(&chain, NumberHash(number)),
                Some(NumberHash(34))
            );
        }
        assert_eq!(live_number(&chain, NumberHash(42)), Some(NumberHash(42)));
        let fork = knowing(&[(18, 26), (18, 34)]).replacements;
        assert_eq!(live_number(&fork, NumberHash(18)), None);
    }

    #[test]
    fn r18_a_circle_is_refused() {
        assert!(knowing(&[(18, 26)]).contradicts_supersession(said(26, 18)));
        assert!(knowing(&[(18, 26), (26, 34)]).contradicts_supersession(said(34, 18)));
    }

    #[test]
    fn r18_a_fork_is_refused() {
        assert!(knowing(&[(18, 26)]).contradicts_supersession(said(18, 34)));
    }

    #[test]
    fn r16_a_chain_and_its_short_form_are_taken() {
        let chain = knowing(&[(18, 26), (26, 34)]);
        assert!(!chain.contradicts_supersession(said(18, 34)));
        assert!(!chain.contradicts_supersession(said(34, 42)));
        assert!(!chain.contradicts_supersession(said(18, 26)));
        assert!(
            !chain.contradicts_supersession(said(50, 26)),
            "two may become one"
        );
    }
}
