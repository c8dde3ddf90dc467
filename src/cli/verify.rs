//! `accord verify`: checks every invariant of the ledger and names what breaks.

use anyhow::bail;
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, open};

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
}

pub(super) async fn run(arguments: VerifyArguments) -> anyhow::Result<()> {
    if arguments.ledger.database.is_none() && !arguments.ledger.data.is_dir() {
        bail!("there is no ledger in {}", arguments.ledger.data.display());
    }
    let context = open(&arguments.ledger, Use::Existing).await?;
    let report = context.store.verify().await?;
    let checked = &report.checked;
    for (what, count) in [
        ("events", checked.events),
        ("records", checked.records),
        ("versions", checked.versions),
        ("persons", checked.persons),
        ("links", checked.links),
        ("tasks", checked.tasks),
        ("audit_rows", checked.audit_rows),
        ("seals", checked.seals),
        ("models", checked.models),
    ] {
        println!("{what} {count}");
    }
    for violation in &report.violations {
        println!("broken {}: {}", violation.invariant, violation.sentence);
    }
    if !report.is_sound() {
        let count = report.violations.len() as u64 + report.left_out;
        bail!("the ledger breaks its invariants in {count} places; see above");
    }
    println!("sound");
    Ok(())
}
