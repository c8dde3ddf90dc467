//! Persons, their records, cross-references, withdrawal, and tasks as a
//! steward reads them.

use serde_json::json;

use crate::people::{john_smith, number, person, verified_person, with};
use crate::request::mentions;
use crate::world::{Actor, World, record_path};

#[test]
fn a_cross_reference_gives_the_ids_of_the_target_source() {
    let world = World::shared();
    let known = verified_person("cross-referenced");
    let first = world.registers("gp", "cross-gp", &known);
    world.registers("pas", "cross-pas", &known);
    world.registers("ed", "cross-ed", &known);

    let path = format!("{}/person", record_path("gp", "cross-gp"));
    let all = world.get(&path).send().expect(200);
    let pas = world
        .get(&format!("{path}?target_source=pas"))
        .send()
        .expect(200);
    let none = world
        .get(&format!("{path}?target_source=hospice"))
        .send()
        .expect(200);

    for answer in [&all, &pas, &none] {
        assert_eq!(answer.person(), first.person());
        assert!(answer["possible"].is_array(), "{}", answer.text);
    }
    assert!(
        all.mentions("cross-pas") && all.mentions("cross-ed"),
        "{}",
        all.text
    );
    assert!(
        pas.mentions("cross-pas") && !pas.mentions("cross-ed"),
        "{}",
        pas.text
    );
    assert!(!none.mentions("cross-pas"), "{}", none.text);
}

#[test]
fn a_cross_reference_says_when_a_link_is_under_investigation() {
    let world = World::start();
    let first = world.registers("gp", "1", &john_smith());
    let second = world.registers("pas", "1", &john_smith());

    let shown = world.cross_reference("pas", "1");

    assert_eq!(shown.person(), second.person());
    assert!(
        mentions(&shown["possible"], &first.person()),
        "{}",
        shown.text
    );
}

#[test]
fn a_person_shows_its_records() {
    let world = World::shared();
    let known = verified_person("with records");
    let first = world.registers("gp", "records-gp", &known);
    world.registers("pas", "records-pas", &known);
    let person_id = first.person();

    assert_eq!(world.person(&person_id).person(), person_id);
    let records = world
        .get(&format!("/persons/{person_id}/records"))
        .by(Actor::Steward)
        .send()
        .expect(200);

    assert!(
        records.mentions("records-gp") && records.mentions("records-pas"),
        "{}",
        records.text
    );
    assert!(records.mentions("gp") && records.mentions("pas"));
}

#[test]
fn a_record_is_read_with_its_versions_and_link() {
    let world = World::shared();
    let known = verified_person("read back");
    let first = world.registers("gp", "read-1", &known);
    let moved = with(&known, json!({"phones": ["07700 900010"]}));
    world.registers("gp", "read-1", &moved);

    let held = world.get(&record_path("gp", "read-1")).send().expect(200);

    assert_eq!(held.person(), first.person());
    assert_eq!(held["source"], "gp");
    assert_eq!(held["local_id"], "read-1");
    assert_eq!(held["record"], moved);
    assert_eq!(held.list("versions").len(), 2);
    for member in ["link", "findings", "tasks", "outcome", "route"] {
        let members = held.body.as_object().expect("an object");
        assert!(members.contains_key(member), "{member} in {}", held.text);
    }
}

#[test]
fn r136_each_link_carries_its_route() {
    let world = World::start();
    let known = verified_person("routes");
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &known);
    world.registers("ed", "1", &with(&known, json!({"nhs_number": null})));

    for (source, route) in [("pas", "deterministic"), ("ed", "probabilistic")] {
        let held = world.record(source, "1");
        assert_eq!(held["route"], route, "{}", held.text);
        assert!(mentions(&held["link"], route), "{}", held.text);
    }
}

#[test]
fn a_withdrawn_record_leaves_its_person_with_the_others() {
    let world = World::shared();
    let known = verified_person("one withdrawn");
    let first = world.registers("gp", "one-of-two", &known);
    world.registers("pas", "two-of-two", &known);

    world.withdraws("gp", "one-of-two");

    let left = world
        .get(&format!("/persons/{}/records", first.person()))
        .by(Actor::Steward)
        .send()
        .expect(200);
    assert!(left.mentions("two-of-two"), "{}", left.text);
    assert_eq!(
        world.cross_reference("pas", "two-of-two").person(),
        first.person()
    );
    let found = world.matches(&known);
    assert_eq!(found["candidates"][0]["person_id"], first["person_id"]);
}

#[test]
fn a_person_without_active_records_is_withdrawn_and_not_gone() {
    let world = World::shared();
    let known = verified_person("all withdrawn");
    let first = world.registers("gp", "last-one", &known);

    world.withdraws("gp", "last-one");

    let shown = world.person(&first.person());
    assert_eq!(shown.person(), first.person());
    assert!(shown.text.contains("withdrawn"), "{}", shown.text);
    let found = world.matches(&known);
    assert!(!found.mentions(&first.person()), "{}", found.text);
    let later = world.registers("pas", "after-withdrawal", &known);
    assert_ne!(
        later.person(),
        first.person(),
        "an id is never used again for new records"
    );
}

#[test]
fn a_record_can_be_withdrawn_twice_and_registered_again() {
    let world = World::shared();
    let known = verified_person("withdrawn twice");
    world.registers("gp", "twice", &known);

    world.withdraws("gp", "twice");
    world.withdraws("gp", "twice");
    let again = world.registers("gp", "twice", &known);

    assert!(again["person_id"].is_string(), "{}", again.text);
    assert_eq!(
        world.matches(&known)["candidates"][0]["person_id"],
        again["person_id"]
    );
}

#[test]
fn withdrawing_what_is_unknown_is_404() {
    let world = World::shared();
    world
        .ask(reqwest::Method::DELETE, &record_path("gp", "never-there"))
        .send()
        .expect_problem(404, "", &[]);
}

#[test]
fn a_steward_reads_the_tasks_that_wait() {
    let world = World::start();
    let first = world.registers("gp", "1", &john_smith());
    let second = world.registers("pas", "1", &john_smith());

    let tasks = world.tasks();

    let listed = tasks.list("tasks");
    assert_eq!(listed.len(), 1, "{}", tasks.text);
    let task = &listed[0];
    for member in ["task_id", "kind", "state", "opened_at"] {
        assert!(task[member].is_string(), "{member} in {task}");
    }
    assert!(task["weight_bits"].is_number(), "{task}");
    assert!(!task["reasons"].as_array().expect("reasons").is_empty());
    for person_id in [first.person(), second.person()] {
        assert!(mentions(&task["persons"], &person_id), "{task}");
    }
    let opened = world.task(task["task_id"].as_str().expect("an id"));
    for member in [
        "task_id",
        "kind",
        "state",
        "persons",
        "weight_bits",
        "reasons",
        "opened_at",
    ] {
        assert_eq!(opened[member], task[member], "{member}");
    }
}

#[test]
fn tasks_are_chosen_by_state_and_kind() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    world.registers("pas", "1", &john_smith());
    let ask = |query: &str| {
        let answer = world
            .get(&format!("/review/tasks?{query}"))
            .by(Actor::Steward)
            .send();
        answer.expect(200).list("tasks").len()
    };
    let kind = world.tasks()["tasks"][0]["kind"]
        .as_str()
        .expect("a kind")
        .to_owned();

    assert_eq!(ask("state=open"), 1);
    assert_eq!(ask("state=closed"), 0);
    assert_eq!(ask(&format!("kind={kind}")), 1);
    assert_eq!(ask(&format!("kind={kind}&state=closed")), 0);
}

#[test]
fn r118_new_evidence_for_two_persons_does_not_make_a_second_task() {
    let world = World::start();
    let known = verified_person("one task");
    let twin = with(&known, json!({"nhs_number": number("one task too")}));
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &twin);
    let before = world.tasks().list("tasks").len();

    world.registers("ed", "1", &twin);
    world.registers("community", "1", &known);

    assert_eq!(before, 1);
    assert_eq!(world.tasks().list("tasks").len(), before);
}

#[test]
fn what_nobody_knows_is_404() {
    let world = World::shared();
    let unknown = [
        "/persons/P-00000000000070008000000000000000",
        "/persons/P-00000000000070008000000000000000/records",
        "/persons/nonsense",
        "/review/tasks/T-00000000000070008000000000000000",
        "/review/tasks/nonsense",
        "/sources/gp/records/never-there",
        "/sources/gp/records/never-there/person",
        "/sources/nowhere/records/1",
        "/nothing/here",
    ];
    for path in unknown {
        world
            .get(path)
            .by(Actor::Steward)
            .send()
            .expect_problem(404, "", &[]);
    }
    let nowhere = world
        .put("nowhere", "1", &person("source nobody added"))
        .send();
    nowhere.expect_problem(404, "", &[]);
}

#[test]
fn the_sources_are_listed() {
    let world = World::shared();
    let sources = world.get("/sources").send().expect(200);
    for code in ["gp", "pas", "traced"] {
        assert!(sources.mentions(code), "{code} in {}", sources.text);
    }
}

#[test]
fn r136_a_reader_can_ask_for_links_of_a_surer_route_only() {
    let world = World::start();
    let known = verified_person("surer");
    world.registers("gp", "1", &known);
    let linked = world.registers("pas", "1", &known);
    assert_eq!(linked["route"], "deterministic", "{}", linked.text);
    let ids = |query: &str| {
        let path = format!("{}/person{query}", record_path("gp", "1"));
        let answer = world.get(&path).send().expect(200);
        answer.list("records").len()
    };
    assert_eq!(ids(""), 2);
    assert_eq!(ids("?min_route=probabilistic"), 2);
    assert_eq!(ids("?min_route=deterministic"), 2);
    assert_eq!(ids("?min_route=human"), 1, "automatic links are hidden");
}
