//! Persons by the decision table of the service: every record, in the order of
//! ids, is decided against the persons of the records before it, as if each
//! had been registered. Records that met nobody worth a look stand alone.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::bulk::groups::Sets;
use crate::bulk::records::BulkRecords;
use crate::bulk::scoring::Edge;
use crate::foundation::limits::REVIEW_TASKS_PER_RECORD_MAX;
use crate::foundation::{Chance, Instant, PersonId};
use crate::identity::{NhsNumber, StandardRecord};
use crate::matching::{Candidate, Decision, LinkageModel, Reason, decide};

/// Person of each record, named by its first record.
pub(super) fn settle(records: &BulkRecords, model: &LinkageModel, edges: &[Edge]) -> Vec<u32> {
    let count = records.len();
    let mut sets = Sets::new(count);
    for edge in edges {
        sets.join(edge.a, edge.b);
    }
    let mut near: BTreeMap<u32, Component> = BTreeMap::new();
    for edge in edges {
        let component = near.entry(sets.find(edge.a)).or_default();
        component.members.extend([edge.a, edge.b]);
        component.earlier.entry(edge.b).or_default().push(edge.a);
    }
    let mut person: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
    let components: Vec<Component> = near.into_values().collect();
    let settled: Vec<Vec<(u32, u32)>> = components
        .par_iter()
        .map(|component| component.settle(records, model))
        .collect();
    for (record, first) in settled.into_iter().flatten() {
        person[record as usize] = first;
    }
    person
}

/// Records that met, directly or through others.
#[derive(Default)]
struct Component {
    members: BTreeSet<u32>,
    /// Earlier records that a record met.
    earlier: BTreeMap<u32, Vec<u32>>,
}

/// The persons of a component on their way.
#[derive(Default)]
struct Persons {
    members: Vec<Vec<u32>>,
    ids: Vec<PersonId>,
    numbers: BTreeMap<NhsNumber, BTreeSet<usize>>,
    duplicates: BTreeSet<(usize, usize)>,
    /// Persons of whom a question asks whether their number is confused.
    confused: BTreeSet<usize>,
}

impl Component {
    fn settle(&self, records: &BulkRecords, model: &LinkageModel) -> Vec<(u32, u32)> {
        let standard: BTreeMap<u32, StandardRecord> = self
            .members
            .iter()
            .map(|record| (*record, records.standard(*record)))
            .collect();
        let mut persons = Persons::default();
        let mut person_of: BTreeMap<u32, usize> = BTreeMap::new();
        for record in &self.members {
            let found: BTreeSet<usize> = self
                .earlier
                .get(record)
                .into_iter()
                .flatten()
                .filter_map(|other| person_of.get(other).copied())
                .collect();
            let place = persons.place(model, &standard, *record, &found);
            persons.members[place].push(*record);
            let claim = standard[record].nhs_number;
            if let Some(claim) = claim.filter(|claim| claim.status.is_verified()) {
                persons
                    .numbers
                    .entry(claim.number)
                    .or_default()
                    .insert(place);
            }
            person_of.insert(*record, place);
        }
        person_of
            .into_iter()
            .map(|(record, place)| (record, persons.members[place][0]))
            .collect()
    }
}

impl Persons {
    /// The person whom a record joins, or a new one.
    fn place(
        &mut self,
        model: &LinkageModel,
        standard: &BTreeMap<u32, StandardRecord>,
        record: u32,
        found: &BTreeSet<usize>,
    ) -> usize {
        let sent = &standard[&record];
        let candidates: Vec<Candidate<'_>> = found
            .iter()
            .map(|place| {
                let members: Vec<&StandardRecord> = self.members[*place]
                    .iter()
                    .map(|member| &standard[member])
                    .collect();
                Candidate {
                    person: self.ids[*place],
                    score: model.score(sent, &members),
                    members,
                    asserted_different: false,
                    open_duplicate_of: self.duplicates_of(*place, found),
                    number_confused: self.is_confused(*place, sent),
                }
            })
            .collect();
        let (decision, _) = decide(model, sent, &candidates);
        let at = |person: PersonId| self.ids.iter().position(|known| *known == person);
        match decision {
            Decision::Link { person, .. } => at(person).unwrap_or_else(|| self.add()),
            Decision::Review { persons } => {
                let others: Vec<(usize, bool)> = persons
                    .iter()
                    .take(REVIEW_TASKS_PER_RECORD_MAX)
                    .filter_map(|(person, _, reasons)| Some((at(*person)?, confuses(reasons))))
                    .collect();
                let own = self.add();
                for (other, confused) in others {
                    self.duplicates.insert((other, own));
                    if confused {
                        self.confused.extend([other, own]);
                    }
                }
                own
            }
            Decision::NewPerson => self.add(),
        }
    }

    fn add(&mut self) -> usize {
        let place = self.members.len();
        let at = i64::try_from(place).unwrap_or(i64::MAX / 1_000) * 1_000;
        self.members.push(Vec::new());
        self.ids
            .push(PersonId::new(Instant::from_microseconds(at), &NoChance));
        place
    }

    fn duplicates_of(&self, place: usize, found: &BTreeSet<usize>) -> Vec<PersonId> {
        found
            .iter()
            .filter(|other| {
                let pair = (place.min(**other), place.max(**other));
                self.duplicates.contains(&pair)
            })
            .map(|other| self.ids[*other])
            .collect()
    }

    /// A number that two persons claim as verified, or that is under suspicion, anchors
    /// nothing (R11, R19).
    fn is_confused(&self, place: usize, sent: &StandardRecord) -> bool {
        let claim = sent.nhs_number.filter(|claim| claim.status.is_verified());
        let claimed = claim.and_then(|claim| self.numbers.get(&claim.number));
        self.confused.contains(&place)
            || claimed.is_some_and(|claimed| claimed.len() > 1 && claimed.contains(&place))
    }
}

/// Whether the question that these reasons raise is one of a confused number.
fn confuses(reasons: &[Reason]) -> bool {
    let two_numbers = reasons.contains(&Reason::TwoVerifiedNumbers);
    !two_numbers && reasons.iter().any(|reason| reason.suspects_confusion())
}

/// Ids inside a run need no chance: they differ by their time.
struct NoChance;

impl Chance for NoChance {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
