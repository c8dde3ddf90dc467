//! `accord model` on a ledger: which models it has, which decides, and who says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use crate::cli::LedgerArguments;
use crate::cli::account::password;
use crate::cli::ledger::{access, open_for_models};
use crate::flows::{
    BroughtModel, GateBounds, ModelAnswer, NamedPerson, StoredActivation, activate_model,
    add_model, list_models, model_texts, roll_back_model, view_model,
};
use crate::matching::{LinkageModel, ModelId};
use crate::security::{Access, Action, Role};

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// Which model.
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Prints the model's file alone, as it was brought.
    #[arg(long)]
    file: bool,
    /// Writes the model's file, as it was brought, and its tables beside it.
    #[arg(long, value_name = "MODEL.toml", conflicts_with = "file")]
    out: Option<PathBuf>,
    /// Its id; the active one without it.
    #[arg(value_name = "MODEL", value_parser = model_id)]
    model: Option<ModelId>,
}

/// A model to be.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The account of who brings it; it has the role engineer, and its password comes
    /// on standard input.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What is to be known of it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// The model that this program ships.
    #[arg(long, conflicts_with = "model")]
    shipped: bool,
    /// Its file; the tables that it names stand beside it or are shipped.
    #[arg(value_name = "MODEL.toml", required_unless_present = "shipped")]
    model: Option<PathBuf>,
}

/// Who answers for a change of the active model.
#[derive(Debug, Args)]
pub(super) struct Answering {
    /// The account of who answers for it; it has the role approver, and its password
    /// comes on standard input.
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What is to decide.
#[derive(Debug, Args)]
pub(super) struct ActivateArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    #[command(flatten)]
    answering: Answering,
    /// What `accord evaluate --model` has printed of the test with hidden numbers, and of
    /// the negative control; may be repeated.
    #[arg(long, value_name = "FILE.json")]
    figures: Vec<PathBuf>,
    /// How many times as often as the others a group of people may be missed (R126).
    #[arg(long, value_name = "RATIO", default_value_t = 2.0)]
    group_ratio_max: f64,
    /// A division of people that has to be in the figures, such as ethnicity or deprivation,
    /// which `accord evaluate --groups` brings in (R126); may be repeated.
    #[arg(long = "group-needed", value_name = "DIVISION")]
    groups_needed: Vec<String>,
    /// The share of absent records that may be linked, whatever the figures were made
    /// with (R124).
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    absent_linked_max: f64,
    /// The share of the true pairs that the active model finds which may be lost, by
    /// hidden numbers and by labels (R123); 1: whatever it loses.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    recall_lost_max: f64,
    /// The model's id.
    #[arg(value_name = "MODEL", value_parser = model_id)]
    model: ModelId,
}

/// What is to be taken back.
#[derive(Debug, Args)]
pub(super) struct RollbackArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    #[command(flatten)]
    answering: Answering,
}

pub(super) fn model_id(text: &str) -> Result<ModelId, String> {
    ModelId::parse(text).ok_or_else(|| "a model's id has 16 digits of 0-9 and a-f".to_owned())
}

fn reading() -> anyhow::Result<Access> {
    access(Action::ReadModel, Role::Engineer, "model")
}

impl Answering {
    fn approver(&self) -> anyhow::Result<NamedPerson> {
        Ok(NamedPerson {
            name: self.approver.clone(),
            password: password()?,
        })
    }
}

pub(super) async fn list(arguments: ListArguments) -> anyhow::Result<()> {
    let context = open_for_models(&arguments.ledger).await?;
    for model in list_models(&context, &reading()?).await? {
        let word = if model.active { "active" } else { "-" };
        let note = if model.note.is_empty() { "" } else { "\t" };
        let unreadable = model
            .unreadable
            .map(|reason| format!("\tcannot be read by this release: {reason}"));
        println!(
            "{}\t{word}\tbrought by {}{note}{}{}",
            model.id,
            model.brought_by,
            model.note,
            unreadable.unwrap_or_default()
        );
    }
    Ok(())
}

pub(super) async fn show(arguments: ShowArguments) -> anyhow::Result<()> {
    let context = open_for_models(&arguments.ledger).await?;
    let active = context.deciding_models();
    let active = active.first().unwrap_or(context.model.id());
    let id = arguments.model.as_ref().unwrap_or(active);
    if let Some(path) = &arguments.out {
        let (text, tables) = model_texts(&context, &reading()?, id).await?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (name, table) in &tables {
            // A name is of a file beside the model's, never of one elsewhere.
            let name = Path::new(name).file_name().unwrap_or_default();
            write(&folder.join(name), table)?;
        }
        return write(path, &text);
    }
    if arguments.file {
        let (text, _) = model_texts(&context, &reading()?, id).await?;
        print!("{text}");
        return Ok(());
    }
    let whole = view_model(&context, &reading()?, id).await?;
    tell(&whole.about, &whole.model);
    Ok(())
}

fn tell(about: &ModelAnswer, model: &LinkageModel) {
    let file = model.file();
    println!("model {}", about.id);
    println!("name {} {}", file.name, file.version);
    println!("active {}", if about.active { "yes" } else { "no" });
    println!("brought by {} at {}", about.brought_by, about.brought_at);
    println!("links from {:.2} bits", model.link_threshold().bits());
    println!("review from {:.2} bits", model.review_threshold().bits());
    println!("calibrated {}", model.calibrated());
    for activation in &about.activations {
        told(activation);
    }
}

fn told(activation: &StoredActivation) {
    println!(
        "{} {} by {} at {}: {}",
        activation.number,
        activation.kind.name(),
        activation.activated_by,
        activation.at,
        activation.reason
    );
}

pub(super) async fn add(arguments: AddArguments) -> anyhow::Result<()> {
    let (model, tables) = match &arguments.model {
        Some(path) => read_with_tables(path)?,
        None => shipped(),
    };
    let id = model.id().clone();
    let context = open_for_models(&arguments.ledger).await?;
    let brought = BroughtModel {
        model,
        tables,
        by: NamedPerson {
            name: arguments.by,
            password: password()?,
        },
        note: arguments.note,
    };
    let added = add_model(&context, brought, "model-add").await?;
    if !added {
        eprintln!("the ledger has this model already");
    }
    println!("{id}");
    Ok(())
}

pub(super) async fn activate(arguments: ActivateArguments) -> anyhow::Result<()> {
    if !arguments.group_ratio_max.is_finite() || arguments.group_ratio_max < 1.0 {
        bail!("--group-ratio-max is a number of at least 1");
    }
    if !(0.0..1.0).contains(&arguments.absent_linked_max) {
        bail!("--absent-linked-max is a share from 0 to less than 1");
    }
    if !(0.0..=1.0).contains(&arguments.recall_lost_max) {
        bail!("--recall-lost-max is a share from 0 to 1");
    }
    let bounds = GateBounds {
        group_ratio_max: arguments.group_ratio_max,
        groups_needed: arguments.groups_needed,
        absent_linked_max: arguments.absent_linked_max,
        recall_lost_max: arguments.recall_lost_max,
    };
    let figures = arguments.figures.iter().map(|path| read_figures(path));
    let figures: Vec<Value> = figures.collect::<anyhow::Result<_>>()?;
    let context = open_for_models(&arguments.ledger).await?;
    let activation = activate_model(
        &context,
        arguments.answering.approver()?,
        &arguments.model,
        (&figures, &bounds),
        &arguments.answering.reason,
        "model-activate",
    )
    .await?;
    println!("{} decides from now on", activation.model);
    Ok(())
}

pub(super) async fn rollback(arguments: RollbackArguments) -> anyhow::Result<()> {
    let context = open_for_models(&arguments.ledger).await?;
    let approver = arguments.answering.approver()?;
    let reason = &arguments.answering.reason;
    let activation = roll_back_model(&context, approver, reason, "model-rollback").await?;
    println!("{} decides again", activation.model);
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read_figures(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what accord evaluate prints", path.display()))
}

/// A model from its file, with the texts of the tables that its id is of.
pub(super) fn read_with_tables(
    path: &Path,
) -> anyhow::Result<(LinkageModel, BTreeMap<String, String>)> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let tables = RefCell::new(BTreeMap::new());
    let table = |name: &str| {
        let beside = std::fs::read_to_string(folder.join(name)).ok();
        let text = beside.or_else(|| LinkageModel::embedded_table(name))?;
        tables.borrow_mut().insert(name.to_owned(), text.clone());
        Some(text)
    };
    let model = LinkageModel::parse(&text, &table).with_context(|| path.display().to_string())?;
    Ok((model, tables.into_inner()))
}

fn shipped() -> (LinkageModel, BTreeMap<String, String>) {
    let model = LinkageModel::uk_care();
    let names = model.file().frequencies.names();
    let tables =
        names.filter_map(|name| Some((name.to_owned(), LinkageModel::embedded_table(name)?)));
    let tables = tables.collect();
    (model, tables)
}
