//! The command line of DESIGN §6.2 beside import and export: what is printed
//! where, and exit codes: 0 done, 1 refused or failed with one clear sentence
//! on standard error, 2 usage.

use crate::world::{Ended, World};

#[track_caller]
fn one_sentence(ended: Ended) -> String {
    let refused = ended.expect(1);
    assert_eq!(
        refused.err.trim().lines().count(),
        1,
        "one sentence: {}",
        refused.err
    );
    refused.err
}

#[test]
fn token_create_prints_the_token_alone() {
    let world = World::at_rest();
    let make = || {
        let made = world.accord(&["token", "create", "--actor", "a", "--role", "integration"]);
        made.expect(0).out
    };
    let (one, two) = (make(), make());
    assert_eq!(one.lines().count(), 1);
    assert!(one.trim().len() >= 32, "hard to guess: {one}");
    assert!(!one.trim().contains(char::is_whitespace));
    assert_ne!(one, two);
}

#[test]
fn an_unknown_role_or_source_is_refused() {
    let world = World::at_rest();
    let role = world.accord(&["token", "create", "--actor", "a", "--role", "king"]);
    assert!(matches!(role.code, Some(1 | 2)), "{role:?}");
    assert!(role.out.is_empty() && !role.err.is_empty());
    let source = [
        "token",
        "create",
        "--actor",
        "a",
        "--role",
        "integration",
        "--source",
        "nowhere",
    ];
    let refused = world.accord(&source);
    assert!(one_sentence(refused).contains("nowhere"));
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let world = World::at_rest();
    world.accord_alone_with(&["frobnicate"]).expect(2);
    world
        .accord_alone_with(&["import", "--no-such-option"])
        .expect(2);
    world
        .accord_alone_with(&["generate", "--persons", "many"])
        .expect(2);
    let help = world.accord_alone_with(&["--help"]).expect(0);
    for command in [
        "serve", "demo", "import", "export", "evaluate", "generate", "verify", "token", "source",
    ] {
        assert!(help.out.contains(command), "{command} in {}", help.out);
    }
    assert!(
        world
            .accord_alone_with(&["--version"])
            .expect(0)
            .out
            .starts_with("accord ")
    );
}

#[test]
fn a_second_service_on_one_directory_is_refused() {
    let world = World::start();
    let refused = world
        .accord(&["serve", "--listen", "127.0.0.1:0"])
        .expect(1);
    assert!(!refused.out.contains("listening") && !refused.err.is_empty());
    world.get_root("/healthz").send().expect(200);
}

#[test]
fn serve_live_refuses_a_directory_made_without_it() {
    let world = World::at_rest();
    let refused = world
        .accord(&["serve", "--live", "--listen", "127.0.0.1:0"])
        .expect(1);
    assert!(refused.err.contains("--live"), "{}", refused.err);
}

#[test]
fn a_directory_for_demonstration_says_so_at_start_up() {
    let world = World::start();
    assert!(
        world.log().to_lowercase().contains("test"),
        "{}",
        world.log()
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let world = World::at_rest();
    let refused = world.accord(&["import", "--source", "gp", "not-there.csv"]);
    assert!(one_sentence(refused).contains("not-there.csv"));
}

#[test]
fn a_directory_that_no_ledger_can_be_in_is_refused() {
    let world = World::at_rest();
    let file = world.writes("a-file", b"not a directory");
    let refused = world.accord_alone_with(&["verify", "--data", &file]);
    one_sentence(refused);
}

#[test]
fn a_service_stops_when_asked_and_keeps_everything() {
    let world = World::start();
    let known = crate::people::person("stopped");
    let first = world.registers("gp", "1", &known);

    let ended = world.stops();

    assert_eq!(ended.code, Some(0), "{}", ended.err);
    world.serves();
    assert_eq!(world.cross_reference("gp", "1").person(), first.person());
}

#[test]
fn a_source_says_who_it_is() {
    let world = World::at_rest();
    let optician = [
        "source",
        "add",
        "optician",
        "--name",
        "High Street Optician",
        "--ods",
        "X99",
        "--authority",
        "urn:example:optician",
        "--trust",
        "40",
        "--nhs-status-default",
        "02",
    ];
    world.accord(&optician).expect(0);
    world.serves();
    let sources = world.get("/sources").send().expect(200);
    for text in ["optician", "High Street Optician", "X99"] {
        assert!(sources.mentions(text), "{text} in {}", sources.text);
    }
}

#[test]
fn the_demonstration_keeps_out_of_a_ledger_made_for_something_else() {
    let world = World::at_rest();
    world
        .accord(&["source", "add", "optician", "--name", "An optician"])
        .expect(0);
    let data = world.file("data");
    let data = data.to_str().expect("a path in UTF-8");
    let refused = world.accord_alone_with(&["demo", "--data", data, "--persons", "20"]);
    assert!(one_sentence(refused).contains("demonstration"));
}

#[test]
fn a_lost_database_is_not_served_as_an_empty_one() {
    let world = World::start();
    if world.database().is_some() {
        // It does not lie in the directory: nothing to take away there.
        return;
    }
    world.registers("gp", "1", &crate::people::person("lost"));
    world.dies();
    let (data, kept) = (world.file("data"), world.file("kept"));
    std::fs::create_dir(&kept).expect("a directory");
    for name in ["accord.db", "accord.db-wal", "accord.db-shm"] {
        let _ = std::fs::rename(data.join(name), kept.join(name));
    }
    let refused = world.accord(&["import", "no-such-file.csv"]);
    assert!(one_sentence(refused).contains("accord.db"));
    for name in ["accord.db", "accord.db-wal", "accord.db-shm"] {
        let _ = std::fs::rename(kept.join(name), data.join(name));
    }
}

#[test]
fn export_makes_no_ledger_where_there_is_none() {
    let world = World::at_rest();
    let nowhere = world.file("nowhere");
    let nowhere = nowhere.to_str().expect("a path in UTF-8");
    let refused =
        world.accord_alone_with(&["export", "--data", nowhere, "--persons", "persons.csv"]);
    one_sentence(refused);
    assert!(!world.file("nowhere").exists());
}
