//! `accord train`: a model learnt from files, as a file for a person to read.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::bulk::{BulkRecords, LabelledPair, Labels, learn_model};
use crate::cli::progress::Stages;
use crate::cli::whole_files::{ProfileChoice, read_share, set_aside_junk, shipped_model};
use crate::interfaces::files::{self, LabelRow};

/// Files, and where the model goes.
#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// Writes the model here and its tables of names beside it.
    #[arg(long, value_name = "MODEL.toml")]
    out: PathBuf,
    /// What people know of the records, to measure what weights are worth by:
    /// `record_id_a,record_id_b,label` (same or different), as `export --labels`
    /// writes it, or `record_id,person_id`. With a column `reads`, a pair that two or more
    /// people have read counts twice. Without it, NHS numbers are hidden and
    /// tell, where there are enough.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Whose rules hold; without it, the rows decide.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileChoice>,
    /// Compares only records of different sources.
    #[arg(long)]
    across_sources_only: bool,
    /// Learns from one record in N of the files, the same ones each time, where memory does
    /// not hold them all.
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    one_in: u32,
    /// Reads COLUMN as FIELD; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    maps: Vec<String>,
    /// No progress.
    #[arg(long)]
    quiet: bool,
    /// CSV (also .gz) or NDJSON files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &TrainArguments) -> anyhow::Result<()> {
    let asked = arguments.profile.map(ProfileChoice::profile);
    let share = (arguments.one_in, arguments.quiet);
    let mut whole = read_share(&arguments.files, &arguments.maps, asked, share)?;
    set_aside_junk(&mut whole, arguments.quiet);
    let start = shipped_model(whole.profile);
    let labels = arguments.labels.as_deref();
    let labels = labels
        .map(|path| read_labels_of(path, &whole.records))
        .transpose()?;
    let stages = Stages::new(arguments.quiet);
    let mut trained = learn_model(
        &whole.records,
        &start,
        arguments.across_sources_only,
        labels.as_ref(),
        &stages,
    )?;
    stages.finish();
    let stem = arguments
        .out
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    trained.name_tables(&stem);
    let folder = arguments.out.parent().unwrap_or(Path::new(""));
    for (name, text) in &trained.tables {
        write(&folder.join(name), text)?;
    }
    write(&arguments.out, &trained.learnt.file.to_toml()?)?;
    for note in &trained.learnt.file.notes {
        eprintln!("training: {note}");
    }
    println!("records {}", whole.records.len());
    println!("true_pairs {:.0}", trained.learnt.true_pairs);
    println!("calibrated {}", trained.model.calibrated());
    Ok(())
}

/// Labels of records of the files; of others they say nothing.
fn read_labels_of(path: &Path, records: &BulkRecords) -> anyhow::Result<Labels> {
    let find = |id: &[u8]| records.find(std::str::from_utf8(id).ok()?);
    let mut pairs = Vec::new();
    let mut persons = BTreeMap::new();
    let mut names: HashMap<Vec<u8>, u32> = HashMap::new();
    let read = files::read_labels(path, |row| {
        match row {
            LabelRow::Pair(label) => {
                let pair = find(label.a).zip(find(label.b));
                pairs.extend(pair.map(|(a, b)| LabelledPair {
                    a,
                    b,
                    same: label.same,
                    reads: label.reads,
                }));
            }
            LabelRow::Person(record, person) => {
                let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
                let person = *names.entry(person.to_vec()).or_insert(next);
                persons.extend(find(record).map(|record| (record, person)));
            }
        }
        Ok(())
    })?;
    let labels = if pairs.is_empty() {
        Labels::Persons(persons)
    } else {
        Labels::Pairs(pairs)
    };
    if labels.is_empty() {
        bail!("none of the {read} labels is about records of the files");
    }
    Ok(labels)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
