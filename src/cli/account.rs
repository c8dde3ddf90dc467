//! `accord account`: people who sign in to the pages.

use std::io::Read as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, open};
use crate::flows::{add_account, disable_account, list_accounts, set_password};
use crate::security::Role;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Makes an account; its password comes on standard input.
    Add(AddArguments),
    /// Lists accounts with their roles.
    List(ListArguments),
    /// Closes an account and ends its sessions.
    Disable(NamedArguments),
    /// Gives an account another password, from standard input, and ends its sessions.
    Password(NamedArguments),
}

/// An account to be.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Its name, as the audit will show it.
    name: String,
    /// A role; may be repeated. Without one the account sees nothing.
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,
}

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// Which account.
#[derive(Debug, Args)]
pub(super) struct NamedArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Its name.
    name: String,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse()
        .map_err(|error: crate::security::UnknownRole| error.to_string())
}

/// The first line of standard input: a password never stands in a list of processes.
pub(super) fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(4_096)
        .read_to_string(&mut text)
        .context("cannot read a password from standard input")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

pub(super) async fn run(command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Add(arguments) => {
            let context = open(&arguments.ledger, Use::Shared).await?;
            add_account(&context, &arguments.name, arguments.roles, password()?).await?;
        }
        AccountCommand::List(arguments) => {
            let context = open(&arguments.ledger, Use::Existing).await?;
            for account in list_accounts(&context).await? {
                let roles: Vec<&str> = account.roles.iter().map(|role| role.name()).collect();
                let closed = account.disabled_at.map(|at| format!("\tclosed {at}"));
                println!(
                    "{}\t{}\tsince {}{}",
                    account.name,
                    roles.join(","),
                    account.created_at,
                    closed.unwrap_or_default()
                );
            }
        }
        AccountCommand::Disable(arguments) => {
            let context = open(&arguments.ledger, Use::Existing).await?;
            disable_account(&context, &arguments.name).await?;
        }
        AccountCommand::Password(arguments) => {
            let context = open(&arguments.ledger, Use::Existing).await?;
            set_password(&context, &arguments.name, password()?).await?;
        }
    }
    Ok(())
}
