//! Who may do what. No request is answered without an actor; a person says
//! why; a role does what its table says (DESIGN §5) and nothing else.

use reqwest::Method;
use serde_json::json;

use crate::people::{NUMBERS, john_smith, person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// Every route of this service under `/api/v1`, with a body where one is taken.
pub(crate) const ROUTES: [(&str, &str); 85] = [
    ("PUT", "/sources/gp/records/routes-1"),
    ("POST", "/sources/gp/records"),
    ("POST", "/sources/gp/records/batch"),
    ("GET", "/sources/gp/records/routes-1"),
    ("DELETE", "/sources/gp/records/routes-1"),
    ("GET", "/sources/gp/records/routes-1/person"),
    ("GET", "/sources/gp/records/routes-1/disputes"),
    ("POST", "/sources/gp/records/routes-1/disputes"),
    ("POST", "/sources/gp/records/routes-1/disputes/answer"),
    ("POST", "/match"),
    ("POST", "/persons/search"),
    ("GET", "/persons/{person}"),
    ("GET", "/persons/{person}/records"),
    ("GET", "/persons/{person}/history"),
    ("GET", "/persons/{person}/golden"),
    ("GET", "/persons/{person}/subject-access"),
    ("PUT", "/persons/{person}/golden/name"),
    ("DELETE", "/persons/{person}/golden/name"),
    ("GET", "/events"),
    ("GET", "/review/tasks"),
    ("GET", "/review/tasks/{task}"),
    ("POST", "/review/tasks/{task}/claim"),
    ("POST", "/review/tasks/{task}/assign"),
    ("GET", "/review/agreement"),
    ("POST", "/review/tasks/{task}/release"),
    ("POST", "/review/tasks/{task}/comment"),
    ("POST", "/review/tasks/{task}/decide"),
    ("POST", "/review/tasks/{task}/escalate"),
    ("GET", "/review/tasks/{task}/pack"),
    ("GET", "/models"),
    ("GET", "/models/0123456789abcdef"),
    ("GET", "/models/shadow"),
    ("GET", "/sources"),
    ("GET", "/sources/gp/scorecard"),
    ("POST", "/sources/gp/release"),
    ("POST", "/sources/gp/merges"),
    ("GET", "/persons/{person}?follow=false"),
    ("POST", "/merges"),
    ("GET", "/merges/M-00000000000070008000000000000000"),
    ("POST", "/merges/M-00000000000070008000000000000000/undo"),
    ("POST", "/merges/undo"),
    ("POST", "/links"),
    ("POST", "/assertions"),
    ("DELETE", "/assertions/A-00000000000070008000000000000000"),
    ("POST", "/persons/{person}/acknowledgements"),
    ("GET", "/events/unacknowledged"),
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("DELETE", "/webhooks/W-00000000000070008000000000000000"),
    (
        "GET",
        "/webhooks/W-00000000000070008000000000000000/dead-letters",
    ),
    (
        "POST",
        "/webhooks/W-00000000000070008000000000000000/redeliver",
    ),
    ("POST", "/erasures"),
    ("GET", "/seals"),
    ("POST", "/seals"),
    ("DELETE", "/seals/SL-00000000000070008000000000000000"),
    ("GET", "/fhir/R4/Patient?identifier=a%7Cb"),
    ("POST", "/fhir/R4/Patient"),
    ("PUT", "/fhir/R4/Patient?identifier=a%7Cb"),
    ("DELETE", "/fhir/R4/Patient?identifier=a%7Cb"),
    ("POST", "/fhir/R4/Patient/_search"),
    ("POST", "/fhir/R4/Patient/$match"),
    ("POST", "/fhir/R4"),
    ("POST", "/fhir/R4/Bundle"),
    ("POST", "/fhir/R4/$process-message"),
    ("POST", "/fhir/R4/Patient/$merge"),
    ("POST", "/fhir/R4/Patient/$unmerge"),
    ("GET", "/fhir/R4/Patient/$ihe-pix"),
    ("POST", "/fhir/R4/Patient/$ihe-pix"),
    ("GET", "/fhir/R4/Patient/{person}"),
    ("PUT", "/fhir/R4/Patient/{person}"),
    ("DELETE", "/fhir/R4/Patient/{person}"),
    ("GET", "/fhir/R4/Patient/{person}/_history"),
    ("GET", "/fhir/R4/Patient/R-1/_history/1"),
    ("GET", "/fhir/R4/Patient/R-00000000000070008000000000000000"),
    ("POST", "/fhir/R4/"),
    ("POST", "/fhir/R4/$import"),
    ("GET", "/fhir/R4/Linkage?item=Patient/{person}"),
    ("GET", "/fhir/R4/Linkage/{person}"),
    ("GET", "/fhir/R4/Subscription"),
    ("POST", "/fhir/R4/Subscription"),
    ("GET", "/fhir/R4/Subscription/W-1"),
    ("DELETE", "/fhir/R4/Subscription/W-1"),
    ("GET", "/fhir/R4/AuditEvent?patient={person}"),
    ("POST", "/fhir/R4/AuditEvent/_search"),
    ("GET", "/fhir/R4/AuditEvent/1"),
];

/// Asks a route of a world that holds one record and one task.
fn ask(world: &World, method: &str, route: &str, actor: Actor) -> Answer {
    let known = world.registers("gp", "routes-1", &john_smith());
    world.registers("pas", "routes-1", &john_smith());
    let task = world.tasks()["tasks"][0]["task_id"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    let path = route
        .replace("{person}", &known.person())
        .replace("{task}", &task);
    let request = world
        .ask(method.parse().expect("a method"), &path)
        .by(actor);
    match method {
        "GET" | "DELETE" => request.send(),
        _ if path.ends_with("/batch") => {
            let line = json!({"local_id": "routes-2", "family_name": "Lined"}).to_string();
            request.bytes("application/x-ndjson", line).send()
        }
        _ => request.json(&person("routes")).send(),
    }
}

#[test]
fn every_route_refuses_who_has_no_token() {
    let world = World::start();
    for (method, route) in ROUTES {
        let answer = ask(&world, method, route, Actor::Nobody);
        assert_eq!(
            answer.status, 401,
            "{method} {route} answered {}",
            answer.text
        );
        answer.expect_problem(401, "", &["P-", "Smith"]);
    }
}

#[test]
fn a_token_that_nobody_made_is_refused() {
    let world = World::shared();
    for header in ["Bearer nonsense", "Bearer ", "Basic Z3A6Z3A=", "nonsense"] {
        let answer = world
            .get("/sources")
            .by(Actor::Nobody)
            .header("authorization", header)
            .send();
        answer.expect_problem(401, "", &["nonsense"]);
    }
}

#[test]
fn a_role_may_not_do_what_is_not_its_own() {
    let world = World::start();
    let refused = [
        (
            Actor::Integration,
            vec![
                "GET /review/tasks",
                "GET /review/tasks/{task}",
                "POST /review/tasks/{task}/claim",
                "POST /review/tasks/{task}/assign",
                "GET /review/agreement",
                "POST /review/tasks/{task}/decide",
                "GET /review/tasks/{task}/pack",
                "GET /persons/{person}/history",
                "PUT /persons/{person}/golden/name",
                "DELETE /persons/{person}/golden/name",
                "POST /sources/gp/release",
                "POST /merges",
                "POST /links",
                "POST /assertions",
                "GET /webhooks",
                "POST /webhooks",
                "GET /models",
            ],
        ),
        (
            Actor::Clinician,
            vec![
                "PUT /sources/gp/records/routes-1",
                "DELETE /sources/gp/records/routes-1",
                "POST /sources/gp/records/batch",
                "POST /sources/gp/release",
                "PUT /persons/{person}/golden/name",
                "GET /events",
                "GET /events/unacknowledged",
                "POST /persons/{person}/acknowledgements",
                "GET /review/tasks",
                "POST /review/tasks/{task}/comment",
                "POST /review/tasks/{task}/escalate",
            ],
        ),
        (
            Actor::Steward,
            vec![
                "POST /persons/{person}/acknowledgements",
                "GET /webhooks",
                "PUT /sources/gp/records/routes-1",
                "POST /sources/gp/records",
                "DELETE /sources/gp/records/routes-1",
                "GET /events",
            ],
        ),
    ];
    for (actor, routes) in refused {
        for route in routes {
            let (method, path) = route.split_once(' ').expect("a method and a path");
            let answer = ask(&world, method, path, actor);
            assert_eq!(
                answer.status, 403,
                "{actor:?} {route} answered {}",
                answer.text
            );
            answer.expect_problem(403, "", &["Smith", "1961"]);
        }
    }
}

#[test]
fn who_sees_nothing_that_identifies_is_refused_at_every_other_door() {
    let world = World::start();
    let nothing_identifying = [Actor::Engineer, Actor::Auditor, Actor::Administrator];
    for actor in nothing_identifying {
        let own = |route: &str| {
            let readers = route.starts_with("/webhooks") || route.contains("/Subscription");
            let administers = actor == Actor::Administrator && readers;
            let audits = actor == Actor::Auditor && route.contains("/AuditEvent");
            let weighs = actor == Actor::Engineer && route.starts_with("/models");
            let lists = ["/sources", "/sources/gp/scorecard"].contains(&route);
            lists || administers || audits || weighs
        };
        for (method, route) in ROUTES.into_iter().filter(|(_, route)| !own(route)) {
            let answer = ask(&world, method, route, actor);
            assert_eq!(
                answer.status, 403,
                "{actor:?} {method} {route} answered {}",
                answer.text
            );
        }
    }
}

#[test]
fn an_integration_bound_to_a_source_keeps_to_it() {
    let world = World::shared();
    let known = verified_person("bound");
    world
        .put("gp", "bound-1", &known)
        .by(Actor::GpFeed)
        .send()
        .expect(201);
    world
        .get(&record_path("gp", "bound-1"))
        .by(Actor::GpFeed)
        .send()
        .expect(200);

    world
        .put("pas", "bound-1", &known)
        .by(Actor::GpFeed)
        .send()
        .expect_problem(403, "", &[]);
    world
        .post("/sources/pas/records/batch")
        .by(Actor::GpFeed)
        .bytes("application/x-ndjson", "{\"local_id\":\"bound-2\"}")
        .send()
        .expect_problem(403, "", &[]);
    world.registers("pas", "bound-1", &known);
    for method in [Method::GET, Method::DELETE] {
        let other = world
            .ask(method, &record_path("pas", "bound-1"))
            .by(Actor::GpFeed)
            .send();
        assert!(
            matches!(other.status, 403 | 404),
            "answered {} {}",
            other.status,
            other.text
        );
    }
    assert_eq!(
        world.record("pas", "bound-1")["record"],
        known,
        "nothing was changed"
    );
}

#[test]
fn r131_a_person_says_why() {
    let world = World::start();
    let known = world.registers("gp", "1", &person("with a reason"));
    let paths = [
        record_path("gp", "1"),
        format!("{}/person", record_path("gp", "1")),
        format!("/persons/{}", known.person()),
        format!("/persons/{}/records", known.person()),
    ];
    for path in paths {
        world.get(&path).by(Actor::Steward).send().expect(200);
        let silent = world.get(&path).by(Actor::Steward).without_reason().send();
        silent.expect_problem(403, "Accord-Reason", &[]);
        let empty = world
            .get(&path)
            .by(Actor::Steward)
            .without_reason()
            .header("accord-reason", " ");
        empty.send().expect_problem(403, "Accord-Reason", &[]);
    }
    let asked = person("with a reason");
    world
        .post("/match")
        .by(Actor::Clinician)
        .json(&asked)
        .send()
        .expect(200);
    let silent = world
        .post("/match")
        .by(Actor::Clinician)
        .without_reason()
        .json(&asked)
        .send();
    silent.expect_problem(403, "Accord-Reason", &[]);
}

#[test]
fn a_system_needs_no_reason() {
    let world = World::shared();
    let known = person("read by a system");
    world.registers("gp", "system-1", &known);
    world.get(&record_path("gp", "system-1")).send().expect(200);
    world.post("/match").json(&known).send().expect(200);
}

#[test]
fn on_behalf_of_headers_give_nobody_a_role_that_the_source_was_not_trusted_with() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    let as_steward = |path: &str| {
        world
            .get(path)
            .by(Actor::GpFeed)
            .header("accord-user", "stewart")
            .header("accord-role", "steward")
            .header("accord-organisation", "X26")
            .header("accord-reason", "review")
            .send()
    };
    for path in [
        "/review/tasks",
        "/review/tasks/T-00000000000070008000000000000000",
    ] {
        let answer = as_steward(path);
        assert_eq!(answer.status, 403, "answered {}", answer.text);
    }
}

/// A source whose systems and accounts may act for people.
fn desk(world: &World, actor: &str, arguments: &[&str]) -> String {
    let source = json!({"code": "desk", "name": "Review desk", "acts_for_people": true});
    let asked = world.post("/sources").by(Actor::Administrator);
    asked.json(&source).send();
    let token = ["token", "create", "--actor", actor, "--source", "desk"];
    let made = world.accord(&[&token, arguments].concat()).expect(0);
    format!("Bearer {}", made.out.trim())
}

#[test]
fn r114_a_person_acts_for_nobody_else() {
    let world = World::start();
    let roles = ["--role", "steward", "--role", "approver", "--person"];
    let bearer = desk(&world, "sam", &roles);
    let asks = |user: Option<&str>| {
        let asked = world.get("/review/tasks").by(Actor::Nobody);
        let asked = asked
            .header("authorization", &bearer)
            .header("accord-reason", "review");
        let Some(user) = user else {
            return asked.send();
        };
        let asked = asked.header("accord-role", "approver");
        asked.header("accord-user", user).send()
    };
    asks(None).expect(200);
    asks(Some("amy")).expect_problem(403, "", &[]);
}

#[test]
fn r114_the_same_human_in_other_letters_is_no_second_reader() {
    let world = World::start();
    let verified = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
    let one = world.registers("gp", "1", &with(&john_smith(), verified));
    let two = world.registers("pas", "1", &john_smith());
    let merge = json!({"survivor": one.person(), "retired": two.person(), "reason": "one"});
    let asked = world.post("/merges").by(Actor::Steward).json(&merge);
    let proposed = asked.send().expect(200);
    assert_eq!(proposed["status"], "awaiting_approval", "{}", proposed.text);
    let bearer = desk(&world, "desk", &["--role", "integration"]);
    let path = format!("/review/tasks/{}", proposed.member("task"));
    let by = |method: Method, path: &str, user: &str| {
        let asked = world.ask(method, path).by(Actor::Nobody);
        asked
            .header("authorization", &bearer)
            .header("accord-user", user)
            .header("accord-role", "approver")
            .header("accord-reason", "review")
    };
    let decides = |user: &str| {
        let evidence = by(Method::GET, &path, user).send().member("evidence");
        let said = json!({"outcome": "approve", "reason": "so it is", "evidence": evidence});
        let asked = by(Method::POST, &format!("{path}/decide"), user);
        asked.json(&said).send()
    };
    for same in ["stewart", "STEWART", "Ste.wart"] {
        decides(same).expect_problem(409, "", &[]);
    }
    decides("april").expect(200);
}

#[test]
fn a_token_made_while_the_service_runs_is_known_at_once() {
    let world = World::start();
    let made = world
        .accord(&[
            "token",
            "create",
            "--actor",
            "late",
            "--role",
            "integration",
            "--source",
            "ed",
        ])
        .expect(0);
    let bearer = format!("Bearer {}", made.out.trim());

    let answer = world
        .put("ed", "1", &person("late token"))
        .by(Actor::Nobody)
        .header("authorization", &bearer)
        .send();

    answer.expect(201);
}

#[test]
fn health_needs_no_token_and_says_nothing_of_patients() {
    let world = World::start();
    let known = verified_person("healthy");
    let registered = world.registers("gp", "1", &known);
    for path in ["/healthz", "/readyz"] {
        let answer = world.get_root(path).by(Actor::Nobody).send().expect(200);
        assert!(answer.text.len() < 400, "{}", answer.text);
        assert!(!answer.text.contains(&registered.person()));
        let family_name = known["family_name"].as_str().expect("a name");
        assert!(!answer.text.contains(family_name));
    }
}

#[test]
fn metrics_where_they_are_on_say_nothing_of_patients() {
    let world = World::start();
    let known = verified_person("measured");
    let registered = world.registers("gp", "local-id-of-somebody", &known);
    let answer = world.get_root("/metrics").by(Actor::Nobody).send();
    let number = known["nhs_number"].as_str().expect("a number").to_owned();
    for hidden in [
        registered.person(),
        number,
        "local-id-of-somebody".to_owned(),
    ] {
        assert!(!answer.text.contains(&hidden), "{}", answer.text);
    }
}
