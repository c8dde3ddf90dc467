//! IHE PDQm: what its text asks of a supplier, case by case (ITI-78 §3.78.4, ITI-119
//! §3.119.4, and the test plan). Its people are made here. `docs/conformance.md` has the table.

use reqwest::Method;
use serde_json::{Value, json};

use crate::conformance::Suite;
use crate::conformance_fhir::{Count, Harness, joins};
use crate::people::{NUMBERS, with};
use crate::request::{Answer, segment};
use crate::world::Actor;

const A: &str = "urn:oid:1.2.826.0.1.3680043.9.1";
const B: &str = "urn:oid:1.2.826.0.1.3680043.9.2";
const NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

fn mohr(system: &str, local_id: &str, given: &str, born: &str) -> Value {
    json!({"resourceType": "Patient", "active": true,
        "identifier": [{"system": system, "value": local_id}],
        "name": [{"family": "Mohrwell", "given": [given]}],
        "gender": "female", "birthDate": born,
        "address": [{"line": ["7 Linden Row"], "city": "Halifax", "state": "West Yorkshire",
            "postalCode": "HX1 1AA", "country": "GBR"}],
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
            "valueString": "Moreau"}]})
}

/// Patients of a Bundle.
fn patients(answer: &Answer) -> Vec<&Value> {
    let entries = answer["entry"].as_array().into_iter().flatten();
    let resources = entries.map(|entry| &entry["resource"]);
    resources
        .filter(|it| it["resourceType"] == "Patient")
        .collect()
}

fn is_found(answer: &Answer, id: &str) -> bool {
    answer.status == 200 && patients(answer).iter().any(|patient| patient["id"] == id)
}

fn is_nobody(answer: &Answer) -> bool {
    let empty = patients(answer).is_empty();
    answer.status == 200 && empty && !answer.text.contains("\"error\"")
}

/// Who is Alice Mohrwell, with identifiers of these domains?
fn of_domains(harness: &Harness, domains: &[&str]) -> Answer {
    let domains = domains.iter().map(|it| format!("{}%7C", segment(it)));
    let domains = domains.collect::<Vec<_>>().join(",");
    harness.asks(&format!(
        "/Patient?family=Mohrwell&given=Alice&identifier={domains}"
    ))
}

/// Whether identifiers of these systems are told, and of no others.
fn tells_only(answer: &Answer, systems: &[&str]) -> bool {
    let told = patients(answer);
    let told = told
        .iter()
        .flat_map(|it| it["identifier"].as_array().into_iter().flatten());
    let told: Vec<&str> = told.filter_map(|it| it["system"].as_str()).collect();
    told.iter().all(|it| systems.contains(it)) && systems.iter().all(|it| told.contains(it))
}

#[test]
fn conformance_ihe_pdqm() {
    let readings = "fhir.search_minimum = \"any\"\n";
    let harness = Harness::reading(readings, &[("A", A), ("B", B)]);
    let mut count = Count {
        suite: Suite::new("IHE PDQm"),
    };
    let sends = |who: &str, patient: &Value| {
        let made = harness.by(who, Method::POST, "/Patient", Some(patient));
        made.expect(201)
    };
    let alice = sends("A", &mohr(A, "A-1", "Alice", "1958-01-30"));
    // Name, sex and birth date alone join nobody (R80).
    let elsewhere = with(
        &mohr(B, "B-1", "Alice", "1958-01-30"),
        json!({"address": []}),
    );
    let other = sends("B", &elsewhere);
    sends("A", &mohr(A, "A-2", "Ottoline", "1958-01-30"));
    let retired = other.refers_to();
    joins(&harness, &[alice.id(), other.id()]);
    let person = harness
        .asks(&format!("/Patient/{}", alice.id()))
        .refers_to();
    searches(&harness, &mut count, (&person, &retired));
    filters(&harness, &mut count, &person);
    reads(&harness, &mut count, (&person, &retired));
    let known = mohr("urn:oid:9.9.9", "x", "Alice", "1958-01-30");
    matches(&harness, &mut count, (&person, &known));
    refusals(&harness, &mut count, (&person, &known));
    count.suite.finish();
    harness.world.verify();
}

/// ITI-78: the six cases of a query.
fn searches(harness: &Harness, count: &mut Count, (person, retired): (&str, &str)) {
    let asks = |query: &str| harness.asks(&format!("/Patient?{query}"));
    let all = asks("family=Mohrwell");
    let as_many = patients(&all).len() == 2 && all["total"] == 2;
    count.step("ITI-78 case 1", is_found(&all, person) && as_many, &all);
    for domains in [&[A][..], &[B], &[A, B]] {
        let found = of_domains(harness, domains);
        let holds = is_found(&found, person) && tells_only(&found, domains);
        count.step("ITI-78 case 2", holds, &found);
    }
    let nobody = asks("family=Nobodyhere");
    let holds = is_nobody(&nobody) && nobody["total"] == 0 && nobody["entry"].is_null();
    count.step("ITI-78 case 3", holds, &nobody);
    let unknown = of_domains(harness, &["urn:oid:9.9.9"]);
    let issue = &unknown["issue"][0];
    let holds =
        unknown.status == 404 && issue["code"] == "not-found" && issue["severity"] == "warning";
    count.step("ITI-78 case 4", holds, &unknown);
    let turtle = asks("family=Mohrwell&_format=text/turtle");
    let holds = turtle.status == 406 && turtle["issue"][0]["code"] == "not-supported";
    count.step("ITI-78 case 5", holds, &turtle);
    let xml = asks("family=Mohrwell&_format=application/fhir%2Bxml");
    let holds = xml.status == 200 && xml.text.contains("<Bundle xmlns=\"http://hl7.org/fhir\">");
    count.step("ITI-78 XML", holds, &xml);
    let deprecated = asks(&format!("_id={retired}"));
    let first = patients(&deprecated)
        .first()
        .map(|it| (*it).clone())
        .unwrap_or_default();
    let holds = deprecated.status == 200 && first["active"] == false;
    count.step("ITI-78 case 6", holds, &deprecated);
    let form = harness
        .world
        .fhir(Method::POST, "/Patient/_search")
        .by(Actor::Steward);
    let form = form.bytes(
        "application/x-www-form-urlencoded",
        "family=Mohrwell&given=Alice",
    );
    let form = form.send();
    count.step("ITI-78 POST", is_found(&form, person), &form);
}

/// ITI-78: its parameters, each by itself where it may stand so.
fn filters(harness: &Harness, count: &mut Count, person: &str) {
    let asks = |query: &str| harness.asks(&format!("/Patient?{query}"));
    let own = format!("identifier={}%7CA-1", segment(A));
    let by_id = format!("_id={person}");
    for filter in [
        by_id.as_str(),
        own.as_str(),
        "family=Mohrwell",
        "family:exact=Mohrwell",
        "given=Alice",
        "birthdate=1958-01-30",
        "family=Mohrwell&gender=female",
        "birthdate=1958-01-30&family=Mohrwell",
        "family=Mohrwell&active=true",
        "family=Mohrwell&address-city=Halifax",
        "family=Mohrwell&address-state=West%20Yorkshire",
        "family=Mohrwell&address-country=GBR",
        "family=Mohrwell&address-postalcode=HX1%201AA",
        "family=Mohrwell&mothersMaidenName=Moreau",
    ] {
        let found = asks(filter);
        count.step(filter, is_found(&found, person), &found);
    }
    for filter in [
        "family=Mohrwell&active=false",
        "family=Mohrwell&address-city=Leeds",
        "family=Mohrwell&address-state=Kent",
        "family=Mohrwell&address-country=FRA",
        "family=Mohrwell&mothersMaidenName=Other",
        "family=Mohrwell&gender=male",
    ] {
        let found = asks(filter);
        count.step(filter, is_nobody(&found), &found);
    }
    for alone in [
        "active",
        "address",
        "address-city",
        "gender",
        "telecom",
        "mothersMaidenName",
    ] {
        let found = asks(&format!("{alone}=x"));
        assert_eq!(found.status, 400, "{alone}: {}", found.text);
        let why = "by itself it would list a good part of a town (R120); it narrows others";
        count.suite.reads(&format!("ITI-78 {alone} alone"), why);
    }
}

/// The three cases of a read.
fn reads(harness: &Harness, count: &mut Count, (person, retired): (&str, &str)) {
    let known = harness.asks(&format!("/Patient/{person}"));
    count.step(
        "read case 1",
        known.status == 200 && known["id"] == person,
        &known,
    );
    let unknown = harness.asks("/Patient/P-00000000000070008000000000000000");
    let holds = unknown.status == 404 && unknown["issue"][0]["code"] == "not-found";
    count.step("read case 2", holds, &unknown);
    let deprecated = harness.asks(&format!("/Patient/{retired}"));
    let holds = deprecated.status == 200 && deprecated["active"] == false;
    count.step("read case 3", holds, &deprecated);
}

/// Whether each of those found has a score and a grade.
fn is_graded(answer: &Answer) -> bool {
    let entries = answer["entry"].as_array().into_iter().flatten();
    let mut found = entries
        .filter(|it| it["search"]["mode"] == "match")
        .peekable();
    let any = found.peek().is_some();
    any && found.all(|it| {
        let score = it["search"]["score"].as_f64();
        let grade = &it["search"]["extension"][0];
        let grades = ["certain", "probable", "possible", "certainly-not"];
        score.is_some_and(|score| (0.0..=1.0).contains(&score))
            && grade["url"] == "http://hl7.org/fhir/StructureDefinition/match-grade"
            && grades.iter().any(|it| grade["valueCode"] == *it)
    })
}

fn asks(harness: &Harness, body: &Value) -> Answer {
    harness.by("A", Method::POST, "/Patient/$match", Some(body))
}

fn certain() -> Value {
    json!({"name": "onlyCertainMatches", "valueBoolean": true})
}

fn with_parameter(patient: &Value, more: &Value) -> Value {
    json!({"resourceType": "Parameters", "parameter":
        [{"name": "resource", "resource": patient}, more]})
}

/// ITI-119, cases 1 to 6: who is found. Case 10, warnings, is
/// `r122_an_answer_that_is_not_whole_says_so`.
fn matches(harness: &Harness, count: &mut Count, (person, known): (&str, &Value)) {
    let one = asks(harness, known);
    let holds = is_found(&one, person) && is_graded(&one);
    count.step("ITI-119 case 1", holds, &one);
    // Whoever was born on one day in one family, at one address, may be either.
    let vague = with(known, json!({"name": [{"family": "Mohrwell"}]}));
    let several = asks(harness, &vague);
    let holds = patients(&several).len() > 1 && is_graded(&several);
    count.step("ITI-119 case 2", holds, &several);
    let numbered = mohr(A, "A-1", "Alice", "1958-01-30");
    let verified = json!({"system": NUMBER, "value": NUMBERS[7], "extension": [{
        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"system":
            "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus",
            "code": "01"}]}}]});
    let both = json!({"identifier": [numbered["identifier"][0], verified]});
    let sent = with(&numbered, both);
    let taken = harness.by("A", Method::POST, "/Patient", Some(&sent));
    taken.expect(200);
    let number = json!({"identifier": [{"system": NUMBER, "value": NUMBERS[7]}]});
    let sure = asks(harness, &with_parameter(&with(known, number), &certain()));
    let grades = sure["entry"].as_array().into_iter().flatten();
    let mut grades = grades.map(|it| it["search"]["extension"][0]["valueCode"].clone());
    let holds = is_found(&sure, person) && grades.all(|grade| grade == "certain");
    count.step("ITI-119 case 3", holds, &sure);
    let name = json!([{"family": "Mohrwell", "given": ["Alexandra"]}]);
    let maybe = with(known, json!({"name": name, "address": []}));
    let unsure = asks(harness, &with_parameter(&maybe, &certain()));
    count.step("ITI-119 case 4", is_nobody(&unsure), &unsure);
    let unsure = asks(harness, &with_parameter(&vague, &certain()));
    count.step("ITI-119 case 5", is_nobody(&unsure), &unsure);
    let one = json!({"name": "count", "valueInteger": 1});
    let capped = asks(harness, &with_parameter(&vague, &one));
    count.step("ITI-119 case 6", patients(&capped).len() == 1, &capped);
    let holds = patients(&several).iter().all(|it| it["active"] != false);
    count.step("ITI-119 case 8", holds, &several);
}

/// ITI-119, cases 7 and 9, and what is told to whom.
fn refusals(harness: &Harness, count: &mut Count, (person, known): (&str, &Value)) {
    let name = json!([{"family": "Nobodyhere", "given": ["Cornelius"]}]);
    let nobody = json!({"name": name, "birthDate": "1933-08-09", "address": []});
    let nobody = asks(harness, &with(known, nobody));
    count.step("ITI-119 case 7", is_nobody(&nobody), &nobody);
    let odd = json!({"modifierExtension": [{"url": "https://example.org/not"}]});
    let refused = asks(harness, &with(known, odd));
    let holds = refused.status == 400 && refused["resourceType"] == "OperationOutcome";
    count.step("ITI-119 case 9", holds, &refused);
    let more = json!({"extension": [{"url": "https://example.org/x", "valueCode": "y"}]});
    let extended = asks(harness, &with(known, more));
    let holds = is_found(&extended, person);
    count.step("ITI-119 unknown extension", holds, &extended);
    let xml = harness.request("A", Method::POST, "/Patient/$match");
    let xml = xml.header("accept", "application/fhir+xml");
    let xml = xml.bytes("application/fhir+json", known.to_string()).send();
    let holds = xml.status == 200 && xml.text.contains("<search><extension url=");
    count.step("ITI-119 XML", holds, &xml);
}
