//! Joining and parting on a state that holds everything: no store, no index.

mod histories;
mod partition;
mod stories;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::foundation::{AssertionId, Instant, MergeId, PersonId, RecordNumber, SeededChance};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedRecord, standardise,
};
use crate::matching::{LinkageModel, blocking_keys};
use crate::registry::{
    AssertionAnswer, AssertionCommand, AssertionKind, LocalId, MergeAnswer, MergeCommand,
    MergeRefusal, MoveAnswer, MoveCommand, MoveTarget, Numbering, RecordStatus, Refused,
    Registration, RegistrationAnswer, RegistryEvent, RegistryState, SourceCode, UndoAnswer,
    approve_merge, assert_records, erase, merge_persons, move_record, register, undo_merge,
    withdraw, withdraw_assertion,
};

static MODEL: LazyLock<LinkageModel> = LazyLock::new(LinkageModel::uk_care);

/// What a record says: somebody of the cast, in one of these ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// All that there is, with a verified number where the person has one.
    Whole,
    /// The same without a number.
    WithoutNumber,
    /// Name, birth date and nothing else.
    Bare,
    /// From another address and with a slip in the given name.
    Elsewhere,
}

const WAYS: [Way; 4] = [Way::Whole, Way::WithoutNumber, Way::Bare, Way::Elsewhere];

/// One of the cast.
struct Somebody {
    given: &'static str,
    family: &'static str,
    birth: &'static str,
    gender: &'static str,
    /// A number with its status.
    number: Option<(&'static str, &'static str)>,
}

/// Twin sisters of whom one has an untraced number, father and son of one name,
/// a child, two strangers, and a name that many have.
const CAST: [Somebody; 8] = [
    somebody(
        "Rosalind",
        "Applethwaite",
        "1980-05-12",
        "female",
        Some(("9990000042", "02")),
    ),
    somebody("Beatrix", "Applethwaite", "1980-05-12", "female", None),
    somebody(
        "Gethin",
        "Llewellyn",
        "1951-02-03",
        "male",
        Some(("9990000018", "01")),
    ),
    somebody(
        "Gethin",
        "Llewellyn",
        "1984-11-27",
        "male",
        Some(("9990000026", "01")),
    ),
    somebody("Tamsin", "Quibell", "2022-09-30", "female", None),
    somebody("Oluwaseun", "Adebayo-Hartley", "1969-08-08", "male", None),
    somebody(
        "Marguerite",
        "Vandersteen",
        "1933-01-29",
        "female",
        Some(("9990000034", "01")),
    ),
    somebody("John", "Smith", "1961-03-04", "male", None),
];

const fn somebody(
    given: &'static str,
    family: &'static str,
    birth: &'static str,
    gender: &'static str,
    number: Option<(&'static str, &'static str)>,
) -> Somebody {
    Somebody {
        given,
        family,
        birth,
        gender,
        number,
    }
}

fn standard(person: usize, way: Way) -> StandardRecord {
    let known = &CAST[person];
    let given = if way == Way::Elsewhere {
        format!("{}e", known.given)
    } else {
        known.given.to_owned()
    };
    let address = match way {
        Way::Whole | Way::WithoutNumber => Some(("3 Elsewhere Road", "LS6 2AB")),
        Way::Elsewhere => Some(("77 Harbour Rise", "LS11 9QT")),
        Way::Bare => None,
    };
    let number = known.number.filter(|_| way == Way::Whole);
    let submitted = SubmittedRecord {
        nhs_number: number.map(|(digits, _)| digits.to_owned()),
        nhs_number_status: number.map(|(_, status)| status.to_owned()),
        given_names: vec![given],
        family_name: Some(known.family.to_owned()),
        birth_date: Some(known.birth.to_owned()),
        gender: Some(known.gender.to_owned()),
        phones: address
            .map(|_| format!("07700 90010{person}"))
            .into_iter()
            .collect(),
        addresses: address
            .map(|(line, postcode)| SubmittedAddress {
                lines: vec![line.to_owned()],
                postcode: Some(postcode.to_owned()),
                ..SubmittedAddress::default()
            })
            .into_iter()
            .collect(),
        ..SubmittedRecord::default()
    };
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a day"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    standardise(&submitted, &options).0
}

static STANDARDS: LazyLock<Vec<Vec<Arc<StandardRecord>>>> = LazyLock::new(|| {
    let person = |person| WAYS.map(|way| Arc::new(standard(person, way))).to_vec();
    (0..CAST.len()).map(person).collect()
});

type Name = (SourceCode, LocalId);

fn name(source: &str, local_id: &str) -> Name {
    let source = SourceCode::parse(source).expect("a source code");
    (source, LocalId::parse(local_id).expect("a local id"))
}

/// A ledger in memory: commands are decided and their events taken, as a commit
/// does.
#[derive(Default)]
struct Ledger {
    state: RegistryState,
    events: Vec<RegistryEvent>,
    seed: u64,
    /// What lies beside the events: the values of records, until they are erased.
    payloads: BTreeMap<RecordNumber, Arc<StandardRecord>>,
}

impl Ledger {
    /// Everything in memory is lost; what is durable is read again.
    fn crash(&mut self) {
        let mut state = RegistryState::default();
        for event in &self.events {
            state.apply(event);
        }
        for (record, standard) in &self.payloads {
            state.standards.insert(*record, Arc::clone(standard));
            for key in &blocking_keys(standard).stored {
                let known = state.recent_keys.entry(key.hash).or_default();
                known.insert(*record);
            }
        }
        self.state = state;
    }

    fn take(&mut self, events: &[RegistryEvent]) {
        for event in events {
            self.state.apply(event);
        }
        self.events.extend_from_slice(events);
    }

    fn decide<T>(&mut self, command: impl FnOnce(&RegistryState, &Numbering<'_>) -> T) -> T {
        self.seed += 1;
        let chance = SeededChance::new(self.seed);
        let numbering = Numbering {
            // In 2026; a millisecond passes with each command.
            now: Instant::from_microseconds(
                1_780_000_000_000_000 + 1_000 * self.seed.cast_signed(),
            ),
            chance: &chance,
        };
        command(&self.state, &numbering)
    }

    fn refuse(&mut self, refused: Refused) -> MergeRefusal {
        self.take(&refused.events);
        refused.refusal
    }

    fn register(&mut self, name: &Name, person: usize, way: Way) -> RegistrationAnswer {
        let registration = Self::message(name, person, way);
        let change =
            self.decide(|state, numbering| register(state, &MODEL, numbering, &registration));
        self.take(&change.events);
        let registered = change.answer;
        if let Some(remembered) = registered.remembered {
            for key in &blocking_keys(&remembered).stored {
                let known = self.state.recent_keys.entry(key.hash).or_default();
                known.insert(registered.record);
            }
            self.payloads
                .insert(registered.record, Arc::clone(&remembered));
            self.state.standards.insert(registered.record, remembered);
        }
        registered.answer
    }

    /// Decides on a message and is killed before anything is written.
    fn register_and_crash(&mut self, name: &Name, person: usize, way: Way) {
        let registration = Self::message(name, person, way);
        self.decide(|state, numbering| register(state, &MODEL, numbering, &registration));
        self.crash();
    }

    /// Whether the record says this already: then the message changes nothing.
    fn says(&self, name: &Name, person: usize, way: Way) -> bool {
        let known = self.state.record(&name.0, &name.1);
        known.is_some_and(|known| {
            known.status == RecordStatus::Active
                && known.current.digest == Self::message(name, person, way).digest
        })
    }

    fn message(name: &Name, person: usize, way: Way) -> Registration {
        let standard = Arc::clone(&STANDARDS[person][way as usize]);
        Registration {
            source: name.0.clone(),
            local_id: name.1.clone(),
            digest: format!("{person} {way:?}"),
            effective_at: None,
            lock_hashes: blocking_keys(&standard).lock_hashes(),
            standard,
            findings: Vec::new(),
            prepared: Vec::new(),
            complete: true,
            replacement: None,
            invalidated: None,
            replacements: crate::registry::Replacements::default(),
        }
    }

    fn withdraw(&mut self, name: &Name) -> bool {
        let change = withdraw(&self.state, &name.0, &name.1);
        let events = change.map(|change| change.events).unwrap_or_default();
        self.take(&events);
        !events.is_empty()
    }

    /// Destroys the values of a record.
    fn erase(&mut self, name: &Name) {
        if let Ok(change) = erase(&self.state, &name.0, &name.1) {
            self.take(&change.events);
            self.payloads.remove(&self.number(name));
        }
    }

    fn merge(
        &mut self,
        survivor: PersonId,
        retired: PersonId,
    ) -> Result<MergeAnswer, MergeRefusal> {
        let command = MergeCommand {
            survivor,
            retired,
            by: "steward".to_owned(),
            restricted: false,
        };
        let change =
            self.decide(|state, numbering| merge_persons(state, &MODEL, numbering, &command));
        let change = change.map_err(|refused| self.refuse(refused))?;
        self.take(&change.events);
        Ok(change.answer)
    }

    fn approve(&mut self, merge: MergeId, by: &str) -> Result<MergeAnswer, MergeRefusal> {
        let change =
            self.decide(|state, numbering| approve_merge(state, &MODEL, numbering, merge, by));
        let change = change.map_err(|refused| self.refuse(refused))?;
        self.take(&change.events);
        Ok(change.answer)
    }

    /// Merges, with the second human's consent where it takes one.
    fn join(&mut self, survivor: PersonId, retired: PersonId) -> Result<MergeId, MergeRefusal> {
        let asked = self.merge(survivor, retired)?;
        if !asked.approval.is_empty() {
            self.approve(asked.merge, "approver")?;
        }
        Ok(asked.merge)
    }

    fn undo(&mut self, merge: MergeId) -> Result<UndoAnswer, MergeRefusal> {
        let change =
            self.decide(|state, numbering| undo_merge(state, &MODEL, numbering, merge, "steward"))?;
        self.take(&change.events);
        Ok(change.answer)
    }

    fn move_to(&mut self, name: &Name, to: MoveTarget) -> Result<MoveAnswer, MergeRefusal> {
        let command = MoveCommand {
            source: name.0.clone(),
            local_id: name.1.clone(),
            to,
            by: "steward".to_owned(),
        };
        let change =
            self.decide(|state, numbering| move_record(state, &MODEL, numbering, &command));
        let change = change.map_err(|refused| self.refuse(refused))?;
        self.take(&change.events);
        Ok(change.answer)
    }

    fn say(
        &mut self,
        a: &Name,
        b: &Name,
        kind: AssertionKind,
    ) -> Result<AssertionAnswer, MergeRefusal> {
        let command = AssertionCommand {
            a: a.clone(),
            b: b.clone(),
            kind,
            by: "steward".to_owned(),
            restricted: false,
        };
        let change =
            self.decide(|state, numbering| assert_records(state, &MODEL, numbering, &command));
        let change = change.map_err(|refused| self.refuse(refused))?;
        self.take(&change.events);
        Ok(change.answer)
    }

    fn unsay(&mut self, assertion: AssertionId) -> Result<(), MergeRefusal> {
        let events = withdraw_assertion(&self.state, assertion, "steward")?;
        self.take(&events);
        Ok(())
    }

    fn number(&self, name: &Name) -> RecordNumber {
        self.state
            .record(&name.0, &name.1)
            .expect("a record")
            .number
    }

    fn person(&self, name: &Name) -> Option<PersonId> {
        let record = self.state.record(&name.0, &name.1)?;
        record.link.as_ref().map(|link| link.person)
    }
}
