//! Registering on a state that holds everything: no store, no index.

use std::sync::Arc;

use crate::foundation::{EventPosition, Instant, RecordNumber, SeededChance};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedRecord, standardise,
};
use crate::matching::{LinkageModel, Reason, blocking_keys};
use crate::registry::{
    LocalId, Numbering, Registered, Registration, RegistryEvent, RegistryState, SourceCode,
    TaskPriority, ask_to_learn, register, task_of,
};

fn submitted() -> SubmittedRecord {
    SubmittedRecord {
        nhs_number: Some("9990000018".to_owned()),
        nhs_number_status: Some("01".to_owned()),
        given_names: vec!["Rosalind".to_owned()],
        family_name: Some("Applethwaite".to_owned()),
        birth_date: Some("1980-05-12".to_owned()),
        addresses: vec![SubmittedAddress {
            lines: vec!["3 Elsewhere Road".to_owned()],
            postcode: Some("LS6 2AB".to_owned()),
            ..SubmittedAddress::default()
        }],
        ..SubmittedRecord::default()
    }
}

fn standard() -> StandardRecord {
    standard_of(&submitted())
}

fn standard_of(submitted: &SubmittedRecord) -> StandardRecord {
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a day"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    standardise(submitted, &options).0
}

fn registration(source: &str, standard: &Arc<StandardRecord>) -> Registration {
    Registration {
        source: SourceCode::parse(source).expect("a source code"),
        local_id: LocalId::parse("1").expect("a local id"),
        digest: format!("digest of {source}"),
        effective_at: None,
        standard: Arc::clone(standard),
        findings: Vec::new(),
        lock_hashes: blocking_keys(standard).lock_hashes(),
        prepared: Vec::new(),
        complete: true,
        replacement: None,
        replacements: crate::registry::Replacements::new(),
        invalidated: None,
    }
}

/// Registers, and takes the events into the state as a commit does.
fn commit(state: &mut RegistryState, model: &LinkageModel, source: &str) -> Vec<RegistryEvent> {
    commit_of(state, model, (source, &Arc::new(standard())))
}

fn commit_of(
    state: &mut RegistryState,
    model: &LinkageModel,
    (source, standard): (&str, &Arc<StandardRecord>),
) -> Vec<RegistryEvent> {
    let keys = blocking_keys(standard);
    let registration = registration(source, standard);
    let chance = SeededChance::new(state.counters.position.0.unsigned_abs());
    let numbering = Numbering {
        now: Instant::from_microseconds(1),
        chance: &chance,
    };
    let change = register(state, model, &numbering, &registration);
    for event in &change.events {
        state.apply(event);
    }
    let Registered { record, .. } = change.answer;
    state.standards.insert(record, Arc::clone(standard));
    for key in &keys.stored {
        state
            .recent_keys
            .entry(key.hash)
            .or_default()
            .insert(record);
    }
    change.events
}

#[test]
fn r84_a_stored_decision_replays_to_the_same_bits() {
    let (model, mut state) = (LinkageModel::uk_care(), RegistryState::default());
    commit(&mut state, &model, "gp");
    let events = commit(&mut state, &model, "pas");

    let decision = events
        .iter()
        .find_map(|event| match event {
            RegistryEvent::RecordLinked { decision, .. } => Some(decision),
            _ => None,
        })
        .expect("the second record is linked");
    let (asked, known) = (standard(), standard());
    let again = model.explain(&asked, &[&known]);

    assert_eq!(&decision.model, model.id());
    let stored: Vec<_> = decision
        .rows
        .iter()
        .map(|row| (row.field, row.weight_bits))
        .collect();
    let replayed: Vec<_> = again
        .rows
        .iter()
        .map(|row| (row.field, row.weight_bits))
        .collect();
    assert_eq!(stored, replayed, "bit for bit");
    let sum: f64 = decision.rows.iter().map(|row| row.weight_bits).sum();
    assert!((sum - decision.weight_bits.expect("a weight")).abs() < 1e-6);
    let compared: Vec<_> = decision.compared.iter().map(|seen| seen.version).collect();
    assert_eq!(compared, [1, 1], "the versions of both records");
}

#[test]
fn what_is_registered_twice_is_one_person_with_two_records() {
    let (model, mut state) = (LinkageModel::uk_care(), RegistryState::default());
    commit(&mut state, &model, "gp");
    commit(&mut state, &model, "pas");
    assert_eq!(state.persons.len(), 1);
    let members = state
        .persons
        .values()
        .map(|person| person.members.len())
        .sum::<usize>();
    assert_eq!(members, 2);
    assert!(state.counters.position > EventPosition(0));
}

/// Somebody else: nobody is asked about the two by itself.
fn somebody_else() -> StandardRecord {
    standard_of(&SubmittedRecord {
        given_names: vec!["Winifred".to_owned()],
        family_name: Some("Pendergarth".to_owned()),
        birth_date: Some("1961-11-23".to_owned()),
        ..SubmittedRecord::default()
    })
}

#[test]
fn r118_a_pair_to_learn_from_is_asked_about_once_and_stands_for_nothing() {
    let (model, mut state) = (LinkageModel::uk_care(), RegistryState::default());
    commit(&mut state, &model, "gp");
    let other = Arc::new(somebody_else());
    let events = commit_of(&mut state, &model, ("pas", &other));
    let tasks = |events: &[RegistryEvent]| {
        let tasks = events.iter().filter(|event| task_of(event).is_some());
        tasks.count()
    };
    assert_eq!((tasks(&events), state.persons.len()), (0, 2), "{events:?}");
    let records: Vec<RecordNumber> = state.records.keys().copied().collect();
    let chance = SeededChance::new(1);
    let numbering = Numbering {
        now: Instant::from_microseconds(2),
        chance: &chance,
    };
    let mut registration = registration("pas", &other);
    // As if they shared a key.
    let keys = state.recent_keys.keys();
    registration.lock_hashes.extend(keys);
    let asks = |state: &RegistryState, version| {
        let with = (version, records[0]);
        ask_to_learn(state, &model, &numbering, &registration, with)
    };
    assert_eq!(asks(&state, 2), [], "another version is another matter");
    let asked = asks(&state, 1);
    let [
        RegistryEvent::TaskOpened {
            persons,
            priority,
            reasons,
            ..
        },
    ] = &asked[..]
    else {
        panic!("one question: {asked:?}");
    };
    assert_eq!(*priority, TaskPriority::Learning);
    assert_eq!(reasons[0], Reason::AskedToLearn);
    state.apply(&asked[0]);
    assert_eq!(asks(&state, 1), [], "asked once");
    let [one, other] = persons[..] else {
        panic!("a pair: {persons:?}");
    };
    // As if it were not there, until evidence speaks for it.
    assert_eq!(state.open_duplicates_of(one, &[other]), []);
    let task = task_of(&asked[0]).expect("a task");
    let known = state.tasks.get(&task).expect("open").clone();
    state.apply(&RegistryEvent::TaskUpdated {
        task,
        record: known.record,
        weight_bits: Some(15.0),
        reasons: known.reasons,
        evidence: known.evidence,
        priority: TaskPriority::Weight,
        compared: known.compared,
        rows: known.rows,
    });
    assert_eq!(state.open_duplicates_of(one, &[other]), [other]);
}
