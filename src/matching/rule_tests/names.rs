//! Names at their levels: R29–R49 as comparisons see them.

use crate::matching::levels::{Comparison, FamilyNameLevel, GivenNameLevel, MiddleNameLevel};
use crate::matching::rule_tests::{Said, compared, decided, said};

fn given(a: (&str, &str), b: (&str, &str)) -> GivenNameLevel {
    let (left, right) = (said().name(a.0, a.1), said().name(b.0, b.1));
    assert_eq!(
        compared(&left, &right).given_name(),
        compared(&right, &left).given_name()
    );
    compared(&left, &right).given_name()
}

fn family(a: &str, b: &str) -> FamilyNameLevel {
    let (left, right) = (
        said().name("Peter", a).sex("M"),
        said().name("Peter", b).sex("M"),
    );
    assert_eq!(
        compared(&left, &right).family_name(),
        compared(&right, &left).family_name()
    );
    compared(&left, &right).family_name()
}

fn weight(a: &Said, b: &Said, comparison: Comparison) -> f64 {
    compared(a, b).weight(comparison)
}

#[test]
fn r29_r30_foldings_are_equal() {
    assert_eq!(
        given(("Małgorzata", "Nowak"), ("MALGORZATA", "NOWAK")),
        GivenNameLevel::Exact
    );
    assert_eq!(family("Müller", "Mueller"), FamilyNameLevel::Exact);
    assert_eq!(family("O'Brien", "O Brien"), FamilyNameLevel::Exact);
}

#[test]
fn r31_mc_and_mac_are_variants() {
    assert_eq!(family("McDonald", "MacDonald"), FamilyNameLevel::Variant);
    assert_ne!(family("Mack", "Macks"), FamilyNameLevel::Variant);
}

#[test]
fn r32_double_barrels_share_a_part_or_change_their_order() {
    assert_eq!(
        family("Smith-Jones", "Jones"),
        FamilyNameLevel::CompoundPart
    );
    assert_eq!(
        family("Smith-Jones", "Jones-Smith"),
        FamilyNameLevel::Reordered
    );
    let rare = weight(
        &said().name("A", "Smith-Thistlewood"),
        &said().name("A", "Thistlewood"),
        Comparison::FamilyName,
    );
    let common = weight(
        &said().name("A", "Smith-Jones"),
        &said().name("A", "Jones"),
        Comparison::FamilyName,
    );
    assert!(rare > common, "the shared part's own frequency counts");
}

#[test]
fn r33_particles_never_match_alone() {
    assert_eq!(family("de Souza", "de Silva"), FamilyNameLevel::Different);
}

#[test]
fn r36_a_swap_is_its_own_level_and_needs_the_exact_date() {
    assert_eq!(
        given(("Amanda", "Jak"), ("Jak", "Amanda")),
        GivenNameLevel::Swapped
    );
    let here = |name: (&str, &str), date: &str| {
        said()
            .name(name.0, name.1)
            .born(date)
            .at("3 Elm Road", "LS1 4AP")
            .phone("07700 900123")
    };
    let exact = decided(
        &here(("Amanda", "Jak"), "1980-05-12"),
        &here(("Jak", "Amanda"), "1980-05-12"),
    );
    assert!(exact.is_link(), "{exact:?}");
    let partial = decided(
        &here(("Amanda", "Jak"), "1980-05-12"),
        &here(("Jak", "Amanda"), "1980"),
    );
    assert!(partial.review);
}

#[test]
fn r37_nicknames_are_graded_and_not_transitive() {
    assert_eq!(
        given(("Robert", "Hill"), ("Bob", "Hill")),
        GivenNameLevel::Nickname
    );
    assert_eq!(
        given(("Bob", "Hill"), ("Albert", "Hill")),
        GivenNameLevel::Different
    );
}

#[test]
fn r38_r39_spellings_of_a_name_are_a_level_with_the_pooled_frequency() {
    assert_eq!(
        given(("Mohammed", "Khan"), ("Muhammad", "Khan")),
        GivenNameLevel::SpellingVariant
    );
    let rare = compared(
        &said().name("Mohammod", "Khan"),
        &said().name("Muhammad", "Khan"),
    );
    let share = rare.outcome(Comparison::GivenName).log2_frequency.exp2();
    assert!(
        share > 0.005,
        "the pooled frequency is a per cent or so, not {share}"
    );
    assert!(rare.weight(Comparison::GivenName) < 5.0);
}

#[test]
fn r40_a_missing_prefix_name_is_neutral() {
    assert_eq!(
        given(("Mohammed Imran", "Khan"), ("Imran", "Khan")),
        GivenNameLevel::Exact
    );
    assert_eq!(
        given(("Mohammed Imran", "Khan"), ("Mohammed Yusuf", "Khan")),
        GivenNameLevel::Different
    );
}

#[test]
fn r41_a_generic_surname_slot_does_not_contradict_a_family_name() {
    assert_eq!(family("Kaur", "Dhillon"), FamilyNameLevel::Generic);
    let kaur = said().name("Harpreet", "Kaur");
    assert!(
        weight(
            &kaur,
            &said().name("Harpreet", "Dhillon"),
            Comparison::FamilyName
        )
        .abs()
            < 1e-12
    );
    assert!(
        weight(&kaur, &kaur, Comparison::FamilyName) < 12.0,
        "agreement earns its frequency"
    );
}

#[test]
fn r42_middle_names_agree_by_initial_and_conflict_mildly() {
    let level = |a: &str, b: &str| {
        let (left, right) = (said().name(a, "Hill"), said().name(b, "Hill"));
        (
            compared(&left, &right).middle_name(),
            weight(&left, &right, Comparison::MiddleName),
        )
    };
    assert_eq!(
        level("Jane A", "Jane Anne").0,
        MiddleNameLevel::InitialCompatible
    );
    let (conflict, bits) = level("Jane Anne", "Jane Marie");
    assert_eq!(conflict, MiddleNameLevel::Conflict);
    assert!((-2.0..0.0).contains(&bits));
    assert_eq!(level("Jane", "Jane Anne"), (MiddleNameLevel::Missing, 0.0));
}

#[test]
fn r43_a_name_cut_at_the_length_of_a_field_is_equal() {
    let long = "Featherstonehaugh Cholmondeley Marjoribanks";
    let cut: String = long.chars().take(35).collect();
    assert_eq!(family(long, &cut), FamilyNameLevel::Truncated);
}

#[test]
fn r44_a_womans_other_family_name_weighs_less_than_a_mans() {
    let with = |sex: &str, born: &str, family: &str| said().name("Sam", family).sex(sex).born(born);
    let bits = |sex: &str, born: &str| {
        weight(
            &with(sex, born, "Hill"),
            &with(sex, born, "Archer"),
            Comparison::FamilyName,
        )
    };
    let (woman, man, girl) = (
        bits("F", "1992-05-12"),
        bits("M", "1992-05-12"),
        bits("F", "2021-05-12"),
    );
    assert!((woman + 4.1).abs() < 0.2, "a woman of 34: {woman}");
    assert!((man + 6.2).abs() < 0.2, "a man: {man}");
    assert!((girl - man).abs() < 1e-12, "a girl of five weighs as a man");
}

#[test]
fn r45_an_earlier_name_counts_less_among_many() {
    let jones = said().name("Sarah", "Jones");
    let married = said().name("Sarah", "Thistlewood").alias("", "Jones");
    assert_eq!(
        compared(&jones, &married).family_name(),
        FamilyNameLevel::Historic
    );
    let mut many = said().name("Sarah", "Thistlewood");
    for name in [
        "Ash", "Birch", "Cedar", "Elder", "Firth", "Gorse", "Hazel", "Ivy", "Larch", "Maple",
        "Oakes",
    ] {
        many = many.alias("", name);
    }
    let many = many.alias("", "Jones");
    let lost = weight(&jones, &married, Comparison::FamilyName)
        - weight(&jones, &many, Comparison::FamilyName);
    assert!(lost >= 3.0, "twelve alternatives cost {lost}");
}

#[test]
fn r46_a_single_name_is_compared_to_either_slot() {
    let single = said().name("Selvan", "Selvan");
    let given = compared(&single, &said().name("Selvan", "Murugan"));
    assert_eq!(given.given_name(), GivenNameLevel::Exact);
    assert!(given.weight(Comparison::FamilyName).abs() < 1e-12);
    let family = compared(&single, &said().name("Murugan", "Selvan"));
    assert_eq!(family.family_name(), FamilyNameLevel::Exact);
    assert!(family.weight(Comparison::GivenName).abs() < 1e-12);
}

#[test]
fn r47_split_and_reordered_names_meet() {
    assert_eq!(
        given(("Xiao Ming", "Chen"), ("Xiaoming", "Chen")),
        GivenNameLevel::SpellingVariant
    );
    assert_eq!(
        given(("Xiao Ming", "Chen"), ("Chen", "Xiaoming")),
        GivenNameLevel::Swapped
    );
}

#[test]
fn r48_names_that_only_sound_alike_are_never_equal() {
    assert_ne!(family("Smith", "Smythe"), FamilyNameLevel::Exact);
    assert_eq!(family("Bailey", "Bayleigh"), FamilyNameLevel::Phonetic);
}

#[test]
fn r49_a_full_name_earns_no_more_than_its_joint_frequency() {
    let khan = said().name("Mohammed", "Khan");
    let vector = compared(&khan, &khan);
    let apart = vector.weight(Comparison::GivenName) + vector.weight(Comparison::FamilyName);
    assert!(
        vector.full_name_max < apart - 2.0,
        "{} of {apart}",
        vector.full_name_max
    );
    let rare = said().name("Zebedee", "Thistlewood");
    assert!(
        compared(&rare, &rare).full_name_max <= 20.53,
        "one person in the population"
    );
}
