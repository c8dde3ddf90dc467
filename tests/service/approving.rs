//! Merges that wait for a second human, what they would change, what becomes of
//! them meanwhile, and how many one human may make; and what follows from the
//! decisions of questions that join nobody.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::people::{NUMBERS, person, verified_person, with};
use crate::request::Answer;
use crate::world::{Actor, World};

fn asks(world: &World, actor: Actor, path: &str, body: &Value) -> Answer {
    world.post(path).by(actor).json(body).send()
}

fn merge_of(survivor: &str, retired: &str) -> Value {
    json!({"survivor": survivor, "retired": retired, "reason": "one and the same"})
}

/// Opens the task and says the outcome.
fn says(world: &World, actor: Actor, task: &str, outcome: &str) -> Answer {
    let path = format!("/review/tasks/{task}");
    let opened = world.get(&path).by(actor).send().expect(200);
    let said = json!({"outcome": outcome, "reason": "as I see it",
        "evidence": opened["evidence"]});
    asks(world, actor, &format!("{path}/decide"), &said)
}

/// A merge that waits: one of the two has a verified number.
fn proposed(world: &World, story: &str) -> (String, String, Answer) {
    let one = world.registers("gp", &format!("{story}-1"), &verified_person(story));
    let other = person(&format!("{story} other"));
    let other = world.registers("gp", &format!("{story}-2"), &other);
    let (one, other) = (one.person(), other.person());
    let merge = asks(world, Actor::Steward, "/merges", &merge_of(&one, &other));
    let merge = merge.expect(200);
    assert_eq!(merge["status"], "awaiting_approval", "{}", merge.text);
    (one, other, merge)
}

fn status(world: &World, merge: &Answer) -> String {
    let path = format!("/merges/{}", merge.member("merge_id"));
    let shown = world.get(&path).by(Actor::Steward).send().expect(200);
    shown.member("status")
}

#[test]
fn r114_a_merge_is_approved_by_a_second_human_and_by_no_other() {
    let world = World::start();
    let (one, other, merge) = proposed(&world, "approved");
    let task = merge.member("task");
    let page = world.get(&format!("/review/tasks/{task}"));
    let page = page.by(Actor::Approver).send().expect(200);
    let why = &page["history"][0]["words"];
    assert_eq!(why, "one and the same", "{}", page.text);
    let own = says(&world, Actor::Steward, &task, "approve");
    assert!(matches!(own.status, 403 | 409), "{}", own.text);
    assert_eq!(world.person(&other).person(), other, "nothing has happened");

    let approved = says(&world, Actor::Approver, &task, "approve").expect(200);

    assert_eq!(approved["merge_id"], merge["merge_id"], "{}", approved.text);
    assert_eq!(world.person(&other).person(), one);
    assert_eq!(status(&world, &merge), "done");
    assert!(world.tasks().tasks().is_empty(), "the question is answered");
    world.verify();
}

#[test]
fn r114_a_merge_that_is_rejected_joins_nobody_and_may_be_asked_for_again() {
    let world = World::start();
    let (one, other, merge) = proposed(&world, "rejected");
    let again = asks(
        &world,
        Actor::SecondSteward,
        "/merges",
        &merge_of(&one, &other),
    );
    again.expect_problem(409, "", &[]);

    says(&world, Actor::Approver, &merge.member("task"), "reject").expect(200);

    assert_eq!(status(&world, &merge), "dropped");
    assert_eq!(world.person(&other).person(), other);
    let again = asks(
        &world,
        Actor::SecondSteward,
        "/merges",
        &merge_of(&one, &other),
    );
    assert_eq!(again.expect(200)["status"], "awaiting_approval");
    world.verify();
}

#[test]
fn r118_a_proposed_merge_and_the_question_of_its_pair_are_one_task() {
    let world = World::start();
    let known = verified_person("one task");
    let one = world.registers("gp", "one-1", &known).person();
    let bare = json!({
        "given_names": known["given_names"], "family_name": known["family_name"],
        "birth_date": known["birth_date"],
    });
    let other = world.registers("pas", "one-2", &bare).person();
    let asked = world.tasks().tasks();
    let [question] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let weight = world.person(&one)["possible"][0]["weight_bits"].clone();
    assert!(weight.as_f64().is_some_and(|bits| bits > 1.0), "{weight}");

    let dry = with(&merge_of(&one, &other), json!({"dry_run": true}));
    let dry = asks(&world, Actor::Steward, "/merges", &dry).expect(200);
    let closed = json!([{"task": question, "kind": "possible_duplicate", "change": "closed"}]);
    assert_eq!(dry["would_change"]["tasks"], closed, "{}", dry.text);
    let merge = asks(&world, Actor::Steward, "/merges", &merge_of(&one, &other));
    let approval = merge.expect(200).member("task");
    assert_eq!(world.tasks().tasks().join(" "), approval, "one task");
    let person = world.person(&one);
    assert_eq!(person.list("possible").len(), 1, "{}", person.text);
    assert_eq!(person["possible"][0]["person_id"], other.as_str());
    assert_eq!(person["possible"][0]["weight_bits"], weight);
    let opened = world.task(&approval);
    assert!(!opened.list("explanation").is_empty(), "{}", opened.text);

    // That the merge is not made answers nothing: it is asked again.
    says(&world, Actor::Approver, &approval, "reject").expect(200);
    let again = world.tasks().tasks();
    assert_eq!(again.len(), 1, "{again:?}");
    assert_ne!(again[0], approval);
    let again = world.task(&again[0]);
    assert_eq!(again["kind"], "possible_duplicate", "{}", again.text);
    assert_eq!(world.person(&one)["possible"][0]["weight_bits"], weight);

    // Half read, it is answered where it is asked.
    let question = again.member("task_id");
    says(&world, Actor::Steward, &question, "different").expect(200);
    let past = merge_of(&one, &other);
    let past = asks(&world, Actor::SecondSteward, "/merges", &past);
    past.expect_problem(409, &question, &[]);
    world.verify();
}

#[test]
fn r114_a_waiting_merge_is_dropped_when_one_of_its_persons_is_gone() {
    let world = World::start();
    // Withdrawn by its source.
    let (_, _, withdrawn) = proposed(&world, "withdrawn");
    world.withdraws("gp", "withdrawn-2");
    // Alone under its person, and now the evidence says whose it is.
    let known = verified_person("joined");
    let bare = json!({"family_name": known["family_name"], "birth_date": known["birth_date"]});
    let other = world.registers("gp", "joined-2", &bare).person();
    let one = world.registers("gp", "joined-1", &verified_person("another"));
    let joined = merge_of(&one.person(), &other);
    let joined = asks(&world, Actor::Steward, "/merges", &joined).expect(200);
    let elsewhere = world.registers("pas", "joined-3", &known).person();
    assert_ne!(elsewhere, other);
    let update = world.registers("gp", "joined-2", &known);
    assert_eq!(update.person(), elsewhere, "{}", update.text);
    assert_eq!(world.person(&other).person(), elsewhere, "it leads on");

    for merge in [&withdrawn, &joined] {
        assert_eq!(status(&world, merge), "dropped");
        let late = says(&world, Actor::Approver, &merge.member("task"), "approve");
        assert_eq!(late.status, 409, "{}", late.text);
    }
    assert!(world.tasks().tasks().is_empty(), "nothing waits for nobody");
    world.verify();
}

#[test]
fn a_dry_run_shows_records_golden_values_ids_tasks_and_who_was_told() {
    let world = World::start();
    let known = verified_person("preview");
    let one = world.registers("gp", "preview-1", &known).person();
    let other = with(
        &person("preview other"),
        json!({"phones": ["07700 900321"], "effective_at": "2026-01-05T09:00:00Z"}),
    );
    let other = world.registers("pas", "preview-2", &other).person();
    world.get(&format!("/persons/{other}")).send().expect(200);
    let before = world.tasks().text;

    let asked = with(&merge_of(&one, &other), json!({"dry_run": true}));
    let preview = asks(&world, Actor::Steward, "/merges", &asked).expect(200);

    assert_eq!(preview["status"], "awaiting_approval", "{}", preview.text);
    let change = &preview["would_change"];
    assert_eq!(
        change["records"],
        json!([{"source": "pas", "local_id": "preview-2", "from": other, "to": one}])
    );
    assert_eq!(
        change["persons"],
        json!([{"person_id": other, "becomes": "retired", "replaced_by": one}])
    );
    let golden = change["golden"].as_array().expect("golden values");
    let phone = golden.iter().find(|step| step["field"] == "phones");
    let phone = phone.unwrap_or_else(|| panic!("{}", preview.text));
    assert_eq!(phone["person_id"], one.as_str());
    assert_ne!(phone["before"], phone["after"], "{}", preview.text);
    let told = change["told"].as_array().expect("readers").iter();
    let told: Vec<&Value> = told.filter(|told| told["reader"] == "engine").collect();
    assert!(
        !told.is_empty() && told[0]["last_at"].is_string(),
        "{}",
        preview.text
    );
    assert_eq!(world.tasks().text, before, "nothing has happened");

    // What was foreseen is what comes.
    let merge = asks(&world, Actor::Steward, "/merges", &merge_of(&one, &other));
    let merge = merge.expect(200);
    says(&world, Actor::Approver, &merge.member("task"), "approve").expect(200);
    let shown = world
        .get(&format!("/persons/{one}/golden"))
        .by(Actor::Steward);
    let shown = shown.send().expect(200);
    for step in golden {
        let mut values = shown.list("values").iter();
        let found = values.find(|value| value["field"] == step["field"]);
        let found = found.map_or(&Value::Null, |value| &value["value"]);
        assert_eq!(found, &step["after"], "{}: {}", step["field"], shown.text);
    }
    // The way back shows the same values the other way round.
    let path = format!("/merges/{}/undo", merge.member("merge_id"));
    let undo = json!({"reason": "two people", "dry_run": true});
    let undo = asks(&world, Actor::Steward, &path, &undo).expect(200);
    let back = undo["would_change"]["golden"].as_array().expect("values");
    for step in golden {
        let of_one = back
            .iter()
            .find(|back| back["field"] == step["field"] && back["person_id"] == one.as_str());
        let of_one = of_one.unwrap_or_else(|| panic!("{} of {}", step["field"], undo.text));
        assert_eq!(of_one["after"], step["before"]);
    }
    assert!(
        back.iter().any(|step| step["person_id"] == other.as_str()
            && step["before"].is_null()
            && !step["after"].is_null()),
        "{}",
        undo.text
    );
    world.verify();
}

#[test]
fn t8_the_merges_of_an_hour_are_counted_also_when_they_come_at_once() {
    const LIMIT: usize = 5;
    let world = World::start_with(&[("ACCORD_MERGES_PER_HOUR", "5")]);
    let strangers: Vec<String> = (0..24)
        .map(|place| {
            let local_id = format!("crowd-{place}");
            world
                .registers("gp", &local_id, &person(&local_id))
                .person()
        })
        .collect();
    let gate = Barrier::new(12);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let pairs: Vec<_> = strangers
            .chunks(2)
            .map(|pair| {
                scope.spawn(|| {
                    gate.wait();
                    asks(
                        &world,
                        Actor::Steward,
                        "/merges",
                        &merge_of(&pair[0], &pair[1]),
                    )
                    .status
                })
            })
            .collect();
        let statuses = pairs.into_iter().map(|pair| pair.join().expect("asked"));
        statuses.collect()
    });
    let done = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((done, refused), (LIMIT, 12 - LIMIT), "{statuses:?}");
    // Saying "the same" is a merge, too.
    let (a, b) = (&json!({"source": "gp", "local_id": "crowd-0"}), "crowd-22");
    let same = json!({"a": a, "b": {"source": "gp", "local_id": b}, "kind": "same",
        "reason": "one and the same"});
    asks(&world, Actor::Steward, "/assertions", &same).expect_problem(429, "", &[]);
    asks(&world, Actor::SecondSteward, "/assertions", &same).expect(201);
    world.verify();
}

#[test]
fn t8_what_a_person_decided_through_a_system_is_taken_back_too() {
    let world = World::start();
    let source = json!({"code": "portal", "name": "Pages for people", "acts_for_people": true});
    asks(&world, Actor::Administrator, "/sources", &source).expect(201);
    let portal = [
        "token",
        "create",
        "--actor",
        "portal",
        "--role",
        "integration",
    ];
    let token = world
        .accord(&[&portal[..], &["--source", "portal"]].concat())
        .expect(0);
    let bearer = format!("Bearer {}", token.out.trim());
    let ids = ["far-1", "far-2", "far-3"];
    let own = ids.map(|id| world.registers("gp", id, &person(id)).person());
    world.registers("pas", "far-3", &person("far-3"));
    let through = |path: &str, body: &Value| {
        let asked = world
            .post(path)
            .by(Actor::Nobody)
            .header("authorization", &bearer);
        let asked = asked
            .header("accord-user", "ursula")
            .header("accord-role", "steward");
        asked.header("accord-reason", "a list").json(body).send()
    };
    through("/merges", &merge_of(&own[0], &own[1])).expect(200);
    let moved = json!({"source": "pas", "local_id": "far-3", "person_id": own[0],
        "reason": "a wrong list"});
    through("/links", &moved).expect(200);
    let owner = |source: &str, id: &str| world.cross_reference(source, id).person();
    assert_eq!(owner("pas", "far-3"), own[0]);

    for (who, dry_run) in [("portal", true), ("ursula", false)] {
        let body = json!({"actor": who, "from": "2000-01-01T00:00:00Z",
            "to": "2100-01-01T00:00:00Z", "reason": "a wrong list", "dry_run": dry_run});
        let undone = asks(&world, Actor::Steward, "/merges/undo", &body).expect(200);
        let kinds: Vec<&str> = undone
            .list("decisions")
            .iter()
            .filter_map(|decision| decision["kind"].as_str())
            .collect();
        let moved = if dry_run { "follows" } else { "move" };
        assert!(
            kinds.contains(&"merge") && kinds.contains(&moved),
            "{who}: {}",
            undone.text
        );
    }
    assert_eq!(owner("gp", "far-2"), own[1]);
    assert_eq!(owner("pas", "far-3"), own[2]);
    world.verify();
}

#[test]
fn r101_a_doubtful_link_is_answered_by_same_or_by_different() {
    let world = World::start();
    for (source, outcome) in [("gp", "same"), ("ed", "different")] {
        let email = format!("{source}@example.org");
        let known = with(&person(source), json!({"emails": [email]}));
        world.registers(source, "doubt-1", &known);
        let person = world.registers("pas", source, &known).person();
        // A correction takes away what had joined the two.
        let corrected = with(&known, json!({"birth_date": "1987-11-26"}));
        let update = world.registers("pas", source, &corrected);
        assert_eq!(update.person(), person, "an update never moves it away");
        let tasks = world.tasks();
        let doubtful = tasks.list("tasks").iter();
        let doubtful = doubtful.filter(|task| task["kind"] == "link_doubtful");
        let task = doubtful.map(|task| task["task_id"].clone()).next();
        let Some(task) = task else {
            panic!("{source}: {} {}", update.text, tasks.text)
        };
        let task = task.as_str().expect("an id").to_owned();
        says(&world, Actor::Steward, &task, outcome).expect(200);
        let now = world.cross_reference("pas", source).person();
        assert_eq!(now == person, outcome == "same", "{source}");
    }
    world.verify();
}

#[test]
fn r15_two_numbers_of_which_one_is_replaced_are_one_and_may_be_merged() {
    let world = World::start();
    let numbered = |story: &str, number: &str| {
        with(
            &person(story),
            json!({"nhs_number": number, "nhs_number_status": "01"}),
        )
    };
    let one = world
        .registers("gp", "live-1", &numbered("live one", NUMBERS[0]))
        .person();
    let other = world
        .registers("pas", "live-2", &numbered("live two", NUMBERS[1]))
        .person();
    let ask = |body: &Value| asks(&world, Actor::Steward, "/merges", body);
    ask(&merge_of(&one, &other)).expect_problem(409, "R15", &[]);

    // A third record, of somebody else, tells that the one number replaces the other
    // by way of a third.
    for (source, number, replaced) in [
        ("ed", NUMBERS[2], NUMBERS[0]),
        ("hospice", NUMBERS[1], NUMBERS[2]),
    ] {
        let said = with(
            &numbered("live teller", number),
            json!({"replaces_nhs_number": replaced}),
        );
        world.registers(source, "teller", &said);
    }
    let merge = ask(&merge_of(&one, &other)).expect(200);
    assert_eq!(merge["status"], "awaiting_approval", "{}", merge.text);
    says(&world, Actor::Approver, &merge.member("task"), "approve").expect(200);
    assert_eq!(world.person(&other).person(), one);

    // Whoever searches by the old number finds the person, and the number that was sent.
    let search = json!({"nhs_number": NUMBERS[0]});
    let found = asks(&world, Actor::Steward, "/persons/search", &search).expect(200);
    assert!(found.mentions(&one), "{}", found.text);
    world.verify();
}
