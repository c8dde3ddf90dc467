//! Records that share what everybody shares: placeholders, defaults, one phone,
//! one birth date. Nobody is joined by them, and a question that could not look
//! at all of them says so, at the bounds that are shipped.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::people::{person, with};
use crate::request::Answer;
use crate::world::World;

/// More than one key may bring to a comparison (64), and more than all keys
/// together may (400).
const CROWD: usize = 450;

/// A source registers many records at once; every one must be accepted.
#[track_caller]
pub(crate) fn loads(world: &World, source: &str, records: &[Value]) -> Vec<Value> {
    for record in records {
        world.guards(record);
    }
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let answer = world
        .post(&format!("/sources/{source}/records/batch"))
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);
    let answers: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(answers.len(), records.len());
    for answer in &answers {
        assert!(
            matches!(answer["status"].as_u64(), Some(200 | 201)),
            "{answer}"
        );
    }
    answers
}

/// A name that no other place has, nor one like it.
fn name_of(place: usize) -> String {
    const STARTS: [&str; 8] = ["Bra", "Thor", "Qui", "Ash", "Wic", "Lan", "Fer", "Hol"];
    const MIDDLES: [&str; 8] = ["ndo", "mber", "zzle", "strop", "vin", "gart", "pul", "keth"];
    const ENDS: [&str; 8] = [
        "brook", "wick", "thorpe", "combe", "dale", "ford", "gate", "mere",
    ];
    let (end, rest) = (place % 8, place / 8);
    format!(
        "{}{}{}",
        STARTS[(rest / 8) % 8],
        MIDDLES[rest % 8],
        ENDS[end]
    )
}

/// Different people who all have `shared`.
fn crowd(world: &World, shared: &Value) -> Vec<Value> {
    let one = |place: usize| {
        let own = json!({
            "local_id": place.to_string(), "family_name": name_of(place),
            "given_names": [name_of(place * 7 + 3)],
        });
        let unlike = with(&person(&format!("pathology {place}")), own);
        with(&unlike, shared.clone())
    };
    let people: Vec<Value> = (0..CROWD).map(one).collect();
    loads(world, "gp", &people)
}

#[track_caller]
fn nobody_is_joined(answers: &[Value]) {
    let mut persons = BTreeSet::new();
    for answer in answers {
        assert_eq!(answer["outcome"], "new_person", "{answer}");
        persons.insert(answer["person_id"].to_string());
    }
    assert_eq!(persons.len(), answers.len());
}

/// Not everybody was looked at, and the answer says by which key.
#[track_caller]
fn says_what_it_did_not_look_at(answer: &Answer, key: &str) {
    assert_eq!(answer["complete"], false, "{}", answer.text);
    let because = answer.list("incomplete_because");
    let named = because.iter().find(|reason| reason["key"] == key);
    let named = named.unwrap_or_else(|| panic!("{key} is not named: {}", answer.text));
    assert!(named["held"].as_u64() >= Some(CROWD as u64), "{named}");
    assert!(
        named["looked_at"].as_u64() < named["held"].as_u64(),
        "{named}"
    );
}

#[test]
fn nobody_is_joined_by_placeholders_alone() {
    let world = World::start();
    let defaults = json!({
        "birth_date": "1900-01-01", "nhs_number": "9999999999",
        "addresses": [{"lines": ["No fixed abode"], "postcode": "ZZ99 3VZ"}],
        "phones": ["07777777777"], "emails": ["unknown@example.org"],
    });
    for (source, given) in [("gp", "UNKNOWN"), ("pas", "Baby"), ("ed", "Test")] {
        let nameless = |place: usize| {
            let own = json!({
                "local_id": place.to_string(), "given_names": [given],
                "family_name": if source == "pas" {
                    person(&format!("mother {place}"))["family_name"].clone()
                } else {
                    json!("UNKNOWN")
                },
                "other_identifiers": [{"system": "hospital", "value": format!("{source}H{place:05}")}],
            });
            with(&with(&person("nobody"), defaults.clone()), own)
        };
        let records: Vec<Value> = (0..100).map(nameless).collect();
        nobody_is_joined(&loads(&world, source, &records));
    }
}

#[test]
fn nobody_is_joined_by_one_phone_and_a_question_about_it_is_incomplete() {
    let world = World::start();
    let shared = json!({"phones": ["07700 900123"]});
    nobody_is_joined(&crowd(&world, &shared));
    says_what_it_did_not_look_at(&world.matches(&shared), "phone");
}

#[test]
fn nobody_is_joined_by_one_birth_date_and_a_question_about_it_is_incomplete() {
    let world = World::start();
    let shared = json!({"birth_date": "1970-06-15", "phones": null});
    nobody_is_joined(&crowd(&world, &shared));
    let asked = json!({"birth_date": "1970-06-15"});
    says_what_it_did_not_look_at(&world.matches(&asked), "birth_date");
}

#[test]
fn nobody_is_joined_by_one_postcode_and_the_rows_beyond_a_standing_index_are_bounded() {
    let world = World::start_without_indexer();
    let address = json!([{"lines": ["1 Hostel Yard"], "town": "Leeds", "postcode": "LS9 7TF"}]);
    let shared = json!({"addresses": address, "phones": null});
    nobody_is_joined(&crowd(&world, &shared));
    let asked = json!({"addresses": address});
    says_what_it_did_not_look_at(&world.matches(&asked), "postcode");
}

#[test]
fn r98_a_person_does_not_grow_beyond_the_alarm_by_itself() {
    let world = World::start();
    let patient = person("a test patient in use");
    let copies: Vec<Value> = (0..70)
        .map(|place| with(&patient, json!({"local_id": place.to_string()})))
        .collect();

    let answers = loads(&world, "gp", &copies);

    let first = answers[0]["person_id"].clone();
    let joined = answers.iter().filter(|one| one["person_id"] == first);
    assert_eq!(joined.count(), 64);
    let alarmed = &answers[64];
    assert_eq!(alarmed["outcome"], "new_person", "{alarmed}");
    let task = world.task(alarmed["tasks"][0].as_str().expect("a task"));
    assert!(task.text.contains("too_many_records"), "{}", task.text);
}
