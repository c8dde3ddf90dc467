//! The pages of `accord evaluate`, and what they need beside the evaluation: the region
//! that costs are told for, and the model that explains pairs.

use std::path::Path;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use crate::cli::evaluate::EvaluateArguments;
use crate::cli::whole_files::{read_model, standardise_options};
use crate::evaluation::groups::GroupBook;
use crate::evaluation::linkage_report::{ProvidedFile, ReportSources, linkage_report};
use crate::evaluation::report::Yearly;
use crate::evaluation::{Evaluation, EvaluationOptions, report};
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

/// Writes the pages that are asked for.
pub(super) fn write_pages(
    arguments: &EvaluateArguments,
    (evaluation, options): (&Evaluation, &EvaluationOptions),
    beside: &report::Beside<'_>,
    book: Option<&GroupBook>,
) -> anyhow::Result<()> {
    if let Some(path) = &arguments.report {
        write(path, &report::page(evaluation, options, beside))?;
    }
    if let (Some(path), Some(book)) = (&arguments.linkage_report, book) {
        let report = guild_report(arguments, (evaluation, options), book, beside.model);
        write(path, &format!("{report:#}\n"))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn guild_report(
    arguments: &EvaluateArguments,
    (evaluation, options): (&Evaluation, &EvaluationOptions),
    book: &GroupBook,
    model: &LinkageModel,
) -> Value {
    let files = arguments.records.iter().map(|path| ProvidedFile {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        bytes: std::fs::metadata(path).map_or(0, |about| about.len()),
    });
    linkage_report(&ReportSources {
        files: files.collect(),
        book,
        model,
        evaluation,
        options,
        family: arguments.data_family.clone(),
    })
}
