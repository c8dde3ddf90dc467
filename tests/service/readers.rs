//! Readers that keep copies: they are told of events by webhooks in order and at
//! least once, with nothing of a patient, and say which changed ids they have
//! taken over; who has not stands in the chase list.

use std::collections::BTreeSet;

use accord::interfaces::webhooks::signature;
use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{NUMBERS, verified_person, with};
use crate::postgres::Cluster;
use crate::receiver::Receiver;
use crate::request::{Answer, mentions};
use crate::world::{Actor, Place, Setting, World};

fn start(receiver: &Receiver, attempts: &'static str) -> World {
    World::start_with(&[
        ("ACCORD_WEBHOOK_HOSTS", receiver.origin().leak()),
        ("ACCORD_WEBHOOK_PRIVATE", "on"),
        ("ACCORD_WEBHOOK_WAIT_SECONDS", "0"),
        ("ACCORD_WEBHOOK_ATTEMPTS", attempts),
    ])
}

fn subscribe(world: &World, receiver: &Receiver, more: &Value) -> Answer {
    let body = with(
        &json!({"url": receiver.url(), "actor": "shared-care-viewer"}),
        more.clone(),
    );
    let asked = world.post("/webhooks").by(Actor::Administrator);
    asked.json(&body).send().expect(201)
}

/// Two persons of whom one is found to be the other: survivor and retired id.
fn join_two(world: &World) -> (String, String) {
    let grace = json!({"given_names": ["Grace"], "family_name": "Turner"});
    let numbered = with(
        &grace,
        json!({"birth_date": "1957-11-06", "nhs_number": NUMBERS[8], "nhs_number_status": "01"}),
    );
    let survivor = world.registers("gp", "1", &numbered).person();
    let retired = world.registers("ed", "1", &grace).person();
    world.registers("ed", "1", &numbered);
    (survivor, retired)
}

fn feed(world: &World) -> Vec<Value> {
    let read = world.get("/events?limit=500").send().expect(200);
    read.list("events").clone()
}

fn positions(events: &[Value]) -> Vec<&str> {
    let position = |event: &'_ Value| event["position"].as_str().is_some();
    assert!(events.iter().all(position), "{events:?}");
    events
        .iter()
        .filter_map(|event| event["position"].as_str())
        .collect()
}

#[test]
fn a_reader_is_told_in_order_and_can_check_who_tells() {
    let receiver = Receiver::start();
    let world = start(&receiver, "3");
    world.registers("gp", "before", &verified_person("before the webhook"));
    let made = subscribe(&world, &receiver, &json!({"events_per_message": 2}));
    let secret = made.member("secret");
    world.guards_text(&secret);
    let told_from = feed(&world).len();
    let known = verified_person("told of");
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "1", &known);
    world.withdraws("pas", "1");
    let expected = feed(&world).split_off(told_from);
    receiver.waits("all events", |it| it.events().len() >= expected.len());

    let events = receiver.events();
    assert_eq!(positions(&events), positions(&expected));
    for message in receiver.taken() {
        let seconds = message.headers["webhook-timestamp"].parse();
        let signed = signature(
            &secret,
            message.id(),
            seconds.expect("seconds"),
            &message.text,
        );
        assert_eq!(Some(&message.headers["webhook-signature"]), signed.as_ref());
        assert!(message.events().len() <= 2, "{}", message.text);
        assert_eq!(message.body["type"], "accord.events");
        for value in [
            &known["family_name"],
            &known["given_names"][0],
            &known["birth_date"],
            &known["nhs_number"],
        ] {
            let value = value.as_str().expect("a text");
            assert!(!message.text.contains(value), "{}", message.text);
        }
        let local_id = message.text.contains("local_id");
        assert!(!local_id, "only a bound reader's own records are named");
    }
    let ids: BTreeSet<String> = receiver
        .taken()
        .iter()
        .map(|it| it.id().to_owned())
        .collect();
    assert_eq!(
        ids.len(),
        receiver.taken().len(),
        "each has an id of its own"
    );
    assert!(
        events
            .iter()
            .any(|it| mentions(&it["person_ids"], &person_id))
    );
    let listed = world.get("/webhooks").by(Actor::Administrator).send();
    assert!(!listed.text.contains("whsec_"), "{}", listed.text);
    world.verify();
}

#[test]
fn what_is_not_taken_is_tried_again_kept_and_sent_again_when_asked() {
    let receiver = Receiver::start();
    let world = start(&receiver, "2");
    let id = subscribe(&world, &receiver, &json!({})).member("webhook_id");
    receiver.refuses(true);
    world.registers("gp", "1", &verified_person("not taken"));
    let letters = || {
        world
            .get(&format!("/webhooks/{id}/dead-letters"))
            .by(Actor::Administrator)
            .send()
            .expect(200)
    };
    receiver.waits("two attempts and a dead letter", |it| {
        it.refused().len() >= 2 && letters().list("dead_letters").len() == 1
    });
    let refused = receiver.refused();
    assert_eq!(refused[0].id(), refused[1].id(), "one message, sent twice");
    assert_eq!(refused[0].events(), refused[1].events());
    let letter = letters()["dead_letters"][0].clone();
    assert_eq!(letter["because"], "answered 500");

    receiver.refuses(false);
    world.registers("gp", "2", &verified_person("taken"));
    receiver.waits("what came later", |it| !it.taken().is_empty());
    let again = world
        .post(&format!("/webhooks/{id}/redeliver"))
        .by(Actor::Administrator)
        .json(&json!({"position": letter["position"]}))
        .send()
        .expect(202);
    assert_eq!(again["messages"], 1);
    receiver.waits("the dead letter", |it| {
        it.taken()
            .iter()
            .any(|message| message.id() == refused[0].id())
    });
    let sent_again = receiver
        .taken()
        .into_iter()
        .find(|it| it.id() == refused[0].id());
    let sent_again = sent_again.expect("it came");
    assert_eq!(sent_again.body["data"]["sent_again"], true);
    assert_eq!(sent_again.events(), refused[0].events());
    receiver.waits("an empty list", |_| {
        letters().list("dead_letters").is_empty()
    });
    world.verify();
}

#[test]
fn a_reader_misses_nothing_when_the_service_dies() {
    let receiver = Receiver::start();
    let world = start(&receiver, "1000");
    subscribe(&world, &receiver, &json!({"events_per_message": 1}));
    let told_from = feed(&world).len();
    for round in 0..4 {
        receiver.refuses(round % 2 == 0);
        let story = format!("dying {round}");
        world.registers("gp", &story, &verified_person(&story));
        world.dies();
        world.serves();
    }
    receiver.refuses(false);
    let expected = feed(&world).split_off(told_from);
    let expected = positions(&expected);
    receiver.waits("every event", |it| {
        let events = it.events();
        let seen: BTreeSet<&str> = positions(&events).into_iter().collect();
        seen.len() == expected.len()
    });
    let events = receiver.events();
    let mut first_seen = positions(&events);
    let mut seen = BTreeSet::new();
    first_seen.retain(|position| seen.insert(*position));
    assert_eq!(first_seen, expected, "in order, whatever came twice");
    world.verify();
}

#[test]
fn several_nodes_tell_a_reader_in_order() {
    let Ok(cluster) = Cluster::shared() else {
        return;
    };
    let receiver = Receiver::start();
    let setting = Setting {
        environment: vec![
            ("ACCORD_WEBHOOK_HOSTS", receiver.origin()),
            ("ACCORD_WEBHOOK_PRIVATE", "on".to_owned()),
        ],
        ..Setting::default()
    };
    let nodes = World::nodes_with(Place::Postgres(cluster), 2, setting);
    subscribe(&nodes[0], &receiver, &json!({"events_per_message": 1}));
    let told_from = feed(&nodes[0]).len();
    for round in 0..6 {
        let story = format!("two nodes {round}");
        nodes[round % 2].registers("gp", &story, &verified_person(&story));
    }
    let expected = feed(&nodes[1]).split_off(told_from);
    let expected = positions(&expected);
    receiver.waits("every event", |it| {
        let events = it.events();
        let seen: BTreeSet<&str> = positions(&events).into_iter().collect();
        seen.len() == expected.len()
    });
    let events = receiver.events();
    let mut first_seen = positions(&events);
    let mut seen = BTreeSet::new();
    first_seen.retain(|position| seen.insert(*position));
    assert_eq!(first_seen, expected);
}

#[test]
fn a_bound_reader_is_told_of_its_own_and_by_name() {
    let receiver = Receiver::start();
    let world = start(&receiver, "3");
    let bound = json!({"sources": ["gp"], "kinds": ["record_linked"]});
    subscribe(&world, &receiver, &bound);
    let stranger = world.registers("pas", "9", &verified_person("a stranger to gp"));
    let own = world.registers("gp", "own-1", &verified_person("gp's own"));
    receiver.waits("its own", |it| !it.events().is_empty());
    let events = receiver.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["kind"], "record_linked");
    assert_eq!(
        events[0]["record"],
        json!({"source": "gp", "local_id": "own-1"})
    );
    assert!(mentions(&events[0]["person_ids"], &own.person()));
    assert!(!mentions(&events[0], &stranger.person()));
}

#[test]
fn t14_a_webhook_goes_only_where_the_operator_allows() {
    let receiver = Receiver::start();
    let world = start(&receiver, "3");
    let port = receiver.origin();
    let port = port.rsplit(':').next().expect("a port");
    for url in [
        "https://hooks.example.org/".to_owned(),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}@evil.example/"),
        format!("http://169.254.169.254:{port}"),
        "file:///etc/passwd".to_owned(),
        "http://127.0.0.1/".to_owned(),
    ] {
        let asked = world.post("/webhooks").by(Actor::Administrator);
        let body = json!({"url": url, "actor": "somebody"});
        let refused = asked.json(&body).send().expect_problem(422, "", &[]);
        assert_eq!(refused["member"], "url", "{url}");
    }
    for actor in [Actor::Integration, Actor::Steward, Actor::Auditor] {
        let asked = world.post("/webhooks").by(actor);
        let body = json!({"url": receiver.url(), "actor": "somebody"});
        asked.json(&body).send().expect_problem(403, "", &[]);
    }
    let unknown = json!({"url": receiver.url(), "actor": "somebody", "sources": ["nobody"]});
    let asked = world.post("/webhooks").by(Actor::Administrator);
    asked
        .json(&unknown)
        .send()
        .expect_problem(422, "sources", &[]);
    let nowhere = World::shared();
    let asked = nowhere.post("/webhooks").by(Actor::Administrator);
    let body = json!({"url": receiver.url(), "actor": "somebody"});
    asked.json(&body).send().expect_problem(422, "allows", &[]);
}

#[test]
fn a_webhook_is_made_listed_and_removed_by_the_command_line() {
    let receiver = Receiver::start();
    let world = start(&receiver, "3");
    let hosts = receiver.origin();
    let allowed = ["--webhook-hosts", hosts.as_str(), "--webhook-private", "on"];
    let url = receiver.url();
    let mut add = vec!["webhook", "add", url.as_str(), "--actor", "viewer"];
    add.push("--from-the-beginning");
    world.accord(&add).expect(1);
    add.extend(allowed);
    world.registers("gp", "1", &verified_person("by command"));
    let made = world.accord(&add).expect(0);
    let (id, secret) = made
        .out
        .trim()
        .split_once('\n')
        .expect("an id and a secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    receiver.waits("the beginning", |it| it.events().len() >= 3);
    let listed = world.accord(&["webhook", "list"]).expect(0).out;
    assert!(
        listed.contains(id) && !listed.contains("whsec_"),
        "{listed}"
    );
    world.accord(&["webhook", "remove", id]).expect(0);
    let asked = world.ask(Method::DELETE, &format!("/webhooks/{id}"));
    asked.by(Actor::Administrator).send().expect(404);
}

#[test]
fn the_chase_list_shows_who_was_told_an_id_that_has_changed() {
    let receiver = Receiver::start();
    let world = start(&receiver, "3");
    let (survivor, retired) = join_two(&world);
    let chased = |actor: Actor, query: &str| {
        let path = format!("/events/unacknowledged{query}");
        world.get(&path).by(actor).send().expect(200)
    };
    let of = |answer: &Answer, reader: &str| {
        let entries = answer.list("unacknowledged");
        let found = entries.iter().find(|it| it["reader"] == reader);
        found.cloned()
    };
    let list = chased(Actor::Steward, "");
    let entry = of(&list, "engine").expect("who registered the record was told its id");
    assert_eq!(entry["person_id"], retired.as_str());
    assert_eq!(entry["resolves_to"], survivor.as_str());
    assert!(of(&list, "gp-feed").is_none(), "{}", list.text);
    assert!(of(&chased(Actor::GpFeed, ""), "engine").is_none());
    let early = chased(Actor::Steward, "?older_than=2020-01-01T00:00:00Z");
    assert!(early.list("unacknowledged").is_empty());
    let refused = world.get("/events/unacknowledged?older_than=yesterday");
    refused
        .by(Actor::Steward)
        .send()
        .expect_problem(422, "older_than", &[]);

    let acknowledge = |actor: Actor, position: &Value| {
        world
            .post(&format!("/persons/{retired}/acknowledgements"))
            .by(actor)
            .json(&json!({"position": position}))
            .send()
    };
    acknowledge(Actor::Steward, &entry["position"]).expect(403);
    acknowledge(Actor::Integration, &json!("2.abc")).expect(422);
    let early = feed(&world)[0]["position"].clone();
    acknowledge(Actor::Integration, &early).expect(201);
    assert!(of(&chased(Actor::Integration, ""), "engine").is_some());
    acknowledge(Actor::Integration, &entry["position"]).expect(201);
    acknowledge(Actor::Integration, &early).expect(201);
    assert!(of(&chased(Actor::Steward, ""), "engine").is_none());
    world.verify();
}
