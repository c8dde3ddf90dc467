//! What happens to the values of an identity: a number is replaced, a birth or death
//! cannot be, somebody dies and goes on visiting, a date is corrected.

use serde_json::{Value, json};

use crate::people::{NUMBERS, person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World};

/// The open tasks of a kind.
fn asked(world: &World, kind: &str) -> Vec<Value> {
    let tasks = world.tasks();
    let open = tasks.list("tasks").iter();
    open.filter(|task| task["kind"] == kind && task["state"] == "open")
        .cloned()
        .collect()
}

fn findings(answer: &Answer) -> Vec<&str> {
    let found = answer.list("findings").iter();
    found
        .filter_map(|finding| finding["code"].as_str())
        .collect()
}

fn numbered(story: &str, number: &str) -> Value {
    with(&verified_person(story), json!({"nhs_number": number}))
}

#[test]
fn r16_a_record_with_a_replaced_number_and_one_with_its_successor_are_one_person() {
    let world = World::start();
    let old = numbered("renumbered", NUMBERS[0]);
    let first = world.registers("gp", "1", &old);
    let said = with(
        &numbered("renumbered", NUMBERS[1]),
        json!({"replaces_nhs_number": NUMBERS[0]}),
    );
    let second = world.registers("pas", "1", &said);
    assert_eq!(second.person(), first.person(), "{}", second.text);
    assert_eq!(second["route"], "deterministic");
    let third = with(
        &numbered("renumbered", NUMBERS[2]),
        json!({"replaces_nhs_number": NUMBERS[1]}),
    );
    assert_eq!(world.registers("ed", "1", &third).person(), first.person());
    // Whoever still sends the first number is the same.
    let late = world.registers("hospice", "1", &old);
    assert_eq!(late.person(), first.person(), "{}", late.text);
    assert_eq!(
        asked(&world, "possible_duplicate_number"),
        Vec::<Value>::new()
    );
    let found = world.matches(&json!({
        "nhs_number": NUMBERS[0], "nhs_number_status": "01",
        "birth_date": old["birth_date"], "given_names": old["given_names"],
    }));
    assert_eq!(found["candidates"][0]["person_id"], first["person_id"]);
    world.verify();
}

#[test]
fn r16_a_source_that_learns_the_new_number_joins_those_who_have_it() {
    let world = World::start_without_indexer();
    let old = numbered("learns", NUMBERS[0]);
    let new = numbered("learns", NUMBERS[2]);
    let first = world.registers("gp", "1", &new);
    let second = world.registers("pas", "1", &old);
    assert_ne!(first.person(), second.person(), "R15 keeps them apart");
    assert_eq!(asked(&world, "possible_duplicate_number").len(), 1);

    let said = with(&new, json!({"replaces_nhs_number": NUMBERS[0]}));
    let joined = world.registers("pas", "1", &said);

    assert_eq!(joined.person(), first.person(), "{}", joined.text);
    assert_eq!(joined["outcome"], "linked");
    assert_eq!(
        asked(&world, "possible_duplicate_number"),
        Vec::<Value>::new()
    );
    world.verify();
}

#[test]
fn r15_without_a_statement_two_numbers_stay_two() {
    let world = World::start();
    let first = world.registers("gp", "1", &numbered("two numbers", NUMBERS[0]));
    let second = world.registers("pas", "1", &numbered("two numbers", NUMBERS[2]));
    assert_ne!(first.person(), second.person());
    world.verify();
}

#[test]
fn r56_a_birth_after_the_event_is_kept_apart_and_asked_about() {
    let world = World::start();
    let known = verified_person("born late");
    let late = with(
        &known,
        json!({"birth_date": "2025-01-01", "effective_at": "2020-03-04T09:00:00Z"}),
    );
    let answer = world.registers("gp", "1", &late);
    assert!(
        findings(&answer).contains(&"birth_date_after_event"),
        "{}",
        answer.text
    );
    let tasks = asked(&world, "implausible_dates");
    assert_eq!(tasks.len(), 1);
    assert_eq!(answer.tasks().len(), 1);
    let task = world.task(answer.tasks()[0].as_str());
    assert_eq!(task["reasons"][0]["rule"], "R56", "{}", task.text);
    // What was sent is kept, and not compared.
    assert_eq!(
        world.record("gp", "1")["record"]["birth_date"],
        "2025-01-01"
    );
    let golden = world
        .get(&format!("/persons/{}/golden", answer.person()))
        .by(Actor::Steward)
        .send()
        .expect(200);
    let mut values = golden.list("values").iter();
    let birth = values.find(|value| value["field"] == "birth_date");
    assert_eq!(birth.expect("a birth date")["chosen"], "nothing_usable");
}

#[test]
fn r56_a_death_before_the_birth_is_asked_about() {
    let world = World::start();
    let dead = with(
        &verified_person("died early"),
        json!({"death_date": "1901-02-03", "death_status": "2"}),
    );
    let answer = world.registers("gp", "1", &dead);
    assert!(
        findings(&answer).contains(&"death_before_birth"),
        "{}",
        answer.text
    );
    assert_eq!(asked(&world, "implausible_dates").len(), 1);
}

#[test]
fn r57_an_expected_date_joins_nobody() {
    let world = World::start();
    let place = json!([{"lines": ["3 Heron Close"], "town": "Leeds", "postcode": "LS7 1AB"}]);
    let unborn = json!({
        "given_names": ["Unborn"], "family_name": "Thornwick", "birth_date": "2026-03-01",
        "addresses": place,
    });
    let baby = json!({
        "given_names": ["Perdita"], "family_name": "Thornwick", "birth_date": "2026-03-01",
        "addresses": place,
    });
    let expected = world.registers("maternity", "1", &unborn);
    assert!(
        findings(&expected).contains(&"birth_date_expected"),
        "{}",
        expected.text
    );
    let born = world.registers("maternity", "2", &baby);
    assert_ne!(born.person(), expected.person());
}

#[test]
fn r58_a_contact_after_the_death_is_asked_about_and_splits_nobody() {
    let world = World::start();
    let known = verified_person("went on visiting");
    let dead = with(
        &known,
        json!({
            "death_date": "2024-05-01", "death_status": "1",
            "effective_at": "2024-05-02T08:00:00Z",
        }),
    );
    let first = world.registers("pas", "1", &dead);
    let before = with(&known, json!({"effective_at": "2024-04-20T09:00:00Z"}));
    assert_eq!(world.registers("ed", "1", &before).person(), first.person());
    assert_eq!(asked(&world, "activity_after_death"), Vec::<Value>::new());

    let after = with(&known, json!({"effective_at": "2024-05-09T09:00:00Z"}));
    let contact = world.registers("gp", "1", &after);

    assert_eq!(contact.person(), first.person(), "the link is unchanged");
    let tasks = asked(&world, "activity_after_death");
    assert_eq!(tasks.len(), 1);
    assert_eq!(world.cross_reference("pas", "1").person(), first.person());
    world.registers(
        "gp",
        "1",
        &with(&after, json!({"effective_at": "2024-06-09T09:00:00Z"})),
    );
    assert_eq!(
        asked(&world, "activity_after_death").len(),
        1,
        "one question, not two"
    );
    world.verify();
}

#[test]
fn r58_a_death_that_is_told_late_is_asked_about_too() {
    let world = World::start();
    let known = verified_person("told late");
    let visit = with(&known, json!({"effective_at": "2024-05-09T09:00:00Z"}));
    let first = world.registers("gp", "1", &visit);
    world.registers(
        "pas",
        "1",
        &with(&known, json!({"effective_at": "2023-01-01T00:00:00Z"})),
    );
    let dead = json!({
        "death_date": "2024-05-01", "death_status": "2", "effective_at": "2024-06-01T08:00:00Z",
    });
    let told = world.registers("pas", "1", &with(&known, dead));
    assert_eq!(told.person(), first.person());
    assert_eq!(asked(&world, "activity_after_death").len(), 1);
}

#[test]
fn r101_a_correction_that_takes_the_agreement_away_leaves_the_link_possible() {
    let world = World::start();
    let known = with(
        &person("corrected"),
        json!({"birth_date": "1961-03-04", "emails": ["corrected@example.org"]}),
    );
    let first = world.registers("gp", "1", &known);
    let second = world.registers("pas", "1", &known);
    assert_eq!(second.person(), first.person());
    let standing = |answer: &Answer| answer["standing"].clone();
    assert_eq!(standing(&world.cross_reference("pas", "1")), "holds");

    // A phone that is lost is no reason to doubt (hysteresis).
    world.registers("pas", "1", &with(&known, json!({"phones": null})));
    assert_eq!(standing(&world.cross_reference("pas", "1")), "holds");
    let corrected = world.registers(
        "pas",
        "1",
        &with(&known, json!({"birth_date": "1987-11-26"})),
    );

    assert_eq!(corrected.person(), first.person(), "it stays");
    assert!(
        findings(&corrected).contains(&"link_possible"),
        "{}",
        corrected.text
    );
    assert_eq!(asked(&world, "link_doubtful").len(), 1);
    let answered = world.cross_reference("pas", "1");
    assert_eq!(answered.person(), first.person(), "it never vanishes");
    assert_eq!(standing(&answered), "possible");
    assert!(answered["warning"].is_string(), "{}", answered.text);
    assert_eq!(world.record("pas", "1")["link"]["standing"], "possible");
    assert_eq!(standing(&world.cross_reference("gp", "1")), "holds");
    let person = world.person(&first.person());
    let marked: Vec<&Value> = person
        .list("records")
        .iter()
        .map(|it| &it["standing"])
        .collect();
    assert_eq!(marked, [&json!("holds"), &json!("possible")]);

    world.registers("pas", "1", &known);
    assert_eq!(standing(&world.cross_reference("pas", "1")), "holds");
    assert_eq!(asked(&world, "link_doubtful"), Vec::<Value>::new());
    world.verify();
}

/// What a source says of two of its own ids.
fn says_same(world: &World, source: &str, survivor: &str, retired: &str) -> Answer {
    let body = json!({"survivor": survivor, "retired": retired});
    let path = format!("/sources/{source}/merges");
    world.post(&path).json(&body).send()
}

#[test]
fn r104_a_source_merges_two_of_its_own_ids_and_nobody_elses_record_moves() {
    let world = World::start();
    let known = verified_person("two ids");
    let stays = world.registers("pas", "1", &known).person();
    let bare = json!({"family_name": known["family_name"], "phones": ["07700 900555"]});
    let goes = world.registers("pas", "2", &bare).person();
    assert_ne!(stays, goes);

    let said = says_same(&world, "pas", "1", "2").expect(200);

    assert_eq!(said["outcome"], "joined", "{}", said.text);
    assert_eq!(said.person(), stays);
    assert_eq!(world.person(&goes).person(), stays, "the id leads on");
    assert_eq!(world.cross_reference("pas", "2").person(), stays);
    let again = says_same(&world, "pas", "1", "2").expect(200);
    assert_eq!(again["outcome"], "together", "a replay: {}", again.text);

    // Another source's record would go along: that is for people.
    let third = world.registers("pas", "3", &verified_person("has company"));
    world.registers("gp", "3", &verified_person("has company"));
    let said = says_same(&world, "pas", "2", "3");
    assert_eq!(said.expect(200)["outcome"], "under_review");
    assert_eq!(world.cross_reference("gp", "3").person(), third.person());
    says_same(&world, "pas", "1", "9").expect_problem(404, "", &[]);
    says_same(&world, "pas", "1", "1").expect_problem(409, "", &[]);
    let foreign = json!({"survivor": "1", "retired": "2"});
    let foreign = world
        .post("/sources/pas/merges")
        .by(Actor::GpFeed)
        .json(&foreign);
    foreign.send().expect_problem(403, "", &[]);
    world.verify();
}

#[test]
fn r104_two_verified_numbers_of_one_source_are_a_task() {
    let world = World::start();
    let first = world.registers("pas", "1", &numbered("one of two", NUMBERS[0]));
    let second = world.registers("pas", "2", &numbered("other of two", NUMBERS[1]));

    let said = says_same(&world, "pas", "1", "2").expect(200);

    assert_eq!(said["outcome"], "under_review", "{}", said.text);
    assert_eq!(asked(&world, "possible_duplicate_number").len(), 1);
    assert_ne!(
        world.cross_reference("pas", "1").person(),
        world.cross_reference("pas", "2").person()
    );
    assert_ne!(first.person(), second.person());
    world.verify();
}
