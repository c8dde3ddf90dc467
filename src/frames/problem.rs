//! What can go wrong with tables and plans.

use std::path::Path;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use thiserror::Error;

/// Why tables could not be made or linked.
#[derive(Debug, Error)]
pub enum FramesProblem {
    /// A file of the work folder.
    #[error("cannot use {path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Ids that occur twice: file and line of the first and of the other.
    #[error("rows repeat a record_id")]
    RepeatedIds(Vec<[(u32, u32); 2]>),
    /// There are more records than a run can number.
    #[error("there are more records than 4,294,967,294")]
    TooManyRecords,
    /// The engine wants more memory than it was given.
    #[error("the memory that the engine may use does not suffice: {0}")]
    Memory(String),
    /// The engine refused or failed.
    #[error("the engine failed: {0}")]
    Engine(String),
}

impl FramesProblem {
    pub(super) fn of_file(path: &Path, error: std::io::Error) -> Self {
        Self::File {
            path: path.display().to_string(),
            error,
        }
    }
}

impl From<DataFusionError> for FramesProblem {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(what) => Self::Memory(what.clone()),
            root => Self::Engine(root.to_string()),
        }
    }
}

impl From<ArrowError> for FramesProblem {
    fn from(error: ArrowError) -> Self {
        Self::Engine(error.to_string())
    }
}
