//! Models that Splink has trained (test-corpora/splink says how) become ours, with the same
//! bits, and go back.

use std::collections::BTreeMap;

use crate::matching::levels::Comparison;
use crate::matching::splink::{Carried, Fate, Imported, TermFrequencies, export, import};
use crate::matching::{LinkageModel, ModelFile};

const FAKE_4: &str = include_str!("../../../test-corpora/splink/fake_1000.v4.json");
const FAKE_5: &str = include_str!("../../../test-corpora/splink/fake_1000.v5.json");
const FEBRL_5: &str = include_str!("../../../test-corpora/splink/febrl4.v5.json");

fn field(column: &str) -> Option<Comparison> {
    Some(match column {
        "first_name" | "given_name" => Comparison::GivenName,
        "surname" | "family_name" => Comparison::FamilyName,
        "dob" | "date_of_birth" => Comparison::BirthDate,
        "city" | "town" => Comparison::Town,
        "soc_sec_id" | "other_id" => Comparison::OtherIdentifier,
        "gender" => Comparison::Sex,
        other => *Comparison::ALL.iter().find(|it| it.name() == other)?,
    })
}

fn imported(text: &str) -> Imported {
    let start = LinkageModel::generic().file().clone();
    import(text, &start, &field, &TermFrequencies::new()).expect("importable")
}

/// The model's weight of a level of Splink, by Splink's own number for the level: levels count
/// down to 0, a missing value is −1.
fn level_of(settings: &serde_json::Value, column: &str, gamma: i64) -> String {
    let comparisons = settings["comparisons"].as_array().expect("comparisons");
    let levels = comparisons
        .iter()
        .find(|it| it["output_column_name"] == column)
        .and_then(|it| it["comparison_levels"].as_array())
        .expect("levels");
    let down = usize::try_from(gamma + 1).expect("at least -1");
    let place = if down == 0 { 0 } else { levels.len() - down };
    let label = levels[place]["label_for_charts"].as_str().expect("a label");
    format!("{column}: {label}")
}

/// For each pair that Splink scored: its weight, and ours by the levels at which Splink puts
/// the pair; only pairs all of whose levels carry over.
fn compared(settings: &str, pairs: &str) -> (usize, Vec<(f64, f64)>) {
    let found = imported(settings);
    let model = LinkageModel::from_file(found.file.clone(), &|_| None).expect("a model");
    let settings: serde_json::Value = serde_json::from_str(settings).expect("JSON");
    let carried: BTreeMap<&str, &Carried> = found
        .carried
        .iter()
        .map(|it| (it.from.as_str(), it))
        .collect();
    let mut rows = pairs.lines();
    let head: Vec<&str> = rows.next().expect("a head").split(',').collect();
    let (mut all, mut agreeing) = (0, Vec::new());
    for row in rows {
        all += 1;
        let row: BTreeMap<&str, &str> = head.iter().copied().zip(row.split(',')).collect();
        let mut ours = Some(model.prior_bits());
        for (column, gamma) in row.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix("gamma_")?, value.parse::<i64>().ok()?))
        }) {
            let level = carried[level_of(&settings, column, gamma).as_str()];
            let Some(name) = level.to.first() else {
                ours = None;
                break;
            };
            let tf = |side: &str| {
                row.get(format!("tf_{column}_{side}").as_str())?
                    .parse::<f64>()
                    .ok()
            };
            let frequency = tf("l").zip(tf("r")).map(|(l, r)| l.max(r).log2());
            let comparison = level.comparison.expect("a comparison");
            let place = comparison.levels().iter().position(|it| it.name == name);
            let place = u8::try_from(place.expect("a level")).expect("small");
            // Splink adjusts exact matches alone, in these models.
            let adjusts = place == 0 && comparison.by_frequency();
            let average = found
                .file
                .comparison(comparison)
                .and_then(|it| it.level[0].u);
            let log2 = frequency.filter(|_| adjusts);
            let log2 = log2.unwrap_or_else(|| average.map_or(0.0, f64::log2));
            let weight = model.named_weight(comparison, place, log2);
            // Splink weighs other columns by frequency too: that is said to be lost.
            let lost = !adjusts && frequency.is_some() && gamma_is_top(&settings, column, gamma);
            ours = ours.filter(|_| !lost).map(|sum| sum + weight);
        }
        let theirs: f64 = row["match_weight"].parse().expect("a weight");
        agreeing.extend(ours.map(|ours| (theirs, ours)));
    }
    (all, agreeing)
}

fn gamma_is_top(settings: &serde_json::Value, column: &str, gamma: i64) -> bool {
    gamma >= 0 && level_of(settings, column, gamma).contains("Exact match on ")
}

#[test]
fn scores_of_splink_are_met_to_a_hundredth_of_a_bit_for_levels_that_carry_over() {
    for (name, settings, pairs, least) in [
        (
            "fake_1000 by 4",
            FAKE_4,
            include_str!("../../../test-corpora/splink/fake_1000.v4.pairs.csv"),
            50,
        ),
        (
            "fake_1000 by 5",
            FAKE_5,
            include_str!("../../../test-corpora/splink/fake_1000.v5.pairs.csv"),
            50,
        ),
        (
            "febrl4 by 5",
            FEBRL_5,
            include_str!("../../../test-corpora/splink/febrl4.v5.pairs.csv"),
            600,
        ),
    ] {
        let (all, agreeing) = compared(settings, pairs);
        assert!(
            agreeing.len() >= least,
            "{name}: {} of {all}",
            agreeing.len()
        );
        for (theirs, ours) in agreeing {
            assert!(
                (theirs - ours).abs() < 0.01,
                "{name}: {theirs} there, {ours} here"
            );
        }
    }
}

#[test]
fn a_level_that_carries_over_has_its_bits() {
    for settings in [FAKE_4, FAKE_5, FEBRL_5] {
        let found = imported(settings);
        let mut seen = 0;
        for carried in &found.carried {
            let Some((comparison, bits)) = carried.comparison.zip(carried.bits) else {
                continue;
            };
            for name in &carried.to {
                let file = found.file.comparison(comparison).expect("there");
                let level = file
                    .level
                    .iter()
                    .find(|level| level.name == *name)
                    .expect("a level");
                assert!((level.base_bits() - bits).abs() < 0.01, "{}", carried.from);
                seen += 1;
            }
        }
        assert!(seen > 15, "{seen}");
    }
}

#[test]
fn of_everything_that_is_not_carried_over_it_is_said_why() {
    let found = imported(FAKE_5);
    let lost = |what: &str| {
        let mut all = found.carried.iter();
        let carried = all.find(|it| it.from.contains(what)).expect(what);
        match &carried.fate {
            Fate::Lost(why) => why.clone(),
            other => panic!("{what} is {other:?}"),
        }
    };
    assert!(lost("Abs date difference <= 1 year").contains("by their parts"));
    assert!(lost("first_name >= 0.7").contains("different here"));
    assert!(lost("Jaro-Winkler >0.88 on username").contains("not one that is known"));
    assert!(lost("term frequencies of city").contains("only names"));
    assert!(lost("term frequencies of surname").contains("--tf"));
    assert!(lost("l.\"city\" = r.\"city\"").contains("may not be compared"));
    assert!(lost("calibration").contains("R82"));
    let levels: usize =
        serde_json::from_str::<serde_json::Value>(FAKE_5).expect("JSON")["comparisons"]
            .as_array()
            .expect("comparisons")
            .iter()
            .map(|it| it["comparison_levels"].as_array().map_or(0, Vec::len))
            .sum();
    let told = found
        .carried
        .iter()
        .filter(|it| it.from.contains(": ") && it.comparison.is_some());
    assert!(told.count() >= levels, "a level of which nothing is said");
}

#[test]
fn a_model_goes_to_splink_and_comes_back_the_same() {
    let weights = |file: &ModelFile| -> Vec<(String, String, String)> {
        let all = file.comparison.iter().flat_map(|comparison| {
            let levels = comparison.level.iter();
            levels.map(|level| {
                let bits = format!("{:.6}", level.base_bits() + 0.0);
                (comparison.name.clone(), level.name.clone(), bits)
            })
        });
        all.collect()
    };
    for settings in [FAKE_5, FEBRL_5] {
        let first = imported(settings).file;
        let there = export(&first);
        let back = imported(&there.text).file;
        assert_eq!(weights(&back), weights(&first));
        assert!((back.population - first.population).abs() < 1e-3);
    }
    let shipped = export(LinkageModel::uk_care().file());
    let lost = shipped
        .carried
        .iter()
        .filter(|it| matches!(it.fate, Fate::Lost(_)));
    assert!(lost.count() > 10, "what has no SQL is said");
    assert!(shipped.text.contains("jaro_winkler_similarity"));
}

#[test]
fn term_frequencies_come_with_their_tables() {
    let mut frequencies = TermFrequencies::new();
    let shares = [("smith".to_owned(), 0.02), ("oddname".to_owned(), 0.0001)];
    frequencies.insert(Comparison::FamilyName, shares.to_vec());
    let start = LinkageModel::generic().file().clone();
    let found = import(FEBRL_5, &start, &field, &frequencies).expect("importable");
    assert_eq!(found.tables.len(), 1);
    let model =
        LinkageModel::from_file(found.file.clone(), &|name| found.tables.get(name).cloned());
    assert!(model.is_ok());
    assert!((found.file.frequencies.floor - 0.0001).abs() < 1e-12);
}

#[test]
fn what_is_no_model_of_splink_is_refused() {
    let start = LinkageModel::generic().file().clone();
    for text in [
        "",
        "{}",
        "[]",
        "{\"probability_two_random_records_match\": 2, \"comparisons\": []}",
    ] {
        assert!(
            import(text, &start, &field, &TermFrequencies::new()).is_err(),
            "{text}"
        );
    }
}
