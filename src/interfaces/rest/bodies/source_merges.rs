//! Merges of a source's own ids, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::registry::{SourceMergeAnswer, SourceMergeOutcome};

/// Two local ids of one patient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceMergeBody {
    /// The local id that goes on.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    pub survivor: String,
    /// The one that was another of the same patient.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-2002"
    )]
    pub retired: String,
}

/// What follows.
#[derive(Serialize, ToSchema)]
pub struct SourceMergedBody {
    /// Whose record the one that goes on is.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// Whether both are one person's now.
    outcome: SourceMergeWord,
}

/// What follows from a source's merge.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SourceMergeWord {
    /// Both were one person's already.
    Together,
    /// They are one person's now.
    Joined,
    /// It is a question for people.
    UnderReview,
}

impl From<SourceMergeAnswer> for SourceMergedBody {
    fn from(answer: SourceMergeAnswer) -> Self {
        Self {
            person_id: answer.person.to_string(),
            outcome: match answer.outcome {
                SourceMergeOutcome::Together => SourceMergeWord::Together,
                SourceMergeOutcome::Joined => SourceMergeWord::Joined,
                SourceMergeOutcome::UnderReview => SourceMergeWord::UnderReview,
            },
        }
    }
}
