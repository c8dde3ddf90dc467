//! A client that hangs up, at any byte of its request or just after the last,
//! leaves nothing torn: a request that was cut is not carried out, one that was
//! whole is carried out wholly or not at all, and sent again it makes no second
//! version. `ACCORD_DROPS` sets how many connections.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::load::exported;
use super::{Chance, durable_cluster, report, within};
use crate::people::person;
use crate::server::lock;
use crate::world::{Actor, Place, World, record_path, times};

const PROOF: &str = "drops";
const CLIENTS: usize = 8;

/// A request that was not finished, or whose answer nobody waited for.
struct Dropped {
    local_id: String,
    sent: Value,
    was_whole: bool,
}

fn request(world: &World, local_id: &str, sent: &Value) -> Vec<u8> {
    let body = sent.to_string();
    let token = world.token(Actor::Integration).expect("a token");
    let path = record_path("gp", local_id);
    format!(
        "PUT /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn drops_one(world: &World, place: usize, chance: &mut Chance) -> Dropped {
    let local_id = format!("dropped-{place}");
    let sent = person(&format!("dropped {place}"));
    world.guards(&sent);
    let bytes = request(world, &local_id, &sent);
    let url = world.url();
    let address = url.strip_prefix("http://").expect("a plain URL");
    let mut connection = TcpStream::connect(address).expect("the service listens");
    // Half of them are whole, and hang up at once or a little later.
    let cut = chance.below(bytes.len() * 2).min(bytes.len());
    connection
        .write_all(&bytes[..cut])
        .expect("the service reads");
    if chance.below(4) > 0 {
        thread::sleep(chance.milliseconds(0, 60));
    }
    drop(connection);
    Dropped {
        local_id,
        sent,
        was_whole: cut == bytes.len(),
    }
}

fn all_dropped(world: &World, count: usize) -> Vec<Dropped> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (next, all) = (&next, &all);
            scope.spawn(move || {
                let mut chance = Chance::new();
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    if place >= count {
                        return;
                    }
                    let dropped = drops_one(world, place, &mut chance);
                    lock(all).push(dropped);
                }
            });
        }
    });
    all.into_inner().expect("no client panicked")
}

fn drops(place: Place<'_>) {
    let world = World::start_on(place);
    let count = times("ACCORD_DROPS", 500);
    let all = all_dropped(&world, count);
    // What was whole may still be under way.
    let mut before = usize::MAX;
    within(60, "the service comes to rest", || {
        thread::sleep(Duration::from_millis(500));
        let now = exported(&world).len();
        std::mem::replace(&mut before, now) == now
    });
    world.accord(&["verify"]).expect(0);
    let held = exported(&world);
    let mut failures = Vec::new();
    for dropped in &all {
        let is_held = held.contains_key(&format!("gp:{}", dropped.local_id));
        if is_held && !dropped.was_whole {
            failures.push(format!("{}: half a request was done", dropped.local_id));
        }
        let answer = world.put("gp", &dropped.local_id, &dropped.sent).send();
        if answer.status != if is_held { 200 } else { 201 } || answer["version"] != 1 {
            failures.push(format!("{}: sent again, {}", dropped.local_id, answer.text));
        }
    }
    if exported(&world).len() != count {
        failures.push("not every record is there once".to_owned());
    }
    world.verify();
    let whole = all.iter().filter(|dropped| dropped.was_whole).count();
    let more = format!("whole={whole} carried_out={}", held.len());
    report(PROOF, place.name(), count, &failures, &more);
}

#[test]
fn dropped_connections_leave_nothing_torn_on_sqlite() {
    drops(Place::Sqlite);
}

#[test]
fn dropped_connections_leave_nothing_torn_on_postgres() {
    if let Some(cluster) = durable_cluster(PROOF) {
        drops(Place::Postgres(cluster));
    }
}
