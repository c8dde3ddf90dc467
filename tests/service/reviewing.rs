//! Questions and the people who answer them: who has one in hand, who reads it
//! second, what follows, and what is never asked again.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::people::{NUMBERS, john_smith, number, person, verified_person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World, record_path};

/// A pair that one steward may settle: nobody has a verified number.
fn plain_pair(world: &World) -> String {
    world.registers("gp", "1", &john_smith());
    world.registers("pas", "1", &john_smith());
    only_task(world)
}

/// A pair whose merge takes two people: one side has a verified number.
fn weighty_pair(world: &World) -> String {
    let verified = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
    world.registers("gp", "1", &with(&john_smith(), verified));
    world.registers("pas", "1", &john_smith());
    only_task(world)
}

#[track_caller]
fn only_task(world: &World) -> String {
    let tasks = world.tasks();
    assert_eq!(tasks.list("tasks").len(), 1, "{}", tasks.text);
    tasks.tasks()[0].clone()
}

fn opens(world: &World, task: &str, actor: Actor) -> Answer {
    world
        .get(&format!("/review/tasks/{task}"))
        .by(actor)
        .send()
        .expect(200)
}

/// Asks for a step without looking at what comes back.
fn tries(world: &World, actor: Actor, task: &str, step: &str, body: &Value) -> Answer {
    world
        .post(&format!("/review/tasks/{task}/{step}"))
        .by(actor)
        .json(body)
        .send()
}

/// Opens the task and says the outcome, with a reason.
fn says(world: &World, actor: Actor, task: &str, outcome: &str) -> Answer {
    let evidence = opens(world, task, actor).member("evidence");
    let said = json!({"outcome": outcome, "reason": "as I see it", "evidence": evidence});
    tries(world, actor, task, "decide", &said)
}

fn people_of(world: &World, records: &[(&str, &str)]) -> Vec<String> {
    let person = |(source, id): &(&str, &str)| world.cross_reference(source, id).person();
    records.iter().map(person).collect()
}

#[test]
fn a_steward_joins_a_plain_pair_and_the_older_id_goes_on() {
    let world = World::start();
    let task = plain_pair(&world);
    let before = people_of(&world, &[("gp", "1"), ("pas", "1")]);

    let decided = says(&world, Actor::Steward, &task, "same").expect(200);

    assert_eq!(decided["state"], "decided", "{}", decided.text);
    assert_eq!(decided["outcome"], "same");
    assert!(decided.member("merge_id").starts_with("M-"));
    let after = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_eq!(after, [before[0].clone(), before[0].clone()]);
    let retired = world.person(&before[1]);
    assert_eq!(retired.person(), before[0]);
    world.verify();
}

#[test]
fn different_people_are_kept_apart_also_through_a_third_record() {
    let world = World::start();
    let task = plain_pair(&world);

    let decided = says(&world, Actor::Steward, &task, "different").expect(200);

    assert!(
        decided.member("assertion_id").starts_with("A-"),
        "{}",
        decided.text
    );
    for source in ["ed", "community", "maternity"] {
        world.registers(source, "1", &john_smith());
    }
    let apart = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_ne!(apart[0], apart[1]);
    world.verify();
}

#[test]
fn two_deciders_race_and_exactly_one_wins() {
    let world = World::start();
    let names = [
        ("Ada", "Lovelace"),
        ("Mary", "Somerville"),
        ("Ann", "Other"),
    ];
    for (round, (given, family)) in names.into_iter().enumerate() {
        let patient = with(
            &john_smith(),
            json!({"given_names": [given], "family_name": family, "gender": "female"}),
        );
        let id = round.to_string();
        world.registers("gp", &id, &patient);
        let second = world.registers("pas", &id, &patient);
        let Some(task) = second.tasks().first().cloned() else {
            panic!("nothing is asked: {}", second.text);
        };
        let seen = opens(&world, &task, Actor::Steward).member("evidence");
        let say = |actor, outcome| {
            let said = json!({"outcome": outcome, "reason": "a race", "evidence": seen});
            tries(&world, actor, &task, "decide", &said)
        };
        let answers = thread::scope(|scope| {
            let one = scope.spawn(|| say(Actor::Steward, "same"));
            let other = scope.spawn(|| say(Actor::SecondSteward, "different"));
            [one, other].map(|asked| asked.join().expect("an answer"))
        });
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{answers:?}");
        let won = answers
            .iter()
            .find(|answer| answer.status == 200)
            .expect("one");
        assert_eq!(
            opens(&world, &task, Actor::Steward)["outcome"],
            won["outcome"]
        );
    }
    world.verify();
}

#[test]
fn a_claim_keeps_others_off_until_its_lease_ends() {
    let world = World::start();
    let task = plain_pair(&world);
    let lease = |seconds: i64| json!({"lease_seconds": seconds});

    let claimed = tries(&world, Actor::Steward, &task, "claim", &lease(600)).expect(200);

    assert_eq!(claimed["state"], "claimed");
    assert_eq!(claimed["claim"]["by"], "stewart");
    let listed = |query: &str, actor| {
        let path = format!("/review/tasks?{query}");
        let answer = world.get(&path).by(actor).send().expect(200);
        answer.list("tasks").len()
    };
    assert_eq!(listed("assigned_to=me", Actor::Steward), 1);
    assert_eq!(listed("assigned_to=me", Actor::SecondSteward), 0);
    assert_eq!(listed("state=claimed", Actor::SecondSteward), 1);
    assert_eq!(listed("state=open", Actor::SecondSteward), 0);
    for step in ["claim", "release"] {
        let body = if step == "claim" {
            lease(60)
        } else {
            json!({})
        };
        let refused = tries(&world, Actor::SecondSteward, &task, step, &body);
        refused.expect_problem(409, "in", &[]);
    }
    says(&world, Actor::SecondSteward, &task, "same").expect_problem(409, "in hand", &[]);

    tries(&world, Actor::Steward, &task, "release", &json!({})).expect(200);
    assert_eq!(listed("state=open", Actor::SecondSteward), 1);
    tries(&world, Actor::Steward, &task, "claim", &lease(1)).expect(200);
    let until = Instant::now() + Duration::from_mins(1);
    while listed("state=open", Actor::Steward) == 0 {
        assert!(Instant::now() < until, "the lease does not end");
        thread::sleep(Duration::from_millis(50));
    }
    let opened = opens(&world, &task, Actor::SecondSteward);
    assert_eq!(opened["claim"]["expired"], true, "{}", opened.text);
    says(&world, Actor::SecondSteward, &task, "same").expect(200);
    world.verify();
}

#[test]
fn r114_a_merge_with_consequences_takes_a_second_reader_who_reads_blind() {
    let world = World::start();
    let task = weighty_pair(&world);

    let ahead = opens(&world, &task, Actor::Steward);
    assert_eq!(ahead["two_readers"], json!(["verified_number"]));
    let same = &ahead.list("outcomes")[0];
    assert_eq!(
        (&same["outcome"], &same["follows"]),
        (&json!("same"), &json!("merge"))
    );
    assert_eq!(same["records_moved"], 1, "{}", ahead.text);

    let first = says(&world, Actor::Steward, &task, "same").expect(200);

    assert_eq!(first["state"], "awaiting_second", "{}", first.text);
    assert_eq!(first["merge_id"], Value::Null);
    let apart = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_ne!(apart[0], apart[1]);
    let blind = opens(&world, &task, Actor::Approver);
    assert_eq!(blind.list("decisions")[0]["outcome"], Value::Null);
    assert!(!mentions(&blind.body, "as I see it"), "{}", blind.text);
    let own = opens(&world, &task, Actor::Steward);
    assert_eq!(own.list("decisions")[0]["outcome"], "same");
    let again = says(&world, Actor::Steward, &task, "same");
    again.expect_problem(409, "another person", &[]);
    let other = says(&world, Actor::SecondSteward, &task, "same");
    other.expect_problem(403, "second pair of eyes", &[]);

    let second = says(&world, Actor::Approver, &task, "same").expect(200);

    assert_eq!(second["state"], "decided", "{}", second.text);
    let joined = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_eq!(joined[0], joined[1]);
    let seen = opens(&world, &task, Actor::Approver);
    assert_eq!(seen.list("decisions").len(), 2);
    assert!(
        mentions(&seen.body, "as I see it"),
        "settled: everybody sees"
    );
    world.verify();
}

#[test]
fn r114_disagreement_goes_to_a_third() {
    let world = World::start();
    let task = weighty_pair(&world);
    says(&world, Actor::Steward, &task, "same").expect(200);

    let second = says(&world, Actor::Approver, &task, "different").expect(200);

    assert_eq!(second["state"], "awaiting_third", "{}", second.text);
    let third = says(&world, Actor::SecondApprover, &task, "different").expect(200);
    assert_eq!(third["outcome"], "different", "{}", third.text);
    let apart = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_ne!(apart[0], apart[1]);
    world.verify();
}

#[test]
fn r15_two_live_verified_numbers_are_escalated_and_never_joined() {
    let world = World::start();
    let known = verified_person("two numbers");
    let other = with(&known, json!({"nhs_number": number("two numbers too")}));
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &other);
    let task = only_task(&world);
    let pack = format!("/review/tasks/{task}/pack");
    let none = world.get(&pack).by(Actor::Steward).send();
    none.expect_problem(409, "escalated", &[]);

    let decided = says(&world, Actor::Steward, &task, "same").expect(200);

    assert_eq!(decided["state"], "escalated", "{}", decided.text);
    let apart = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_ne!(apart[0], apart[1]);
    assert!(!world.cross_reference("gp", "1").list("possible").is_empty());
    let pack = world.get(&pack).by(Actor::Steward).send().expect(200);
    assert_eq!(pack["because"], "two_live_numbers");
    for body in [&known, &other] {
        assert!(mentions(
            &pack.body,
            body["nhs_number"].as_str().expect("a number")
        ));
    }
    assert!(!pack.list("raised_on").is_empty() && !pack.list("reasons").is_empty());
    world.verify();
}

#[test]
fn r119_the_pack_holds_no_words_and_nothing_that_nobody_mapped() {
    let world = World::start();
    let task = plain_pair(&world);
    let known = with(
        &john_smith(),
        json!({"associated_persons": [{"relationship": "mother", "name": "Canary Mother"}]}),
    );
    world.registers("gp", "1", &known);
    world.guards_text("Canarycomment");
    let comment = json!({"comment": "Canarycomment about him"});
    tries(&world, Actor::Steward, &task, "comment", &comment).expect(200);
    let evidence = opens(&world, &task, Actor::Steward).member("evidence");
    let said = json!({"reason": "Canaryreason", "evidence": evidence});

    let escalated = tries(&world, Actor::Steward, &task, "escalate", &said).expect(200);

    assert_eq!(escalated["state"], "escalated", "{}", escalated.text);
    let opened = opens(&world, &task, Actor::Steward);
    assert!(opened.text.contains("Canarycomment") && opened.text.contains("Canaryreason"));
    let path = format!("/review/tasks/{task}/pack");
    let pack = world.get(&path).by(Actor::Approver).send().expect(200);
    assert!(!pack.text.contains("Canary"), "{}", pack.text);
    assert!(mentions(&pack.body, "1961-03-04"), "{}", pack.text);
    world.verify();
}

#[test]
fn a_decision_on_evidence_that_has_changed_is_refused_with_the_digest_of_now() {
    let world = World::start();
    let task = plain_pair(&world);
    let before = opens(&world, &task, Actor::Steward);
    world.registers("gp", "1", &with(&john_smith(), json!({"title": "Mr"})));

    let said = json!({"outcome": "same", "evidence": before["evidence"]});
    let refused = tries(&world, Actor::Steward, &task, "decide", &said);

    let refused = refused.expect_problem(409, "evidence", &["Smith"]);
    let now = opens(&world, &task, Actor::Steward).member("evidence");
    assert_eq!(refused["evidence"], now.as_str(), "{}", refused.text);
    assert_ne!(before["evidence"], now.as_str());
    let said = json!({"outcome": "same", "evidence": now});
    let tag = before.headers.get("etag").expect("a tag");
    let stale = world
        .post(&format!("/review/tasks/{task}/decide"))
        .by(Actor::Steward)
        .header("if-match", tag)
        .json(&said)
        .send();
    stale.expect_problem(412, "If-Match", &[]);
    tries(&world, Actor::Steward, &task, "decide", &said).expect(200);
    world.verify();
}

#[test]
fn the_same_is_never_asked_twice_on_the_same_evidence_and_is_on_other() {
    let world = World::start();
    let task = plain_pair(&world);
    says(&world, Actor::Steward, &task, "cannot_tell").expect(200);
    let apart = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    assert_ne!(apart[0], apart[1]);

    // Another version that says nothing new of who it is.
    let again = world.registers("pas", "1", &with(&john_smith(), json!({"title": "Mr"})));
    assert_eq!(again.tasks(), [""; 0], "{}", again.text);
    assert_eq!(opens(&world, &task, Actor::Steward)["state"], "decided");

    let phone = json!({"phones": ["07700 900123"]});
    world.registers("gp", "1", &with(&john_smith(), phone.clone()));
    let asked = world.registers("pas", "1", &with(&john_smith(), phone));
    assert_eq!(asked.tasks(), [task.as_str()], "{}", asked.text);

    let opened = opens(&world, &task, Actor::Steward);
    assert_eq!(
        (&opened["state"], &opened["round"]),
        (&json!("open"), &json!(2))
    );
    let changed = opened.list("changed");
    let phone = changed.iter().find(|change| change["field"] == "phone");
    let phone = phone.unwrap_or_else(|| panic!("no phone in {}", opened.text));
    assert_eq!(phone["before"], "missing");
    assert_ne!(phone["now"], "missing");
    assert_eq!(opened.list("decisions")[0]["outcome"], "cannot_tell");
    world.verify();
}

#[test]
fn a_task_closes_by_itself_when_the_persons_are_joined_elsewhere() {
    let world = World::start();
    let task = plain_pair(&world);
    let persons = people_of(&world, &[("gp", "1"), ("pas", "1")]);
    let merge = json!({
        "survivor": persons[0], "retired": persons[1], "reason": "seen at the desk",
    });
    world.post("/merges").by(Actor::Steward).json(&merge).send();

    let closed = opens(&world, &task, Actor::Steward);

    assert_eq!(closed["state"], "closed", "{}", closed.text);
    assert_eq!(world.tasks().list("tasks").len(), 0);
    says(&world, Actor::Steward, &task, "same").expect_problem(409, "settled", &[]);
    world.verify();
}

#[test]
fn r115_a_decision_against_the_evidence_says_why() {
    let world = World::start();
    world.registers("gp", "1", &verified_person("held"));
    world.registers("pas", "1", &verified_person("held"));
    world.registers("gp", "1", &verified_person("somebody else"));
    let task = only_task(&world);
    let evidence = opens(&world, &task, Actor::Steward).member("evidence");
    for reason in [Value::Null, json!("  ")] {
        let said = json!({"outcome": "same", "reason": reason, "evidence": evidence});
        let refused = tries(&world, Actor::Steward, &task, "decide", &said);
        let refused = refused.expect_problem(422, "reason", &[]);
        assert_eq!(refused["rule"], "R115");
    }
    let odd = json!({"outcome": "approve", "reason": "so", "evidence": evidence});
    let refused = tries(&world, Actor::Steward, &task, "decide", &odd);
    assert_eq!(refused.expect_problem(422, "outcome", &[])["rule"], "R115");
    world.verify();
}

/// A record with companions whose update is held.
fn held_update(world: &World, known: &Value, sent: &Value) -> String {
    world.registers("gp", "1", known);
    world.registers("pas", "1", known);
    let held = world.put("gp", "1", sent).send().expect(200);
    assert_eq!(held["outcome"], "update_held", "{}", held.text);
    only_task(world)
}

#[test]
fn a_held_version_that_is_the_same_patient_becomes_current() {
    let world = World::start();
    let known = person("held and right");
    let sent = with(
        &known,
        json!({"given_names": ["Alexandrina"], "birth_date": "1933-02-01"}),
    );
    let task = held_update(&world, &known, &sent);

    let decided = says(&world, Actor::Steward, &task, "same").expect(200);

    assert_eq!(decided["state"], "decided", "{}", decided.text);
    let record = world.record("gp", "1");
    assert_eq!(record["record"]["given_names"], sent["given_names"]);
    assert_ne!(record["outcome"], "update_held", "{}", record.text);
    world.verify();
}

#[test]
fn a_held_version_of_somebody_else_is_refused_and_not_asked_about_again() {
    let world = World::start();
    let (known, somebody) = (verified_person("held"), verified_person("somebody else"));
    let task = held_update(&world, &known, &somebody);

    says(&world, Actor::Steward, &task, "different").expect(200);

    let record = world.record("gp", "1");
    assert_eq!(record["record"]["family_name"], known["family_name"]);
    assert_ne!(record["outcome"], "update_held", "{}", record.text);
    let events = world.get("/events?limit=500").send().expect(200);
    let told = events
        .list("events")
        .iter()
        .find(|event| event["kind"] == "held_settled");
    let told = told.expect("the source is told");
    assert_eq!(told["data"]["accepted"], false);
    assert_eq!(told["record"]["local_id"], "1");
    // The source sends it again.
    let again = world.put("gp", "1", &somebody).send().expect(200);
    assert_eq!(again["outcome"], "update_held", "{}", again.text);
    assert_eq!(world.tasks().list("tasks").len(), 0, "not asked twice");
    // And then another somebody: that is another question.
    let third = verified_person("a third somebody");
    world.put("gp", "1", &third).send().expect(200);
    assert_eq!(only_task(&world), task);
    world.verify();
}

#[test]
fn t8_nobody_joins_more_than_may_be_in_an_hour() {
    let world = World::start_with(&[("ACCORD_MERGES_PER_HOUR", "1")]);
    let pairs = [("1", "Ada", "Lovelace"), ("2", "Mary", "Somerville")];
    let mut tasks = Vec::new();
    for (id, given, family) in pairs {
        let patient = with(
            &john_smith(),
            json!({"given_names": [given], "family_name": family, "gender": "female"}),
        );
        world.registers("gp", id, &patient);
        tasks.extend(world.registers("pas", id, &patient).tasks());
    }
    says(&world, Actor::Steward, &tasks[0], "same").expect(200);

    let refused = says(&world, Actor::Steward, &tasks[1], "same");

    let refused = refused.expect_problem(429, "hour", &[]);
    assert!(refused.headers.contains_key("retry-after"));
    says(&world, Actor::SecondSteward, &tasks[1], "same").expect(200);
    world.verify();
}

#[test]
fn labels_are_exported_with_their_reads() {
    let world = World::start();
    let task = weighty_pair(&world);
    says(&world, Actor::Steward, &task, "same").expect(200);
    says(&world, Actor::Approver, &task, "same").expect(200);
    let other = with(
        &john_smith(),
        json!({"given_names": ["Ada"], "gender": "female"}),
    );
    world.registers("gp", "2", &other);
    let asked = world.registers("pas", "2", &other).tasks();
    says(&world, Actor::Steward, &asked[0], "different").expect(200);

    world
        .accord(&["export", "--labels", "labels.csv", "--qualify"])
        .expect(0);

    let mut reader = csv::Reader::from_path(world.file("labels.csv")).expect("labels.csv");
    let headers = reader.headers().expect("a header").clone();
    assert_eq!(
        headers.iter().collect::<Vec<_>>(),
        ["record_id_a", "record_id_b", "label", "reads", "decided_at"]
    );
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.expect("a row").iter().map(ToOwned::to_owned).collect())
        .collect();
    let row = |place: usize| rows[place][..4].join(",");
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(row(0), "gp:1,pas:1,same,2");
    assert_eq!(row(1), "gp:2,pas:2,different,1");
    world.verify();
}

#[test]
fn r94_a_confirmed_duplicate_brings_its_household_to_the_top_of_the_queue() {
    let world = World::start();
    let given = [
        "Aaron", "Bethan", "Carys", "Dafydd", "Eluned", "Ffion", "Gethin",
    ];
    // Two numbers that nobody has verified keep automation from joining.
    let resident = |place: usize, family: &str| {
        json!({
            "given_names": [given[place]], "family_name": family,
            "nhs_number": number(&format!("{family} {place}")),
            "birth_date": format!("{}-0{}-1{place}", 1950 + 4 * place, place + 1),
            "addresses": [{"lines": ["7 Heron Close"], "town": "Leeds", "postcode": "LS6 2AB"}],
        })
    };
    let mut first = None;
    for place in 0..given.len() {
        let id = place.to_string();
        world.registers("gp", &id, &resident(place, "Llewellyn"));
        let doubled = world.registers("pas", &id, &resident(place, "Llywelyn"));
        first = first.or(doubled.tasks().first().cloned());
        assert_eq!(doubled["outcome"], "new_person", "{}", doubled.text);
    }
    // A question that stands before all others otherwise.
    world.registers("ed", "1", &verified_person("held"));
    world.registers("community", "1", &verified_person("held"));
    world.registers("ed", "1", &verified_person("somebody else"));

    let decided = says(&world, Actor::Steward, &first.expect("a question"), "same").expect(200);

    assert_eq!(decided.list("raised").len(), 6, "{}", decided.text);
    let tasks = world.tasks();
    for task in &tasks.list("tasks")[..6] {
        assert_eq!(task["priority"], "household", "{task}");
    }
    assert_eq!(tasks.list("tasks")[6]["priority"], "confusion");
    world.verify();
}

#[test]
fn systems_take_no_step_and_readers_see_no_location_of_a_restricted_person() {
    let world = World::start();
    let address = json!([{"lines": ["9 Secret Lane"], "town": "Leeds", "postcode": "LS6 2AB"}]);
    let hidden = with(
        &john_smith(),
        json!({"addresses": address, "restricted": true}),
    );
    world.registers("gp", "1", &hidden);
    world.registers("pas", "1", &john_smith());
    let task = only_task(&world);
    let opened = opens(&world, &task, Actor::Steward);
    assert!(!opened.text.contains("Secret Lane"), "{}", opened.text);
    assert_eq!(opened["priority"], "sensitive");
    for step in ["claim", "release", "comment", "decide", "escalate"] {
        let refused = tries(&world, Actor::Integration, &task, step, &json!({}));
        refused.expect_problem(403, "", &["Smith"]);
    }
    let record = world.get(&record_path("gp", "1")).by(Actor::Steward).send();
    assert!(!record.expect(200).text.contains("Secret Lane"));
    world.verify();
}
