//! What a run is, in a file of its work folder, for whoever works on it: plans carry the
//! folder's name, and every executor reads the same model there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::bulk::{LinkPlan, Piecework, Policy};
use crate::frames::FramesProblem;
use crate::matching::LinkageModel;

/// Name of the file.
const RUN_FILE: &str = "run.json";

/// Runs whose model is kept ready.
const RUNS_KEPT: usize = 4;

/// What pieces of work are done by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFile {
    /// The text of the model.
    pub model: String,
    /// Tables that it names.
    pub tables: BTreeMap<String, String>,
    /// Persons are made by the decision table of care, else by the model alone.
    pub care: bool,
    /// Only records of different sources are compared.
    pub across_sources_only: bool,
    /// Pairs below it are no links; the model's review threshold when absent. In bits.
    pub least_bits: Option<f64>,
    /// How many there are in all.
    pub records: u32,
}

impl RunFile {
    /// Writes it into the work folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<(), FramesProblem> {
        let path = folder.join(RUN_FILE);
        let text = serde_json::to_vec(self).map_err(|error| {
            FramesProblem::Engine(format!("a run cannot be written down: {error}"))
        })?;
        std::fs::write(&path, text).map_err(|error| FramesProblem::of_file(&path, error))
    }

    /// The work that it describes.
    ///
    /// # Errors
    /// Names the place in the model.
    pub(super) fn piecework(&self) -> Result<Piecework, FramesProblem> {
        let table = |name: &str| {
            let table = self.tables.get(name).cloned();
            table.or_else(|| LinkageModel::embedded_table(name))
        };
        let model = LinkageModel::parse(&self.model, &table)
            .map_err(|problem| FramesProblem::Engine(problem.to_string()))?;
        let plan = LinkPlan {
            model,
            trains: false,
            policy: if self.care {
                Policy::Care
            } else {
                Policy::Model
            },
            across_sources_only: self.across_sources_only,
            least_bits: self.least_bits,
        };
        Ok(Piecework::new(plan, self.records))
    }
}

static RUNS: LazyLock<Mutex<Vec<(String, Arc<Piecework>)>>> = LazyLock::new(Mutex::default);

/// The work of the run in a folder. A folder is used for one run only.
///
/// # Errors
/// When the file cannot be read, or its model is none.
pub(super) fn run_in(folder: &str) -> Result<Arc<Piecework>, FramesProblem> {
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, run)) = runs.iter().find(|(name, _)| name == folder) {
        return Ok(Arc::clone(run));
    }
    let path = Path::new(folder).join(RUN_FILE);
    let text = std::fs::read(&path).map_err(|error| FramesProblem::of_file(&path, error))?;
    let file: RunFile = serde_json::from_slice(&text)
        .map_err(|error| FramesProblem::Engine(format!("{}: {error}", path.display())))?;
    let run = Arc::new(file.piecework()?);
    if runs.len() == RUNS_KEPT {
        runs.remove(0);
    }
    runs.push((folder.to_owned(), Arc::clone(&run)));
    Ok(run)
}
