//! FHIR R4: who is found, how, and what is said where not all was looked at. Search as
//! the national service has it, `$match` and PIXm.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::{authority, rich};
use crate::people::{NUMBERS, john_smith, verified_person, with};
use crate::request::{Answer, segment};
use crate::world::{Actor, World, record_path};

/// A search by a form in the body.
fn searches(world: &World, actor: Actor, criteria: &[(&str, &str)]) -> Answer {
    let pairs = criteria
        .iter()
        .map(|(name, value)| format!("{}={}", segment(name), segment(value)));
    let form = pairs.collect::<Vec<_>>().join("&");
    let request = world.fhir(Method::POST, "/Patient/_search").by(actor);
    request
        .bytes("application/x-www-form-urlencoded", form)
        .send()
}

fn ids(answer: &Answer) -> Vec<String> {
    let entries = answer["entry"].as_array().cloned().unwrap_or_default();
    let matched = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match");
    let id = |entry: &Value| {
        entry["resource"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    matched.map(id).collect()
}

fn parameters(patient: &Value, more: &[Value]) -> Value {
    let mut given = vec![json!({"name": "resource", "resource": patient})];
    given.extend(more.iter().cloned());
    json!({"resourceType": "Parameters", "parameter": given})
}

#[test]
fn people_are_found_by_a_form_and_by_a_query_with_their_score() {
    let world = World::start();
    let person = world.sends(&rich("gp", "F-1")).refers_to();
    let criteria = [("family", "Ravenshaw"), ("birthdate", "eq1971-02-03")];
    let found = searches(&world, Actor::Clinician, &criteria).expect(200);
    assert_eq!(found["type"], "searchset");
    assert_eq!(found["total"], 1);
    assert_eq!(ids(&found), [person.as_str()]);
    assert_eq!(found["entry"][0]["search"]["score"], 1.0);
    let query = "/Patient?family=Rav*&given=Joan&birthdate=ge1970-01-01&birthdate=le1972-01-01";
    let by_query = world
        .fhir(Method::GET, query)
        .by(Actor::Clinician)
        .send()
        .expect(200);
    assert_eq!(ids(&by_query), [person.as_str()]);
    let open = [
        ("family", "Ravenshaw"),
        ("gender", "female"),
        ("birthdate", "ge1960-01-01"),
    ];
    assert_eq!(
        ids(&searches(&world, Actor::Clinician, &open).expect(200)),
        [person.as_str()]
    );
    let nobody = [("family", "Ravenshaw"), ("birthdate", "1971-02-04")];
    let nobody = searches(&world, Actor::Clinician, &nobody).expect(200);
    assert_eq!(
        (&nobody["total"], nobody.body.get("entry")),
        (&json!(0), None)
    );
    assert!(!nobody.text.contains("1971"), "criteria are not repeated");
    // By what she is called no longer, and by a slip.
    let fuzzy = [
        ("family", "Wexendale"),
        ("given", "Perdita"),
        ("birthdate", "1971-02-03"),
        ("_fuzzy-match", "true"),
    ];
    let fuzzy = searches(&world, Actor::Clinician, &fuzzy).expect(200);
    assert_eq!(ids(&fuzzy), [person]);
    assert!(
        fuzzy["entry"][0]["search"]["score"]
            .as_f64()
            .expect("a score")
            < 1.0
    );
}

#[test]
fn identifiers_find_whoever_carries_them_in_whatever_notation() {
    let world = World::start();
    let made = world.sends(&rich("gp", "F-1"));
    let person = made.refers_to();
    let by = |identifier: &str| {
        searches(&world, Actor::Integration, &[("identifier", identifier)]).expect(200)
    };
    let local = by(&format!("{}|F-1", authority("gp")));
    assert_eq!(ids(&local), [person.as_str()]);
    assert_eq!(
        ids(&by(&format!(
            "https://fhir.nhs.uk/Id/nhs-number|{}",
            NUMBERS[8]
        ))),
        [person.as_str()]
    );
    assert_eq!(
        ids(&by("https://example.org/passport|X-4471")),
        [person.as_str()]
    );
    assert!(ids(&by("https://example.org/passport|X-4472")).is_empty());
    assert!(ids(&by("https://example.org/other|X-4471")).is_empty());
    assert!(ids(&by(&format!("{}|F-2", authority("gp")))).is_empty());
    for id in [person.as_str(), &made.id()] {
        let found = searches(&world, Actor::Steward, &[("_id", id)]).expect(200);
        assert_eq!(ids(&found), [id]);
    }
    let unknown = searches(
        &world,
        Actor::Steward,
        &[("_id", "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")],
    );
    assert_eq!(unknown.expect(200)["total"], 0);
    let bare = searches(&world, Actor::Steward, &[("identifier", "F-1")]);
    bare.expect_outcome(400, "INVALID_SEARCH_DATA");
}

#[test]
fn r120_what_falls_short_or_is_unknown_is_refused_by_the_national_codes() {
    let world = World::shared();
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("manufacturer", "Ford")], "ADDITIONAL_PROPERTIES"),
        (
            &[
                ("family", "Smith"),
                ("birthdate", "eq2010-10-22"),
                ("year", "2003"),
            ],
            "ADDITIONAL_PROPERTIES",
        ),
        (&[], "UNSUPPORTED_SERVICE"),
        (&[("_max-results", "5")], "UNSUPPORTED_SERVICE"),
        (
            &[("email", "j.smith@example.com"), ("phone", "0163")],
            "MISSING_VALUE",
        ),
        (&[("gender", "female")], "MISSING_VALUE"),
        (
            &[("family", "Smith"), ("birthdate", "20101022")],
            "INVALID_VALUE",
        ),
        (
            &[("family", "Smith"), ("death-date", "20101022")],
            "INVALID_VALUE",
        ),
        (&[("birthdate", "eq2010-10-22")], "INVALID_SEARCH_DATA"),
        (
            &[("family", "S*"), ("birthdate", "2010-10-22")],
            "INVALID_SEARCH_DATA",
        ),
        (
            &[
                ("family", "Sm*"),
                ("given", "Jo"),
                ("birthdate", "2010-10-22"),
                ("_fuzzy-match", "true"),
            ],
            "INVALID_SEARCH_DATA",
        ),
        (
            &[
                ("family", "Smith"),
                ("birthdate", "2010-10-22"),
                ("_max-results", "51"),
            ],
            "INVALID_VALUE",
        ),
    ];
    for (criteria, code) in cases {
        let answer = searches(&world, Actor::Clinician, criteria).expect_outcome(400, code);
        assert!(!answer.text.contains("Smith"), "{}", answer.text);
    }
    let query = world
        .fhir(Method::GET, "/Patient?family=%zz")
        .by(Actor::Clinician);
    query.send().expect_outcome(400, "INVALID_VALUE");
}

#[test]
fn r120_too_many_are_nobody_and_a_system_learns_of_one_alone() {
    let world = World::start();
    for (source, name) in [("gp", "Perdita"), ("pas", "Barnaby")] {
        let other = json!({"name": [{"family": "Ravenshaw", "given": [name]}],
            "identifier": [{"system": authority(source), "value": "F-1"}], "telecom": [],
            "address": [], "gender": "male"});
        world.sends(&with(&rich(source, "F-1"), other));
    }
    let criteria = [("family", "Ravenshaw"), ("birthdate", "1971-02-03")];
    let two = searches(&world, Actor::Clinician, &criteria).expect(200);
    assert_eq!(two["total"], 2, "{}", two.text);
    let one = [criteria[0], criteria[1], ("_max-results", "1")];
    for (actor, criteria) in [
        (Actor::Clinician, one.as_slice()),
        (Actor::Integration, &criteria),
    ] {
        let many = searches(&world, actor, criteria).expect_outcome(200, "TOO_MANY_MATCHES");
        assert!(!many.text.contains("P-"), "{}", many.text);
    }
    let unique = [criteria[0], criteria[1], ("given", "Barnaby")];
    let unique = searches(&world, Actor::Integration, &unique).expect(200);
    assert_eq!(ids(&unique).len(), 1);
}

#[test]
fn a_question_is_answered_with_grades_and_scores() {
    let world = World::start();
    let sent = rich("gp", "F-1");
    let person = world.sends(&sent).refers_to();
    let asks = |body: &Value| world.posts("/Patient/$match", body);
    for body in [sent.clone(), parameters(&sent, &[])] {
        let found = asks(&body).expect(200);
        assert_eq!(ids(&found), [person.as_str()], "{}", found.text);
        let search = &found["entry"][0]["search"];
        assert_eq!(
            search["extension"][0]["url"],
            "http://hl7.org/fhir/StructureDefinition/match-grade"
        );
        assert_eq!(search["extension"][0]["valueCode"], "certain");
        let score = search["score"].as_f64().expect("a score");
        assert!((0.9..=1.0).contains(&score), "{score}");
    }
    // Without the number it is a question, and no certain answer.
    let mut vague = sent.clone();
    vague["identifier"] = json!([]);
    vague["telecom"] = json!([]);
    vague["address"] = json!([]);
    vague["name"] = json!([{"family": "Ravenshaw", "given": ["Perdita"]}]);
    vague["generalPractitioner"] = json!([]);
    let probable = asks(&vague).expect(200);
    assert_eq!(
        probable["entry"][0]["search"]["extension"][0]["valueCode"],
        "probable"
    );
    let certain = json!({"name": "onlyCertainMatches", "valueBoolean": true});
    let none = asks(&parameters(&vague, std::slice::from_ref(&certain))).expect(200);
    assert_eq!(none["total"], 0, "{}", none.text);
    let still = asks(&parameters(&sent, &[certain])).expect(200);
    assert_eq!(ids(&still), [person]);
    let nobody = json!({"resourceType": "Patient", "name": [{"family": "Nobodyhere",
        "given": ["Cornelius"]}], "birthDate": "1933-08-09"});
    assert_eq!(asks(&nobody).expect(200)["total"], 0);
}

#[test]
fn a_question_that_is_none_is_refused() {
    let world = World::shared();
    let sent = json!({"resourceType": "Patient", "name": [{"family": "Ravenshaw"}]});
    let odd = with(
        &sent,
        json!({"modifierExtension": [{"url": "https://example.org/not"}]}),
    );
    let cases = [
        (odd.clone(), 400),
        (parameters(&odd, &[]), 400),
        (json!({"resourceType": "Parameters"}), 400),
        (
            parameters(&sent, &[json!({"name": "count", "valueInteger": 0})]),
            400,
        ),
        (
            parameters(&sent, &[json!({"name": "other", "valueInteger": 1})]),
            400,
        ),
        (json!({"resourceType": "Patient"}), 422),
    ];
    for (body, status) in cases {
        let answer = world.posts("/Patient/$match", &body).expect(status);
        assert_eq!(answer["resourceType"], "OperationOutcome");
        assert!(!answer.text.contains("Ravenshaw"));
    }
}

#[test]
fn one_identifier_leads_to_the_others_of_the_person() {
    let world = World::start();
    world.registers("gp", "F-1", &verified_person("pixm"));
    world.registers("pas", "F-2", &verified_person("pixm"));
    let refers = |query: &str| {
        world
            .fhir(Method::GET, &format!("/Patient/$ihe-pix?{query}"))
            .send()
    };
    let source = format!("sourceIdentifier={}%7CF-1", segment(&authority("gp")));
    let all = refers(&source).expect(200);
    let values = |answer: &Answer| -> Vec<String> {
        let given = answer["parameter"].as_array().cloned().unwrap_or_default();
        let named = given.iter().filter(|it| it["name"] == "targetIdentifier");
        let value = |it: &Value| {
            it["valueIdentifier"]["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        named.map(value).collect()
    };
    assert!(values(&all).contains(&"F-2".to_owned()), "{}", all.text);
    assert!(
        !values(&all).contains(&"F-1".to_owned()),
        "not the one that was asked with"
    );
    let target = format!("{source}&targetSystem={}", segment(&authority("pas")));
    let one = refers(&target).expect(200);
    assert_eq!(values(&one), ["F-2"]);
    let patient = one["parameter"][0]["valueReference"]["reference"]
        .as_str()
        .expect("a Patient");
    assert!(patient.starts_with("Patient/R-"), "{patient}");
    let read = world.reads(patient.trim_start_matches("Patient/"));
    assert_eq!(read["identifier"][0]["value"], "F-2");
    let posted = json!({"resourceType": "Parameters", "parameter": [
        {"name": "sourceIdentifier", "valueString": format!("{}|F-1", authority("gp"))},
        {"name": "targetSystem", "valueUri": authority("pas")}]});
    assert_eq!(
        world.posts("/Patient/$ihe-pix", &posted).expect(200).body,
        one.body
    );
    let none = format!("{source}&targetSystem={}", segment(&authority("ed")));
    assert!(values(&refers(&none).expect(200)).is_empty());
    // PIXm's errors: unknown id, unknown domain of the id, unknown domain of the answer.
    let unknown = format!("sourceIdentifier={}%7CF-9", segment(&authority("gp")));
    let unknown = refers(&unknown).expect(404);
    assert_eq!(unknown["issue"][0]["code"], "not-found");
    for (query, status) in [
        (
            "sourceIdentifier=http%3A%2F%2Fexample.org%2Fno%7C1".to_owned(),
            400,
        ),
        (
            format!("{source}&targetSystem=http%3A%2F%2Fexample.org%2Fno"),
            403,
        ),
    ] {
        let refused = refers(&query).expect(status);
        assert_eq!(
            refused["issue"][0]["code"], "code-invalid",
            "{}",
            refused.text
        );
    }
    refers("").expect_outcome(400, "MISSING_VALUE");
}

#[test]
fn r110_a_search_by_location_finds_no_restricted_person() {
    let world = World::start();
    let label = json!({"security": [{"code": "R"}]});
    world.sends(&with(&rich("gp", "F-1"), json!({"meta": label})));
    let criteria = [("family", "Ravenshaw"), ("birthdate", "1971-02-03")];
    let plain = searches(&world, Actor::Clinician, &criteria).expect(200);
    assert_eq!(plain["total"], 1);
    assert_eq!(
        plain["entry"][0]["resource"]["meta"]["security"][0]["code"],
        "R"
    );
    for hidden in ["LS9", "Heron", "900417", "Y12345"] {
        assert!(!plain.text.contains(hidden), "{}", plain.text);
    }
    for location in [("address-postalcode", "LS9 4QX"), ("phone", "07700 900417")] {
        let found = searches(
            &world,
            Actor::Clinician,
            &[criteria[0], criteria[1], location],
        );
        assert_eq!(found.expect(200)["total"], 0);
    }
    let found = world
        .posts("/Patient/$match", &rich("gp", "F-1"))
        .expect(200);
    for hidden in ["LS9", "Heron", "900417", "Y12345"] {
        assert!(!found.text.contains(hidden), "{}", found.text);
    }
    assert_eq!(found["total"], 1);
}

#[test]
fn r122_an_answer_that_is_not_whole_says_so() {
    let world = World::start();
    // More of one name and date than one comparison looks at.
    let lines: Vec<String> = (0..80)
        .map(|each| {
            let line = json!({"local_id": format!("many-{each}"), "phones": [format!("07700 900{each:03}")],
                "gender": if each % 2 == 0 { "male" } else { "female" }});
            with(&with(&john_smith(), json!({"nhs_number": null, "nhs_number_status": null})), line).to_string()
        })
        .collect();
    let batch = world.post("/sources/gp/records/batch");
    batch
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);
    let smith = john_smith();
    let asked = json!({"resourceType": "Patient",
        "name": [{"family": smith["family_name"], "given": smith["given_names"]}],
        "birthDate": smith["birth_date"]});
    let found = world.posts("/Patient/$match", &asked).expect(200);
    let entries = found.list("entry");
    let remarks = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "outcome");
    let remarks: Vec<_> = remarks.collect();
    assert_eq!(remarks.len(), 1, "{}", found.text);
    assert_eq!(remarks[0]["resource"]["issue"][0]["code"], "incomplete");
}

#[test]
fn a_system_that_is_bound_to_a_source_asks_by_no_local_id_of_another() {
    let world = World::start();
    world.sends(&rich("pas", "F-7"));
    world.sends(&with(
        &rich("gp", "F-8"),
        json!({"birthDate": "1969-05-04"}),
    ));
    let create = "token create --actor bound --role integration --source gp";
    let arguments: Vec<&str> = create.split(' ').collect();
    let made = world.accord(&arguments).expect(0);
    let token = format!("Bearer {}", made.out.trim());
    let asks = |path: &str, source: &str, local_id: &str| {
        let identifier = format!("{}%7C{local_id}", segment(&authority(source)));
        let asked = world.fhir(Method::GET, &format!("{path}={identifier}"));
        let asked = asked.by(Actor::Nobody).header("authorization", &token);
        asked.send()
    };
    for path in ["/Patient?identifier", "/Patient/$ihe-pix?sourceIdentifier"] {
        let foreign = asks(path, "pas", "F-7").expect_outcome(403, "ACCESS_DENIED");
        let unknown = asks(path, "pas", "F-9").expect_outcome(403, "ACCESS_DENIED");
        assert_eq!(
            foreign.text.len(),
            unknown.text.len(),
            "nor learns which there are"
        );
        asks(path, "gp", "F-8").expect(200);
        // Nor by what is the same once it is standardised.
        asks(path, "pas", "F-7%01").expect_outcome(403, "ACCESS_DENIED");
    }
    let shouted = segment(&authority("pas")).to_uppercase();
    let asked = world.fhir(Method::GET, &format!("/Patient?identifier={shouted}%7CF-7"));
    let asked = asked.by(Actor::Nobody).header("authorization", &token);
    asked.send().expect_outcome(403, "ACCESS_DENIED");
}

/// A person who registers for a practice.
pub(crate) fn clerk(world: &World) -> String {
    let create = "token create --actor clerk --role integration --source gp --person";
    let arguments: Vec<&str> = create.split(' ').collect();
    let made = world.accord(&arguments).expect(0);
    format!("Bearer {}", made.out.trim())
}

#[test]
fn r121_a_person_who_registers_somebody_known_is_told_and_a_source_is_linked() {
    let world = World::start();
    let clerk = clerk(&world);
    let registers = |patient: &Value| {
        world.guards(patient);
        let asked = world.fhir(Method::POST, "/Patient").by(Actor::Nobody);
        let asked = asked.header("authorization", &clerk);
        let asked = asked.header("accord-reason", "registration");
        asked
            .bytes("application/fhir+json", patient.to_string())
            .send()
    };
    let nobody_has = |local_id: &str| {
        let record = world.get(&record_path("gp", local_id)).by(Actor::Steward);
        record.send().expect(404);
    };
    // Nobody is known yet: the first is new, and the same person may correct it.
    let first = registers(&rich("gp", "D-1")).expect(201);
    registers(&with(&rich("gp", "D-1"), json!({"gender": "unknown"}))).expect(200);
    let known = registers(&rich("gp", "D-2"));
    known.expect_outcome(409, "SINGLE_MATCH_FOUND");
    nobody_has("D-2");
    // A source says what it holds: that is linked.
    let linked = world.sends(&rich("pas", "D-3"));
    assert_eq!(linked.refers_to(), first.refers_to());
    // Somebody else with the same name and birth date, and a number of her own.
    let mut other = rich("pas", "D-4");
    other["identifier"][0]["value"] = json!(NUMBERS[7]);
    assert_ne!(world.sends(&other).refers_to(), first.refers_to());
    let mut either = rich("gp", "D-5");
    let identifiers = either["identifier"].as_array_mut().expect("identifiers");
    identifiers.remove(0);
    let several = registers(&either).expect_outcome(409, "MULTIPLE_MATCHES_FOUND");
    assert!(!several.text.contains("P-"), "{}", several.text);
    nobody_has("D-5");
    world.verify();
}
