//! Somebody objects to being shared (R134): seen by nobody but a privacy officer,
//! and still in the way of duplicates.

use reqwest::Method;
use serde_json::{Value, json};

use crate::doors::READERS;
use crate::people::{verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// Somebody with two records who objects: the person and what is known of it.
fn objecting(world: &World) -> (String, Value, String) {
    let known = verified_person("who objects");
    let person = world.registers("gp", "objects-1", &known).person();
    assert_eq!(world.registers("pas", "objects-2", &known).person(), person);
    let made = objects(world, &person).expect(201).member("seal_id");
    (person, known, made)
}

fn objects(world: &World, person: &str) -> Answer {
    let body = json!({"a": {"person_id": person}, "reason": "objection of 3 March"});
    let asked = world.post("/seals").by(Actor::PrivacyOfficer);
    asked.json(&body).send()
}

fn lifts(world: &World, seal: &str) {
    let path = format!("/seals/{seal}");
    let asked = world.ask(Method::DELETE, &path).by(Actor::PrivacyOfficer);
    asked.send().expect(204);
}

fn searches(world: &World, actor: Actor, known: &Value) -> Answer {
    let criteria = json!({"family_name": known["family_name"], "birth_date": known["birth_date"],
        "given_names": known["given_names"]});
    let asked = world.post("/persons/search").by(actor);
    asked.json(&criteria).send().expect(200)
}

#[test]
fn r134_who_objects_is_seen_by_nobody_but_a_privacy_officer() {
    let world = World::start();
    let asked = with(&verified_person("who objects"), json!({"restricted": null}));
    let questions = |world: &World| -> Vec<Value> {
        let ask = |actor: &Actor| {
            let matched = world.post("/match").by(*actor).json(&asked).send();
            [matched.expect(200).comparable()]
        };
        READERS.iter().flat_map(ask).collect()
    };
    let without = questions(&world);
    let (person, known, seal) = objecting(&world);

    assert_eq!(questions(&world), without, "as if there were nobody");
    for actor in [Actor::Clinician, Actor::Steward] {
        let found = searches(&world, actor, &known);
        assert!(!found.mentions(&person), "{}", found.text);
    }
    for path in [
        format!("/persons/{person}"),
        format!("/persons/{person}/records"),
        format!("/persons/{person}/golden"),
        format!("/persons/{person}/history"),
        format!("{}/person", record_path("gp", "objects-1")),
    ] {
        for actor in READERS {
            let told = world.get(&path).by(*actor).send();
            assert!(matches!(told.status, 403 | 404), "{path}: {}", told.text);
            assert!(!told.text.contains("objects"), "{path}: {}", told.text);
        }
        let seen = world.get(&path).by(Actor::PrivacyOfficer).send();
        seen.expect(200);
    }
    let record = record_path("gp", "objects-1");
    for actor in [Actor::Clinician, Actor::Steward] {
        world.get(&record).by(actor).send().expect(404);
    }
    let feed = world.get("/events?limit=500").send().expect(200);
    assert!(!feed.mentions(&person), "{}", feed.text);
    objects(&world, &person).expect(409);

    lifts(&world, &seal);
    assert!(searches(&world, Actor::Steward, &known).mentions(&person));
    world.person(&person);
    world.verify();
}

#[test]
fn r134_who_objects_prevents_duplicates_and_is_not_told() {
    let world = World::start();
    let (person, known, seal) = objecting(&world);

    let sent = world.registers("ed", "newcomer", &known);

    assert_eq!(sent["outcome"], "new_person", "{}", sent.text);
    assert_eq!(sent["complete"], false, "{}", sent.text);
    assert!(sent.tasks().is_empty() && !sent.mentions(&person));
    assert_eq!(sent["possible"], json!([]));
    assert!(world.tasks().tasks().is_empty());
    let read = world.record("ed", "newcomer");
    assert!(!read.mentions(&person), "{}", read.text);
    let listed = world.get("/review/tasks").by(Actor::PrivacyOfficer).send();
    let tasks = listed.expect(200);
    assert_eq!(tasks.tasks().len(), 1, "{}", tasks.text);
    assert!(tasks.mentions(&person) && tasks.mentions(&sent.person()));
    let task = format!("/review/tasks/{}", tasks.tasks()[0]);
    world.get(&task).by(Actor::Steward).send().expect(404);
    world
        .get(&task)
        .by(Actor::PrivacyOfficer)
        .send()
        .expect(200);
    // The next record of the newcomer breeds no further duplicate.
    let again = world.registers("community", "newcomer", &known);
    assert_eq!(again.person(), sent.person(), "{}", again.text);
    assert_eq!(again["complete"], false, "{}", again.text);

    lifts(&world, &seal);
    assert_eq!(world.task(&tasks.tasks()[0])["state"], "open");
    let update = with(&known, json!({"phones": ["07700 900476"]}));
    let joined = world.registers("ed", "newcomer", &update);
    assert!(joined.mentions(&person), "{}", joined.text);
    world.verify();
}

#[test]
fn r134_a_source_goes_on_with_its_own_record() {
    let world = World::start();
    let (person, known, _) = objecting(&world);
    let stranger = verified_person("somebody else here");
    world.registers("hospice", "beside", &stranger);

    let moved = with(&known, json!({"phones": ["07700 900477"]}));
    let updated = world.registers("gp", "objects-1", &moved);

    assert_eq!(updated.person(), person);
    assert_eq!(updated["version"], 2);
    let back = world
        .get(&record_path("gp", "objects-1"))
        .send()
        .expect(200);
    assert_eq!(back["record"]["phones"], moved["phones"]);
    world.withdraws("pas", "objects-2");
    world
        .get(&record_path("pas", "objects-2"))
        .by(Actor::Steward)
        .send()
        .expect(404);
    let back = world.registers("pas", "objects-2", &known);
    let seen = world
        .get(&format!("/persons/{}", back.person()))
        .by(Actor::Steward);
    seen.send().expect(404);
    world.verify();
}

#[test]
fn r134_taking_back_all_of_an_hour_passes_over_what_may_not_be_seen() {
    let world = World::start();
    let says = |path: &str, body: &Value| world.post(path).by(Actor::Steward).json(body).send();
    let person = |local_id: &str| {
        let known = with(&verified_person(local_id), json!({"nhs_number": null}));
        world.registers("gp", local_id, &known).person()
    };
    let joins = |survivor: &str, retired: &str| {
        let merge = json!({"survivor": survivor, "retired": retired, "reason": "one"});
        says("/merges", &merge).expect(200)
    };
    let hidden = [person("hour-1"), person("hour-2")];
    joins(&hidden[0], &hidden[1]);
    let plain = [person("hour-3"), person("hour-4")];
    joins(&plain[0], &plain[1]);
    objects(&world, &hidden[0]).expect(201);

    let range = json!({"actor": "stewart", "from": "2000-01-01T00:00:00Z",
        "to": "2100-01-01T00:00:00Z", "reason": "a wrong list"});
    let undone = says("/merges/undo", &range).expect(200);

    assert!(!undone.mentions(&hidden[0]) && !undone.mentions(&hidden[1]));
    assert_eq!(undone.list("decisions").len(), 1, "{}", undone.text);
    assert_eq!(world.cross_reference("gp", "hour-4").person(), plain[1]);
    world.verify();
}

#[test]
fn r134_nobody_joins_moves_or_speaks_of_who_objects() {
    let world = World::start();
    let (person, ..) = objecting(&world);
    let other = verified_person("somebody to join");
    let other = world.registers("ed", "other", &other).person();
    let says = |path: &str, body: &Value| world.post(path).by(Actor::Steward).json(body).send();
    for (survivor, retired) in [(&other, &person), (&person, &other)] {
        let merge = json!({"survivor": survivor, "retired": retired, "reason": "one"});
        says("/merges", &merge).expect(404);
    }
    let mine = json!({"source": "gp", "local_id": "objects-1"});
    for to in [other.as_str(), "new"] {
        let moved = with(&mine, json!({"person_id": to, "reason": "elsewhere"}));
        says("/links", &moved).expect(404);
    }
    let theirs = json!({"source": "ed", "local_id": "other"});
    let to_it = with(&theirs, json!({"person_id": person, "reason": "elsewhere"}));
    says("/links", &to_it).expect(404);
    for kind in ["same", "different"] {
        let said = json!({"a": mine, "b": theirs, "kind": kind, "reason": "known"});
        says("/assertions", &said).expect(404);
    }
    let preferred = json!({"source": "gp", "local_id": "objects-1", "version": 1, "reason": "x"});
    let asked = world.ask(Method::PUT, &format!("/persons/{person}/golden/name"));
    asked.by(Actor::Steward).json(&preferred).send().expect(404);
    world.verify();
}
