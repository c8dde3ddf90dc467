//! `accord model sample`: which pairs of a ledger to read next, as a file or as questions
//! at the review desk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::account::password;
use crate::cli::ledger::{Use, access, open_for_models, open_to_decide, open_to_follow};
use crate::cli::model_life::model_id;
use crate::cli::progress::Stages;
use crate::flows::{
    Context, NamedPerson, PairToRead, PairsOf, SampleAsked, StoredSample, ask_some, begin_sample,
    catch_up, pairs_to_read, sample_standing,
};
use crate::foundation::limits::SAMPLE_TASKS_WAITING_MAX;
use crate::matching::ModelId;
use crate::registry::{LocalId, SourceCode};
use crate::security::{Action, Role};

/// Pause between two looks at a service that asks.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Whose thresholds, how many pairs, and who reads them.
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
    #[arg(long, value_name = "FILE.csv", required_unless_present_any = ["ask", "status"])]
    out: Option<PathBuf>,
    /// Names records as `source:local_id`.
    #[arg(long, requires = "out")]
    qualify: bool,
    /// Asks people at the review desk instead: the pairs become questions, last in the queue,
    /// 500 at most that wait. A service on the ledger does it; without one this process does.
    #[arg(long, requires = "by", conflicts_with = "out")]
    ask: bool,
    /// The account of who asks; it has the role engineer or steward, and its password comes on
    /// standard input.
    #[arg(long, value_name = "NAME", requires = "reason", requires = "ask")]
    by: Option<String>,
    /// Why, in words.
    #[arg(long, value_name = "TEXT", requires = "by")]
    reason: Option<String>,
    /// Says how far asking has come, and does nothing.
    #[arg(long, conflicts_with_all = ["out", "ask"])]
    status: bool,
    /// No progress.
    #[arg(long)]
    quiet: bool,
    /// The model's id; the active one without it.
    #[arg(value_name = "MODEL", value_parser = model_id)]
    model: Option<ModelId>,
}

pub(super) async fn run(arguments: SampleArguments) -> anyhow::Result<()> {
    if arguments.status {
        let context = open_for_models(&arguments.ledger).await?;
        let reading = access(Action::ReadModel, Role::Engineer, "model-sample")?;
        match sample_standing(&context, &reading).await? {
            Some(standing) => tell(&standing),
            None => println!("no sample has been asked about"),
        }
        return Ok(());
    }
    match &arguments.out {
        Some(out) => propose(&arguments, out).await,
        None => ask_people(&arguments).await,
    }
}

async fn propose(arguments: &SampleArguments, out: &Path) -> anyhow::Result<()> {
    let context = open_to_decide(&arguments.ledger, Use::Existing).await?;
    let access = access(Action::ReadModel, Role::Engineer, "model-sample")?;
    let stages = Stages::new(arguments.quiet);
    let model = arguments.model.as_ref().unwrap_or(context.model.id());
    let asked = (model, arguments.pairs as usize, PairsOf::Anybody);
    let found = pairs_to_read(&context, &access, asked, &stages).await?;
    stages.finish();
    write(out, &found, arguments.qualify)?;
    eprintln!("{} pairs written to {}", found.len(), out.display());
    Ok(())
}

fn write(path: &Path, found: &[PairToRead], qualify: bool) -> anyhow::Result<()> {
    let name = |(source, local_id): &(SourceCode, LocalId)| {
        if qualify {
            format!("{source}:{local_id}")
        } else {
            local_id.to_string()
        }
    };
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
    for pair in found {
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
    writer.flush().with_context(cannot)
}

async fn ask_people(arguments: &SampleArguments) -> anyhow::Result<()> {
    if u64::from(arguments.pairs) > SAMPLE_TASKS_WAITING_MAX {
        bail!("--ask takes --pairs of {SAMPLE_TASKS_WAITING_MAX} at most");
    }
    let by = NamedPerson {
        name: arguments.by.clone().unwrap_or_default(),
        password: password()?,
    };
    let (context, alone) = open_to_follow(&arguments.ledger).await?;
    if alone {
        catch_up(&context).await?;
    }
    let stages = Stages::new(arguments.quiet);
    let asked = SampleAsked {
        model: arguments.model.as_ref().unwrap_or(context.model.id()),
        pairs: arguments.pairs,
        reason: arguments.reason.as_deref().unwrap_or_default(),
    };
    let begun = begin_sample(&context, by, asked, &stages, "model-sample").await?;
    stages.finish();
    let ended = watch(&context, begun, alone).await?;
    if alone {
        catch_up(&context).await?;
        context.store.seal_audit(context.clock.now()).await?;
        context.store.close().await;
    }
    tell(&ended);
    Ok(())
}

/// Asks, or watches a service that does, until all pairs have been looked at.
async fn watch(
    context: &Context,
    begun: StoredSample,
    alone: bool,
) -> anyhow::Result<StoredSample> {
    let asking = access(Action::WriteRecord, Role::Integration, "model-sample")?;
    let mut standing = begun;
    while standing.ended_at.is_none() {
        if alone {
            ask_some(context, &asking).await?;
        } else {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        let now = context.store.last_sample().await?;
        standing = now.context("the sample is not in the ledger any more")?;
    }
    Ok(standing)
}

fn tell(standing: &StoredSample) {
    println!("sample {}", standing.number);
    println!("model {}", standing.model);
    println!("pairs {} of {}", standing.looked_at, standing.pairs.len());
    println!("tasks {}", standing.tasks);
    println!(
        "asks {}",
        if standing.ended_at.is_none() {
            "yes"
        } else {
            "no"
        }
    );
}
