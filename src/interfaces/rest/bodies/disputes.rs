//! Disputes, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::{DisputeAnswer, DisputeOutcome};
use crate::identity::DisputedField;
use crate::registry::DisputeEnd;

/// What is disputed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeBody {
    /// Of what.
    pub field: DisputedField,
    /// Why, in words; it goes when the record is erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "shown another birth certificate"
    )]
    pub reason: String,
}

/// How a dispute ends by somebody's word.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeWord {
    /// The source stands by the value.
    Confirmed,
    /// Whoever disputed it does so no more.
    Withdrawn,
}

impl From<DisputeWord> for DisputeEnd {
    fn from(word: DisputeWord) -> Self {
        match word {
            DisputeWord::Confirmed => Self::Confirmed,
            DisputeWord::Withdrawn => Self::Withdrawn,
        }
    }
}

/// An answer to a dispute.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeAnswerBody {
    /// Of what.
    pub field: DisputedField,
    /// How it ends.
    pub answer: DisputeWord,
    /// Why, in words; it stands in the audit of the ledger.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "seen on the passport"
    )]
    pub reason: String,
}

/// What has become of a dispute.
#[derive(Serialize, ToSchema)]
pub struct DisputeOutcomeBody {
    /// Of what.
    field: DisputedField,
    /// The record's version from now on, with the same content.
    #[schema(minimum = 1)]
    version: u32,
    /// To whom the record belongs.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// What is asked because of it.
    tasks: Vec<String>,
}

impl From<DisputeOutcome> for DisputeOutcomeBody {
    fn from(outcome: DisputeOutcome) -> Self {
        Self {
            field: outcome.field,
            version: outcome.version,
            person_id: outcome.person.to_string(),
            tasks: outcome.tasks.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The disputes about a record.
#[derive(Serialize, ToSchema)]
pub struct DisputesBody {
    /// The first one first, ended ones too.
    disputes: Vec<ShownDisputeBody>,
}

/// A dispute.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownDisputeBody {
    /// Of what.
    field: DisputedField,
    /// The version that says it.
    #[schema(minimum = 1)]
    version: u32,
    /// Since when (RFC 3339).
    since: String,
    /// Until when (RFC 3339); null while it holds.
    ended_at: Option<String>,
    /// Why it ended.
    because: Option<DisputeEnd>,
    /// Who has noted it, for roles that may see accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Why, in words, for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<DisputeAnswer> for ShownDisputeBody {
    fn from(dispute: DisputeAnswer) -> Self {
        let (ended_at, because) = dispute.ended.unzip();
        Self {
            field: dispute.field,
            version: dispute.version,
            since: dispute.since.to_string(),
            ended_at: ended_at.map(|at| at.to_string()),
            because,
            by: dispute.by,
            reason: dispute.reason,
        }
    }
}

impl From<Vec<DisputeAnswer>> for DisputesBody {
    fn from(disputes: Vec<DisputeAnswer>) -> Self {
        Self {
            disputes: disputes.into_iter().map(Into::into).collect(),
        }
    }
}
