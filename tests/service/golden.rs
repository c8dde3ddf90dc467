//! What a person's records say together, with where each value comes from, and what
//! people prefer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{NUMBERS, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World};

fn golden(world: &World, person_id: &str) -> Answer {
    world
        .get(&format!("/persons/{person_id}/golden"))
        .by(Actor::Steward)
        .send()
        .expect(200)
}

fn field<'a>(golden: &'a Answer, name: &str) -> &'a Value {
    let found = golden
        .list("values")
        .iter()
        .find(|value| value["field"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {}", golden.text))
}

fn prefers(world: &World, person_id: &str, name: &str, local_id: &str, version: u32) -> Answer {
    world
        .ask(Method::PUT, &format!("/persons/{person_id}/golden/{name}"))
        .by(Actor::Steward)
        .json(&json!({
            "source": "pas", "local_id": local_id, "version": version,
            "reason": "seen on the passport",
        }))
        .send()
}

/// A person of two records that differ in family name and address.
fn known_twice(world: &World, story: &str) -> (String, Value) {
    let known = with(
        &verified_person(story),
        json!({"effective_at": "2020-01-01T00:00:00Z"}),
    );
    let person_id = world.registers("gp", "1", &known).person();
    let moved = with(
        &known,
        json!({
            "family_name": "Newcombe", "effective_at": "2024-01-01T00:00:00Z",
            "addresses": [{"lines": ["7 Foundry Street"], "town": "York", "postcode": "YO1 7AB"}],
        }),
    );
    let other = world.registers("pas", "1", &moved);
    assert_eq!(other.person(), person_id);
    (person_id, known)
}

#[test]
fn r106_each_value_says_where_it_comes_from_and_which_lost() {
    let world = World::start();
    let (person_id, known) = known_twice(&world, "golden");

    let golden = golden(&world, &person_id);

    let name = field(&golden, "name");
    assert_eq!(name["value"]["family_name"], "Newcombe");
    assert_eq!(name["from"]["source"], "pas");
    assert_eq!(name["from"]["version"], 1);
    assert!(name["from"]["received_at"].is_string());
    assert_eq!(name["chosen"], "recency");
    assert_eq!(name["because"], "It is the latest at its source.");
    assert_eq!(
        name["lost"][0]["value"]["family_name"],
        known["family_name"]
    );
    assert_eq!(name["lost"][0]["reason"], "recency");
    let birth = field(&golden, "birth_date");
    assert_eq!(birth["chosen"], "all_agree");
    assert_eq!(birth["lost"][0]["reason"], "says_the_same");
    assert_eq!(
        field(&golden, "address")["value"]["addresses"][0]["town"],
        "York"
    );
    world.withdraws("pas", "1");
    let left = self::golden(&world, &person_id);
    assert_eq!(
        field(&left, "name")["value"]["family_name"],
        known["family_name"]
    );
    world.verify();
}

#[test]
fn what_a_person_prefers_stands_until_it_is_taken_back() {
    let world = World::start();
    let (person_id, known) = known_twice(&world, "preferred");
    let back = with(&known, json!({"effective_at": "2025-01-01T00:00:00Z"}));
    world.registers("gp", "1", &back);
    let before = golden(&world, &person_id);
    assert_eq!(field(&before, "name")["from"]["source"], "gp");

    let shown = prefers(&world, &person_id, "name", "1", 1).expect(200);

    for golden in [shown, golden(&world, &person_id)] {
        let name = field(&golden, "name");
        assert_eq!(name["value"]["family_name"], "Newcombe");
        assert_eq!(name["chosen"], "preferred");
        assert!(name["preferred_by"].is_string() && name["preferred_at"].is_string());
        assert_eq!(name["lost"][0]["reason"], "preferred");
    }
    let read = world.get(&format!("/persons/{person_id}/golden"));
    let read = read.by(Actor::Clinician).send().expect(200);
    assert!(field(&read, "name")["preferred_by"].is_null());
    let taken_back = || {
        world
            .ask(Method::DELETE, &format!("/persons/{person_id}/golden/name"))
            .by(Actor::Steward)
            .send()
    };
    taken_back().expect(204);
    assert_eq!(
        field(&golden(&world, &person_id), "name")["chosen"],
        "recency"
    );
    taken_back().expect_problem(404, "", &[]);
    world.verify();
}

#[test]
fn a_preference_that_cannot_be_is_refused() {
    let world = World::start();
    let (person_id, _) = known_twice(&world, "refused");
    world.registers("pas", "2", &verified_person("somebody else"));
    prefers(&world, &person_id, "name", "2", 1).expect_problem(422, "local_id", &[]);
    prefers(&world, &person_id, "name", "nobody", 1).expect_problem(422, "local_id", &[]);
    prefers(&world, &person_id, "name", "1", 9).expect_problem(422, "version", &[]);
    prefers(&world, &person_id, "nhs_number", "1", 1).expect_problem(422, "R15", &[]);
    prefers(&world, &person_id, "shoe_size", "1", 1).expect_problem(404, "field", &[]);
}

#[test]
fn r105_a_retired_id_leads_to_the_golden_record_of_its_survivor() {
    let world = World::start();
    let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
    let numbered = with(
        &grace,
        json!({"birth_date": "1957-11-06", "nhs_number": NUMBERS[8], "nhs_number_status": "01"}),
    );
    let survivor = world.registers("gp", "1", &numbered).person();
    let retired = world.registers("ed", "1", &grace).person();
    world.registers("ed", "1", &numbered);
    let golden = golden(&world, &retired);
    assert_eq!(golden.person(), survivor);
    assert_eq!(golden["requested_id"], retired.as_str());
}

#[test]
fn r109_the_golden_record_of_a_restricted_person_has_no_location() {
    let world = World::start();
    let (person_id, known) = known_twice(&world, "hidden");
    world.registers("gp", "1", &with(&known, json!({"restricted": true})));
    let golden = golden(&world, &person_id);
    for name in ["address", "phones", "emails", "gp_practice"] {
        assert!(!golden.text.contains(name), "{name} in {}", golden.text);
    }
    assert!(!golden.text.contains("York") && golden.text.contains("Newcombe"));
}

/// A golden record without what belongs to one ledger alone: when a version came.
fn told(world: &World, local_id: &str) -> Value {
    let person_id = world.cross_reference("gp", local_id).person();
    let mut values = golden(world, &person_id)["values"].clone();
    for value in values.as_array_mut().expect("values") {
        let lost = value["lost"].as_array_mut().expect("a list");
        for lost in lost {
            lost["from"]["received_at"] = Value::Null;
        }
        if value["from"].is_object() {
            value["from"]["received_at"] = Value::Null;
        }
    }
    values
}

#[test]
fn i6_records_that_come_in_another_order_make_the_same_golden_records() {
    let mut records = Vec::new();
    for number in 0..6 {
        let known = verified_person(&format!("shuffled {number}"));
        let years = ["2019", "2021", "2021"];
        for (place, source) in ["gp", "pas", "ed"].iter().enumerate() {
            let phone = format!("07700 9006{number}{place}");
            let at = format!("{}-0{}-01T00:00:00Z", years[place], 1 + number);
            let mut sent = with(&known, json!({"phones": [phone], "effective_at": at}));
            if (number + place) % 3 == 0 {
                sent = with(&sent, json!({"gender": null, "effective_at": null}));
            }
            records.push((*source, number.to_string(), sent));
        }
    }
    let made = |order: &dyn Fn(usize) -> usize| {
        let world = World::start();
        let mut places: Vec<usize> = (0..records.len()).collect();
        places.sort_by_key(|place| order(*place));
        for place in places {
            let (source, local_id, sent) = &records[place];
            world.registers(source, local_id, sent);
        }
        let told: Vec<Value> = (0..6)
            .map(|number| told(&world, &number.to_string()))
            .collect();
        told
    };
    let first = made(&|place| place);
    assert_eq!(first, made(&|place| records.len() - place));
    assert_eq!(first, made(&|place| place * 7 % 19));
}
