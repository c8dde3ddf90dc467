//! What an update may change (DESIGN §2.2): an update that turns a record into
//! somebody else is held, one never moves a record out of a person that has
//! other records, and a record alone under its person may be joined to another.

use serde_json::json;

use crate::people::{NUMBERS, number, person, verified_person, with};
use crate::request::mentions;
use crate::world::{Actor, World};

fn in_both_worlds(story: impl Fn(&World)) {
    story(&World::start());
    story(&World::start_without_indexer());
}

#[test]
fn an_update_that_turns_a_record_into_someone_else_is_held() {
    in_both_worlds(|world| {
        let (known, somebody_else) = (verified_person("known"), verified_person("somebody else"));
        let first = world.registers("gp", "1", &known);
        world.registers("pas", "1", &known);

        let held = world.put("gp", "1", &somebody_else).send().expect(200);

        assert_eq!(held["outcome"], "update_held", "{}", held.text);
        assert_eq!(held.person(), first.person());
        let task = world.task(held.tasks().first().expect("a task"));
        assert_eq!(task["state"], "open");
        assert!(mentions(&task["persons"], &first.person()), "{}", task.text);
        let served = world.record("gp", "1");
        assert_eq!(served["record"]["family_name"], known["family_name"]);
        assert_eq!(
            served["outcome"], "update_held",
            "the earlier version is marked"
        );
    });
}

#[test]
fn a_held_update_sent_again_is_a_replay() {
    in_both_worlds(|world| {
        let (known, somebody_else) = (verified_person("known"), verified_person("somebody else"));
        world.registers("gp", "1", &known);
        world.registers("pas", "1", &known);

        let held = world.put("gp", "1", &somebody_else).send().expect(200);
        let again = world.put("gp", "1", &somebody_else).send().expect(200);

        assert_eq!(held["outcome"], again["outcome"]);
        assert_eq!(held["version"], again["version"], "nothing was written");
        assert_eq!(held["position"], again["position"]);
        assert_eq!(held.tasks(), again.tasks(), "one task, not two");
        assert_eq!(world.tasks().list("tasks").len(), 1);
    });
}

#[test]
fn an_update_never_moves_a_record_out_of_a_person_that_has_other_records() {
    in_both_worlds(|world| {
        let (one, other) = (
            verified_person("one family"),
            verified_person("other family"),
        );
        let first = world.registers("gp", "1", &one);
        world.registers("pas", "1", &one);
        let second = world.registers("ed", "1", &other);
        assert_ne!(first.person(), second.person());

        let pulled = world.put("gp", "1", &other).send().expect(200);

        assert_eq!(pulled.person(), first.person());
        assert!(!pulled.tasks().is_empty(), "{}", pulled.text);
        assert_eq!(world.cross_reference("gp", "1").person(), first.person());
        assert_eq!(world.cross_reference("ed", "1").person(), second.person());
    });
}

#[test]
fn a_marriage_and_a_move_break_nothing() {
    in_both_worlds(|world| {
        let known = verified_person("married");
        let first = world.registers("gp", "1", &known);
        world.registers("pas", "1", &known);
        let address =
            json!([{"lines": ["3 Elsewhere Road"], "town": "Leeds", "postcode": "LS6 2AB"}]);
        let changes = json!({"family_name": "Newname", "addresses": address});

        let updated = world
            .put("gp", "1", &with(&known, changes))
            .send()
            .expect(200);

        assert_eq!(updated["outcome"], "linked", "{}", updated.text);
        assert_eq!(updated.person(), first.person());
        let held = world.record("gp", "1");
        assert_eq!(held["record"]["family_name"], "Newname");
        assert_eq!(held.list("versions").len(), 2);
        let by_old_name = world.matches(&with(&known, json!({"nhs_number": null})));
        assert_eq!(
            by_old_name["candidates"][0]["person_id"],
            first["person_id"]
        );
    });
}

#[test]
fn a_record_alone_may_be_joined_and_its_person_resolves_for_ever() {
    in_both_worlds(|world| {
        let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
        let numbered = with(
            &grace,
            json!({
                "birth_date": "1957-11-06",
                "nhs_number": NUMBERS[8],
                "nhs_number_status": "01",
            }),
        );
        let first = world.registers("gp", "1", &numbered);
        let alone = world.registers("ed", "1", &grace);
        assert_ne!(alone.person(), first.person());

        let joined = world.put("ed", "1", &numbered).send().expect(200);

        assert_eq!(joined["outcome"], "linked", "{}", joined.text);
        assert_eq!(joined.person(), first.person());
        let retired = alone.person();
        let resolved = world.person(&retired);
        assert_eq!(resolved.person(), first.person());
        assert_eq!(resolved["requested_id"], retired);
        assert!(
            mentions(&resolved["replaced_by"], &first.person()),
            "{}",
            resolved.text
        );
        let gone = world
            .get(&format!("/persons/{retired}?follow=false"))
            .by(Actor::Steward)
            .send()
            .expect_problem(410, "", &[]);
        assert!(
            gone.text.contains(&first.person()),
            "the chain is told: {}",
            gone.text
        );
    });
}

#[test]
fn a_retired_person_still_resolves_after_a_restart() {
    let world = World::start();
    let numbered = verified_person("resolved later");
    let first = world.registers("gp", "1", &numbered);
    let only_names =
        json!({"given_names": numbered["given_names"], "birth_date": numbered["birth_date"]});
    let alone = world.registers("ed", "1", &only_names);
    assert_ne!(alone.person(), first.person());
    world.put("ed", "1", &numbered).send().expect(200);

    world.dies();
    world.serves();

    assert_eq!(world.person(&alone.person()).person(), first.person());
}

#[test]
fn a_record_alone_that_gains_nothing_keeps_its_person() {
    in_both_worlds(|world| {
        let known = person("grows");
        let first = world.registers("gp", "1", &with(&known, json!({"addresses": null})));
        let grown = world.put("gp", "1", &known).send().expect(200);
        assert_eq!(grown.person(), first.person());
        assert!(grown.tasks().is_empty());
    });
}

#[test]
fn an_old_version_sent_again_is_a_replay() {
    let world = World::start();
    let now = with(
        &verified_person("now"),
        json!({"effective_at": "2026-05-01T00:00:00Z"}),
    );
    let before = with(
        &now,
        json!({"title": "Dr", "effective_at": "2025-05-01T00:00:00Z"}),
    );
    world.registers("gp", "1", &now);

    let late = world.put("gp", "1", &before).send().expect(200);
    let again = world.put("gp", "1", &before).send().expect(200);

    assert_eq!(late["version"], 2);
    assert_eq!(late.text, again.text);
}

#[test]
fn a_good_update_settles_the_question_about_a_held_one() {
    let world = World::start();
    let (known, somebody_else) = (verified_person("known"), verified_person("somebody else"));
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &known);
    let held = world.put("gp", "1", &somebody_else).send().expect(200);
    let task = held.tasks().first().expect("a task").clone();

    world
        .put("gp", "1", &with(&known, json!({"title": "Dr"})))
        .send()
        .expect(200);

    assert_eq!(world.task(&task)["state"], "closed");
    assert_eq!(world.record("gp", "1")["outcome"], "linked");
}

#[test]
fn two_records_of_a_person_may_each_have_a_version_that_waits() {
    let world = World::start();
    let known = verified_person("two that are held");
    let person_id = world.registers("gp", "1", &known).person();
    assert_eq!(world.registers("pas", "1", &known).person(), person_id);
    let hold = |source: &str, story: &str| {
        let other = with(&known, json!({"nhs_number": number(story)}));
        let held = world.registers(source, "1", &other);
        assert_eq!(held["outcome"], "update_held", "{}", held.text);
        held.tasks()
    };
    let (one, other) = (hold("gp", "a number"), hold("pas", "another number"));
    assert_ne!(one, other, "each has a question of its own");
    assert_eq!(world.tasks().tasks().len(), 2);
    world.registers(
        "gp",
        "1",
        &with(&known, json!({"phones": ["07700 900222"]})),
    );
    assert_eq!(
        world.tasks().tasks(),
        other,
        "what fits settles its own alone"
    );
    world.verify();
}
