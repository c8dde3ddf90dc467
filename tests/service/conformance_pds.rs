//! The search cases of the national service's own tests, against the people in its
//! public stubs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::conformance::{Suite, data_of};
use crate::request::{Answer, segment};
use crate::world::{Actor, World};

/// Cases that come out otherwise, and why (`docs/conformance.md`).
const READINGS: &[(&str, &str)] = &[
    ("PDS-S05", SPAN),
    ("PDS-S19a", SPAN),
    ("PDS-S19b", SPAN),
    ("PDS-S08", EARLIER),
    ("PDS-S20e", EARLIER),
    ("PDS-S20f", EARLIER),
    ("PDS-S20h", EARLIER),
    ("PDS-M11", UNUSABLE),
    ("PDS-M12", UNUSABLE),
];
const SPAN: &str =
    "a span of birth dates needs more beside the family name, and no fuzzy search (R120)";
const EARLIER: &str = "the earlier values that it searches by are not in the public stubs";
const UNUSABLE: &str = "what cannot be searched is refused and not passed over";

/// Every whole Patient of the stubs, once.
fn people(folder: &Path, found: &mut Vec<Value>, seen: &mut BTreeSet<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("the stubs").flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            people(&path, found, seen);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let Ok(resource) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        let bundled = resource["entry"].as_array().cloned().unwrap_or_default();
        let inner = bundled.into_iter().map(|entry| entry["resource"].clone());
        for patient in inner.chain([resource]) {
            let id = patient["id"].as_str().unwrap_or_default().to_owned();
            let named = patient["name"][0]["family"].is_string();
            if patient["resourceType"] == "Patient" && named && seen.insert(id) {
                found.push(patient);
            }
        }
    }
}

/// Sends the people as the records of one source, under their ids.
fn registers(world: &World, patients: &[Value]) {
    world
        .accord(&["source", "add", "spine", "--name", "stubs"])
        .expect(0);
    for patient in patients {
        let mut patient = patient.clone();
        let own = json!({"use": "official", "system": "spine", "value": patient["id"]});
        let identifiers = patient["identifier"].as_array_mut();
        let identifiers = identifiers.expect("a Patient of the stubs has identifiers");
        identifiers.push(own);
        let asked = world
            .fhir(Method::POST, "/Patient")
            .header("accord-source", "spine");
        let sent = asked
            .bytes("application/fhir+json", patient.to_string())
            .send();
        assert!(
            matches!(sent.status, 200..=202),
            "{} {}",
            sent.status,
            sent.text
        );
    }
}

fn form(query: &Value) -> String {
    let mut pairs = Vec::new();
    for (name, value) in query.as_object().into_iter().flatten() {
        let values = match value {
            Value::Array(values) => values.clone(),
            one => vec![one.clone()],
        };
        for value in values {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            pairs.push(format!("{}={}", segment(name), segment(&text)));
        }
    }
    pairs.join("&")
}

/// The numbers of those who are found.
fn found(answer: &Answer) -> Vec<String> {
    let entries = answer["entry"].as_array().cloned().unwrap_or_default();
    let patients = entries.iter().map(|entry| &entry["resource"]);
    patients
        .filter(|patient| patient["resourceType"] == "Patient")
        .flat_map(|patient| {
            patient["identifier"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        })
        .filter(|identifier| identifier["system"] == "urn:accord:source:spine")
        .filter_map(|identifier| identifier["value"].as_str().map(str::to_owned))
        .collect()
}

fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split(|character: char| !character.is_ascii_digit()) {
        if word.len() == 10 {
            found.push(word.to_owned());
        }
    }
    found
}

/// Whether an answer is what a case expects; `None` where its people are not public.
fn holds(answer: &Answer, expected: &str, known: &BTreeSet<String>) -> Option<bool> {
    if let Some(code) = expected.strip_prefix("HTTP 400 ") {
        let code = code.split(' ').next().unwrap_or_default();
        return Some(answer.status == 400 && answer.spine_code() == code);
    }
    if expected.contains("TOO_MANY_MATCHES") {
        return Some(
            answer["resourceType"] == "OperationOutcome"
                && answer.spine_code() == "TOO_MANY_MATCHES",
        );
    }
    let ids = found(answer);
    let total = expected.split("total=").nth(1).and_then(|text| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    let absent = expected.contains("absent");
    let wanted: Vec<String> = if absent {
        Vec::new()
    } else {
        numbers(expected)
    };
    if total == Some(0) {
        return Some(answer.status == 200 && answer["total"] == 0);
    }
    if wanted.is_empty() || wanted.iter().any(|id| !known.contains(id)) {
        return None;
    }
    let all = wanted.iter().all(|id| ids.contains(id));
    Some(all && total.is_none_or(|total| ids.len() == total))
}

#[test]
fn conformance_pds_search() {
    let Some(folder) = data_of("pds-fhir") else {
        return;
    };
    let world = World::start();
    let (mut patients, mut seen) = (Vec::new(), BTreeSet::new());
    people(&folder.join("responses"), &mut patients, &mut seen);
    registers(&world, &patients);
    let cases = fs::read_to_string(folder.join("search-cases.tsv")).expect("the cases");
    let mut suite = Suite::new("PDS search");
    for line in cases.lines().skip(1) {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (case, _, mode, query, expected) = (next(), next(), next(), next(), next());
        let query: Value = serde_json::from_str(query).expect("a query");
        let actor = if mode == "healthcare-worker" {
            Actor::Clinician
        } else {
            Actor::Integration
        };
        let asked = world.fhir(Method::POST, "/Patient/_search").by(actor);
        let answer = asked
            .bytes("application/x-www-form-urlencoded", form(&query))
            .send();
        let reading = READINGS.iter().find(|(known, _)| *known == case);
        match (holds(&answer, expected, &seen), reading) {
            (Some(true), _) => suite.passes(),
            (_, Some((_, why))) => suite.reads(case, why),
            (None, _) => suite.reads(case, "its people are not in the public stubs"),
            (Some(false), None) => {
                let how = format!(
                    "{expected}: {} {:?} {}",
                    answer.status,
                    found(&answer),
                    &answer.text[..answer.text.len().min(300)]
                );
                suite.fails(case, &how);
            }
        }
    }
    suite.finish();
}
