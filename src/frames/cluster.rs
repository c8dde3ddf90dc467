//! A Ballista cluster of this program: a scheduler, executors that have the functions of
//! plans compiled in, and whoever hands plans to it. Its lines are neither encrypted nor
//! asked who is there: a network of its own is their only guard.

use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::{SessionConfigExt as _, SessionStateExt as _};
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::{FunctionRegistry as _, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::frames::functions::functions;
use crate::frames::session::{settings, with_functions};
use crate::frames::{Engine, FramesProblem};

/// An executor.
#[derive(Debug, Clone)]
pub struct Executor {
    /// Where the scheduler listens.
    pub scheduler: String,
    /// Port of the scheduler.
    pub scheduler_port: u16,
    /// Where other executors fetch what this one has made.
    pub listen: SocketAddr,
    /// The name under which they reach it; the address itself when absent.
    pub host: Option<String>,
    /// Tasks at a time; all cores when absent.
    pub cores: Option<usize>,
    /// Bytes of memory for all of them; what does not fit is spilled.
    pub memory_bytes: u64,
    /// Where it keeps what is spilled and what others fetch.
    pub work_folder: PathBuf,
}

fn failed(error: ballista_core::error::BallistaError) -> FramesProblem {
    FramesProblem::Engine(error.to_string())
}

fn config() -> SessionConfig {
    settings(SessionConfig::new_with_ballista())
}

/// Hands out the work of plans until it is stopped.
///
/// # Errors
/// When it cannot listen.
pub async fn schedule(listen: SocketAddr) -> Result<(), FramesProblem> {
    let settings = SchedulerConfig {
        bind_host: listen.ip().to_string(),
        bind_port: listen.port(),
        external_host: listen.ip().to_string(),
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        override_config_producer: Some(Arc::new(config)),
        override_session_builder: Some(Arc::new(|config: SessionConfig| {
            let mut state = default_session_builder(config)?;
            for function in functions() {
                state.register_udf(Arc::new(function))?;
            }
            Ok(state)
        })),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&settings)
        .await
        .map_err(failed)?;
    start_server(cluster, listen, Arc::new(settings))
        .await
        .map_err(failed)
}

/// A folder that was there before keeps its owner and its permissions.
fn refuse_folder_of_others(folder: &Path) -> std::io::Result<()> {
    let (held, own) = (std::fs::metadata(folder)?, std::fs::metadata("/proc/self")?);
    if held.uid() == own.uid() && held.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::PermissionDenied,
        "others may look into it; give a folder that does not exist yet, or one of yours with mode 0700",
    ))
}

/// Works on tasks until it is stopped.
///
/// # Errors
/// When it cannot listen, or finds no scheduler.
pub async fn execute(executor: Executor) -> Result<(), FramesProblem> {
    let mut registry = BallistaFunctionRegistry::default();
    for function in functions() {
        let name = function.name().to_owned();
        registry.scalar_functions.insert(name, Arc::new(function));
    }
    let folder = executor.work_folder;
    // What is in it is of patients: nobody else may look into it.
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.and_then(|()| refuse_folder_of_others(&folder))
        .map_err(|error| FramesProblem::of_file(&folder, error))?;
    let defaults = ExecutorProcessConfig::default();
    let settings = ExecutorProcessConfig {
        bind_host: executor.listen.ip().to_string(),
        external_host: executor.host.or(Some(executor.listen.ip().to_string())),
        port: executor.listen.port(),
        scheduler_host: executor.scheduler,
        scheduler_port: executor.scheduler_port,
        scheduler_connect_timeout_seconds: SCHEDULER_WAIT_SECONDS,
        vcores: executor.cores.unwrap_or(defaults.vcores),
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.display().to_string()),
        memory_pool_size: Some(executor.memory_bytes),
        override_function_registry: Some(Arc::new(registry)),
        override_config_producer: Some(Arc::new(config)),
        ..defaults
    };
    start_executor_process(Arc::new(settings))
        .await
        .map_err(failed)
}

/// An executor waits so long for its scheduler.
pub const SCHEDULER_WAIT_SECONDS: u16 = 30;

/// A cluster whose scheduler listens there. Its executors must see the work folders of runs
/// under the same names.
///
/// # Errors
/// When the address is none.
pub fn remote(scheduler: &str) -> Result<Engine, FramesProblem> {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config())
        .build()
        .upgrade_for_ballista(format!("http://{scheduler}"))?;
    let session = SessionContext::new_with_state(state);
    Ok(Engine(with_functions(session)))
}

/// Lets a cluster carry out a first small task, which reads nothing. Comes back when an
/// executor has: it waits for one as long as there is none.
///
/// # Errors
/// When the scheduler refuses, or an executor cannot be reached.
pub async fn take_work(cluster: &Engine) -> Result<(), FramesProblem> {
    cluster.0.sql("SELECT 1").await?.collect().await?;
    Ok(())
}
