//! Whole ledgers move: backup, restore, the way to PostgreSQL and back, and an
//! index that is made again. Each says what it proved.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::people::{john_smith, person, verified_person};
use crate::postgres::Cluster;
use crate::world::World;

fn state_hash(out: &str) -> String {
    let line = out.lines().last().expect("a last line");
    let (_, rest) = line.split_once("state hash ").expect("a hash");
    rest.split(' ').next().expect("a hash").to_owned()
}

fn exported(world: &World, arguments: &[&str]) -> String {
    let file = world.file("exported.csv");
    let _ = fs::remove_file(&file);
    let mut command = vec!["export", "--qualify", "--persons", "exported.csv"];
    command.extend(arguments);
    world.accord_alone_with(&command).expect(0);
    fs::read_to_string(file).expect("an export")
}

/// Audit rows are sealed each second: until three seals are there.
fn seals_several_times(world: &World) {
    let started = Instant::now();
    let sealed = || fs::read_to_string(world.file("data/audit-seals.log")).unwrap_or_default();
    while sealed().lines().count() < 3 {
        assert!(started.elapsed() < Duration::from_mins(1), "nothing seals");
        world.cross_reference("gp", "1");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn i22_a_backup_of_a_running_service_restores_to_the_same_ledger() {
    let world = World::lived_in();
    seals_several_times(&world);
    let saved = world
        .accord(&["backup", "--quiet", "--to", "saved"])
        .expect(0);
    let saved = state_hash(&saved.out);
    let restored = world
        .accord_alone_with(&["restore", "--quiet", "--from", "saved", "--data", "second"])
        .expect(0);
    assert_eq!(state_hash(&restored.out), saved);
    world
        .accord_alone_with(&["verify", "--data", "second"])
        .expect(0);
    let first = exported(&world, &["--data", "saved"]);
    assert!(first.lines().count() > 4);
    assert_eq!(exported(&world, &["--data", "second"]), first);
}

#[test]
fn a_restore_never_mixes_with_what_is_there_and_never_trusts_a_changed_backup() {
    let world = World::lived_in();
    world
        .accord(&["backup", "--quiet", "--to", "saved"])
        .expect(0);
    world.stops();
    let occupied = world
        .accord(&["restore", "--quiet", "--from", "saved"])
        .expect(1);
    assert!(occupied.err.contains("not empty"), "{}", occupied.err);
    let manifest = world.file("saved/backup.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let forged = text.replacen("\"rows\": ", "\"rows\": 1", 1);
    assert_ne!(forged, text);
    fs::write(&manifest, forged).expect("forged");
    let changed = world
        .accord_alone_with(&["restore", "--quiet", "--from", "saved", "--data", "third"])
        .expect(1);
    assert!(changed.err.contains("not what it was"), "{}", changed.err);
    let again = world
        .accord(&["backup", "--quiet", "--to", "saved"])
        .expect(1);
    assert!(again.err.contains("not empty"), "{}", again.err);
}

#[test]
fn a_ledger_moves_to_postgresql_and_back_with_an_equal_state_hash() {
    let cluster = match Cluster::shared() {
        Ok(cluster) => cluster,
        Err(why) => {
            eprintln!("left out: {why}");
            return;
        }
    };
    let world = World::lived_in();
    if world.database().is_some() {
        // It is there already; the way back is shown below by the backup.
        return;
    }
    world.stops();
    let before = exported(
        &world,
        &["--data", world.file("data").to_str().expect("a path")],
    );
    let url = cluster.create_database();
    let to = ["--data", "node", "--database", url.as_str()];
    let mut migrate = vec!["migrate", "--quiet", "--from", "data"];
    migrate.extend(to);
    let migrated = world.accord_alone_with(&migrate).expect(0);
    assert_eq!(exported(&world, &to), before);
    // The proof left a row in the audit of the new place; what it copied is equal.
    let mut backup = vec!["backup", "--quiet", "--to", "from-postgres"];
    backup.extend(to);
    let saved = world.accord_alone_with(&backup).expect(0);
    assert_ne!(state_hash(&saved.out), state_hash(&migrated.out));
    world
        .accord_alone_with(&[
            "restore",
            "--quiet",
            "--from",
            "from-postgres",
            "--data",
            "back",
        ])
        .expect(0);
    assert_eq!(exported(&world, &["--data", "back"]), before);
    let mut again = vec!["migrate", "--quiet", "--from", "back"];
    again.extend(to);
    let refused = world.accord_alone_with(&again).expect(1);
    assert!(refused.err.contains("not empty"), "{}", refused.err);
}

/// Changes rows behind the product's back; nothing may be serving them.
fn spoils(world: &World, statements: &[&str]) {
    if let Some(url) = world.database() {
        let cluster = Cluster::shared().expect("the story's cluster");
        for statement in statements {
            cluster.execute(Cluster::name_in(url), statement);
        }
        return;
    }
    let ledger = rusqlite::Connection::open(world.file("data/accord.db"));
    let ledger = ledger.expect("the ledger");
    for statement in statements {
        ledger.execute_batch(statement).expect("spoilt");
    }
}

#[test]
fn a_ledger_with_keys_of_another_build_is_refused_until_they_are_made_anew() {
    let world = World::lived_in();
    let held = verified_person("everything else");
    let questions = [
        john_smith(),
        person("everything"),
        verified_person("everything"),
        held,
    ];
    let ask = |world: &World| {
        let answers = questions.iter().map(|asked| world.matches(asked).body);
        answers.collect::<Vec<_>>()
    };
    let before = ask(&world);
    world.stops();
    spoils(
        &world,
        &[
            "update meta set value = 'of another build' where key = 'key_format'",
            "update record_keys set key = key + 1",
        ],
    );

    let refused = world.tries_to_serve().expect_err("other keys");
    assert!(refused.contains("accord rebuild-index"), "{refused}");
    let file = world.writes("more.csv", b"record_id,family_name\n1,Example\n");
    let refused = world.accord(&["import", "--source", "gp", &file]).expect(1);
    assert!(
        refused.err.contains("accord rebuild-index"),
        "{}",
        refused.err
    );
    let rebuilt = world.accord(&["rebuild-index", "--quiet"]).expect(0);
    assert!(rebuilt.out.contains("made anew"), "{}", rebuilt.out);

    world.serves();
    assert_eq!(ask(&world), before);
    let known = verified_person("everything");
    let linked = world.registers("ed", "after", &known);
    assert_eq!(linked.person(), world.cross_reference("pas", "1").person());
    world.stops();
    let again = world.accord(&["rebuild-index", "--quiet"]).expect(0);
    assert!(!again.out.contains("made anew"), "{}", again.out);
    assert!(again.out.contains("held the same"), "{}", again.out);
}

#[test]
fn i8_a_rebuilt_index_holds_the_same_and_answers_are_the_same() {
    let world = World::lived_in();
    let questions = [
        john_smith(),
        person("everything"),
        verified_person("everything"),
    ];
    let ask = |world: &World| {
        let answers = questions
            .iter()
            .map(|question| world.matches(question).body);
        answers.collect::<Vec<_>>()
    };
    let before = ask(&world);
    world.stops();
    let rebuilt = world.accord(&["rebuild-index", "--quiet"]).expect(0);
    assert!(rebuilt.out.contains("held the same"), "{}", rebuilt.out);
    world.serves();
    assert_eq!(ask(&world), before);
}
