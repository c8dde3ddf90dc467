//! Erasures, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::ErasureReceipt;

/// A record that is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureBody {
    /// Code of the source.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    pub source: String,
    /// The record's id there.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    pub local_id: String,
    /// Why; it stands in the audit for good, so without a value of the patient.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "asked for by the practice"
    )]
    pub reason: String,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub struct ErasureReceiptBody {
    /// Code of the source.
    source: String,
    /// The record's id there, which stays.
    local_id: String,
    /// Its number in the ledger, which stays.
    record: i64,
    /// SHA-256 of the payload of each version, the first one first.
    digests: Vec<String>,
    /// When (RFC 3339).
    erased_at: String,
    /// By which account.
    by: String,
    /// Why.
    reason: String,
    /// Place of the event that says so.
    position: i64,
}

impl From<ErasureReceipt> for ErasureReceiptBody {
    fn from(receipt: ErasureReceipt) -> Self {
        Self {
            source: receipt.source.to_string(),
            local_id: receipt.local_id.to_string(),
            record: receipt.record.0,
            digests: receipt.digests,
            erased_at: receipt.erased_at.to_string(),
            by: receipt.by,
            reason: receipt.reason,
            position: receipt.position.0,
        }
    }
}
