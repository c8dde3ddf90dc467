//! Several nodes on one PostgreSQL: one is stopped for good, one is frozen for
//! `ACCORD_FREEZE_SECONDS` and thawed. The others answer meanwhile, and nothing
//! that any of them acknowledged is lost.

use std::thread;
use std::time::{Duration, Instant};

use super::load::{Acknowledged, Load, Sender, lost, surplus};
use super::{durable_cluster, report, within};
use crate::people::person;
use crate::world::{Place, World, times};

const NODES: usize = 3;
const CLIENTS: usize = 6;
const READ: usize = 100;

/// The longest time between two answers of the given nodes.
fn longest_silence(kept: &[Acknowledged], nodes: &[usize], from: Instant, to: Instant) -> Duration {
    let mut moments: Vec<Instant> = kept
        .iter()
        .filter(|record| nodes.contains(&record.node))
        .map(|record| record.at)
        .filter(|at| (from..to).contains(at))
        .collect();
    moments.extend([from, to]);
    moments.sort_unstable();
    let silences = moments.windows(2).map(|pair| pair[1] - pair[0]);
    silences.max().unwrap_or_default()
}

#[test]
fn the_others_go_on_when_a_node_is_stopped_for_good() {
    let Some(cluster) = durable_cluster("node stopped") else {
        return;
    };
    let nodes = World::nodes(Place::Postgres(cluster), NODES);
    let stops = NODES - 1;
    let load = Load::new(&nodes, "stopped", Sender::Insists);
    let kept = load.during(CLIENTS, || {
        for node in &nodes[..stops] {
            thread::sleep(Duration::from_millis(700));
            node.dies();
            let last = NODES - 1;
            let before = load.count(Some(last));
            within(60, "the others answer", || {
                load.count(Some(last)) > before + 20
            });
        }
    });
    let left = &nodes[NODES - 1];
    let mut failures = lost(left, &kept, READ);
    failures.extend(surplus(left, &kept));
    left.accord(&["verify"]).expect(0);
    let more = format!(
        "nodes={NODES} stops={stops} unanswered={}",
        load.unanswered()
    );
    report("node_stopped", "postgres", kept.len(), &failures, &more);
}

#[test]
fn the_others_answer_while_a_node_is_frozen_and_nothing_is_lost() {
    let Some(cluster) = durable_cluster("node frozen") else {
        return;
    };
    let nodes = World::nodes(Place::Postgres(cluster), NODES);
    let seconds = times("ACCORD_FREEZE_SECONDS", 5);
    let load = Load::new(&nodes, "frozen", Sender::Insists);
    let (mut from, mut to) = (Instant::now(), Instant::now());
    let kept = load.during(CLIENTS, || {
        within(60, "all nodes answer", || {
            (0..NODES).all(|node| load.count(Some(node)) > 5)
        });
        nodes[NODES - 1].freezes();
        from = Instant::now();
        thread::sleep(Duration::from_secs(seconds as u64));
        to = Instant::now();
        nodes[NODES - 1].thaws();
        let again = person("after the thaw");
        within(60, "the thawed node answers", || {
            let answer = nodes[NODES - 1].put("gp", "after", &again).try_send();
            answer.is_ok_and(|answer| answer.status < 300)
        });
    });
    let mut failures = lost(&nodes[0], &kept, READ);
    failures.extend(surplus(&nodes[0], &kept));
    nodes[0].accord(&["verify"]).expect(0);
    let meanwhile = kept
        .iter()
        .filter(|record| record.node < NODES - 1 && (from..to).contains(&record.at))
        .count();
    assert!(meanwhile > 0, "nobody answered while one node was frozen");
    let silence = longest_silence(&kept, &[0, 1], from, to);
    let more = format!(
        "frozen_seconds={seconds} answered_meanwhile={meanwhile} longest_silence_ms={}",
        silence.as_millis()
    );
    report("node_frozen", "postgres", kept.len(), &failures, &more);
}
