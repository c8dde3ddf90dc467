//! What a person must not become by the machine: R98, first half.

use crate::foundation::limits::PERSON_RECORDS_ALARM;
use crate::identity::StandardRecord;
use crate::matching::rule_tests::{Outcome, Said, candidate, outcome_of, said};
use crate::matching::{LinkageModel, Reason, decide};

const A: &str = "9990000018";
const B: &str = "9990000034";

fn rowan() -> Said {
    said()
        .number(A, "01")
        .name("Rowan", "Applethwaite")
        .born("1980-05-12")
}

/// What follows for `record` when one person with these records is known.
fn against(record: &Said, members: &[Said]) -> Outcome {
    let model = LinkageModel::uk_care();
    let record = record.record();
    let members: Vec<StandardRecord> = members.iter().map(Said::record).collect();
    let candidates = [candidate(&model, &record, 1, members.iter().collect())];
    outcome_of(decide(&model, &record, &candidates))
}

#[test]
fn r98_a_fourth_birth_date_is_a_question() {
    let unnumbered = |born: &str| said().name("Rowan", "Applethwaite").born(born);
    let mut members = vec![rowan(), unnumbered("1980-05-21"), unnumbered("1980-12-05")];
    assert!(against(&rowan(), &members).is_link());
    members.push(unnumbered("1980-05-13"));
    let outcome = against(&rowan(), &members);
    assert!(
        outcome.review && outcome.says(Reason::TooManyBirthDates),
        "{outcome:?}"
    );
}

#[test]
fn r98_a_person_with_two_live_numbers_takes_nobody_in() {
    let unnumbered = said()
        .name("Rowan", "Applethwaite")
        .born("1980-05-12")
        .sex("M")
        .at("3 Elsewhere Road", "LS6 2AB")
        .phone("07700 900123");
    assert!(against(&unnumbered, std::slice::from_ref(&unnumbered)).is_link());
    let numbered = |number: &str| unnumbered.clone().number(number, "01");
    let outcome = against(&unnumbered, &[numbered(A), numbered(B)]);
    assert!(
        outcome.review && outcome.says(Reason::TwoLiveNumbers),
        "{outcome:?}"
    );
}

#[test]
fn r98_a_man_and_a_woman_with_other_given_names_are_a_question() {
    let woman = said()
        .name("Hazel", "Applethwaite")
        .born("1980-05-12")
        .sex("F");
    let outcome = against(&rowan().sex("M"), &[rowan(), woman.clone()]);
    assert!(!outcome.is_link(), "{outcome:?}");
    // R23: the same number says that it is one person whose gender has changed.
    let changed = woman.number(A, "01");
    let outcome = against(&rowan().sex("M"), &[rowan().sex("M"), changed]);
    assert!(!outcome.says(Reason::SexesAndNamesDiffer), "{outcome:?}");
}

#[test]
fn r98_a_person_with_too_many_records_takes_nobody_in() {
    let few = vec![rowan(); PERSON_RECORDS_ALARM - 1];
    assert!(against(&rowan(), &few).is_link());
    let many = vec![rowan(); PERSON_RECORDS_ALARM];
    let outcome = against(&rowan(), &many);
    assert!(
        outcome.review && outcome.says(Reason::TooManyRecords),
        "{outcome:?}"
    );
}
