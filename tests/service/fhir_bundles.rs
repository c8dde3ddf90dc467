//! FHIR R4: many Patients at once, a feed that merges a source's own ids, and people who
//! merge and part.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::authority;
use crate::people::with;
use crate::request::Answer;
use crate::world::{Actor, World};

pub(crate) fn entry(method: &str, url: &str, patient: &Value) -> Value {
    json!({"resource": patient, "request": {"method": method, "url": url}})
}

pub(crate) fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}

/// A message of PMIR's feed.
fn message(patients: &[Value]) -> Value {
    let history: Vec<Value> = patients
        .iter()
        .map(|patient| entry("PUT", "Patient/x", patient))
        .collect();
    let header = json!({"resourceType": "MessageHeader", "id": "m-1",
        "eventUri": "urn:ihe:iti:pmir:2019:patient-feed",
        "source": {"endpoint": "http://example.org/feed"}});
    let resources = [header, bundle("history", &history)];
    let entries: Vec<Value> = resources.iter().map(|it| json!({"resource": it})).collect();
    bundle("message", &entries)
}

/// Another patient than the rich one, without a number.
pub(crate) fn plain(source: &str, local_id: &str) -> Value {
    json!({"resourceType": "Patient",
        "identifier": [{"system": authority(source), "value": local_id}],
        "name": [{"family": "Tallanford", "given": ["Barnaby"]}],
        "gender": "male", "birthDate": "1966-07-08",
        "address": [{"line": ["9 Heron Close"], "postalCode": "LS9 4QX"}]})
}

fn code(answer: &Answer) -> &str {
    let code = &answer["entry"][0]["resource"]["response"]["code"];
    code.as_str().unwrap_or("none")
}

pub(crate) fn merged(local_id: &str, survivor: &str, of: &str) -> Value {
    json!({"resourceType": "Patient", "active": false,
        "identifier": [{"system": authority("gp"), "value": local_id}],
        "link": [{"type": "replaced-by",
            "other": {"identifier": {"system": authority(of), "value": survivor}}}]})
}

#[test]
fn entries_of_a_batch_are_answered_each_for_itself() {
    let world = World::start();
    let conditional = format!("Patient?identifier={}|B-2", authority("gp"));
    let broken = with(&plain("gp", "B-3"), json!({"name": "Tallanford"}));
    let sent = bundle(
        "batch",
        &[
            entry("POST", "Patient", &plain("gp", "B-1")),
            entry("PUT", &conditional, &plain("gp", "B-2")),
            entry("POST", "Patient", &broken),
            entry("GET", "Patient", &json!({})),
        ],
    );
    // With a slash at the end or without one.
    let answered = world.posts("/", &sent).expect(200);
    assert_eq!(answered["type"], "batch-response");
    let status = |place: usize| answered["entry"][place]["response"]["status"].clone();
    assert_eq!(
        [status(0), status(1), status(2), status(3)],
        ["201", "201", "400", "400"]
    );
    assert_eq!(answered["entry"][0]["response"]["etag"], "W/\"1\"");
    let outcome = &answered["entry"][2]["response"]["outcome"];
    assert_eq!(
        outcome["issue"][0]["expression"][0],
        "Bundle.entry[2].resource.name"
    );
    assert!(!outcome.to_string().contains("Tallanford"));
    // The same again changes nothing.
    let again = world.posts("", &sent).expect(200);
    assert_eq!(again["entry"][0]["response"]["status"], "200");
    assert_eq!(again["entry"][0]["response"]["etag"], "W/\"1\"");
    world.verify();
}

#[test]
fn a_bundle_of_no_known_kind_is_refused() {
    World::shared()
        .posts("", &bundle("collection", &[]))
        .expect_outcome(400, "UNSUPPORTED_SERVICE");
}

#[test]
fn r104_a_feed_merges_a_source_s_own_ids_and_no_other_s() {
    let world = World::start();
    let feed = |patients: &[Value]| world.posts("/$process-message", &message(patients));
    let made = feed(&[plain("gp", "M-1"), plain("gp", "M-2")]).expect(201);
    assert_eq!(code(&made), "ok");
    let second = made["entry"][3]["resource"]["id"]
        .as_str()
        .expect("a Patient")
        .to_owned();
    let merge = feed(&[merged("M-2", "M-1", "gp")]).expect(200);
    assert_eq!(code(&merge), "ok", "{}", merge.text);
    let one = world.cross_reference("gp", "M-1").person();
    assert_eq!(world.cross_reference("gp", "M-2").person(), one);
    let retired = world.reads(&second);
    assert_eq!(retired["active"], false);
    assert_eq!(retired["link"][0]["type"], "replaced-by");
    assert_eq!(
        retired["name"][0]["family"], "Tallanford",
        "its values stand"
    );
    assert_eq!(
        world.record("gp", "M-2")["record"]["family_name"],
        "Tallanford"
    );
    world.sends(&plain("pas", "M-9"));
    let foreign = feed(&[merged("M-2", "M-9", "pas")]).expect(403);
    assert_eq!(code(&foreign), "fatal-error");
    let nobody = feed(&[merged("M-2", "M-7", "gp")]).expect(404);
    assert_eq!(code(&nobody), "fatal-error");
    world.verify();
}

#[test]
fn r71_a_feed_brings_related_persons_and_keeps_them_apart() {
    let world = World::start();
    let mut baby = plain("gp", "N-1");
    baby["id"] = json!("baby");
    baby["managingOrganization"] = json!({"reference": "Organization/o"});
    let mother = json!({"resourceType": "RelatedPerson", "id": "rp",
        "patient": {"reference": "Patient/baby"}, "name": [{"text": "Ottoline Tallanford"}]});
    let trust = json!({"resourceType": "Organization", "id": "o", "name": "A Trust"});
    let made = world
        .posts("/Bundle", &message(&[baby, mother, trust]))
        .expect(201);
    let patient = &made["entry"][2]["resource"];
    let contained = patient["contained"].as_array().expect("what belongs to it");
    assert_eq!(contained.len(), 2, "{patient}");
    let reference = patient["managingOrganization"]["reference"]
        .as_str()
        .expect("inside");
    assert!(reference.starts_with('#'), "{reference}");
    let query = format!(
        "/Patient?identifier={}|N-1&_revinclude=RelatedPerson:patient",
        authority("gp")
    );
    let found = world
        .fhir(Method::GET, &query)
        .by(Actor::Steward)
        .send()
        .expect(200);
    assert_eq!(found["total"], 1);
    assert_eq!(
        found["entry"][1]["resource"]["name"][0]["text"],
        "Ottoline Tallanford"
    );
    assert_eq!(found["entry"][1]["search"]["mode"], "include");
}

#[test]
fn people_merge_after_a_preview_and_take_it_back() {
    let world = World::start();
    let one = world.sends(&plain("gp", "U-1")).refers_to();
    let other = with(
        &plain("pas", "U-2"),
        json!({"birthDate": "1950-02-02", "address": []}),
    );
    let other = world.sends(&other).refers_to();
    assert_ne!(one, other);
    let asks = |path: &str, parameters: &[Value], actor: Actor| {
        let body = json!({"resourceType": "Parameters", "parameter": parameters});
        let asked = world.fhir(Method::POST, path).by(actor);
        asked
            .bytes("application/fhir+json", body.to_string())
            .send()
    };
    let reference = |name: &str, person: &str| json!({"name": name, "valueReference": {"reference": format!("Patient/{person}")}});
    let reason = json!({"name": "reason", "valueString": "one and the same"});
    let preview = json!({"name": "preview", "valueBoolean": true});
    let both = [
        reference("source-patient", &other),
        reference("target-patient", &one),
        reason.clone(),
    ];
    let mut shown = both.to_vec();
    shown.push(preview.clone());
    let shown = asks("/Patient/$merge", &shown, Actor::Steward).expect(200);
    assert!(shown.text.contains("would-change"), "{}", shown.text);
    assert_eq!(world.reads(&other)["active"], true, "nothing was changed");
    asks("/Patient/$merge", &both, Actor::Integration).expect_outcome(403, "ACCESS_DENIED");
    let done = asks("/Patient/$merge", &both, Actor::Steward).expect(200);
    let given = done["parameter"].as_array().expect("parameters");
    let merge = given
        .iter()
        .find(|it| it["name"] == "merge")
        .expect("the merge");
    assert_eq!(
        world.reads(&other)["link"][0]["type"],
        "replaced-by",
        "{}",
        done.text
    );
    let named = json!({"name": "merge", "valueString": merge["valueString"]});
    let undo = [named, reason];
    let undone = asks("/Patient/$unmerge", &undo, Actor::Steward).expect(200);
    assert!(undone.text.contains(&other), "{}", undone.text);
    assert_eq!(world.reads(&other)["active"], true);
    world.verify();
}

#[test]
fn a_merge_without_a_record_to_go_on_is_refused_by_its_place() {
    let world = World::shared();
    world.sends(&plain("gp", "W-1"));
    let mut odd = merged("W-1", "W-2", "gp");
    odd["link"][0]["other"] = json!({"identifier": {"value": "urn:uuid:0"}});
    let refused = world
        .posts("/Patient", &odd)
        .expect_outcome(422, "INVALID_VALUE");
    assert_eq!(refused["issue"][0]["expression"][0], "Patient.link.other");
}

#[test]
fn lines_of_patients_are_answered_each_in_its_place() {
    let world = World::start();
    let sends = |lines: &str, media: &str| {
        let asked = world.fhir(Method::POST, "/$import");
        asked.bytes(media, lines.to_owned()).send()
    };
    let foreign = with(&plain("gp", "L-2"), json!({"resourceType": "Person"}));
    let lines = [
        plain("gp", "L-1").to_string(),
        String::new(),
        "{\"resourceType\": \"Patient\", \"name\": [".to_owned(),
        foreign.to_string(),
        plain("pas", "L-3").to_string(),
    ];
    let statuses = |answer: &Answer| {
        let lines = answer.text.lines();
        let answers: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("JSON in each line"))
            .collect();
        let status = |answer: &Value| answer["response"]["status"].clone();
        answers.iter().map(status).collect::<Vec<_>>()
    };
    let answered = sends(&lines.join("\n"), "application/fhir+ndjson").expect(200);
    assert_eq!(statuses(&answered), ["201", "400", "400", "201"]);
    let again = sends(&lines.join("\r\n"), "application/x-ndjson").expect(200);
    assert_eq!(statuses(&again), ["200", "400", "400", "200"]);
    assert_eq!(
        world.record("gp", "L-1")["versions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    sends(&lines[0], "application/fhir+json").expect_outcome(415, "UNSUPPORTED_SERVICE");
    world.verify();
}
