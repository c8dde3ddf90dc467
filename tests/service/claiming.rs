//! One verified number has one owner. A number that two persons claim has none:
//! it anchors nothing and resolves to "under investigation" (R19).

use serde_json::{Value, json};

use crate::people::{NUMBERS, with};
use crate::world::{Actor, World, record_path};

fn owner() -> Value {
    json!({
        "given_names": ["Victoria"], "family_name": "Plumtree", "birth_date": "1971-06-21",
        "gender": "female", "nhs_number": NUMBERS[4], "nhs_number_status": "01",
        "phones": ["07700 900471"],
        "addresses": [{"lines": ["14 Larkspur Way"], "town": "Leeds", "postcode": "LS8 3QP"}],
    })
}

/// Somebody else with the same number.
fn other() -> Value {
    json!({
        "given_names": ["Gareth"], "family_name": "Owens", "birth_date": "1948-11-02",
        "gender": "male", "nhs_number": NUMBERS[4], "nhs_number_status": "01",
    })
}

#[track_caller]
fn is_investigated(world: &World, source: &str, expected: bool) {
    let reference = world.cross_reference(source, "1");
    assert_eq!(
        reference["under_investigation"], expected,
        "{}",
        reference.text
    );
    let person = world.person(&reference.person());
    assert_eq!(person["under_investigation"], expected, "{}", person.text);
}

#[test]
fn r19_a_number_that_two_persons_claim_has_no_owner_until_one_claim_goes() {
    let world = World::start();
    let first = world.registers("gp", "1", &owner()).person();
    is_investigated(&world, "gp", false);
    assert_eq!(world.matches(&owner())["under_investigation"], false);

    let second = world.registers("ed", "1", &other()).person();
    assert_ne!(first, second);
    is_investigated(&world, "gp", true);
    is_investigated(&world, "ed", true);
    for asked in [owner(), other()] {
        let found = world.matches(&asked);
        assert_eq!(found["under_investigation"], true, "{}", found.text);
        for candidate in found.list("candidates") {
            let by_number = candidate["explanation"].to_string();
            assert!(by_number.contains("nhs_number"), "{by_number}");
        }
    }
    let by_number = json!({"nhs_number": NUMBERS[4], "nhs_number_status": "01"});
    let found = world.matches(&by_number);
    let certain = found
        .list("candidates")
        .iter()
        .any(|it| it["grade"] == "certain");
    assert!(!certain, "never the first holder: {}", found.text);

    world.withdraws("ed", "1");
    is_investigated(&world, "gp", false);
    let next = world.registers("pas", "1", &owner());
    assert_eq!(next.person(), first);
    assert_eq!(
        next["route"], "deterministic",
        "it anchors again: {}",
        next.text
    );
    world.verify();
}

#[test]
fn r19_a_claim_follows_the_current_version() {
    let world = World::start();
    world.registers("gp", "1", &owner());
    world.registers("ed", "1", &other());
    let corrected = with(&other(), json!({"nhs_number": NUMBERS[6]}));
    world.put("ed", "1", &corrected).send().expect(200);
    let held = world.get(&record_path("ed", "1")).by(Actor::Steward).send();
    assert_eq!(held["record"]["nhs_number"], NUMBERS[6], "{}", held.text);
    // The question waits for a human; the number itself is the owner's again.
    let found = world.matches(&with(&owner(), json!({"nhs_number": NUMBERS[6]})));
    assert_eq!(found["under_investigation"], false, "{}", found.text);
    world.verify();
}

#[test]
fn r12_a_number_that_nobody_verified_is_no_claim() {
    let world = World::start();
    world.registers("gp", "1", &owner());
    let untraced = with(&other(), json!({"nhs_number_status": "02"}));
    world.registers("ed", "1", &untraced);
    let person = world.cross_reference("ed", "1").person();
    let tasks = world.person(&person).tasks();
    let investigated = world.person(&person)["under_investigation"] == true;
    assert_eq!(investigated, !tasks.is_empty(), "by a question alone");
    world.verify();
}
