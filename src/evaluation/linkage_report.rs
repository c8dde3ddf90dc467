//! The linkage report for whoever uses linked data (R129): the items of GUILD
//! (Gilbert et al. 2018, guidance for information about linking data sets) as
//! JSON, with the errors by group.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::evaluation::claims::{self, MeasuredOn};
use crate::evaluation::groups::{FIELDS, GroupBook};
use crate::evaluation::{Evaluation, EvaluationOptions, METHOD};
use crate::identity::STANDARDISER_VERSION;
use crate::matching::{Comparison, KeyKind, LinkageModel};

/// A file of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvidedFile {
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What the report is made of.
pub struct ReportSources<'a> {
    /// The files.
    pub files: Vec<ProvidedFile>,
    /// What the records say.
    pub book: &'a GroupBook,
    /// The model that weighed them.
    pub model: &'a LinkageModel,
    /// How good it was.
    pub evaluation: &'a Evaluation,
    /// How that was worked out.
    pub options: &'a EvaluationOptions,
    /// What data these are, for R128.
    pub family: String,
}

/// The report.
#[must_use]
pub fn linkage_report(of: &ReportSources<'_>) -> Value {
    let measured = MeasuredOn {
        corpus: of
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        family: of.family.clone(),
        true_pairs: of
            .evaluation
            .decided
            .as_ref()
            .map_or(0, |decided| decided.true_pairs),
    };
    let claim = claims::accept(std::slice::from_ref(&measured));
    json!({
        "format": "accord-linkage-report/1",
        "guidance": "GUILD, doi:10.1093/pubmed/fdx037",
        "made_by": concat!("accord ", env!("CARGO_PKG_VERSION")),
        "data_provision": data_provision(of),
        "linkage": {
            "identifiers": FIELDS,
            "cleaning": {
                "profile": of.model.file().profile,
                "standardiser_version": STANDARDISER_VERSION,
                "described_in": "RULES A to E; values that cannot be read become findings and are kept",
            },
            "blocking": {
                "keys": KeyKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
                "recall": of.evaluation.reach,
            },
            "comparison": comparison(of.model),
            "thresholds": {
                "link_bits": of.model.link_threshold(),
                "review_bits": of.model.review_threshold(),
                "margin_bits": of.model.file().margin_bits,
                "calibrated": of.model.calibrated(),
                "costs": of.options.costs,
            },
            "clerical_review": of.evaluation.decided.as_ref().map(|decided| decided.review),
            "errors": {
                "overall": of.evaluation.decided,
                "by_group": of.evaluation.groups,
                "calibration": of.evaluation.links.as_ref().map(|links| &links.calibration),
                "sensitivity_to_threshold": of.evaluation.links.as_ref().map(|links| &links.curve),
            },
        },
        "analysis": { "method": METHOD, "replicates": of.options.replicates },
        "claims": {
            "accepted": claim.is_ok(),
            "because": claim.err().map(|problem| problem.to_string()),
            "measured_on": measured,
        },
    })
}

fn data_provision(of: &ReportSources<'_>) -> Value {
    let facts: Vec<_> = of.book.facts.iter().flatten().collect();
    let records = facts.len().max(1) as f64;
    let mut by_source = BTreeMap::new();
    for fact in &facts {
        let source = of.book.sources.get(usize::from(fact.source));
        let source = source.map_or("other", |code| code.as_str());
        *by_source.entry(source).or_insert(0_u64) += 1;
    }
    let missing: BTreeMap<&str, f64> = (0..)
        .zip(FIELDS)
        .map(|(bit, field)| {
            let without = facts.iter().filter(|fact| fact.missing >> bit & 1 == 1);
            (field, without.count() as f64 / records)
        })
        .collect();
    let years = facts.iter().filter_map(|fact| fact.birth_year);
    json!({
        "files": of.files,
        "records": facts.len(),
        "records_by_source": by_source,
        "missing_share_by_field": missing,
        "birth_years": { "from": years.clone().min(), "to": years.max() },
    })
}

fn comparison(model: &LinkageModel) -> Value {
    let comparisons = Comparison::ALL
        .iter()
        .filter_map(|comparison| model.file().comparison(*comparison));
    json!({
        "model": model.file().name,
        "model_version": model.file().version,
        "model_id": model.id().as_str(),
        "population": model.file().population,
        "prior_bits": model.prior_bits(),
        "caps": model.file().caps,
        "comparisons": comparisons.collect::<Vec<_>>(),
    })
}
