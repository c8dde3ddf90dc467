//! The first load of an empty ledger: from memory, with the answers of the path of
//! a message, and the guarantees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Instant;

use crate::importing::partition;
use crate::postgres::Cluster;
use crate::world::{Ended, Place, Setting, World, times};

/// A made-up region in several files: a window ends where a file ends.
fn region(world: &World, persons: usize, seed: &str, files: usize) -> Vec<String> {
    let persons = persons.to_string();
    world.accord_alone(&[
        "generate",
        "--persons",
        &persons,
        "--seed",
        seed,
        "--out",
        "region",
    ]);
    let path = world.file("region").join("records.csv");
    let text = fs::read_to_string(path).expect("records.csv");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<&str> = lines.collect();
    let part = rows.len().div_ceil(files);
    let parts = rows.chunks(part).enumerate();
    parts
        .map(|(number, rows)| {
            let text = format!("{header}\n{}\n", rows.join("\n"));
            world.writes(&format!("part{number}.csv"), text.as_bytes())
        })
        .collect()
}

fn import(world: &World, options: &[&str], files: &[String]) -> Ended {
    let files = files.iter().map(String::as_str);
    let arguments: Vec<&str> = ["import"]
        .into_iter()
        .chain(options.iter().copied())
        .chain(files)
        .collect();
    world.accord(&arguments).expect(0)
}

/// Pairs of records that are one person.
fn pairs(world: &World, file: &str) -> BTreeSet<(String, String)> {
    let pairs_of = |group: &BTreeSet<String>| {
        let members: Vec<&String> = group.iter().collect();
        let pair = |(place, one): (usize, &&String)| {
            let others = members[place + 1..].iter();
            others
                .map(|two| ((*one).clone(), (*two).clone()))
                .collect::<Vec<_>>()
        };
        members
            .iter()
            .enumerate()
            .flat_map(pair)
            .collect::<Vec<_>>()
    };
    partition(&world.file(file))
        .iter()
        .flat_map(pairs_of)
        .collect()
}

fn exported(world: &World) -> BTreeSet<(String, String)> {
    world
        .accord(&["export", "--persons", "persons.csv"])
        .expect(0);
    pairs(world, "persons.csv")
}

fn figures(printed: &str) -> BTreeMap<String, u64> {
    let figure = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    printed.lines().filter_map(figure).collect()
}

/// At least 999 of 1,000 pairs that either has, the other has too.
fn agree(one: &BTreeSet<(String, String)>, two: &BTreeSet<(String, String)>, what: &str) {
    let both = one.intersection(two).count();
    let either = one.union(two).count();
    assert!(either > 1_000, "{either} pairs are too few to say anything");
    assert!(
        both * 1_000 >= either * 999,
        "{what}: {both} of {either} pairs agree; {:?} … {:?}",
        one.difference(two).take(5).collect::<Vec<_>>(),
        two.difference(one).take(5).collect::<Vec<_>>()
    );
}

/// What the index took from memory is what it would read from the ledger.
fn index_is_of_the_ledger(world: &World) {
    let rebuilt = world.accord(&["rebuild-index", "--quiet"]).expect(0);
    assert!(rebuilt.out.contains("held the same"), "{}", rebuilt.out);
}

#[test]
fn r100_a_first_load_gives_what_the_path_of_a_message_gives() {
    let loaded = World::at_rest();
    let files = region(&loaded, 450, "21", 5);
    let by_load = figures(&import(&loaded, &[], &files).out);
    let told = World::at_rest();
    let by_message = figures(&import(&told, &["--by-message"], &files).out);

    assert_eq!(by_load["rows"], by_message["rows"]);
    agree(&exported(&loaded), &exported(&told), "ledger and ledger");
    let (few, many) = (
        by_load["tasks"].min(by_message["tasks"]),
        by_load["tasks"].max(by_message["tasks"]),
    );
    assert!(few * 100 >= many * 98, "{by_load:?} against {by_message:?}");
    loaded.verify();
    index_is_of_the_ledger(&loaded);
    // What is known is the same: the rows again change nothing by either path.
    let again = figures(&import(&loaded, &[], &files).out);
    assert_eq!(again["known_already"], by_load["rows"]);
}

#[test]
fn r100_a_file_that_is_linked_for_care_has_the_persons_of_the_ledger() {
    let world = World::at_rest();
    let files = region(&world, 450, "22", 1);
    // A file is decided in the order of its ids, a ledger in that of arrival.
    let text = fs::read_to_string(&files[0]).expect("the region");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].sort_unstable();
    let sorted = world.writes("sorted.csv", (lines.join("\n") + "\n").as_bytes());
    import(&world, &[], &[sorted]);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/uk_care.toml");

    world.accord_alone(&[
        "link",
        "--policy",
        "care",
        "--model",
        model,
        "--persons",
        "linked.csv",
        &files[0],
    ]);

    agree(
        &exported(&world),
        &pairs(&world, "linked.csv"),
        "ledger and file",
    );
}

#[test]
fn a_first_load_killed_at_any_moment_goes_on_where_it_was() {
    let whole = World::at_rest();
    let files = region(&whole, 450, "23", 12);
    let begun = Instant::now();
    import(&whole, &[], &files);
    let took = begun.elapsed();
    let expected = exported(&whole);

    let kills = times("ACCORD_IMPORT_KILLS", 3);
    for kill in 1..=kills {
        let world = World::at_rest();
        let share = u32::try_from(kill).expect("few kills");
        let among = u32::try_from(kills + 1).expect("few kills");
        let arguments: Vec<&str> = ["import", "--quiet"]
            .into_iter()
            .chain(files.iter().map(String::as_str))
            .collect();
        let mut child = world
            .command(&arguments)
            .spawn()
            .expect("accord can be started");
        thread::sleep(took * share / among);
        child.kill().expect("the import can be killed");
        child.wait().expect("the import ends");

        import(&world, &[], &files);

        assert_eq!(
            exported(&world),
            expected,
            "killed after {share}/{among} of {took:?}"
        );
        world.verify();
        index_is_of_the_ledger(&world);
    }
}

#[test]
fn what_a_load_cannot_decide_goes_by_the_path_of_a_message() {
    let world = World::at_rest();
    let line = |local_id: &str, number: &str, family: &str, more: &str| {
        format!(
            "{{\"local_id\": \"{local_id}\", \"source\": \"gp\", \"nhs_number\": \"{number}\", \
             \"nhs_number_status\": \"01\", \"given_names\": [\"Rosalind\"], \"family_name\": \
             \"{family}\", \"birth_date\": \"1980-05-12\"{more}}}\n"
        )
    };
    let replaces = ", \"replaces_nhs_number\": \"9990000018\"";
    let first = [
        line("1", "9990000018", "Applethwaite", ""),
        "{\"local_id\": \"2\", \"source\": \"gp\"}\n".to_owned(),
        line("3", "9990000026", "Applethwaite", replaces),
    ];
    let first = world.writes("first.ndjson", first.concat().as_bytes());
    // Another version of a record that the same load has brought.
    let second = line("1", "9990000018", "Marchbanks", "");
    let second = world.writes("second.ndjson", second.as_bytes());
    let printed = import(&world, &[], &[first, second]);
    let figures = figures(&printed.out);

    assert_eq!(
        (figures["rows"], figures["rejected"]),
        (3, 1),
        "{figures:?}"
    );
    world.serves();
    let one = world.record("gp", "1");
    assert_eq!(one["version"], 2);
    assert_eq!(one["record"]["family_name"], "Marchbanks");
    let three = world.record("gp", "3");
    assert_eq!(
        one["person_id"], three["person_id"],
        "one number stands for the other"
    );
    world.stops();
    world.verify();
}

#[test]
fn a_database_is_filled_by_one_process_alone() {
    let cluster = match Cluster::shared() {
        Ok(cluster) => cluster,
        Err(why) => {
            eprintln!("left out: {why}");
            return;
        }
    };
    let world = World::prepared(Place::Postgres(cluster), Setting::default());
    let files = region(&world, 200, "24", 2);
    let by_load = figures(&import(&world, &[], &files).out);
    let told = World::prepared(Place::Postgres(cluster), Setting::default());
    let by_message = figures(&import(&told, &["--by-message"], &files).out);

    assert_eq!(by_load["rows"], by_message["rows"]);
    let (one, other) = (exported(&world), exported(&told));
    let differ = one.symmetric_difference(&other).count();
    assert!(differ * 100 <= one.len(), "{differ} pairs differ");
    world.serves();
    world.verify();
}
