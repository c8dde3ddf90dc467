//! `accord source`: source systems.

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::flows::{add_source, list_sources};
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
    }
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
    };
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::WriteSource, Role::Administrator, "source-add")?;
    add_source(&context, &access, source).await?;
    Ok(())
}

async fn list(arguments: ListArguments) -> anyhow::Result<()> {
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::ReadSource, Role::Administrator, "source-list")?;
    for source in list_sources(&context, &access).await? {
        let status = source.number_status_default.code();
        println!(
            "{}\t{}\ttrust {}\tstatus {status}",
            source.code, source.name, source.trust
        );
    }
    Ok(())
}
