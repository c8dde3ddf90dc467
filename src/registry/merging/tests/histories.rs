//! Random histories against the independent model of the partition (I2, I5, I7,
//! I9). `PROPTEST_CASES` says how many.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::partition::Partition;
use super::{CAST, Ledger, Name, WAYS, name};
use crate::foundation::{AssertionId, MergeId, PersonId, RecordNumber};
use crate::registry::{
    AssertionKind, DeviationKind, MergeStatus, MoveTarget, PersonStatus, RecordStatus,
    RegistryState,
};

#[derive(Debug, Clone, Copy)]
enum Step {
    Register(u8, u8, u8),
    Withdraw(u8),
    Erase(u8),
    Merge(u8, u8),
    Undo(u8),
    Move(u8, u8),
    MoveOut(u8),
    MoveBack(u8),
    Say(u8, u8, bool),
    Unsay(u8),
    /// A message is sent again, at any later time.
    Replay(u8, u8),
    /// The service is killed while it decides on a message, or between two.
    Crash(u8, u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = any::<u8>;
    let step = prop_oneof![
        6 => (any(), any(), any()).prop_map(|(a, b, c)| Step::Register(a, b, c)),
        1 => any().prop_map(Step::Withdraw),
        1 => any().prop_map(Step::Erase),
        5 => (any(), any()).prop_map(|(a, b)| Step::Merge(a, b)),
        4 => any().prop_map(Step::Undo),
        2 => (any(), any()).prop_map(|(a, b)| Step::Move(a, b)),
        1 => any().prop_map(Step::MoveOut),
        1 => any().prop_map(Step::MoveBack),
        1 => (any(), any(), prop::bool::ANY).prop_map(|(a, b, same)| Step::Say(a, b, same)),
        1 => any().prop_map(Step::Unsay),
        2 => (any(), any()).prop_map(|(a, b)| Step::Replay(a, b)),
        2 => (any(), any(), any()).prop_map(|(a, b, c)| Step::Crash(a, b, c)),
    ];
    prop::collection::vec(step, 4..28)
}

/// One history as it unrolls, with the model beside it.
#[derive(Default)]
struct History {
    ledger: Ledger,
    partition: Partition,
    taken: usize,
    names: BTreeSet<Name>,
    merges: Vec<MergeId>,
    assertions: Vec<AssertionId>,
    moves: Vec<(Name, PersonId, Option<AssertionId>)>,
}

impl History {
    fn nth<T: Copy>(values: &[T], place: u8) -> Option<T> {
        values
            .get(usize::from(place) % values.len().max(1))
            .copied()
    }

    fn nth_name(&self, place: u8) -> Option<Name> {
        let names: Vec<&Name> = self.names.iter().collect();
        Self::nth(&names, place).cloned()
    }

    fn persons(&self) -> Vec<PersonId> {
        let active = self.ledger.state.persons.iter();
        active
            .filter(|(_, known)| known.status == PersonStatus::Active)
            .map(|(person, _)| *person)
            .collect()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Register(person, way, place) => {
                self.register(usize::from(person) % CAST.len(), way, place);
            }
            Step::Withdraw(place) => {
                if let Some(name) = self.nth_name(place) {
                    self.ledger.withdraw(&name);
                }
            }
            Step::Erase(place) => {
                if let Some(name) = self.nth_name(place) {
                    self.ledger.erase(&name);
                }
            }
            Step::Merge(a, b) => {
                let persons = self.persons();
                let pair = Self::nth(&persons, a).zip(Self::nth(&persons, b));
                if let Some((survivor, retired)) = pair
                    && let Ok(merge) = self.ledger.join(survivor, retired)
                {
                    self.merges.push(merge);
                }
            }
            Step::Undo(place) => {
                if let Some(merge) = Self::nth(&self.merges, place) {
                    self.undo(merge);
                }
            }
            Step::Move(place, to) => {
                let person = Self::nth(&self.persons(), to);
                if let Some((name, person)) = self.nth_name(place).zip(person) {
                    self.move_to(name, MoveTarget::Person(person));
                }
            }
            Step::MoveOut(place) => {
                if let Some(name) = self.nth_name(place) {
                    self.move_to(name, MoveTarget::New);
                }
            }
            Step::MoveBack(place) => {
                let count = self.moves.len().max(1);
                let moved = self.moves.get(usize::from(place) % count).cloned();
                if let Some((name, from, assertion)) = moved {
                    if let Some(assertion) = assertion {
                        let _ = self.ledger.unsay(assertion);
                    }
                    self.move_to(name, MoveTarget::Back(from));
                }
            }
            Step::Say(a, b, same) => {
                self.say(a, b, same);
            }
            Step::Unsay(place) => {
                if let Some(said) = Self::nth(&self.assertions, place) {
                    let _ = self.ledger.unsay(said);
                }
            }
            Step::Replay(place, way) => self.replay_message(place, way),
            Step::Crash(person, way, place) => self.crash(person, way, place),
        }
        self.follow();
        self.check();
    }

    /// Few names, so that records are sent again in other words.
    fn register(&mut self, person: usize, way: u8, place: u8) {
        let (person, name) = Self::addressed(person, place);
        self.names.insert(name.clone());
        let way = WAYS[usize::from(way) % WAYS.len()];
        self.ledger.register(&name, person, way);
    }

    fn say(&mut self, a: u8, b: u8, same: bool) {
        let kind = if same {
            AssertionKind::Same
        } else {
            AssertionKind::Different
        };
        if let Some((a, b)) = self.nth_name(a).zip(self.nth_name(b))
            && let Ok(said) = self.ledger.say(&a, &b, kind)
        {
            self.assertions.push(said.assertion);
        }
    }

    /// What says what the record says already is no news, as the service knows by its
    /// digest; anything else of the same person's is an ordinary update.
    fn replay_message(&mut self, place: u8, way: u8) {
        let Some(name) = self.nth_name(place) else {
            return;
        };
        let person = name.1.to_string();
        let person = person.split('-').next().and_then(|it| it.parse().ok());
        let person: usize = person.expect("names begin with their person");
        let way = WAYS[usize::from(way) % WAYS.len()];
        if !self.ledger.says(&name, person, way) {
            self.ledger.register(&name, person, way);
        }
    }

    /// Nothing of what was decided and not written is there, and all of the rest is.
    fn crash(&mut self, person: u8, way: u8, place: u8) {
        let before = self.ledger.state.clone();
        let (person, name) = Self::addressed(usize::from(person) % CAST.len(), place);
        if way.is_multiple_of(2) {
            self.ledger.crash();
        } else {
            let way = WAYS[usize::from(way) % WAYS.len()];
            self.ledger.register_and_crash(&name, person, way);
        }
        let state = &self.ledger.state;
        assert_eq!(state.records, before.records, "nothing is lost");
        assert_eq!(state.persons, before.persons);
        assert_eq!(state.tasks, before.tasks);
        assert_eq!(state.merges, before.merges);
        assert_eq!(state.assertions, before.assertions);
        assert!(
            state.standards == before.standards,
            "values are as they were"
        );
    }

    fn addressed(person: usize, place: u8) -> (usize, Name) {
        let source = ["gp", "pas"][usize::from(place % 2)];
        (person, name(source, &format!("{person}-{}", place % 3)))
    }

    fn move_to(&mut self, name: Name, to: MoveTarget) {
        if let Ok(moved) = self.ledger.move_to(&name, to) {
            self.moves.push((name, moved.from, moved.assertion));
        }
    }

    /// Gives the model what has happened.
    fn follow(&mut self) {
        for event in &self.ledger.events[self.taken..] {
            self.partition.take(event);
        }
        self.taken = self.ledger.events.len();
    }

    fn undo(&mut self, merge: MergeId) {
        let status = self.ledger.state.merges[&merge].status;
        let may_go = self.partition.undecided_without(merge);
        let undone = self.ledger.undo(merge);
        assert_eq!(undone.is_ok(), status == MergeStatus::Done, "it holds");
        let Ok(undone) = undone else { return };
        self.follow();
        let joined = self.partition.merge(merge);
        let now = self.partition.now();
        let moved: BTreeSet<RecordNumber> = undone.moved.iter().copied().collect();
        assert!(
            moved.is_subset(&may_go),
            "evidence places only what is open"
        );
        let restored: BTreeSet<RecordNumber> = undone.restored.iter().copied().collect();
        let back = now.iter().filter(|(_, person)| **person == joined.retired);
        let back: BTreeSet<RecordNumber> = back.map(|(record, _)| *record).collect();
        let both: BTreeSet<RecordNumber> = restored.union(&moved).copied().collect();
        assert_eq!(both, back, "the person has these and no others");
        // What is not as it was is said.
        let told: BTreeMap<_, DeviationKind> = undone
            .deviations
            .iter()
            .filter_map(|it| Some((it.record?, it.kind)))
            .collect();
        for (record, then) in &joined.found {
            let decided = self.partition.decided(*record);
            if decided != Some(*then) {
                assert!(
                    told.contains_key(record),
                    "{record:?} has changed: {told:?}"
                );
            }
        }
    }

    /// What must hold at any moment.
    fn check(&self) {
        let state = &self.ledger.state;
        let mut linked: BTreeMap<RecordNumber, PersonId> = BTreeMap::new();
        for record in state.records.values() {
            let active = record.status == RecordStatus::Active;
            assert_eq!(active, record.link.is_some(), "I2: {:?}", record.number);
            linked.extend(record.link.iter().map(|link| (record.number, link.person)));
        }
        assert_eq!(linked, self.partition.now(), "the partition");
        for (person, known) in &state.persons {
            let members = linked.iter().filter(|(_, owner)| *owner == person);
            let members: BTreeSet<RecordNumber> = members.map(|(record, _)| *record).collect();
            assert_eq!(members, known.members, "I2: {person}");
            let active = known.status == PersonStatus::Active;
            assert_eq!(active, !members.is_empty(), "I2: {person}");
            let survivor = state.survivor_of(*person).expect("it resolves");
            let status = state.persons[&survivor].status;
            assert!(
                !matches!(status, PersonStatus::Retired { .. }),
                "I2: {person}"
            );
            self.check_numbers(*person);
        }
        let held = state
            .assertions
            .values()
            .filter(|known| known.kind == AssertionKind::Different && !known.withdrawn);
        for said in held {
            let owners = |records: &BTreeSet<RecordNumber>| -> BTreeSet<PersonId> {
                records
                    .iter()
                    .filter_map(|it| linked.get(it).copied())
                    .collect()
            };
            assert!(owners(&said.a).is_disjoint(&owners(&said.b)), "I7");
        }
    }

    fn check_numbers(&self, person: PersonId) {
        let members = self.ledger.state.members(person);
        let claims = members.iter().filter_map(|it| it.standard.nhs_number);
        let verified = claims.filter(|claim| claim.status.is_verified());
        let numbers: BTreeSet<_> = verified.map(|claim| claim.number).collect();
        assert!(numbers.len() < 2, "I9: {person}");
    }

    /// A replay of the events gives the same state.
    fn replay(&self) {
        let mut again = RegistryState::default();
        for event in &self.ledger.events {
            again.apply(event);
        }
        let state = &self.ledger.state;
        assert_eq!(again.records, state.records);
        assert_eq!(again.persons, state.persons);
        assert_eq!(again.tasks, state.tasks);
        assert_eq!(again.merges, state.merges);
        assert_eq!(again.assertions, state.assertions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn i5_any_history_gives_the_partition_that_its_standing_decisions_make(steps in steps()) {
        let mut history = History::default();
        for step in steps {
            history.step(step);
        }
        history.replay();
    }
}
