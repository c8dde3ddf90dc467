//! `accord link`: whole files to links and persons.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::bulk::{BulkRecords, LinkPlan, Linked, Policy, link};
use crate::cli::progress::Stages;
use crate::cli::whole_files::{ProfileChoice, read, read_model, set_aside_junk, shipped_model};
use crate::evaluation::facts::readable;
use crate::evaluation::report::{RunShown, SampledPair, pairs_to_read, run_page};
use crate::interfaces::files;
use crate::matching::MatchWeight;

/// Files, and what to make of them.
#[derive(Debug, Args)]
pub(super) struct LinkArguments {
    /// Weighs by this model; without one, it is learnt from the files first.
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Whose rules hold; without it, the rows decide.
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<ProfileChoice>,
    /// How persons are made: by the model alone, or by the decision table of
    /// direct care.
    #[arg(long, value_name = "POLICY", default_value = "model")]
    pub(super) policy: PolicyChoice,
    /// Compares only records of different sources.
    #[arg(long)]
    pub(super) across_sources_only: bool,
    /// Leaves out links of fewer bits (default: the model's review threshold).
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub(super) min_weight: Option<f64>,
    /// Writes `record_id_a,record_id_b,weight_bits,probability`.
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Writes `record_id,person_id,probability` for every record.
    #[arg(long, value_name = "FILE")]
    persons: Option<PathBuf>,
    /// Writes a page about the run: blocks, weights, the model, sizes of persons, pairs
    /// around the thresholds.
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,
    /// Shows the values of those pairs on the page; else their levels alone.
    #[arg(long, requires = "report")]
    report_values: bool,
    /// Reads COLUMN as FIELD; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub(super) maps: Vec<String>,
    #[command(flatten)]
    pub(super) engine: EngineArguments,
    /// No progress.
    #[arg(long)]
    pub(super) quiet: bool,
    /// CSV (also .gz) or NDJSON files.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// What links, and within what.
#[derive(Debug, Args)]
pub(super) struct EngineArguments {
    /// What links: in memory; or, in a program that was built with that feature, as tables
    /// that spill to disk, on this machine or on a cluster. The links are the same.
    #[arg(long, value_name = "ENGINE", default_value = "memory")]
    pub(super) engine: EngineChoice,
    /// Memory that the engine's tables may take before they spill (default: 1024).
    #[arg(long, value_name = "MIB")]
    pub(super) memory: Option<usize>,
    /// Where tables and what is spilled are kept until the run ends (default: the folder for
    /// temporary files). All executors of a cluster must see it under the same name.
    #[arg(long, value_name = "DIR")]
    pub(super) work_folder: Option<PathBuf>,
    /// Where the scheduler of the cluster listens.
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) scheduler: Option<String>,
    /// Gives up when the cluster has not begun with a first small task after so long
    /// (default: 60).
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) cluster_wait: Option<u64>,
}

impl EngineArguments {
    /// Whether anything is said that another engine needs.
    const fn are_given(&self) -> bool {
        self.memory.is_some()
            || self.work_folder.is_some()
            || self.scheduler.is_some()
            || self.cluster_wait.is_some()
    }
}

/// What links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineChoice {
    /// Whole files in memory.
    Memory,
    /// Tables of DataFusion on this machine (feature `datafusion`).
    Datafusion,
    /// The same on a Ballista cluster (feature `ballista`).
    Ballista,
}

/// How persons are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PolicyChoice {
    Model,
    Care,
}

/// Blocks that are named on standard error.
const BLOCKS_NAMED_MAX: usize = 10;

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<()> {
    let outputs = [&arguments.links, &arguments.persons, &arguments.report];
    if outputs.iter().all(|output| output.is_none()) {
        bail!("nothing to write: use --links FILE, --persons FILE, --report FILE or several");
    }
    let engine = &arguments.engine;
    if engine.engine != EngineChoice::Memory {
        return beyond_memory(arguments).await;
    }
    if engine.are_given() {
        bail!("--memory, --work-folder, --scheduler and --cluster-wait are for another --engine");
    }
    in_memory(&arguments)
}

#[cfg(feature = "datafusion")]
async fn beyond_memory(arguments: LinkArguments) -> anyhow::Result<()> {
    crate::cli::engines::run(arguments).await
}

#[cfg(not(feature = "datafusion"))]
#[expect(clippy::unused_async, reason = "as where the engine is built in")]
async fn beyond_memory(arguments: LinkArguments) -> anyhow::Result<()> {
    let engine = arguments.engine.engine;
    let name = engine
        .to_possible_value()
        .map_or_else(String::new, |it| it.get_name().to_owned());
    bail!("this program was built without that engine: build it with `--features {name}`");
}

fn in_memory(arguments: &LinkArguments) -> anyhow::Result<()> {
    let given = arguments.model.as_deref().map(read_model).transpose()?;
    let asked = arguments.profile.map(ProfileChoice::profile);
    let profile = asked.or_else(|| given.as_ref().map(|model| model.profile()));
    let mut whole = read(&arguments.files, &arguments.maps, profile, arguments.quiet)?;
    let trains = given.is_none();
    if trains {
        set_aside_junk(&mut whole, arguments.quiet);
    }
    let plan = LinkPlan {
        trains,
        model: given.unwrap_or_else(|| shipped_model(whole.profile)),
        policy: match arguments.policy {
            PolicyChoice::Model => Policy::Model,
            PolicyChoice::Care => Policy::Care,
        },
        across_sources_only: arguments.across_sources_only,
        least_bits: arguments.min_weight,
    };
    let stages = Stages::new(arguments.quiet);
    let linked = link(&whole.records, &plan, &stages)?;
    stages.finish();
    write_outcome(arguments, &whole.records, &linked)?;
    if let Some(path) = &arguments.report {
        write_report(path, arguments, &whole.records, &linked)?;
    }
    if !arguments.quiet {
        report(&linked);
    }
    print_figures(Some(linked.compared), &linked);
    let rejected = whole.rejected;
    // The process ends: giving back millions of texts one by one is of no use.
    std::mem::forget((whole, linked));
    refuse_rejected(rejected)
}

/// Rows that could not be read fail a run, after what could be read was linked.
pub(super) fn refuse_rejected(rejected: u64) -> anyhow::Result<()> {
    if rejected > 0 {
        bail!("{rejected} rows could not be read and were left out");
    }
    Ok(())
}

/// Writes links and persons, where they are wanted.
pub(super) fn write_outcome(
    arguments: &LinkArguments,
    ids: &BulkRecords,
    linked: &Linked,
) -> anyhow::Result<()> {
    if let Some(path) = &arguments.links {
        write_links(path, ids, linked)?;
    }
    if let Some(path) = &arguments.persons {
        write_persons(path, ids, linked)?;
    }
    Ok(())
}

/// Says how much there was and what came of it.
pub(super) fn print_figures(compared: Option<usize>, linked: &Linked) {
    let mut persons = linked.persons.clone();
    persons.sort_unstable();
    persons.dedup();
    println!("records {}", linked.persons.len());
    if let Some(compared) = compared {
        println!("pairs_compared {compared}");
    }
    println!("links {}", linked.links.len());
    println!("persons {}", persons.len());
}

/// What a user should know beside the figures.
fn report(linked: &Linked) {
    if let Some(trained) = &linked.trained {
        for note in &trained.learnt.file.notes {
            eprintln!("training: {note}");
        }
    }
    for block in linked.oversized.iter().take(BLOCKS_NAMED_MAX) {
        let done = if block.sharpened {
            "divided by further fields"
        } else {
            "not every pair compared"
        };
        eprintln!("block {}: {} records, {done}", block.rule, block.records);
    }
    if linked.oversized.len() > BLOCKS_NAMED_MAX {
        let more = linked.oversized.len() - BLOCKS_NAMED_MAX;
        eprintln!("and {more} more large blocks");
    }
}

fn write_report(
    path: &Path,
    arguments: &LinkArguments,
    records: &BulkRecords,
    linked: &Linked,
) -> anyhow::Result<()> {
    let pairs = pairs_to_read(records, linked);
    let values = arguments
        .report_values
        .then(|| values_of(arguments, &pairs))
        .transpose()?;
    let page = run_page(&RunShown {
        records,
        linked,
        policy: match arguments.policy {
            PolicyChoice::Model => "the model alone",
            PolicyChoice::Care => "the decision table of direct care",
        },
        pairs: &pairs,
        values: values.as_ref(),
    });
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// What the records of the pairs say, read from the files again.
fn values_of(
    arguments: &LinkArguments,
    pairs: &[SampledPair],
) -> anyhow::Result<BTreeMap<String, BTreeMap<String, String>>> {
    let wanted: BTreeSet<&String> = pairs.iter().flat_map(|pair| &pair.ids).collect();
    let mut values = BTreeMap::new();
    for path in &arguments.files {
        for row in files::open(path, &arguments.maps)?
            .without_texts()
            .flatten()
        {
            if wanted.contains(&row.record_id) {
                let shown = readable(row.source.as_deref(), &row.record);
                values.insert(row.record_id, shown);
            }
        }
    }
    Ok(values)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<std::fs::File>> {
    let file =
        std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

fn write_links(path: &Path, records: &BulkRecords, linked: &Linked) -> anyhow::Result<()> {
    let mut out = create(path)?;
    writeln!(out, "record_id_a,record_id_b,weight_bits,probability")?;
    for edge in &linked.links {
        let probability = linked
            .model
            .probability(MatchWeight::new(edge.weight))
            .value();
        write_field(&mut out, records.id(edge.a))?;
        out.write_all(b",")?;
        write_field(&mut out, records.id(edge.b))?;
        write!(out, ",{},", edge.weight)?;
        write_share(&mut out, probability)?;
    }
    out.flush()
        .with_context(|| format!("cannot write {}", path.display()))
}

fn write_persons(path: &Path, records: &BulkRecords, linked: &Linked) -> anyhow::Result<()> {
    let mut out = create(path)?;
    writeln!(out, "record_id,person_id,probability")?;
    for (record, (person, certainty)) in (0_u32..).zip(linked.persons.iter().zip(&linked.certainty))
    {
        write_field(&mut out, records.id(record))?;
        out.write_all(b",")?;
        write_field(&mut out, records.id(*person))?;
        out.write_all(b",")?;
        write_share(&mut out, *certainty)?;
    }
    out.flush()
        .with_context(|| format!("cannot write {}", path.display()))
}

/// A share to six places, at the end of its line. Most are next to one.
fn write_share(out: &mut impl Write, share: f64) -> std::io::Result<()> {
    const ROUNDED_TO_ONE: f64 = 0.999_999_6;
    if share > ROUNDED_TO_ONE && share <= 1.0 {
        out.write_all(b"1.000000\n")
    } else {
        writeln!(out, "{share:.6}")
    }
}

/// A value, in quotes where it needs them.
fn write_field(out: &mut impl Write, value: &str) -> std::io::Result<()> {
    let plain = value
        .bytes()
        .all(|byte| !matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if plain {
        out.write_all(value.as_bytes())
    } else {
        write!(out, "\"{}\"", value.replace('"', "\"\""))
    }
}
