//! A sealed pair never appears together, by any door, for anybody but a privacy
//! officer (R21, R22). The doors are those of the OpenAPI document: a new one
//! fails here until somebody has considered it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{NUMBERS, person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// How a door is asked about the persons of a seal.
#[derive(Debug, Clone, Copy)]
enum Door {
    /// By these roles, with what is put in place of the braces.
    Asked(&'static [Actor]),
    /// Why it need not be.
    Considered(&'static str),
}

use Door::{Asked, Considered};

const READERS: &[Actor] = &[Actor::Integration, Actor::Clinician, Actor::Steward];
const CARE: &[Actor] = &[Actor::Clinician, Actor::Steward];
const DESK: &[Actor] = &[Actor::Steward];
const SYSTEMS: &[Actor] = &[Actor::Integration];

/// Every door of the service. Those that are not there yet may stand here too.
const DOORS: [(&str, &str, Door); 46] = [
    (
        "PUT",
        "/sources/{source}/records/{local_id}",
        Asked(SYSTEMS),
    ),
    ("POST", "/sources/{source}/records", Asked(SYSTEMS)),
    ("POST", "/sources/{source}/records/batch", Asked(SYSTEMS)),
    (
        "GET",
        "/sources/{source}/records/{local_id}",
        Asked(READERS),
    ),
    (
        "DELETE",
        "/sources/{source}/records/{local_id}",
        Considered("answers nothing"),
    ),
    (
        "GET",
        "/sources/{source}/records/{local_id}/person",
        Asked(READERS),
    ),
    ("POST", "/match", Asked(READERS)),
    ("POST", "/persons/search", Asked(CARE)),
    ("GET", "/persons/{person}", Asked(READERS)),
    ("GET", "/persons/{person}/records", Asked(READERS)),
    ("GET", "/persons/{person}/history", Asked(CARE)),
    ("GET", "/persons/{person}/golden", Asked(READERS)),
    (
        "PUT",
        "/persons/{person}/golden/{field}",
        Considered("names a record that is the person's; answers as the golden record"),
    ),
    (
        "DELETE",
        "/persons/{person}/golden/{field}",
        Considered("answers nothing"),
    ),
    (
        "POST",
        "/persons/{person}/acknowledgements",
        Considered("answers what was sent"),
    ),
    ("GET", "/events", Asked(SYSTEMS)),
    ("GET", "/events/unacknowledged", Asked(SYSTEMS)),
    ("GET", "/review/tasks", Asked(DESK)),
    ("GET", "/review/tasks/{task}", Asked(DESK)),
    ("GET", "/sources", Considered("names no patient")),
    ("POST", "/sources", Considered("names no patient")),
    (
        "POST",
        "/sources/{source}/release",
        Considered("names no patient"),
    ),
    (
        "GET",
        "/webhooks",
        Considered("names no patient; what they tell is the feed's"),
    ),
    ("POST", "/webhooks", Considered("names no patient")),
    (
        "DELETE",
        "/webhooks/{webhook}",
        Considered("names no patient"),
    ),
    (
        "GET",
        "/webhooks/{webhook}/dead-letters",
        Considered("names no patient"),
    ),
    (
        "POST",
        "/webhooks/{webhook}/redeliver",
        Considered("names no patient"),
    ),
    (
        "POST",
        "/sources/{source}/merges",
        Considered("names the person of the record that goes on; of a sealed pair it asks nobody"),
    ),
    (
        "GET",
        "/persons/{person}/subject-access",
        Considered("for privacy officers; a story of its own shows that it names one side"),
    ),
    ("POST", "/erasures", Considered("for privacy officers")),
    ("GET", "/seals", Considered("for privacy officers")),
    ("POST", "/seals", Considered("for privacy officers")),
    (
        "DELETE",
        "/seals/{seal}",
        Considered("for privacy officers"),
    ),
    (
        "POST",
        "/merges",
        Considered("walked below: a sealed pair is unknown"),
    ),
    (
        "GET",
        "/merges/{merge}",
        Considered("walked below: unknown once the two are sealed"),
    ),
    (
        "POST",
        "/merges/{merge}/undo",
        Considered("walked below: unknown once the two are sealed"),
    ),
    (
        "POST",
        "/merges/undo",
        Considered("walked below: names decisions, and no two that are sealed"),
    ),
    (
        "POST",
        "/links",
        Considered("walked below: a sealed person is unknown"),
    ),
    (
        "POST",
        "/assertions",
        Considered("walked below: a sealed record is unknown"),
    ),
    (
        "DELETE",
        "/assertions/{assertion}",
        Considered("answers nothing"),
    ),
    (
        "POST",
        "/review/tasks/{task}/claim",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/release",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/decide",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/escalate",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/comment",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    ("GET", "/review/tasks/{task}/pack", Asked(DESK)),
];

/// Before and after an adoption: two numbers, otherwise alike.
fn before() -> Value {
    json!({
        "given_names": ["Rowan"], "family_name": "Beforely", "birth_date": "2019-03-04",
        "gender": "male", "nhs_number": NUMBERS[4], "nhs_number_status": "01",
        "addresses": [{"lines": ["3 Heron Close"], "town": "Leeds", "postcode": "LS9 4QX"}],
    })
}

fn after() -> Value {
    with(&before(), json!({"nhs_number": NUMBERS[5]}))
}

/// What must not be seen beside the other side.
struct Side {
    source: &'static str,
    local_id: &'static str,
    person: String,
    body: Value,
    /// Texts that only this side has.
    marks: Vec<String>,
}

fn side(world: &World, source: &'static str, local_id: &'static str, body: Value) -> Side {
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

fn seal(world: &World, a: &Side, b: &Side) -> Answer {
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
            .replace("{person}", &side.person);
        for actor in actors {
            let asked = world.ask(method.parse().expect("a method"), &path);
            let asked = asked.by(*actor);
            let answer = match method {
                "GET" => asked.send(),
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
fn told_together(path: &str, answer: &Answer, a: &Side, b: &Side) -> bool {
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
            Asked(actors) => actors,
            Considered(why) => {
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

/// Two strangers, merged by mistake, parted again and then sealed; with the merge and
/// a moment at which they were one.
fn once_one(world: &World) -> (Side, Side, String, String) {
    let apart = json!({"nhs_number": NUMBERS[4], "nhs_number_status": "02"});
    let a = side(world, "gp", "side-of-a", with(&person("sealed one"), apart));
    let apart = json!({"nhs_number": NUMBERS[5], "nhs_number_status": "02"});
    let b = side(
        world,
        "pas",
        "side-of-b",
        with(&person("sealed two"), apart),
    );
    let steward = |path: &str, body: &Value| world.post(path).by(Actor::Steward).json(body).send();
    let asked = json!({"survivor": a.person, "retired": b.person, "reason": "one"});
    let merge = steward("/merges", &asked).expect(200).member("merge_id");
    let shown = world.get(&format!("/merges/{merge}")).by(Actor::Steward);
    let at = shown.send().expect(200)["steps"][0]["at"].clone();
    for person in [&a.person, &b.person] {
        world.get(&format!("/persons/{person}")).send().expect(200);
    }
    let undo = format!("/merges/{merge}/undo");
    steward(&undo, &json!({"reason": "two"})).expect(200);
    seal(world, &a, &b).expect(201);
    (a, b, merge, at.as_str().expect("an instant").to_owned())
}

#[test]
fn r22_two_who_were_one_by_mistake_are_nowhere_seen_to_have_been() {
    let world = World::start();
    let (a, b, _, at) = once_one(&world);
    let at = at.replace(':', "%3A").replace('+', "%2B");
    for asked in [&a, &b] {
        let person = format!("/persons/{}", asked.person);
        let record = record_path(asked.source, asked.local_id);
        for path in [
            person.clone(),
            format!("{person}/history"),
            format!("{person}/records"),
            format!("{person}?as_of={at}"),
            format!("{person}/records?as_of={at}"),
            format!("{person}/golden?as_of={at}"),
            format!("{person}/history?as_of={at}"),
            format!("{record}?as_of={at}"),
            format!("{record}/person?as_of={at}"),
            "/events".to_owned(),
            "/events/unacknowledged".to_owned(),
        ] {
            for actor in READERS {
                let answer = world.get(&path).by(*actor).send();
                assert!(answer.status < 500, "{path}: {}", answer.text);
                if answer.status == 200 {
                    let together = told_together(&path, &answer, &a, &b);
                    assert!(!together, "{path}: {}", answer.text);
                }
            }
        }
    }
    // Two changes in one commit would tell of one another, too.
    let chased = world
        .get("/events/unacknowledged")
        .by(Actor::Steward)
        .send();
    let chased = chased.expect(200);
    let changed = |side: &Side| -> BTreeSet<String> {
        let entries = chased.list("unacknowledged").iter();
        let own = entries.filter(|entry| entry["person_id"] == side.person.as_str());
        own.map(|entry| entry["changed_at"].to_string()).collect()
    };
    assert!(changed(&a).is_disjoint(&changed(&b)), "{}", chased.text);
    world.verify();
}

#[test]
fn r22_joining_and_parting_a_sealed_pair_is_answered_as_of_somebody_unknown() {
    const NOBODY: &str = "P-00000000000070008000000000000000";
    let world = World::start();
    let (a, b, merge, _) = once_one(&world);
    let post = |path: &str, body: &Value| {
        let asked = world.post(path).by(Actor::Steward);
        asked.json(body).send()
    };
    let same = |sealed: &Answer, unknown: &Answer| {
        assert_eq!(sealed.status, unknown.status, "{}", sealed.text);
        assert_eq!(sealed.comparable(), unknown.comparable());
        assert!(sealed.status >= 400, "{}", sealed.text);
    };
    for dry_run in [true, false] {
        let merge = |retired: &str| {
            let body = json!({"survivor": a.person, "retired": retired, "reason": "one",
                "dry_run": dry_run});
            post("/merges", &body)
        };
        same(&merge(&b.person), &merge(NOBODY));
        let link = |person: &str| {
            let body = json!({"source": a.source, "local_id": a.local_id, "person_id": person,
                "reason": "one", "dry_run": dry_run});
            post("/links", &body)
        };
        same(&link(&b.person), &link(NOBODY));
    }
    for kind in ["same", "different"] {
        let say = |source: &str, local_id: &str| {
            let body = json!({"a": {"source": a.source, "local_id": a.local_id},
                "b": {"source": source, "local_id": local_id}, "kind": kind, "reason": "known"});
            post("/assertions", &body)
        };
        same(&say(b.source, b.local_id), &say(b.source, "nobody"));
    }
    let unknown = "M-00000000000070008000000000000000";
    let show = |merge: &str| {
        let path = format!("/merges/{merge}");
        world.get(&path).by(Actor::Steward).send()
    };
    same(&show(&merge), &show(unknown));
    let undo = |merge: &str| post(&format!("/merges/{merge}/undo"), &json!({"reason": "two"}));
    same(&undo(&merge), &undo(unknown));
    let all = json!({"actor": "stewart", "from": "2000-01-01T00:00:00Z",
        "to": "2100-01-01T00:00:00Z", "reason": "a list", "dry_run": true});
    let all = post("/merges/undo", &all).expect(200);
    assert!(!told_together("/merges/undo", &all, &a, &b), "{}", all.text);
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

#[test]
fn r132_subject_access_holds_all_of_the_person_and_nobody_else() {
    let world = World::start();
    let mother = json!({"source": "gp", "local_id": "mother-1", "nhs_number": NUMBERS[6]});
    let friend =
        json!([{"relationship": "friend", "name": "Canaryfriend", "phone": "07700 900999"}]);
    let known = with(
        &before(),
        json!({"mother": mother, "associated_persons": friend}),
    );
    let a = side(&world, "gp", "side-of-a", known.clone());
    let again = with(&known, json!({"phones": ["07700 900111"]}));
    world.registers("gp", "side-of-a", &again);
    world.registers("ed", "short", &before());
    world.withdraws("ed", "short");
    let b = side(&world, "pas", "side-of-b", after());
    seal(&world, &a, &b).expect(201);
    world
        .get(&format!("/persons/{}", a.person))
        .by(Actor::Clinician)
        .send()
        .expect(200);

    let path = format!("/persons/{}/subject-access", a.person);
    let ask = |actor: Actor| world.get(&path).by(actor);
    ask(Actor::Steward).send().expect_problem(403, "", &[]);
    ask(Actor::PrivacyOfficer)
        .without_reason()
        .send()
        .expect_problem(403, "", &[]);
    let held = ask(Actor::PrivacyOfficer).send().expect(200);

    for held_of in [
        "Beforely",
        "07700 900111",
        NUMBERS[4],
        "side-of-a",
        "short",
        "clare",
        "priya",
    ] {
        assert!(held.text.contains(held_of), "{held_of}: {}", held.text);
    }
    for others in b.marks.iter().map(String::as_str).chain([
        "Canaryfriend",
        "07700 900999",
        "mother-1",
        NUMBERS[6],
        "seal",
    ]) {
        assert!(!held.text.contains(others), "{others}: {}", held.text);
    }
    assert_eq!(held.list("records").len(), 2, "{}", held.text);
    assert_eq!(
        held["records"][1]["versions"].as_array().map(Vec::len),
        Some(2)
    );
    world.verify();
}
