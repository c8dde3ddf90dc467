//! What is answered to a question.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::MatchAnswer;
use crate::matching::Reason;
use crate::registry::ShownRow;

/// The answer to a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchBody {
    /// False when a record that shares an unsharpened key was not compared.
    complete: bool,
    /// The keys for which that is so.
    incomplete_because: Vec<IncompleteBody>,
    /// Whether the probabilities are calibrated (R82).
    calibrated: bool,
    /// The number that was asked with is under investigation: two persons claim
    /// it, so that it points to neither (R19).
    under_investigation: bool,
    /// Best first.
    candidates: Vec<CandidateBody>,
    /// Persons who are somebody else and may be related to the one asked about.
    related: Vec<RelatedBody>,
}

/// A person who is somebody else and may be related.
#[derive(Debug, Serialize, ToSchema)]
struct RelatedBody {
    /// Who.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// How.
    reason: ReasonBody,
}

/// A key that too many records share.
#[derive(Debug, Serialize, ToSchema)]
struct IncompleteBody {
    /// Name of the key's kind.
    #[schema(value_type = String)]
    key: &'static str,
    /// Records that share it.
    held: u64,
    /// Records of those that were compared.
    looked_at: u64,
}

/// A person that it may be.
#[derive(Debug, Serialize, ToSchema)]
struct CandidateBody {
    /// Who.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// What the decision table makes of it.
    grade: crate::matching::Grade,
    /// Posterior weight in bits.
    weight_bits: f64,
    /// Posterior probability.
    #[schema(minimum = 0.0, maximum = 1.0)]
    probability: f64,
    /// The rules that spoke.
    reasons: Vec<ReasonBody>,
    /// The waterfall; its weights sum to `weight_bits`.
    explanation: Vec<RowBody>,
}

/// A rule that spoke.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonBody {
    /// The rule's machine name.
    code: crate::matching::Reason,
    /// Its number.
    #[schema(value_type = String, example = "R7")]
    rule: &'static str,
    /// Plain English, without values.
    #[schema(value_type = String)]
    sentence: &'static str,
}

impl From<crate::matching::Reason> for ReasonBody {
    fn from(reason: crate::matching::Reason) -> Self {
        Self {
            code: reason,
            rule: reason.rule(),
            sentence: reason.sentence(),
        }
    }
}

/// A row of an explanation.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowBody {
    /// What was compared.
    #[schema(value_type = String, example = "birth_date")]
    field: &'static str,
    /// The level found.
    level: String,
    /// The two values, standardised, where both may be shown.
    values_shown: Option<ValuesBody>,
    /// Its weight in bits.
    weight_bits: f64,
    /// Why, in plain English.
    reason: String,
}

/// Two values side by side.
#[derive(Debug, Serialize, ToSchema)]
struct ValuesBody {
    /// What was asked with.
    asked: Option<String>,
    /// What the candidate has.
    held: Option<String>,
}

impl From<ShownRow> for RowBody {
    fn from(row: ShownRow) -> Self {
        Self {
            field: row.field.name(),
            level: row.level,
            values_shown: row.values.map(|values| ValuesBody {
                asked: values.asked,
                held: values.held,
            }),
            weight_bits: row.weight_bits,
            reason: row.reason,
        }
    }
}

impl From<MatchAnswer> for MatchBody {
    fn from(answer: MatchAnswer) -> Self {
        let incomplete = answer
            .incomplete_because
            .into_iter()
            .map(|incomplete| IncompleteBody {
                key: incomplete.key,
                held: incomplete.held,
                looked_at: incomplete.looked_at,
            });
        let candidates = answer
            .candidates
            .into_iter()
            .map(|candidate| CandidateBody {
                person_id: candidate.person.to_string(),
                grade: candidate.grade,
                weight_bits: candidate.weight_bits,
                probability: candidate.probability,
                reasons: candidate
                    .reasons
                    .into_iter()
                    .map(ReasonBody::from)
                    .collect(),
                explanation: candidate
                    .explanation
                    .into_iter()
                    .map(RowBody::from)
                    .collect(),
            });
        let related = answer.related.into_iter().map(|person| RelatedBody {
            person_id: person.to_string(),
            reason: Reason::PerhapsTheExpectedChild.into(),
        });
        Self {
            complete: answer.complete,
            incomplete_because: incomplete.collect(),
            calibrated: answer.calibrated,
            under_investigation: answer.under_investigation,
            candidates: candidates.collect(),
            related: related.collect(),
        }
    }
}
