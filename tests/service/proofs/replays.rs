//! DESIGN §2.5: a message that comes again changes nothing and is answered the
//! same: late, shuffled, through another door, another node, after a restart,
//! with and without an idempotency key. `ACCORD_REPLAYS` sets how many. What
//! must not change: the count of events and of every view, the person and the
//! links of every record, and the answers about a sample of persons.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Chance, durable_cluster, report};
use crate::people::{person, verified_person, with};
use crate::server::lock;
use crate::world::{Actor, Place, World, times};

const PROOF: &str = "replays";
const CLIENTS: usize = 8;
const NODES: usize = 2;
/// Lines of a batch; a batch is one request of many messages.
const BATCH: usize = 50;
const PERSONS_READ: usize = 50;

/// A message and how it was answered.
struct Sent {
    source: &'static str,
    local_id: String,
    body: Value,
    key: Option<String>,
    answer: Value,
}

/// The nth message: some persons come twice, some have a key, some are
/// updated later.
fn message(place: usize) -> Sent {
    let again = place % 4 == 3;
    let story = format!("replayed {}", place - usize::from(again));
    let body = if place.is_multiple_of(3) {
        person(&story)
    } else {
        verified_person(&story)
    };
    Sent {
        source: if again { "pas" } else { "gp" },
        local_id: place.to_string(),
        body,
        key: (place % 5 == 1).then(|| format!("key-{place}")),
        answer: Value::Null,
    }
}

fn send(world: &World, sent: &Sent) -> crate::request::Answer {
    let request = world.put(sent.source, &sent.local_id, &sent.body);
    match &sent.key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    }
    .send()
}

/// The answer without what names the request alone.
fn comparable(answer: &Value) -> Value {
    with(answer, json!({"request_id": null}))
}

fn first_time(nodes: &[World], count: usize) -> Vec<Sent> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (next, all) = (&next, &all);
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    if place >= count {
                        return;
                    }
                    let mut sent = message(place);
                    let answer = send(&nodes[client % nodes.len()], &sent).expect(201);
                    sent.answer = comparable(&answer.body);
                    lock(all).push(sent);
                }
            });
        }
    });
    all.into_inner().expect("no client panicked")
}

/// Sends messages again, one by one or as a batch; what was answered otherwise.
fn again(world: &World, all: &[Sent], replays: usize, chance: &mut Chance) -> Vec<String> {
    let mut failures = Vec::new();
    let mut left = replays;
    while left > 0 {
        if left >= BATCH && chance.below(3) > 0 {
            failures.extend(again_in_a_batch(world, all, chance));
            left -= BATCH;
        } else {
            let sent = &all[chance.below(all.len())];
            let answer = send(world, sent);
            let status = if sent.key.is_some() { 201 } else { 200 };
            if answer.status != status || comparable(&answer.body) != sent.answer {
                failures.push(format!("{} was answered {}", sent.local_id, answer.text));
            }
            left -= 1;
        }
    }
    failures
}

fn again_in_a_batch(world: &World, all: &[Sent], chance: &mut Chance) -> Vec<String> {
    let source = ["gp", "pas"][chance.below(2)];
    let of_source: Vec<&Sent> = all.iter().filter(|sent| sent.source == source).collect();
    let chosen: Vec<&Sent> = (0..BATCH)
        .map(|_| of_source[chance.below(of_source.len())])
        .collect();
    let lines: Vec<String> = chosen
        .iter()
        .map(|sent| with(&sent.body, json!({"local_id": sent.local_id})).to_string())
        .collect();
    let answer = world
        .post(&format!("/sources/{source}/records/batch"))
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);
    let answers: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(answers.len(), chosen.len(), "one answer a line");
    chosen
        .into_iter()
        .zip(answers)
        .filter(|(sent, answer)| answer["person_id"] != sent.answer["person_id"])
        .map(|(sent, answer)| format!("{} was answered {answer}", sent.local_id))
        .collect()
}

/// Everything that a replay must leave as it is, as one order-free digest for
/// each part.
fn state(world: &World) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let verified = world.accord(&["verify"]).expect(0);
    for line in verified.out.lines() {
        let (what, count) = line.split_once(' ').unwrap_or((line, ""));
        // A replay adds an audit row, and rows are sealed.
        if !matches!(what, "audit_rows" | "seals") {
            parts.insert(what.to_owned(), count.to_owned());
        }
    }
    let file = |name: &str| world.file(name).display().to_string();
    let (persons, links) = (file("persons.csv"), file("links.csv"));
    world
        .accord(&[
            "export",
            "--qualify",
            "--persons",
            &persons,
            "--links",
            &links,
        ])
        .expect(0);
    for path in [&persons, &links] {
        let text = fs::read_to_string(path).expect("the export can be read");
        parts.insert(path.clone(), digest(text.lines()));
    }
    let text = fs::read_to_string(&persons).expect("the export can be read");
    let ids: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(1))
        .collect();
    let step = ids.len() / PERSONS_READ + 1;
    for id in ids.iter().step_by(step) {
        let path = format!("/persons/{id}/records");
        let records = world.get(&path).by(Actor::Steward).send().expect(200);
        let person = world.person(id).comparable().to_string();
        let all = [person, records.comparable().to_string()];
        parts.insert((*id).to_owned(), digest(all.iter().map(String::as_str)));
    }
    parts
}

fn digest<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_unstable();
    format!("{:?}", Sha256::digest(lines.join("\n")))
}

fn replays(place: Place<'_>) {
    let nodes = World::nodes(place, NODES);
    let replays = times("ACCORD_REPLAYS", 10_000);
    let all = first_time(&nodes, (replays / 50).clamp(120, 5_000));
    let before = state(&nodes[0]);
    let failures = Mutex::new(Vec::new());
    for half in 0..2 {
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (nodes, all, failures) = (&nodes, &all, &failures);
                scope.spawn(move || {
                    let mut chance = Chance::new();
                    // Not the node that took them.
                    let node = &nodes[(client + 1) % nodes.len()];
                    let failed = again(node, all, replays / 2 / CLIENTS, &mut chance);
                    lock(failures).extend(failed);
                });
            }
        });
        if half == 0 {
            for node in &nodes {
                node.dies();
                node.serves();
            }
        }
    }
    let mut failures = failures.into_inner().expect("no client panicked");
    let after = state(&nodes[0]);
    for (part, value) in &before {
        if after.get(part) != Some(value) {
            failures.push(format!("{part}: {value} became {:?}", after.get(part)));
        }
    }
    assert_eq!(before.len(), after.len(), "nothing came and nothing went");
    nodes[0].verify();
    let more = format!("messages={} nodes={}", all.len(), nodes.len());
    let sent = replays / 2 / CLIENTS * CLIENTS * 2;
    report(PROOF, place.name(), sent, &failures, &more);
}

#[test]
fn replays_change_nothing_on_sqlite() {
    replays(Place::Sqlite);
}

#[test]
fn replays_change_nothing_on_postgres() {
    if let Some(cluster) = durable_cluster(PROOF) {
        replays(Place::Postgres(cluster));
    }
}
