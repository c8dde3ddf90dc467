//! The ledger as it was known at an instant (R139): who was linked to whom, by
//! which number, masked as of now.

use serde_json::{Value, json};

use crate::people::{NUMBERS, verified_person, with};
use crate::request::{Answer, mentions};
use crate::sealing::{Side, after, before, seal, side};
use crate::world::{Actor, World, record_path};

/// When the last thing happened to a person.
fn last_instant(world: &World, person_id: &str) -> String {
    let told = world
        .get(&format!("/persons/{person_id}/history"))
        .by(Actor::Steward)
        .send()
        .expect(200);
    let last = told.list("history").last().expect("something happened");
    last["at"].as_str().expect("an instant").to_owned()
}

fn as_of(world: &World, path: &str, at: &str) -> Answer {
    let at = at.replace('+', "%2B");
    world
        .get(&format!("{path}?as_of={at}"))
        .by(Actor::Steward)
        .send()
}

fn golden_number(golden: &Answer) -> Option<&Value> {
    let mut values = golden.list("values").iter();
    values.find(|value| value["field"] == "nhs_number")
}

#[test]
fn r139_who_was_linked_to_whom_at_an_instant() {
    let world = World::start();
    let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
    let numbered = with(
        &grace,
        json!({"birth_date": "1957-11-06", "nhs_number": NUMBERS[8], "nhs_number_status": "01"}),
    );
    let survivor = world.registers("gp", "1", &numbered).person();
    let retired = world.registers("ed", "1", &grace).person();
    let before = last_instant(&world, &retired);
    world.registers("ed", "1", &numbered);
    let path = record_path("ed", "1");

    assert_eq!(world.cross_reference("ed", "1").person(), survivor);
    let then = as_of(&world, &format!("{path}/person"), &before).expect(200);
    assert_eq!(then.person(), retired);
    assert_eq!(then["as_of"]["at"], before.as_str());
    assert!(then["as_of"]["position"].is_string(), "{}", then.text);
    assert_eq!(then.list("records").len(), 1);

    let person = as_of(&world, &format!("/persons/{retired}"), &before).expect(200);
    assert_eq!(person.person(), retired);
    assert_eq!(person["replaced_by"], json!([]));
    assert!(mentions(&world.person(&retired)["replaced_by"], &survivor));
    let of_survivor = as_of(&world, &format!("/persons/{survivor}/records"), &before);
    let of_survivor = of_survivor.expect(200);
    assert_eq!(of_survivor.list("records").len(), 1, "{}", of_survivor.text);

    let record = as_of(&world, &path, &before).expect(200);
    assert_eq!(record.list("versions").len(), 1);
    assert_eq!(record["record"]["birth_date"], Value::Null);
    assert_eq!(record["link"]["person_id"], retired.as_str());
    let golden = as_of(&world, &format!("/persons/{retired}/golden"), &before).expect(200);
    assert!(golden_number(&golden).is_none(), "{}", golden.text);

    let told = as_of(&world, &format!("/persons/{retired}/history"), &before).expect(200);
    assert_eq!(told.person(), retired);
    assert!(!told.text.contains("person_retired"), "{}", told.text);
    let now = last_instant(&world, &survivor);
    let told = as_of(&world, &format!("/persons/{retired}/history"), &now).expect(200);
    assert_eq!(told.person(), survivor);
    assert!(told.text.contains("person_retired"), "{}", told.text);
    world.verify();
}

#[test]
fn before_it_came_a_record_or_person_is_unknown() {
    let world = World::start();
    let known = verified_person("not yet");
    let person_id = world.registers("gp", "1", &known).person();
    let early = "2001-01-01T00:00:00Z";
    for path in [
        record_path("gp", "1"),
        format!("{}/person", record_path("gp", "1")),
        format!("/persons/{person_id}"),
        format!("/persons/{person_id}/golden"),
        format!("/persons/{person_id}/history"),
    ] {
        as_of(&world, &path, early).expect_problem(404, "", &[]);
        as_of(&world, &path, "2999-01-01T00:00:00Z").expect_problem(422, "as_of", &[]);
        as_of(&world, &path, "yesterday").expect_problem(422, "as_of", &["yesterday"]);
    }
}

#[test]
fn r111_r139_what_is_restricted_now_is_masked_in_the_past_too() {
    let world = World::start();
    let known = verified_person("restricted later");
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "1", &known);
    let before = last_instant(&world, &person_id);
    world.registers("gp", "1", &with(&known, json!({"restricted": true})));
    let postcode = known["addresses"][0]["postcode"].as_str().expect("a text");
    let phone = known["phones"][0].as_str().expect("a text");
    for path in [
        record_path("pas", "1"),
        record_path("gp", "1"),
        format!("/persons/{person_id}/records"),
        format!("/persons/{person_id}/golden"),
    ] {
        let then = as_of(&world, &path, &before).expect(200);
        for hidden in [postcode, phone, "Leeds"] {
            assert!(!then.text.contains(hidden), "{hidden} in {}", then.text);
        }
        assert!(
            then.text
                .contains(known["family_name"].as_str().expect("a text"))
        );
    }
}

fn as_seen_then(world: &World, path: &str, at: &str) -> Answer {
    let at = at.replace('+', "%2B");
    let path = format!("{path}?as_of={at}&masking=then");
    world.get(&path).by(Actor::Auditor).send()
}

#[test]
fn r139_an_auditor_with_a_reason_sees_what_was_visible_then() {
    let world = World::start();
    let known = verified_person("looked back on");
    let person_id = world.registers("gp", "1", &known).person();
    let open = last_instant(&world, &person_id);
    world.registers("gp", "1", &with(&known, json!({"restricted": true})));
    let restricted = last_instant(&world, &person_id);
    world.registers(
        "gp",
        "1",
        &with(&known, json!({"phones": null, "restricted": false})),
    );
    let postcode = known["addresses"][0]["postcode"].as_str().expect("a text");
    let record = record_path("gp", "1");
    let paths = [
        record.clone(),
        format!("/persons/{person_id}/records"),
        format!("/persons/{person_id}/golden"),
    ];
    for path in &paths {
        let seen = as_seen_then(&world, path, &open).expect(200);
        assert!(seen.text.contains(postcode), "{path}: {}", seen.text);
        let seen = as_seen_then(&world, path, &restricted).expect(200);
        assert!(!seen.text.contains(postcode), "{path}: {}", seen.text);
        let masked = as_of(&world, path, &open).expect(200);
        assert!(!masked.text.contains(postcode), "{path}: {}", masked.text);
    }
    for path in [
        format!("{record}/person"),
        format!("/persons/{person_id}"),
        format!("/persons/{person_id}/history"),
    ] {
        as_seen_then(&world, &path, &open).expect(200);
    }

    let asked = format!("{record}?as_of={}&masking=then", open.replace('+', "%2B"));
    let asks = |actor: Actor| world.get(&asked).by(actor);
    for actor in [
        Actor::Steward,
        Actor::Clinician,
        Actor::Integration,
        Actor::PrivacyOfficer,
    ] {
        asks(actor).send().expect_problem(403, "", &[postcode]);
    }
    let silent = asks(Actor::Auditor).without_reason().send();
    silent.expect_problem(403, "Accord-Reason", &[postcode]);
    let now = format!("{record}?masking=then");
    let now = world.get(&now).by(Actor::Auditor).send();
    now.expect_problem(422, "as_of", &[postcode]);
    let plain = world.get(&record).by(Actor::Auditor).send();
    plain.expect_problem(403, "", &[postcode]);
    world.verify();
}

#[test]
fn r22_r139_the_seals_of_then_apply_to_what_was_visible_then() {
    let world = World::start();
    let a = side(&world, "gp", "side-of-a", before());
    let b = side(&world, "pas", "side-of-b", after());
    let question = world.tasks().tasks()[0].clone();
    let open = last_instant(&world, &b.person);
    let made = seal(&world, &a, &b).expect(201);
    world.registers(
        "ed",
        "more-of-b",
        &with(&after(), json!({"phones": ["07700 900431"]})),
    );
    let sealed = last_instant(&world, &b.person);
    let lifted = format!("/seals/{}", made.member("seal_id"));
    let lifts = || world.ask(reqwest::Method::DELETE, &lifted);
    let paths = [
        format!("/persons/{}", a.person),
        format!("/persons/{}/history", a.person),
        format!("{}/person", record_path("gp", "side-of-a")),
        record_path("pas", "side-of-b"),
    ];
    let names_both = |answer: &Answer| {
        let names = |side: &Side| side.marks.iter().any(|mark| answer.text.contains(mark));
        (names(&a) && names(&b)) || answer.text.contains(&question)
    };
    for path in &paths {
        let seen = as_seen_then(&world, path, &open).expect(200);
        assert!(
            names_both(&seen),
            "{path}: it was a question then: {}",
            seen.text
        );
        let today = as_of(&world, path, &open).expect(200);
        assert!(!names_both(&today), "{path}: {}", today.text);
    }
    lifts().by(Actor::PrivacyOfficer).send().expect(204);
    for path in &paths {
        let seen = as_seen_then(&world, path, &sealed).expect(200);
        assert!(
            !names_both(&seen),
            "{path}: it was sealed then: {}",
            seen.text
        );
    }
    world.verify();
}

#[test]
fn r17_a_number_is_resolved_as_it_was_known_then() {
    let world = World::start();
    let known = with(
        &verified_person("superseded"),
        json!({"nhs_number": NUMBERS[0]}),
    );
    let person_id = world.registers("gp", "1", &known).person();
    let before = last_instant(&world, &person_id);
    let renumbered = with(
        &known,
        json!({"nhs_number": NUMBERS[2], "replaces_nhs_number": NUMBERS[0]}),
    );
    world.registers("pas", "1", &renumbered);

    let path = format!("/persons/{person_id}/golden");
    let then = as_of(&world, &path, &before).expect(200);
    let number = golden_number(&then).expect("a number");
    assert_eq!(number["value"]["nhs_number"], NUMBERS[0]);
    let now = world.get(&path).by(Actor::Steward).send().expect(200);
    let number = golden_number(&now).expect("a number");
    assert_eq!(number["value"]["nhs_number"], NUMBERS[2], "{}", now.text);
    // What the source sent stays with its record.
    assert_eq!(world.record("gp", "1")["record"]["nhs_number"], NUMBERS[0]);
    world.verify();
}
