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
    // Each pair with its waterfall, retrieval rule by rule, a threshold to be moved.
    assert!(page.contains("How A and B compare"));
    assert!(page.contains("Recall of retrieval by rule") && page.contains("m and u of each level"));
    assert!(page.contains("Hours of review a year") && page.contains("#link-0:checked"));
    let ids = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let ids: Vec<&str> = ids.collect();
    let each: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), each.len(), "no id is there twice");
}

#[test]
fn the_page_of_a_run_has_a_picture_of_each_pair_and_asks_nothing_of_the_network() {
    let world = World::at_rest();
    let records = generated(&world, "300", "5");
    let page = world.file("run.html");
    let page = page.to_str().expect("a path in UTF-8");
    world
        .accord_alone_with(&["link", "--quiet", "--report", page, &records])
        .expect(0);
    let page = fs::read_to_string(page).expect("the page");
    for outside in ["http:", "https:", "src=", "@import", "url(", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Pairs by rule") && page.contains("m and u of each level"));
    assert!(page.matches("level by level").count() >= 6);
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("<desc id=").count()
    );
}

fn generated(world: &World, persons: &str, seed: &str) -> String {
    let folder = world.file(&format!("region-{seed}"));
    let folder = folder.to_str().expect("a path in UTF-8");
    world.accord_alone(&[
        "generate",
        "--persons",
        persons,
        "--seed",
        seed,
        "--out",
        folder,
    ]);
    format!("{folder}/records.csv")
}

#[test]
fn r123_hidden_numbers_give_six_figures_with_what_retrieval_lost() {
    let world = World::at_rest();
    let records = generated(&world, "150", "1");
    let all = [
        "evaluate",
        "--quiet",
        "--replicates",
        "50",
        "--hidden-numbers",
        &records,
    ];
    let answer = world.accord_alone_with(&all).expect(0).out;
    let answer: Value = serde_json::from_str(&answer).expect("one JSON object");
    // Without a model it learnt one, which nobody can activate.
    assert_eq!(answer["linked_by"], Value::Null);
    assert_eq!(answer["policy"], "care");
    assert!(answer["errors_by_group"]["groups"].is_array(), "R126");
    let found = &answer["hidden_numbers"];
    for of in ["pair", "cluster"] {
        for figure in ["p", "r", "r_of_retrieval"] {
            let share = found[of][figure].as_f64();
            let share = share.unwrap_or_else(|| panic!("{of}.{figure} is missing: {found}"));
            assert!((0.0..=1.0).contains(&share), "{of}.{figure} is {share}");
        }
    }
    assert!(found["cluster"]["p"].as_f64() > Some(0.95), "{found}");
    assert!(found["records_with_truth"].as_u64() < found["records"].as_u64());
    assert!(
        found["truth"]
            .as_str()
            .is_some_and(|by| by.contains("status 01"))
    );
}

#[test]
fn r126_what_a_file_says_of_people_is_counted_and_goes_nowhere_else() {
    let world = World::at_rest();
    let records = generated(&world, "500", "3");
    let beside = |name: &str| records.replace("records.csv", name);
    let persons = beside("persons.csv");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/models/uk_care.toml");
    let by_model = ["link", "--quiet", "--model", shipped];
    world.accord_alone(&[&by_model[..], &["--persons", &persons, &records]].concat());
    let figures = |with: &[&str]| {
        let evaluate = ["evaluate", "--quiet", "--replicates", "50"];
        let all = world.accord_alone_with(&[&evaluate[..], with].concat());
        serde_json::from_str::<Value>(&all.expect(0).out).expect("one JSON object")
    };
    let truth = beside("truth.csv");
    let labelled = ["--truth", &truth, "--persons", &persons];
    let with_groups = |groups: &str| figures(&[&labelled[..], &["--groups", groups]].concat());
    let dimensions = |found: &Value| {
        let groups = &found["errors_by_group"];
        let all = [&groups["groups"], &groups["too_small"]];
        let all = all
            .map(|rows| rows.as_array().expect("groups").clone())
            .concat();
        let names = all
            .iter()
            .map(|row| row["dimension"].as_str().expect("a name").to_owned());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    // Without records nothing else is known of anybody.
    let found = with_groups(&beside("groups.csv"));
    let both = ["deprivation".to_owned(), "ethnicity".to_owned()];
    assert_eq!(dimensions(&found), both.into());
    let english = found["errors_by_group"]["groups"]
        .as_array()
        .expect("groups");
    let english = english.iter().find(|row| row["group"] == "english");
    assert!(
        english.is_some_and(|row| row["persons"].as_u64() >= Some(100)),
        "{found}"
    );
    // The test with hidden numbers counts by it too, beside what the records say.
    let groups = beside("groups.csv");
    let hidden = figures(&[
        "--hidden-numbers",
        &records,
        "--model",
        shipped,
        "--groups",
        &groups,
    ]);
    let all = dimensions(&hidden);
    assert!(
        all.contains("deprivation") && all.contains("sex"),
        "{all:?}"
    );

    let wrong = |name: &str, text: &str, why: &str| {
        let path = world.writes(name, text.as_bytes());
        let evaluate = ["evaluate", "--quiet", "--groups", &path];
        let refused = world.accord_alone_with(&[&evaluate[..], &labelled].concat());
        let refused = refused.expect(1);
        assert!(refused.err.contains(why), "{why}: {}", refused.err);
    };
    wrong("alone.csv", "record_id\nx\n", "from 1 to 8 columns");
    wrong("sex.csv", "record_id,sex\nx,female\n", "is none of sex");
    wrong(
        "others.csv",
        "record_id,ethnicity\nx,Polish\n",
        "none of its records",
    );
}

#[test]
fn r124_people_who_are_absent_are_not_linked_and_those_who_are_not_are_counted() {
    let world = World::at_rest();
    let (here, elsewhere) = (generated(&world, "150", "1"), generated(&world, "60", "2"));
    let control = |absent: &str| {
        let all = [
            "evaluate",
            "--quiet",
            "--negative-control",
            absent,
            "--records",
            &here,
        ];
        world.accord_alone_with(&all)
    };
    let answer = control(&elsewhere).expect(0).out;
    let answer: Value = serde_json::from_str(&answer).expect("one JSON object");
    assert_eq!(answer["negative_control"]["linked"], 0);
    // The population itself is anything but absent.
    let found = control(&here).expect(1);
    let answer: Value = serde_json::from_str(&found.out).expect("one JSON object");
    assert_eq!(answer["negative_control"]["within_ceiling"], false);
    assert!(answer["negative_control"]["linked"].as_u64() > Some(200));
    assert!(found.err.contains("R124"), "{}", found.err);
}

#[test]
fn r129_the_linkage_report_has_the_items_of_guild() {
    let world = World::at_rest();
    let (persons, links) = (example("persons.csv"), example("links.csv"));
    let records = example("records.csv");
    let report = world.file("report.json");
    let report = report.to_str().expect("a path in UTF-8");
    let all = [
        "--persons",
        &persons,
        "--links",
        &links,
        "--records",
        &records,
    ];
    let told = ["--linkage-report", report, "--data-family", "febrl"];
    evaluated(&world, &[&all[..], &told].concat());
    let report = fs::read_to_string(report).expect("the report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    for item in [
        "/data_provision/records_by_source/gp",
        "/data_provision/missing_share_by_field/nhs_number",
        "/linkage/identifiers/0",
        "/linkage/cleaning/profile",
        "/linkage/blocking/keys/0",
        "/linkage/comparison/comparisons/0/level/0",
        "/linkage/thresholds/link_bits",
        "/linkage/errors/overall/missed",
        "/linkage/errors/by_group/missed/upper",
    ] {
        assert!(
            report.pointer(item).is_some_and(|value| !value.is_null()),
            "{item}"
        );
    }
    // R128: FEBRL's data alone support no claim.
    assert_eq!(report["claims"]["accepted"], false);
}

#[test]
fn r82_labels_measure_what_weights_are_worth() {
    let world = World::at_rest();
    let records = generated(&world, "500", "31");
    let truth = world
        .file("region-31")
        .join("truth.csv")
        .display()
        .to_string();
    let model = |name: &str| fs::read_to_string(world.file(name)).expect("a model");

    let train = [
        "train",
        "--quiet",
        "--out",
        "by-truth.toml",
        "--labels",
        &truth,
    ];
    let told = world
        .accord_alone_with(&[&train[..], &[&records]].concat())
        .expect(0);
    let by_truth = model("by-truth.toml");
    assert!(by_truth.contains("[calibration]"), "{by_truth}");
    // Some hundred pairs do not certify one false link in a thousand.
    assert!(told.out.contains("calibrated false"), "{}", told.out);

    // What hidden numbers say needs no label.
    world.accord_alone(&["train", "--quiet", "--out", "hidden.toml", &records]);
    assert!(model("hidden.toml").contains("hidden NHS numbers"));

    // Labels of the review desk are of pairs; few of them measure nothing.
    let text = fs::read_to_string(&truth).expect("a truth");
    let ids: Vec<&str> = text
        .lines()
        .skip(1)
        .take(2)
        .map(|row| row.split(',').next().expect("an id"))
        .collect();
    let pairs = format!(
        "record_id_a,record_id_b,label,reads\n{},{},different,2\n",
        ids[0], ids[1]
    );
    let pairs = world.writes("labels.csv", pairs.as_bytes());
    world.accord_alone(&[
        "train", "--quiet", "--out", "few.toml", "--labels", &pairs, &records,
    ]);
    let few = model("few.toml");
    assert!(
        !few.contains("[calibration]") && few.contains("not calibrated"),
        "{few}"
    );
    assert!(few.contains("of which 1 were read twice"), "{few}");

    let foreign = world.writes("foreign.csv", b"record_id,person_id\nnobody,1\n");
    let refused = [
        "train",
        "--quiet",
        "--out",
        "none.toml",
        "--labels",
        &foreign,
        &records,
    ];
    let refused = world.accord_alone_with(&refused).expect(1);
    assert!(
        refused.err.contains("none of the 1 labels"),
        "{}",
        refused.err
    );
}

#[test]
fn a_run_has_a_page_of_its_own_that_shows_values_only_when_asked() {
    let world = World::at_rest();
    let records = generated(&world, "200", "32");
    let page = |name: &str, more: &[&str]| {
        let link = ["link", "--quiet", "--report", name];
        world.accord_alone(&[&link[..], more, &[&records]].concat());
        fs::read_to_string(world.file(name)).expect("a page")
    };

    let masked = page("masked.html", &[]);
    for part in [
        "Blocks",
        "Weights of links",
        "What the model weighs",
        "Sizes of persons",
        "Pairs to read",
    ] {
        assert!(masked.contains(&format!(">{part}</h2>")), "no part {part}");
    }
    assert!(
        !masked.contains("<script") && !masked.contains("http"),
        "it asks the network"
    );
    let values = |page: &str| page.contains(" say</caption>");
    assert!(!values(&masked), "values without being asked");
    let shown = page("shown.html", &["--report-values"]);
    assert!(values(&shown) && shown.contains("class=\"warning\""));
}
