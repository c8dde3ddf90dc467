//! The accuracy of `accord link` on the corpora in the tree may only rise
//! (`test-corpora/baseline.json`). Every run links the small corpora; all of
//! them with `ACCORD_ACCURACY=all`; `ACCORD_ACCURACY=ratchet` (`make ratchet`)
//! also records what has become better.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use accord::evaluation::claims::{MeasuredOn, accept};
use serde::Deserialize;
use serde_json::Value;

use crate::world::World;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    family: String,
    #[serde(rename = "origin")]
    _origin: String,
    #[serde(rename = "licence")]
    _licence: String,
    across_sources_only: bool,
    in_every_test: bool,
    /// Made by this program, where it is not stored.
    made: Option<Made>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    persons: u32,
    seed: u32,
}

/// The records and the truth of a corpus.
fn files(world: &World, name: &str, corpus: &Corpus) -> (String, String) {
    let stored = folder().join("corpora").join(name);
    let (place, end) = match &corpus.made {
        None => (stored, "csv.gz"),
        Some(made) => {
            let (persons, seed) = (made.persons.to_string(), made.seed.to_string());
            let numbers = ["--persons", &persons, "--seed", &seed, "--out", name];
            world.accord_alone(&[&["generate"], &numbers[..]].concat());
            (world.file(name), "csv")
        }
    };
    let file = |stem: &str| place.join(format!("{stem}.{end}")).display().to_string();
    (file("records"), file("truth"))
}

/// Figures by name, higher is better.
type Figures = BTreeMap<String, f64>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test-corpora")
}

fn corpora() -> BTreeMap<String, Corpus> {
    let entries = fs::read_dir(folder().join("corpora")).expect("the corpora");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let text = fs::read_to_string(entry.path().join("corpus.toml")).expect("corpus.toml");
            let name = entry.file_name().to_string_lossy().into_owned();
            let corpus = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, corpus)
        })
        .collect()
}

fn evaluated(world: &World, name: &str, corpus: &Corpus, policy: &str) -> Value {
    let (records, truth) = files(world, name, corpus);
    let (links, persons) = (format!("{name}.links.csv"), format!("{name}.persons.csv"));
    let files = ["--links", &links, "--persons", &persons];
    let across: &[&str] = if corpus.across_sources_only {
        &["--across-sources-only"]
    } else {
        &[]
    };
    let link = ["link", "--quiet", "--policy", policy];
    world.accord_alone(&[&link[..], across, &files, &[&records]].concat());
    let evaluate = [
        "evaluate",
        "--quiet",
        "--replicates",
        "0",
        "--truth",
        &truth,
    ];
    let evaluate = [&evaluate[..], across, &files, &["--records", &records]].concat();
    let answer = world.accord_alone_with(&evaluate).expect(0).out;
    serde_json::from_str(&answer).expect("one JSON object")
}

/// What is measured of a corpus, and its number of true pairs.
fn figures(world: &World, name: &str, corpus: &Corpus) -> (Figures, u64) {
    let model = evaluated(world, name, corpus, "model");
    let care = evaluated(world, name, corpus, "care");
    let figures = [
        ("model_best_f1", &model["best"]["f1"]),
        ("model_recall_at_p0.99", &model["recall_at_p0.99"]),
        ("model_cluster_f1", &model["pairwise"]["f1"]),
        ("care_precision", &care["pairwise"]["p"]),
        ("care_recall", &care["pairwise"]["r"]),
    ];
    let figures = figures.map(|(figure, value)| {
        let value = value.as_f64();
        (
            figure.to_owned(),
            value.unwrap_or_else(|| panic!("{name}: {figure}")),
        )
    });
    let pairs = model["n_true_pairs"].as_u64().expect("a count");
    (figures.into(), pairs)
}

#[test]
fn the_accuracy_on_the_corpora_may_only_rise() {
    let how = std::env::var("ACCORD_ACCURACY").unwrap_or_default();
    let path = folder().join("baseline.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut baseline: BTreeMap<String, Figures> = serde_json::from_str(&text).expect("figures");
    let world = World::at_rest();
    let mut fallen = Vec::new();
    for (name, corpus) in corpora() {
        if how.is_empty() && !corpus.in_every_test {
            continue;
        }
        let (found, _) = figures(&world, &name, &corpus);
        eprintln!("{name}: {found:?}");
        let known = baseline.entry(name.clone()).or_default();
        for (figure, value) in found {
            match known.get(&figure) {
                Some(least) if value < *least => {
                    fallen.push(format!("{name}: {figure} fell from {least} to {value}"));
                }
                _ if how == "ratchet" => {
                    known.insert(figure, value);
                }
                None => fallen.push(format!("{name}: no baseline of {figure}; use make ratchet")),
                Some(_) => {}
            }
        }
    }
    assert!(fallen.is_empty(), "\n{}", fallen.join("\n"));
    if how == "ratchet" {
        let text = serde_json::to_string_pretty(&baseline).expect("JSON");
        fs::write(&path, text + "\n").expect("the baseline can be written");
    }
}

/// R128 of what the baseline claims.
#[test]
fn r128_the_baseline_rests_on_more_than_febrl() {
    let text = fs::read_to_string(folder().join("baseline.json")).expect("the baseline");
    let baseline: BTreeMap<String, Figures> = serde_json::from_str(&text).expect("figures");
    let (corpora, world) = (corpora(), World::at_rest());
    let measured: Vec<MeasuredOn> = baseline
        .keys()
        .map(|name| MeasuredOn {
            corpus: name.clone(),
            family: corpora[name].family.clone(),
            true_pairs: true_pairs(&files(&world, name, &corpora[name]).1),
        })
        .collect();
    assert_eq!(accept(&measured), Ok(()));
    let febrl = measured.into_iter().filter(|on| on.family == "febrl");
    assert!(accept(&febrl.collect::<Vec<_>>()).is_err());
}

fn true_pairs(truth: &str) -> u64 {
    let file = fs::File::open(truth).expect("a truth file");
    let text: Box<dyn std::io::Read> =
        if Path::new(truth).extension().is_some_and(|end| end == "gz") {
            Box::new(flate2::read::MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
    let mut rows = csv::Reader::from_reader(text);
    let mut of: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.records() {
        *of.entry(row.expect("a row")[1].to_owned()).or_default() += 1;
    }
    of.into_values().map(|count| count * (count - 1) / 2).sum()
}
