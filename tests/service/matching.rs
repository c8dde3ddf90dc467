//! `POST /match`: asking who somebody is, with the reasons, without writing
//! anything. The arithmetic of single fields is tested beside the code.

use accord::foundation::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::people::{john_smith, person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World};

/// A postcode that so many people share that not all can be looked at.
const CROWD: usize = 600;

#[test]
fn r74_the_rows_of_an_explanation_add_up_to_its_weight() {
    let world = World::start();
    let known = verified_person("adds up");
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &john_smith());

    let questions = [
        known.clone(),
        with(
            &known,
            json!({"nhs_number": null, "nhs_number_status": null}),
        ),
        with(&known, json!({"phones": null, "gender": null})),
        with(&known, json!({"given_names": ["Zebedee"]})),
        with(
            &known,
            json!({"addresses": [{"lines": ["1 Elsewhere Road"], "postcode": "M1 1AE"}]}),
        ),
        john_smith(),
    ];
    for question in questions {
        let answer = world.matches(&question);
        for candidate in answer.list("candidates") {
            let total = number(&candidate["weight_bits"]);
            let sum: f64 = rows(candidate)
                .iter()
                .map(|row| number(&row["weight_bits"]))
                .sum();
            assert!(
                (total - sum).abs() < 1e-6,
                "{sum} is not {total}: {candidate}"
            );
        }
        assert!(
            !answer.list("candidates").is_empty(),
            "nobody for {question}"
        );
    }
}

#[test]
fn each_row_names_its_field_level_and_reason() {
    let world = World::start();
    let known = verified_person("rows");
    let registered = world.registers("gp", "1", &known);

    let answer = world.matches(&known);

    let first = first(&answer);
    assert_eq!(first["person_id"], registered["person_id"]);
    assert!(number(&first["probability"]) > 0.999);
    for row in rows(first) {
        for member in ["field", "level", "reason"] {
            assert!(row[member].is_string(), "{member} in {row}");
        }
        let members = row.as_object().expect("a row is an object");
        assert!(members.contains_key("values_shown"), "{row}");
    }
    let fields: Vec<String> = rows(first)
        .iter()
        .map(|row| row["field"].to_string())
        .collect();
    assert!(
        fields.iter().any(|field| field.contains("prior")),
        "{fields:?}"
    );
}

#[test]
fn a_grade_says_what_a_registration_would_do() {
    let world = World::start();
    let known = verified_person("graded");
    let person_id = world.registers("gp", "1", &known).person();
    let smith = world.registers("gp", "2", &john_smith()).person();

    let certain = world.matches(&known);
    assert_eq!(first(&certain)["grade"], "certain");
    let probable = world.matches(&john_smith());
    assert_eq!(first(&probable)["grade"], "probable");
    let stranger = world.matches(&person("a stranger"));
    assert!(stranger.list("candidates").is_empty(), "{}", stranger.text);

    let linked = world.registers("pas", "1", &known);
    assert_eq!(linked["outcome"], "linked");
    assert_eq!(linked.person(), person_id);
    let reviewed = world.registers("pas", "2", &john_smith());
    assert_eq!(reviewed["outcome"], "new_person");
    assert_ne!(reviewed.person(), smith);
    assert!(!reviewed.tasks().is_empty());
}

#[test]
fn r75_without_a_phone_only_the_phones_contribution_disappears() {
    let world = World::start();
    let known = person("missing phone");
    world.registers("gp", "1", &known);
    let asked = with(&known, json!({"addresses": null}));

    let with_phone = world.matches(&asked);
    let without_phone = world.matches(&with(&asked, json!({"phones": null})));

    let kept = |answer: &Answer| -> Vec<Value> {
        let rows = rows(first(answer)).iter();
        rows.filter(|row| {
            let field = row["field"].to_string();
            field.contains("name") || field.contains("birth") || field.contains("gender")
        })
        .cloned()
        .collect()
    };
    assert_eq!(kept(&with_phone), kept(&without_phone));
    assert!(kept(&with_phone).len() >= 3, "{}", with_phone.text);
    for row in rows(first(&without_phone)) {
        if row["field"].to_string().contains("phone") {
            assert!(number(&row["weight_bits"]).abs() < 1e-9, "{row}");
        }
    }
    assert!(weight(&with_phone) > weight(&without_phone));
}

#[test]
fn r76_asking_the_other_way_round_weighs_the_same_to_the_bit() {
    let one = person("both ways");
    let other = with(
        &one,
        json!({
            "family_name": "Thornwick-Brambrook",
            "aliases": [{"family_name": one["family_name"], "use": "maiden"}],
            "phones": ["07700 900123", "07700 900124"],
        }),
    );
    let (here, there) = (World::start(), World::start());
    here.registers("gp", "1", &one);
    there.registers("gp", "1", &other);

    let forth = weight(&here.matches(&other));
    let back = weight(&there.matches(&one));

    assert_eq!(forth.to_bits(), back.to_bits(), "{forth} and {back}");
}

#[test]
fn any_body_with_one_blocking_key_is_answered() {
    let world = World::start();
    let known = verified_person("one key");
    world.registers("gp", "1", &known);
    let one_key = [
        json!({"nhs_number": known["nhs_number"]}),
        json!({"phones": known["phones"]}),
        json!({"addresses": [{"postcode": known["addresses"][0]["postcode"]}]}),
        json!({"family_name": known["family_name"], "birth_date": known["birth_date"]}),
    ];
    for body in one_key {
        let answer = world.matches(&body);
        assert_eq!(answer["complete"], true, "{body} answered {}", answer.text);
        assert!(answer["candidates"].is_array());
    }
    for body in [
        json!({}),
        json!({"gender": "male"}),
        json!({"nhs_number": "9999999999"}),
    ] {
        world
            .post("/match")
            .json(&body)
            .send()
            .expect_problem(422, "", &[]);
    }
    let unknown = json!({"surname": "Hiddenname"});
    world
        .post("/match")
        .json(&unknown)
        .send()
        .expect_problem(400, "surname", &["Hiddenname"]);
}

#[test]
fn asking_writes_nothing() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    let exported = || {
        world
            .accord(&["export", "--persons", "persons.csv"])
            .expect(0)
    };
    exported();
    let before = std::fs::read_to_string(world.file("persons.csv")).expect("an export");

    for _ in 0..3 {
        world.matches(&john_smith());
        world.matches(&person("never registered"));
    }

    exported();
    let after = std::fs::read_to_string(world.file("persons.csv")).expect("an export");
    assert_eq!(before, after);
    assert!(world.tasks().list("tasks").is_empty());
    let late = world.registers("pas", "1", &person("never registered"));
    assert_eq!(late["outcome"], "new_person");
}

#[test]
fn a_misspelt_patient_is_found() {
    let world = World::start();
    let known = with(
        &person("misspelt"),
        json!({"given_names": ["Katherine"], "family_name": "Applethwaite"}),
    );
    let person_id = world.registers("gp", "1", &known).person();
    let slips = [
        json!({"given_names": ["Kathrine"], "family_name": "Aplethwaite"}),
        json!({"given_names": ["Applethwaite"], "family_name": "Katherine"}),
        json!({"given_names": ["Kate"]}),
        json!({"family_name": "APPLETHWAITE "}),
        json!({"phones": null, "addresses": null}),
        json!({"family_name": "Marriedname", "phones": null}),
    ];
    for slip in slips {
        let answer = world.matches(&with(&known, slip.clone()));
        assert_eq!(first(&answer)["person_id"], person_id, "{slip}");
    }
}

#[test]
fn at_most_ten_candidates_come_back_best_first() {
    let world = World::start();
    for place in 0..12 {
        world.registers("gp", &place.to_string(), &john_smith());
    }

    let answer = world.matches(&john_smith());

    let weights: Vec<f64> = answer
        .list("candidates")
        .iter()
        .map(|candidate| number(&candidate["weight_bits"]))
        .collect();
    assert_eq!(weights.len(), 10);
    assert!(
        weights.is_sorted_by(|better, worse| better >= worse),
        "{weights:?}"
    );
}

#[test]
fn an_answer_says_when_it_did_not_look_at_everybody() {
    let world = World::start();
    let shared = json!([{"lines": ["1 Hostel Yard"], "town": "Leeds", "postcode": "LS9 7TF"}]);
    let lines: Vec<String> = (0..CROWD)
        .map(|place| {
            let changes =
                json!({"local_id": format!("{place}"), "addresses": shared, "phones": null});
            with(&person(&format!("crowd {place}")), changes).to_string()
        })
        .collect();
    world
        .post("/sources/gp/records/batch")
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);

    let answer = world.matches(&json!({"addresses": shared}));

    assert_eq!(answer["complete"], false, "{}", answer.text);
    let reasons = answer.list("incomplete_because");
    assert!(!reasons.is_empty());
    for reason in reasons {
        assert!(reason["key"].is_string(), "{reason}");
        assert!(
            number(&reason["held"]) > number(&reason["looked_at"]),
            "{reason}"
        );
        assert!(
            !reason.to_string().contains("LS9"),
            "a key is named, its value is not: {reason}"
        );
    }
    let one_of_them = person("crowd 7");
    let found = world.matches(&with(&one_of_them, json!({"addresses": shared})));
    assert!(first(&found)["person_id"].is_string());
}

#[test]
fn r22_r134_a_crowded_key_counts_nobody_who_may_not_be_seen() {
    let world = World::start();
    let shared = json!([{"lines": ["1 Hostel Yard"], "town": "Leeds", "postcode": "LS9 7TF"}]);
    let lives_there = |story: &str| {
        let changes = json!({"addresses": shared, "phones": null, "nhs_number": null});
        with(&person(story), changes)
    };
    let lines: Vec<String> = (0..CROWD)
        .map(|place| {
            let named = json!({"local_id": format!("{place}")});
            with(&lives_there(&format!("crowd {place}")), named).to_string()
        })
        .collect();
    let batch = world.post("/sources/gp/records/batch");
    batch
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);
    let held = || {
        let answer = world.matches(&json!({"addresses": shared}));
        assert_eq!(answer["complete"], false, "{}", answer.text);
        let reasons = answer.list("incomplete_because").iter();
        reasons
            .map(|reason| reason["held"].clone())
            .collect::<Vec<Value>>()
    };
    let seals = |body: Value| {
        let asked = world.post("/seals").by(Actor::PrivacyOfficer);
        asked.json(&body).send().expect(201);
    };
    let indexed = || {
        world.dies();
        world.accord(&["rebuild-index"]).expect(0);
        world.serves();
    };
    let one = world.registers("pas", "one", &lives_there("one of two"));
    indexed();
    let before = held();
    let other = world.registers("pas", "other", &lives_there("other of two"));
    let hidden = world.registers("pas", "hidden", &lives_there("who objects here"));
    indexed();
    assert_ne!(held(), before);

    seals(
        json!({"a": {"person_id": one.person()}, "b": {"person_id": other.person()},
        "reason": "adoption order"}),
    );
    seals(json!({"a": {"person_id": hidden.person()}, "reason": "objection"}));

    assert_eq!(held(), before);
}

#[test]
fn r71_associated_persons_are_never_compared_as_the_patient() {
    let world = World::start();
    let known = person("has a phone");
    world.registers("gp", "1", &known);
    let kin = json!([{
        "relationship": "next of kin",
        "name": format!("{} {}", known["given_names"][0].as_str().unwrap_or_default(),
            known["family_name"].as_str().unwrap_or_default()),
        "phone": known["phones"][0],
    }]);

    let stranger = with(&person("a neighbour"), json!({"phones": null}));
    let with_kin = with(&stranger, json!({"associated_persons": kin}));
    assert_eq!(world.matches(&stranger).body, world.matches(&with_kin).body);
    let alone = json!({"associated_persons": kin});
    world
        .post("/match")
        .json(&alone)
        .send()
        .expect_problem(422, "", &[]);

    let registered = world.registers("pas", "1", &with_kin);
    assert_eq!(registered["outcome"], "new_person");
    let phone = json!({"phones": known["phones"], "family_name": "Nobodyelse"});
    let found = world.matches(&phone);
    assert!(!found.mentions(&registered.person()), "{}", found.text);
}

#[test]
fn r79_a_common_name_and_a_birth_date_are_probable_and_not_certain() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());

    let answer = world.matches(&john_smith());

    let smith = first(&answer);
    assert_eq!(smith["grade"], "probable", "{smith}");
    assert!(number(&smith["probability"]) < 0.999);
}

#[track_caller]
fn first(answer: &Answer) -> &Value {
    answer
        .list("candidates")
        .first()
        .unwrap_or_else(|| panic!("no candidate: {}", answer.text))
}

fn weight(answer: &Answer) -> f64 {
    number(&first(answer)["weight_bits"])
}

#[track_caller]
fn rows(candidate: &Value) -> &Vec<Value> {
    candidate["explanation"]
        .as_array()
        .expect("an explanation is rows")
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn r57_an_unborn_child_and_an_infant_of_its_home_get_a_hint_and_are_not_joined() {
    let world = World::start();
    let year = SystemClock.now().to_string()[..4].to_owned();
    let home = json!({"family_name": "Expectley", "phones": ["07700 900481"],
        "addresses": [{"lines": ["5 Heron Close"], "town": "Leeds", "postcode": "LS9 4QX"}]});
    let expected = with(
        &home,
        json!({"given_names": ["Unborn"], "birth_date": format!("{year}-01-02")}),
    );
    let baby = with(
        &home,
        json!({"given_names": ["Oliver"], "birth_date": format!("{year}-01-02"),
            "gender": "male"}),
    );
    let unborn = world.registers("maternity", "unborn", &expected).person();

    let born = world.registers("gp", "baby", &baby);

    assert_ne!(born.person(), unborn);
    assert!(
        born.tasks().is_empty() && !born.mentions(&unborn),
        "{}",
        born.text
    );
    let hint = |asked: &Value| world.matches(asked)["related"].clone();
    let of_baby = hint(&baby);
    assert_eq!(of_baby[0]["person_id"], unborn.as_str(), "{of_baby}");
    assert_eq!(of_baby[0]["reason"]["rule"], "R57", "{of_baby}");
    assert_eq!(hint(&expected)[0]["person_id"], born.person().as_str());
    // Its mother, and somebody of another home, are no such hint.
    let mother = with(
        &baby,
        json!({"given_names": ["Imogen"], "birth_date": "1991-05-06"}),
    );
    assert_eq!(hint(&mother), json!([]));
    let elsewhere = with(
        &baby,
        json!({"phones": null,
        "addresses": [{"lines": ["1 Elsewhere Road"], "postcode": "M1 1AE"}]}),
    );
    assert_eq!(hint(&elsewhere), json!([]));
}
