//! `accord cluster`: the scheduler and the executors of `accord link --engine ballista`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::cli::engines::{host_and_port, memory_bytes};
use crate::frames::{Executor, SCHEDULER_WAIT_SECONDS, execute, schedule};

/// A cluster for files that one machine does not hold. Its lines are neither encrypted nor
/// guarded: keep them in a network of their own.
#[derive(Debug, Subcommand)]
pub(super) enum ClusterCommand {
    /// Hands out work until it is stopped.
    Scheduler(SchedulerArguments),
    /// Works until it is stopped.
    Executor(ExecutorArguments),
}

/// Where a scheduler listens.
#[derive(Debug, Args)]
pub(super) struct SchedulerArguments {
    /// Address and port for executors and for `accord link`.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50050")]
    listen: SocketAddr,
}

/// An executor and what it may use.
#[derive(Debug, Args)]
pub(super) struct ExecutorArguments {
    /// Where the scheduler listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Address and port where other executors fetch what this one has made.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// The name under which they reach it (default: that address).
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Tasks at a time (default: all cores).
    #[arg(long, value_name = "COUNT")]
    cores: Option<usize>,
    /// Memory for all its tasks; what does not fit is spilled (default: 1024).
    #[arg(long, value_name = "MIB")]
    memory: Option<usize>,
    /// A folder of its own for what is spilled and what others fetch.
    #[arg(long, value_name = "DIR")]
    work_folder: PathBuf,
}

pub(super) async fn run(command: ClusterCommand) -> anyhow::Result<()> {
    match command {
        ClusterCommand::Scheduler(arguments) => {
            let listen = arguments.listen;
            eprintln!(
                "listening on {listen}; an executor comes by: accord cluster executor \
                 --scheduler {listen} --listen ADDRESS:PORT --work-folder DIR"
            );
            Ok(schedule(listen).await?)
        }
        ClusterCommand::Executor(arguments) => {
            let (scheduler, scheduler_port) = host_and_port(&arguments.scheduler)?;
            let memory = memory_bytes(arguments.memory)?;
            let executor = Executor {
                scheduler: scheduler.to_owned(),
                scheduler_port,
                listen: arguments.listen,
                host: arguments.host,
                cores: arguments.cores,
                memory_bytes: memory as u64,
                work_folder: arguments.work_folder,
            };
            let scheduler = arguments.scheduler;
            eprintln!("working for {scheduler}; waits {SCHEDULER_WAIT_SECONDS} s for it at most");
            let worked = execute(executor).await;
            worked.with_context(|| format!("the executor of {scheduler} ends"))
        }
    }
}
