//! FHIR R4: transactions, whose entries are taken all together or not at all.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::{authority, rich};
use crate::fhir_asking::clerk;
use crate::fhir_bundles::{bundle, entry, merged, plain};
use crate::people::with;
use crate::request::Answer;
use crate::world::{Actor, World, times};

fn transaction(entries: &[Value]) -> Value {
    bundle("transaction", entries)
}

fn conditional(source: &str, local_id: &str) -> String {
    format!("Patient?identifier={}|{local_id}", authority(source))
}

fn statuses(answer: &Answer) -> Vec<String> {
    let entries = answer.list("entry").iter();
    let status = |entry: &Value| entry["response"]["status"].as_str().map(str::to_owned);
    entries.filter_map(status).collect()
}

fn posts_under(world: &World, key: &str, sent: &Value) -> Answer {
    let asked = world.fhir(Method::POST, "").header("idempotency-key", key);
    let body = sent.to_string();
    asked.bytes("application/fhir+json", body).send()
}

fn versions(world: &World, source: &str, local_id: &str) -> usize {
    world.record(source, local_id).list("versions").len()
}

fn is_unknown(world: &World, source: &str, local_id: &str) -> bool {
    let path = format!("/sources/{source}/records/{local_id}");
    world.get(&path).by(Actor::Steward).send().status == 404
}

#[test]
fn a_transaction_takes_all_of_its_entries_and_answers_each_in_its_place() {
    let world = World::start();
    world.sends(&plain("gp", "T-old"));
    let mut only_new = entry("POST", "Patient", &plain("gp", "T-old"));
    only_new["request"]["ifNoneExist"] = json!(format!("identifier={}|T-old", authority("gp")));
    let leaving = world.sends(&plain("ed", "T-gone")).id();
    let sent = transaction(&[
        entry("PUT", &conditional("pas", "T-2"), &rich("pas", "T-2")),
        entry("POST", "Patient", &rich("gp", "T-1")),
        only_new,
        json!({"request": {"method": "DELETE", "url": format!("Patient/{leaving}")}}),
    ]);
    let answered = world.posts("", &sent).expect(200);
    assert_eq!(answered["type"], "transaction-response");
    assert_eq!(statuses(&answered), ["201", "201", "200", "204"]);
    assert_eq!(answered["entry"][1]["response"]["etag"], "W/\"1\"");
    // Each is decided on what those before it have left: they are one person.
    assert_eq!(
        world.cross_reference("gp", "T-1").person(),
        world.cross_reference("pas", "T-2").person()
    );
    world
        .fhir(Method::GET, &format!("/Patient/{leaving}"))
        .by(Actor::Steward)
        .send()
        .expect(410);
    assert_eq!(
        versions(&world, "gp", "T-old"),
        1,
        "it is known and not written"
    );
    world.verify();
}

#[test]
fn an_entry_that_is_refused_leaves_nothing_of_its_transaction_behind() {
    let world = World::start();
    let known = world.sends(&plain("gp", "N-0")).id();
    let mut stale = entry("PUT", &format!("Patient/{known}"), &plain("gp", "N-0"));
    stale["request"]["ifMatch"] = json!("W/\"7\"");
    let gone = json!({"request": {"method": "DELETE", "url": conditional("gp", "N-nobody")}});
    let broken = with(&plain("gp", "N-3"), json!({"birthDate": 7}));
    let nobody = json!({"resourceType": "Patient",
        "identifier": [{"system": authority("gp"), "value": "N-4"}]});
    let refusals = [
        (stale, 412, "RESOURCE_VERSION_MISMATCH"),
        (gone, 404, "RESOURCE_NOT_FOUND"),
        (entry("POST", "Patient", &broken), 400, "INVALID_VALUE"),
        (entry("POST", "Patient", &nobody), 422, "INVALID_VALUE"),
        (
            entry("POST", "Patient", &plain("gp", "N-1")),
            400,
            "INVALID_VALUE",
        ),
        (
            entry("POST", "Patient", &merged("N-0", "N-1", "gp")),
            422,
            "UNSUPPORTED_SERVICE",
        ),
        (
            entry("GET", "Patient", &json!({})),
            400,
            "UNSUPPORTED_SERVICE",
        ),
    ];
    let feed_before = world.get("/events?limit=500").send();
    for (refused, status, code) in refusals {
        let sent = [
            entry("POST", "Patient", &plain("gp", "N-1")),
            entry("PUT", &conditional("pas", "N-2"), &rich("pas", "N-2")),
            refused,
        ];
        let answered = world.posts("", &transaction(&sent));
        let answered = answered.expect_outcome(status, code);
        let named = answered["issue"][0]["expression"][0].as_str();
        let named = named.unwrap_or_default();
        assert!(named.starts_with("Bundle.entry[2]"), "{}", answered.text);
        assert!(is_unknown(&world, "gp", "N-1") && is_unknown(&world, "pas", "N-2"));
        // Nor does it pass alone, unless it is a Patient that nothing is wrong with.
        if sent[2] != sent[0] {
            let alone = transaction(&sent[2..]);
            for key in ["alone-1", "alone-2"] {
                let key = format!("{key}-{status}-{code}");
                posts_under(&world, &key, &alone).expect_outcome(status, code);
            }
        }
    }
    assert_eq!(versions(&world, "gp", "N-0"), 1);
    let feed = world.get("/events?limit=500").send();
    assert_eq!(feed.list("events").len(), feed_before.list("events").len());
    let crowd: Vec<Value> = (0..65)
        .map(|place| entry("POST", "Patient", &plain("gp", &format!("N-c{place}"))))
        .collect();
    world
        .posts("", &transaction(&crowd))
        .expect_outcome(422, "INVALID_VALUE");
    assert!(is_unknown(&world, "gp", "N-c0"));
    world.verify();
}

#[test]
fn r121_a_person_who_posts_one_new_patient_twice_at_once_is_told_and_nothing_is_written() {
    let world = World::start();
    let clerk = clerk(&world);
    let posts = |entries: &[Value]| {
        let asked = world.fhir(Method::POST, "").by(Actor::Nobody);
        let asked = asked.header("authorization", &clerk);
        let asked = asked.header("accord-reason", "registration");
        let body = transaction(entries).to_string();
        asked.bytes("application/fhir+json", body).send()
    };
    let new = |local_id: &str| entry("POST", "Patient", &rich("gp", local_id));
    let other = entry("POST", "Patient", &plain("gp", "W-2"));
    let refused = posts(&[new("W-1"), other.clone(), new("W-3")]);
    let refused = refused.expect_outcome(409, "SINGLE_MATCH_FOUND");
    let named = refused["issue"][0]["expression"][0].as_str();
    assert!(
        named.is_some_and(|named| named.starts_with("Bundle.entry[2]")),
        "{}",
        refused.text
    );
    for local_id in ["W-1", "W-2", "W-3"] {
        assert!(is_unknown(&world, "gp", local_id), "{local_id}");
    }
    // Two people are registered, and who is known may be corrected beside somebody new.
    posts(&[new("W-1"), other]).expect(200);
    let third = json!({"birthDate": "1931-01-09",
        "name": [{"family": "Quillfeather", "given": ["Odo"]}]});
    posts(&[
        entry("PUT", &conditional("gp", "W-1"), &rich("gp", "W-1")),
        entry("POST", "Patient", &with(&plain("gp", "W-4"), third)),
    ])
    .expect(200);
    // A source says what it holds: that is linked.
    let sent = [new("W-5"), new("W-6")];
    world.posts("", &transaction(&sent)).expect(200);
    world.verify();
}

#[test]
fn a_transaction_that_names_another_s_id_is_refused_whole() {
    let world = World::start();
    let sent = transaction(&[
        entry("POST", "Patient", &plain("gp", "F-1")),
        entry("POST", "Patient", &plain("pas", "F-2")),
    ]);
    let asked = world.fhir(Method::POST, "").by(Actor::GpFeed);
    let refused = asked
        .bytes("application/fhir+json", sent.to_string())
        .send();
    let refused = refused.expect_outcome(403, "ACCESS_DENIED");
    let named = refused["issue"][0]["expression"][0].as_str();
    assert!(
        named.is_some_and(|it| it.starts_with("Bundle.entry[1]")),
        "{}",
        refused.text
    );
    assert!(is_unknown(&world, "gp", "F-1") && is_unknown(&world, "pas", "F-2"));
}

#[test]
fn a_transaction_that_is_sent_again_changes_nothing() {
    let world = World::start();
    let first = [
        entry("POST", "Patient", &plain("gp", "R-1")),
        entry("PUT", &conditional("pas", "R-2"), &plain("pas", "R-2")),
    ];
    let first = transaction(&first);
    let made = posts_under(&world, "key-1", &first).expect(200);
    assert_eq!(statuses(&made), ["201", "201"]);
    // Without a key, by its content.
    let again = world.posts("", &first).expect(200);
    assert_eq!(statuses(&again), ["200", "200"]);
    let moved = with(
        &plain("gp", "R-1"),
        json!({"telecom": [
        {"system": "phone", "value": "07700 900321"}]}),
    );
    world.sends(&moved);
    // With it, as before: what came since stands.
    let replayed = posts_under(&world, "key-1", &first).expect(200);
    assert_eq!(statuses(&replayed), ["201", "201"]);
    assert_eq!(replayed["entry"][0]["response"]["etag"], "W/\"1\"");
    assert_eq!(world.record("gp", "R-1")["version"], 2);
    assert_eq!(versions(&world, "gp", "R-1"), 2);
    // Its key stands for all of it.
    let other = transaction(&[
        entry("POST", "Patient", &plain("gp", "R-1")),
        entry("PUT", &conditional("pas", "R-3"), &plain("pas", "R-3")),
    ]);
    posts_under(&world, "key-1", &other).expect_outcome(409, "RESOURCE_CONFLICT");
    assert!(is_unknown(&world, "pas", "R-3"));
    world.verify();
}

#[test]
fn a_delete_of_nobody_is_refused_again_until_there_is_somebody() {
    let world = World::start();
    let sent = json!({"request": {"method": "DELETE", "url": conditional("gp", "L-1")}});
    let sent = transaction(&[sent]);
    posts_under(&world, "key-l", &sent).expect_outcome(404, "RESOURCE_NOT_FOUND");
    world.sends(&plain("gp", "L-1"));
    let done = posts_under(&world, "key-l", &sent).expect(200);
    assert_eq!(statuses(&done), ["204"]);
    assert_eq!(world.record("gp", "L-1")["status"], "withdrawn");
}

#[test]
fn i4_a_replay_answers_as_before_what_it_created_and_what_it_only_repeated() {
    let world = World::start();
    let repeated = plain("gp", "I-1");
    world.sends(&repeated);
    let mut only_new = entry("POST", "Patient", &plain("pas", "I-2"));
    only_new["request"]["ifNoneExist"] = json!(format!("identifier={}|I-2", authority("pas")));
    let sent = transaction(&[
        entry("POST", "Patient", &repeated),
        only_new.clone(),
        entry("POST", "Patient", &plain("ed", "I-3")),
    ]);
    let made = posts_under(&world, "key-i", &sent).expect(200);
    assert_eq!(statuses(&made), ["200", "201", "201"]);
    let moved = with(
        &repeated,
        json!({"telecom": [{"system": "phone", "value": "07700 900322"}]}),
    );
    world.sends(&moved);
    let replayed = posts_under(&world, "key-i", &sent).expect(200);
    assert_eq!(statuses(&replayed), ["200", "201", "201"]);
    assert_eq!(versions(&world, "gp", "I-1"), 2, "what came since stands");
    // Whom it deletes it cannot also leave as they are.
    let both = transaction(&[
        json!({"request": {"method": "DELETE", "url": conditional("pas", "I-2")}}),
        only_new,
    ]);
    world.posts("", &both).expect_outcome(400, "INVALID_VALUE");
    assert_eq!(world.record("pas", "I-2")["status"], "active");
    world.verify();
}

#[test]
fn what_a_transaction_deletes_is_not_deleted_again_by_its_replay() {
    let world = World::start();
    world.sends(&plain("gp", "D-1"));
    let sent = transaction(&[
        json!({"request": {"method": "DELETE", "url": conditional("gp", "D-1")}}),
        entry("POST", "Patient", &plain("pas", "D-2")),
    ]);
    let done = posts_under(&world, "key-d", &sent).expect(200);
    assert_eq!(statuses(&done), ["204", "201"]);
    world.sends(&plain("gp", "D-1"));
    let replayed = posts_under(&world, "key-d", &sent).expect(200);
    assert_eq!(statuses(&replayed), ["204", "201"]);
    assert_eq!(world.record("gp", "D-1")["status"], "active");
    world.verify();
}

#[test]
fn transactions_that_meet_make_one_person_of_each_and_wait_for_no_other() {
    const CLIENTS: usize = 4;
    let sources = ["gp", "pas", "ed", "community"];
    let world = World::start();
    for round in 0..times("ACCORD_ROUNDS", 3) {
        let start = Barrier::new(CLIENTS);
        thread::scope(|scope| {
            for (place, source) in sources.iter().enumerate() {
                let (start, world) = (&start, &world);
                scope.spawn(move || {
                    let local_id = format!("M-{round}");
                    let mut entries = vec![
                        entry("POST", "Patient", &rich(source, &local_id)),
                        entry("POST", "Patient", &plain(source, &format!("{local_id}b"))),
                    ];
                    if place % 2 == 1 {
                        entries.reverse();
                    }
                    start.wait();
                    world.posts("", &transaction(&entries)).expect(200);
                });
            }
        });
        for suffix in ["", "b"] {
            let person = |source: &&str| {
                world
                    .cross_reference(source, &format!("M-{round}{suffix}"))
                    .person()
            };
            let persons: BTreeSet<String> = sources.iter().map(person).collect();
            assert_eq!(
                persons.len(),
                1,
                "round {round}: surplus persons {persons:?}"
            );
        }
    }
    world.verify();
}
