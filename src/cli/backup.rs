//! `accord backup`, `accord restore` and `accord migrate`: whole ledgers move
//! from one place to another with a proof. A backup is a data directory of its
//! own, whatever the engine, with `backup.json` beside its database.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::cli::progress::Progress;
use crate::flows::Context;
use crate::security::{Action, Role};
use crate::storage::{StateHash, Store};

const MANIFEST: &str = "backup.json";
const FORMAT: &str = "accord-backup-1";

/// What to back up, and where to.
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Directory to be made; it will hold everything about every patient.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// A directory that `accord backup` has made.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

/// Which data directory moves into which database.
#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// Data directory with the SQLite ledger; it stays as it is.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    made_at: String,
    #[serde(flatten)]
    state: StateHash,
}

pub(super) async fn back_up(arguments: BackupArguments) -> anyhow::Result<()> {
    refuse_occupied(&arguments.to)?;
    let source = open(&arguments.ledger, Use::Existing).await?;
    note(&source, "backup").await?;
    let target = open(&directory(&arguments.to), Use::Shared).await?;
    let copied = copy(&source.store, &target.store, arguments.quiet).await?;
    target.store.close().await;
    let written = open(&directory(&arguments.to), Use::Existing).await?;
    let found = hash(&written.store, &written.store, arguments.quiet).await?;
    ensure_equal(&copied, &found)?;
    written.store.close().await;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        made_at: source.clock.now().to_string(),
        state: found,
    };
    let text = serde_json::to_string_pretty(&manifest).context("cannot write the manifest")?;
    std::fs::write(arguments.to.join(MANIFEST), text).context("cannot write the manifest")?;
    report("backed up", &manifest.state);
    source.store.close().await;
    Ok(())
}

pub(super) async fn restore(arguments: RestoreArguments) -> anyhow::Result<()> {
    let manifest = std::fs::read_to_string(arguments.from.join(MANIFEST));
    let manifest = manifest.context("this is no backup: it has no backup.json")?;
    let manifest: Manifest = serde_json::from_str(&manifest).context("backup.json is damaged")?;
    ensure!(
        manifest.format == FORMAT,
        "backup.json is of another version"
    );
    let source = open(&directory(&arguments.from), Use::Existing).await?;
    let state = fill(&source.store, &arguments.ledger, arguments.quiet).await?;
    ensure_equal(&manifest.state, &state)
        .context("the backup is not what it was when it was made")?;
    prove(&arguments.ledger, &state, "restore", arguments.quiet).await?;
    report("restored", &state);
    source.store.close().await;
    Ok(())
}

pub(super) async fn migrate(arguments: MigrateArguments) -> anyhow::Result<()> {
    if arguments.ledger.database.is_none() {
        bail!("say where to: --database postgres://…");
    }
    // Nobody may write what would stay behind.
    let source = open(&directory(&arguments.from), Use::Exclusive).await?;
    let state = fill(&source.store, &arguments.ledger, arguments.quiet).await?;
    prove(&arguments.ledger, &state, "migrate", arguments.quiet).await?;
    report("migrated", &state);
    source.store.close().await;
    Ok(())
}

/// Copies into the ledger of the arguments, which must be empty.
async fn fill(source: &Store, to: &LedgerArguments, quiet: bool) -> anyhow::Result<StateHash> {
    if to.database.is_none() {
        refuse_occupied(&to.data)?;
    }
    let target = open(to, Use::Exclusive).await?;
    let copied = copy(source, &target.store, quiet).await?;
    target.store.close().await;
    Ok(copied)
}

/// Reads back what was written and checks the ledger, then notes it.
async fn prove(
    at: &LedgerArguments,
    expected: &StateHash,
    what: &str,
    quiet: bool,
) -> anyhow::Result<()> {
    let context = open(at, Use::Existing).await?;
    let catalogue = catalogue_of(&context, at).await?;
    let found = hash(
        &context.store,
        catalogue.as_ref().unwrap_or(&context.store),
        quiet,
    )
    .await?;
    ensure_equal(expected, &found)?;
    let verified = context.store.verify().await?;
    ensure!(
        verified.is_sound(),
        "the copied ledger breaks {} invariants, the first: {}; run accord verify",
        verified.violations.len() as u64 + verified.left_out,
        verified
            .violations
            .first()
            .map_or("", |first| &first.sentence)
    );
    note(&context, what).await?;
    context.store.close().await;
    Ok(())
}

/// A SQLite ledger whose catalogue names the tables of a database.
async fn catalogue_of(context: &Context, at: &LedgerArguments) -> anyhow::Result<Option<Store>> {
    if context.store.is_file() {
        return Ok(None);
    }
    let place = directory(&at.data.join("catalogue"));
    let catalogue = open(&place, Use::Shared).await?;
    Ok(Some(catalogue.store))
}

async fn copy(from: &Store, into: &Store, quiet: bool) -> anyhow::Result<StateHash> {
    let mut progress = Progress::over_rows("copying", quiet);
    let mut done = 0;
    let copied = from
        .copy_into(into, &mut |rows| {
            done += rows;
            progress.at(done, done);
        })
        .await?;
    progress.finish();
    into.log_copied_seals().await?;
    Ok(copied)
}

async fn hash(store: &Store, catalogue: &Store, quiet: bool) -> anyhow::Result<StateHash> {
    let mut progress = Progress::over_rows("reading back", quiet);
    let mut done = 0;
    let hash = store
        .state_hash(catalogue, &mut |rows| {
            done += rows;
            progress.at(done, done);
        })
        .await?;
    progress.finish();
    Ok(hash)
}

fn ensure_equal(expected: &StateHash, found: &StateHash) -> anyhow::Result<()> {
    for (name, table) in &expected.tables {
        if found.tables.get(name) != Some(table) {
            bail!("table {name} is not the same in the two places");
        }
    }
    ensure!(
        expected == found,
        "the two places do not have the same tables"
    );
    Ok(())
}

/// Somebody read or wrote everything: the audit says so.
async fn note(context: &Context, what: &str) -> anyhow::Result<()> {
    let read = access(Action::ReadPerson, Role::Integration, what)?;
    let audit = read.audit(context.clock.now(), Vec::new(), Some(what.to_owned()));
    Ok(context.store.append_audit(vec![audit]).await?)
}

fn refuse_occupied(path: &Path) -> anyhow::Result<()> {
    let occupied = std::fs::read_dir(path).is_ok_and(|mut files| files.next().is_some());
    ensure!(
        !occupied,
        "{} is not empty; name a directory that is, or one to be made",
        path.display()
    );
    Ok(())
}

fn directory(path: &Path) -> LedgerArguments {
    LedgerArguments {
        data: path.to_owned(),
        database: None,
        live: false,
    }
}

fn report(what: &str, state: &StateHash) {
    for (name, table) in &state.tables {
        println!("{name}: {} rows", table.rows);
    }
    println!("{what}; state hash {} in both places", state.state);
}
