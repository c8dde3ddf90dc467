//! Joining and parting by a human's word, through the door: what is asked, what
//! is told, and what comes back. Histories at random are in `histories.rs`.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::people::{number, person, verified_person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World, times};

fn asks(world: &World, path: &str, body: &Value) -> Answer {
    world.post(path).by(Actor::Steward).json(body).send()
}

/// A merge of two persons.
fn merges(world: &World, survivor: &str, retired: &str) -> Answer {
    let body = json!({"survivor": survivor, "retired": retired, "reason": "one and the same"});
    asks(world, "/merges", &body)
}

fn undoes(world: &World, merge: &str, dry_run: bool) -> Answer {
    let body = json!({"reason": "they are sisters", "dry_run": dry_run});
    asks(world, &format!("/merges/{merge}/undo"), &body)
}

/// To whom a record belongs.
fn owner(world: &World, source: &str, local_id: &str) -> String {
    world.cross_reference(source, local_id).person()
}

/// Two strangers with two records each.
fn two_strangers(world: &World, story: &str) -> (String, String, Value, Value) {
    let (first, second) = (format!("{story} one"), format!("{story} two"));
    let (first, second) = (person(&first), person(&second));
    let one = world
        .registers("gp", &format!("{story}-1"), &first)
        .person();
    world.registers("pas", &format!("{story}-1"), &first);
    let two = world
        .registers("gp", &format!("{story}-2"), &second)
        .person();
    world.registers("pas", &format!("{story}-2"), &second);
    assert_ne!(one, two);
    (one, two, first, second)
}

/// Twin sisters with two records each; the second has an untraced number.
fn two_sisters(world: &World, story: &str) -> (String, String, Value) {
    let household = person(story);
    let first = with(
        &household,
        json!({"given_names": ["Henrietta"], "gender": "female"}),
    );
    let second = with(
        &household,
        json!({
            "given_names": ["Philippa"], "gender": "female",
            "nhs_number": number(story), "nhs_number_status": "02",
        }),
    );
    let one = world
        .registers("gp", &format!("{story}-1"), &first)
        .person();
    world.registers("pas", &format!("{story}-1"), &first);
    let two = world
        .registers("gp", &format!("{story}-2"), &second)
        .person();
    world.registers("pas", &format!("{story}-2"), &second);
    assert_ne!(one, two);
    (one, two, second)
}

#[test]
fn complaint_1_two_merged_by_mistake_are_parted_after_three_months_of_updates() {
    let world = World::start();
    let (one, two, second) = two_sisters(&world, "mistake");
    let merge = merges(&world, &one, &two).expect(200);
    assert_eq!(merge["status"], "done", "{}", merge.text);
    let merge = merge.member("merge_id");
    assert_eq!(world.person(&two).person(), one, "the other id leads on");

    let moved = with(&second, json!({"phones": ["07700 900777"]}));
    world.registers("pas", "mistake-2", &moved);
    assert_eq!(world.registers("ed", "late-2", &second).person(), one);

    let preview = undoes(&world, &merge, true).expect(200);
    assert_eq!(
        preview["would_change"]["records"].as_array().map(Vec::len),
        Some(3)
    );
    assert!(
        preview["would_change"]["told"]
            .as_array()
            .expect("readers")
            .iter()
            .any(|told| told["person_id"] == one.as_str() && told["last_at"].is_string()),
        "{}",
        preview.text
    );
    assert_eq!(
        owner(&world, "gp", "mistake-2"),
        one,
        "nothing has happened"
    );

    let undone = undoes(&world, &merge, false).expect(200);
    assert_eq!(undone.list("restored").len(), 2, "{}", undone.text);
    assert_eq!(
        undone["moved"],
        json!([{"source": "ed", "local_id": "late-2"}]),
        "{}",
        undone.text
    );
    assert_eq!(undone["deviations"], json!([]));
    for (source, local_id, person) in [
        ("gp", "mistake-1", &one),
        ("gp", "mistake-2", &two),
        ("pas", "mistake-2", &two),
        ("ed", "late-2", &two),
    ] {
        assert_eq!(
            &owner(&world, source, local_id),
            person,
            "{source} {local_id}"
        );
    }
    let latest = world.record("pas", "mistake-2");
    assert_eq!(latest["version"], 2, "the update of the meantime stays");
    undoes(&world, &merge, false).expect_problem(409, "", &[]);
    let shown = world
        .get(&format!("/merges/{merge}"))
        .by(Actor::Steward)
        .send()
        .expect(200);
    assert_eq!(shown["status"], "undone");
    assert_eq!(shown["steps"][1]["reason"], "they are sisters");
    world.verify();
}

#[test]
fn complaint_3_and_r15_two_verified_numbers_are_refused_noted_and_shown() {
    let world = World::start();
    let one = world
        .registers("gp", "1", &verified_person("numbered one"))
        .person();
    let two = world
        .registers("gp", "2", &verified_person("numbered two"))
        .person();
    let refused = merges(&world, &one, &two).expect_problem(409, "", &[]);
    assert_eq!(refused["rule"], "R15");
    let tasks = world.tasks();
    assert_eq!(tasks["tasks"][0]["kind"], "possible_duplicate_number");
    let shown = world.person(&one);
    assert!(mentions(&shown["possible"], &two), "{}", shown.text);
    assert_eq!(owner(&world, "gp", "2"), two);
    world.verify();
}

#[test]
fn complaint_5_what_was_said_to_be_different_is_never_joined_again() {
    let world = World::start();
    let (one, two, first, second) = two_strangers(&world, "apart");
    let merge = merges(&world, &one, &two).expect(200).member("merge_id");
    let undone = undoes(&world, &merge, false).expect(200);
    let assertion = undone.member("assertion_id");
    let refused = merges(&world, &one, &two).expect_problem(409, "", &[]);
    assert_eq!(refused["rule"], "R102");
    world.withdraws("pas", "apart-1");
    world.registers("gp", "apart-1", &with(&second, json!({"phones": null})));
    world.registers("gp", "apart-1", &second);
    assert_ne!(owner(&world, "gp", "apart-1"), two, "I7");
    world.registers("gp", "apart-1", &first);
    world
        .ask(reqwest::Method::DELETE, &format!("/assertions/{assertion}"))
        .by(Actor::Steward)
        .send()
        .expect(204);
    merges(&world, &one, &two).expect(200);
    world.verify();
}

#[test]
fn complaint_8_history_tells_both_ids_and_no_event_holds_the_words() {
    let world = World::start();
    let (one, two, ..) = two_strangers(&world, "told");
    let words = "Mrs Everell rang about her sister";
    let body = json!({"survivor": one, "retired": two, "reason": words});
    let merge = asks(&world, "/merges", &body)
        .expect(200)
        .member("merge_id");
    undoes(&world, &merge, false).expect(200);
    let told = world
        .get(&format!("/persons/{two}/history"))
        .by(Actor::Steward)
        .send()
        .expect(200);
    for sentence in [
        format!("{two} was merged into {one} by a human; 2 records moved."),
        format!("{two} was replaced by {one}."),
        format!("The merge of {two} into {one} was undone by a human."),
        format!("{two} stands for itself again."),
    ] {
        assert!(told.mentions(&sentence), "{sentence}: {}", told.text);
    }
    assert!(
        !told.mentions("Everell"),
        "words stand where they can be erased"
    );
    let feed = world.get("/events?limit=200").send().expect(200);
    assert!(feed.mentions("merge_undone") && !feed.mentions("Everell"));
    let shown = world
        .get(&format!("/merges/{merge}"))
        .by(Actor::Steward)
        .send()
        .expect(200);
    assert_eq!(shown["steps"][0]["reason"], words);
    world.verify();
}

#[test]
fn complaint_9_of_many_who_merge_and_register_at_once_nobody_tears_anything() {
    const CLIENTS: usize = 6;
    let world = World::start_with(&[("ACCORD_MERGES_PER_HOUR", "1000000")]);
    for round in 0..times("ACCORD_ROUNDS", 4) {
        let story = format!("at once {round}");
        let (one, two, first, second) = two_strangers(&world, &story);
        let start = Barrier::new(CLIENTS);
        let answers: Vec<u16> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (start, world, story) = (&start, &world, &story);
                    let (one, two) = (&one, &two);
                    let (first, second) = (&first, &second);
                    scope.spawn(move || {
                        start.wait();
                        match client {
                            0 | 1 => merges(world, one, two).status,
                            2 => merges(world, two, one).status,
                            3 | 4 => {
                                let local_id = format!("{story} {client}");
                                world.registers("ed", &local_id, first).status
                            }
                            _ => world.registers("ed", story, second).status,
                        }
                    })
                })
                .collect();
            let joined = clients.into_iter().map(|client| client.join());
            joined.map(|status| status.expect("a status")).collect()
        });
        let made = answers[..3].iter().filter(|status| **status == 200).count();
        assert_eq!(made, 1, "one merge of the two: {answers:?}");
        assert!(
            answers[..3]
                .iter()
                .all(|status| [200, 409].contains(status))
        );
        assert!(
            answers[3..].iter().all(|status| *status == 201),
            "{answers:?}"
        );
        let person = owner(&world, "gp", &format!("{story}-1"));
        assert_eq!(owner(&world, "pas", &format!("{story}-2")), person);
    }
    world.verify();
}

#[test]
fn a_record_is_moved_and_stays_where_a_human_has_put_it() {
    let world = World::start();
    let (one, two, first, _) = two_strangers(&world, "moved");
    let body = |to: &str, dry_run: bool| {
        json!({
            "source": "pas", "local_id": "moved-1", "person_id": to,
            "reason": "filed under the wrong twin", "dry_run": dry_run,
        })
    };
    let preview = asks(&world, "/links", &body("new", true)).expect(200);
    assert_eq!(preview["person_id"], Value::Null);
    assert_eq!(preview["would_change"]["records"][0]["from"], one.as_str());
    let moved = asks(&world, "/links", &body("new", false)).expect(200);
    let apart = moved.person();
    assert_ne!(apart, one);
    world.registers("pas", "moved-1", &with(&first, json!({"phones": null})));
    assert_eq!(owner(&world, "pas", "moved-1"), apart, "I7");
    asks(&world, "/links", &body(&one, false)).expect_problem(409, "", &[]);
    asks(&world, "/links", &body(&two, false)).expect(200);
    assert_eq!(owner(&world, "pas", "moved-1"), two);
    assert_eq!(world.person(&apart).person(), two, "its only id leads on");
    world.verify();
}

#[test]
fn the_same_key_with_the_same_content_is_answered_the_same_and_done_once() {
    let world = World::start();
    let (one, two, ..) = two_strangers(&world, "again");
    let body = json!({"survivor": one, "retired": two, "reason": "one and the same"});
    let send = |body: &Value| {
        let request = world.post("/merges").by(Actor::Steward);
        request
            .header("idempotency-key", "merge-1")
            .json(body)
            .send()
    };
    let first = send(&body).expect(200);
    let again = send(&body).expect(200);
    assert_eq!(first.text, again.text);
    let other = json!({"survivor": two, "retired": one, "reason": "one and the same"});
    send(&other).expect_problem(409, "", &[]);
    world.verify();
}

#[test]
fn a_merge_holds_only_for_the_persons_that_were_seen() {
    let world = World::start();
    let (one, two, first, _) = two_strangers(&world, "seen");
    let tag = |person: &str| {
        let path = format!("/persons/{person}");
        let answer = world.get(&path).by(Actor::Steward).send().expect(200);
        answer.headers["etag"].clone()
    };
    let tags = format!("{}, {}", tag(&one), tag(&two));
    world.registers(
        "gp",
        "seen-1",
        &with(&first, json!({"phones": ["07700 900123"]})),
    );
    let send = |tags: &str| {
        let body = json!({"survivor": one, "retired": two, "reason": "one and the same"});
        let request = world.post("/merges").by(Actor::Steward);
        request.header("if-match", tags).json(&body).send()
    };
    send(&tags).expect_problem(412, "", &[]);
    send(&format!("{}, {}", tag(&one), tag(&two))).expect(200);
    world.verify();
}

#[test]
fn all_that_one_account_has_decided_is_taken_back() {
    let world = World::start();
    let (one, two, ..) = two_strangers(&world, "batch a");
    let (three, four, ..) = two_strangers(&world, "batch b");
    merges(&world, &one, &two).expect(200);
    merges(&world, &three, &four).expect(200);
    let moved = json!({
        "source": "pas", "local_id": "batch a-1", "person_id": "new", "reason": "a wrong list",
    });
    asks(&world, "/links", &moved).expect(200);
    let body = json!({
        "actor": "stewart", "from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z",
        "reason": "a wrong list was worked through",
    });
    let undone = asks(&world, "/merges/undo", &body).expect(200);
    assert_eq!(undone["more"], false);
    let refused = undone.list("decisions").iter();
    let refused: Vec<&Value> = refused.filter(|it| it["kind"] == "refused").collect();
    assert!(refused.is_empty(), "{refused:?}");
    for (source, local_id, person) in [
        ("pas", "batch a-1", &one),
        ("gp", "batch a-2", &two),
        ("gp", "batch b-1", &three),
        ("gp", "batch b-2", &four),
    ] {
        assert_eq!(
            &owner(&world, source, local_id),
            person,
            "{source} {local_id}"
        );
    }
    world.verify();
}

#[test]
fn whoever_may_not_merge_is_refused_and_nothing_is_asked_without_a_reason() {
    let world = World::start();
    let (one, two, ..) = two_strangers(&world, "roles");
    let body = json!({"survivor": one, "retired": two, "reason": "one and the same"});
    for actor in [Actor::Integration, Actor::Clinician] {
        let answer = world.post("/merges").by(actor).json(&body).send();
        answer.expect_problem(403, "", &[]);
    }
    for reason in ["", "   ", "two\nlines"] {
        let body = json!({"survivor": one, "retired": two, "reason": reason});
        asks(&world, "/merges", &body).expect_problem(422, "reason", &[]);
    }
    merges(&world, &one, "P-00000000000070008000000000000000").expect_problem(404, "", &[]);
    merges(&world, &one, &one).expect_problem(409, "", &[]);
}
