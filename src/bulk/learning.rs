//! Training on the records of a run: what the pairs show, and how common
//! names are among these people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bulk::briefs::Brief;
use crate::bulk::comparing::Comparer;
use crate::bulk::known_pairs::{Labels, known_pairs};
use crate::bulk::pairs::Sample;
use crate::bulk::records::BulkRecords;
use crate::bulk::run::Watch;
use crate::bulk::scoring::{family_counts, given_counts, observe};
use crate::matching::training::{KnownPair, Learnt, calibrate, learn};
use crate::matching::{
    Comparison, FrequencyFiles, LevelFile, LinkageModel, ModelFile, ModelProblem,
};

/// Table of given names of a trained model.
pub const GIVEN_NAMES_TABLE: &str = "given_names.tsv";

/// Table of family names of a trained model.
pub const FAMILY_NAMES_TABLE: &str = "family_names.tsv";

/// Names with fewer records in all teach no frequencies.
const NAMED_RECORDS_MIN: u64 = 200;

/// A model learnt from a run's own records.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Ready to weigh.
    pub model: LinkageModel,
    /// Its tables, by the names under which its file knows them.
    pub tables: BTreeMap<String, String>,
    /// What was learnt.
    pub learnt: Learnt,
}

impl Trained {
    /// Puts a stem before the names of the tables, in the file too.
    pub fn name_tables(&mut self, stem: &str) {
        let tables = std::mem::take(&mut self.tables);
        let files = &mut self.learnt.file.frequencies;
        for (name, text) in tables {
            let new = format!("{stem}.{name}");
            for file in [&mut files.given_names, &mut files.family_names] {
                if file.as_deref() == Some(name.as_str()) {
                    *file = Some(new.clone());
                }
            }
            self.tables.insert(new, text);
        }
    }
}

/// Whether training also measures what weights are worth.
#[derive(Debug, Clone, Copy)]
pub(super) enum Calibrates<'l> {
    /// It does not: plain links need no threshold for care.
    No,
    /// By labels, or by hidden numbers where there are none.
    By(Option<&'l Labels>),
}

/// Learns from pairs that met.
///
/// # Errors
/// When what was learnt is no valid model.
pub(super) fn train(
    records: &BulkRecords,
    briefs: &[Brief],
    start: &LinkageModel,
    sample: &Sample,
    calibrates: Calibrates<'_>,
    watch: &dyn Watch,
) -> Result<Trained, ModelProblem> {
    let start = &with_optional_levels(start)?;
    let observed = observe(&Comparer::new(records, start, briefs), sample, watch);
    let mut learnt = learn(start.file(), &observed)?;
    let mut tables = BTreeMap::new();
    let shipped = |name: &Option<String>| {
        let name = name.as_deref()?;
        LinkageModel::embedded_table(name)
    };
    let frequencies = &start.file().frequencies;
    for (name, counts, from) in [
        (
            GIVEN_NAMES_TABLE,
            given_counts(records),
            &frequencies.given_names,
        ),
        (
            FAMILY_NAMES_TABLE,
            family_counts(records),
            &frequencies.family_names,
        ),
    ] {
        if let Some(text) = table(&counts, shipped(from).as_deref()) {
            tables.insert(name.to_owned(), text);
        }
    }
    let named = |name: &str, shipped: &Option<String>| {
        tables
            .contains_key(name)
            .then(|| name.to_owned())
            .or_else(|| shipped.clone())
    };
    learnt.file.frequencies = FrequencyFiles {
        given_names: named(GIVEN_NAMES_TABLE, &frequencies.given_names),
        family_names: named(FAMILY_NAMES_TABLE, &frequencies.family_names),
        floor: (0.5 / records.len().max(2) as f64).min(frequencies.floor.max(1e-5)),
        full_name_floor: Some(1.0 / (FULL_NAMES_PER_PERSON * learnt.file.population)),
        ..frequencies.clone()
    };
    learnt.file.weighs_groups = true;
    learnt.file.review_threshold_bits -= GROUPS_UNDERSTATE_BITS;
    let read = |file: &ModelFile| {
        LinkageModel::from_file(file.clone(), &|name| {
            tables
                .get(name)
                .cloned()
                .or_else(|| LinkageModel::embedded_table(name))
        })
    };
    let mut model = read(&learnt.file)?;
    if let Calibrates::By(labels) = calibrates {
        let known = known_pairs(
            &Comparer::new(records, &model, briefs),
            &sample.pairs,
            labels,
        );
        learnt.file.calibration = calibrate(&known, learnt.file.cost_ratio);
        model = read(&learnt.file)?;
        learnt
            .file
            .notes
            .push(calibration_note(&model, &known, labels));
    }
    Ok(Trained {
        model,
        tables,
        learnt,
    })
}

/// What was measured, for a reader of the model.
fn calibration_note(model: &LinkageModel, known: &[KnownPair], labels: Option<&Labels>) -> String {
    let told = match labels {
        Some(labels) if labels.read_twice() > 0 => {
            format!("labels, of which {} were read twice", labels.read_twice())
        }
        Some(_) => "labels".to_owned(),
        None => "hidden NHS numbers, which says less of people without one".to_owned(),
    };
    let Some(found) = model.file().calibration else {
        return format!(
            "not calibrated: {} pairs are known by {told}, too few of each kind",
            known.len()
        );
    };
    let is = if model.calibrated() {
        "calibrated"
    } else {
        "measured, but not certified for the linking threshold"
    };
    format!(
        "{is} by {told}: of {} pairs above the threshold at most {:.4} % are false (upper 95 % \
         bound); {:.1} bits link",
        found.pairs,
        found.false_share_upper * 100.0,
        model.link_threshold().bits()
    )
}

/// A model that weighs every optional level, to be learnt: what the file's data
/// cannot teach weighs nothing.
fn with_optional_levels(start: &LinkageModel) -> Result<LinkageModel, ModelProblem> {
    let mut file = start.file().clone();
    for comparison in Comparison::ALL {
        let Some(found) = file.comparison_mut(comparison) else {
            continue;
        };
        for known in comparison.levels().iter().filter(|known| known.optional) {
            if found.level.iter().all(|level| level.name != known.name) {
                found.level.push(LevelFile {
                    name: known.name.to_owned(),
                    m: Some(0.5),
                    u: Some(0.5),
                    weight_bits: None,
                    frequency_weight: None,
                    bits_max: None,
                });
            }
        }
    }
    LinkageModel::from_file(file, &LinkageModel::embedded_table)
}

/// The share of each name, drawn towards a shipped table by as much as the
/// file is small. `None` when there are too few names.
fn table(counts: &BTreeMap<&str, u64>, shipped: Option<&str>) -> Option<String> {
    let total: u64 = counts.values().sum();
    if total < NAMED_RECORDS_MIN {
        return None;
    }
    let mut rows: BTreeMap<&str, (f64, Vec<&str>)> = BTreeMap::new();
    let prior_records = if shipped.is_some() {
        PRIOR_RECORDS
    } else {
        0.0
    };
    let own = total as f64 / (total as f64 + prior_records);
    for line in shipped.unwrap_or_default().lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let Some(share) = columns.get(1).and_then(|share| share.parse::<f64>().ok()) else {
            continue;
        };
        rows.insert(columns[0], (share * (1.0 - own), columns));
    }
    for (name, count) in counts {
        let share = *count as f64 / total as f64 * own;
        let row = rows.entry(name).or_insert_with(|| (0.0, Vec::new()));
        row.0 += share;
    }
    let mut text = String::from("name\tfrequency\n");
    for (name, (share, columns)) in rows {
        let _ = write!(text, "{name}\t{share:.3e}");
        for column in columns.iter().skip(2) {
            let _ = write!(text, "\t{column}");
        }
        text.push('\n');
    }
    Some(text)
}

/// A file's people are drawn from so many more that might have been in it: a
/// full name is not taken to be rarer than one of those.
const FULL_NAMES_PER_PERSON: f64 = 100.0;

/// The weight of a group is a mean over its pairs and says less than they say
/// together: a trained model looks at pairs so far below the shipped threshold.
const GROUPS_UNDERSTATE_BITS: f64 = 4.0;

/// A shipped table counts as much as so many records of the file.
const PRIOR_RECORDS: f64 = 20_000.0;
