//! Households, twins, newborns and relatives: R57, R62, R89–R93.

use crate::matching::rule_tests::{Said, bits, decided, said};
use crate::matching::{Field, LinkageModel, Reason, Route};

fn home() -> Said {
    said().at("3 Elm Road", "LS1 4AP").phone("0113 496 0123")
}

fn row(a: &Said, b: &Said, field: Field) -> f64 {
    let explanation = LinkageModel::uk_care().explain(&a.record(), &[&b.record()]);
    explanation
        .rows
        .iter()
        .filter(|row| row.field == field)
        .map(|row| row.weight_bits)
        .sum()
}

#[test]
fn r57_an_expected_date_is_not_a_birth_date() {
    let unborn = home().name("Unborn", "Smith").born("2026-03-01");
    let baby = home().name("Oliver", "Smith").born("2026-03-01");
    assert!(
        unborn.record().unborn,
        "the fixture is read as an unborn child"
    );
    let outcome = decided(&unborn, &baby);
    assert!(!outcome.review && !outcome.is_link() && outcome.says(Reason::Unborn));
}

#[test]
fn r62_sex_and_given_name_both_differ() {
    let john = home().name("John", "Smith").sex("M").born("1990-05-12");
    let joan = home().name("Joan", "Smith").sex("F").born("1990-05-12");
    let outcome = decided(&john, &joan);
    assert!(!outcome.review && !outcome.is_link(), "{outcome:?}");
    assert!(outcome.says(Reason::SexAndGivenNameDiffer));
}

#[test]
fn r89_what_a_household_shares_cancels_the_prior_and_no_more() {
    let a = home()
        .name("Peter", "Thistlewood")
        .with(|body| body.gp_practice = Some("B86001".to_owned()));
    let b = home()
        .name("Susan", "Thistlewood")
        .with(|body| body.gp_practice = Some("B86001".to_owned()));
    let shared: f64 = [
        Field::FamilyName,
        Field::Postcode,
        Field::Address,
        Field::Phone,
        Field::GpPractice,
        Field::HouseholdCap,
    ]
    .into_iter()
    .map(|field| row(&a, &b, field))
    .sum();
    assert!(shared <= 20.11, "the block earns {shared}");
    assert!(row(&a, &b, Field::HouseholdCap) < 0.0);
    let outcome = decided(&a, &b);
    assert!(!outcome.review && !outcome.is_link());
}

#[test]
fn r90_twins_are_not_linked_and_are_tagged() {
    let oliver = home().name("Oliver", "Smith").sex("M").born("2015-03-09");
    let jack = home().name("Jack", "Smith").sex("M").born("2015-03-09");
    let total = bits(&oliver, &jack);
    assert!(total <= 0.0, "twins weigh {total}");
    let outcome = decided(&oliver, &jack);
    assert!(!outcome.is_link() && outcome.says(Reason::PossibleMultipleBirth));
}

#[test]
fn r90_a_given_name_that_is_only_alike_does_not_lift_the_cap() {
    let one = home()
        .name("Surinder", "Sandhu")
        .sex("M")
        .born("2015-03-09");
    let two = home()
        .name("Suvinder", "Sandhu")
        .sex("M")
        .born("2015-03-09");
    assert!(row(&one, &two, Field::TwinCap) < 0.0);
    assert!(decided(&one, &two).review);
    let same = home()
        .name("Surinder", "Sandhu")
        .sex("M")
        .born("2015-03-09");
    assert!(row(&one, &same, Field::TwinCap).abs() < 1e-12);
    assert_eq!(decided(&one, &same).link, Some(Route::Probabilistic));
}

#[test]
fn r91_another_order_in_a_multiple_birth_is_a_veto() {
    let at = |order: &str| {
        let order = order.to_owned();
        home()
            .name("Baby", "Smith")
            .born("2024-03-09")
            .with(move |body| body.birth_order = Some(order))
    };
    let outcome = decided(&at("1"), &at("2"));
    assert!(!outcome.is_link() && outcome.says(Reason::DifferentBirthOrder));
}

#[test]
fn r92_twin_one_is_not_twin_two() {
    let one = home().name("Twin One", "Smith").born("2024-03-09");
    let two = home().name("Twin Two", "Smith").born("2024-03-09");
    let outcome = decided(&one, &two);
    assert!(
        !outcome.is_link() && outcome.says(Reason::DifferentBirthOrder),
        "{outcome:?}"
    );
}

#[test]
fn r92_a_placeholder_and_a_named_child_wait_for_a_human() {
    let baby = home().name("Baby", "Smith").born("2024-03-09");
    let oliver = home().name("Oliver", "Smith").born("2024-03-09");
    let outcome = decided(&baby, &oliver);
    assert!(outcome.review && outcome.says(Reason::NewbornNotNamed));
    // The number settles it, as long as no co-twin is known (R7).
    let settled = decided(
        &baby.number("9990000018", "01"),
        &oliver.number("9990000018", "01"),
    );
    assert_eq!(settled.link, Some(Route::Deterministic));
}

#[test]
fn r93_relatives_of_one_name_are_not_linked() {
    let father = home().name("John", "Patel").sex("M").born("1950-02-03");
    let son = home().name("John", "Patel").sex("M").born("1985-11-27");
    let outcome = decided(&father, &son);
    assert!(!outcome.review && !outcome.is_link());
}

#[test]
fn r73_a_babys_address_does_not_link_it_to_the_mother() {
    let mother = home().name("Jane", "Hill").sex("F").born("1990-05-12");
    let baby = home().name("Oliver", "Hill").sex("M").born("2024-08-30");
    let outcome = decided(&mother, &baby);
    assert!(!outcome.review && !outcome.is_link());
}
