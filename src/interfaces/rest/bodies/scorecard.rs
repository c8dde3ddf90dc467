//! A source's scorecard, as figures.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::SourceCard;
use crate::registry::Measure;

/// How good the last records of a source are.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScorecardBody {
    /// The source.
    #[schema(example = "gp")]
    source: String,
    /// Records that were looked at, the latest first.
    records: u32,
    /// The source has more records than were looked at.
    more: bool,
    /// Records in each measure, each once.
    measures: Vec<MeasureBody>,
    /// Records with each warning or error.
    findings: Vec<CountedFindingBody>,
}

/// Records in a measure.
#[derive(Debug, Serialize, ToSchema)]
struct MeasureBody {
    /// What is measured.
    measure: Measure,
    /// So many records.
    records: u32,
}

/// Records with a finding.
#[derive(Debug, Serialize, ToSchema)]
struct CountedFindingBody {
    /// The rule, where it has a number.
    rule: Option<&'static str>,
    /// What is wrong, in words.
    message: &'static str,
    /// So many records.
    records: u32,
}

impl From<SourceCard> for ScorecardBody {
    fn from(known: SourceCard) -> Self {
        let measures = known.card.measures.into_iter();
        let measures = measures.map(|(measure, records)| MeasureBody { measure, records });
        let findings = known.card.findings.into_iter();
        let findings = findings.map(|(code, records)| CountedFindingBody {
            rule: code.rule(),
            message: code.sentence(),
            records,
        });
        Self {
            source: known.source.code.to_string(),
            records: known.card.records,
            more: known.more,
            measures: measures.collect(),
            findings: findings.collect(),
        }
    }
}
