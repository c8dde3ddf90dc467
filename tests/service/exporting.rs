//! What the ledger says, in the formats of DESIGN §6.1, and what `generate`
//! makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::people::{john_smith, person, verified_person, with};
use crate::world::World;

/// The header and the rows of a file.
fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).expect("a file with a header");
    let texts = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect();
    let header = texts(reader.headers().expect("a header"));
    let rows = reader
        .records()
        .map(|row| texts(&row.expect("a row")))
        .collect();
    (header, rows)
}

#[test]
fn persons_has_every_record_single_ones_too() {
    let world = World::start();
    let known = verified_person("exported");
    let first = world.registers("gp", "1", &known);
    world.registers("pas", "2", &known);
    let single = world.registers("ed", "3", &person("exported alone"));

    world
        .accord(&["export", "--persons", "persons.csv"])
        .expect(0);

    let (header, rows) = table(&world.file("persons.csv"));
    assert_eq!(header, ["record_id", "person_id", "probability"]);
    let of: BTreeSet<(String, String)> = rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let expected = [
        ("1", first.person()),
        ("2", first.person()),
        ("3", single.person()),
    ];
    assert_eq!(
        of,
        expected
            .map(|(id, person_id)| (id.to_owned(), person_id))
            .into()
    );
    for row in rows {
        let probability: f64 = row[2].parse().expect("a probability");
        assert!((0.0..=1.0).contains(&probability));
    }
}

#[test]
fn qualified_ids_carry_their_source() {
    let world = World::start();
    let known = verified_person("qualified");
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &known);

    let arguments = [
        "export",
        "--persons",
        "persons.csv",
        "--links",
        "links.csv",
        "--qualify",
    ];
    world.accord(&arguments).expect(0);

    let (_, persons) = table(&world.file("persons.csv"));
    let ids: BTreeSet<&str> = persons.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["gp:1", "pas:1"].into());
    let (_, links) = table(&world.file("links.csv"));
    assert_eq!(links.len(), 1);
    let pair: BTreeSet<&str> = links[0][..2].iter().map(String::as_str).collect();
    assert_eq!(pair, ["gp:1", "pas:1"].into());
}

#[test]
fn links_come_strongest_first_with_the_models_weight() {
    let world = World::start();
    let known = verified_person("strong link");
    world.registers("gp", "a1", &known);
    world.registers("pas", "a2", &known);
    let weaker = person("weaker link");
    world.registers("gp", "b1", &weaker);
    world.registers("pas", "b2", &with(&weaker, json!({"phones": null})));
    world.registers("gp", "c1", &john_smith());

    world.accord(&["export", "--links", "links.csv"]).expect(0);

    let (header, rows) = table(&world.file("links.csv"));
    assert_eq!(
        header,
        ["record_id_a", "record_id_b", "weight_bits", "probability"]
    );
    let weights: Vec<f64> = rows
        .iter()
        .map(|row| row[2].parse().expect("bits"))
        .collect();
    assert!(
        weights.is_sorted_by(|better, worse| better >= worse),
        "{weights:?}"
    );
    let pairs: Vec<BTreeSet<&str>> = rows
        .iter()
        .map(|row| row[..2].iter().map(String::as_str).collect())
        .collect();
    assert_eq!(
        pairs,
        [BTreeSet::from(["a1", "a2"]), BTreeSet::from(["b1", "b2"])]
    );
    for row in &rows {
        let probability: f64 = row[3].parse().expect("a probability");
        assert!(probability > 0.5 && probability <= 1.0);
    }
}

#[test]
fn an_export_of_nothing_has_headers() {
    let world = World::at_rest();
    world
        .accord(&["export", "--persons", "persons.csv", "--links", "links.csv"])
        .expect(0);
    assert!(table(&world.file("persons.csv")).1.is_empty());
    assert!(table(&world.file("links.csv")).1.is_empty());
}

#[test]
fn withdrawn_records_are_not_exported() {
    let world = World::start();
    world.registers("gp", "1", &person("exported and kept"));
    world.registers("gp", "2", &person("exported and withdrawn"));
    world.withdraws("gp", "2");
    world
        .accord(&["export", "--persons", "persons.csv"])
        .expect(0);
    let (_, rows) = table(&world.file("persons.csv"));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], "1");
}

#[test]
fn a_seed_gives_the_same_region_and_another_seed_another() {
    let world = World::at_rest();
    let generate = |seed: &str, folder: &str| {
        world.accord_alone(&[
            "generate",
            "--persons",
            "60",
            "--seed",
            seed,
            "--out",
            folder,
        ]);
        ["records.csv", "truth.csv"]
            .map(|name| fs::read(world.file(folder).join(name)).expect("a generated file"))
    };
    let once = generate("1", "once");
    assert_eq!(once, generate("1", "again"));
    assert_ne!(once, generate("2", "other"));
}

#[test]
fn a_population_file_can_be_printed_edited_and_generated_from() {
    let world = World::at_rest();
    let printed = world.accord_alone_with(&["generate", "--print-population"]);
    let printed = printed.expect(0).out;
    assert!(printed.contains("twins_per_birth              = 0.016"));
    let edited = printed.replace(
        "twins_per_birth              = 0.016",
        "twins_per_birth = 0.5",
    );
    let edited = world.writes("mine.toml", edited.as_bytes());
    let all = ["generate", "--persons", "60", "--population", &edited];
    let loud = world.accord_alone_with(&[&all[..], &["--out", "loud"]].concat());
    let loud = loud.expect(0);
    assert!(
        loud.err.contains("records in") && loud.err.contains("a second"),
        "{}",
        loud.err
    );
    let quiet = world.accord_alone_with(&[&all[..], &["--out", "quiet", "--quiet"]].concat());
    let quiet = quiet.expect(0);
    assert_eq!((quiet.err.as_str(), &quiet.out), ("", &loud.out));
    let records = |folder: &str| fs::read(world.file(folder).join("records.csv")).expect("records");
    assert_eq!(records("loud"), records("quiet"));
    let unknown = world.accord_alone_with(&["generate", "--print-population", "atlantis"]);
    assert!(unknown.expect(1).err.contains("region, city or coast"));
}

#[test]
fn a_region_has_records_of_many_sources_and_the_truth_of_each() {
    let world = World::at_rest();
    world.accord_alone(&[
        "generate",
        "--persons",
        "300",
        "--seed",
        "3",
        "--out",
        "region",
    ]);

    let (header, records) = table(&world.file("region").join("records.csv"));
    let (truth_header, truth) = table(&world.file("region").join("truth.csv"));

    assert_eq!(truth_header, ["record_id", "person_id"]);
    let column = |name: &str| {
        header
            .iter()
            .position(|held| held == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    for name in [
        "nhs_number",
        "given_name",
        "family_name",
        "date_of_birth",
        "gender",
        "postcode",
    ] {
        column(name);
    }
    let ids: BTreeSet<&String> = records
        .iter()
        .map(|row| &row[column("record_id")])
        .collect();
    assert_eq!(ids.len(), records.len(), "no record_id occurs twice");
    assert_eq!(ids, truth.iter().map(|row| &row[0]).collect());
    let persons: BTreeSet<&String> = truth.iter().map(|row| &row[1]).collect();
    assert!(
        persons.len() <= 300 && persons.len() > 200,
        "{} persons",
        persons.len()
    );
    let sources: BTreeSet<&String> = records.iter().map(|row| &row[column("source")]).collect();
    assert!(sources.len() >= 7, "{sources:?}");
    let numbers: Vec<&String> = records
        .iter()
        .map(|row| &row[column("nhs_number")])
        .collect();
    let sent = numbers.iter().filter(|number| !number.is_empty());
    let real = sent
        .clone()
        .filter(|number| !number.starts_with('9'))
        .count();
    assert!(real * 20 < sent.count(), "{real} outside the example range");
    let without = numbers.iter().filter(|number| number.is_empty()).count();
    assert!(
        without > 0 && without < records.len() / 2,
        "{without} without a number"
    );
}
