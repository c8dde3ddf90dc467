//! FHIR R4: readers that subscribe by rest-hook or to PMIR's feed, and Linkages.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::authority;
use crate::fhir_bundles::{bundle, entry, merged, plain};
use crate::people::{NUMBERS, person, with};
use crate::receiver::{Received, Receiver};
use crate::request::Answer;
use crate::sealing::{seal, side};
use crate::world::{Actor, World};

fn start(receiver: &Receiver, attempts: &'static str) -> World {
    World::start_with(&[
        ("ACCORD_WEBHOOK_HOSTS", receiver.origin().leak()),
        ("ACCORD_WEBHOOK_PRIVATE", "on"),
        ("ACCORD_WEBHOOK_WAIT_SECONDS", "0"),
        ("ACCORD_WEBHOOK_ATTEMPTS", attempts),
    ])
}

fn asks(world: &World, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let asked = world.fhir(method, path).by(Actor::Administrator);
    match body {
        Some(body) => asked
            .bytes("application/fhir+json", body.to_string())
            .send(),
        None => asked.send(),
    }
}

fn wanted(receiver: &Receiver, criteria: &str, payload: Option<&str>) -> Value {
    let mut channel = json!({"type": "rest-hook", "endpoint": receiver.url()});
    if let Some(payload) = payload {
        channel["payload"] = json!(payload);
    }
    json!({"resourceType": "Subscription", "status": "requested", "reason": "to follow",
        "criteria": criteria, "channel": channel})
}

/// Entries of the histories that were told.
fn told(message: &Received) -> Vec<Value> {
    assert_eq!(message.body["type"], "message", "{}", message.text);
    let head = &message.body["entry"][0]["resource"];
    assert_eq!(head["eventUri"], "urn:ihe:iti:pmir:2019:patient-feed");
    let history = &message.body["entry"][1];
    assert_eq!(head["focus"][0]["reference"], history["fullUrl"]);
    let entries = history["resource"]["entry"].as_array();
    entries.cloned().unwrap_or_default()
}

fn of_person<'e>(entries: &'e [Value], person: &str) -> Vec<&'e Value> {
    let url = format!("Patient/{person}");
    entries
        .iter()
        .filter(|entry| entry["request"]["url"] == url)
        .collect()
}

#[test]
fn a_subscriber_is_told_of_its_own_ids_and_of_merges_by_the_feed_until_it_takes_them() {
    let receiver = Receiver::start();
    let world = start(&receiver, "1000");
    let criteria = format!("Patient?identifier={}|", authority("gp"));
    let asked = wanted(&receiver, &criteria, Some("application/fhir+json"));
    let made = asks(&world, Method::POST, "/Subscription", Some(&asked)).expect(201);
    assert_eq!(made["status"], "active");
    assert_eq!(made["criteria"], criteria);
    let secret = made["extension"][1]["valueString"]
        .as_str()
        .expect("a secret");
    world.guards_text(secret);
    receiver.refuses(true);
    let hidden = with(
        &plain("gp", "S-1"),
        json!({"meta": {"security": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}}),
    );
    let first = world.sends(&hidden).refers_to();
    let other = world.sends(&with(
        &plain("gp", "S-2"),
        json!({"birthDate": "1931-01-09"}),
    ));
    let other = other.refers_to();
    receiver.waits("a first attempt", |it| !it.refused().is_empty());
    receiver.refuses(false);
    world.sends(&plain("pas", "S-3"));
    let merge = merged("S-2", "S-1", "gp");
    world.sends(&merge);
    let all = |it: &Receiver| it.taken().iter().flat_map(told).collect::<Vec<Value>>();
    let survivor = world.cross_reference("gp", "S-2").person();
    let retired = if survivor == first { &other } else { &first };
    receiver.waits("the merge", |it| {
        of_person(&all(it), retired)
            .iter()
            .any(|entry| entry["resource"]["active"] == false)
    });
    let entries = all(&receiver);
    let gone = of_person(&entries, retired);
    let link = &gone.last().expect("the retired one")["resource"]["link"][0];
    assert_eq!(link["type"], "replaced-by");
    assert_eq!(link["other"]["reference"], format!("Patient/{survivor}"));
    let named = |value: &str| {
        let mut ids = entries
            .iter()
            .map(|entry| &entry["resource"]["identifier"][0]);
        ids.any(|id| id["value"] == value)
    };
    assert!(named("S-1") && named("S-2"), "its own local ids are told");
    for message in receiver.taken().iter().chain(&receiver.refused()) {
        // Masking: no value of anybody leaves, and no id of another source.
        for value in ["Tallanford", "Barnaby", "1966", "Heron", "LS9 4QX", "S-3"] {
            assert!(!message.text.contains(value), "{value}: {}", message.text);
        }
        assert!(message.headers.contains_key("webhook-signature"));
    }
    // At least once: what was refused came again under the same id.
    let again = receiver.refused()[0].id().to_owned();
    receiver.waits("the refused message again", |it| {
        it.taken().iter().any(|m| m.id() == again)
    });
    world.verify();
}

#[test]
fn r22_a_subscriber_is_told_of_no_merge_of_two_who_were_sealed_meanwhile() {
    let receiver = Receiver::start();
    let world = start(&receiver, "1000");
    let asked = wanted(&receiver, "Patient?", Some("application/fhir+json"));
    asks(&world, Method::POST, "/Subscription", Some(&asked)).expect(201);
    let numbered = |number: &str| json!({"nhs_number": number, "nhs_number_status": "02"});
    let one = with(&person("sealed one"), numbered(NUMBERS[4]));
    let other = with(&person("sealed two"), numbered(NUMBERS[5]));
    let a = side(&world, "gp", "side-of-a", one);
    let b = side(&world, "pas", "side-of-b", other);
    let together = |entry: &Value| {
        let text = entry.to_string();
        text.contains(&a.person) && text.contains(&b.person)
    };
    let told_of_both =
        |messages: &[Received]| messages.iter().flat_map(told).any(|it| together(&it));
    let told_of = |person: &str| {
        let mut taken = receiver.taken().into_iter();
        taken.any(|message| !of_person(&told(&message), person).is_empty())
    };
    receiver.waits("each by itself", |_| {
        told_of(&a.person) && told_of(&b.person)
    });
    receiver.refuses(true);
    let steward = |path: &str, body: &Value| world.post(path).by(Actor::Steward).json(body).send();
    let merge = json!({"survivor": a.person, "retired": b.person, "reason": "one"});
    let merge = steward("/merges", &merge).expect(200).member("merge_id");
    receiver.waits("the merge", |it| told_of_both(&it.refused()));
    steward(&format!("/merges/{merge}/undo"), &json!({"reason": "two"})).expect(200);
    seal(&world, &a, &b).expect(201);
    // What was under way when they were sealed has arrived by then.
    let seen = receiver.refused().len();
    let last = world.sends(&plain("gp", "Z-1")).refers_to();
    receiver.waits("two more attempts", |it| it.refused().len() >= seen + 2);
    receiver.refuses(false);
    receiver.waits("what came later", |_| told_of(&last));
    assert!(!told_of_both(&receiver.taken()));
    world.verify();
}

#[test]
fn a_subscription_without_a_payload_knocks_and_says_how_it_stands() {
    let receiver = Receiver::start();
    let world = start(&receiver, "2");
    let asked = wanted(&receiver, "Patient?", None);
    let made = asks(&world, Method::POST, "/Subscription", Some(&asked)).expect(201);
    let id = made.id();
    assert_eq!(
        made.headers["location"],
        format!("/fhir/R4/Subscription/{id}")
    );
    world.sends(&plain("gp", "K-1"));
    receiver.waits("a knock", |it| !it.taken().is_empty());
    assert!(
        receiver
            .taken()
            .iter()
            .all(|message| message.text.is_empty())
    );
    let path = format!("/Subscription/{id}");
    let read = asks(&world, Method::GET, &path, None).expect(200);
    assert_eq!(read["status"], "active");
    assert!(!read.text.contains("whsec_"), "{}", read.text);
    receiver.refuses(true);
    world.sends(&plain("gp", "K-2"));
    receiver.waits("a message that is given up", |_| {
        asks(&world, Method::GET, &path, None)["status"] == "error"
    });
    let found = asks(&world, Method::GET, "/Subscription?status=error", None).expect(200);
    assert_eq!(found["total"], 1);
    let found = asks(&world, Method::GET, "/Subscription?status=active", None).expect(200);
    assert_eq!(found["total"], 0);
    asks(&world, Method::DELETE, &path, None).expect(204);
    asks(&world, Method::GET, &path, None).expect_outcome(404, "RESOURCE_NOT_FOUND");
    asks(&world, Method::DELETE, &path, None).expect_outcome(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn what_a_subscription_cannot_keep_is_refused_by_its_place() {
    let receiver = Receiver::start();
    let world = start(&receiver, "2");
    let whole = wanted(&receiver, "Patient?", None);
    let refused = [
        (json!({"criteria": "Observation?code=x"}), "criteria"),
        (
            json!({"criteria": "Patient?identifier=https://example.org/nobody|"}),
            "criteria",
        ),
        (json!({"status": "off"}), "status"),
        (json!({"end": "2030-01-01T00:00:00Z"}), "end"),
        (
            json!({"channel": {"type": "email", "endpoint": receiver.url()}}),
            "channel.type",
        ),
        (
            json!({"channel": {"type": "rest-hook", "endpoint": receiver.url(),
            "header": ["Authorization: x"]}}),
            "channel.header",
        ),
        (
            json!({"channel": {"type": "rest-hook", "endpoint": receiver.url(),
            "payload": "application/fhir+xml"}}),
            "channel.payload",
        ),
        (
            json!({"channel": {"type": "rest-hook",
            "endpoint": "https://elsewhere.example.org/x"}}),
            "channel.endpoint",
        ),
    ];
    for (change, place) in refused {
        let asked = with(&whole, change);
        let answer = asks(&world, Method::POST, "/Subscription", Some(&asked));
        let answer = answer.expect_outcome(422, "INVALID_VALUE");
        let named = &answer["issue"][0]["expression"][0];
        assert_eq!(*named, format!("Subscription.{place}"), "{}", answer.text);
    }
    let by_source = world.fhir(Method::POST, "/Subscription");
    let by_source = by_source
        .bytes("application/fhir+json", whole.to_string())
        .send();
    by_source.expect_outcome(403, "ACCESS_DENIED");
}

#[test]
fn a_linkage_says_which_patients_are_one_person() {
    let world = World::start();
    let record = world.sends(&plain("gp", "L-1")).id();
    let second = bundle(
        "transaction",
        &[entry("POST", "Patient", &plain("pas", "L-2"))],
    );
    world.posts("", &second).expect(200);
    let person = world.cross_reference("gp", "L-1").person();
    let reads = |path: &str| world.fhir(Method::GET, path).by(Actor::Steward).send();
    let linkage = reads(&format!("/Linkage/{person}")).expect(200);
    assert_eq!(linkage["active"], true);
    assert_eq!(linkage["item"][0]["type"], "source");
    assert_eq!(
        linkage["item"][0]["resource"]["reference"],
        format!("Patient/{person}")
    );
    let items = linkage.list("item").iter();
    let alternate = |item: &&Value| item["type"] == "alternate";
    let references = items
        .filter(alternate)
        .map(|item| item["resource"]["reference"].clone());
    let references: Vec<Value> = references.collect();
    assert!(
        references.contains(&json!(format!("Patient/{record}"))),
        "{}",
        linkage.text
    );
    let person_patient = world.reads(&person);
    let linked = person_patient.list("link").iter();
    let linked = linked.filter(|link| link["type"] == "seealso");
    assert_eq!(linked.count(), references.len(), "as Patient.link says");
    for (query, total) in [
        (format!("item=Patient/{record}"), 1),
        (format!("item=Patient/{person}"), 1),
        (format!("source=Patient/{person}"), 1),
        (format!("source=Patient/{record}"), 0),
        (
            "item=Patient/R-00000000000070008000000000000000".to_owned(),
            0,
        ),
    ] {
        let found = reads(&format!("/Linkage?{query}")).expect(200);
        assert_eq!(found["total"], total, "{query}: {}", found.text);
    }
    reads("/Linkage?author=x").expect_outcome(400, "INVALID_SEARCH_DATA");
    reads("/Linkage").expect_outcome(400, "MISSING_VALUE");
    reads("/Linkage/x").expect_outcome(404, "RESOURCE_NOT_FOUND");
}
