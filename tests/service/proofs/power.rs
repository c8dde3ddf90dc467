//! The power is cut under load: all processes are stopped where they stand, a
//! moment later the filesystem below the ledger drops what it has not flushed
//! (`shutdown` of ext4 on a loop device), everything is killed, the journal is
//! replayed, the service starts, and what was acknowledged is compared. The
//! stop keeps the cut from racing a flush that is under way. What was
//! acknowledged is noted here, on another filesystem.
//! `ACCORD_POWER_CUTS_SQLITE` and `ACCORD_POWER_CUTS_POSTGRES` set the cycles.
//!
//! A harness that finds no loss where there must be some proves nothing: two
//! negative controls, written by the harness itself, have to lose.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;

use super::load::{Load, Sender, lost, surplus};
use super::mounts::Mounted;
use super::{Chance, or_skipped, report, report_control};
use crate::postgres::{Cluster, Durability, signal};
use crate::server::lock;
use crate::world::{Place, Setting, World, times};

const PROOF: &str = "power_cut";
const CLIENTS: usize = 8;
const READ: usize = 25;
const DISK_MB: u64 = 1024;
/// What is under way when the processes stop is finished after that.
const STOPPED_MS: (usize, usize) = (30, 50);

/// Cuts the power under a stopped service (and its database), and brings the
/// disk back.
fn cut(disk: &Mounted, world: &World, cluster: Option<&Cluster>, chance: &mut Chance) {
    world.freezes();
    if let Some(cluster) = cluster {
        signal("STOP", &cluster.processes());
    }
    thread::sleep(chance.milliseconds(STOPPED_MS.0, STOPPED_MS.1));
    disk.cut_power();
    world.dies();
    if let Some(cluster) = cluster {
        cluster.kill_all();
    }
    disk.unmount().expect("nobody holds the disk");
    disk.mount().expect("the journal is replayed");
}

fn cuts(place: Place<'_>, disk: &Mounted, cycles: usize) {
    let setting = Setting {
        data: Some(disk.folder.join("data")),
        ..Setting::default()
    };
    let world = [World::prepared(place, setting)];
    world[0].serves();
    disk.sync();
    let cluster = match place {
        Place::Sqlite => None,
        Place::Postgres(cluster) => Some(cluster),
    };
    let mut chance = Chance::new();
    let (mut kept, mut failures) = (Vec::new(), Vec::new());
    for round in 0..cycles {
        let load = Load::new(&world, &format!("cut {round}"), Sender::GivesUp);
        let after = chance.milliseconds(50, 900);
        let acknowledged = load.during(CLIENTS, || {
            thread::sleep(after);
            cut(disk, &world[0], cluster, &mut chance);
        });
        if let Some(cluster) = cluster {
            cluster.start();
        }
        world[0].serves();
        failures.extend(lost(&world[0], &acknowledged, READ));
        kept.extend(acknowledged);
    }
    failures.extend(lost(&world[0], &kept, READ * 4));
    failures.extend(surplus(&world[0], &kept));
    world[0].verify();
    let more = format!("acknowledged={}", kept.len());
    report(PROOF, place.name(), cycles, &failures, &more);
}

#[test]
fn no_acknowledged_record_is_lost_to_a_power_cut_on_sqlite() {
    let disk = Mounted::in_file("power-sqlite", DISK_MB);
    if let Some(disk) = or_skipped(PROOF, "sqlite", disk) {
        cuts(Place::Sqlite, &disk, times("ACCORD_POWER_CUTS_SQLITE", 10));
    }
}

#[test]
fn no_acknowledged_record_is_lost_to_a_power_cut_on_postgres() {
    let disk = Mounted::in_file("power-postgres", DISK_MB);
    let Some(disk) = or_skipped(PROOF, "postgres", disk) else {
        return;
    };
    let cluster = Cluster::start_new_in(&disk.folder, Durability::Full);
    let Some(cluster) = or_skipped(PROOF, "postgres", cluster) else {
        return;
    };
    let cycles = times("ACCORD_POWER_CUTS_POSTGRES", 5);
    cuts(Place::Postgres(&cluster), &disk, cycles);
}

/// One writer of a control, which counts what was acknowledged to it.
fn write_numbers<E>(stopped: &AtomicBool, mut insert: impl FnMut(i64) -> Result<(), E>) -> i64 {
    let mut acknowledged = 0;
    while !stopped.load(Ordering::SeqCst) {
        match insert(acknowledged + 1) {
            Ok(()) => acknowledged += 1,
            Err(_) => break,
        }
    }
    acknowledged
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for a writer")
}

/// Opens the control's file, whose log is never flushed: a checkpoint flushes it,
/// and a cut that falls just behind one would lose nothing. No memory is shared
/// through it, because touching such memory on a disk that is gone ends the process.
fn open_control(disk: &Mounted) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(disk.folder.join("control.db"));
    let connection = connection.expect("the control can be opened");
    for (name, value) in [
        ("locking_mode", "exclusive"),
        ("journal_mode", "wal"),
        ("synchronous", "normal"),
        ("wal_autocheckpoint", "0"),
    ] {
        let set = connection.pragma_update(None, name, value);
        set.expect("the control can be set");
    }
    connection
}

#[test]
fn a_power_cut_does_lose_commits_that_sqlite_did_not_flush() {
    let disk = Mounted::in_file("power-control", DISK_MB);
    let Some(disk) = or_skipped("power_cut_control", "sqlite-normal", disk) else {
        return;
    };
    let mut connection = open_control(&disk);
    let created = connection.execute_batch("create table kept (number integer primary key)");
    created.expect("a table");
    disk.sync();
    let mut chance = Chance::new();
    let (mut all, mut lost) = (0, 0);
    for _ in 0..times("ACCORD_POWER_CUT_CONTROLS", 3) {
        let emptied = "delete from kept; pragma wal_checkpoint(truncate)";
        let emptied = connection.execute_batch(emptied);
        emptied.expect("an empty table");
        disk.sync();
        let stopped = AtomicBool::new(false);
        let after = chance.milliseconds(200, 900);
        let acknowledged = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(after);
                stopped.store(true, Ordering::SeqCst);
            });
            write_numbers(&stopped, |number| {
                let inserted = connection.execute("insert into kept values (?1)", [number]);
                inserted.map(|_| ())
            })
        });
        disk.cut_power();
        // It cannot be closed in order any more.
        let _ = connection.close();
        disk.unmount().expect("nobody holds the disk");
        disk.mount().expect("the journal is replayed");
        connection = open_control(&disk);
        let count = "select count(*) from kept where number <= ?1";
        let held = connection.query_row(count, [acknowledged], |row| row.get::<_, i64>(0));
        let held = held.expect("a count");
        all += acknowledged;
        lost += acknowledged - held;
    }
    connection.close().expect("it closes");
    let size = |count: i64| usize::try_from(count.max(0)).expect("a count");
    report_control(
        "power_cut_control",
        "sqlite-normal",
        size(all),
        size(lost),
        "",
    );
}

#[test]
fn a_power_cut_does_lose_commits_that_postgres_did_not_flush() {
    let disk = Mounted::in_file("power-careless", DISK_MB);
    let Some(disk) = or_skipped("power_cut_control", "postgres-async", disk) else {
        return;
    };
    let cluster = Cluster::start_new_in(&disk.folder, Durability::Careless);
    let Some(cluster) = or_skipped("power_cut_control", "postgres-async", cluster) else {
        return;
    };
    cluster.execute(
        "postgres",
        "create table kept (writer bigint, number bigint)",
    );
    cluster.execute("postgres", "checkpoint");
    disk.sync();
    let mut chance = Chance::new();
    let (mut all, mut lost) = (0, 0);
    for _ in 0..times("ACCORD_POWER_CUT_CONTROLS", 3) {
        cluster.execute("postgres", "truncate kept");
        let acknowledged = write_until_cut(&disk, &cluster, &mut chance);
        cluster.start();
        for (writer, acknowledged) in acknowledged {
            let query = format!(
                "select count(*) from kept where writer = {writer} and number <= {acknowledged}"
            );
            all += acknowledged;
            lost += acknowledged - cluster.number("postgres", &query);
        }
    }
    let size = |count: i64| usize::try_from(count.max(0)).expect("a count");
    report_control(
        "power_cut_control",
        "postgres-async",
        size(all),
        size(lost),
        "",
    );
}

/// Four writers on a cluster that is cut off; what each was told.
fn write_until_cut(disk: &Mounted, cluster: &Cluster, chance: &mut Chance) -> Vec<(i64, i64)> {
    let stopped = AtomicBool::new(false);
    let all = Mutex::new(Vec::new());
    let url = cluster.url("postgres");
    thread::scope(|scope| {
        for writer in 0..4_i64 {
            let (stopped, all, url) = (&stopped, &all, &url);
            scope.spawn(move || {
                let runtime = runtime();
                let connection = runtime.block_on(PgConnection::connect(url));
                let mut connection = connection.expect("the cluster answers");
                let told = write_numbers(stopped, |number| {
                    let insert = sqlx::query("insert into kept values ($1, $2)");
                    let insert = insert.bind(writer).bind(number);
                    let inserted = runtime.block_on(insert.execute(&mut connection));
                    inserted.map(|_| ())
                });
                lock(all).push((writer, told));
            });
        }
        thread::sleep(chance.milliseconds(200, 900) + Duration::from_millis(200));
        signal("STOP", &cluster.processes());
        thread::sleep(chance.milliseconds(STOPPED_MS.0, STOPPED_MS.1));
        disk.cut_power();
        stopped.store(true, Ordering::SeqCst);
        cluster.kill_all();
    });
    disk.unmount().expect("nobody holds the disk");
    disk.mount().expect("the journal is replayed");
    all.into_inner().expect("no writer panicked")
}
