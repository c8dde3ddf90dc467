//! R98: a source whose data go wrong is quarantined before it moves anybody,
//! and what it sent meanwhile is decided once it is trusted again. R18: numbers
//! that replace each other in a circle.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::pathology::loads;
use crate::people::{number, person, verified_person, with};
use crate::world::{Actor, World};

/// More rows than the hundred conflicts that R98 allows.
const ROWS: usize = 120;

/// Everybody's person, by source and local id.
fn persons(world: &World) -> BTreeMap<String, String> {
    world
        .accord(&["export", "--persons", "persons.csv", "--qualify"])
        .expect(0);
    let mut reader = csv::Reader::from_path(world.file("persons.csv")).expect("persons.csv");
    reader
        .records()
        .map(|row| row.expect("a row"))
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect()
}

fn named(place: usize, body: &Value) -> Value {
    with(body, json!({"local_id": place.to_string()}))
}

fn patients() -> Vec<Value> {
    let patient = |place: usize| verified_person(&format!("patient {place}"));
    (0..ROWS).map(patient).collect()
}

/// The same rows with the column of numbers shifted by one.
fn shifted(patients: &[Value]) -> Vec<Value> {
    let next = patients.iter().cycle().skip(1);
    let rows = patients.iter().zip(next).enumerate();
    rows.map(|(place, (patient, next))| {
        named(
            place,
            &with(patient, json!({"nhs_number": next["nhs_number"]})),
        )
    })
    .collect()
}

fn quarantine_of(world: &World, source: &str) -> Option<Value> {
    let sources = world
        .get("/sources")
        .by(Actor::Administrator)
        .send()
        .expect(200);
    let sources = sources.list("sources");
    let found = sources.iter().find(|known| known["code"] == source);
    found.and_then(|known| known.get("quarantined")).cloned()
}

fn source_tasks(world: &World, state: &str) -> Vec<Value> {
    let tasks = world
        .get(&format!(
            "/review/tasks?kind=source_quarantined&state={state}"
        ))
        .by(Actor::Steward)
        .send()
        .expect(200);
    tasks.list("tasks").clone()
}

fn is_deferred(answer: &Value) -> bool {
    let findings = answer["findings"].as_array().expect("findings");
    findings
        .iter()
        .any(|finding| finding["code"] == "source_quarantined")
}

#[track_caller]
fn waits_until_decided(world: &World, source: &str) {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let asked =
            json!({"birth_date": "1961-03-04", "given_names": ["Nobody"], "family_name": "Here"});
        if world.matches(&asked)["complete"] == true {
            return;
        }
        assert!(
            quarantine_of(world, source).is_none(),
            "{source} is quarantined again"
        );
        assert!(Instant::now() < until, "what waited is not decided");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn r98_a_file_with_its_numbers_shifted_is_quarantined_and_moves_nobody() {
    let world = World::start();
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&world, "gp", &right);
    loads(&world, "pas", &right);
    let before = persons(&world);

    let answers = loads(&world, "ed", &shifted(&patients));

    let first = answers.iter().position(is_deferred).expect("a quarantine");
    assert!(first <= 100, "quarantined after {first} rows");
    for answer in &answers[first..] {
        assert!(is_deferred(answer), "{answer}");
        assert_eq!(answer["outcome"], "new_person");
        assert_eq!(answer["tasks"], json!([]));
    }
    let after = persons(&world);
    for (record, person) in &before {
        assert_eq!(after.get(record), Some(person), "{record} has moved");
    }
    let known: Vec<&String> = before.values().collect();
    for (record, person) in after.iter().filter(|(record, _)| record.starts_with("ed:")) {
        assert!(!known.contains(&person), "{record} was joined to somebody");
    }
    let quarantined = quarantine_of(&world, "ed").expect("a quarantine");
    assert_eq!(quarantined["because"], "conflicts");
    assert_eq!(quarantined["waiting"], ROWS - first);
    let tasks = source_tasks(&world, "waiting");
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["task_id"], quarantined["task_id"]);
    assert_eq!(tasks[0]["persons"], json!([]));
    assert_eq!(tasks[0]["reasons"][0]["rule"], "R98");
    world.task(tasks[0]["task_id"].as_str().expect("an id"));
}

#[test]
fn r98_what_a_quarantined_source_sends_anchors_nothing_for_others() {
    let world = World::start();
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&world, "gp", &right);
    loads(&world, "ed", &shifted(&patients));
    assert!(quarantine_of(&world, "ed").is_some());

    let newcomer = verified_person("newcomer");
    let wrong = with(
        &person("somebody else"),
        json!({
            "nhs_number": number("newcomer"), "nhs_number_status": "01",
        }),
    );
    let kept = world.registers("ed", "wrong", &wrong);
    assert!(is_deferred(&kept.body));
    let came = world.registers("pas", "newcomer", &newcomer);
    assert_eq!(came["outcome"], "new_person");
    assert!(came.tasks().is_empty(), "{}", came.text);
    let same = world.registers("maternity", "newcomer", &newcomer);
    assert_eq!(same.person(), came.person());
    assert_eq!(same["route"], "deterministic");

    let asked = world.matches(&newcomer);
    assert_eq!(asked["complete"], false);
    assert!(!asked.mentions(&kept.person()));
    let again = world.registers("ed", "wrong", &wrong);
    assert_eq!(
        again.comparable(),
        kept.comparable(),
        "a replay answers the same"
    );
}

#[test]
fn r98_after_its_release_a_source_s_records_are_decided_as_any_other() {
    let world = World::start();
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&world, "gp", &right);
    loads(&world, "ed", &shifted(&patients));
    let held = loads(&world, "ed", &right);
    assert!(held.iter().all(|answer| answer["outcome"] == "update_held"));

    let path = "/sources/ed/release";
    let reason = json!({"reason": "the file was put right"});
    for actor in [Actor::Integration, Actor::Administrator, Actor::Clinician] {
        let refused = world.post(path).by(actor).json(&reason).send();
        assert_eq!(refused.status, 403);
    }
    let blank = json!({"reason": " "});
    world
        .post(path)
        .by(Actor::Steward)
        .json(&blank)
        .send()
        .expect_problem(422, "reason", &[]);
    let released = world
        .post(path)
        .by(Actor::Steward)
        .json(&reason)
        .send()
        .expect(202);
    assert!(
        released["waiting"]
            .as_u64()
            .is_some_and(|waiting| waiting >= ROWS as u64)
    );
    world
        .post(path)
        .by(Actor::Steward)
        .json(&reason)
        .send()
        .expect(404);
    waits_until_decided(&world, "ed");

    let persons = persons(&world);
    for place in 0..ROWS {
        let (gp, ed) = (format!("gp:{place}"), format!("ed:{place}"));
        assert_eq!(persons.get(&gp), persons.get(&ed), "{place}");
    }
    assert!(quarantine_of(&world, "ed").is_none());
    let task = &source_tasks(&world, "closed")[0];
    assert_eq!(task["state"], "closed");
}

#[test]
fn r98_the_command_line_ends_a_quarantine_and_says_how_far_it_is() {
    let world = World::start();
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&world, "gp", &right);
    loads(&world, "ed", &shifted(&patients));
    loads(&world, "ed", &right);
    world.dies();

    let listed = world.accord(&["source", "list"]).expect(0);
    assert!(listed.out.contains("quarantined"), "{}", listed.out);
    let unknown = ["source", "release", "gp", "--reason", "why not"];
    world.accord(&unknown).expect(1);
    let release = [
        "source",
        "release",
        "ed",
        "--reason",
        "the file was put right",
    ];
    let ended = world.accord(&release).expect(0);
    assert!(ended.out.contains("waiting 0"), "{}", ended.out);
    assert!(ended.err.contains("deciding for ed"), "{}", ended.err);
    world.accord(&release).expect(1);
}

#[test]
fn r98_a_source_that_still_sends_wrong_numbers_is_quarantined_again() {
    let world = World::start();
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&world, "gp", &right);
    loads(&world, "ed", &shifted(&patients));
    world.dies();
    let release = ["source", "release", "ed", "--reason", "nobody looked"];
    let ended = world.accord(&release);
    assert!(
        ended.code == Some(1) || ended.out.contains("waiting 0"),
        "{ended:?}"
    );
}

#[test]
fn r18_numbers_that_replace_each_other_are_held_and_asked_about() {
    let world = World::start();
    let (one, other) = (number("first number"), number("second number"));
    let known = with(
        &person("renumbered"),
        json!({"nhs_number": one, "nhs_number_status": "01"}),
    );
    world.registers("gp", "1", &known);
    let renumbered = with(
        &known,
        json!({"nhs_number": other, "replaces_nhs_number": one}),
    );
    let taken = world.registers("gp", "1", &renumbered);
    assert_eq!(taken["version"], 2);
    assert_ne!(taken["outcome"], "update_held");

    let back = with(
        &known,
        json!({"nhs_number": one, "replaces_nhs_number": other}),
    );
    let refused = world.registers("gp", "1", &back);

    assert_eq!(refused["outcome"], "update_held", "{}", refused.text);
    let task = world.task(&refused.tasks()[0]);
    assert_eq!(task["kind"], "supersession_conflict");
    assert_eq!(task["reasons"][0]["rule"], "R18");
    assert_eq!(
        world.record("gp", "1")["record"]["nhs_number"],
        other.as_str()
    );
}

#[test]
fn r20_an_update_with_a_second_verified_number_is_held() {
    let world = World::start();
    let known = verified_person("two numbers");
    let person_id = world.registers("gp", "1", &known).person();
    assert_eq!(world.registers("pas", "1", &known).person(), person_id);
    let second = with(&known, json!({"nhs_number": number("another number")}));

    let held = world.registers("pas", "1", &second);

    assert_eq!(held["outcome"], "update_held", "{}", held.text);
    assert_eq!(held.person(), person_id);
    assert_eq!(world.task(&held.tasks()[0])["kind"], "overlay_held");
}
