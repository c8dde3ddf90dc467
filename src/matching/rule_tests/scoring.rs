//! Scores and thresholds: R54, R55, R60, R61, R66, R68, R74, R79, R80, R82,
//! R83, R88, R96, R97.

use crate::identity::StandardRecord;
use crate::matching::levels::{BirthDateLevel, Comparison, SexLevel};
use crate::matching::rule_tests::{
    Said, bits, calibrated, candidate, compared, decided, decided_by, outcome_of, person, said,
};
use crate::matching::{Decision, Field, Grade, LinkageModel, Reason, Route, decide};

fn full() -> Said {
    said()
        .name("Sarah Anne", "Jones")
        .sex("F")
        .born("1980-05-12")
        .at("3 Elm Road", "LS1 4AP")
        .phone("07700 900123")
        .number("9990000018", "01")
}

#[test]
fn r50_r88_partial_dates_weigh_by_their_known_parts() {
    let level = |a: &str, b: &str| compared(&said().born(a), &said().born(b)).birth_date();
    assert_eq!(level("1932", "1932-07-04"), BirthDateLevel::YearOnly);
    let model = LinkageModel::uk_care();
    let file = model
        .file()
        .comparison(Comparison::BirthDate)
        .expect("there");
    for level in file
        .level
        .iter()
        .filter(|level| level.name.starts_with("two_parts"))
    {
        let bits = (level.m.expect("m") / level.u.expect("u")).log2();
        assert!((-1.0..=1.0).contains(&bits), "{} weighs {bits}", level.name);
    }
}

#[test]
fn r55_no_part_of_the_date_equal_is_a_veto() {
    let a = said()
        .name("Sarah", "Jones")
        .born("1950-02-03")
        .at("3 Elm Road", "LS1 4AP");
    let b = a.clone().born("1985-11-27");
    assert!(compared(&a, &b).weight(Comparison::BirthDate) <= -10.0);
    let outcome = decided(&a, &b);
    assert!(!outcome.review && !outcome.is_link() && outcome.says(Reason::NoDatePartEqual));
}

#[test]
fn r60_r61_sex_is_compared_within_its_meaning_and_not_counted_twice() {
    let birth = said()
        .name("Mary", "Jones")
        .with(|body| body.birth_sex = Some("M".to_owned()));
    let admin = said().name("Mary", "Jones").sex("F");
    assert_eq!(compared(&birth, &admin).sex(), SexLevel::Missing);
    let same = compared(&admin, &admin);
    assert_eq!(same.sex(), SexLevel::SameNamed);
    assert!(same.weight(Comparison::Sex) <= 0.1);
}

#[test]
fn r66_a_move_costs_less_than_two_bits_and_still_links() {
    let moved = full().with(|body| {
        body.addresses[0].postcode = Some("M1 1AE".to_owned());
        body.addresses[0].lines = vec!["77 Mill Lane".to_owned()];
    });
    assert!(compared(&full(), &moved).weight(Comparison::Postcode) >= -2.0);
    assert!(decided(&full(), &moved).is_link());
}

#[test]
fn r68_a_conflict_within_a_postcode_counts_against_and_a_missing_flat_does_not() {
    let at = |line: &str| said().at(line, "LS1 4AP");
    let bits = |a: &str, b: &str| compared(&at(a), &at(b)).weight(Comparison::Address);
    assert!(bits("12 High Street", "14 High Street") < 0.0);
    assert!(bits("Flat 2, 16 High Street", "16 High Street").abs() < 1e-12);
    assert!(bits("12 High Street", "12-14 High Street").abs() < 1e-12);
}

#[test]
fn r74_every_field_has_a_row_and_the_rows_sum_to_the_total() {
    let model = LinkageModel::uk_care();
    let others = [
        full(),
        full().name("Jack", "Jones").born("1980-05-21"),
        said().name("Ann", ""),
        said(),
    ];
    for other in &others {
        let (record, member) = (full().record(), other.record());
        let explanation = model.explain(&record, &[&member]);
        let total = model.score(&record, &[&member]).weight.bits();
        assert!((explanation.total_bits() - total).abs() < 1e-6);
        assert_eq!(explanation.rows.len(), Comparison::COUNT + 4);
        for field in [
            Field::Prior,
            Field::FullName,
            Field::HouseholdCap,
            Field::TwinCap,
        ] {
            assert_eq!(
                explanation
                    .rows
                    .iter()
                    .filter(|row| row.field == field)
                    .count(),
                1
            );
        }
    }
    let members: Vec<StandardRecord> = others.iter().map(Said::record).collect();
    let members: Vec<&StandardRecord> = members.iter().collect();
    let record = full().record();
    let total = model.score(&record, &members).weight.bits();
    assert!((model.explain(&record, &members).total_bits() - total).abs() < 1e-6);
}

#[test]
fn r79_a_common_name_and_a_birth_date_do_not_link() {
    let john = said().name("John", "Smith").sex("M").born("1961-03-04");
    let weight = bits(&john, &john);
    assert!(
        (4.0..8.0).contains(&weight),
        "two John Smiths weigh {weight}"
    );
    for model in [LinkageModel::uk_care(), calibrated()] {
        assert!(decided_by(&model, &john, &john).review);
    }
}

#[test]
fn r80_a_rare_name_and_an_exact_date_may_link() {
    let rare = said()
        .name("Zebedee", "Thistlewoodly")
        .sex("M")
        .born("1961-03-04");
    assert_eq!(
        decided_by(&calibrated(), &rare, &rare).link,
        Some(Route::Probabilistic)
    );
    // Without a calibration the same evidence is for review (R82).
    assert!(decided(&rare, &rare).review);
    let other_date = rare.clone().born("1961-03-05");
    assert!(!decided_by(&calibrated(), &rare, &other_date).is_link());
}

#[test]
fn r82_twelve_bits_of_a_fresh_installation_are_for_review() {
    let one = said().name("Zebedee", "Thistlewoodly").born("1961-03-04");
    let weight = bits(&one, &one);
    assert!((10.0..20.0).contains(&weight), "{weight}");
    assert!(decided(&one, &one).says(Reason::BelowLinkThreshold));
}

#[test]
fn r83_a_close_second_makes_it_a_review_unless_they_are_an_open_duplicate() {
    let model = LinkageModel::uk_care();
    let known = said()
        .name("Zebedee", "Thistlewood")
        .born("1961-03-04")
        .at("3 Elm Road", "LS1 4AP");
    let record = known.record();
    let (first, second) = (known.record(), known.clone().phone("07700 900123").record());
    let mut candidates = vec![
        candidate(&model, &record, 1, vec![&first]),
        candidate(&model, &record, 2, vec![&second]),
    ];
    let (decision, _) = decide(&model, &record, &candidates);
    let Decision::Review { persons } = decision else {
        panic!("review, not {decision:?}")
    };
    assert_eq!(persons.len(), 2);
    assert!(
        persons
            .iter()
            .all(|(_, _, reasons)| reasons.contains(&Reason::RunnerUpTooClose))
    );
    candidates[0].open_duplicate_of = vec![person(2)];
    let (decision, grades) = decide(&model, &record, &candidates);
    let Decision::Link { reasons, .. } = decision else {
        panic!("a link, not {decision:?}")
    };
    assert!(reasons.contains(&Reason::KnownDuplicate));
    assert_eq!(
        grades
            .iter()
            .filter(|(grade, _)| *grade == Grade::Certain)
            .count(),
        1
    );
}

#[test]
fn r96_a_veto_by_any_member_keeps_a_record_out() {
    let model = LinkageModel::uk_care();
    let here = full().with(|body| body.nhs_number = None);
    let (friend, foe) = (
        here.record(),
        here.clone().number("9990000034", "01").record(),
    );
    let record = here.number("9990000018", "01").record();
    let both = candidate(&model, &record, 1, vec![&friend, &foe]);
    assert!(both.score.weight.bits() > 0.0);
    let outcome = outcome_of(decide(&model, &record, &[both]));
    assert!(!outcome.is_link() && outcome.says(Reason::TwoVerifiedNumbers));
}

#[test]
fn r97_one_strong_member_among_twenty_does_not_link() {
    let model = LinkageModel::uk_care();
    let here = said()
        .name("Zebedee", "Thistlewood")
        .born("1961-03-04")
        .at("3 Elm Road", "LS1 4AP");
    let record = here.record();
    let alone = candidate(&model, &record, 1, vec![&record]);
    assert_eq!(
        outcome_of(decide(&model, &record, &[alone])).link,
        Some(Route::Probabilistic)
    );
    let others: Vec<StandardRecord> = (0..19)
        .map(|day| {
            said()
                .name("Gerald", "Thistlewood")
                .born(&format!("1961-03-{:02}", day + 5))
                .at("9 Oak Street", "M1 1AE")
        })
        .map(|other| other.record())
        .collect();
    let mut members: Vec<&StandardRecord> = others.iter().collect();
    members.push(&record);
    let many = candidate(&model, &record, 1, members);
    assert!(many.score.mean_member.bits() < 0.0 && many.score.lowest_member.bits() < -8.0);
    let outcome = outcome_of(decide(&model, &record, &[many]));
    assert!(outcome.review, "{outcome:?}");
}

#[test]
fn several_members_give_the_best_of_every_field_less_what_others_say() {
    let model = LinkageModel::uk_care();
    let record = full().record();
    let (named, placed) = (
        said()
            .name("Sarah Anne", "Jones")
            .sex("F")
            .born("1980-05-12")
            .record(),
        said()
            .at("3 Elm Road", "LS1 4AP")
            .phone("07700 900123")
            .record(),
    );
    let both = model.score(&record, &[&named, &placed]);
    assert!(both.weight > model.score(&record, &[&named]).weight);
    let moved = said()
        .name("Sarah Anne", "Jones")
        .born("1980-05-12")
        .at("77 Mill Lane", "M1 1AE")
        .record();
    let with_move = model.score(&record, &[&named, &placed, &moved]);
    let lost =
        both.vector.weight(Comparison::Postcode) - with_move.vector.weight(Comparison::Postcode);
    assert!(
        (lost - 1.0).abs() < 1e-9,
        "one of two postcodes agrees: one bit less, not {lost}"
    );
    assert_eq!(
        model.score(&record, &[&moved, &named, &placed]).weight,
        with_move.weight
    );
    let nobody = model.score(&record, &[]);
    assert!((nobody.weight.bits() - model.prior_bits()).abs() < 1e-12);
}

#[test]
fn nobody_known_is_a_new_person() {
    let model = LinkageModel::uk_care();
    assert_eq!(
        decide(&model, &full().record(), &[]),
        (Decision::NewPerson, Vec::new())
    );
}

#[test]
fn r65_a_postcode_that_a_crowd_uses_says_nothing() {
    let mut file = LinkageModel::uk_care().file().clone();
    file.frequencies.crowded_postcodes = Some("crowded".to_owned());
    let table = |name: &str| match name {
        "crowded" => Some("LS1 4AP\n".to_owned()),
        other => LinkageModel::embedded_table(other),
    };
    let model = LinkageModel::from_file(file, &table).expect("a valid model");
    let weight = |a: &str, b: &str| {
        let lives = |postcode| {
            said()
                .name("Rosalind", "Applethwaite")
                .at("", postcode)
                .record()
        };
        model.score(&lives(a), &[&lives(b)]).weight.bits()
    };
    let nothing = weight("LS1 4AP", "");
    assert!((weight("LS1 4AP", "LS1 4AP") - nothing).abs() < 1e-9);
    assert!(
        weight("LS6 2AB", "LS6 2AB") > nothing + 5.0,
        "another postcode still counts"
    );
}
