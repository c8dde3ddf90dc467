//! What `accord evaluate --report` needs beside the evaluation: the region that
//! costs are told for, and the model that explains pairs.

use std::path::Path;

use clap::Args;

use crate::cli::whole_files::{read_model, standardise_options};
use crate::evaluation::report::Yearly;
use crate::identity::{StandardRecord, StandardiseOptions, SubmittedRecord, standardise};
use crate::matching::LinkageModel;

/// The region of the cost explorer.
#[derive(Debug, Args)]
pub(super) struct Region {
    /// Records that are new or changed in a year, for the page's costs of a year.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    records_per_year: u32,
    /// Records that the region holds [default: as many as have a truth].
    #[arg(long, value_name = "N")]
    region_records: Option<u32>,
}

impl Region {
    pub(super) fn yearly(&self, records: usize) -> Yearly {
        Yearly {
            records_a_year: f64::from(self.records_per_year),
            region_records: self.region_records.map_or(records as f64, f64::from),
        }
    }
}

/// Compares records by a model, for people to read.
pub(super) struct Explainer {
    pub(super) model: LinkageModel,
    options: StandardiseOptions,
}

impl Explainer {
    /// By the model of a file, else by the shipped one.
    pub(super) fn new(model: Option<&Path>) -> anyhow::Result<Self> {
        let model = match model {
            Some(path) => read_model(path)?,
            None => LinkageModel::uk_care(),
        };
        Ok(Self {
            options: standardise_options(model.profile()),
            model,
        })
    }

    pub(super) fn standard(&self, sent: &SubmittedRecord) -> StandardRecord {
        standardise(sent, &self.options).0
    }
}
