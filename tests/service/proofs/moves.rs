//! DESIGN §2.2 under several nodes: a person changes on one of them between the
//! moment at which another has read it and the moment at which that one locks it.
//! A withdrawal names its record alone and shares no key with a registration of
//! the same person, so nothing else keeps the two apart. The transaction that
//! finds the person moved begins again; how often is counted, and must not be
//! never. `ACCORD_MOVES` sets the persons.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use super::load::exported;
use super::races::deadlocks;
use super::{durable_cluster, report};
use crate::people::verified_person;
use crate::world::{Place, Setting, World, times};

const PROOF: &str = "person_moved";
const NODES: usize = 3;
const CAME: [&str; 2] = ["pas", "ed"];

/// Of each person one record leaves and two come, all at once.
fn race(nodes: &[World], rounds: usize) {
    let start = Barrier::new(1 + CAME.len());
    thread::scope(|scope| {
        let start = &start;
        scope.spawn(move || {
            for round in 0..rounds {
                start.wait();
                nodes[0].withdraws("gp", &round.to_string());
            }
        });
        for (place, source) in CAME.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..rounds {
                    let known = verified_person(&format!("moved {round}"));
                    start.wait();
                    nodes[1 + place].registers(source, &round.to_string(), &known);
                }
            });
        }
    });
}

#[test]
fn a_person_that_moves_under_another_node_is_read_again() {
    let Some(cluster) = durable_cluster(PROOF) else {
        return;
    };
    let setting = Setting {
        environment: vec![(
            "ACCORD_LOG",
            "warn,accord::storage::writer=debug".to_owned(),
        )],
        ..Setting::default()
    };
    let nodes = World::nodes_with(Place::Postgres(cluster), NODES, setting);
    let before = deadlocks(cluster, &nodes[0]);
    let rounds = times("ACCORD_MOVES", 60);
    let begun_again = || -> usize {
        let logs = nodes.iter().map(World::log);
        logs.map(|log| log.matches("begins again").count()).sum()
    };
    for round in 0..rounds {
        let known = verified_person(&format!("moved {round}"));
        nodes[round % NODES].registers("gp", &round.to_string(), &known);
    }
    let quiet = begun_again();

    race(&nodes, rounds);

    let met = begun_again() - quiet;
    let persons: BTreeMap<String, String> = exported(&nodes[0]);
    let mut failures = Vec::new();
    for round in 0..rounds {
        let of = |source: &str| persons.get(&format!("{source}:{round}"));
        if of("gp").is_some() {
            failures.push(format!("{round} is still there"));
        }
        if of(CAME[0]).is_none() || of(CAME[0]) != of(CAME[1]) {
            failures.push(format!("{round} has two persons"));
        }
    }
    let deadlocks = deadlocks(cluster, &nodes[0]) - before;
    if deadlocks > 0 {
        failures.push(format!("{deadlocks} deadlocks"));
    }
    nodes[0].verify();
    let more = format!("nodes={NODES} begun_again={met} deadlocks={deadlocks}");
    report(PROOF, "postgres", rounds, &failures, &more);
    assert!(
        met > 0,
        "no person ever moved: the proof has not met what it is about"
    );
}
