//! What is answered about what a person's records say together.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::GoldenAnswer;
use crate::identity::{DisputedField, SubmittedRecord};
use crate::interfaces::rest::moments::AsOf;
use crate::registry::{
    Chosen, GoldenField, GoldenValue, LocalId, Lost, LostValue, Origin, SourceCode,
};

/// A golden record.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoldenBody {
    /// The active person.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// The id that was asked for.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    requested_id: String,
    /// The ids that replaced it, in order; empty for an active person.
    #[schema(example = json!(["P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]))]
    replaced_by: Vec<String>,
    /// The fields of which a record says anything that may be shown, in their order.
    values: Vec<GoldenValueBody>,
    /// The instant that this was known at, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

/// One field with where its value comes from.
#[derive(Debug, Serialize, ToSchema)]
struct GoldenValueBody {
    /// Which.
    field: GoldenField,
    /// The value, in the members that it has in a record; null where there is none.
    value: Option<SubmittedRecord>,
    /// Where it comes from.
    from: Option<OriginBody>,
    /// The rule that chose it.
    chosen: Chosen,
    /// The same in words.
    #[schema(value_type = String)]
    because: &'static str,
    /// The number that the record has, where another one stands for it (R17).
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_nhs_number: Option<String>,
    /// Somebody disputes it: it supports no link until its source has answered (R133).
    disputed: bool,
    /// The account that prefers it, for roles that may see accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_by: Option<String>,
    /// Since when (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_at: Option<String>,
    /// What other records say, by source and id.
    lost: Vec<LostValueBody>,
}

/// The version that a value comes from.
#[derive(Debug, Serialize, ToSchema)]
struct OriginBody {
    /// Code of the source.
    #[schema(example = "gp")]
    source: String,
    /// The record's id there.
    #[schema(example = "A-1001")]
    local_id: String,
    /// Its version.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was so at the source (RFC 3339).
    effective_at: Option<String>,
    /// When it came (RFC 3339).
    received_at: String,
}

/// A value that was not chosen.
#[derive(Debug, Serialize, ToSchema)]
struct LostValueBody {
    /// What it says.
    value: SubmittedRecord,
    /// Where it comes from.
    from: OriginBody,
    /// Why not.
    reason: Lost,
    /// The same in words.
    #[schema(value_type = String)]
    because: &'static str,
}

/// Which record's version to show for a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferenceRequest {
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
    /// The version of it that says the value.
    #[schema(minimum = 1, example = 1)]
    pub version: u32,
    /// Why, in words; it stands in the audit.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "seen on the birth certificate"
    )]
    pub reason: String,
}

impl From<Origin> for OriginBody {
    fn from(origin: Origin) -> Self {
        Self {
            source: origin.source.to_string(),
            local_id: origin.local_id.to_string(),
            version: origin.version,
            effective_at: origin.effective_at.map(|at| at.to_string()),
            received_at: origin.received_at.to_string(),
        }
    }
}

impl From<LostValue> for LostValueBody {
    fn from(lost: LostValue) -> Self {
        Self {
            value: lost.value,
            from: lost.origin.into(),
            reason: lost.because,
            because: lost.because.sentence(),
        }
    }
}

impl GoldenValueBody {
    fn of(
        value: GoldenValue,
        disputed: &[(SourceCode, LocalId, DisputedField)],
        names_actors: bool,
    ) -> Self {
        let disputed = value.origin.as_ref().is_some_and(|origin| {
            disputed.iter().any(|(source, local_id, field)| {
                let own = *source == origin.source && *local_id == origin.local_id;
                own && field.name() == value.field.name()
            })
        });
        let (by, at) = value.preferred.unzip();
        Self {
            field: value.field,
            value: value.origin.is_some().then_some(value.value),
            from: value.origin.map(Into::into),
            chosen: value.chosen,
            because: value.chosen.sentence(),
            raw_nhs_number: value.raw_number.map(|number| number.digits()),
            disputed,
            preferred_by: by.filter(|_| names_actors),
            preferred_at: at.map(|at| at.to_string()),
            lost: value.lost.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<GoldenAnswer> for GoldenBody {
    fn from(answer: GoldenAnswer) -> Self {
        let names_actors = answer.names_actors;
        let values = answer.golden.values.into_iter();
        Self {
            person_id: answer.person.to_string(),
            requested_id: answer.requested.to_string(),
            replaced_by: answer.replaced_by.iter().map(ToString::to_string).collect(),
            values: values
                .map(|value| GoldenValueBody::of(value, &answer.disputed, names_actors))
                .collect(),
            as_of: answer.as_of.map(Into::into),
        }
    }
}
