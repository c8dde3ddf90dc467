//! The change feed: every event once, in order, from any place, with nothing of
//! a patient; an account that is bound to sources sees its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::people::{verified_person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World};

fn page(world: &World, actor: Actor, query: &str) -> Answer {
    world
        .get(&format!("/events{query}"))
        .by(actor)
        .send()
        .expect(200)
}

/// Reads on from a place until nothing follows.
fn drain(world: &World, actor: Actor, from: Option<&str>, limit: usize) -> (Vec<Value>, String) {
    let mut events = Vec::new();
    let mut next = from.map(str::to_owned);
    loop {
        let after = next.map_or_else(String::new, |next| format!("&after={next}"));
        let read = page(world, actor, &format!("?limit={limit}{after}"));
        assert!(read.list("events").len() <= limit);
        events.extend(read.list("events").clone());
        let place = read.member("next");
        if read["more"] == false {
            return (events, place);
        }
        next = Some(place);
    }
}

#[test]
fn every_event_comes_once_and_in_order_whatever_the_page() {
    let world = World::start();
    let known = verified_person("followed");
    let person_id = world.registers("gp", "1", &known).person();
    world.registers("pas", "1", &known);
    let (all, end) = drain(&world, Actor::Integration, None, 500);

    let kinds: Vec<&str> = all
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    let registered = ["record_registered", "person_created", "record_linked"];
    assert_eq!(kinds[..3], registered);
    assert_eq!(kinds[3..], ["record_registered", "record_linked"]);
    for event in &all {
        assert!(mentions(&event["person_ids"], &person_id), "{event}");
        assert!(
            event["at"].is_string() && event["position"].is_string(),
            "{event}"
        );
    }
    assert_eq!(all[4]["record"], json!({"source": "pas", "local_id": "1"}));
    assert!(all[4]["data"]["weight_bits"].is_number(), "{}", all[4]);
    for limit in [1, 2] {
        assert_eq!(
            drain(&world, Actor::Integration, None, limit),
            (all.clone(), end.clone())
        );
    }
    let from_middle = all[1]["position"].as_str();
    let rest = drain(&world, Actor::Integration, from_middle, 500).0;
    assert_eq!(rest, all[2..]);
}

#[test]
fn a_reader_at_the_end_gets_what_comes_next_also_after_a_restart() {
    let world = World::start();
    world.registers("gp", "1", &verified_person("before"));
    let (_, end) = drain(&world, Actor::Integration, None, 500);
    let (nothing, still) = drain(&world, Actor::Integration, Some(&end), 500);
    assert!(nothing.is_empty());
    assert_eq!(still, end);
    world.dies();
    world.serves();
    world.withdraws("gp", "1");
    let (news, _) = drain(&world, Actor::Integration, Some(&end), 500);
    let kinds: BTreeSet<&str> = news
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    let expected = BTreeSet::from(["record_withdrawn", "record_unlinked", "person_withdrawn"]);
    assert_eq!(kinds, expected);
}

#[test]
fn r140_nothing_in_it_is_a_patients_nor_a_digest_of_it() {
    let world = World::start();
    let known = with(
        &verified_person("nothing in the feed"),
        json!({"restricted": true, "emails": ["refuge@example.org"]}),
    );
    world.registers("gp", "1", &known);
    world.registers(
        "pas",
        "1",
        &with(&known, json!({"given_names": ["Zebedee"]})),
    );
    let read = page(&world, Actor::Integration, "");
    let values = [
        &known["family_name"],
        &known["given_names"][0],
        &known["birth_date"],
        &known["nhs_number"],
        &known["addresses"][0]["postcode"],
    ];
    for value in values.map(|value| value.as_str().expect("a text")) {
        assert!(!read.text.contains(value), "{value} in {}", read.text);
    }
    assert!(!read.text.contains("refuge"));
    for event in read.list("events") {
        let members: Vec<&String> = event.as_object().expect("an event").keys().collect();
        for member in ["digest", "evidence", "rows", "compared"] {
            assert!(!members.iter().any(|name| *name == member), "{event}");
            assert!(event["data"].get(member).is_none(), "{event}");
        }
    }
}

#[test]
fn an_account_bound_to_a_source_follows_its_own_persons_only() {
    let world = World::start();
    let shared = verified_person("known to the practice");
    let person_id = world.registers("gp", "1", &shared).person();
    world.registers("pas", "1", &shared);
    let stranger = world
        .registers("pas", "2", &verified_person("a stranger"))
        .person();
    let (own, end) = drain(&world, Actor::GpFeed, None, 1);
    assert!(
        !own.iter().any(|event| mentions(event, &stranger)),
        "{own:?}"
    );
    assert!(!own.iter().any(|event| event["record"]["local_id"] == "2"));
    let of_shared = own.iter().filter(|event| mentions(event, &person_id));
    assert_eq!(of_shared.count(), own.len());
    assert!(own.iter().any(|event| event["record"]["source"] == "pas"));
    let (all, all_end) = drain(&world, Actor::Integration, None, 500);
    assert!(all.len() > own.len());
    assert_eq!(end, all_end, "places do not depend on who reads");

    world.registers(
        "pas",
        "1",
        &with(&shared, json!({"phones": ["07700 900333"]})),
    );
    let (news, _) = drain(&world, Actor::GpFeed, Some(&end), 500);
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0]["kind"], "record_updated");
}

#[test]
fn an_account_bound_to_a_source_is_not_told_with_whom_others_join_its_person() {
    let world = World::start();
    let own = world.registers("gp", "1", &verified_person("known to the practice"));
    let (own, stranger) = (own.person(), {
        let unnumbered = json!({"nhs_number": null, "nhs_number_status": null});
        let stranger = with(&verified_person("a stranger"), unnumbered);
        world.registers("pas", "2", &stranger).person()
    });
    let merge = json!({"survivor": own, "retired": stranger, "reason": "one letter for both"});
    let asked = world.post("/merges").by(Actor::Steward).json(&merge).send();
    assert!((200..300).contains(&asked.status), "{}", asked.text);
    let (told, _) = drain(&world, Actor::GpFeed, None, 500);
    let of_merge = |event: &&Value| event["data"]["merge"].is_string();
    assert!(told.iter().any(|event| of_merge(&event)), "{told:?}");
    assert!(
        !told.iter().any(|event| mentions(event, &stranger)),
        "{told:?}"
    );
    let (all, _) = drain(&world, Actor::Integration, None, 500);
    let whole = all.iter().find(of_merge).expect("the merge");
    assert_eq!(
        whole["data"]["retired"],
        stranger.as_str(),
        "others are told"
    );
}

#[test]
fn r131_it_is_for_those_whose_role_says_so() {
    let world = World::shared();
    for actor in [
        Actor::Clinician,
        Actor::Steward,
        Actor::Engineer,
        Actor::Auditor,
        Actor::Administrator,
    ] {
        world
            .get("/events")
            .by(actor)
            .send()
            .expect_problem(403, "", &[]);
    }
    world
        .get("/events")
        .by(Actor::Nobody)
        .send()
        .expect_problem(401, "", &[]);
    for wrong in ["after=7", "after=1.x", "limit=0", "limit=501"] {
        world
            .get(&format!("/events?{wrong}"))
            .send()
            .expect_problem(422, "", &[]);
    }
}
