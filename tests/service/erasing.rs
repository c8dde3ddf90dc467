//! An erased record is gone to the last token: from every door, every file and
//! every table. What stays is who belongs to whom, with ids and digests, and a
//! ledger that still verifies.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::people::{NUMBERS, john_smith, number, verified_person, with};
use crate::postgres::Cluster;
use crate::request::Answer;
use crate::world::{Actor, Place, World, record_path};

/// Of the erased record alone: its person's other record has none of them.
const TOKENS: [&str; 7] = [
    "Zorbatrix",
    "Quixleyan",
    "Vexingham",
    "07700900731",
    "07700 900731",
    "zorbatrix@example.org",
    "LS29 9QQ",
];

fn erased_person() -> Value {
    json!({
        "given_names": ["Zorbatrix"], "family_name": "Quixleyan", "birth_date": "1951-07-13",
        "gender": "female", "nhs_number": number("to be erased"), "nhs_number_status": "01",
        "addresses": [{"lines": ["7 Vexingham Court"], "town": "Leeds", "postcode": "LS29 9QQ"}],
        "phones": ["07700 900731"], "emails": ["zorbatrix@example.org"],
    })
}

/// The same person, as another source knows it: nothing in common but number,
/// date and sex.
fn known_elsewhere() -> Value {
    with(
        &erased_person(),
        json!({"given_names": ["Zorbatrix"], "family_name": "Married",
            "addresses": null, "phones": null, "emails": null}),
    )
}

fn erase(world: &World, reason: &str) -> Value {
    let asked = [
        "erase", "--source", "gp", "--record", "1", "--reason", reason,
    ];
    let ended = world.accord(&asked).expect(0);
    serde_json::from_str(ended.out.trim()).expect("a receipt")
}

fn holds(bytes: &[u8], token: &str) -> bool {
    bytes
        .windows(token.len())
        .any(|window| window.eq_ignore_ascii_case(token.as_bytes()))
}

/// Files under a folder that hold a token.
fn found_in_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(found_in_files(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        for token in TOKENS {
            // The other record of the person has the given name too.
            if token != "Zorbatrix" && holds(&bytes, token) {
                found.push(format!("{token} in {}", path.display()));
            }
        }
    }
    found
}

fn said_at_every_door(world: &World, person_id: &str) -> Vec<Answer> {
    let record = record_path("gp", "1");
    let paths = [
        record.clone(),
        format!("{record}/person"),
        format!("/persons/{person_id}"),
        format!("/persons/{person_id}/records"),
        format!("/persons/{person_id}/history"),
        "/review/tasks".to_owned(),
    ];
    let mut said: Vec<Answer> = paths
        .iter()
        .map(|path| world.get(path).by(Actor::Steward).send().expect(200))
        .collect();
    said.push(world.get("/events?limit=500").send().expect(200));
    let criteria = json!({"family_name": "Married", "birth_date": "1951-07-13"});
    let search = world.post("/persons/search").by(Actor::Steward);
    said.push(search.json(&criteria).send().expect(200));
    said.push(world.matches(&known_elsewhere()));
    said
}

fn exported(world: &World) -> String {
    world
        .accord(&["export", "--qualify", "--persons", "persons.csv"])
        .expect(0);
    fs::read_to_string(world.file("persons.csv")).expect("an export")
}

fn erases_to_the_last_token(world: &World) {
    let first = with(&erased_person(), json!({"family_name": "Vexingham"}));
    world.registers("gp", "1", &first);
    let put = world.put("gp", "1", &erased_person());
    let person_id = put
        .header("idempotency-key", "k1")
        .send()
        .expect(200)
        .person();
    let other = world.registers("pas", "1", &known_elsewhere());
    assert_eq!(other.person(), person_id, "{}", other.text);
    world.registers("gp", "2", &verified_person("a bystander"));
    world.stops();
    let before = exported(world);

    let receipt = erase(world, "asked for by the source");

    assert_eq!(receipt["local_id"], "1");
    assert_eq!(receipt["reason"], "asked for by the source");
    assert_eq!(receipt["digests"].as_array().map(Vec::len), Some(2));
    world.accord(&["verify"]).expect(0);
    assert_eq!(exported(world), before, "the partition is the same");
    if world.database().is_none() {
        let found = found_in_files(&world.file("data"));
        assert!(found.is_empty(), "{found:#?}");
    }
    world
        .accord(&["backup", "--quiet", "--to", "after"])
        .expect(0);
    let found = found_in_files(&world.file("after"));
    assert!(found.is_empty(), "{found:#?}");

    world.serves();
    for answer in said_at_every_door(world, &person_id) {
        for token in &TOKENS[1..] {
            assert!(!answer.text.contains(token), "{token} in {}", answer.text);
        }
    }
    let record = world.record("gp", "1");
    assert_eq!(record["record"], json!({}), "{}", record.text);
    assert_eq!(record.person(), person_id, "it still belongs to its person");
    let history = world.get(&format!("/persons/{person_id}/history"));
    let history = history.by(Actor::Steward).send().expect(200);
    assert!(history.mentions("record_erased"), "{}", history.text);
    let by_erased = with(
        &erased_person(),
        json!({"nhs_number": null, "nhs_number_status": null}),
    );
    let found = world.matches(&with(&by_erased, json!({"given_names": ["Somebody"]})));
    assert!(!found.mentions(&person_id), "{}", found.text);

    let again = world.put("gp", "1", &erased_person()).send().expect(200);
    assert_eq!(
        again["version"], 3,
        "what was erased is news when it comes again"
    );
    assert_eq!(again.person(), person_id);
    assert_eq!(world.record("gp", "1")["record"], erased_person());
    world.verify();
}

#[test]
fn r135_an_erased_record_is_gone_to_the_last_token_from_a_data_directory() {
    erases_to_the_last_token(&World::start_on(Place::Sqlite));
}

#[test]
fn r135_an_erased_record_is_gone_to_the_last_token_from_a_database() {
    if let Ok(cluster) = Cluster::shared() {
        erases_to_the_last_token(&World::start_on(Place::Postgres(cluster)));
    }
}

#[test]
fn r135_an_erasure_says_why_and_happens_once() {
    let world = World::start();
    world.registers("gp", "1", &verified_person("once"));
    world.stops();
    let asked = ["erase", "--source", "gp", "--record", "1"];
    world.accord(&asked).expect(2);
    let unknown = ["erase", "--source", "gp", "--record", "2", "--reason", "x"];
    world.accord(&unknown).expect(1);
    let blank = ["erase", "--source", "gp", "--record", "1", "--reason", " "];
    world.accord(&blank).expect(1);
    erase(&world, "once");
    let twice = ["erase", "--source", "gp", "--record", "1", "--reason", "x"];
    assert!(world.accord(&twice).expect(1).err.contains("already"));
    world.accord(&["verify"]).expect(0);
}

#[test]
fn r111_an_erased_restriction_goes_on_restricting() {
    let world = World::start();
    let known = verified_person("restricted and erased");
    world.registers("gp", "1", &with(&known, json!({"restricted": true})));
    let person_id = world.registers("pas", "1", &known).person();
    world.stops();
    erase(&world, "the practice has closed");
    world.serves();
    let postcode = known["addresses"][0]["postcode"]
        .as_str()
        .expect("a postcode");
    assert!(!world.person(&person_id).text.contains(postcode));
    assert!(!world.matches(&known).text.contains(postcode));
}

#[test]
fn r135_what_readers_wrote_of_its_questions_goes_with_a_record() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    world.registers("pas", "1", &john_smith());
    let others = with(
        &john_smith(),
        json!({"family_name": "Jones", "birth_date": "1948-09-17"}),
    );
    world.registers("gp", "2", &others);
    world.registers("pas", "2", &others);
    let tasks = world.tasks().tasks();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    for task in &tasks {
        let comment = json!({"comment": "Canarycomment of where they live"});
        let path = format!("/review/tasks/{task}/comment");
        let said = world.post(&path).by(Actor::Steward).json(&comment).send();
        said.expect(200);
    }
    let says_it = || {
        let opened = tasks.iter().map(|task| world.task(task));
        opened
            .filter(|opened| opened.text.contains("Canarycomment"))
            .count()
    };
    assert_eq!(says_it(), 2);
    // The question was raised by the other source's record.
    let asked = json!({"source": "gp", "local_id": "1", "reason": "asked for by the source"});
    let erasing = world.post("/erasures").by(Actor::PrivacyOfficer);
    erasing.json(&asked).send().expect(200);
    assert_eq!(says_it(), 1, "the words about others stay");
    world.verify();
}

#[test]
fn r102_what_was_said_of_an_erased_record_still_keeps_a_sources_merge_from_joining() {
    for said in [false, true] {
        let world = World::start();
        let numbered = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
        let numbered = with(&john_smith(), numbered);
        world.registers("pas", "e", &numbered);
        let survivor = world.registers("gp", "s", &numbered).person();
        let other = world.registers("gp", "g", &john_smith()).person();
        assert_ne!(survivor, other);
        if said {
            let different = json!({"a": {"source": "pas", "local_id": "e"},
                "b": {"source": "gp", "local_id": "g"}, "kind": "different",
                "reason": "two men"});
            let asserting = world.post("/assertions").by(Actor::Steward);
            asserting.json(&different).send().expect(201);
            let asked = json!({"source": "pas", "local_id": "e", "reason": "asked for"});
            let erasing = world.post("/erasures").by(Actor::PrivacyOfficer);
            erasing.json(&asked).send().expect(200);
        }
        let merge = json!({"survivor": "s", "retired": "g"});
        let merged = world
            .post("/sources/gp/merges")
            .json(&merge)
            .send()
            .expect(200);
        let joined = world.cross_reference("gp", "g").person() == survivor;
        assert_eq!(joined, !said, "{}", merged.text);
        world.verify();
    }
}

#[test]
fn r135_a_running_service_erases_to_the_last_token_by_itself() {
    let world = World::start();
    world.registers("gp", "1", &erased_person());
    world.registers("gp", "2", &verified_person("stays"));
    let asked = json!({"source": "gp", "local_id": "1", "reason": "asked for by the source"});
    for actor in [Actor::Integration, Actor::Steward, Actor::Administrator] {
        let erasing = world.post("/erasures").by(actor).json(&asked).send();
        erasing.expect_problem(403, "", &[]);
    }
    let erasing = || {
        let erasing = world.post("/erasures").by(Actor::PrivacyOfficer);
        erasing.json(&asked).send()
    };
    let receipt = erasing().expect(200);
    assert_eq!(receipt["digests"].as_array().map(Vec::len), Some(1));
    erasing().expect_problem(409, "already", &[]);
    if world.database().is_none() {
        let data = world.file("data");
        let left = || found_in_files(&data);
        for _ in 0..300 {
            if left().is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        assert!(left().is_empty(), "{:#?}", left());
    }
    // The same through the command line, and what is not there is said.
    let through = |local_id: &str| {
        let url = world.url();
        let token = world.token(Actor::PrivacyOfficer).expect("a token");
        world.accord(&[
            "erase",
            "--url",
            &url,
            "--token",
            token,
            "--source",
            "gp",
            "--record",
            local_id,
            "--reason",
            "asked for by the source",
        ])
    };
    let ended = through("2").expect(0);
    let receipt: Value = serde_json::from_str(ended.out.trim()).expect("a receipt");
    assert_eq!(receipt["local_id"], "2");
    assert!(through("3").expect(1).err.contains("404"));
    world.verify();
}

#[test]
fn r135_what_a_source_sent_is_kept_as_long_as_its_retention_says() {
    let world = World::start();
    let kept = [
        "source",
        "add",
        "gp",
        "--name",
        "Practices",
        "--retention",
        "30",
    ];
    world.accord(&kept).expect(0);
    assert!(
        world
            .accord(&["source", "list"])
            .out
            .contains("kept 30 days")
    );
    world.registers("gp", "1", &verified_person("not expired"));
    world.stops();
    let nothing = world.accord(&["erase", "--expired"]).expect(0);
    assert_eq!(nothing.out, "", "{}", nothing.err);
    let both = [
        "erase",
        "--expired",
        "--source",
        "gp",
        "--record",
        "1",
        "--reason",
        "x",
    ];
    world.accord(&both).expect(2);
}
