//! R140: nothing identifying in logs, metrics or errors. Every story's log is
//! searched at its end (see `world`); here marked values go through every door,
//! well-formed and not, with the log at its most talkative.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::with;
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

/// Reads a golden record and prefers a value of it.
fn prefers_a_value(world: &World, person_id: &str) {
    let golden = format!("/persons/{}/golden", person_id);
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
    speaks_wrongly(&world);

    let metrics = world.get_root("/metrics").by(Actor::Nobody).send();

    assert!(
        !world.log().trim().is_empty(),
        "a service that logs nothing proves nothing"
    );
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
