//! What the README promises, counted: races, kills, replays, cuts. Each proof
//! prints one line with its sample, its failures and what can be said from
//! them; by default it runs a tenth of its sample or less, and `make prove`
//! asks for all of it by the `ACCORD_…` variables of each file. A proof that
//! cannot run here (no root, no PostgreSQL, no tool) says so in one line.

/// A clock that jumps.
pub(crate) mod clock;
/// The way to PostgreSQL is cut, also while a commit is under way.
mod cuts;
/// Files of the index are damaged.
mod damage;
/// PostgreSQL dies and comes back.
mod database;
/// A full disk and a failing one.
mod disk;
/// Clients that hang up in the middle of a request.
mod drops;
/// Somebody else on the same PostgreSQL is in the way.
mod hindrance;
/// The service is killed.
mod kills;
/// Clients that write through whatever happens, and what they were told.
mod load;
/// Filesystems of the proofs' own.
mod mounts;
/// A person that changes under another node.
mod moves;
/// A node that is stopped for good, and one that is frozen.
mod nodes;
/// A message on which the program breaks.
mod poison;
/// The power is cut.
mod power;
/// A way to PostgreSQL that can be cut.
mod proxy;
/// Many submissions of one new person at once.
mod races;
/// Messages that come again.
mod replays;
/// The service is told to stop.
mod stops;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::postgres::{Cluster, Durability};

/// The cluster that proofs share which leave it running: its commits wait for
/// the disk. Without one, says why and answers nothing.
fn durable_cluster(proof: &str) -> Option<&'static Cluster> {
    static DURABLE: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = DURABLE.get_or_init(|| Cluster::start_new(Durability::Full));
    or_skipped(proof, "postgres", cluster.as_ref())
}

/// A cluster of the proof's own, which it may kill.
fn own_cluster(proof: &str, durability: Durability) -> Option<Cluster> {
    or_skipped(proof, "postgres", Cluster::start_new(durability))
}

/// What a proof needs, or one line that says why it does not run.
fn or_skipped<T>(proof: &str, engine: &str, needed: Result<T, impl ToString>) -> Option<T> {
    match needed {
        Ok(found) => Some(found),
        Err(why) => {
            let why = why.to_string();
            say(&format!("proof: {proof} engine={engine} skipped: {why}"));
            None
        }
    }
}

/// The line of a proof; it must not have failed anywhere.
#[track_caller]
fn report(proof: &str, engine: &str, samples: usize, failures: &[String], more: &str) {
    counted(proof, engine, samples, failures.len(), more);
    assert!(samples > 0, "{proof} on {engine} tried nothing");
    let shown: Vec<&String> = failures.iter().take(10).collect();
    assert!(failures.is_empty(), "{proof} on {engine}: {shown:#?}");
}

/// The line of a negative control, which must have failed somewhere.
#[track_caller]
fn report_control(proof: &str, engine: &str, samples: usize, failures: usize, more: &str) {
    counted(proof, engine, samples, failures, more);
    assert!(
        failures > 0,
        "{proof} on {engine} lost nothing in {samples}: the harness is broken, and what it \
         says of the product is worth nothing"
    );
}

fn counted(proof: &str, engine: &str, samples: usize, failures: usize, more: &str) {
    say(&format!(
        "proof: {proof} engine={engine} samples={samples} failures={failures} \
         upper_bound_95={:.2e}{}{more}",
        upper_bound(samples, failures),
        if more.is_empty() { "" } else { " " },
    ));
}

/// The share of failures that is not exceeded with 95 % confidence: three in
/// the sample when none was seen (rule of three), else Wilson's upper bound.
fn upper_bound(samples: usize, failures: usize) -> f64 {
    if samples == 0 {
        return 1.0;
    }
    let (n, seen) = (samples as f64, failures.min(samples) as f64);
    if failures == 0 {
        return (3.0 / n).min(1.0);
    }
    let (share, z) = (seen / n, 1.645);
    let centre = share + z * z / (2.0 * n);
    let width = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (centre + width) / (1.0 + z * z / n)
}

/// A line that is seen even when the test passes.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("standard output takes a line");
}

/// Waits until something is so; it must come within `seconds`.
#[track_caller]
fn within(seconds: u64, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(seconds),
            "{what}: not within {seconds} s"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

/// A folder that every user may enter, for a proof to mount something on.
fn open_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("accord-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// Where a program is, by `PATH`.
fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|place| place.is_file())
        .ok_or_else(|| format!("{name} is not installed"))
}

/// Chance that differs on every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = now.expect("a clock after 1970").as_nanos() % u128::from(u64::MAX);
        Self(u64::try_from(nanoseconds).expect("below the bound"))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).expect("below a usize")
    }

    fn milliseconds(&mut self, from: usize, to: usize) -> Duration {
        let chosen = from + self.below(to - from);
        Duration::from_millis(u64::try_from(chosen).expect("a short time"))
    }
}

#[test]
fn a_cluster_of_the_tests_answers_survives_a_kill_and_leaves_nothing() {
    let Some(cluster) = own_cluster("cluster", Durability::Full) else {
        return;
    };
    let url = cluster.create_database();
    let database = Cluster::name_in(&url).to_owned();
    cluster.execute(&database, "create table kept (number bigint)");
    cluster.execute(&database, "insert into kept values (42)");
    for kill in [Cluster::kill_postmaster, Cluster::stop_immediate] {
        assert!(cluster.processes().len() > 1, "the backends are found");
        kill(&cluster);
        cluster.start();
        assert_eq!(cluster.number(&database, "select number from kept"), 42);
    }
    let copy = cluster.create_database_like(&database);
    let name = Cluster::name_in(&copy);
    assert_eq!(cluster.number(name, "select number from kept"), 42);
    cluster.drop_database(name);
    assert!(url.contains(&cluster.port().to_string()));
    assert!(!cluster.log().is_empty());
    let data = cluster.data().to_owned();
    let processes = cluster.processes();
    drop(cluster);
    assert!(!data.exists());
    for process in processes {
        let status = std::fs::read_to_string(format!("/proc/{process}/cmdline"));
        assert!(!status.is_ok_and(|line| line.contains("postgres")));
    }
}

#[test]
fn what_can_be_said_of_a_sample() {
    assert!((upper_bound(300, 0) - 0.01).abs() < 1e-12);
    assert!((upper_bound(0, 0) - 1.0).abs() < 1e-12);
    let some = upper_bound(100, 10);
    assert!(some > 0.10 && some < 0.20, "{some}");
}
