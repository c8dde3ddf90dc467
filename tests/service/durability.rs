//! DESIGN §2.1: an acknowledged record survives the death of the process at
//! any moment. Several clients write while the service is killed with SIGKILL
//! at random times. `ACCORD_KILLS` sets how often. (That `kill -9` proves
//! nothing about power cuts is known; those are tested elsewhere.)

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::people::{person, verified_person, with};
use crate::world::{Actor, World, record_path, times};

const CLIENTS: usize = 4;

/// What a client was told.
struct Acknowledged {
    local_id: String,
    family_name: String,
    person_id: String,
}

/// Clients write until the service dies; what was acknowledged before it did.
fn writes_until_killed(world: &World, round: usize, after: Duration) -> Vec<Acknowledged> {
    let acknowledged = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let client = || {
        loop {
            let place = next.fetch_add(1, Ordering::SeqCst);
            // Every third person is sent a second time, from another client.
            let story = format!("killed {round} {}", place - place % 3 / 2);
            let known = if place.is_multiple_of(2) {
                person(&story)
            } else {
                verified_person(&story)
            };
            let local_id = format!("{round}-{place}");
            let Ok(answer) = world.put("gp", &local_id, &known).try_send() else {
                return;
            };
            let answer = answer.expect(201);
            let family_name = known["family_name"].as_str().expect("a name").to_owned();
            let person_id = answer.person();
            let mut acknowledged = acknowledged.lock().expect("no client panics here");
            acknowledged.push(Acknowledged {
                local_id,
                family_name,
                person_id,
            });
        }
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(client);
        }
        thread::sleep(after);
        world.dies();
    });
    acknowledged.into_inner().expect("no client panicked")
}

#[track_caller]
fn assert_kept(world: &World, record: &Acknowledged, when: &str) {
    let path = record_path("gp", &record.local_id);
    let held = world.get(&path).by(Actor::Integration).send();
    assert_eq!(held.status, 200, "{when}: {}", held.text);
    assert_eq!(held["record"]["family_name"], record.family_name, "{when}");
    let resolved = world.person(&record.person_id);
    assert_eq!(held["person_id"], resolved["person_id"], "{when}");
}

#[test]
fn no_acknowledged_record_is_lost_to_kill_9() {
    let world = World::start();
    let mut chance = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .subsec_nanos();
    let mut kept = Vec::new();
    for round in 0..times("ACCORD_KILLS", 5) {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let after = Duration::from_millis(100 + u64::from(chance >> 22));
        let acknowledged = writes_until_killed(&world, round, after);
        world.serves();
        for record in &acknowledged {
            assert_kept(
                &world,
                record,
                &format!("round {round}, killed after {after:?}"),
            );
        }
        kept.extend(acknowledged);
    }
    for record in &kept {
        assert_kept(&world, record, "at the end");
    }
    assert!(
        !kept.is_empty(),
        "the service acknowledged nothing before it was killed"
    );
    world.verify();
}

#[test]
fn what_was_acknowledged_is_answered_the_same_after_a_kill() {
    let world = World::start();
    let known = verified_person("asked again");
    let send = || {
        world
            .put("gp", "1", &known)
            .header("idempotency-key", "asked-again")
            .send()
    };
    let first = send().expect(201);

    world.dies();
    world.serves();

    let again = send().expect(201);
    assert_eq!(first.text, again.text);
    assert_eq!(world.record("gp", "1").list("versions").len(), 1);
}

#[test]
fn what_the_index_had_not_seen_is_found_after_a_kill() {
    let world = World::start_without_indexer();
    let known = person("not yet indexed");
    let first = world.registers("gp", "1", &known);

    world.dies();
    world.serves();

    let found = world.matches(&with(&known, json!({"phones": null})));
    assert_eq!(found["candidates"][0]["person_id"], first["person_id"]);
    assert_eq!(world.registers("pas", "1", &known).person(), first.person());
}
