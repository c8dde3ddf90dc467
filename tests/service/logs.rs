//! R140: nothing identifying in logs, metrics or errors. Every story's log is
//! searched at its end (see `world`); here marked values go through every door,
//! well-formed and not, with the log at its most talkative.

use reqwest::Method;
use serde_json::{Value, json};

use crate::access::ROUTES;
use crate::people::with;
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

const MARKS: [&str; 8] = [
    "Canarygiven",
    "Canaryfamily",
    "9990000107",
    "999 000 0107",
    "LS29 9QQ",
    "Canary Court",
    "07700 900913",
    "canary@example.org",
];

fn marked() -> Value {
    json!({
        "nhs_number": "999 000 0107",
        "nhs_number_status": "01",
        "given_names": ["Canarygiven"],
        "family_name": "Canaryfamily",
        "aliases": [{"family_name": "Canaryfamily-Canarymaiden", "use": "maiden"}],
        "birth_date": "1947-05-29",
        "addresses": [{"lines": ["4 Canary Court"], "town": "Canarytown", "postcode": "LS29 9QQ"}],
        "phones": ["07700 900913"],
        "emails": ["canary@example.org"],
        "associated_persons": [{"name": "Canarykin", "phone": "07700 900914"}],
        "restricted": true,
    })
}

fn start() -> World {
    let world = World::start_with(&[("ACCORD_LOG", "debug"), ("ACCORD_METRICS", "on")]);
    for mark in MARKS {
        world.guards_text(mark);
    }
    world.guards_text("canary");
    world
}

/// Each door once, with a record that is marked in every field.
fn speaks_through_every_door(world: &World) {
    let first = world.registers("gp", "1", &marked());
    world.registers(
        "pas",
        "1",
        &with(&marked(), json!({"given_names": ["Canaryother"]})),
    );
    world
        .put(
            "gp",
            "1",
            &with(&marked(), json!({"family_name": "Canarynew"})),
        )
        .send();
    world
        .put("gp", "1", &marked())
        .header("if-match", "\"999\"")
        .send();
    world
        .put("gp", "2", &marked())
        .header("idempotency-key", "one")
        .send();
    world
        .put(
            "gp",
            "2",
            &with(&marked(), json!({"birth_date": "1948-05-29"})),
        )
        .header("idempotency-key", "one")
        .send();
    world.matches(&marked());
    world
        .post("/match")
        .by(Actor::Clinician)
        .json(&marked())
        .send();
    world
        .post("/sources/gp/records/batch")
        .bytes(
            "application/x-ndjson",
            format!("{}\n{{broken Canaryfamily\n", marked()),
        )
        .send();
    world.record("gp", "1");
    world.cross_reference("gp", "1");
    world.person(&first.person());
    world
        .get(&format!("/persons/{}/records", first.person()))
        .by(Actor::Steward)
        .send();
    prefers_a_value(world, &first.person());
    for task in world.tasks().list("tasks") {
        world.task(task["task_id"].as_str().expect("an id"));
    }
    let criteria = json!({
        "family_name": "Canaryfamily", "given_names": ["Canarygiven"], "birth_date": "1948-05-29",
        "nhs_number": "9990000107", "mode": "fuzzy",
    });
    let search = world.post("/persons/search").by(Actor::Steward);
    search.json(&criteria).send().expect(200);
    world
        .get(&format!("/persons/{}/history", first.person()))
        .by(Actor::Steward)
        .send()
        .expect(200);
    world.get("/events").send().expect(200);
    world.get_root("/metrics").by(Actor::Nobody).send();
    world.withdraws("gp", "1");
}

/// What humans decide.
fn decides_through_every_door(world: &World) {
    decides_on_a_question(world);
    joins_and_parts(world);
    protects_and_erases(world);
    disputes_a_value(world);
    let named = with(&marked(), json!({"local_id": "3"}));
    world.post("/sources/gp/records").json(&named).send();
}

/// Somebody's words, which may hold anything.
const WORDS: &str = "Canarygiven of Canary Court rang: 999 000 0107";

fn says(world: &World, actor: Actor, path: &str, body: &Value) -> Answer {
    let answer = world.post(path).by(actor).json(body).send();
    assert!(answer.status < 500, "{path}: {}", answer.text);
    answer
}

/// Two people who may be one, at the review desk.
fn decides_on_a_question(world: &World) {
    let patient = json!({"given_names": ["Canarygiven"], "family_name": "Canaryfamily",
        "birth_date": "1947-05-29", "gender": "female", "phones": ["07700 900913"]});
    world.registers("ed", "desk-1", &patient);
    let other = with(
        &patient,
        json!({"birth_date": "1947-05-28", "phones": null}),
    );
    world.registers("hospice", "desk-2", &other);
    for task in world.tasks().tasks() {
        let path = format!("/review/tasks/{task}");
        world.get(&format!("{path}/pack")).by(Actor::Steward).send();
        let evidence = world.task(&task).member("evidence");
        let steps = [
            ("claim", json!({})),
            ("comment", json!({"comment": WORDS})),
            ("assign", json!({"to": "Canaryfamily"})),
            ("release", json!({})),
            ("escalate", json!({"reason": WORDS, "evidence": evidence})),
            (
                "decide",
                json!({"outcome": "different", "reason": WORDS, "evidence": evidence}),
            ),
        ];
        for (step, body) in steps {
            says(world, Actor::Steward, &format!("{path}/{step}"), &body);
        }
    }
}

/// All by which humans join and part, with marks in what they say.
fn joins_and_parts(world: &World) {
    let plain = |given: &str, day: &str| {
        json!({"given_names": [given], "family_name": "Canaryfamily", "birth_date": day,
            "emails": ["canary@example.org"]})
    };
    let survivor = world.registers("pas", "keeps", &plain("Canarygiven", "1951-01-02"));
    let retired = world.registers("ed", "goes", &plain("Canaryother", "1969-11-12"));
    let merge = json!({"survivor": survivor.person(), "retired": retired.person(),
        "reason": WORDS});
    says(
        world,
        Actor::Steward,
        "/merges",
        &with(&merge, json!({"dry_run": true})),
    )
    .expect(200);
    let made = says(world, Actor::Steward, "/merges", &merge).expect(200);
    let path = format!("/merges/{}", made.member("merge_id"));
    world.get(&path).by(Actor::Steward).send().expect(200);
    let gone = format!("/persons/{}?follow=false", retired.person());
    world.get(&gone).by(Actor::Steward).send().expect(410);
    let after = world.get("/events?limit=500").send().expect(200);
    let last = after.list("events").last().expect("events")["position"].clone();
    let told = format!("/persons/{}/acknowledgements", retired.person());
    says(world, Actor::Integration, &told, &json!({"position": last}));
    world
        .get("/events/unacknowledged")
        .by(Actor::Steward)
        .send()
        .expect(200);
    let undo = json!({"reason": WORDS});
    says(world, Actor::Steward, &format!("{path}/undo"), &undo).expect(200);
    let range = json!({"actor": "stewart", "from": "2000-01-01T00:00:00Z",
        "to": "2100-01-01T00:00:00Z", "reason": WORDS, "dry_run": true});
    says(world, Actor::Steward, "/merges/undo", &range);
    let moved = json!({"source": "ed", "local_id": "goes", "person_id": "new", "reason": WORDS});
    says(world, Actor::Steward, "/links", &moved);
    let said = json!({"a": {"source": "pas", "local_id": "keeps"},
        "b": {"source": "gp", "local_id": "2"}, "kind": "different", "reason": WORDS});
    let said = says(world, Actor::Steward, "/assertions", &said);
    let path = format!("/assertions/{}", said.member("assertion_id"));
    world.ask(Method::DELETE, &path).by(Actor::Steward).send();
    let merged = json!({"survivor": "keeps", "retired": "1"});
    says(world, Actor::Integration, "/sources/pas/merges", &merged);
    let golden = format!("/persons/{}/golden/name", survivor.person());
    world.ask(Method::DELETE, &golden).by(Actor::Steward).send();
}

/// A value that is disputed, and confirmed.
fn disputes_a_value(world: &World) {
    let path = format!("{}/disputes", record_path("pas", "1"));
    let said = json!({"field": "birth_date", "reason": WORDS});
    says(world, Actor::Steward, &path, &said).expect(201);
    world.get(&path).by(Actor::Steward).send().expect(200);
    let answer = with(&said, json!({"answer": "confirmed"}));
    says(
        world,
        Actor::Integration,
        &format!("{path}/answer"),
        &answer,
    )
    .expect(200);
}

/// What privacy officers, administrators and stewards of sources do.
fn protects_and_erases(world: &World) {
    let officer = Actor::PrivacyOfficer;
    let kept = world.registers(
        "social",
        "kept",
        &with(&marked(), json!({"nhs_number": null})),
    );
    let file = format!("/persons/{}/subject-access", kept.person());
    world.get(&file).by(officer).send().expect(200);
    let other = json!({"given_names": ["Canaryother"], "family_name": "Canarynew",
        "birth_date": "1990-05-05"});
    world.registers("social", "sealed", &other);
    let seal = json!({"a": {"person_id": kept.person()},
        "b": {"source": "social", "local_id": "sealed"}, "reason": WORDS});
    let made = says(world, officer, "/seals", &seal).expect(201);
    world.get("/seals").by(officer).send().expect(200);
    let seal = format!("/seals/{}", made.member("seal_id"));
    world
        .ask(Method::DELETE, &seal)
        .by(officer)
        .send()
        .expect(204);
    let erased = json!({"source": "social", "local_id": "sealed", "reason": "asked for"});
    says(world, officer, "/erasures", &erased);
    for model in ["/models", "/models/shadow", "/models/0123456789abcdef"] {
        world.get(model).by(Actor::Engineer).send();
    }
    for figures in ["/sources", "/sources/gp/scorecard", "/review/agreement"] {
        world.get(figures).by(Actor::Steward).send().expect(200);
    }
    says(
        world,
        Actor::Steward,
        "/sources/gp/release",
        &json!({"reason": WORDS}),
    );
    let hook = json!({"url": "https://canary.example.org/Canaryfamily", "actor": WORDS});
    says(world, Actor::Administrator, "/webhooks", &hook);
    world
        .get("/webhooks")
        .by(Actor::Administrator)
        .send()
        .expect(200);
    let none = "/webhooks/W-00000000000070008000000000000000";
    let letters = format!("{none}/dead-letters");
    world.get(&letters).by(Actor::Administrator).send();
    says(
        world,
        Actor::Administrator,
        &format!("{none}/redeliver"),
        &json!({}),
    );
    world
        .ask(Method::DELETE, none)
        .by(Actor::Administrator)
        .send();
}

/// The route of the router for one of `ROUTES`.
fn pattern(route: &str) -> String {
    let places = [
        ("routes-1", "{local_id}"),
        ("M-00000000000070008000000000000000", "{merge}"),
        ("A-00000000000070008000000000000000", "{assertion}"),
        ("W-00000000000070008000000000000000", "{webhook}"),
        ("SL-00000000000070008000000000000000", "{seal}"),
        ("0123456789abcdef", "{model}"),
        ("/sources/gp/", "/sources/{source}/"),
        ("/golden/name", "/golden/{field}"),
    ];
    let route = route.split('?').next().unwrap_or(route).to_owned();
    let mut pattern = places
        .iter()
        .fold(route, |route, (place, name)| route.replace(place, name));
    pattern.insert_str(0, "/api/v1");
    pattern
}

/// Reads a golden record and prefers a value of it.
fn prefers_a_value(world: &World, person_id: &str) {
    let golden = format!("/persons/{person_id}/golden");
    world.get(&golden).by(Actor::Steward).send().expect(200);
    let preference = json!({
        "source": "gp", "local_id": "1", "version": 1, "reason": "Canarygiven said so",
    });
    world
        .ask(Method::PUT, &format!("{golden}/name"))
        .by(Actor::Steward)
        .json(&preference)
        .send();
}

/// What people do wrong, with marks in the wrong places.
fn speaks_wrongly(world: &World) {
    let put = || world.ask(reqwest::Method::PUT, &record_path("gp", "3"));
    let wrong = [
        "{\"family_name\": \"Canaryfamily\"".to_owned(),
        "{\"Canaryfamily\": 9990000107}".to_owned(),
        "{\"given_names\": \"Canarygiven\"}".to_owned(),
        "{\"nhs_number\": 9990000107}".to_owned(),
        "{\"restricted\": \"Canary Court\"}".to_owned(),
        "{\"effective_at\": \"Canaryfamily\"}".to_owned(),
        "Canaryfamily".to_owned(),
    ];
    for body in wrong {
        let answer = put().bytes("application/json", body.clone()).send();
        assert!(answer.status < 500, "{body} answered {}", answer.text);
        if !body.starts_with("{\"Canaryfamily\"") {
            assert!(!answer.text.contains("Canary"), "{}", answer.text);
            assert!(!answer.text.contains("9990000107"), "{}", answer.text);
        }
    }
    put().bytes("text/Canaryfamily", "Canaryfamily").send();
    misplaces(world);
    let paths = [
        "/persons/9990000107",
        "/persons/Canaryfamily",
        "/persons/P-Canaryfamily/records",
        "/persons/P-Canaryfamily/history",
        "/persons/search?family_name=Canaryfamily",
        "/events?after=Canaryfamily",
        "/review/tasks/Canaryfamily",
        "/review/tasks/Canaryfamily/pack",
        "/review/tasks?assigned_to=Canaryfamily&person=9990000107",
        "/review/tasks?state=Canaryfamily&kind=9990000107",
        "/persons?family_name=Canaryfamily",
        "/Canaryfamily",
    ];
    for path in paths {
        let follows = path.starts_with("/events");
        let actor = if follows {
            Actor::Integration
        } else {
            Actor::Steward
        };
        let answer = world.get(path).by(actor).send();
        assert!(answer.status < 500, "{path} answered {}", answer.status);
        assert!(
            !answer.text.contains("Canary"),
            "{path} answered {}",
            answer.text
        );
        assert!(
            !answer.text.contains("9990000107"),
            "{path} answered {}",
            answer.text
        );
    }
    let wrong_token = world.get("/sources").by(Actor::Nobody);
    wrong_token
        .header("authorization", "Bearer Canaryfamily")
        .send()
        .expect(401);
    let wrong_reason = world.get("/sources").by(Actor::Steward);
    wrong_reason.header("accord-role", "Canaryfamily").send();
}

/// Marks in the wrong members of a question.
fn misplaces(world: &World) {
    let misplaced = [
        ("/persons/search", "{\"surname\": \"Canaryfamily\"}"),
        ("/persons/search", "{\"birth_date\": \"Canaryfamily\"}"),
        ("/sources/gp/release", "{\"reason\": [\"Canaryfamily\"]}"),
        ("/review/tasks/Canaryfamily/claim", "{}"),
        (
            "/review/tasks/T-00000000000070008000000000000000/comment",
            "{\"comment\": \"Canaryfamily\"}",
        ),
        (
            "/review/tasks/T-00000000000070008000000000000000/decide",
            "{\"outcome\": \"Canaryfamily\", \"evidence\": \"9990000107\"}",
        ),
        (
            "/sources/Canaryfamily/release",
            "{\"reason\": \"Canaryfamily\"}",
        ),
    ];
    for (path, body) in misplaced {
        let request = world.post(path).by(Actor::Steward);
        let answer = request.bytes("application/json", body).send();
        assert!((400..500).contains(&answer.status), "{path}");
        assert!(!answer.text.contains("Canary"), "{}", answer.text);
    }
}

#[test]
fn r140_no_door_lets_an_identifying_value_into_the_log() {
    let world = start();
    speaks_through_every_door(&world);
    decides_through_every_door(&world);
    speaks_wrongly(&world);

    let metrics = world.get_root("/metrics").by(Actor::Nobody).send();

    let log = world.log();
    // FHIR's doors have a story of their own.
    let native = |(_, route): &(&str, &str)| !route.starts_with("/fhir");
    for (method, route) in ROUTES.into_iter().filter(native) {
        let route = format!("route=\"{}\"", pattern(route));
        let method = format!("method=\"{method}\"");
        let mut lines = log.lines();
        assert!(
            lines.any(|line| line.contains(&route) && line.contains(&method)),
            "{method} {route} was not spoken through: call it in speaks_through_every_door"
        );
    }
    for mark in MARKS {
        assert!(!world.log().contains(mark), "{mark} stands in the log");
        assert!(!metrics.text.contains(mark), "{mark} stands in the metrics");
    }
}

#[test]
fn r140_no_token_reaches_the_log() {
    let world = start();
    for actor in [Actor::Integration, Actor::Steward] {
        world.get("/sources").by(actor).send();
        let token = world.token(actor).expect("a token").clone();
        world.guards_text(&token);
        assert!(!world.log().contains(&token));
    }
}

#[test]
fn r140_an_import_says_nothing_of_patients() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,given_name,family_name,date_of_birth,nhs_number,postcode\n\
          1,Canarygiven,Canaryfamily,1947-05-29,9990000107,LS29 9QQ\n\
          2,,,,,\n\
          3,Canarygiven,Canaryfamily,31/02/1947,999 000 0108,LS29 9QQ,Canary Court,too many\n",
    );
    let mut command = world.command(&["import", "--source", "gp", &file]);
    let ended = crate::world::run(command.env("ACCORD_LOG", "debug"));
    for mark in MARKS {
        assert!(
            !ended.out.contains(mark) && !ended.err.contains(mark),
            "{}",
            ended.err
        );
    }
}
