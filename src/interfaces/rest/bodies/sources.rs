//! Source systems, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::SourceQuarantine;
use crate::registry::Source;

/// A source, in and out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceBody {
    /// Its code, case-sensitive.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    pub code: String,
    /// Its name for people; the code unless sent.
    #[serde(default)]
    #[schema(
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "General practices"
    )]
    pub name: String,
    /// ODS code of its organisation.
    #[serde(default)]
    #[schema(
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "X26"
    )]
    pub ods_code: Option<String>,
    /// The authority that issues its local ids, as a URI.
    #[serde(default)]
    #[schema(
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "urn:example:gp"
    )]
    pub authority: Option<String>,
    /// 0 to 100; decides which value survives in a golden record.
    #[serde(default = "trust_default")]
    #[schema(minimum = 0, maximum = 100, default = 50)]
    pub trust: u8,
    /// NHS number status of a number that comes without one.
    #[serde(default = "status_default")]
    #[schema(pattern = "^0[1-8]$", default = "02", example = "01")]
    pub nhs_status_default: String,
    /// Whether its systems may act for a named person.
    #[serde(default)]
    pub acts_for_people: bool,
    /// Days after its last message for which a record is kept; for good unless
    /// sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 36500, example = 2920)]
    pub retention_days: Option<u32>,
}

const fn trust_default() -> u8 {
    50
}

fn status_default() -> String {
    "02".to_owned()
}

impl From<Source> for SourceBody {
    fn from(source: Source) -> Self {
        Self {
            code: source.code.to_string(),
            name: source.name,
            ods_code: source.ods_code,
            authority: source.authority,
            trust: source.trust,
            nhs_status_default: source.number_status_default.code().to_owned(),
            acts_for_people: source.acts_for_people,
            retention_days: source.retention_days,
        }
    }
}

/// The list of sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourcesBody {
    /// By code.
    pub sources: Vec<ListedSourceBody>,
}

/// A source in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedSourceBody {
    /// Its code, case-sensitive.
    #[schema(example = "gp")]
    code: String,
    /// Its name for people.
    #[schema(example = "General practices")]
    name: String,
    /// ODS code of its organisation.
    #[schema(example = "X26")]
    ods_code: Option<String>,
    /// The authority that issues its local ids, as a URI.
    #[schema(example = "urn:example:gp")]
    authority: Option<String>,
    /// 0 to 100; decides which value survives in a golden record.
    #[schema(minimum = 0, maximum = 100)]
    trust: u8,
    /// NHS number status of a number that comes without one.
    #[schema(pattern = "^0[1-8]$", example = "01")]
    nhs_status_default: String,
    /// Whether its systems may act for a named person.
    acts_for_people: bool,
    /// Days after its last message for which a record is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_days: Option<u32>,
    /// Set while what it sends is kept and not acted on (R98).
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined: Option<QuarantineBody>,
}

impl ListedSourceBody {
    /// A source and its quarantine, if it is in one.
    #[must_use]
    pub fn of(source: Source, quarantine: Option<&SourceQuarantine>) -> Self {
        Self {
            code: source.code.to_string(),
            name: source.name,
            ods_code: source.ods_code,
            authority: source.authority,
            trust: source.trust,
            nhs_status_default: source.number_status_default.code().to_owned(),
            acts_for_people: source.acts_for_people,
            retention_days: source.retention_days,
            quarantined: quarantine.map(QuarantineBody::from),
        }
    }
}

/// A quarantine of a source.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantineBody {
    /// What jumped.
    because: crate::registry::QuarantineReason,
    /// So many records of the window show it.
    conflicts: u32,
    /// The size of the window.
    records: u32,
    /// The task that says so.
    #[schema(
        pattern = "^T-[0-9a-f]{32}$",
        example = "T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71"
    )]
    task_id: String,
    /// Versions that wait to be decided.
    waiting: u64,
}

impl From<&SourceQuarantine> for QuarantineBody {
    fn from(known: &SourceQuarantine) -> Self {
        Self {
            because: known.quarantine.because,
            conflicts: known.quarantine.conflicts,
            records: known.quarantine.records,
            task_id: known.quarantine.task.to_string(),
            waiting: known.waiting,
        }
    }
}

/// A source that is no longer quarantined.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleasedBody {
    /// Its code.
    #[schema(example = "gp")]
    pub source: String,
    /// Versions that are decided from now on.
    pub waiting: u64,
}
