//! A full disk and a failing one. While nothing fits, what is acknowledged is
//! there all the same, and what is not was refused; once there is space again
//! the service goes on by itself. A flush that fails, or that takes long, is
//! made by `strace`. `ACCORD_FULL_DISKS` and `ACCORD_FAILING_FLUSHES` set how
//! often.

use std::fs;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use super::load::{Load, Sender, lost, surplus};
use super::mounts::Mounted;
use super::{Chance, durable_cluster, or_skipped, program, report, within};
use crate::people::person;
use crate::postgres::{Cluster, Durability};
use crate::world::{Place, Setting, World, times};

const CLIENTS: usize = 4;
const READ: usize = 50;

/// Fills the disk under load until records are refused, empties it, and waits
/// for answers; how many were refused.
fn fill_and_empty(disk: &Mounted, load: &Load<'_>, helped: impl Fn()) {
    within(60, "the service answers", || load.count(None) > 5);
    disk.fill();
    let before = load.unanswered();
    within(60, "records are refused", || {
        load.unanswered() > before + 10
    });
    thread::sleep(Duration::from_millis(500));
    disk.empty();
    helped();
    let before = load.count(None);
    within(120, "answers resume", || load.count(None) > before + 10);
}

fn full(place: Place<'_>, disk: &Mounted, data: Option<&str>, helped: impl Fn()) {
    let setting = Setting {
        data: data.map(|name| disk.folder.join(name)),
        ..Setting::default()
    };
    let world = [World::prepared(place, setting)];
    world[0].serves();
    let times = times("ACCORD_FULL_DISKS", 2);
    let (mut kept, mut unanswered) = (Vec::new(), 0);
    for round in 0..times {
        let load = Load::new(&world, &format!("full {round}"), Sender::Insists);
        kept.extend(load.during(CLIENTS, || fill_and_empty(disk, &load, &helped)));
        unanswered += load.unanswered();
    }
    let mut failures = lost(&world[0], &kept, READ);
    // A disk that was full loses nothing to a kill either.
    world[0].dies();
    world[0].serves();
    failures.extend(lost(&world[0], &kept, READ));
    failures.extend(surplus(&world[0], &kept));
    world[0].verify();
    let more = format!("acknowledged={} refused={unanswered}", kept.len());
    report("disk_full", place.name(), times, &failures, &more);
}

#[test]
fn a_full_disk_loses_nothing_and_the_service_recovers_by_itself_on_sqlite() {
    let disk = Mounted::in_memory("full-sqlite", 48);
    if let Some(disk) = or_skipped("disk_full", "sqlite", disk) {
        full(Place::Sqlite, &disk, Some("data"), || ());
    }
}

#[test]
fn a_full_disk_of_postgres_loses_nothing_and_the_service_recovers_by_itself() {
    let Some(disk) = or_skipped("disk_full", "postgres", Mounted::in_memory("full-pg", 512)) else {
        return;
    };
    let cluster = Cluster::start_new_in(&disk.folder, Durability::Full);
    let Some(cluster) = or_skipped("disk_full", "postgres", cluster) else {
        return;
    };
    full(Place::Postgres(&cluster), &disk, None, || {
        // PostgreSQL itself gives up without space; its supervisor starts it.
        if !cluster.is_running() {
            cluster.start();
        }
    });
}

#[test]
fn i16_a_full_disk_of_the_index_delays_it_and_hides_nobody() {
    const PROOF: &str = "index_disk_full";
    let Some(cluster) = durable_cluster(PROOF) else {
        return;
    };
    let disk = Mounted::in_memory("full-index", 16);
    let Some(disk) = or_skipped(PROOF, "postgres", disk) else {
        return;
    };
    // The ledger is elsewhere: this disk holds the index and the seals' copy.
    let setting = Setting {
        data: Some(disk.folder.join("data")),
        ..Setting::default()
    };
    let world = World::prepared(Place::Postgres(cluster), setting);
    world.serves();
    let story = |place: usize| person(&format!("without a place in the index {place}"));
    let registers = |places: Range<usize>| {
        for place in places {
            world.registers("gp", &place.to_string(), &story(place));
        }
    };
    let standing = || world.get_root("/readyz").send().expect(200);
    registers(0..20);
    within(60, "the index follows", || standing()["index_lag"] == 0);
    disk.fill();
    registers(20..60);
    within(60, "it says that it lags", || standing()["lagging"] == true);
    let mut failures = Vec::new();
    let mut asks = |when: &str| {
        for place in 0..60 {
            let found = world.matches(&story(place));
            let known = world.cross_reference("gp", &place.to_string()).person();
            if found["complete"] != true || !found.mentions(&known) {
                failures.push(format!("{place} {when}: {}", found.text));
            }
        }
    };
    asks("while the disk is full");
    disk.empty();
    within(60, "the index follows again", || {
        standing()["index_lag"] == 0
    });
    asks("once there is space again");
    world.verify();
    report(PROOF, "postgres", 120, &failures, "");
}

/// `strace` over a service, with a fault in its flushes.
fn under_strace(fault: &str) -> Result<Vec<String>, String> {
    let strace = program("strace")?;
    let works = std::process::Command::new(&strace)
        .args(["-o", "/dev/null", "true"])
        .output();
    if !works.is_ok_and(|output| output.status.success()) {
        return Err("strace may not trace here".to_owned());
    }
    let arguments = [
        "-f",
        "-qq",
        "-o",
        "strace.log",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
    ];
    let inject = format!("inject=fsync,fdatasync:{fault}");
    let all = [strace.display().to_string()]
        .into_iter()
        .chain(arguments.map(ToOwned::to_owned))
        .chain([inject]);
    Ok(all.collect())
}

fn strace_log(world: &World) -> String {
    fs::read_to_string(world.file("strace.log")).unwrap_or_default()
}

#[test]
fn a_flush_that_fails_loses_nothing_and_the_service_goes_on() {
    const PROOF: &str = "flush_fails";
    if or_skipped(PROOF, "sqlite", under_strace("error=EIO:when=1")).is_none() {
        return;
    }
    let (mut kept_count, mut failures, mut failed) = (0, Vec::new(), 0);
    let mut chance = Chance::new();
    let flushes = times("ACCORD_FAILING_FLUSHES", 4);
    for round in 0..flushes {
        // The first ones belong to the start, which may fail in order.
        let fault = format!("error=EIO:when={}", 5 + round + chance.below(20));
        let setting = Setting {
            under: under_strace(&fault).expect("it worked before"),
            ..Setting::default()
        };
        let world = [World::prepared(Place::Sqlite, setting)];
        if world[0].tries_to_serve().is_err() {
            assert!(
                strace_log(&world[0]).contains("INJECTED"),
                "started otherwise"
            );
            continue;
        }
        let load = Load::new(&world, &format!("failing {round}"), Sender::Insists);
        let kept = load.during(CLIENTS, || {
            within(60, "a flush fails", || {
                strace_log(&world[0]).contains("INJECTED")
            });
            let before = load.count(None);
            within(60, "answers resume", || load.count(None) > before + 10);
        });
        failed += strace_log(&world[0]).matches("INJECTED").count();
        kept_count += kept.len();
        let world = world[0].goes_on_plainly();
        failures.extend(lost(&world, &kept, READ));
        failures.extend(surplus(&world, &kept));
        world.verify();
    }
    let more = format!("flushes_failed={failed} acknowledged={kept_count}");
    report(PROOF, "sqlite", flushes, &failures, &more);
}

#[test]
fn a_slow_disk_delays_answers_and_loses_nothing() {
    const PROOF: &str = "flush_slow";
    let Some(under) = or_skipped(PROOF, "sqlite", under_strace("delay_exit=100000")) else {
        return;
    };
    let setting = Setting {
        under,
        ..Setting::default()
    };
    let world = [World::prepared(Place::Sqlite, setting)];
    world[0].serves();
    let load = Load::new(&world, "slow", Sender::GivesUp);
    let seconds = times("ACCORD_SLOW_SECONDS", 3) as u64;
    let kept = load.during(CLIENTS, || {
        thread::sleep(Duration::from_secs(seconds));
        world[0].dies();
    });
    let world = world[0].goes_on_plainly();
    let mut failures = lost(&world, &kept, READ);
    failures.extend(surplus(&world, &kept));
    world.verify();
    report(PROOF, "sqlite", kept.len(), &failures, "delay_ms=100");
}
