//! DESIGN §2.4: N simultaneous submissions of one new person that would link
//! one after the other make one person. `ACCORD_ROUNDS` sets the rounds.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::people::{person, verified_person, with};
use crate::world::{SOURCES, World, times};

const CLIENTS: usize = 8;

/// Lets each client send its record at the same moment; the persons that the
/// records have afterwards.
fn all_at_once(world: &World, local_id: &str, sent: &[Value; CLIENTS]) -> BTreeSet<String> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for (source, body) in SOURCES.iter().zip(sent) {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                world.registers(source, local_id, body);
            });
        }
    });
    SOURCES[..CLIENTS]
        .iter()
        .map(|source| world.cross_reference(source, local_id).person())
        .collect()
}

fn rounds(world: &World, name: &str, sent_in: impl Fn(&str) -> [Value; CLIENTS]) {
    for round in 0..times("ACCORD_ROUNDS", 20) {
        let story = format!("{name} {round}");
        let persons = all_at_once(world, &story, &sent_in(&story));
        assert_eq!(
            persons.len(),
            1,
            "round {round}: surplus persons {persons:?}"
        );
    }
    world.verify();
}

#[test]
fn eight_clients_with_one_new_person_with_a_number_make_one_person() {
    let world = World::start();
    rounds(&world, "numbered", |story| {
        let known = verified_person(story);
        std::array::from_fn(|client| match client {
            0..4 => known.clone(),
            4 => with(&known, json!({"phones": null})),
            5 => with(&known, json!({"addresses": null})),
            6 => with(&known, json!({"family_name": "Marriedname"})),
            _ => with(&known, json!({"gender": null, "phones": null})),
        })
    });
}

#[test]
fn eight_clients_with_one_new_person_without_a_number_make_one_person() {
    let world = World::start();
    rounds(&world, "nameless", |story| {
        std::array::from_fn(|_| person(story))
    });
}

#[test]
fn eight_clients_make_one_person_while_the_index_stands_still() {
    let world = World::start_without_indexer();
    rounds(&world, "unindexed", |story| {
        std::array::from_fn(|_| person(story))
    });
}

#[test]
fn the_same_record_sent_by_eight_clients_at_once_is_one_record_with_one_version() {
    let world = World::start();
    for round in 0..times("ACCORD_ROUNDS", 20) {
        let known = person(&format!("the same record {round}"));
        let local_id = format!("{round}");
        let start = Barrier::new(CLIENTS);
        let answers = thread::scope(|scope| {
            let clients = [(); CLIENTS].map(|()| {
                scope.spawn(|| {
                    start.wait();
                    world.registers("gp", &local_id, &known)
                })
            });
            clients.map(|client| client.join().expect("a client"))
        });
        let new = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(new, 1, "round {round}: one of them was first");
        for answer in &answers {
            assert_eq!(answer.body, answers[0].body, "round {round}");
        }
        assert_eq!(world.record("gp", &local_id).list("versions").len(), 1);
    }
}

#[test]
fn clients_with_different_people_do_not_disturb_each_other() {
    let world = World::start();
    let story = |client: usize, place: usize| format!("different {client} {place}");
    thread::scope(|scope| {
        for (client, source) in SOURCES[..CLIENTS].iter().enumerate() {
            let world = &world;
            scope.spawn(move || {
                for place in 0..5 {
                    world.registers(source, &place.to_string(), &person(&story(client, place)));
                }
            });
        }
    });
    let persons: BTreeSet<String> = SOURCES[..CLIENTS]
        .iter()
        .flat_map(|source| (0..5).map(move |place| (source, place)))
        .map(|(source, place)| world.cross_reference(source, &place.to_string()).person())
        .collect();
    assert_eq!(persons.len(), CLIENTS * 5);
}
