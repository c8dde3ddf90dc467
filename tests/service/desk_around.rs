//! What a question's page tells of others, and previews that hold a deed to what
//! they showed.

use serde_json::{Value, json};

use crate::people::{john_smith, person, with};
use crate::visitor::{Seen, Visitor};
use crate::world::{Actor, World};

fn at_home(base: &Value, changes: Value) -> Value {
    let home = json!({"addresses": [{
        "use": "home", "lines": ["12 Quarry Lane"], "town": "Leeds", "postcode": "LS6 2AB",
    }]});
    with(&with(base, home), changes)
}

/// A doubtful pair that lives at one address.
fn pair_at_home(world: &World, changes: Value) -> String {
    let smyth = json!({"family_name": "Smyth", "addresses": null});
    world.registers("gp", "1", &at_home(&john_smith(), changes));
    world.registers("pas", "1", &with(&john_smith(), smyth));
    world.tasks().tasks()[0].clone()
}

fn opens(world: &World, task: &str) -> Seen {
    let mut sam = Visitor::signed_in(world, "sam", &["steward"]);
    sam.opens(&format!("/review/tasks/{task}"))
}

#[test]
fn a_reader_sees_twins_household_namesakes_and_how_common_the_name_is() {
    let world = World::start();
    let task = pair_at_home(&world, json!({}));
    let twin = json!({"given_names": ["Thaddeus"], "birth_order": "2"});
    let twin = world
        .registers("gp", "2", &at_home(&john_smith(), twin))
        .person();
    let wife = json!({"given_names": ["Perdita"], "gender": "female", "birth_date": "1963-09-09"});
    world.registers("gp", "3", &at_home(&john_smith(), wife));
    world.registers(
        "gp",
        "4",
        &with(&john_smith(), json!({"birth_date": "1988-12-24"})),
    );
    world.registers("gp", "5", &person("a stranger to them"));
    let page = opens(&world, &task);
    let page = page
        .shows("THADDEUS SMITH")
        .shows("a twin?")
        .shows("(born as number 2)")
        .shows("PERDITA SMITH")
        .shows("lives at the same address")
        .shows("1988-12-24")
        .shows("same first name; same family name")
        .shows("of 1,500,000 people about")
        .shows("born on the same day, by chance")
        .shows("Nobody has decided anything else about them.");
    let stranger = person("a stranger to them");
    let stranger = stranger["family_name"].as_str().expect("a name");
    page.hides(&stranger.to_uppercase());
    // Whoever was shown is in the audit.
    let mut audrey = Visitor::signed_in(&world, "audrey", &["auditor"]);
    audrey
        .opens(&format!("/audit/persons/{twin}"))
        .shows("<bdi>sam</bdi>");
}

#[test]
fn r112_who_lives_with_a_restricted_person_is_not_shown() {
    let world = World::start();
    let task = pair_at_home(&world, json!({"restricted": true}));
    let other = json!({"given_names": ["Perdita"], "birth_date": "1963-09-09"});
    world.registers("gp", "3", &at_home(&john_smith(), other));
    opens(&world, &task)
        .shows("a location is restricted")
        .hides("PERDITA")
        .hides("lives at the same address");
}

#[test]
fn r22_whom_a_seal_keeps_apart_is_not_listed_beside_the_other() {
    let world = World::start();
    let task = pair_at_home(&world, json!({}));
    let twin = at_home(&john_smith(), json!({"given_names": ["Thaddeus"]}));
    let twin = world.registers("gp", "2", &twin).person();
    let body = json!({"a": {"person_id": twin}, "b": {"source": "gp", "local_id": "1"},
        "reason": "adoption order"});
    opens(&world, &task).shows("THADDEUS");
    let sealed = world.post("/seals").by(Actor::PrivacyOfficer).json(&body);
    sealed.send().expect(201);
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    sue.opens(&format!("/review/tasks/{task}"))
        .hides("THADDEUS");
}

#[test]
fn what_people_have_decided_before_stands_beside_the_question() {
    let world = World::start();
    let task = pair_at_home(&world, json!({}));
    let other = world.registers("community", "1", &person("somebody quite different"));
    let body = json!({"a": {"source": "gp", "local_id": "1"},
        "b": {"source": "community", "local_id": "1"}, "kind": "different", "reason": "they were seen"});
    let said = world.post("/assertions").by(Actor::Steward).json(&body);
    said.send().expect(201);
    opens(&world, &task)
        .shows("A human said that records are different people")
        .hides("Nobody has decided anything else")
        .hides(&other.person());
}

/// The preview of a merge of two, with what its form would send.
fn preview(sam: &mut Visitor<'_>, path: &str, other: &str) -> Vec<(&'static str, String)> {
    let fields = [("other", other), ("reason", "confirmed by telephone")];
    let page = sam.posts(path, &fields).expect(200);
    let page = page.shows("Nothing has changed yet");
    vec![
        ("other", other.to_owned()),
        ("reason", "confirmed by telephone".to_owned()),
        ("seen", page.field("seen")),
        ("lines", page.field("lines")),
        ("step", "do".to_owned()),
    ]
}

fn sends(sam: &mut Visitor<'_>, path: &str, fields: &[(&'static str, String)]) -> Seen {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, it)| (*name, it.as_str()))
        .collect();
    sam.posts(path, &fields)
}

#[test]
fn what_was_not_shown_is_not_done() {
    let world = World::start();
    let one = world.registers("gp", "1", &person("shown first")).person();
    let known = person("shown before it is done");
    let other = world.registers("pas", "1", &known).person();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.posts("/purpose", &[("purpose", "two files of one man")])
        .expect(303);
    let path = format!("/persons/{one}/merge");
    sam.opens(&format!("/persons/{one}"));
    // Without a look first nothing happens.
    let blind = [
        ("other", other.as_str()),
        ("reason", "sure"),
        ("step", "do"),
    ];
    sam.posts(&path, &blind)
        .expect(409)
        .shows("Nothing was done");
    // The other person has an address for letters by the time the button is pressed.
    let fields = preview(&mut sam, &path, &other);
    let wrote = json!({"emails": ["writes@example.org"]});
    world.registers("pas", "1", &with(&known, wrote));
    let asked_again = sends(&mut sam, &path, &fields).expect(409);
    let asked_again = asked_again
        .shows("What would happen is not what you were shown")
        .shows("new since you looked")
        .shows("confirmed by telephone");
    assert_eq!(world.cross_reference("pas", "1").person(), other);
    // Now it has been shown.
    let mut fields = fields;
    fields[2].1 = asked_again.field("seen");
    fields[3].1 = asked_again.field("lines");
    sends(&mut sam, &path, &fields).expect(303);
    assert_eq!(world.cross_reference("pas", "1").person(), one);
    // So with taking it back: another record has come since the look.
    let page = sam.opens(&format!("/persons/{one}"));
    let undo = page.values("action=\"/merges/").pop().expect("a merge");
    let undo = format!("/merges/{undo}");
    let fields = preview(&mut sam, &undo, "");
    world.registers(
        "gp",
        "1",
        &with(&person("shown first"), json!({"phones": null})),
    );
    sends(&mut sam, &undo, &fields)
        .expect(409)
        .shows("Nothing was done");
    let fields = preview(&mut sam, &undo, "");
    sends(&mut sam, &undo, &fields).expect(303);
    assert_eq!(world.cross_reference("pas", "1").person(), other);
    world.verify();
}
