//! `accord rebuild-index`: makes the candidate index again from the ledger,
//! beside the one that is there, says whether the two hold the same, and puts
//! the new one in its place. Where the ledger's blocking keys were stored by a
//! build with other tables of names, it makes those anew first.

use anyhow::Context as _;
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, open};
use crate::cli::progress::Progress;
use crate::flows::{Context, catch_up, catch_up_filled, keys_fit, rekey};
use crate::index::CandidateIndex;

/// Which index.
#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

pub(super) async fn run(arguments: RebuildArguments) -> anyhow::Result<()> {
    let context = open(&arguments.ledger, Use::AnyKeys).await?;
    if !keys_fit(&context).await? {
        let mut progress = Progress::over_rows("making the keys anew", arguments.quiet);
        let records = rekey(&context, &mut |records| progress.at(records, records)).await?;
        progress.finish();
        println!("keys of {records} records made anew");
    }
    // What the old one lacks only because it is behind is no difference.
    catch_up(&context).await?;
    let (_, before) = context.index.content_hash()?;
    let place = arguments.ledger.data.join("index");
    let beside = arguments.ledger.data.join("index-rebuilt");
    if beside.exists() {
        std::fs::remove_dir_all(&beside).context("cannot remove an unfinished rebuild")?;
    }
    let rebuilt = Context {
        index: CandidateIndex::open(&beside)?,
        ..context.clone()
    };
    let mut progress = Progress::over_rows("rebuilding the index", arguments.quiet);
    let records = catch_up_filled(&rebuilt, &mut |records| progress.at(records, records)).await?;
    progress.finish();
    let (_, after) = rebuilt.index.content_hash()?;
    let Context { store, .. } = context;
    drop(rebuilt);
    std::fs::remove_dir_all(&place).context("cannot remove the old index")?;
    std::fs::rename(&beside, &place).context("cannot put the new index in place")?;
    store.close().await;
    let words = if before == after {
        "the old index held the same"
    } else {
        "the old index held something else"
    };
    println!("rebuilt from {records} records; {words}");
    Ok(())
}
