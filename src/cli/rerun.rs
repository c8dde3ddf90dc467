//! `accord model rerun`: after an activation the records are judged again, and people
//! are asked. A service on the ledger does it; without one this process does.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::account::password;
use crate::cli::ledger::{access, open_for_models, open_to_follow};
use crate::cli::progress::Progress;
use crate::flows::{
    Context, NamedPerson, RerunState, StoredRerun, begin_rerun, catch_up, pause_rerun, rerun_page,
    rerun_standing,
};
use crate::foundation::limits::RERUN_TASKS_MAX;
use crate::security::{Access, Action, Role};

/// Pause between two looks at a service that judges.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// Who lets it begin, or what is asked of it.
#[derive(Debug, Args)]
pub(super) struct RerunArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The account of who lets it begin, go on or pause; it has the role approver, and its
    /// password comes on standard input.
    #[arg(
        long,
        value_name = "NAME",
        requires = "reason",
        required_unless_present = "status"
    )]
    approver: Option<String>,
    /// Why, in words.
    #[arg(long, value_name = "TEXT", requires = "approver")]
    reason: Option<String>,
    /// It pauses after so many questions, until somebody lets it go on.
    #[arg(long, value_name = "N", default_value_t = RERUN_TASKS_MAX,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tasks_max: u32,
    /// Says how far it is, and does nothing.
    #[arg(long, conflicts_with_all = ["approver", "stop"])]
    status: bool,
    /// Lets it pause.
    #[arg(long)]
    stop: bool,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

pub(super) async fn run(arguments: RerunArguments) -> anyhow::Result<()> {
    if arguments.status {
        let context = open_for_models(&arguments.ledger).await?;
        let reading = access(Action::ReadModel, Role::Engineer, "model-rerun")?;
        match rerun_standing(&context, &reading).await? {
            Some(standing) => tell(&standing),
            None => println!("no re-run has begun"),
        }
        return Ok(());
    }
    let approver = NamedPerson {
        name: arguments.approver.unwrap_or_default(),
        password: password()?,
    };
    let reason = arguments.reason.as_deref().unwrap_or_default();
    if arguments.stop {
        let context = open_for_models(&arguments.ledger).await?;
        let paused = pause_rerun(&context, approver, reason, "model-rerun").await?;
        tell(&paused);
        return Ok(());
    }
    let (context, alone) = open_to_follow(&arguments.ledger).await?;
    let asked = (reason, arguments.tasks_max);
    let begun = begin_rerun(&context, approver, asked, "model-rerun").await?;
    let judging = access(Action::WriteRecord, Role::Integration, "model-rerun")?;
    if alone {
        catch_up(&context).await?;
    }
    let ended = watch(&context, &judging, begun, (alone, arguments.quiet)).await?;
    if alone {
        catch_up(&context).await?;
        context.store.seal_audit(context.clock.now()).await?;
        context.store.close().await;
    }
    tell(&ended);
    Ok(())
}

/// Judges, or watches a service that does, until it pauses or ends.
async fn watch(
    context: &Context,
    judging: &Access,
    begun: StoredRerun,
    (alone, quiet): (bool, bool),
) -> anyhow::Result<StoredRerun> {
    let mut progress = Progress::over_bytes("judging again", begun.records, quiet);
    let mut standing = begun;
    while standing.state == RerunState::Running {
        progress.at(standing.looked_at, standing.looked_at);
        if alone {
            rerun_page(context, judging).await?;
        } else {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        let now = context.store.last_rerun().await?;
        standing = now.context("the re-run is not in the ledger any more")?;
    }
    progress.finish();
    Ok(standing)
}

fn tell(standing: &StoredRerun) {
    println!("activation {}", standing.activation);
    println!("state {}", standing.state.name());
    println!("records {} of {}", standing.looked_at, standing.records);
    println!("tasks {}", standing.tasks);
    if standing.state == RerunState::Running
        && let Some(seconds) = standing.seconds_left()
    {
        println!("seconds_left {seconds}");
    }
}
