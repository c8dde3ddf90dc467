//! A person disputes what a source says of them (R133): until the source has
//! answered, the value supports no automatic link; what was linked by it stays, as
//! possible, and is asked about.

use serde_json::{Value, json};

use crate::people::{person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

fn says(world: &World, actor: Actor, record: (&str, &str), step: &str, body: &Value) -> Answer {
    let path = format!("{}/disputes{step}", record_path(record.0, record.1));
    world.post(&path).by(actor).json(body).send()
}

fn disputes(world: &World, record: (&str, &str), field: &str) -> Answer {
    let body = json!({"field": field, "reason": "shown another certificate"});
    says(world, Actor::Steward, record, "", &body)
}

fn answers(world: &World, record: (&str, &str), field: &str, answer: &str) -> Answer {
    let body = json!({"field": field, "answer": answer, "reason": "as we asked the patient"});
    says(world, Actor::Integration, record, "/answer", &body)
}

/// Names, date and sex, so that a link rests on the date.
fn thin(story: &str) -> Value {
    let whole = person(story);
    json!({"given_names": whole["given_names"], "family_name": whole["family_name"],
        "birth_date": whole["birth_date"], "gender": whole["gender"],
        "addresses": whole["addresses"]})
}

fn standing(world: &World, record: (&str, &str)) -> Value {
    world.cross_reference(record.0, record.1)["standing"].clone()
}

#[test]
fn r133_a_disputed_birth_date_supports_no_link_until_it_is_confirmed() {
    let world = World::start();
    let known = thin("disputes a date");
    let first = world.registers("gp", "1", &known).person();

    let disputed = disputes(&world, ("gp", "1"), "birth_date").expect(201);

    assert_eq!(disputed.person(), first);
    assert_eq!(disputed["version"], 2);
    let later = world.registers("pas", "1", &known);
    assert_ne!(later.person(), first, "{}", later.text);
    let record = world.record("gp", "1");
    assert_eq!(record["record"], known, "it is kept as it was sent");
    assert_eq!(
        record["disputes"][0]["field"], "birth_date",
        "{}",
        record.text
    );
    let told = world.cross_reference("gp", "1");
    assert_eq!(told["under_investigation"], true, "{}", told.text);
    let golden = format!("/persons/{first}/golden");
    let golden = world.get(&golden).by(Actor::Steward).send().expect(200);
    let date = golden
        .list("values")
        .iter()
        .find(|it| it["field"] == "birth_date");
    assert_eq!(date.expect("a date")["disputed"], true, "{}", golden.text);
    let history = world.get(&format!("/persons/{first}/history"));
    let history = history.by(Actor::Steward).send().expect(200);
    assert!(history.text.contains("is disputed"), "{}", history.text);
    // Whoever knows the patient finds the record all the same.
    let criteria = json!({"family_name": known["family_name"], "birth_date": known["birth_date"],
        "given_names": known["given_names"]});
    let found = world.post("/persons/search").by(Actor::Clinician);
    assert!(found.json(&criteria).send().expect(200).mentions(&first));

    answers(&world, ("gp", "1"), "birth_date", "confirmed").expect(200);

    assert_eq!(world.record("gp", "1")["disputes"], json!([]));
    let joined = world.cross_reference("gp", "1").person();
    assert_eq!(joined, later.person(), "decided again with the value");
    assert_eq!(world.person(&first).person(), joined);
    world.verify();
}

#[test]
fn r133_links_that_rest_on_it_are_possible_and_asked_about_and_stay() {
    let world = World::start();
    let known = thin("rests on a date");
    let owner = world.registers("gp", "1", &known).person();
    for source in ["pas", "ed"] {
        assert_eq!(world.registers(source, "1", &known).person(), owner);
    }
    // Of two others the link rests on each other, of the first on nothing else.
    let disputed = disputes(&world, ("pas", "1"), "birth_date").expect(201);

    let task = disputed.tasks().first().cloned().expect("a question");
    let asked = world.task(&task);
    assert_eq!(asked["kind"], "link_doubtful", "{}", asked.text);
    assert_eq!(asked["reasons"][0]["rule"], "R133", "{}", asked.text);
    assert_eq!(standing(&world, ("pas", "1")), "possible");
    assert_eq!(standing(&world, ("gp", "1")), "holds");
    assert_eq!(standing(&world, ("ed", "1")), "holds");
    for source in ["gp", "pas", "ed"] {
        assert_eq!(world.cross_reference(source, "1").person(), owner);
    }
    // The source says it again: that is no answer, and nothing is settled by it.
    let again = with(&known, json!({"phones": ["07700 900451"]}));
    world.registers("pas", "1", &again);
    assert_eq!(standing(&world, ("pas", "1")), "possible");
    assert_eq!(world.task(&task)["state"], "open");

    answers(&world, ("pas", "1"), "birth_date", "withdrawn").expect(200);

    assert_eq!(standing(&world, ("pas", "1")), "holds");
    assert_eq!(world.task(&task)["state"], "closed");
    world.verify();
}

#[test]
fn r133_a_later_version_with_another_value_is_an_answer() {
    let world = World::start();
    let known = thin("answers by sending");
    let owner = world.registers("gp", "1", &known).person();
    assert_eq!(world.registers("pas", "1", &known).person(), owner);
    disputes(&world, ("pas", "1"), "birth_date").expect(201);
    let path = format!("{}/disputes", record_path("pas", "1"));
    let listed = || world.get(&path).by(Actor::Steward).send().expect(200);
    assert_eq!(listed()["disputes"][0]["ended_at"], Value::Null);
    assert_eq!(
        listed()["disputes"][0]["reason"],
        "shown another certificate"
    );

    let day = known["birth_date"].as_str().expect("a date");
    let other = if day.ends_with("01") { "02" } else { "01" };
    let corrected = format!("{}{other}", &day[..8]);
    world.registers("pas", "1", &with(&known, json!({"birth_date": corrected})));

    let ended = &listed()["disputes"][0];
    assert_eq!(ended["because"], "answered", "{ended}");
    assert_eq!(world.record("pas", "1")["disputes"], json!([]));
    world.verify();
}

#[test]
fn r133_a_replay_of_what_is_disputed_changes_nothing() {
    let world = World::start();
    let known = thin("sends it again");
    world.registers("gp", "1", &known);
    disputes(&world, ("gp", "1"), "birth_date").expect(201);
    let replayed = world.registers("gp", "1", &known);
    assert_eq!(replayed["version"], 2, "{}", replayed.text);
    assert_eq!(world.record("gp", "1").list("versions").len(), 2);
    let at = world.record("gp", "1")["disputes"][0]["since"].clone();
    let at = at.as_str().expect("an instant").replace('+', "%2B");
    answers(&world, ("gp", "1"), "birth_date", "confirmed").expect(200);
    let then = world.get(&format!("{}?as_of={at}", record_path("gp", "1")));
    let then = then.by(Actor::Steward).send().expect(200);
    assert_eq!(then["disputes"][0]["field"], "birth_date", "{}", then.text);
    world.verify();
}

#[test]
fn r133_r135_a_dispute_outlives_a_copy_and_a_rebuild_and_goes_with_an_erasure() {
    let world = World::start();
    let known = thin("moves house");
    world.registers("gp", "1", &known);
    disputes(&world, ("gp", "1"), "birth_date").expect(201);
    world.dies();
    world.accord(&["rebuild-index"]).expect(0);
    world.serves();
    let later = world.registers("pas", "1", &known);
    assert_ne!(later.person(), world.cross_reference("gp", "1").person());
    let erased = json!({"source": "gp", "local_id": "1", "reason": "asked for"});
    let erased = world
        .post("/erasures")
        .by(Actor::PrivacyOfficer)
        .json(&erased);
    erased.send().expect(200);
    let path = format!("{}/disputes", record_path("gp", "1"));
    let listed = world.get(&path).by(Actor::Steward).send().expect(200);
    assert_eq!(
        listed["disputes"][0]["because"], "erased",
        "{}",
        listed.text
    );
    assert!(listed["disputes"][0]["reason"].is_null(), "{}", listed.text);
    world.verify();
}

#[test]
fn r133_what_cannot_be_disputed_is_refused_by_name() {
    let world = World::start();
    let known = with(&verified_person("refuses"), json!({"emails": null}));
    world.registers("gp", "1", &known);
    let own = ("gp", "1");
    disputes(&world, own, "emails").expect_problem(422, "field", &[]);
    disputes(&world, own, "nhs_number").expect_problem(400, "field", &[]);
    answers(&world, own, "birth_date", "confirmed").expect(409);
    disputes(&world, ("gp", "nobody"), "birth_date").expect(404);
    let blank = json!({"field": "birth_date", "reason": " "});
    says(&world, Actor::Steward, own, "", &blank).expect_problem(422, "reason", &[]);
    disputes(&world, own, "birth_date").expect(201);
    disputes(&world, own, "birth_date").expect(409);
    // An update that waits for a human comes first.
    let held = world.registers("gp", "1", &verified_person("somebody else altogether"));
    assert_eq!(held["outcome"], "update_held", "{}", held.text);
    disputes(&world, own, "name").expect(409);
    let body = json!({"field": "birth_date", "answer": "confirmed", "reason": "asked"});
    for actor in [Actor::Clinician, Actor::Auditor, Actor::Administrator] {
        says(&world, actor, own, "/answer", &body).expect(403);
    }
    says(&world, Actor::GpFeed, ("pas", "1"), "", &body).expect(403);
    world.verify();
}
