//! DESIGN §2.4: 32 simultaneous submissions of one new person without an NHS
//! number, over three processes on one PostgreSQL (one process on SQLite),
//! make one person. `ACCORD_RACES` sets how many persons. A third of them come
//! with a slip of the pen, a third with swapped names, in every second
//! submission; what is sent would link one after the other, which is tested
//! first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::load::exported;
use super::{durable_cluster, report};
use crate::people::{person, with};
use crate::postgres::Cluster;
use crate::world::{Place, SOURCES, Setting, World, times};

const PROOF: &str = "races";
const SUBMISSIONS: usize = 32;
const NODES: usize = 3;
const ATTEMPTS: usize = 20;

/// How every second submission differs from the others.
#[derive(Debug, Clone, Copy)]
enum Variant {
    Exact,
    Typo,
    Swapped,
}

const VARIANTS: [Variant; 3] = [Variant::Exact, Variant::Typo, Variant::Swapped];

impl Variant {
    fn of(self, known: &Value) -> Value {
        let (given, family) = (&known["given_names"][0], &known["family_name"]);
        match self {
            Self::Exact => known.clone(),
            Self::Typo => {
                let mut letters: Vec<char> = family.as_str().expect("a name").chars().collect();
                letters.swap(3, 4);
                let slipped: String = letters.into_iter().collect();
                with(known, json!({"family_name": slipped}))
            }
            Self::Swapped => with(
                known,
                json!({"given_names": [family], "family_name": given}),
            ),
        }
    }
}

fn source(submission: usize) -> &'static str {
    SOURCES[submission % 8]
}

fn body(variant: Variant, submission: usize, known: &Value) -> Value {
    if submission.is_multiple_of(2) {
        known.clone()
    } else {
        variant.of(known)
    }
}

/// What the submissions of one proof met.
#[derive(Default)]
struct Met {
    unanswered: AtomicUsize,
}

/// Sends one record until it has an answer, each time to the next node.
fn submit(nodes: &[World], round: usize, submission: usize, sent: &Value, met: &Met) {
    let local_id = format!("{round}-{submission}");
    for attempt in 0..ATTEMPTS {
        let node = &nodes[(submission + attempt) % nodes.len()];
        match node.put(source(submission), &local_id, sent).try_send() {
            Ok(answer) if answer.status < 300 => return,
            Ok(answer) if answer.status < 500 => {
                panic!("answered {} {}", answer.status, answer.text)
            }
            Ok(_) | Err(_) => {
                met.unanswered.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
    panic!("submission {local_id} had no answer in {ATTEMPTS} attempts");
}

/// All submissions of a round start together; stories with surplus persons.
fn race(nodes: &[World], rounds: usize, met: &Met) -> Vec<String> {
    let start = Barrier::new(SUBMISSIONS);
    thread::scope(|scope| {
        for submission in 0..SUBMISSIONS {
            let start = &start;
            scope.spawn(move || {
                for round in 0..rounds {
                    let known = person(&format!("race {round}"));
                    let sent = body(VARIANTS[round % 3], submission, &known);
                    start.wait();
                    submit(nodes, round, submission, &sent, met);
                }
            });
        }
    });
    let mut persons: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let exported = exported(&nodes[0]);
    assert_eq!(
        exported.len(),
        rounds * SUBMISSIONS,
        "every record is there"
    );
    for (record, person) in exported {
        let round = record
            .split([':', '-'])
            .nth(1)
            .and_then(|round| round.parse().ok());
        let round = round.unwrap_or_else(|| panic!("{record} is not of the race"));
        persons.entry(round).or_default().insert(person);
    }
    persons
        .into_iter()
        .filter(|(_, persons)| persons.len() > 1)
        .map(|(round, persons)| {
            let variant = VARIANTS[round % 3];
            format!("person {round} ({variant:?}): {} persons", persons.len())
        })
        .collect()
}

#[test]
fn what_is_raced_links_one_after_the_other() {
    let world = World::start();
    for variant in VARIANTS {
        for first in [0, 1] {
            let known = person(&format!("in order {variant:?} {first}"));
            let persons: BTreeSet<String> = (first..first + 4)
                .map(|submission| {
                    let local_id = format!("{variant:?}-{first}-{submission}");
                    let sent = body(variant, submission, &known);
                    world
                        .registers(source(submission), &local_id, &sent)
                        .person()
                })
                .collect();
            assert_eq!(persons.len(), 1, "{variant:?} from {first}");
        }
    }
}

#[test]
fn one_process_makes_one_person_of_simultaneous_submissions() {
    let nodes = [World::start_on(Place::Sqlite)];
    let rounds = times("ACCORD_RACES", 100);
    let met = Met::default();
    let failures = race(&nodes, rounds, &met);
    nodes[0].verify();
    let more = format!("submissions={}", rounds * SUBMISSIONS);
    report(PROOF, "sqlite", rounds, &failures, &more);
}

#[test]
fn three_processes_make_one_person_of_simultaneous_submissions() {
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
    let rounds = times("ACCORD_RACES", 100);
    let met = Met::default();
    let mut failures = race(&nodes, rounds, &met);
    let submissions = rounds * SUBMISSIONS;
    let unanswered = met.unanswered.load(Ordering::SeqCst);
    let deadlocks = deadlocks(cluster, &nodes[0]) - before;
    if deadlocks > 0 {
        failures.push(format!("{deadlocks} deadlocks"));
    }
    let [retries, moved] = ["tried again", "begins again"].map(|words| {
        let seen = nodes.iter().map(|node| node.log().matches(words).count());
        seen.sum::<usize>()
    });
    if retries * 100 >= submissions {
        failures.push(format!("{retries} retries of {submissions} submissions"));
    }
    let more = format!(
        "nodes={NODES} submissions={submissions} retries={retries} begun_again={moved} \
         unanswered={unanswered} deadlocks={deadlocks}"
    );
    nodes[0].verify();
    report(PROOF, "postgres", rounds, &failures, &more);
}

/// Deadlocks that PostgreSQL has counted in a world's database.
pub(super) fn deadlocks(cluster: &Cluster, world: &World) -> i64 {
    let database = Cluster::name_in(world.database().expect("a world on PostgreSQL"));
    let query = format!("select deadlocks from pg_stat_database where datname = '{database}'");
    cluster.number("postgres", &query)
}
