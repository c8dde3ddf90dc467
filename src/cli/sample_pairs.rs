//! `accord model sample`: which pairs of a ledger to read next.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open_to_decide};
use crate::cli::model_life::model_id;
use crate::cli::progress::Stages;
use crate::flows::pairs_to_read;
use crate::matching::ModelId;
use crate::registry::{LocalId, SourceCode};
use crate::security::{Action, Role};

/// Whose thresholds, and how many pairs.
#[derive(Debug, Args)]
pub(super) struct SampleArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Pairs to propose.
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pairs: u32,
    /// Writes `record_id_a,record_id_b,label,reads,weight_bits,probability,near`; label and
    /// reads are blank, for people to fill in and `accord train --labels` to read.
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Names records as `source:local_id`.
    #[arg(long)]
    qualify: bool,
    /// No progress.
    #[arg(long)]
    quiet: bool,
    /// The model's id; the active one without it.
    #[arg(value_name = "MODEL", value_parser = model_id)]
    model: Option<ModelId>,
}

pub(super) async fn run(arguments: SampleArguments) -> anyhow::Result<()> {
    let context = open_to_decide(&arguments.ledger, Use::Existing).await?;
    let access = access(Action::ReadModel, Role::Engineer, "model-sample")?;
    let stages = Stages::new(arguments.quiet);
    let model = arguments.model.as_ref().unwrap_or(context.model.id());
    let asked = (model, arguments.pairs as usize);
    let found = pairs_to_read(&context, &access, asked, &stages).await?;
    stages.finish();
    let name = |(source, local_id): &(SourceCode, LocalId)| {
        if arguments.qualify {
            format!("{source}:{local_id}")
        } else {
            local_id.to_string()
        }
    };
    let path = &arguments.out;
    let cannot = || format!("cannot write {}", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(cannot)?;
    writer.write_record([
        "record_id_a",
        "record_id_b",
        "label",
        "reads",
        "weight_bits",
        "probability",
        "near",
    ])?;
    for pair in &found {
        writer.write_record([
            name(&pair.one),
            name(&pair.other),
            String::new(),
            String::new(),
            format!("{:.6}", pair.weight_bits),
            format!("{:.6}", pair.probability),
            pair.near.to_owned(),
        ])?;
    }
    writer.flush().with_context(cannot)?;
    eprintln!("{} pairs written to {}", found.len(), path.display());
    Ok(())
}
