//! Two who were one by mistake and are sealed: what joins and parts people, what is
//! told of the past, and what is given to the person itself, name one side alone (R22).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::doors::READERS;
use crate::people::{NUMBERS, person, with};
use crate::request::Answer;
use crate::sealing::{Side, after, before, seal, side, told_together};
use crate::world::{Actor, World, record_path};

/// The same, and sealed.
fn once_one(world: &World) -> (Side, Side, String, String) {
    let (a, b, merge, at) = parted(world);
    seal(world, &a, &b).expect(201);
    (a, b, merge, at)
}

/// Two strangers, merged by mistake and parted again; with the merge and a moment at
/// which they were one.
fn parted(world: &World) -> (Side, Side, String, String) {
    let apart = json!({"nhs_number": NUMBERS[4], "nhs_number_status": "02"});
    let a = side(world, "gp", "side-of-a", with(&person("sealed one"), apart));
    let apart = json!({"nhs_number": NUMBERS[5], "nhs_number_status": "02"});
    let b = side(
        world,
        "pas",
        "side-of-b",
        with(&person("sealed two"), apart),
    );
    let steward = |path: &str, body: &Value| world.post(path).by(Actor::Steward).json(body).send();
    let asked = json!({"survivor": a.person, "retired": b.person, "reason": "one"});
    let merge = steward("/merges", &asked).expect(200).member("merge_id");
    let shown = world.get(&format!("/merges/{merge}")).by(Actor::Steward);
    let at = shown.send().expect(200)["steps"][0]["at"].clone();
    for person in [&a.person, &b.person] {
        world.get(&format!("/persons/{person}")).send().expect(200);
    }
    let undo = format!("/merges/{merge}/undo");
    steward(&undo, &json!({"reason": "two"})).expect(200);
    (a, b, merge, at.as_str().expect("an instant").to_owned())
}

#[test]
fn r22_two_who_were_one_by_mistake_are_nowhere_seen_to_have_been() {
    let world = World::start();
    let (a, b, _, at) = once_one(&world);
    let at = at.replace(':', "%3A").replace('+', "%2B");
    for asked in [&a, &b] {
        let person = format!("/persons/{}", asked.person);
        let record = record_path(asked.source, asked.local_id);
        for path in [
            person.clone(),
            format!("{person}/history"),
            format!("{person}/records"),
            format!("{person}?as_of={at}"),
            format!("{person}/records?as_of={at}"),
            format!("{person}/golden?as_of={at}"),
            format!("{person}/history?as_of={at}"),
            format!("{record}?as_of={at}"),
            format!("{record}/person?as_of={at}"),
            "/events".to_owned(),
            "/events/unacknowledged".to_owned(),
        ] {
            for actor in READERS {
                let answer = world.get(&path).by(*actor).send();
                assert!(answer.status < 500, "{path}: {}", answer.text);
                if answer.status == 200 {
                    let together = told_together(&path, &answer, &a, &b);
                    assert!(!together, "{path}: {}", answer.text);
                }
            }
        }
    }
    // Two changes in one commit would tell of one another, too.
    let chased = world
        .get("/events/unacknowledged")
        .by(Actor::Steward)
        .send();
    let chased = chased.expect(200);
    let changed = |side: &Side| -> BTreeSet<String> {
        let entries = chased.list("unacknowledged").iter();
        let own = entries.filter(|entry| entry["person_id"] == side.person.as_str());
        own.map(|entry| entry["changed_at"].to_string()).collect()
    };
    assert!(changed(&a).is_disjoint(&changed(&b)), "{}", chased.text);
    world.verify();
}

#[test]
fn r22_joining_and_parting_a_sealed_pair_is_answered_as_of_somebody_unknown() {
    const NOBODY: &str = "P-00000000000070008000000000000000";
    let world = World::start();
    let (a, b, merge, _) = once_one(&world);
    let post = |path: &str, body: &Value| {
        let asked = world.post(path).by(Actor::Steward);
        asked.json(body).send()
    };
    let same = |sealed: &Answer, unknown: &Answer| {
        assert_eq!(sealed.status, unknown.status, "{}", sealed.text);
        assert_eq!(sealed.comparable(), unknown.comparable());
        assert!(sealed.status >= 400, "{}", sealed.text);
    };
    for dry_run in [true, false] {
        let merge = |retired: &str| {
            let body = json!({"survivor": a.person, "retired": retired, "reason": "one",
                "dry_run": dry_run});
            post("/merges", &body)
        };
        same(&merge(&b.person), &merge(NOBODY));
        let link = |person: &str| {
            let body = json!({"source": a.source, "local_id": a.local_id, "person_id": person,
                "reason": "one", "dry_run": dry_run});
            post("/links", &body)
        };
        same(&link(&b.person), &link(NOBODY));
    }
    for kind in ["same", "different"] {
        let say = |source: &str, local_id: &str| {
            let body = json!({"a": {"source": a.source, "local_id": a.local_id},
                "b": {"source": source, "local_id": local_id}, "kind": kind, "reason": "known"});
            post("/assertions", &body)
        };
        same(&say(b.source, b.local_id), &say(b.source, "nobody"));
    }
    let unknown = "M-00000000000070008000000000000000";
    let show = |merge: &str| {
        let path = format!("/merges/{merge}");
        world.get(&path).by(Actor::Steward).send()
    };
    same(&show(&merge), &show(unknown));
    let undo = |merge: &str| post(&format!("/merges/{merge}/undo"), &json!({"reason": "two"}));
    same(&undo(&merge), &undo(unknown));
    let all = json!({"actor": "stewart", "from": "2000-01-01T00:00:00Z",
        "to": "2100-01-01T00:00:00Z", "reason": "a list", "dry_run": true});
    let all = post("/merges/undo", &all).expect(200);
    assert!(!told_together("/merges/undo", &all, &a, &b), "{}", all.text);
    world.verify();
}

#[test]
fn r132_subject_access_holds_all_of_the_person_and_nobody_else() {
    let world = World::start();
    let mother = json!({"source": "gp", "local_id": "mother-1", "nhs_number": NUMBERS[6]});
    let friend =
        json!([{"relationship": "friend", "name": "Canaryfriend", "phone": "07700 900999"}]);
    let known = with(
        &before(),
        json!({"mother": mother, "associated_persons": friend,
            "other_columns": {"NK1": "Canaryfriend, 07700 900999"}}),
    );
    let a = side(&world, "gp", "side-of-a", known.clone());
    let again = with(&known, json!({"phones": ["07700 900111"]}));
    world.registers("gp", "side-of-a", &again);
    world.registers("ed", "short", &before());
    world.withdraws("ed", "short");
    let b = side(&world, "pas", "side-of-b", after());
    seal(&world, &a, &b).expect(201);
    world
        .get(&format!("/persons/{}", a.person))
        .by(Actor::Clinician)
        .send()
        .expect(200);

    let path = format!("/persons/{}/subject-access", a.person);
    let ask = |actor: Actor| world.get(&path).by(actor);
    ask(Actor::Steward).send().expect_problem(403, "", &[]);
    ask(Actor::PrivacyOfficer)
        .without_reason()
        .send()
        .expect_problem(403, "", &[]);
    let held = ask(Actor::PrivacyOfficer).send().expect(200);

    for held_of in [
        "Beforely",
        "07700 900111",
        NUMBERS[4],
        "side-of-a",
        "short",
        "clare",
        "priya",
    ] {
        assert!(held.text.contains(held_of), "{held_of}: {}", held.text);
    }
    for others in b.marks.iter().map(String::as_str).chain([
        "Canaryfriend",
        "07700 900999",
        "mother-1",
        NUMBERS[6],
        "seal",
    ]) {
        assert!(!held.text.contains(others), "{others}: {}", held.text);
    }
    assert_eq!(held.list("records").len(), 2, "{}", held.text);
    assert_eq!(
        held["records"][1]["versions"].as_array().map(Vec::len),
        Some(2)
    );
    world.verify();
}

#[test]
fn r132_subject_access_leaves_out_who_was_here_by_mistake() {
    let world = World::start();
    let (a, b, _, _) = parted(&world);
    world.withdraws(b.source, b.local_id);
    let path = format!("/persons/{}/subject-access", a.person);
    let held = world
        .get(&path)
        .by(Actor::PrivacyOfficer)
        .send()
        .expect(200);
    assert!(held.text.contains(a.local_id), "{}", held.text);
    for others in &b.marks {
        assert!(!held.text.contains(others), "{others}: {}", held.text);
    }
}
