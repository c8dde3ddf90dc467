//! `accord link --engine`: files that memory does not hold.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use crate::cli::link::{
    EngineArguments, EngineChoice, LinkArguments, PolicyChoice, print_figures, refuse_rejected,
    write_outcome,
};
use crate::cli::model_life::read_with_tables;
use crate::cli::whole_files::{ProfileChoice, each_chunk, repeated_ids, standardise_options};
use crate::frames::{
    Engine, FramesProblem, MEMORY_MIN_BYTES, RowsTable, RunFile, link_tables, local,
};

/// Memory of the engine where nobody says, in MiB.
const MEMORY_MIB: usize = 1_024;

/// How long a cluster may take to begin with a first task, where nobody says.
const CLUSTER_WAIT_SECONDS: u64 = 60;

/// A folder of one run, which goes when the run ends. What is in it is of patients: nobody
/// else may look into it.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn create(within: &Path) -> anyhow::Result<Self> {
        // Executors ask for it by its whole name.
        let within = std::path::absolute(within)?;
        let path = within.join(format!("accord-link-{}", Uuid::now_v7().simple()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make a folder in {}", within.display()))?;
        Ok(Self(path))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("accord: {} is left behind: {error}", self.0.display());
        }
    }
}

pub(super) async fn run(arguments: LinkArguments) -> anyhow::Result<()> {
    let Some(model) = &arguments.model else {
        bail!(
            "this engine weighs by a model that is there: use --model FILE; `accord train --one-in N` \
             learns one from a part of the files that memory holds"
        );
    };
    if arguments.report.is_some() {
        bail!("--report is of the engine in memory");
    }
    let asked = &arguments.engine;
    let memory = memory_bytes(asked.memory)?;
    // Before files are read for hours.
    let there = cluster(asked).await?;
    let (model, tables) = read_with_tables(model)?;
    let profile = arguments.profile.map(ProfileChoice::profile);
    let options = standardise_options(profile.unwrap_or_else(|| model.profile()));
    let within = asked.work_folder.clone();
    let folder = WorkFolder::create(&within.unwrap_or_else(std::env::temp_dir))?;
    let mut table = RowsTable::create(&folder.0)?;
    let rejected = each_chunk(
        &arguments.files,
        &arguments.maps,
        arguments.quiet,
        &mut |chunk| Ok(table.take(chunk.rows, &chunk.places, &options)?),
    )?;
    table.finish()?;
    let run = RunFile {
        model: model.text().to_owned(),
        tables,
        care: arguments.policy == PolicyChoice::Care,
        across_sources_only: arguments.across_sources_only,
        least_bits: arguments.min_weight,
        records: 0,
    };
    let here = local(&folder.0, memory)?;
    if there.is_some() {
        // Executors may have gone meanwhile.
        cluster(asked).await?;
    }
    let engine = there.as_ref().unwrap_or(&here);
    let found = link_tables(engine, &here, &folder.0, run).await;
    let found = found.map_err(|problem| match problem {
        FramesProblem::RepeatedIds(twice) => repeated_ids(&arguments.files, &twice),
        FramesProblem::Memory(_) => {
            anyhow::Error::from(problem).context("use --memory MIB with more")
        }
        problem => problem.into(),
    })?;
    write_outcome(&arguments, &found.ids, &found.linked)?;
    // In several pieces a pair may be compared more than once: their number says little.
    print_figures(None, &found.linked);
    refuse_rejected(rejected)
}

pub(super) fn memory_bytes(asked: Option<usize>) -> anyhow::Result<usize> {
    let mib = asked.unwrap_or(MEMORY_MIB);
    let bytes = mib.saturating_mul(1 << 20);
    if bytes < MEMORY_MIN_BYTES {
        bail!("--memory is {} or more", MEMORY_MIN_BYTES >> 20);
    }
    Ok(bytes)
}

/// The cluster, where one is asked for: one that takes work.
async fn cluster(asked: &EngineArguments) -> anyhow::Result<Option<Engine>> {
    match (asked.engine, &asked.scheduler) {
        (EngineChoice::Ballista, Some(scheduler)) => {
            let wait = asked.cluster_wait.unwrap_or(CLUSTER_WAIT_SECONDS);
            remote(scheduler, Duration::from_secs(wait)).await.map(Some)
        }
        (EngineChoice::Ballista, None) => bail!("a cluster is found by --scheduler HOST:PORT"),
        (_, Some(_)) => bail!("--scheduler is for --engine ballista"),
        (_, None) if asked.cluster_wait.is_some() => {
            bail!("--cluster-wait is for --engine ballista")
        }
        (_, None) => Ok(None),
    }
}

/// Host and port of a scheduler.
#[cfg(feature = "ballista")]
pub(super) fn host_and_port(scheduler: &str) -> anyhow::Result<(&str, u16)> {
    let parts = scheduler.rsplit_once(':');
    let parts = parts.filter(|(host, _)| !host.is_empty());
    let (host, port) = parts.context("--scheduler is HOST:PORT")?;
    Ok((host, port.parse().context("--scheduler is HOST:PORT")?))
}

#[cfg(feature = "ballista")]
async fn remote(scheduler: &str, wait: Duration) -> anyhow::Result<Engine> {
    host_and_port(scheduler)?;
    let cluster = crate::frames::remote(scheduler)?;
    crate::cli::await_cluster::until_it_takes_work(&cluster, scheduler, wait).await?;
    Ok(cluster)
}

#[cfg(not(feature = "ballista"))]
#[expect(clippy::unused_async, reason = "as where the engine is built in")]
async fn remote(_: &str, _: Duration) -> anyhow::Result<Engine> {
    bail!("this program was built without that engine: build it with `--features ballista`")
}
