//! Who a record may belong to, inside the commit: persons that were scored
//! before it and still stand as they were, persons that have changed since, and
//! persons of records that are younger than the index.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::foundation::limits::POSSIBLE_PERSONS_MAX;
use crate::foundation::{PersonId, RecordNumber};
use crate::identity::StandardRecord;
use crate::matching::{Grade, IdentityScore, LinkageModel, Reason};
use crate::registry::supersession::resolved;
use crate::registry::{
    Member, NumberHash, OtherPerson, PersonStatus, PreparedPerson, Registration, RegistryState,
    Replacements, carried_number, live_number, number_hash,
};

/// A candidate with the members that it was scored against.
pub(super) struct Scored {
    pub(super) person: PersonId,
    pub(super) members: Vec<Member>,
    pub(super) score: IdentityScore,
}

/// Who a record may belong to.
#[derive(Default)]
pub(super) struct Candidates {
    /// Best first.
    pub(super) seen: Vec<Scored>,
    /// Those who object to being seen: they are in the way and joined by nobody (R134).
    pub(super) opaque: Vec<Scored>,
}

/// Persons that the index found and persons of records that came since,
/// best first; re-scored where the person has changed.
pub(super) fn candidates(
    state: &RegistryState,
    model: &LinkageModel,
    registration: &Registration,
    record: RecordNumber,
    standard: &Arc<StandardRecord>,
) -> Candidates {
    let numbers = state.replacements_with(registration);
    let mut prepared: BTreeMap<PersonId, &PreparedPerson> = BTreeMap::new();
    let mut known: BTreeMap<RecordNumber, &Member> = BTreeMap::new();
    let mut persons = BTreeSet::new();
    for person in &registration.prepared {
        known.extend(person.members.iter().map(|member| (member.record, member)));
        prepared.insert(person.person, person);
        persons.extend(resolve(state, person.person));
    }
    let recent = registration.lock_hashes.iter();
    for number in recent
        .filter_map(|hash| state.recent_keys.get(hash))
        .flatten()
    {
        let link = state
            .records
            .get(number)
            .and_then(|state| state.link.as_ref());
        persons.extend(link.map(|link| link.person));
    }
    let mut scored: Vec<Scored> = persons
        .into_iter()
        .filter_map(|person| {
            let revision = state.persons.get(&person)?.revision;
            let stands = |prepared: &&&PreparedPerson| {
                prepared.revision == revision
                    && prepared
                        .members
                        .iter()
                        .all(|member| member.record != record)
                    && numbers_stand(registration, &numbers, &prepared.members)
            };
            if let Some(prepared) = prepared.get(&person).filter(stands)
                && Arc::ptr_eq(standard, &registration.standard)
            {
                return Some(Scored {
                    person,
                    members: resolved(&numbers, standard, prepared.members.clone()),
                    score: prepared.score.clone(),
                });
            }
            let members = members_without(state, person, record, &known);
            if members.is_empty() {
                return None;
            }
            let members = resolved(&numbers, standard, members);
            let values: Vec<&StandardRecord> = members
                .iter()
                .map(|member| member.standard.as_ref())
                .collect();
            let score = model.score(standard, &values);
            Some(Scored {
                person,
                members,
                score,
            })
        })
        .filter(|scored| !scored.members.is_empty())
        .collect();
    scored.sort_by(|a, b| {
        b.score
            .weight
            .bits()
            .total_cmp(&a.score.weight.bits())
            .then(a.person.cmp(&b.person))
    });
    unsealed(state, registration, record, scored)
}

/// Somebody as seals see it.
struct Sealable {
    records: BTreeSet<RecordNumber>,
    numbers: BTreeSet<NumberHash>,
    /// Its number is invalid and nothing has replaced it (R21).
    open: bool,
    /// It objects to being seen (R134).
    hidden: bool,
}

impl Sealable {
    fn of(state: &RegistryState, scored: &Scored) -> Self {
        let records = state.sealable(scored.person);
        let numbers = scored.members.iter();
        Self {
            open: state.seals.values().any(|seal| seal.is_open_for(&records)),
            hidden: state.hidden(&records),
            numbers: numbers
                .filter_map(|member| carried_number(&member.standard))
                .collect(),
            records,
        }
    }

    fn is_sealed_from(&self, other: &Self, state: &RegistryState) -> bool {
        let another = |numbers: &BTreeSet<NumberHash>| {
            !numbers.is_empty() && self.numbers.is_disjoint(&other.numbers)
        };
        (self.open && another(&other.numbers))
            || (other.open && another(&self.numbers))
            || state.sealed(&self.records, &other.records).is_some()
    }
}

/// Without those whom a seal keeps from the record's own person, or from a better
/// one: no link, no candidate, no question (R21, R22). Those who object stand by
/// themselves; who is one of them oneself is compared with nobody.
fn unsealed(
    state: &RegistryState,
    registration: &Registration,
    record: RecordNumber,
    scored: Vec<Scored>,
) -> Candidates {
    let mut scored = scored;
    let mut opaque = Vec::new();
    if state.seals.is_empty() && registration.invalidated.is_none() {
        return Candidates {
            seen: scored,
            opaque,
        };
    }
    let link = state.records.get(&record).and_then(|it| it.link.as_ref());
    let mut records = link.map_or_else(BTreeSet::new, |link| state.sealable(link.person));
    records.insert(record);
    let standards = records.iter().filter_map(|it| state.standards.get(it));
    let mut numbers: BTreeSet<NumberHash> = standards.filter_map(|it| carried_number(it)).collect();
    numbers.extend(carried_number(&registration.standard));
    numbers.extend(registration.invalidated);
    let sealed = state.seals.values().any(|seal| seal.is_open_for(&records));
    let objects = state.hidden(&records);
    let own = Sealable {
        hidden: objects,
        open: sealed || registration.invalidated.is_some(),
        records,
        numbers,
    };
    let own_person = link.map(|link| link.person);
    let mut seen = vec![own];
    let mut kept = Vec::with_capacity(scored.len());
    for scored in scored.drain(..) {
        if Some(scored.person) == own_person {
            kept.push(scored);
            continue;
        }
        let theirs = Sealable::of(state, &scored);
        if theirs.hidden {
            opaque.extend((!objects).then_some(scored));
            continue;
        }
        let parted = seen.iter().any(|one| one.is_sealed_from(&theirs, state));
        if !parted {
            seen.push(theirs);
            kept.push(scored);
        }
    }
    Candidates { seen: kept, opaque }
}

/// Whether the numbers of these members stand for what they did when the person
/// was scored.
fn numbers_stand(registration: &Registration, numbers: &Replacements, members: &[Member]) -> bool {
    let then = &registration.replacements;
    // Most ledgers know of no replaced number, and then none is hashed.
    if then == numbers {
        return true;
    }
    let own = std::iter::once(registration.standard.as_ref());
    own.chain(members.iter().map(|member| member.standard.as_ref()))
        .filter_map(|standard| standard.nhs_number)
        .map(|claim| number_hash(claim.number))
        .all(|number| live_number(then, number) == live_number(numbers, number))
}

fn resolve(state: &RegistryState, person: PersonId) -> Option<PersonId> {
    let mut at = person;
    // A chain is as long as a person's merges; more is a fault that `verify` reports.
    for _ in 0..=state.persons.len() {
        match state.persons.get(&at)?.status {
            PersonStatus::Active => return Some(at),
            PersonStatus::Retired { replaced_by } => at = replaced_by,
            PersonStatus::Withdrawn => return None,
        }
    }
    None
}

fn members_without(
    state: &RegistryState,
    person: PersonId,
    record: RecordNumber,
    known: &BTreeMap<RecordNumber, &Member>,
) -> Vec<Member> {
    let Some(own) = state.persons.get(&person) else {
        return Vec::new();
    };
    let others = own.members.iter().filter(|member| **member != record);
    others
        .filter_map(|number| match state.standards.get(number) {
            Some(standard) => Some(Member {
                record: *number,
                version: state.records.get(number)?.current.version,
                standard: Arc::clone(standard),
            }),
            // Loaded without values: it was erased since it was looked up.
            None if state.records.contains_key(number) => None,
            None => known.get(number).map(|member| (*member).clone()),
        })
        .collect()
}

/// Candidates that an answer names beside the person that was linked.
pub(super) fn possible(
    model: &LinkageModel,
    candidates: &[&Scored],
    graded: &[(Grade, Vec<Reason>)],
    linked: Option<PersonId>,
) -> Vec<OtherPerson> {
    let listed = candidates
        .iter()
        .zip(graded)
        .filter(|(scored, (grade, _))| *grade != Grade::Unlikely && Some(scored.person) != linked);
    listed
        .take(POSSIBLE_PERSONS_MAX)
        .map(|(scored, (grade, _))| OtherPerson {
            person_id: scored.person,
            grade: *grade,
            weight_bits: scored.score.weight.bits(),
            probability: model.probability(scored.score.weight).value(),
        })
        .collect()
}
