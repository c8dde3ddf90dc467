//! R98: a source whose data go wrong is quarantined before it moves anybody,
//! and what it sent meanwhile is decided once it is trusted again. R18: numbers
//! that replace each other in a circle.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::pathology::loads;
use crate::people::{number, person, verified_person, with};
use crate::postgres::Cluster;
use crate::world::{Actor, Place, World};

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
fn r98_a_source_that_comes_by_two_nodes_is_quarantined_once_and_in_time() {
    let cluster = match Cluster::shared() {
        Ok(cluster) => cluster,
        Err(why) => {
            eprintln!("left out: {why}");
            return;
        }
    };
    let nodes = World::nodes(Place::Postgres(cluster), 2);
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(&nodes[0], "gp", &right);
    let before = persons(&nodes[0]);
    let wrong = shifted(&patients);
    let (one, other) = wrong.split_at(ROWS / 2);

    let answers: Vec<Value> = thread::scope(|scope| {
        let halves = [(&nodes[0], one), (&nodes[1], other)];
        let sending = halves.map(|(node, rows)| scope.spawn(move || loads(node, "ed", rows)));
        let answers = sending.map(|sending| sending.join().expect("no panic"));
        answers.into_iter().flatten().collect()
    });
    // The rest of the file comes by both as well.
    let again = shifted(&patients.iter().rev().cloned().collect::<Vec<_>>());
    let renamed = |(place, row): (usize, &Value)| named(ROWS + place, row);
    let rest: Vec<Value> = again.iter().enumerate().map(renamed).collect();
    loads(&nodes[0], "ed", &rest[..ROWS / 2]);
    loads(&nodes[1], "ed", &rest[ROWS / 2..]);

    let acted_on = answers.iter().filter(|answer| !is_deferred(answer)).count();
    assert!(acted_on <= 100, "{acted_on} rows were acted on");
    let tasks = source_tasks(&nodes[1], "waiting");
    assert_eq!(tasks.len(), 1, "one question about one source: {tasks:?}");
    let after = persons(&nodes[0]);
    for (record, person) in &before {
        assert_eq!(after.get(record), Some(person), "{record} has moved");
    }
    assert!(nodes.iter().all(|node| quarantine_of(node, "ed").is_some()));
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

/// A source that is quarantined, and has put its rows right since.
fn quarantined(world: &World) {
    let patients = patients();
    let right: Vec<Value> = patients
        .iter()
        .enumerate()
        .map(|(at, it)| named(at, it))
        .collect();
    loads(world, "gp", &right);
    loads(world, "ed", &shifted(&patients));
    assert!(quarantine_of(world, "ed").is_some());
    loads(world, "ed", &right);
}

fn releases(world: &World, source: &str) {
    world
        .post(&format!("/sources/{source}/release"))
        .by(Actor::Steward)
        .json(&json!({"reason": "the file was put right"}))
        .send()
        .expect(202);
    waits_until_decided(world, source);
}

/// The question at the desk is the same door: whoever approves says that the source
/// may be trusted again, and what waited is decided.
#[test]
fn r98_r115_approving_the_question_about_a_source_releases_it() {
    let world = World::start();
    quarantined(&world);
    let task = source_tasks(&world, "waiting")[0]["task_id"].clone();
    let task = task.as_str().expect("an id");
    let says = |actor: Actor, outcome: &str, evidence: &str| {
        let said = json!({"outcome": outcome, "reason": "the file was put right",
            "evidence": evidence});
        let path = format!("/review/tasks/{task}/decide");
        world.post(&path).by(actor).json(&said).send()
    };
    let evidence = world.task(task).member("evidence");
    for outcome in ["same", "different", "cannot_tell", "reject"] {
        says(Actor::Steward, outcome, &evidence).expect(422);
    }
    says(Actor::Steward, "approve", "something else").expect_problem(409, "evidence", &[]);
    assert!(quarantine_of(&world, "ed").is_some());

    let settled = says(Actor::Steward, "approve", &evidence).expect(200);

    assert_eq!(settled["state"], "decided", "{}", settled.text);
    waits_until_decided(&world, "ed");
    assert!(quarantine_of(&world, "ed").is_none());
    assert!(source_tasks(&world, "waiting").is_empty());
    let persons = persons(&world);
    for place in 0..ROWS {
        let (gp, ed) = (format!("gp:{place}"), format!("ed:{place}"));
        assert_eq!(persons.get(&gp), persons.get(&ed), "{place}");
    }
    says(Actor::Steward, "approve", &evidence).expect(409);
    world.verify();
}

/// DESIGN §2.2 and §2.3: only the last word of a source is decided, for each
/// update before it is one that it has itself overtaken; all of them stay, and
/// what they said is remembered as what the record said before.
#[test]
fn r98_the_versions_between_stay_and_are_remembered_as_earlier_values_are() {
    let world = World::start();
    let known = with(&verified_person("between"), json!({"phones": null}));
    world.registers("ed", "between", &known);
    quarantined(&world);
    let lived = json!([{"lines": ["7 Passage Way"], "postcode": "LS7 3QQ"}]);
    let between = with(
        &known,
        json!({"family_name": "Betweenname", "addresses": lived, "restricted": true}),
    );
    let held = world.registers("ed", "between", &between);
    assert!(is_deferred(&held.body), "{}", held.text);
    let last = with(&known, json!({"phones": ["07700 900417"]}));
    assert!(is_deferred(&world.registers("ed", "between", &last).body));
    releases(&world, "ed");

    let record = world.record("ed", "between");
    assert_eq!(record["record"]["family_name"], known["family_name"]);
    assert!(
        record["record"]["phones"].is_null(),
        "a restriction that came between masks what came after it: {}",
        record.text
    );
    let standings: Vec<&str> = record
        .list("versions")
        .iter()
        .map(|version| version["standing"].as_str().expect("a standing"))
        .collect();
    assert_eq!(standings.len(), 4, "{}", record.text);
    let person = world.cross_reference("ed", "between").person();
    let asked = json!({
        "given_names": known["given_names"], "family_name": "Betweenname",
        "birth_date": known["birth_date"],
    });
    let found = world.matches(&asked);
    assert!(found.mentions(&person), "{}", found.text);
    let searched = world
        .post("/persons/search")
        .by(Actor::Clinician)
        .json(&json!({"family_name": known["family_name"], "birth_date": known["birth_date"]}))
        .send()
        .expect(200);
    let shown = &searched["persons"][0];
    assert_eq!(
        shown["restricted"], true,
        "a restriction that came protects"
    );
}

#[test]
fn r98_a_version_between_that_speaks_of_someone_else_is_kept_and_not_remembered() {
    let world = World::start();
    let known = verified_person("steady");
    world.registers("ed", "steady", &known);
    quarantined(&world);
    let stranger = person("a stranger in between");
    world.registers("ed", "steady", &stranger);
    let last = with(&known, json!({"phones": ["07700 900418"]}));
    world.registers("ed", "steady", &last);
    releases(&world, "ed");

    let record = world.record("ed", "steady");
    assert_eq!(record.list("versions").len(), 4, "{}", record.text);
    assert_eq!(record["record"]["phones"], last["phones"]);
    let person = world.cross_reference("ed", "steady").person();
    let found = world.matches(&stranger);
    assert!(!found.mentions(&person), "{}", found.text);
}

#[test]
fn r98_a_row_that_was_about_someone_else_from_the_start_is_put_right_by_the_next() {
    let world = World::start();
    let known = verified_person("put right");
    let elsewhere = world.registers("gp", "put right", &known).person();
    quarantined(&world);
    let stranger = person("somebody of the next row");
    assert!(is_deferred(&world.registers("ed", "late", &stranger).body));
    assert!(is_deferred(&world.registers("ed", "late", &known).body));
    releases(&world, "ed");

    assert_eq!(world.cross_reference("ed", "late").person(), elsewhere);
    let found = world.matches(&stranger);
    assert!(!found.mentions(&elsewhere), "{}", found.text);
    let newcomer = world.registers("pas", "stranger", &stranger);
    assert_ne!(newcomer.person(), elsewhere);
    assert!(newcomer.tasks().is_empty(), "{}", newcomer.text);
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
