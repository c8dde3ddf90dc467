//! FHIR R4: auditors read who looked at whom, as AuditEvents.

use reqwest::Method;
use serde_json::Value;

use crate::people::verified_person;
use crate::request::Answer;
use crate::sealing::{seal, side};
use crate::world::{Actor, World};

fn asks(world: &World, path: &str, actor: Actor) -> Answer {
    world.fhir(Method::GET, path).by(actor).send()
}

fn events(answer: &Answer) -> Vec<Value> {
    let entries = answer["entry"].as_array().cloned().unwrap_or_default();
    let resources = entries.iter().map(|entry| entry["resource"].clone());
    resources.collect()
}

/// The row that says an action, of those found.
#[track_caller]
fn event(answer: &Answer, action: &str) -> Value {
    let of = |event: &Value| event["subtype"][0]["code"] == action;
    let found = events(answer).into_iter().find(of);
    found.unwrap_or_else(|| panic!("no {action} in {}", answer.text))
}

#[test]
fn r130_an_auditor_reads_who_looked_at_a_person_and_nothing_that_a_record_says() {
    let world = World::start();
    let known = verified_person("audited");
    let person = world.registers("gp", "A-1", &known).person();
    world.reads(&person);
    let path = format!("/AuditEvent?patient=Patient/{person}");
    let found = asks(&world, &path, Actor::Auditor).expect(200);
    assert_eq!(found["type"], "searchset");
    assert!(!found.mentions(known["family_name"].as_str().expect("a name")));
    let read = event(&found, "read_person");
    assert_eq!(read["action"], "R");
    assert_eq!(read["outcome"], "0");
    assert_eq!(read["agent"][0]["requestor"], true);
    assert_eq!(read["agent"][0]["role"][0]["coding"][0]["code"], "steward");
    assert_eq!(
        read["entity"][0]["what"]["reference"],
        format!("Patient/{person}")
    );
    assert!(read["purposeOfEvent"][0]["text"].is_string(), "{read}");
    let written = event(&found, "write_record");
    assert_eq!(written["action"], "U");
    let id = read["id"].as_str().expect("an id");
    let alone = asks(&world, &format!("/AuditEvent/{id}"), Actor::Auditor).expect(200);
    assert_eq!(alone["recorded"], read["recorded"]);
    // Reading the audit stands in it.
    let again = asks(&world, &path, Actor::Auditor).expect(200);
    event(&again, "read_audit");
    let name = read["agent"][0]["who"]["identifier"]["value"].clone();
    let form = format!("agent-name={}", name.as_str().expect("an account"));
    let by_agent = world.fhir(Method::POST, "/AuditEvent/_search");
    let by_agent = by_agent.by(Actor::Auditor);
    let by_agent = by_agent.bytes("application/x-www-form-urlencoded", form);
    let by_agent = by_agent.send().expect(200);
    let all_its = |event: &Value| event["agent"][0]["who"]["identifier"]["value"] == name;
    assert!(!events(&by_agent).is_empty() && events(&by_agent).iter().all(all_its));
}

#[test]
fn who_is_no_auditor_reads_no_audit_and_an_odd_question_is_refused_by_its_place() {
    let world = World::shared();
    let person = world
        .registers("gp", "audit-odd", &verified_person("odd"))
        .person();
    let path = format!("/AuditEvent?patient={person}");
    for actor in [Actor::Integration, Actor::Clinician, Actor::Steward] {
        asks(&world, &path, actor).expect_outcome(403, "ACCESS_DENIED");
        asks(&world, "/AuditEvent/1", actor).expect_outcome(403, "ACCESS_DENIED");
    }
    let refused = [
        ("/AuditEvent", "MISSING_VALUE"),
        ("/AuditEvent?patient=Patient/R-1", "INVALID_SEARCH_DATA"),
        ("/AuditEvent?date=ge2026-01-01", "INVALID_SEARCH_DATA"),
        (
            "/AuditEvent?agent-name=x&_before=last",
            "INVALID_SEARCH_DATA",
        ),
    ];
    for (path, code) in refused {
        asks(&world, path, Actor::Auditor).expect_outcome(400, code);
    }
    for path in ["/AuditEvent/x", "/AuditEvent/999999999"] {
        asks(&world, path, Actor::Auditor).expect_outcome(404, "RESOURCE_NOT_FOUND");
    }
}

#[test]
fn an_audit_of_many_rows_is_read_page_by_page_each_row_once() {
    let world = World::start();
    let person = world
        .registers("gp", "A-9", &verified_person("paged"))
        .person();
    for _ in 0..110 {
        world.reads(&person);
    }
    let first = asks(
        &world,
        &format!("/AuditEvent?patient={person}"),
        Actor::Auditor,
    );
    let first = first.expect(200);
    let next = &first["link"][1];
    assert_eq!(next["relation"], "next", "{}", first.text);
    assert!(first["total"].is_null(), "how many there are is not known");
    let url = next["url"].as_str().expect("a URL");
    let (_, path) = url.split_once("/fhir/R4").expect("a path of this door");
    let second = asks(&world, path, Actor::Auditor).expect(200);
    let number = |event: &Value| {
        let id = event["id"].as_str().expect("an id");
        id.parse::<i64>().expect("a number")
    };
    let numbers: Vec<i64> = [events(&first), events(&second)]
        .concat()
        .iter()
        .map(number)
        .collect();
    assert_eq!(events(&first).len(), 100);
    assert!(numbers.len() > 110, "{numbers:?}");
    assert!(numbers.windows(2).all(|pair| pair[0] > pair[1]));
}

#[test]
fn r22_an_audit_row_names_nobody_on_both_sides_of_a_seal_and_still_says_who_looked() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", crate::sealing::before());
    let b = side(&world, "pas", "side-of-b", crate::sealing::after());
    // A steward has seen the question about both.
    let task = world.tasks().tasks();
    world
        .get(&format!("/review/tasks/{}", task[0]))
        .by(Actor::Steward)
        .send()
        .expect(200);
    let path = format!("/AuditEvent?patient={}", a.person);
    let both = |event: &Value| {
        let text = event.to_string();
        text.contains(&a.person) && text.contains(&b.person)
    };
    let before = asks(&world, &path, Actor::Auditor).expect(200);
    let named = events(&before).into_iter().find(both);
    let named = named.expect("a row named both before they were sealed");
    seal(&world, &a, &b).expect(201);
    let after = asks(&world, &path, Actor::Auditor).expect(200);
    for mark in &b.marks {
        assert!(!after.mentions(mark), "{mark}: {}", after.text);
    }
    let id = named["id"].as_str().expect("an id");
    let same = |event: &Value| event["id"] == id;
    let cut = events(&after).into_iter().find(same);
    let cut = cut.expect("that somebody looked stays");
    assert!(cut.to_string().contains(&a.person), "{cut}");
    assert_eq!(cut["agent"], named["agent"]);
    let alone = asks(&world, &format!("/AuditEvent/{id}"), Actor::Auditor).expect(200);
    let together = alone.mentions(&a.person) && alone.mentions(&b.person);
    assert!(!together, "{}", alone.text);
}
