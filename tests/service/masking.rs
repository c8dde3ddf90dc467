//! Restricted persons (RULES R109–R112): where they live and how to reach them
//! stands in no answer, explanation, task or export, and a person's search by
//! location never shows that they exist. Inside, they still match.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::authority;
use crate::people::{person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// Location values that nobody else in these stories has.
const HIDDEN: [&str; 7] = [
    "Hidden Orchard",
    "hidden orchard",
    "LS16 9ZX",
    "LS169ZX",
    "900987",
    "C81099",
    "refuge@example.org",
];

/// Somebody who must not be found, with every kind of location.
fn restricted() -> Value {
    with(
        &verified_person("restricted"),
        json!({
            "addresses": [
                {"use": "home", "lines": ["77 Hidden Orchard"], "town": "Otley",
                    "postcode": "LS16 9ZX", "uprn": "10093900987"},
            ],
            "phones": ["07700 900987"],
            "emails": ["refuge@example.org"],
            "gp_practice": "C81099",
            "restricted": true,
        }),
    )
}

#[track_caller]
fn assert_masked(text: &str) {
    for value in HIDDEN {
        assert!(!text.contains(value), "{value} stands in {text}");
    }
}

/// Everything that the service says about a record, whoever asks.
fn everything_said(world: &World, source: &str, local_id: &str) -> Vec<Answer> {
    let person_id = world.cross_reference(source, local_id).person();
    let record = record_path(source, local_id);
    let paths = [
        record.clone(),
        format!("{record}/person"),
        format!("{record}/disputes"),
        format!("/persons/{person_id}"),
        format!("/persons/{person_id}/records"),
        format!("/persons/{person_id}/golden"),
        format!("/persons/{person_id}/history"),
    ];
    let mut said: Vec<Answer> = paths
        .iter()
        .map(|path| world.get(path).by(Actor::Steward).send().expect(200))
        .collect();
    said.push(world.get(&record).send().expect(200));
    let tasks = world.tasks();
    for task in tasks.tasks() {
        said.push(world.task(&task));
        // There is a pack once the question is escalated.
        let pack = format!("/review/tasks/{task}/pack");
        said.push(world.get(&pack).by(Actor::Steward).send());
    }
    said.push(tasks);
    said.extend(said_in_fhir(world, (source, local_id), &person_id));
    said.extend(said_of_changes(world, source, local_id, &person_id));
    said
}

/// The same in FHIR's words: the person, the record with its versions, what finds them and
/// what links them.
fn said_in_fhir(world: &World, (source, local_id): (&str, &str), person: &str) -> Vec<Answer> {
    let reads = |path: &str| {
        let asked = world.fhir(Method::GET, path).by(Actor::Steward);
        asked.send().expect(200)
    };
    let patient = reads(&format!("/Patient/{person}"));
    let linked = patient
        .list("link")
        .iter()
        .filter(|it| it["type"] == "seealso");
    let records = linked.filter_map(|link| link["other"]["reference"].as_str());
    let records: Vec<String> = records
        .map(|it| it.trim_start_matches("Patient/").to_owned())
        .collect();
    assert!(!records.is_empty(), "{}", patient.text);
    let hidden = restricted();
    let family = hidden["family_name"].as_str().unwrap_or_default();
    let born = hidden["birth_date"].as_str().unwrap_or_default();
    let identifier = format!("{}%7C{local_id}", authority(source));
    let mut paths = vec![
        format!("/Patient?identifier={identifier}&_revinclude=RelatedPerson:patient"),
        format!("/Patient/$ihe-pix?sourceIdentifier={identifier}"),
        format!("/Patient?_id={person}"),
        format!("/Linkage/{person}"),
    ];
    for record in records {
        paths.push(format!("/Patient/{record}"));
        paths.push(format!("/Patient/{record}/_history"));
        paths.push(format!("/Patient/{record}/_history/1"));
        paths.push(format!("/Linkage?item=Patient/{record}"));
    }
    let mut said: Vec<Answer> = paths.iter().map(|path| reads(path)).collect();
    let asked = json!({"resourceType": "Patient", "birthDate": born, "gender": hidden["gender"],
        "name": [{"family": family, "given": hidden["given_names"]}]});
    let matched = world
        .fhir(Method::POST, "/Patient/$match")
        .by(Actor::Steward);
    let matched = matched
        .bytes("application/fhir+json", asked.to_string())
        .send();
    // Others that are found say where they live themselves.
    let found = reads(&format!("/Patient?family={family}&birthdate={born}"));
    for answer in [matched.expect(200), found] {
        let entries = answer["entry"].as_array().cloned().unwrap_or_default();
        let own = entries
            .iter()
            .filter(|entry| entry["resource"]["id"] == person);
        own.for_each(|entry| assert_masked(&entry.to_string()));
    }
    said.push(patient);
    said
}

/// What is said before a human moves or joins, and to those who follow and search.
fn said_of_changes(world: &World, source: &str, local_id: &str, person_id: &str) -> Vec<Answer> {
    let other = world.registers("social", "unmasked", &person("somebody beside"));
    // A record that is alone already is refused to be alone: that is said too.
    let steward = |path: &str, body: &Value| {
        let answer = world.post(path).by(Actor::Steward).json(body).send();
        assert!(
            matches!(answer.status, 200 | 409),
            "{path}: {}",
            answer.text
        );
        answer
    };
    let moved = json!({"source": source, "local_id": local_id, "person_id": "new",
        "reason": "what would it change?", "dry_run": true});
    let joined = json!({"survivor": other.person(), "retired": person_id,
        "reason": "what would it change?", "dry_run": true});
    let by_name = restricted();
    let criteria = json!({"given_names": by_name["given_names"], "mode": "fuzzy",
        "family_name": by_name["family_name"], "birth_date": by_name["birth_date"]});
    let bare = with(
        &by_name,
        json!({"addresses": null, "phones": null, "emails": null, "gp_practice": null,
            "restricted": null}),
    );
    let found = steward("/persons/search", &criteria);
    assert!(found.mentions(person_id), "{}", found.text);
    let matched = steward("/match", &bare);
    let own = matched.list("candidates").iter();
    let own = own.filter(|candidate| candidate["person_id"] == person_id);
    own.for_each(|candidate| assert_masked(&candidate.to_string()));
    vec![
        steward("/links", &moved),
        steward("/merges", &joined),
        found,
        world.get("/events?limit=500").send().expect(200),
        world
            .get("/events/unacknowledged")
            .by(Actor::Steward)
            .send()
            .expect(200),
    ]
}

#[test]
fn r109_the_location_is_absent_from_every_answer() {
    let world = World::start();
    let hidden = restricted();
    let first = world.registers("gp", "1", &hidden);
    assert_masked(&first.text);
    let doubtful = with(
        &hidden,
        json!({"nhs_number": null, "nhs_number_status": null, "given_names": ["Zebedee"]}),
    );
    world.registers("pas", "1", &doubtful);

    for answer in everything_said(&world, "gp", "1") {
        assert_masked(&answer.text);
        assert!(!answer.text.contains("Otley"), "{}", answer.text);
    }
    let found = world.matches(&with(&hidden, json!({"restricted": null})));
    assert_eq!(found["candidates"][0]["person_id"], first["person_id"]);
    assert_masked(&found.text);
}

#[test]
fn r109_the_location_of_a_patient_sent_by_fhir_is_absent_from_what_fhir_answers() {
    let world = World::start();
    let hidden = restricted();
    let label = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    let patient = json!({
        "resourceType": "Patient",
        "meta": {"security": [{"system": label, "code": "R"}]},
        "identifier": [{"system": authority("gp"), "value": "1"}],
        "name": [{"family": hidden["family_name"], "given": hidden["given_names"]}],
        "birthDate": hidden["birth_date"], "gender": hidden["gender"],
        "address": [{"line": ["77 Hidden Orchard"], "city": "Otley", "postalCode": "LS16 9ZX",
            "text": "77 Hidden Orchard, Otley"}],
        "telecom": [{"system": "phone", "value": "07700 900987"},
            {"system": "email", "value": "refuge@example.org"}],
        "generalPractitioner": [{"identifier":
            {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "C81099"}}],
        "extension": [{"url": "https://example.org/moved-to", "valueString": "Hidden Orchard"}],
    });
    let sent = world.sends(&patient);
    assert_masked(&sent.text);
    for answer in everything_said(&world, "gp", "1") {
        assert_masked(&answer.text);
        assert!(!answer.text.contains("Otley"), "{}", answer.text);
    }
}

#[test]
fn r109_the_rest_stays_visible() {
    let world = World::start();
    let hidden = restricted();
    world.registers("gp", "1", &hidden);
    let held = world.record("gp", "1");
    for member in ["nhs_number", "family_name", "birth_date"] {
        assert_eq!(held["record"][member], hidden[member], "{member}");
    }
}

#[test]
fn r109_the_location_is_absent_from_an_export() {
    let world = World::start();
    world.registers("gp", "1", &restricted());
    world.registers("pas", "1", &restricted());
    world
        .accord(&[
            "export",
            "--persons",
            "persons.csv",
            "--links",
            "links.csv",
            "--qualify",
        ])
        .expect(0);
    for name in ["persons.csv", "links.csv"] {
        assert_masked(&std::fs::read_to_string(world.file(name)).expect("an export"));
    }
}

#[test]
fn r110_a_persons_question_with_a_location_is_answered_as_if_the_person_did_not_exist() {
    let world = World::start();
    let hidden = restricted();
    let neighbour = with(
        &person("a neighbour"),
        json!({"addresses": hidden["addresses"]}),
    );
    let namesake = with(
        &hidden,
        json!({
            "nhs_number": null, "nhs_number_status": null, "restricted": null, "emails": null,
            "addresses": [{"lines": ["1 Elsewhere Road"], "postcode": "M1 1AE"}],
            "phones": ["07700 900011"], "gp_practice": "B86001", "birth_date": "1933-01-02",
        }),
    );
    world.registers("ed", "1", &neighbour);
    world.registers("ed", "2", &namesake);
    let asked = with(&hidden, json!({"restricted": null}));
    let bare = with(
        &asked,
        json!({"addresses": null, "phones": null, "emails": null, "gp_practice": null}),
    );
    let only = |member: &str| with(&bare, json!({member: asked[member]}));
    let questions = [
        asked.clone(),
        only("addresses"),
        only("phones"),
        only("gp_practice"),
        with(&bare, json!({"addresses": [{"postcode": "LS16 9ZX"}]})),
        json!({"addresses": [{"postcode": "LS16 9ZX"}]}),
        json!({"phones": ["07700 900987"]}),
    ];
    let ask = |question: &Value| {
        world
            .post("/match")
            .by(Actor::Clinician)
            .json(question)
            .send()
            .expect(200)
            .comparable()
    };

    let without: Vec<Value> = questions.iter().map(ask).collect();
    let registered = world.registers("gp", "1", &hidden);
    let with_record: Vec<Value> = questions.iter().map(ask).collect();

    for (place, question) in questions.iter().enumerate() {
        assert_eq!(without[place], with_record[place], "{question}");
    }
    let without_location = ask(&bare);
    assert!(
        crate::request::mentions(&without_location, &registered.person()),
        "without a location the person is found: {without_location}"
    );
    assert_masked(&without_location.to_string());
}

#[test]
fn r110_a_registration_still_matches_inside() {
    let world = World::start();
    let hidden = with(
        &restricted(),
        json!({"nhs_number": null, "nhs_number_status": null}),
    );
    let first = world.registers("gp", "1", &hidden);

    let second = world.registers("pas", "1", &with(&hidden, json!({"restricted": null})));

    assert_eq!(second["outcome"], "linked", "{}", second.text);
    assert_eq!(second.person(), first.person());
}

#[test]
fn r111_a_flag_that_arrives_later_masks_what_came_before() {
    let world = World::start();
    let open = with(&restricted(), json!({"restricted": null}));
    world.registers("gp", "1", &open);
    world.registers("pas", "1", &open);
    world.registers(
        "ed",
        "1",
        &with(
            &open,
            json!({
                "nhs_number": null, "nhs_number_status": null, "given_names": ["Zebedee"],
            }),
        ),
    );
    let before = world.record("pas", "1");
    assert!(before.text.contains("77 Hidden Orchard"), "{}", before.text);

    world.registers("gp", "1", &restricted());

    for source in ["gp", "pas"] {
        for answer in everything_said(&world, source, "1") {
            assert_masked(&answer.text);
        }
    }
    assert_masked(&world.matches(&open).text);
}

#[test]
fn r111_masking_survives_a_restart() {
    let world = World::start();
    world.registers("gp", "1", &restricted());
    world.dies();
    world.serves();
    for answer in everything_said(&world, "gp", "1") {
        assert_masked(&answer.text);
    }
}

#[test]
fn r112_a_siblings_explanation_shows_no_shared_address() {
    let world = World::start();
    let hidden = restricted();
    let sibling = with(
        &hidden,
        json!({
            "nhs_number": null, "nhs_number_status": null, "restricted": null,
            "given_names": ["Zebedee"], "birth_date": "1999-12-11",
        }),
    );
    let first = world.registers("gp", "1", &hidden);
    let second = world.registers("pas", "1", &sibling);
    assert_ne!(first.person(), second.person());

    let answer = world.matches(&sibling);

    let candidates = answer.list("candidates").iter();
    for candidate in candidates.filter(|candidate| candidate["person_id"] == first["person_id"]) {
        assert_masked(&candidate.to_string());
    }
    for task in world.tasks().list("tasks") {
        assert_masked(&world.task(task["task_id"].as_str().expect("an id")).text);
    }
}

#[test]
fn r111_the_flag_outlives_the_record_that_brought_it() {
    let world = World::start();
    let open = with(&restricted(), json!({"restricted": null}));
    world.registers("gp", "1", &restricted());
    world.registers("pas", "1", &open);

    world.withdraws("gp", "1");

    for answer in everything_said(&world, "pas", "1") {
        assert_masked(&answer.text);
    }
    assert_masked(&world.matches(&open).text);
}

#[test]
fn r109_a_version_that_restricts_is_masked_while_it_is_held_and_when_it_is_old() {
    let world = World::start();
    world.registers("gp", "1", &verified_person("open so far"));
    let held = world.registers("gp", "1", &restricted());
    assert_eq!(held["outcome"], "update_held", "{}", held.text);
    world.registers("gp", "2", &with(&restricted(), json!({"nhs_number": null})));
    world.registers("gp", "2", &with(&restricted(), json!({"nhs_number": null,
        "restricted": false, "addresses": null, "phones": null, "emails": null, "gp_practice": null})));
    for answer in everything_said(&world, "gp", "2") {
        assert_masked(&answer.text);
    }
    let task = world.task(&held.tasks()[0]);
    assert_masked(&task.text);
    let held = world.get(&record_path("gp", "1")).by(Actor::Steward);
    assert_masked(&held.send().expect(200).text);
}
