//! The command line: start-up, wiring, commands. The only place that reads
//! the environment and the only one that prints.
//!
//! Figures go to standard output, everything else to standard error. Exit
//! codes: 0 done, 1 refused or failed with one sentence, 2 usage.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints"
)]

mod account;
#[cfg(feature = "ballista")]
mod await_cluster;
mod backup;
#[cfg(feature = "ballista")]
mod cluster;
mod compare_models;
mod demo;
mod demo_questions;
#[cfg(feature = "datafusion")]
mod engines;
mod erase;
mod evaluate;
mod evaluate_groups;
mod evaluate_page;
mod evaluate_unlabelled;
mod export;
mod generate;
mod hl7;
mod import;
mod import_by_url;
mod intake;
mod kept_memory;
mod ledger;
mod link;
mod model;
mod model_life;
mod progress;
mod rebuild_index;
mod rejects;
mod rerun;
mod sample_pairs;
mod serve;
mod shadow;
mod source;
mod telemetry;
mod token;
mod train;
mod verify;
mod webhook;
mod whole_files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Record linkage and a master patient index for a shared care record.
#[derive(Debug, Parser)]
#[command(name = "accord", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Which ledger.
#[derive(Debug, Clone, clap::Args)]
struct LedgerArguments {
    /// Data directory, made and migrated on first use.
    #[arg(long, value_name = "DIR", default_value = "./accord-data")]
    data: PathBuf,
    /// PostgreSQL database of the ledger, which any number of nodes share; the
    /// data directory then holds this node's index. The environment variable
    /// keeps a password off the list of processes.
    #[arg(
        long,
        value_name = "URL",
        env = "ACCORD_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,
    /// Real patients: numbers in the test range are isolated. Said when the
    /// directory is made.
    #[arg(long)]
    live: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A made-up region, ready to look at.
    Demo(demo::DemoArguments),
    /// Serves the API and the pages.
    Serve(serve::ServeArguments),
    /// Takes files of records into the ledger, by the same path as a message.
    Import(import::ImportArguments),
    /// Writes what the ledger says now.
    Export(export::ExportArguments),
    /// Says how good links and persons are, against a truth.
    Evaluate(Box<evaluate::EvaluateArguments>),
    /// Links whole files: links and persons as files.
    Link(Box<link::LinkArguments>),
    /// A cluster for files that one machine does not hold.
    #[cfg(feature = "ballista")]
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Learns a model from whole files, without labels.
    Train(train::TrainArguments),
    /// Makes up a population.
    Generate(generate::GenerateArguments),
    /// Destroys the values of records: one, or those that may no longer be kept.
    Erase(erase::EraseArguments),
    /// Checks every invariant of the ledger.
    Verify(verify::VerifyArguments),
    /// Copies a whole ledger into a directory of its own, beside a running
    /// service, and proves the copy.
    Backup(backup::BackupArguments),
    /// Fills an empty directory or database from a backup, and proves it.
    Restore(backup::RestoreArguments),
    /// Moves a ledger from SQLite into a PostgreSQL database, and proves it.
    Migrate(backup::MigrateArguments),
    /// Makes the candidate index again from the ledger.
    RebuildIndex(rebuild_index::RebuildArguments),
    /// Makes tokens for accounts.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Adds and lists people's accounts for the pages.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Adds and lists source systems.
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Models of this program and of others.
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Tries HL7 messages on a listener.
    #[command(subcommand)]
    Hl7(hl7::Hl7Command),
    /// Adds, lists and removes readers that are told of events.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
}

impl Command {
    /// Whether it holds whole files in memory, one stage after the other.
    fn works_in_memory(&self) -> bool {
        match self {
            Self::Link(arguments) => arguments.engine.engine == link::EngineChoice::Memory,
            Self::Train(_) | Self::Evaluate(_) => true,
            _ => false,
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.command.works_in_memory() {
        kept_memory::keep_freed_memory();
    }
    telemetry::start(match arguments.command {
        // A line for each request.
        Command::Serve(_) => "warn,accord=info",
        _ => "warn",
    });
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("accord: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(arguments.command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("accord: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Link(arguments) => link::run(*arguments).await,
        #[cfg(feature = "ballista")]
        Command::Cluster(command) => cluster::run(command).await,
        Command::Train(arguments) => train::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Erase(arguments) => erase::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Backup(arguments) => backup::back_up(arguments).await,
        Command::Restore(arguments) => backup::restore(arguments).await,
        Command::Migrate(arguments) => backup::migrate(arguments).await,
        Command::RebuildIndex(arguments) => rebuild_index::run(arguments).await,
        Command::Token(command) => token::run(command).await,
        Command::Account(command) => account::run(command).await,
        Command::Source(command) => source::run(command).await,
        Command::Model(command) => model::run(command).await,
        Command::Hl7(command) => hl7::run(command).await,
        Command::Webhook(command) => webhook::run(command).await,
    }
}
