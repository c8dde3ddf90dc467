//! `accord model`: models of a ledger, and those of other programs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::cli::compare_models;
use crate::cli::model_life;
use crate::cli::rerun;
use crate::cli::sample_pairs;
use crate::cli::shadow;
use crate::cli::whole_files::{ProfileChoice, read_model, shipped_model};
use crate::interfaces::files::{Column, column_of, read_mappings};
use crate::matching::Comparison;
use crate::matching::splink::{Carried, Fate, TermFrequencies, export, import};

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Lists the models of a ledger; the active one decides.
    List(model_life::ListArguments),
    /// Shows a model of a ledger, and who has let it decide.
    Show(model_life::ShowArguments),
    /// Brings a model to a ledger. It decides nothing until it is activated.
    Add(model_life::AddArguments),
    /// Says which persons another model would join, split or shuffle, by source and
    /// probability, with numbers of records as samples. Nothing is changed.
    Compare(compare_models::CompareArguments),
    /// Proposes pairs of records to be read next: those nearest to a model's thresholds of
    /// which nobody has said anything. Nothing is changed.
    Sample(sample_pairs::SampleArguments),
    /// Lets a model run beside the one that decides, on what comes by the doors, and says
    /// what it would have decided otherwise. No answer waits for it or is changed by it.
    Shadow(shadow::ShadowArguments),
    /// Lets a model decide from now on. Who brought it cannot approve it, and figures of
    /// the test with hidden numbers (R123), also against the active model, the negative
    /// control (R124) and errors by group (R126) have to speak for it. Nothing is linked
    /// anew.
    Activate(model_life::ActivateArguments),
    /// Takes the last activation back: the model before it decides again.
    Rollback(model_life::RollbackArguments),
    /// Lets the records of the ledger be judged again by the model that decides, page by
    /// page: what it would decide otherwise becomes a question. Nothing is linked anew. A
    /// service on the ledger does it; without one this process does.
    Rerun(rerun::RerunArguments),
    /// Makes a model of settings that Splink (4 or 5) has trained, and says of each thing
    /// whether it was carried over, and if not, why.
    ImportSplink(ImportArguments),
    /// Makes settings for Splink of a model, and says what they leave out.
    ExportSplink(ExportArguments),
}

/// Settings of Splink.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// Where the model goes; its tables stand beside it.
    #[arg(long, value_name = "MODEL.toml")]
    out: PathBuf,
    /// Whose rules, thresholds and caps the model has.
    #[arg(long, value_name = "PROFILE", default_value = "uk_care")]
    profile: ProfileChoice,
    /// Reads COLUMN of the settings as FIELD; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    maps: Vec<String>,
    /// A CSV file of Splink's term frequencies of COLUMN (a column of values, one of shares),
    /// which its settings do not hold; may be repeated.
    #[arg(long = "tf", value_name = "COLUMN=FILE")]
    frequencies: Vec<String>,
    /// What `save_model_to_json` wrote.
    #[arg(value_name = "FILE.json")]
    settings: PathBuf,
}

/// A model for Splink.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// Where the settings go.
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
    /// The model.
    #[arg(value_name = "MODEL.toml")]
    model: PathBuf,
}

pub(super) async fn run(command: ModelCommand) -> anyhow::Result<()> {
    match command {
        ModelCommand::List(arguments) => model_life::list(arguments).await,
        ModelCommand::Show(arguments) => model_life::show(arguments).await,
        ModelCommand::Add(arguments) => model_life::add(arguments).await,
        ModelCommand::Compare(arguments) => compare_models::run(arguments).await,
        ModelCommand::Sample(arguments) => sample_pairs::run(arguments).await,
        ModelCommand::Shadow(arguments) => shadow::run(arguments).await,
        ModelCommand::Activate(arguments) => model_life::activate(arguments).await,
        ModelCommand::Rollback(arguments) => model_life::rollback(arguments).await,
        ModelCommand::Rerun(arguments) => rerun::run(arguments).await,
        ModelCommand::ImportSplink(arguments) => import_splink(&arguments),
        ModelCommand::ExportSplink(arguments) => export_splink(&arguments),
    }
}

fn import_splink(arguments: &ImportArguments) -> anyhow::Result<()> {
    let text = read(&arguments.settings)?;
    let mapped = read_mappings(&arguments.maps)?;
    let field = |name: &str| {
        let mapped = mapped.get(&name.to_lowercase()).copied();
        mapped.or_else(|| column_of(name)).and_then(comparison_of)
    };
    let mut frequencies = TermFrequencies::new();
    for argument in &arguments.frequencies {
        let Some((column, path)) = argument.split_once('=') else {
            bail!("--tf {argument}: write it as COLUMN=FILE");
        };
        let Some(comparison) = field(column) else {
            bail!("--tf {argument}: no comparison reads the column {column}");
        };
        frequencies.insert(comparison, shares(Path::new(path))?);
    }
    let start = shipped_model(arguments.profile.profile());
    let mut found = import(&text, start.file(), &field, &frequencies)
        .with_context(|| arguments.settings.display().to_string())?;
    let stem = arguments
        .out
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let folder = arguments.out.parent().unwrap_or(Path::new(""));
    let files = &mut found.file.frequencies;
    for (name, text) in &found.tables {
        let new = format!("{stem}.{name}");
        for file in [&mut files.given_names, &mut files.family_names] {
            if file.as_deref() == Some(name.as_str()) {
                *file = Some(new.clone());
            }
        }
        write(&folder.join(&new), text)?;
    }
    write(&arguments.out, &found.file.to_toml()?)?;
    // Read as everybody will read it.
    let model = read_model(&arguments.out)?;
    tell(&found.carried);
    println!("model {}", model.id());
    Ok(())
}

fn export_splink(arguments: &ExportArguments) -> anyhow::Result<()> {
    let model = read_model(&arguments.model)?;
    let made = export(model.file());
    write(&arguments.out, &made.text)?;
    tell(&made.carried);
    Ok(())
}

/// One line for each thing: what has become of it, its bits, and why.
fn tell(carried: &[Carried]) {
    let mut counts = [0_usize; 3];
    for one in carried {
        let bits = one
            .bits
            .map_or_else(String::new, |bits| format!(" {bits:+.2} bits"));
        let to = if one.to.is_empty() {
            String::new()
        } else {
            format!(" -> {}", one.to.join(", "))
        };
        let (word, why) = match &one.fate {
            Fate::Carried => ("carried", String::new()),
            Fate::Alike(why) => ("alike", format!(" ({why})")),
            Fate::Lost(why) => ("lost", format!(" ({why})")),
        };
        let place = ["carried", "alike", "lost"]
            .iter()
            .position(|it| *it == word);
        counts[place.unwrap_or_default()] += 1;
        println!("{word}\t{}{to}{bits}{why}", one.from);
    }
    eprintln!(
        "{} carried over, {} alike, {} lost",
        counts[0], counts[1], counts[2]
    );
}

const fn comparison_of(column: Column) -> Option<Comparison> {
    Some(match column {
        Column::NhsNumber => Comparison::NhsNumber,
        Column::GivenName => Comparison::GivenName,
        Column::MiddleName => Comparison::MiddleName,
        Column::FamilyName => Comparison::FamilyName,
        Column::BirthDate => Comparison::BirthDate,
        Column::Gender => Comparison::Sex,
        Column::AddressLine => Comparison::Address,
        Column::Town => Comparison::Town,
        Column::Postcode => Comparison::Postcode,
        Column::Phone => Comparison::Phone,
        Column::Email => Comparison::Email,
        Column::OtherId => Comparison::OtherIdentifier,
        Column::GpPractice => Comparison::GpPractice,
        Column::BirthOrder => Comparison::BirthOrder,
        _ => return None,
    })
}

/// Rows of value and share, after a heading.
fn shares(path: &Path) -> anyhow::Result<Vec<(String, f64)>> {
    let text = read(path)?;
    let mut found = Vec::new();
    for (place, row) in text.lines().enumerate().skip(1) {
        let parts = row.rsplit_once(',');
        let share = parts.and_then(|(_, share)| share.trim().parse::<f64>().ok());
        let (Some((value, _)), Some(share)) = (parts, share) else {
            bail!(
                "{}: line {}: a value and a share",
                path.display(),
                place + 1
            );
        };
        found.push((value.trim_matches('"').to_owned(), share));
    }
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
