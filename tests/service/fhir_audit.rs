//! FHIR R4: auditors read who looked at whom, as AuditEvents.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::authority;
use crate::fhir_bundles::plain;
use crate::people::{verified_person, with};
use crate::request::{Answer, segment};
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
    assert!(!after.text.contains(&b.person), "{}", after.text);
    let id = named["id"].as_str().expect("an id");
    let same = |event: &Value| event["id"] == id;
    let cut = events(&after).into_iter().find(same);
    let cut = cut.expect("that somebody looked stays");
    assert!(cut.to_string().contains(&a.person), "{cut}");
    assert_eq!(cut["agent"], named["agent"]);
    let alone = asks(&world, &format!("/AuditEvent/{id}"), Actor::Auditor).expect(200);
    let together = alone.text.contains(&a.person) && alone.text.contains(&b.person);
    assert!(!together, "{}", alone.text);
}

const BALP: &str = "https://profiles.ihe.net/ITI/BALP";

/// The events that say this interaction, of those about a person.
fn events_of(world: &World, person: &str, interaction: &str) -> Vec<Value> {
    let path = format!("/AuditEvent?patient=Patient/{person}");
    let found = asks(world, &path, Actor::Auditor).expect(200);
    let says = |event: &Value| {
        let subtypes = event["subtype"].as_array().expect("subtypes");
        subtypes.iter().any(|it| it["code"] == interaction)
    };
    let mut events = events(&found);
    events.retain(says);
    events
}

/// The one element of a list whose type has this code.
#[track_caller]
fn one_of_type<'v>(list: &'v Value, code: &str) -> &'v Value {
    let coded = |it: &&Value| it["type"]["code"] == code || it["type"]["coding"][0]["code"] == code;
    let found: Vec<&Value> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter(coded)
        .collect();
    assert_eq!(found.len(), 1, "of type {code}: {list}");
    found[0]
}

/// What BALP 1.1.4 asks of all its patterns and of this one.
#[track_caller]
fn follows(event: &Value, pattern: &str, person: &str) {
    let (letter, client, server, object) = match pattern {
        "PatientRead" => ("R", "110152", "110153", "4"),
        "PatientQuery" => ("E", "110153", "110152", "24"),
        "PatientCreate" => ("C", "110153", "110152", "4"),
        "PatientUpdate" => ("U", "110153", "110152", "4"),
        _ => ("D", "110150", "custodian", "4"),
    };
    let profile = format!("{BALP}/StructureDefinition/IHE.BasicAudit.{pattern}");
    assert_eq!(event["meta"]["profile"], json!([profile]), "{event}");
    assert_eq!(event["type"]["code"], "rest");
    assert_eq!(
        (&event["action"], &event["outcome"]),
        (&json!(letter), &json!("0"))
    );
    assert!(event["recorded"].is_string());
    let client = one_of_type(&event["agent"], client);
    assert!(client["who"]["identifier"]["value"].is_string(), "{client}");
    assert_eq!(
        client["network"],
        json!({"address": "127.0.0.1", "type": "2"})
    );
    let server = one_of_type(&event["agent"], server);
    assert_eq!(server["network"]["type"], "5");
    let place = server["network"]["address"].as_str().expect("a URL");
    assert!(
        place.starts_with("http://") && place.ends_with("/fhir/R4"),
        "{place}"
    );
    assert_eq!(server["who"], event["source"]["observer"]);
    let patient = one_of_type(&event["entity"], "1");
    assert_eq!(patient["what"]["reference"], format!("Patient/{person}"));
    assert_eq!(patient["role"]["code"], "1");
    let system_object = one_of_type(&event["entity"], "2");
    assert_eq!(system_object["role"]["code"], object);
    let is_query = pattern == "PatientQuery";
    assert_eq!(system_object["query"].is_string(), is_query, "{event}");
    assert_eq!(system_object["what"].is_object(), !is_query, "{event}");
    let request = one_of_type(&event["entity"], "XrequestId");
    assert!(
        request["what"]["identifier"]["value"].is_string(),
        "{request}"
    );
}

#[test]
fn r130_what_comes_by_fhir_stands_in_the_audit_by_the_patterns_of_balp() {
    let world = World::start();
    let sent = world.sends(&plain("gp", "B-1"));
    let (record, person) = (sent.id(), sent.refers_to());
    let own = format!("/Patient?identifier={}%7CB-1", segment(&authority("gp")));
    world
        .puts(
            &own,
            &with(&plain("gp", "B-1"), json!({"gender": "unknown"})),
            None,
        )
        .expect(200);
    world.reads(&person);
    let versions = format!("/Patient/{record}/_history/1");
    let by = |method, path: &str, actor| world.fhir(method, path).by(actor).send().expect(200);
    by(Method::GET, &versions, Actor::Steward);
    let search = "/Patient?family=Tallanford&given=Barnaby&birthdate=1966-07-08";
    let searched = world.fhir(Method::GET, search).by(Actor::Steward);
    let searched = searched
        .header("x-request-id", "asked-by-a-story")
        .send()
        .expect(200);
    assert_eq!(searched["total"], 1, "{}", searched.text);
    let question = json!({"resourceType": "Parameters", "parameter": [
        {"name": "resource", "resource": plain("gp", "B-1")}]});
    world.posts("/Patient/$match", &question).expect(200);
    world.fhir(Method::DELETE, &own).send();
    let patterns = [
        ("create", "PatientCreate"),
        ("update", "PatientUpdate"),
        ("read", "PatientRead"),
        ("vread", "PatientRead"),
        ("search-type", "PatientQuery"),
        ("ITI-119", "PatientQuery"),
        ("delete", "PatientDelete"),
    ];
    for (interaction, pattern) in patterns {
        let found = events_of(&world, &person, interaction);
        // Reading the audit is a search, too.
        let event = found.last().unwrap_or_else(|| panic!("no {interaction}"));
        follows(event, pattern, &person);
    }
    let search = events_of(&world, &person, "ITI-78").remove(0);
    let request = one_of_type(&search["entity"], "XrequestId");
    assert_eq!(request["what"]["identifier"]["value"], "asked-by-a-story");
    // The values that were asked with are in no row.
    let all = asks(
        &world,
        &format!("/AuditEvent?patient={person}"),
        Actor::Auditor,
    )
    .expect(200);
    assert!(
        !all.text.contains("Tallanford") && !all.text.contains("1966-"),
        "{}",
        all.text
    );
    world.verify();
}

#[test]
fn r130_a_search_that_finds_two_is_an_event_of_each() {
    let world = World::start();
    let first = world.sends(&plain("gp", "B-2"));
    let moved = json!({"address": [{"line": ["1 Otter Row"], "postalCode": "YO1 7HH"}]});
    let second = world.sends(&with(&plain("gp", "B-3"), moved));
    let (one, other) = (first.refers_to(), second.refers_to());
    assert_ne!(one, other, "the same words alone join nobody");
    let search = "/Patient?family=Tallanford&given=Barnaby&birthdate=1966-07-08";
    let found = world
        .fhir(Method::GET, search)
        .by(Actor::Steward)
        .send()
        .expect(200);
    assert_eq!(found["total"], 2, "{}", found.text);
    // The row that names both; each has one of its own beside it, as what was shown.
    let names_person = |event: &Value| event["id"].as_str().is_some_and(|id| id.contains('-'));
    let events = events_of(&world, &one, "ITI-78");
    let event = events.into_iter().find(names_person);
    let event = event.expect("an event of a row that names both");
    follows(&event, "PatientQuery", &one);
    assert!(!event.to_string().contains(&other), "{event}");
    // It is read by its id, and the whole row by its number.
    let id = event["id"].as_str().expect("an id");
    let alone = asks(&world, &format!("/AuditEvent/{id}"), Actor::Auditor).expect(200);
    follows(&alone.body, "PatientQuery", &one);
    let (number, _) = id.split_once('-').expect("a number and a person");
    let whole = asks(&world, &format!("/AuditEvent/{number}"), Actor::Auditor).expect(200);
    assert!(
        whole.text.contains(&one) && whole.text.contains(&other),
        "{}",
        whole.text
    );
    assert!(
        whole["meta"].is_null(),
        "the pattern has one patient: {}",
        whole.text
    );
    let path = format!("/AuditEvent/{number}-P-{}", "0".repeat(8));
    asks(&world, &path, Actor::Auditor).expect_outcome(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn r130_behind_a_proxy_that_is_trusted_the_audit_has_the_address_of_who_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    for (settings, address) in [
        ("[[listener]]\nproxies = [\"127.0.0.1\"]\n", "192.0.2.7"),
        ("[[listener]]\n", "127.0.0.1"),
    ] {
        let file = folder.path().join("http.toml");
        std::fs::write(&file, settings).expect("a file");
        let file = file.display().to_string();
        let world = World::start_with(&[("ACCORD_HTTP", &file)]);
        let person = world.sends(&plain("gp", "B-4")).refers_to();
        let read = world.fhir(Method::GET, &format!("/Patient/{person}"));
        let read = read
            .by(Actor::Steward)
            .header("x-forwarded-for", "10.9.9.9, 192.0.2.7");
        read.send().expect(200);
        let event = events_of(&world, &person, "read").remove(0);
        assert_eq!(event["agent"][0]["network"]["address"], address, "{event}");
        assert!(!world.log().contains("192.0.2.7"), "no address in the log");
    }
}
