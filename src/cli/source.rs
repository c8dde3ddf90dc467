//! `accord source`: source systems.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open, open_alone_or_beside};
use crate::cli::progress::Progress;
use crate::flows::{
    add_source, catch_up, decide_deferred, list_quarantines, list_sources, release_source,
};
use crate::identity::NumberStatus;
use crate::registry::{Source, SourceCode};
use crate::security::{Action, Role};

/// What to do with sources.
#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// Adds a source, or changes what is known of it.
    Add(AddArguments),
    /// Lists the sources.
    List(ListArguments),
    /// Ends the quarantine of a source and decides what was kept meanwhile.
    Release(ReleaseArguments),
}

/// A source that may be trusted again.
#[derive(Debug, Args)]
pub(super) struct ReleaseArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Its code.
    code: String,
    /// Why; stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

/// A source.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Its code.
    code: String,
    /// Its name for people.
    #[arg(long)]
    name: String,
    /// ODS code of its organisation.
    #[arg(long = "ods", value_name = "CODE")]
    ods_code: Option<String>,
    /// The authority (URI) that issues its local ids.
    #[arg(long, value_name = "URI")]
    authority: Option<String>,
    /// 0 to 100: which value survives in a golden record.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    trust: u8,
    /// Status of an NHS number that comes without one.
    #[arg(long, value_name = "STATUS", default_value = "02")]
    nhs_status_default: String,
    /// Days after its last message for which a record is kept (default: for
    /// good); `accord erase --expired` then erases it.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retention: Option<u32>,
    /// Its systems may act for a named person by header.
    #[arg(long)]
    acts_for_people: bool,
}

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(command: SourceCommand) -> anyhow::Result<()> {
    match command {
        SourceCommand::Add(arguments) => add(arguments).await,
        SourceCommand::List(arguments) => list(arguments).await,
        SourceCommand::Release(arguments) => release(arguments).await,
    }
}

/// Pause between two looks at a service that decides.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

async fn release(arguments: ReleaseArguments) -> anyhow::Result<()> {
    let source = SourceCode::parse(&arguments.code)?;
    let (context, alone) = open_alone_or_beside(&arguments.ledger).await?;
    let releasing = access(Action::ReleaseSource, Role::Steward, "source-release")?;
    let deciding = access(Action::WriteRecord, Role::Integration, "source-release")?;
    let waiting = release_source(&context, &releasing, &source, &arguments.reason).await?;
    let what = format!("deciding for {source}");
    let mut progress = Progress::over_bytes(&what, waiting, arguments.quiet);
    let left = loop {
        // A service on this directory decides by itself; this only watches.
        let more = if alone {
            decide_deferred(&context, &deciding).await?.more
        } else {
            tokio::time::sleep(LOOK_PAUSE).await;
            true
        };
        let left = context.store.count_deferred(Some(&source)).await?;
        let quarantines = list_quarantines(&context, &releasing).await?;
        let again = quarantines.iter().any(|known| known.source == source);
        let done = waiting.saturating_sub(left);
        progress.at(done, done);
        if left == 0 || again || !more {
            break left;
        }
    };
    progress.finish();
    if alone {
        catch_up(&context).await?;
        context.store.seal_audit(context.clock.now()).await?;
        context.store.close().await;
    }
    println!("decided {}", waiting.saturating_sub(left));
    println!("waiting {left}");
    if left > 0 {
        bail!("{source} is quarantined again: what is left still contradicts what is known");
    }
    Ok(())
}

async fn add(arguments: AddArguments) -> anyhow::Result<()> {
    let Some(number_status_default) = NumberStatus::parse(&arguments.nhs_status_default) else {
        bail!("--nhs-status-default must be an NHS number status, 01 to 08");
    };
    let source = Source {
        code: SourceCode::parse(&arguments.code)?,
        name: arguments.name,
        ods_code: arguments.ods_code,
        authority: arguments.authority,
        trust: arguments.trust,
        number_status_default,
        acts_for_people: arguments.acts_for_people,
        retention_days: arguments.retention,
    };
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::WriteSource, Role::Administrator, "source-add")?;
    add_source(&context, &access, source).await?;
    Ok(())
}

async fn list(arguments: ListArguments) -> anyhow::Result<()> {
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::ReadSource, Role::Administrator, "source-list")?;
    let quarantines = list_quarantines(&context, &access).await?;
    for source in list_sources(&context, &access).await? {
        let status = source.number_status_default.code();
        let waiting = quarantines.iter().find(|known| known.source == source.code);
        let quarantined = waiting.map_or_else(String::new, |known| {
            format!("\tquarantined, {} waiting", known.waiting)
        });
        let kept = source
            .retention_days
            .map_or_else(String::new, |days| format!("\tkept {days} days"));
        println!(
            "{}\t{}\ttrust {}\tstatus {status}{kept}{quarantined}",
            source.code, source.name, source.trust
        );
    }
    Ok(())
}
