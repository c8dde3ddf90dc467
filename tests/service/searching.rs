//! People's search (RULES R120, R110, R122, R130): what is enough to search by,
//! what is found and how, who is shown to whom, and that it is written down.

use accord::foundation::PersonId;
use accord::storage::{AuditRow, Store, StoreOptions};
use serde_json::{Value, json};

use crate::people::{NUMBERS, john_smith, number, person, verified_person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World};

fn search(world: &World, criteria: &Value) -> Answer {
    world
        .post("/persons/search")
        .by(Actor::Clinician)
        .json(criteria)
        .send()
        .expect(200)
}

fn found(answer: &Answer) -> Vec<String> {
    let persons = answer.list("persons").iter();
    persons
        .map(|person| person["person_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// How a field was matched for the first person.
fn how(answer: &Answer, field: &str) -> String {
    let matched = answer["persons"][0]["matched"].as_array();
    let mut met = matched.into_iter().flatten();
    met.find(|met| met["field"] == field)
        .and_then(|met| met["how"].as_str())
        .unwrap_or("not at all")
        .to_owned()
}

/// Katherine Smythe, with a verified number of the story's own.
fn katherine(story: &str) -> Value {
    with(
        &person(story),
        json!({
            "given_names": ["Katherine", "Jane"], "family_name": "Smythe",
            "birth_date": "1961-03-04", "gender": "female",
            "nhs_number": number(story), "nhs_number_status": "01",
        }),
    )
}

/// The rows that the service wrote about an action; it is stopped for that.
pub(crate) fn audit_of(world: &World, action: &str) -> Vec<AuditRow> {
    world.dies();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = StoreOptions {
        live: false,
        create: false,
        exclusive: false,
    };
    runtime.block_on(async {
        let data = world.file("data");
        let opened = match world.database() {
            Some(url) => Store::open_database(url, &data, options).await,
            None => Store::open(&data, options).await,
        };
        let store = opened.expect("the ledger");
        let rows = store.list_audit(None, 0, 10_000).await.expect("the audit");
        store.close().await;
        rows.into_iter()
            .filter(|row| row.action == action)
            .collect()
    })
}

#[test]
fn r120_a_family_name_and_a_birth_date_find_a_person() {
    let world = World::shared();
    let known = katherine("found by name and date");
    let known = with(&known, json!({"family_name": "Smythe-Found"}));
    let first = world.registers("gp", "found-gp", &known);
    world.registers("pas", "found-pas", &known);

    let answer = search(
        &world,
        &json!({"family_name": "smythe-found", "birth_date": "1961-03-04"}),
    );

    assert_eq!(found(&answer), [first.person()], "{}", answer.text);
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["too_many"], false);
    let shown = &answer["persons"][0];
    assert_eq!(shown["score"], 1.0);
    assert_eq!(shown["records"], 2);
    for member in [
        "nhs_number",
        "given_names",
        "family_name",
        "birth_date",
        "addresses",
    ] {
        assert_eq!(shown["values"][member], known[member], "{member}");
    }
    assert_eq!(how(&answer, "family_name"), "exact");
    assert_eq!(how(&answer, "birth_date"), "exact");
}

#[test]
fn r120_an_nhs_number_is_enough() {
    let world = World::shared();
    let known = verified_person("found by number");
    let registered = world.registers("gp", "number-gp", &known);
    let answer = search(&world, &json!({"nhs_number": known["nhs_number"]}));
    assert_eq!(found(&answer), [registered.person()]);
    let other = json!({"nhs_number": known["nhs_number"], "family_name": "Somebodyelse"});
    assert!(found(&search(&world, &other)).is_empty());
}

#[test]
fn r120_what_falls_short_is_refused_and_what_is_missing_is_named() {
    let world = World::shared();
    let cases = [
        (json!({}), "family_name"),
        (json!({"family_name": "Quillstead"}), "birth_date"),
        (json!({"birth_date": "1961-03-04"}), "family_name"),
        (
            json!({"postcode": "LS1 4AP", "phone": "07700 900123"}),
            "family_name",
        ),
        (
            json!({"family_name": "Q*", "birth_date": "1961-03-04"}),
            "two letters",
        ),
        (
            json!({"family_name": "Qu*ll", "birth_date": "1961-03-04"}),
            "wildcard",
        ),
        (
            json!({"family_name": "Qu*", "given_names": ["Al"], "birth_date": "1961-03-04",
            "mode": "fuzzy"}),
            "standard",
        ),
        (
            json!({"family_name": "Quillstead", "birth_date": "1961"}),
            "gender",
        ),
        (
            json!({"family_name": "Quillstead", "birth_date": "1961-03-04", "mode": "fuzzy"}),
            "given_names",
        ),
        (
            json!({"family_name": "Quillstead", "birth_date": "4/3/1961"}),
            "YYYY-MM-DD",
        ),
        (json!({"nhs_number": "9990000019"}), "check digit"),
        (
            json!({"family_name": "Quillstead", "birth_date_from": "1961"}),
            "birth_date_to",
        ),
    ];
    for (criteria, mention) in cases {
        let answer = world
            .post("/persons/search")
            .by(Actor::Clinician)
            .json(&criteria)
            .send()
            .expect_problem(422, mention, &["Quill", "900123", "LS1"]);
        assert_eq!(answer["rule"], "R120", "{}", answer.text);
    }
}

#[test]
fn a_search_that_is_not_understood_is_refused_and_not_passed_over() {
    let world = World::shared();
    let base = json!({"family_name": "Quillstead", "birth_date": "1961-03-04"});
    let cases = [
        (400, json!({"surname": "Quillstead"}), "surname"),
        (400, json!({"mode": "psychic"}), "mode"),
        (400, json!({"history": "yes"}), "history"),
        (422, json!({"limit": 0}), "limit"),
        (422, json!({"limit": 51}), "limit"),
        (422, json!({"gender": "Quillgender"}), "gender"),
        (422, json!({"phone": "no phone"}), "phone"),
    ];
    for (status, changes, mention) in cases {
        world
            .post("/persons/search")
            .by(Actor::Clinician)
            .json(&with(&base, changes))
            .send()
            .expect_problem(status, mention, &["Quill"]);
    }
    world
        .get("/persons/search?family_name=Quillstead&birth_date=1961-03-04")
        .by(Actor::Clinician)
        .send()
        .expect_problem(405, "", &["Quill"]);
}

#[test]
fn names_are_found_in_the_ways_that_were_asked_for() {
    let world = World::start();
    let known = world.registers("gp", "1", &katherine("ways")).person();
    world.registers("gp", "2", &verified_person("somebody else"));
    let date = "1961-03-04";
    let cases = [
        ("standard", json!(["Katherine"]), "Smythe", "exact", "exact"),
        ("standard", json!(["jane"]), "SMYTHE", "exact", "exact"),
        ("standard", json!(["Kath*"]), "Smy*", "prefix", "prefix"),
        (
            "fuzzy",
            json!(["Katherine"]),
            "Smith",
            "sounds_like",
            "exact",
        ),
        ("fuzzy", json!(["Kate"]), "Smythe", "exact", "variant"),
        ("fuzzy", json!(["Kltherine"]), "Smythe", "exact", "misspelt"),
        (
            "fuzzy",
            json!(["Smythe"]),
            "Katherine",
            "swapped",
            "swapped",
        ),
    ];
    for (mode, given, family, family_how, given_how) in cases {
        let criteria = json!({
            "mode": mode, "given_names": given, "family_name": family, "birth_date": date,
        });
        let answer = search(&world, &criteria);
        assert_eq!(
            found(&answer),
            [known.as_str()],
            "{criteria} {}",
            answer.text
        );
        assert_eq!(how(&answer, "family_name"), family_how, "{criteria}");
        assert_eq!(how(&answer, "given_names"), given_how, "{criteria}");
    }
    for (mode, given, family) in [
        ("standard", "Katherine", "Smith"),
        ("exact", "Kate", "Smythe"),
        ("standard", "Smythe", "Katherine"),
        ("fuzzy", "Katherine", "Okonkwo"),
        ("fuzzy", "Bartholomew", "Smythe"),
    ] {
        let criteria = json!({
            "mode": mode, "given_names": [given], "family_name": family, "birth_date": date,
        });
        assert!(found(&search(&world, &criteria)).is_empty(), "{criteria}");
    }
}

#[test]
fn a_maiden_name_is_found_by_history() {
    let world = World::start();
    let before = verified_person("married");
    let family = before["family_name"].as_str().expect("a name");
    let registered = world.registers("gp", "1", &before).person();
    world.registers("gp", "1", &with(&before, json!({"family_name": "Okonkwo"})));
    let criteria = json!({
        "family_name": family, "given_names": before["given_names"],
        "birth_date": before["birth_date"],
    });

    assert!(found(&search(&world, &criteria)).is_empty());
    for changes in [json!({"history": true}), json!({"mode": "fuzzy"})] {
        let answer = search(&world, &with(&criteria, changes));
        assert_eq!(found(&answer), [registered.as_str()], "{}", answer.text);
        assert_eq!(how(&answer, "family_name"), "history");
        let shown = &answer["persons"][0];
        assert_eq!(shown["values"]["family_name"], "Okonkwo");
        assert!(shown["score"].as_f64().expect("a score") < 1.0);
    }
}

#[test]
fn r50_partial_dates_and_spans_find_who_was_born_then() {
    let world = World::start();
    let known = world.registers("gp", "1", &katherine("dated")).person();
    let only_year = with(
        &katherine("dated by year"),
        json!({"birth_date": "1961", "family_name": "Thorncombe"}),
    );
    let dated = world.registers("gp", "2", &only_year).person();
    let finds = |criteria: Value| {
        let all = with(&json!({"gender": "female"}), criteria);
        found(&search(&world, &all))
    };
    for born in [
        json!({"birth_date": "1961"}),
        json!({"birth_date": "1961-03"}),
        json!({"birth_date_from": "1960-05-01", "birth_date_to": "1961-03-04"}),
    ] {
        let criteria = with(&born, json!({"family_name": "Smythe"}));
        assert_eq!(finds(criteria), [known.as_str()], "{born}");
    }
    for born in [
        json!({"birth_date": "1961-04"}),
        json!({"birth_date": "1962"}),
    ] {
        assert!(finds(with(&born, json!({"family_name": "Smythe"}))).is_empty());
    }
    let whole = json!({"family_name": "Thorncombe", "birth_date": "1961-07-09"});
    assert_eq!(finds(whole), [dated.as_str()]);
}

#[test]
fn criteria_may_stand_in_different_records_of_one_person() {
    let world = World::start();
    let known = verified_person("two sources");
    let reachable = with(
        &known,
        json!({"phones": ["07700 900555"], "addresses": null}),
    );
    let first = world.registers("gp", "1", &known).person();
    assert_eq!(world.registers("pas", "1", &reachable).person(), first);
    let criteria = json!({
        "family_name": known["family_name"], "birth_date": known["birth_date"],
        "postcode": known["addresses"][0]["postcode"], "phone": "07700900555",
    });
    assert_eq!(found(&search(&world, &criteria)), [first]);
}

#[test]
fn r120_fifty_are_shown_and_fifty_one_are_too_many() {
    let world = World::start();
    let crowd = |from: usize, to: usize| {
        let lines: Vec<String> = (from..to)
            .map(|each| {
                let letter =
                    |at: usize| char::from(b'a' + u8::try_from(at % 26).expect("a letter"));
                let given = format!("{}{}{}o", letter(each), letter(each / 26), letter(each * 7));
                let body = json!({
                    "local_id": format!("crowd-{each}"),
                    "given_names": [given], "family_name": "Multitude",
                    "birth_date": "1961-03-04",
                    "nhs_number": number(&format!("crowd {each}")), "nhs_number_status": "01",
                });
                world.guards(&body);
                body.to_string()
            })
            .collect();
        world
            .post("/sources/gp/records/batch")
            .bytes("application/x-ndjson", lines.join("\n"))
            .send()
            .expect(200);
    };
    let criteria = json!({"family_name": "Multitude", "birth_date": "1961-03-04"});
    crowd(0, 50);
    let all = search(&world, &criteria);
    assert_eq!(all.list("persons").len(), 50, "{}", all.text);
    let ids = found(&all);
    assert!(ids.is_sorted(), "equal scores are in order of id");
    assert_eq!(ids, found(&search(&world, &criteria)));

    let fewer = search(&world, &with(&criteria, json!({"limit": 49})));
    assert_eq!(fewer["too_many"], true);
    crowd(50, 51);
    let crowded = search(&world, &criteria);
    assert_eq!(crowded["too_many"], true, "{}", crowded.text);
    assert!(crowded.list("persons").is_empty());
    let narrower = with(&criteria, json!({"given_names": ["aaao"]}));
    assert_eq!(search(&world, &narrower).list("persons").len(), 1);
    for row in audit_of(&world, "search_person").iter().skip(2).take(2) {
        assert_eq!(row.persons, "[]", "nobody was shown");
    }
}

#[test]
fn the_best_comes_first() {
    let world = World::start();
    let sounds = world.registers("gp", "1", &katherine("sounds")).person();
    let same = with(&katherine("same"), json!({"family_name": "Smith"}));
    let same = world.registers("gp", "2", &same).person();
    let answer = search(
        &world,
        &json!({"family_name": "Smith", "given_names": ["Katherine"],
            "birth_date": "1961-03-04", "mode": "fuzzy"}),
    );
    assert_eq!(found(&answer), [same, sounds], "{}", answer.text);
}

/// Somebody with every kind of location.
fn restricted() -> Value {
    with(
        &verified_person("hidden from searches"),
        json!({
            "addresses": [{"use": "home", "lines": ["77 Hidden Orchard"], "town": "Otley",
                "postcode": "LS16 9ZX"}],
            "phones": ["07700 900987"], "emails": ["refuge@example.org"],
            "gp_practice": "C81099", "restricted": true, "gender": "female",
        }),
    )
}

#[test]
fn r110_a_search_with_a_location_is_answered_as_if_the_restricted_did_not_exist() {
    let world = World::start();
    let hidden = restricted();
    let by_name = json!({
        "family_name": hidden["family_name"], "given_names": hidden["given_names"],
        "birth_date": hidden["birth_date"], "gender": "female",
    });
    let namesake = with(
        &hidden,
        json!({"nhs_number": number("namesake"), "restricted": null, "phones": null,
            "emails": null, "gp_practice": null}),
    );
    world.registers("ed", "1", &namesake);
    let locations = [
        json!({"postcode": "LS16 9ZX"}),
        json!({"postcode": "LS16*"}),
        json!({"phone": "07700 900987"}),
        json!({"email": "refuge@example.org"}),
        json!({"gp_practice": "C81099"}),
        json!({"address_line": "77 Hidden Orchard"}),
    ];
    let mut questions = Vec::new();
    for location in &locations {
        let asked = with(&by_name, location.clone());
        questions.push(with(&asked, json!({"mode": "exact"})));
        questions.push(with(&asked, json!({"mode": "fuzzy"})));
        questions.push(with(&asked, json!({"history": true})));
        questions.push(with(&asked, json!({"birth_date": "1900"})));
        questions.push(with(location, json!({"nhs_number": hidden["nhs_number"]})));
    }
    let actors = [Actor::Clinician, Actor::Steward, Actor::Integration];
    let ask = |question: &Value, actor: Actor| {
        let answer = world
            .post("/persons/search")
            .by(actor)
            .json(question)
            .send();
        (answer.status, answer.comparable())
    };
    let all = || -> Vec<(u16, Value)> {
        let each = questions.iter();
        each.flat_map(|question| actors.map(|actor| ask(question, actor)))
            .collect()
    };

    let without = all();
    let registered = world.registers("gp", "1", &hidden);
    let with_record = all();

    assert_eq!(without, with_record);
    assert!(without.iter().any(|(_, body)| mentions(body, "LS16 9ZX")));
    let by_name = search(&world, &by_name);
    assert!(by_name.mentions(&registered.person()), "{}", by_name.text);
}

#[test]
fn r109_a_restricted_person_found_by_name_shows_no_location() {
    let world = World::start();
    let hidden = restricted();
    let open = with(&hidden, json!({"restricted": null}));
    let registered = world.registers("gp", "1", &hidden).person();
    // Another record of the same person that does not know of the restriction.
    assert_eq!(world.registers("pas", "1", &open).person(), registered);
    let criteria = json!({
        "family_name": hidden["family_name"], "birth_date": hidden["birth_date"],
    });
    let answer = search(&world, &criteria);
    assert_eq!(found(&answer), [registered.as_str()]);
    assert_eq!(answer["persons"][0]["restricted"], true);
    for value in ["Hidden", "Otley", "LS16", "900987", "refuge", "C81099"] {
        assert!(!answer.text.contains(value), "{value} in {}", answer.text);
    }
    let located = with(&criteria, json!({"postcode": "LS16 9ZX"}));
    assert!(found(&search(&world, &located)).is_empty());
}

#[test]
fn a_privacy_officer_finds_the_restricted_by_where_they_live() {
    let world = World::start();
    let hidden = restricted();
    let registered = world.registers("gp", "1", &hidden).person();
    let made = world
        .accord(&[
            "token",
            "create",
            "--actor",
            "priya",
            "--role",
            "privacy_officer",
            "--person",
        ])
        .expect(0);
    let answer = world
        .post("/persons/search")
        .by(Actor::Nobody)
        .header("authorization", &format!("Bearer {}", made.out.trim()))
        .header("accord-reason", "subject access")
        .json(
            &json!({"family_name": hidden["family_name"], "birth_date": hidden["birth_date"],
            "postcode": "LS16 9ZX"}),
        )
        .send()
        .expect(200);
    assert_eq!(found(&answer), [registered]);
    assert!(answer.mentions("LS16 9ZX"));
}

#[test]
fn r130_everybody_who_was_shown_is_audited_and_the_criteria_are_not() {
    let world = World::start();
    let one = world.registers("gp", "1", &katherine("audited")).person();
    let other = world
        .registers("gp", "2", &katherine("audited too"))
        .person();
    let criteria = json!({"family_name": "Smythe", "birth_date": "1961-03-04"});
    let answer = search(&world, &criteria);
    assert_eq!(found(&answer).len(), 2, "{}", answer.text);
    search(
        &world,
        &with(&criteria, json!({"family_name": "Nobodyhere"})),
    );

    let rows = audit_of(&world, "search_person");

    assert_eq!(rows.len(), 2);
    for id in [&one, &other] {
        assert!(rows[0].persons.contains(id.as_str()), "{}", rows[0].persons);
        assert!(id.parse::<PersonId>().is_ok());
    }
    assert_eq!(rows[0].actor, "clare");
    assert_eq!(rows[0].purpose.as_deref(), Some("direct care"));
    assert_eq!(
        rows[1].persons, "[]",
        "a search that finds nobody is audited"
    );
    for row in &rows {
        let text = format!("{row:?}");
        assert!(
            !text.contains("Smythe") && !text.contains("1961-03"),
            "{text}"
        );
    }
}

#[test]
fn r131_a_search_needs_a_role_and_a_reason() {
    let world = World::shared();
    let criteria = json!({"family_name": "Quillstead", "birth_date": "1961-03-04"});
    let ask = |actor: Actor| world.post("/persons/search").by(actor).json(&criteria);
    for actor in [Actor::Engineer, Actor::Auditor, Actor::Administrator] {
        ask(actor).send().expect_problem(403, "", &["Quill"]);
    }
    ask(Actor::Nobody)
        .send()
        .expect_problem(401, "", &["Quill"]);
    ask(Actor::Steward).send().expect(200);
    ask(Actor::Clinician)
        .without_reason()
        .send()
        .expect_problem(403, "Accord-Reason", &["Quill"]);
}

#[test]
fn a_system_learns_who_somebody_is_only_when_there_is_one() {
    let world = World::start();
    let criteria = json!({"family_name": "Smith", "birth_date": "1961-03-04"});
    let ask = || {
        world
            .post("/persons/search")
            .json(&criteria)
            .send()
            .expect(200)
    };
    let first = world.registers("gp", "1", &john_smith()).person();
    let unique = ask();
    assert_eq!(found(&unique), [first]);
    assert_eq!(unique["not_unique"], false);

    world.registers("pas", "1", &john_smith());
    let several = ask();
    assert!(several.list("persons").is_empty(), "{}", several.text);
    assert_eq!(several["not_unique"], true);
    assert_eq!(search(&world, &criteria).list("persons").len(), 2);
}

#[test]
fn what_was_just_registered_is_found_though_the_index_stands_still() {
    let world = World::start_without_indexer();
    let known = katherine("beyond the index");
    let registered = world.registers("gp", "1", &known).person();
    let by = |family: &str, mode: &str| {
        let criteria = json!({"family_name": family, "given_names": ["Katherine"],
            "birth_date": "1961-03-04", "mode": mode});
        let answer = search(&world, &criteria);
        assert_eq!(answer["complete"], true, "{}", answer.text);
        found(&answer)
    };
    assert_eq!(by("Smythe", "standard"), [registered.as_str()]);
    assert_eq!(by("Smith", "fuzzy"), [registered.as_str()]);
    world.registers("gp", "1", &with(&known, json!({"family_name": "Okonkwo"})));
    assert!(by("Smythe", "standard").is_empty());
    assert_eq!(by("Okonkwo", "standard"), [registered.as_str()]);
    world.withdraws("gp", "1");
    assert!(by("Okonkwo", "standard").is_empty());
}

#[test]
fn r105_a_retired_person_is_found_as_its_survivor_and_the_withdrawn_not_at_all() {
    let world = World::start();
    let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
    let known = with(
        &grace,
        json!({"birth_date": "1957-11-06", "nhs_number": NUMBERS[8], "nhs_number_status": "01"}),
    );
    let first = world.registers("gp", "1", &known).person();
    let retired = world.registers("ed", "1", &grace).person();
    assert_ne!(first, retired);
    world.registers("ed", "1", &known);
    let criteria = json!({"family_name": "Turner", "birth_date": "1957-11-06"});
    let answer = search(&world, &criteria);
    assert_eq!(found(&answer), [first], "{}", answer.text);
    assert!(!answer.mentions(&retired));
    world.withdraws("gp", "1");
    world.withdraws("ed", "1");
    assert!(found(&search(&world, &criteria)).is_empty());
}

#[test]
fn a_held_update_finds_nobody() {
    let world = World::start();
    let known = verified_person("overlaid");
    world.registers("gp", "1", &known);
    let other = with(
        &katherine("the other"),
        json!({"nhs_number": number("another number")}),
    );
    let held = world.registers("gp", "1", &other);
    assert_eq!(held["outcome"], "update_held", "{}", held.text);
    let criteria = json!({"family_name": "Smythe", "birth_date": "1961-03-04", "history": true});
    assert!(found(&search(&world, &criteria)).is_empty());
}

#[test]
fn r122_a_lost_index_is_made_again_and_hides_nobody() {
    let world = World::start();
    let registered = world
        .registers("gp", "1", &katherine("lost index"))
        .person();
    let criteria = json!({"family_name": "Smythe", "birth_date": "1961-03-04"});
    assert_eq!(found(&search(&world, &criteria)), [registered.as_str()]);
    world.dies();
    let index = world.file("data").join("index");
    std::fs::write(index.join("meta.json"), b"{}").expect("the index is there");
    world.serves();
    assert_eq!(found(&search(&world, &criteria)), [registered.as_str()]);
}

#[test]
fn r122_an_index_that_is_far_behind_is_said() {
    let world = World::start_without_indexer();
    let oldest = katherine("the oldest of many");
    world.registers("gp", "oldest", &oldest);
    let letters = |number: usize| -> String {
        let digits = [number / 676 % 26, number / 26 % 26, number % 26];
        let letter = |digit| char::from(b'a' + u8::try_from(digit).expect("a letter"));
        digits.into_iter().map(letter).collect()
    };
    let lines: Vec<String> = (0..5_000)
        .map(|number| {
            let family = format!("Tailing{}", letters(number));
            json!({"local_id": format!("tail-{number}"), "family_name": family}).to_string()
        })
        .collect();
    world
        .post("/sources/gp/records/batch")
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);
    let newest = with(&oldest, json!({"nhs_number": number("the newest of many")}));
    let newest = world.registers("pas", "newest", &newest).person();

    let answer = search(
        &world,
        &json!({"family_name": "Smythe", "birth_date": "1961-03-04"}),
    );

    assert_eq!(answer["complete"], false, "{}", answer.text);
    assert_eq!(answer["incomplete_because"][0]["code"], "index_behind");
    assert_eq!(found(&answer), [newest]);
}
