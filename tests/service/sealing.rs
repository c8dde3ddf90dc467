//! A sealed pair never appears together, by any door, for anybody but a privacy
//! officer (R21, R22). The doors are those of the OpenAPI document: a new one
//! fails here until somebody has considered it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::doors::{DOORS, Door};
use crate::people::{NUMBERS, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// What a side looks like in FHIR.
fn patient(side: &Side) -> Value {
    let body = &side.body;
    let status =
        "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
    json!({
        "resourceType": "Patient",
        "identifier": [
            {"system": format!("urn:accord:source:{}", side.source), "value": side.local_id},
            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": body["nhs_number"],
             "extension": [{"url": status, "valueCodeableConcept": {"coding": [{"code": "01"}]}}]},
        ],
        "name": [{"family": body["family_name"], "given": body["given_names"]}],
        "birthDate": body["birth_date"], "gender": body["gender"],
        "address": [{"line": body["addresses"][0]["lines"],
            "postalCode": body["addresses"][0]["postcode"]}],
    })
}

/// The id of a side's record in FHIR.
fn record_of(world: &World, side: &Side) -> String {
    let person = world.reads(&side.person);
    let reference = person["link"][0]["other"]["reference"]
        .as_str()
        .unwrap_or_default();
    reference.trim_start_matches("Patient/").to_owned()
}

/// Before and after an adoption: two numbers, otherwise alike.
pub(crate) fn before() -> Value {
    json!({
        "given_names": ["Rowan"], "family_name": "Beforely", "birth_date": "2019-03-04",
        "gender": "male", "nhs_number": NUMBERS[4], "nhs_number_status": "01",
        "addresses": [{"lines": ["3 Heron Close"], "town": "Leeds", "postcode": "LS9 4QX"}],
    })
}

pub(crate) fn after() -> Value {
    with(&before(), json!({"nhs_number": NUMBERS[5]}))
}

/// What must not be seen beside the other side.
pub(crate) struct Side {
    pub source: &'static str,
    pub local_id: &'static str,
    pub person: String,
    pub body: Value,
    /// Texts that only this side has.
    pub marks: Vec<String>,
}

pub(crate) fn side(
    world: &World,
    source: &'static str,
    local_id: &'static str,
    body: Value,
) -> Side {
    let person = world.registers(source, local_id, &body).person();
    let number = body["nhs_number"].as_str().expect("a number").to_owned();
    Side {
        source,
        local_id,
        marks: vec![person.clone(), number, local_id.to_owned()],
        person,
        body,
    }
}

pub(crate) fn seal(world: &World, a: &Side, b: &Side) -> Answer {
    let body = json!({"a": {"person_id": a.person},
        "b": {"source": b.source, "local_id": b.local_id}, "reason": "adoption order"});
    let asked = world.post("/seals").by(Actor::PrivacyOfficer);
    asked.json(&body).send()
}

/// Every answer of a door about a side.
fn answers(world: &World, method: &str, path: &str, actors: &[Actor], side: &Side) -> Vec<Answer> {
    let mut paths = vec![path.to_owned()];
    if path.contains("{task}") {
        let tasks = world.get("/review/tasks").by(Actor::PrivacyOfficer).send();
        paths = tasks
            .tasks()
            .iter()
            .map(|task| path.replace("{task}", task))
            .collect();
    }
    let mut answers = Vec::new();
    for path in paths {
        let path = path
            .replace("{source}", side.source)
            .replace("{local_id}", side.local_id)
            .replace("{person}", &side.person)
            .replace("{record}", &record_of(world, side));
        for actor in actors {
            let asked = world.ask(method.parse().expect("a method"), &path);
            let asked = asked.by(*actor);
            let answer = match method {
                "GET" => asked.send(),
                _ if path.ends_with("/_search") => {
                    let form = "family=Beforely&given=Rowan&birthdate=2019-03-04";
                    asked
                        .bytes("application/x-www-form-urlencoded", form)
                        .send()
                }
                _ if path.starts_with("/fhir/") => {
                    let body = patient(side).to_string();
                    asked.bytes("application/fhir+json", body).send()
                }
                _ if path.ends_with("/search") => {
                    let criteria = json!({"family_name": "Beforely", "birth_date": "2019-03-04",
                        "given_names": ["Rowan"]});
                    asked.json(&criteria).send()
                }
                _ if path.ends_with("/batch") => {
                    let line = with(&side.body, json!({"local_id": side.local_id}));
                    asked.bytes("application/x-ndjson", line.to_string()).send()
                }
                _ if path.ends_with("/records") => {
                    let named = with(&side.body, json!({"local_id": side.local_id}));
                    asked.json(&named).send()
                }
                _ => asked.json(&side.body).send(),
            };
            assert!(answer.status < 500, "{method} {path}: {}", answer.text);
            answers.push(answer);
        }
    }
    answers
}

/// Whether one thing that an answer tells names both: each event of a feed and
/// each entry of a list by itself where the list is not about somebody.
pub(crate) fn told_together(path: &str, answer: &Answer, a: &Side, b: &Side) -> bool {
    let names = |text: &str, side: &Side| side.marks.iter().any(|mark| text.contains(mark));
    let parts: Vec<String> = match path {
        "/events" => answer.list("events").iter().map(Value::to_string).collect(),
        "/events/unacknowledged" => {
            let entries = answer.list("unacknowledged");
            entries.iter().map(Value::to_string).collect()
        }
        _ => vec![answer.text.clone()],
    };
    parts.iter().any(|part| names(part, a) && names(part, b))
}

#[test]
fn r22_every_door_is_considered_and_none_shows_a_sealed_pair() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    assert_ne!(
        a.person, b.person,
        "two verified numbers are two persons (R15)"
    );
    let task = world.tasks().tasks();
    assert_eq!(task.len(), 1, "they are a question before they are sealed");
    seal(&world, &a, &b).expect(201);

    let document = world.get_root("/openapi.json").by(Actor::Nobody).send();
    let considered: BTreeSet<(&str, &str)> = DOORS.iter().map(|door| (door.0, door.1)).collect();
    for (path, item) in document["paths"].as_object().expect("paths") {
        // What watches the service names no patient.
        let Some(path) = path.strip_prefix("/api/v1") else {
            continue;
        };
        for method in item.as_object().expect("a path").keys() {
            let method = method.to_uppercase();
            assert!(
                considered.contains(&(method.as_str(), path)),
                "{method} {path} is a new door: consider seals (R22), then add it to DOORS"
            );
        }
    }
    for (method, path, door) in DOORS {
        let actors = match door {
            Door::Asked(actors) => actors,
            Door::Considered(why) => {
                assert!(!why.is_empty());
                continue;
            }
        };
        for asked in [&a, &b] {
            for answer in answers(&world, method, path, actors, asked) {
                let together = told_together(path, &answer, &a, &b);
                assert!(
                    !together,
                    "{method} {path} about {}: {}",
                    asked.person, answer.text
                );
            }
        }
    }
    assert!(world.tasks().tasks().is_empty(), "the question is gone");
    let closed = world.get("/review/tasks?state=closed").by(Actor::Steward);
    assert!(
        closed.send().expect(200).tasks().is_empty(),
        "and never was"
    );
    world
        .get(&format!("/review/tasks/{}", task[0]))
        .by(Actor::Steward)
        .send()
        .expect(404);
    world.verify();
}

#[test]
fn r21_r22_what_comes_later_makes_no_link_no_candidate_and_no_task() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    seal(&world, &a, &b).expect(201);
    for (source, of) in [("ed", &a), ("community", &b), ("hospice", &b)] {
        let other = if of.person == a.person { &b } else { &a };
        let later = world.registers(source, "later", &of.body);
        assert_eq!(later.person(), of.person, "{}", later.text);
        assert!(!later.mentions(&other.person), "{}", later.text);
        assert!(later.tasks().is_empty(), "{}", later.text);
    }
    // Somebody who could be either is asked about with the better one alone.
    let either = with(
        &before(),
        json!({"nhs_number": null, "nhs_number_status": null}),
    );
    let found = world.matches(&either);
    let both = found.mentions(&a.person) && found.mentions(&b.person);
    assert!(!both, "{}", found.text);
    let registered = world.registers("social", "either", &either);
    let both = registered.mentions(&a.person) && registered.mentions(&b.person);
    assert!(!both, "{}", registered.text);
    world.verify();
}

#[test]
fn r22_a_replay_from_before_the_seal_does_not_name_the_other() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let send = || {
        let put = world.put("pas", "side-of-b", &after());
        put.header("idempotency-key", "b-1").send()
    };
    let first = send().expect(201);
    assert!(
        first.mentions(&a.person),
        "it was a question then: {}",
        first.text
    );
    let b = side(&world, "pas", "side-of-b", after());
    seal(&world, &a, &b).expect(201);
    let again = send();
    assert_eq!(again.person(), b.person);
    assert!(!again.mentions(&a.person), "{}", again.text);
    assert!(!world.record("pas", "side-of-b").mentions(&a.person));
}

#[test]
fn r22_the_feed_tells_nothing_of_a_seal_and_a_privacy_officer_sees_all() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    let made = seal(&world, &a, &b).expect(201);
    let kinds = |actor: Actor| -> BTreeSet<String> {
        let read = world.get("/events?limit=500").by(actor).send().expect(200);
        let events = read.list("events").iter();
        let kinds = events.filter_map(|event| event["kind"].as_str());
        kinds.map(str::to_owned).collect()
    };
    let told = kinds(Actor::Integration);
    assert!(
        told.iter()
            .all(|kind| !kind.contains("seal") && !kind.contains("task"))
    );
    let seen = kinds(Actor::PrivacyOfficer);
    assert!(seen.contains("seal_made") && seen.contains("task_closed"));
    let listed = world
        .get("/seals")
        .by(Actor::PrivacyOfficer)
        .send()
        .expect(200);
    assert!(listed.mentions(&a.person) && listed.mentions(&b.person));
    let search = json!({"family_name": "Beforely", "birth_date": "2019-03-04"});
    let asked = world.post("/persons/search").by(Actor::PrivacyOfficer);
    let found = asked.json(&search).send().expect(200);
    assert!(
        found.mentions(&a.person) && found.mentions(&b.person),
        "{}",
        found.text
    );

    let path = format!("/seals/{}", made.member("seal_id"));
    let lift = |actor: Actor| world.ask(Method::DELETE, &path).by(actor);
    lift(Actor::Steward).send().expect(403);
    lift(Actor::PrivacyOfficer)
        .without_reason()
        .send()
        .expect(403);
    lift(Actor::PrivacyOfficer).send().expect(204);
    lift(Actor::PrivacyOfficer).send().expect(404);
    let asked = world.post("/persons/search").by(Actor::Steward);
    let found = asked.json(&search).send().expect(200);
    assert!(
        found.mentions(&a.person) && found.mentions(&b.person),
        "{}",
        found.text
    );
    world.verify();
}

#[test]
fn r22_a_seal_needs_two_persons_and_a_privacy_officer() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    let body = json!({"a": {"person_id": a.person}, "b": {"person_id": b.person},
        "reason": "adoption order"});
    for actor in [
        Actor::Integration,
        Actor::Clinician,
        Actor::Steward,
        Actor::Administrator,
    ] {
        let asked = world.post("/seals").by(actor).json(&body);
        asked.send().expect_problem(403, "", &[]);
        world
            .get("/seals")
            .by(actor)
            .send()
            .expect_problem(403, "", &[]);
    }
    let officer = |body: &Value| {
        world
            .post("/seals")
            .by(Actor::PrivacyOfficer)
            .json(body)
            .send()
    };
    officer(&with(&body, json!({"b": {"person_id": a.person}}))).expect(409);
    officer(&with(&body, json!({"reason": " "}))).expect(422);
    officer(&with(&body, json!({"b": {"source": "gp"}}))).expect(422);
    officer(&with(
        &body,
        json!({"b": {"source": "gp", "local_id": "nobody"}}),
    ))
    .expect(422);
    officer(&body).expect(201);
    officer(&body).expect(409);
    let record = world
        .get(&record_path("gp", "side-of-a"))
        .by(Actor::Steward);
    record.send().expect(200);
}

#[test]
fn r21_a_number_invalidated_without_replacement_is_sealed_from_any_later_one() {
    let world = World::start();
    let old = side(&world, "gp", "invalid", before());
    let invalidating = with(
        &before(),
        json!({"nhs_number": null, "nhs_number_status": "01",
            "replaces_nhs_number": NUMBERS[4]}),
    );
    let updated = world.put("gp", "invalid", &invalidating).send().expect(200);
    assert_eq!(updated.person(), old.person);
    // Same name, date and address with a new number: no link, candidate or task.
    let new = world.registers("pas", "new", &after());
    assert_ne!(new.person(), old.person, "{}", new.text);
    assert!(!new.mentions(&old.person), "{}", new.text);
    assert!(world.tasks().tasks().is_empty());
    let found = world.matches(&after());
    assert!(
        found.mentions(&new.person()) && !found.mentions(&old.person),
        "{}",
        found.text
    );
    let again = world.put("gp", "invalid", &with(&invalidating, json!({"phones": []})));
    let again = again.send().expect(200);
    assert_eq!(again.person(), old.person, "{}", again.text);
    assert!(!again.mentions(&new.person()), "{}", again.text);
    let listed = world
        .get("/seals")
        .by(Actor::PrivacyOfficer)
        .send()
        .expect(200);
    assert_eq!(
        listed.list("seals").len(),
        1,
        "an officer may open it: {}",
        listed.text
    );
    world.verify();
}

#[test]
fn r22_a_seal_outlasts_the_withdrawal_of_the_record_that_it_names() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    seal(&world, &a, &b).expect(201);
    // Each goes on by a later record alone.
    for (source, of) in [("ed", &a), ("community", &b)] {
        let later = world.registers(source, "later", &of.body);
        assert_eq!(later.person(), of.person, "{}", later.text);
        world.withdraws(of.source, of.local_id);
    }
    let either = with(
        &before(),
        json!({"nhs_number": null, "nhs_number_status": null}),
    );
    let registered = world.registers("social", "either", &either);
    let both = registered.mentions(&a.person) && registered.mentions(&b.person);
    assert!(!both, "{}", registered.text);
    let asked = json!({"survivor": a.person, "retired": b.person, "reason": "one"});
    let merge = world.post("/merges").by(Actor::Steward).json(&asked).send();
    merge.expect_problem(404, "", &[]);
    assert!(world.tasks().list("tasks").iter().all(
        |task| !(task.to_string().contains(&a.person) && task.to_string().contains(&b.person))
    ));
    world.verify();
}
