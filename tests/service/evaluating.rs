//! `accord evaluate` through its door: the figures of the contract, and what it
//! says of files that do not do.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::world::World;

/// A file of the small example in the tree.
fn example(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("test-corpora/evaluation-example").join(name);
    path.display().to_string()
}

fn evaluated(world: &World, arguments: &[&str]) -> Value {
    let truth = example("truth.csv");
    let all = [
        &[
            "evaluate",
            "--truth",
            &truth,
            "--quiet",
            "--replicates",
            "100",
        ],
        arguments,
    ]
    .concat();
    let ended = world.accord_alone_with(&all).expect(0);
    assert!(ended.err.is_empty(), "quiet: {}", ended.err);
    serde_json::from_str(&ended.out).expect("one JSON object")
}

/// Everything that is expected is there, with the same figures.
#[track_caller]
fn same(found: &Value, expected: &Value, place: &str) {
    match expected {
        Value::Object(members) => {
            for (name, value) in members {
                same(&found[name], value, &format!("{place}.{name}"));
            }
        }
        Value::Number(number) => {
            let (found, expected) = (found.as_f64(), number.as_f64());
            assert_eq!(
                found.map(f64::to_bits),
                expected.map(f64::to_bits),
                "{place}: {found:?}"
            );
        }
        other => assert_eq!(found, other, "{place}"),
    }
}

/// The numbers of `expected.json` were worked out by another program.
#[test]
fn the_figures_are_those_of_the_contract() {
    let world = World::at_rest();
    let expected = fs::read_to_string(example("expected.json")).expect("the example's figures");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let links = example("links.csv");

    let found = evaluated(&world, &["--links", &links, "--at", "0.5", "--at", "10"]);
    same(&found, &expected["links"], "links");

    let persons = example("persons.csv");
    let found = evaluated(&world, &["--persons", &persons, "--links", &links]);
    same(&found, &expected["persons"], "persons");

    let records = example("records.csv");
    let across = [
        "--links",
        &links,
        "--records",
        &records,
        "--across-sources-only",
    ];
    let found = evaluated(&world, &across);
    same(&found, &expected["links_across_sources"], "across sources");
    assert_eq!(found["best_clusters_by_b_cubed"], Value::Null);
}

#[test]
fn the_answer_says_what_limits_it_and_how_sure_it_is() {
    let world = World::at_rest();
    let (persons, links) = (example("persons.csv"), example("links.csv"));
    let records = example("records.csv");
    let all = [
        "--persons",
        &persons,
        "--links",
        &links,
        "--records",
        &records,
    ];
    let found = evaluated(&world, &all);

    let missed = &found["decided"]["missed"];
    let count = |name: &str| missed[name].as_u64().expect("a count");
    assert!(count("all") > 0);
    assert_eq!(
        count("all"),
        count("not_in_links") + count("below_threshold") + count("grouped_apart")
    );
    for row in found["recall_at_precision"].as_array().expect("rows") {
        let at = |name: &str| row["recall_95"][name].as_f64().expect("a bound");
        let recall = row["recall"].as_f64().expect("a figure");
        assert!(at("lower") <= recall && recall <= at("upper"), "{row}");
    }
    let review = &found["decided"]["review"];
    assert!(review["after"]["r"].as_f64() >= review["before"]["r"].as_f64());
    assert!(review["tasks_per_1000_records"].as_f64() > Some(0.0));
    let wrong = &found["worst_false_links"][0];
    assert!(wrong["records"][0]["source"].is_string(), "{wrong}");
}

#[test]
fn a_record_that_is_there_twice_or_nowhere_is_named() {
    let world = World::at_rest();
    let twice = world.writes("twice.csv", b"record_id,person_id\nA,1\nB,1\nA,2\n");
    let links = world.writes("links.csv", b"record_id_a,record_id_b,weight_bits\nA,C,3\n");
    let refused = world.accord_alone_with(&["evaluate", "--truth", &twice, "--links", &links]);
    let said = refused.expect(1).err;
    assert!(
        said.contains("line 4") && said.contains("line 2") && said.contains('A'),
        "{said}"
    );
    let truth = world.writes("truth.csv", b"record_id,person_id\nA,1\nB,1\n");
    let refused = world.accord_alone_with(&["evaluate", "--truth", &truth, "--links", &links]);
    let said = refused.expect(1).err;
    assert!(
        said.contains("line 2") && said.contains("record C"),
        "{said}"
    );
    world
        .accord_alone_with(&["evaluate", "--truth", &truth])
        .expect(1);
}

#[test]
fn the_report_is_one_page_that_asks_nothing_of_the_network() {
    let world = World::at_rest();
    let hostile = world.writes(
        "records.csv",
        b"record_id,source,given_name\nA,gp,<script>alert(1)</script>\nB,gp,Bob\nC,gp,Cy\n",
    );
    let truth = world.writes("truth.csv", b"record_id,person_id\nA,1\nB,2\nC,1\n");
    let links = world.writes(
        "links.csv",
        b"record_id_a,record_id_b,weight_bits\nA,B,30\nA,C,12\n",
    );
    let page = world.file("report.html");
    let page = page.to_str().expect("a path in UTF-8");
    let files = ["--truth", &truth, "--links", &links, "--records", &hostile];
    let all = [&["evaluate"], &files[..], &["--report", page]].concat();
    world.accord_alone_with(&all).expect(0);
    let page = fs::read_to_string(page).expect("the page");
    assert!(!page.contains("<script"), "a value became part of the page");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let count = |text: &str| page.matches(text).count();
    assert!(count("<svg") >= 4);
    assert_eq!(
        count("<svg"),
        count("<desc id="),
        "each picture is described"
    );
    assert_eq!(
        count("<table"),
        count("<caption>"),
        "each table has its name"
    );
    assert!(page.contains("lang=\"en-GB\"") && page.contains("@media print"));
}
