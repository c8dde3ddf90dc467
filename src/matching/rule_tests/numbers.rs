//! NHS numbers in the decision: R4, R7–R15, R19, R20, R23, R24, R54, R95.

use crate::matching::levels::NhsNumberLevel;
use crate::matching::rule_tests::{
    Said, bits, candidate, compared, decided, outcome_of, person, said,
};
use crate::matching::{Decision, Grade, LinkageModel, Reason, Route, decide};

const A: &str = "9990000018";
const B: &str = "9990000034";

fn sarah() -> Said {
    said().name("Sarah", "Jones").born("1980-05-12").sex("F")
}

#[test]
fn r4_numbers_of_different_services_never_conflict() {
    // In a range that no service of ours issues (R3).
    let foreign = sarah().number("0123456789", "01");
    let english = sarah().number(A, "01");
    assert_eq!(
        compared(&foreign, &english).nhs_number(),
        NhsNumberLevel::OtherNamespace
    );
    assert!(!decided(&foreign, &english).says(Reason::TwoVerifiedNumbers));
}

#[test]
fn r7_number_date_and_given_name_link_whatever_the_family_name() {
    let outcome = decided(
        &sarah().number(A, "01"),
        &sarah().name("Sarah", "Ahmed").number(A, "01"),
    );
    assert_eq!(outcome.link, Some(Route::Deterministic));
    assert_eq!(outcome.grade, Grade::Certain);
    assert!(outcome.says(Reason::VerifiedNumberDateAndGivenName));
}

#[test]
fn r7_a_co_twins_number_goes_to_review() {
    let child = said().born("2015-03-09").number(A, "01");
    let outcome = decided(
        &child.clone().name("Oliver", "Smith"),
        &child.name("Jack", "Smith"),
    );
    assert!(outcome.review && outcome.says(Reason::GivenNameContradictsNumber));
}

#[test]
fn r7_variant_middle_initial_and_swap_agree_too() {
    let known = said()
        .name("Robert James", "Fielding")
        .born("1960-02-03")
        .number(A, "01");
    for name in [
        ("Bob", "Fielding"),
        ("James", "Fielding"),
        ("R", "Fielding"),
        ("Fielding", "Robert"),
    ] {
        let other = said()
            .name(name.0, name.1)
            .born("1960-02-03")
            .number(A, "01");
        assert_eq!(
            decided(&other, &known).link,
            Some(Route::Deterministic),
            "{}",
            name.0
        );
    }
}

#[test]
fn r8_a_number_alone_never_links() {
    let nameless = said().name("Mary", "Taylor").number(A, "01");
    let other = said()
        .name("Imran", "Khan")
        .born("1970-01-02")
        .number(A, "01");
    assert!(decided(&nameless, &other).review);
    let bare = said().number(A, "01");
    assert!(decided(&bare, &sarah().number(A, "01")).review);
}

#[test]
fn r9_most_of_the_date_and_both_names_link() {
    let swapped = sarah().born("1980-12-05").number(A, "01");
    let outcome = decided(&sarah().number(A, "01"), &swapped);
    assert_eq!(outcome.link, Some(Route::Deterministic));
    assert!(outcome.says(Reason::VerifiedNumberAndNames));
}

#[test]
fn r9_another_given_name_or_a_shared_district_is_not_enough() {
    let known = sarah().number(A, "01").at("3 Elm Road", "LS1 4AP");
    let relative = said()
        .name("Karen", "Jones")
        .born("1980-12-05")
        .number(A, "01")
        .at("9 Oak Street", "LS1 4AP");
    assert!(decided(&relative, &known).review);
}

#[test]
fn r10_sex_and_both_names_against_a_number_is_a_suspected_confusion() {
    let mary = said()
        .name("Mary", "Jones")
        .sex("F")
        .born("1970-06-07")
        .number("9990000026", "01");
    let imran = said()
        .name("Imran", "Khan")
        .sex("M")
        .born("1970-06-07")
        .number("9990000026", "01");
    let outcome = decided(&mary, &imran);
    assert!(outcome.review && outcome.says(Reason::NumberConfusedBySexAndNames));
}

#[test]
fn r11_no_part_of_the_date_against_a_number_is_a_suspected_confusion() {
    let old = sarah().born("1950-02-03").number(A, "01");
    let young = sarah().born("1957-11-27").number(A, "01");
    let outcome = decided(&old, &young);
    assert!(outcome.review && outcome.says(Reason::NumberConfusedByDate));
    assert!(decided(&old, &sarah().born("1985-11-27").number(A, "01")).review);
}

#[test]
fn r12_an_unverified_number_is_evidence_and_no_anchor() {
    let known = said()
        .name("Oliver", "Smith")
        .born("2015-03-09")
        .number(A, "01");
    let other = said()
        .name("Jack", "Smith")
        .born("2015-03-09")
        .number(A, "02");
    let outcome = decided(&known, &other);
    assert!(outcome.review && outcome.says(Reason::NumberNotVerified));
    let silent = said()
        .name("Jack", "Smith")
        .born("2015-03-09")
        .with(|body| {
            body.nhs_number = Some(A.to_owned());
        });
    assert_eq!(compared(&known, &silent).nhs_number(), NhsNumberLevel::Same);
}

#[test]
fn r13_a_suspect_number_counts_nothing_and_is_tagged() {
    let here = sarah().at("3 Elm Road", "LS1 4AP");
    let (suspect, verified) = (here.clone().number(A, "05"), here.clone().number(A, "01"));
    assert!((bits(&suspect, &verified) - bits(&here, &here)).abs() < 1e-9);
    let outcome = decided(&suspect, &verified);
    assert!(outcome.says(Reason::NumberSuspect));
    assert_ne!(outcome.link, Some(Route::Deterministic));
    // A suspect number that differs does not count against the pair either.
    let other = here.clone().number(B, "01");
    assert!((bits(&suspect, &other) - bits(&here, &here)).abs() < 1e-9);
}

#[test]
fn r15_two_verified_numbers_never_link() {
    let full = sarah().at("3 Elm Road", "LS1 4AP").phone("07700 900123");
    let outcome = decided(&full.clone().number(A, "01"), &full.clone().number(B, "01"));
    assert!(outcome.review && outcome.says(Reason::TwoVerifiedNumbers));
    let unverified = decided(&full.clone().number(A, "01"), &full.number(B, "02"));
    assert!(
        unverified.review,
        "other differing numbers are at best for review"
    );
    let strangers = decided(
        &said()
            .name("Mary", "Jones")
            .born("1970-06-07")
            .number(A, "01"),
        &said()
            .name("Imran", "Khan")
            .born("1950-01-02")
            .number(B, "01"),
    );
    assert!(!strangers.review && !strangers.is_link());
}

#[test]
fn r19_a_number_of_two_persons_links_to_neither() {
    let model = LinkageModel::uk_care();
    let record = sarah().number("9990000042", "01").record();
    let (p, q) = (record.clone(), record.clone());
    let candidates = [
        candidate(&model, &record, 1, vec![&p]),
        candidate(&model, &record, 2, vec![&q]),
    ];
    let (decision, grades) = decide(&model, &record, &candidates);
    let Decision::Review { persons } = decision else {
        panic!("review, not {decision:?}")
    };
    assert_eq!(persons.len(), 2);
    assert!(grades.iter().all(|(grade, reasons)| {
        *grade == Grade::Probable && reasons.contains(&Reason::NumberClaimedTwice)
    }));
}

#[test]
fn r19_a_number_under_investigation_anchors_nothing() {
    let model = LinkageModel::uk_care();
    let record = sarah().number("9990000042", "01").record();
    let member = record.clone();
    let mut confused = candidate(&model, &record, 1, vec![&member]);
    confused.number_confused = true;
    let outcome = outcome_of(decide(&model, &record, &[confused]));
    assert!(outcome.review && outcome.says(Reason::NumberClaimedTwice));
}

#[test]
fn r20_a_second_verified_number_does_not_join_a_person() {
    let model = LinkageModel::uk_care();
    let record = sarah().number("9990000050", "01").record();
    let (with, without) = (
        sarah().number("9990000042", "01").record(),
        sarah().record(),
    );
    let both = candidate(&model, &record, 1, vec![&with, &without]);
    let outcome = outcome_of(decide(&model, &record, &[both]));
    assert!(outcome.review && outcome.says(Reason::TwoVerifiedNumbers));
}

#[test]
fn r23_an_adults_changed_gender_links_by_the_number() {
    let before = said()
        .name("Alan", "Fielding")
        .sex("M")
        .born("1980-05-12")
        .number("9990000077", "01");
    let after = said()
        .name("Alana", "Fielding")
        .sex("F")
        .born("1980-05-12")
        .number("9990000077", "01");
    assert_eq!(decided(&before, &after).link, Some(Route::Deterministic));
    let (boy, girl) = (
        before.born("2019-05-12"),
        after.name("Zoe", "Fielding").born("2019-05-12"),
    );
    assert!(decided(&boy, &girl).review);
}

#[test]
fn r24_a_number_that_was_issued_twice_is_a_confusion() {
    let one = said()
        .name("Gemma", "Hill")
        .born("1996-01-10")
        .number("9990000085", "01");
    let two = said()
        .name("Gemma", "Hill")
        .born("1996-02-10")
        .number("9990000085", "01");
    assert!(decided(&one, &two).says(Reason::ReissuedNumber));
    let bride = said()
        .name("Gemma", "Archer")
        .born("1996-01-10")
        .number("9990000085", "01");
    assert_eq!(decided(&one, &bride).link, Some(Route::Deterministic));
}

#[test]
fn r54_two_parts_of_a_date_link_only_with_the_same_number() {
    let known = said()
        .name("Zebedee", "Thistlewood")
        .born("1980-05-12")
        .at("3 Elm Road", "LS1 4AP");
    let other = known.clone().born("1980-05-21");
    let outcome = decided(&known, &other);
    assert!(outcome.review, "{outcome:?}");
    let same = decided(
        &known.with(|body| body.nhs_number = Some(A.to_owned())),
        &other.with(|body| body.nhs_number = Some(A.to_owned())),
    );
    assert_eq!(same.link, Some(Route::Deterministic));
    assert!(same.says(Reason::NumberNamesAndMostOfDate));
}

#[test]
fn r95_a_parents_number_goes_to_review() {
    let mother = said()
        .name("Jane", "Hill")
        .born("1990-05-12")
        .number(A, "01")
        .at("3 Elm Road", "LS1 4AP");
    let baby = said()
        .name("Oliver", "Hill")
        .born("2024-05-12")
        .number(A, "01")
        .at("3 Elm Road", "LS1 4AP");
    let outcome = decided(&mother, &baby);
    assert!(outcome.review && outcome.says(Reason::ParentNumber));
}

#[test]
fn r102_a_humans_difference_stands_until_a_verified_number_contradicts_it() {
    let model = LinkageModel::uk_care();
    let full = sarah().at("3 Elm Road", "LS1 4AP").phone("07700 900123");
    let record = full.record();
    let mut asserted = candidate(&model, &record, 1, vec![&record]);
    asserted.asserted_different = true;
    let outcome = outcome_of(decide(&model, &record, &[asserted]));
    assert!(!outcome.review && !outcome.is_link() && outcome.grade == Grade::Unlikely);
    let record = full.number(A, "01").record();
    let mut asserted = candidate(&model, &record, 1, vec![&record]);
    asserted.asserted_different = true;
    let outcome = outcome_of(decide(&model, &record, &[asserted]));
    assert!(outcome.review && outcome.says(Reason::AssertionContradicted));
    assert_ne!(person(1), person(2));
}
