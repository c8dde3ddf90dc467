//! Retrieval: what survives one wrong or missing field, what is bounded, and
//! that no key shows what it was made of.

use crate::matching::rule_tests::{Said, said};
use crate::matching::{BlockingKeys, KeyKind, blocking_format, blocking_keys};

fn full() -> Said {
    said()
        .name("Robert James", "Fielding")
        .sex("M")
        .born("1980-05-12")
        .at("3 Elm Road", "LS1 4AP")
        .phone("07700 900123")
}

fn common(query: &Said, known: &Said) -> usize {
    let stored = blocking_keys(&known.record()).stored;
    blocking_keys(&query.record())
        .probes
        .iter()
        .filter(|probe| stored.binary_search(&probe.key).is_ok())
        .count()
}

fn kinds(keys: &BlockingKeys) -> Vec<KeyKind> {
    let mut kinds: Vec<KeyKind> = keys.probes.iter().map(|probe| probe.key.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_record_with_any_one_field_wrong_or_missing_is_found_twice() {
    let cases: Vec<(&str, Said)> = vec![
        (
            "given name mistyped",
            full().name("Robret James", "Fielding"),
        ),
        ("another given name", full().name("Neville", "Fielding")),
        ("nickname", full().name("Bob", "Fielding")),
        ("no given name", full().name("", "Fielding")),
        ("family name changed", full().name("Robert James", "Archer")),
        ("no family name", full().name("Robert James", "")),
        ("slots exchanged", full().name("Fielding", "Robert")),
        ("birth year wrong", full().born("1908-05-12")),
        ("day and month exchanged", full().born("1980-12-05")),
        ("no birth date", full().with(|body| body.birth_date = None)),
        (
            "moved",
            full().with(|body| body.addresses[0].postcode = Some("M1 1AE".to_owned())),
        ),
        ("no address", full().with(|body| body.addresses.clear())),
        ("no phone", full().with(|body| body.phones.clear())),
    ];
    for (what, changed) in &cases {
        assert!(
            common(changed, &full()) >= 2,
            "{what}: asked by the changed record"
        );
        assert!(
            common(&full(), changed) >= 2,
            "{what}: asked by the full record"
        );
    }
}

#[test]
fn names_and_a_date_without_more_survive_one_error_too() {
    let bare = said().name("Robert", "Fielding").born("1980-05-12");
    for other in [
        said().name("Bob", "Fielding").born("1980-05-12"),
        said().name("Robert", "Feilding").born("1980-05-12"),
        said().name("Robert", "Fielding").born("1980-05-13"),
        said().name("Robert", "Fielding").born("1981-05-12"),
        said().name("Fielding", "Robert").born("1980-12-05"),
    ] {
        assert!(common(&bare, &other) >= 1);
    }
}

#[test]
fn every_earlier_value_gives_keys() {
    let married = said()
        .name("Sarah", "Thistlewood")
        .alias("", "Jones")
        .born("1980-05-12");
    assert!(common(&said().name("Sally", "Jones").born("1980-05-12"), &married) >= 1);
}

#[test]
fn a_body_with_one_field_finds_a_full_record() {
    for query in [
        said().born("1980-05-12"),
        said().born("1980-05-12").sex("M"),
        said().at("", "LS1 4AP"),
        said().name("Robert", "Fielding"),
        said().phone("07700 900123"),
    ] {
        assert!(common(&query, &full()) >= 1);
    }
}

#[test]
fn a_broad_key_is_looked_up_only_for_want_of_a_narrow_one() {
    let broad = |said: &Said| {
        kinds(&blocking_keys(&said.record()))
            .into_iter()
            .any(KeyKind::is_broad)
    };
    assert!(!broad(&full()));
    assert!(broad(&said().born("1980-05-12").sex("M")));
    let keys = blocking_keys(&said().born("1980-05-12").sex("M").record());
    assert!(
        !keys.probes[0].facets.is_empty(),
        "and can be narrowed by the sex"
    );
    assert!(
        keys.probes[0]
            .facets
            .iter()
            .all(|facet| keys.facets.contains(facet))
    );
}

#[test]
fn keys_are_sorted_unique_and_the_same_at_every_run() {
    let keys = blocking_keys(&full().record());
    assert_eq!(keys, blocking_keys(&full().record()));
    assert!(keys.stored.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(keys.probes.windows(2).all(|pair| pair[0].key < pair[1].key));
    assert!(keys.lock_hashes().windows(2).all(|pair| pair[0] < pair[1]));
    assert!(
        keys.probes
            .iter()
            .all(|probe| keys.stored.contains(&probe.key))
    );
    let mut counts = std::collections::BTreeMap::new();
    for key in &keys.stored {
        *counts.entry(key.kind.name()).or_insert(0) += 1;
    }
    assert!(
        keys.stored.len() < 45,
        "{} keys: {counts:?}",
        keys.stored.len()
    );
    // Part of the stored format: this number changes only with a new format.
    let phone = blocking_keys(&said().phone("07700 900123").record());
    assert_eq!(phone.stored, vec![phone.probes[0].key]);
    assert_eq!(phone.probes[0].key.hash, 8_684_563_602_890_351_064);
    assert_eq!(blocking_format(), blocking_format());
}

#[test]
fn a_record_without_any_value_has_no_keys() {
    assert_eq!(blocking_keys(&said().record()), BlockingKeys::default());
}
