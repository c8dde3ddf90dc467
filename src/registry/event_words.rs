//! What the events of records, links and numbers say beside ids. Stored for
//! ever, as events are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::RecordNumber;
use crate::matching::{Field, ModelId, Reason, Route};
use crate::registry::Carried;

/// The hash of an NHS number, as blocking keys have it; 16 hexadecimal digits
/// in JSON, because a reader may hold numbers as floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberHash(pub u64);

impl From<NumberHash> for String {
    fn from(hash: NumberHash) -> Self {
        format!("{:016x}", hash.0)
    }
}

impl TryFrom<String> for NumberHash {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionStanding {
    /// What the record says now.
    Current,
    /// Older than what was known: kept, changes nothing.
    History,
    /// Would turn the record into someone else: kept, not served.
    Held,
}

/// How a dispute about a value ended (R133).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeEnd {
    /// The source has sent another value.
    Answered,
    /// The value was confirmed.
    Confirmed,
    /// Whoever disputed it does so no more.
    Withdrawn,
    /// The record was erased; no event says so.
    Erased,
}

/// Why a record left a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlinkReason {
    /// Its source withdrew it.
    Withdrawn,
    /// It was alone under its person and new evidence joins it to another.
    JoinedAnother,
    /// A merge carries it to the survivor.
    Merged,
    /// A merge was undone.
    Unmerged,
    /// A human moved it.
    Moved,
}

/// A version of a record that a decision looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComparedVersion {
    /// The record.
    pub record: RecordNumber,
    /// Its version.
    pub version: u32,
}

/// One row of the stored explanation: no values, levels and weights only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRow {
    /// What was compared.
    pub field: Field,
    /// The level found.
    pub level: String,
    /// Its weight.
    pub weight_bits: f64,
}

/// Why a record was linked (R84: enough to replay the decision exactly).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkDecision {
    /// How it came about; `None` for a new person of its own.
    pub route: Option<Route>,
    /// Posterior weight; absent for a new person of its own.
    pub weight_bits: Option<f64>,
    /// The model.
    pub model: ModelId,
    /// Version of the standardiser.
    pub standardiser: u32,
    /// The version of the record that was decided on.
    pub version: u32,
    /// What it was compared with.
    pub compared: Vec<ComparedVersion>,
    /// The rows.
    pub rows: Vec<EvidenceRow>,
    /// The rules that spoke.
    pub reasons: Vec<Reason>,
    /// Set where no decision about the record was made: a merge, or its undoing,
    /// has carried it here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub carried: Option<Carried>,
}
