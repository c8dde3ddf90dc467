//! What happened to a person and to its records: a timeline in words, without
//! a value of a patient.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{NUMBERS, john_smith, person, verified_person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World};

fn path(person_id: &str) -> String {
    format!("/persons/{person_id}/history")
}

fn history(world: &World, person_id: &str) -> Answer {
    world
        .get(&path(person_id))
        .by(Actor::Steward)
        .send()
        .expect(200)
}

fn kinds(answer: &Answer) -> Vec<String> {
    let entries = answer.list("history").iter();
    entries
        .map(|entry| entry["kind"].as_str().expect("a kind").to_owned())
        .collect()
}

#[test]
fn a_persons_records_and_links_are_told_in_their_order() {
    let world = World::start();
    let known = verified_person("told in order");
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "7", &known);
    world.registers(
        "gp",
        "1",
        &with(&known, json!({"phones": ["07700 900444"]})),
    );
    world.registers("ed", "1", &verified_person("nobody we know"));
    world.withdraws("pas", "7");

    let told = history(&world, &person_id);

    assert_eq!(
        kinds(&told),
        [
            "record_registered",
            "person_created",
            "record_linked",
            "record_registered",
            "record_linked",
            "record_updated",
            "record_withdrawn",
            "record_unlinked",
        ],
        "{}",
        told.text
    );
    let entries = told.list("history");
    assert_eq!(
        entries[0]["record"],
        json!({"source": "gp", "local_id": "1"})
    );
    assert_eq!(
        entries[3]["record"],
        json!({"source": "pas", "local_id": "7"})
    );
    for entry in entries {
        for member in ["position", "at", "actor", "kind", "sentence", "person_id"] {
            assert!(entry[member].is_string(), "{member} in {entry}");
        }
        assert_eq!(entry["person_id"].as_str(), Some(person_id.as_str()));
    }
    let times: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["at"].as_str())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn r140_no_word_of_it_is_a_patients() {
    let world = World::start();
    let known = with(
        &verified_person("without values"),
        json!({"restricted": true, "emails": ["refuge@example.org"], "gp_practice": "C81099"}),
    );
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "1", &known);
    let told = history(&world, &person_id);
    for member in ["family_name", "birth_date", "nhs_number", "gp_practice"] {
        let value = known[member].as_str().expect("a text");
        assert!(!told.text.contains(value), "{value} in {}", told.text);
    }
    let postcode = known["addresses"][0]["postcode"].as_str().expect("a text");
    for value in [
        postcode,
        "refuge",
        known["given_names"][0].as_str().expect("a text"),
    ] {
        assert!(!told.text.contains(value), "{value} in {}", told.text);
    }
}

#[test]
fn r105_a_retired_id_leads_to_the_history_of_both() {
    let world = World::start();
    let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
    let numbered = with(
        &grace,
        json!({"birth_date": "1957-11-06", "nhs_number": NUMBERS[8], "nhs_number_status": "01"}),
    );
    let survivor = world.registers("gp", "1", &numbered).person();
    let retired = world.registers("ed", "1", &grace).person();
    world.registers("ed", "1", &numbered);

    let told = history(&world, &retired);

    assert_eq!(told.person(), survivor);
    assert_eq!(told["requested_id"], retired.as_str());
    assert!(mentions(&told["replaced_by"], &survivor));
    assert_eq!(told["history"], history(&world, &survivor)["history"]);
    assert!(
        kinds(&told).contains(&"person_retired".to_owned()),
        "{}",
        told.text
    );
    let first_of_both = told
        .list("history")
        .iter()
        .filter(|entry| entry["kind"] == "person_created");
    assert_eq!(first_of_both.count(), 2);
    world.withdraws("ed", "1");
    assert_eq!(history(&world, &retired).person(), survivor);
}

#[test]
fn tasks_are_part_of_it_on_both_sides() {
    let world = World::start();
    let first = world.registers("gp", "1", &john_smith()).person();
    let second = world.registers("pas", "1", &john_smith()).person();
    let task = world.tasks()["tasks"][0]["task_id"].clone();
    for person_id in [first, second] {
        let told = history(&world, &person_id);
        let asked: Vec<&Value> = told
            .list("history")
            .iter()
            .filter(|entry| entry["kind"] == "task_opened")
            .collect();
        assert_eq!(asked.len(), 1, "{}", told.text);
        assert_eq!(asked[0]["task"], task);
    }
}

#[test]
fn it_comes_in_pages_that_leave_nothing_out() {
    let world = World::start();
    let known = verified_person("paged");
    let person_id = world.registers("gp", "1", &known).person();
    for step in 0..4 {
        let phone = format!("07700 9005{step:02}");
        world.registers("gp", "1", &with(&known, json!({"phones": [phone]})));
    }
    let whole = history(&world, &person_id);
    assert_eq!(whole["next"], Value::Null);

    let mut pages = Vec::new();
    let mut next = String::new();
    loop {
        let page = world
            .get(&format!("{}?limit=2{next}", path(&person_id)))
            .by(Actor::Steward)
            .send()
            .expect(200);
        assert!(page.list("history").len() <= 2);
        pages.extend(page.list("history").clone());
        let Some(after) = page["next"].as_str() else {
            break;
        };
        next = format!("&after={after}");
    }
    assert_eq!(&pages, whole.list("history"));
    for wrong in ["after=here", "limit=0", "limit=9999"] {
        world
            .get(&format!("{}?{wrong}", path(&person_id)))
            .by(Actor::Steward)
            .send()
            .expect_problem(422, "", &[]);
    }
}

#[test]
fn r131_it_needs_a_role_and_a_reason() {
    let world = World::shared();
    let person_id = world
        .registers("gp", "history-1", &person("history of somebody"))
        .person();
    let ask = |actor: Actor| world.get(&path(&person_id)).by(actor);
    let refused = [
        Actor::Integration,
        Actor::Engineer,
        Actor::Auditor,
        Actor::Administrator,
    ];
    for actor in refused {
        ask(actor).send().expect_problem(403, "", &[]);
    }
    ask(Actor::Nobody).send().expect_problem(401, "", &[]);
    let silent = ask(Actor::Steward).without_reason().send();
    silent.expect_problem(403, "Accord-Reason", &[]);
    let read = ask(Actor::Clinician).send().expect(200);
    for entry in read.list("history") {
        assert!(
            entry["actor"].is_null(),
            "accounts are for those who answer for them"
        );
    }
    world
        .get("/persons/P-00000000000070008000000000000000/history")
        .by(Actor::Steward)
        .send()
        .expect_problem(404, "", &[]);
}

/// The sentences of a history, in order.
fn sentences(answer: &Answer) -> Vec<String> {
    let entries = answer.list("history").iter();
    entries
        .map(|entry| entry["sentence"].as_str().expect("a sentence").to_owned())
        .collect()
}

#[test]
fn it_reads_like_sentences() {
    let world = World::start();
    let known = verified_person("read aloud");
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "7", &known);
    let moved = json!({
        "family_name": "Newcombe",
        "addresses": [{"lines": ["7 Foundry Street"], "town": "York", "postcode": "YO1 7AB"}],
    });
    world.registers("gp", "1", &with(&known, moved));
    world
        .ask(Method::PUT, &format!("/persons/{person_id}/golden/name"))
        .by(Actor::Steward)
        .json(&json!({"source": "gp", "local_id": "1", "version": 1, "reason": "she asks for it"}))
        .send()
        .expect(200);
    world.withdraws("pas", "7");

    let told = sentences(&history(&world, &person_id));

    assert_eq!(
        told[..3],
        [
            "gp sent the record for the first time.",
            "This identity was made.",
            "The record of gp was linked as the first of an identity.",
        ]
    );
    assert_eq!(told[3], "pas sent the record for the first time.");
    assert!(
        told[4].starts_with("The record of pas was linked by a rule about its number (")
            && told[4].contains(" bits): The same verified NHS number, birth date and given name."),
        "{}",
        told[4]
    );
    assert_eq!(
        told[5..],
        [
            "gp sent version 2; it became what the record says. It changes the addresses and the \
             family name.",
            "Of the name, what gp said in version 1 was preferred by a human.",
            "pas withdrew the record.",
            "The record of pas left, because its source withdrew it.",
        ]
    );
}

#[test]
fn r139_which_location_changed_is_not_told_of_a_restricted_person() {
    let world = World::start();
    let known = with(
        &verified_person("moved in secret"),
        json!({"restricted": true}),
    );
    let person_id = world.registers("gp", "1", &known).person();
    let moved = json!({
        "addresses": [{"lines": ["7 Foundry Street"], "town": "York", "postcode": "YO1 7AB"}],
    });
    world.registers("gp", "1", &with(&known, moved));
    let told = sentences(&history(&world, &person_id));
    assert_eq!(
        told.last().map(String::as_str),
        Some(
            "gp sent version 2; it became what the record says. It changes nothing that is shown \
             here."
        )
    );
}
