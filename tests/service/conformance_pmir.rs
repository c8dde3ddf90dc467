//! IHE PMIR: the Connectathon's samples of the patient feed (ITI-93), as XML.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::conformance::{Suite, data_of};
use crate::conformance_fhir::{Count, Harness};
use crate::request::{Answer, segment};

/// The domain of the samples.
const DOMAIN: &str = "urn:oid:1.3.6.1.4.1.21367.13.20.308";
const FEED: &str = "/$process-message";

fn sample(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("a sample")
}

/// What stands first in this attribute after a mark.
fn after<'t>(text: &'t str, mark: &str) -> &'t str {
    let rest = text.split_once(mark).expect("the mark").1;
    let value = rest.split_once("value=\"").expect("a value").1;
    value.split('"').next().unwrap_or_default()
}

/// Whether a reply is that of the sample: to the same message, with the same patient.
fn replies(answer: &Answer, sample: &str) -> bool {
    let head = &answer["entry"][0]["resource"];
    let said = &head["response"];
    let patient = answer["entry"].as_array().and_then(|entries| {
        let mut resources = entries.iter().map(|entry| &entry["resource"]);
        resources.find(|it| it["resourceType"] == "Patient")
    });
    let patient = patient.unwrap_or(&Value::Null);
    let name = sample.split_once("<name>").map_or("", |(_, rest)| rest);
    said["code"] == "ok"
        && said["identifier"] == after(sample, "<response>")
        && patient["identifier"][0]["system"] == DOMAIN
        && patient["identifier"][0]["value"] == after(sample, DOMAIN)
        && patient["name"][0]["family"]
            .as_str()
            .is_some_and(|family| family.eq_ignore_ascii_case(after(name, "<family")))
}

#[test]
fn conformance_ihe_pmir() {
    let Some(folder) = data_of("ihe/pmir") else {
        return;
    };
    let harness = Harness::new(&[("tiani", DOMAIN)]);
    let mut count = Count {
        suite: Suite::new("IHE PMIR"),
    };
    let sends = |text: &str| harness.posts_xml("tiani", FEED, text.to_owned());
    for (asked, answered) in [
        (
            "CATsample1-ITI-93-mother.xml",
            "CATsample2-ITI-93-mother.xml",
        ),
        ("CATsample3-ITI-93-baby.xml", "CATsample4-ITI-93-baby.xml"),
    ] {
        let taken = sends(&sample(&folder, asked));
        count.step(asked, taken.status == 201, &taken);
        count.step(
            answered,
            replies(&taken, &sample(&folder, answered)),
            &taken,
        );
    }
    let related = sample(&folder, "CATsample5-ITI-93-RelatedPerson.xml");
    let refused = harness.posts_xml("tiani", "/Patient", related);
    assert_eq!(refused.status, 400, "{}", refused.text);
    let why = "related persons stand in their Patient, or come with it in one message";
    count
        .suite
        .reads("CATsample5-ITI-93-RelatedPerson.xml", why);
    let update = "CATsample6-ITI-93-updateBaby.xml";
    let updated = sends(&sample(&folder, update));
    let child = harness.world.record("tiani", "Child");
    let holds = updated.status == 200 && child["record"]["given_names"][0] == "JAMES MICHAEL";
    count.step(update, holds, &updated);
    merges(&harness, &folder, &mut count);
    count.suite.finish();
    harness.world.verify();
}

/// Samples 7 and 8, between two Patients that the samples have sent before.
fn merges(harness: &Harness, folder: &Path, count: &mut Count) {
    let first = sample(folder, "CATsample1-ITI-93-mother.xml");
    for id in ["ONE", "TWO"] {
        let own = first
            .replace(
                "<value value=\"Mother\"/>",
                &format!("<value value=\"{id}\"/>"),
            )
            .replace("<given value=\"Mother\"/>", "<given value=\"Two\"/>")
            .replace("Tiani-Spirit", "Merge")
            .replace("\"female\"", "\"male\"")
            .replace("1985-06-04", "1962-04-08");
        let taken = harness.posts_xml("tiani", FEED, own);
        assert_eq!(taken.status, 201, "{}", taken.text);
    }
    // The sample names the Patient that goes on by the id that its own server gave it.
    let file = "CATsample7-ITI-93-merge.xml";
    let text = sample(folder, file);
    let theirs = "<value value=\"urn:uuid:371a3246-f77c-eb11-95e7-d067e54cbc0c\"/>";
    assert!(text.contains(theirs));
    let own = format!("<system value=\"{DOMAIN}\"/><value value=\"TWO\"/>");
    let merged = harness.posts_xml("tiani", FEED, text.replace(theirs, &own));
    let head = &merged["entry"][0]["resource"]["response"];
    count.step(file, merged.status == 200 && head["code"] == "ok", &merged);
    let read = |value: &str| {
        harness.asks(&format!(
            "/Patient?identifier={}%7C{value}",
            segment(DOMAIN)
        ))
    };
    let (one, two) = (read("ONE"), read("TWO"));
    let person = |found: &Answer| found["entry"][0]["resource"]["id"].clone();
    let is_one = person(&one).is_string() && person(&one) == person(&two);
    count.step("CATsample8-ITI-93-merge.xml", is_one, &one);
}
