//! `accord token`: accounts of the embedded default.

use anyhow::bail;
use clap::{Args, Subcommand};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, open};
use crate::flows::{NewToken, create_token};
use crate::registry::SourceCode;
use crate::security::{ActorKind, Role};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Makes a token and prints it alone; it is stored nowhere in clear.
    Create(CreateArguments),
}

/// An account to be.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Name of the account, as the audit will show it.
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// A role; may be repeated.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// A source that an integration account may use (default: all); may be repeated.
    #[arg(long = "source", value_name = "CODE")]
    sources: Vec<String>,
    /// The account is a human being.
    #[arg(long)]
    person: bool,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse()
        .map_err(|error: crate::security::UnknownRole| error.to_string())
}

pub(super) async fn run(command: TokenCommand) -> anyhow::Result<()> {
    let TokenCommand::Create(arguments) = command;
    if arguments.actor.trim().is_empty() {
        bail!("--actor must not be blank");
    }
    let context = open(&arguments.ledger, Use::Shared).await?;
    for source in &arguments.sources {
        let code = SourceCode::parse(source)?;
        if context.store.find_source(&code).await?.is_none() {
            bail!("source {code} is not known; add it first: accord source add {code} --name NAME");
        }
    }
    let new = NewToken {
        actor: arguments.actor,
        kind: if arguments.person {
            ActorKind::Person
        } else {
            ActorKind::System
        },
        roles: arguments.roles,
        sources: arguments.sources,
    };
    println!("{}", create_token(&context, new).await?);
    Ok(())
}
