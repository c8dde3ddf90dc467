//! Sessions of the engine: how much memory, where to spill, and which functions.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::options::ArrowReadOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::frames::FramesProblem;
use crate::frames::functions::functions;
use crate::frames::tables::EXTENSION;

/// The least that sorting and grouping can do with.
pub const MEMORY_MIN_BYTES: usize = 64 << 20;

/// Rows that an operator hands on at a time. A row may be a whole block with what its
/// records say, so that they are few.
const ROWS_AT_ONCE: usize = 1_024;

/// The share of memory that each sort keeps for merging what it has spilled. A plan has some
/// ten sorts and groupings at a time.
const MERGE_SHARE: usize = 64;

/// Where plans run.
pub struct Engine(pub(super) SessionContext);

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Engine")
    }
}

/// This machine, within so many bytes of memory; what does not fit is spilled into the work
/// folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn local(work_folder: &Path, memory_bytes: usize) -> Result<Engine, FramesProblem> {
    let spilled = work_folder.join("spilled");
    std::fs::create_dir_all(&spilled).map_err(|error| FramesProblem::of_file(&spilled, error))?;
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spilled]))
        // The disk is the bound.
        .with_max_temp_directory_size(u64::MAX);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let config = settings(SessionConfig::new())
        .with_sort_spill_reservation_bytes(memory_bytes / MERGE_SHARE);
    let session = SessionContext::new_with_config_rt(config, runtime);
    Ok(Engine(with_functions(session)))
}

/// What holds for every session.
pub(super) fn settings(config: SessionConfig) -> SessionConfig {
    config
        .with_batch_size(ROWS_AT_ONCE)
        // Joins by hash keep one side in memory; those by sorting spill.
        .set_bool("datafusion.optimizer.prefer_hash_join", false)
}

/// Makes the functions of plans known.
pub(super) fn with_functions(session: SessionContext) -> SessionContext {
    for function in functions() {
        session.register_udf(function);
    }
    session
}

/// Makes a folder of files known as a table.
pub(super) async fn register(
    session: &SessionContext,
    name: &str,
    folder: &Path,
    columns: &SchemaRef,
) -> Result<(), FramesProblem> {
    let options = ArrowReadOptions {
        schema: Some(columns.as_ref()),
        file_extension: EXTENSION,
        table_partition_cols: Vec::new(),
    };
    // With the slash at its end it is a folder of files.
    let place = format!("{}/", folder.display());
    Ok(session.register_arrow(name, place, options).await?)
}
