//! `accord train`: a model learnt from files, as a file for a person to read.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::bulk::learn_model;
use crate::cli::whole_files::{ProfileChoice, Stages, read, shipped_model};

/// Files, and where the model goes.
#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    /// Writes the model here and its tables of names beside it.
    #[arg(long, value_name = "MODEL.toml")]
    out: PathBuf,
    /// Whose rules hold; without it, the rows decide.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileChoice>,
    /// Compares only records of different sources.
    #[arg(long)]
    across_sources_only: bool,
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
    let whole = read(&arguments.files, &arguments.maps, asked, arguments.quiet)?;
    let start = shipped_model(whole.profile);
    let stages = Stages::new(arguments.quiet);
    let mut trained = learn_model(
        &whole.records,
        &start,
        arguments.across_sources_only,
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
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
