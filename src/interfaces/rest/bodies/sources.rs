//! Source systems, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
        }
    }
}

/// The list of sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourcesBody {
    /// By code.
    pub sources: Vec<SourceBody>,
}
