//! What is answered about a person.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{PersonAnswer, PersonStanding};
use crate::identity::SubmittedRecord;
use crate::interfaces::rest::bodies::records::LinkStanding;
use crate::interfaces::rest::moments::AsOf;
use crate::registry::OtherPerson;

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonBody {
    /// The active person.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// `active`, or `withdrawn` when no source holds a record any more.
    #[schema(value_type = String, pattern = "^(active|withdrawn)$", example = "active")]
    status: &'static str,
    /// The id that was asked for.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    requested_id: String,
    /// The ids that replaced it, in order; empty for an active person.
    #[schema(example = json!(["P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]))]
    replaced_by: Vec<String>,
    /// The person's records, by source and id.
    records: Vec<PersonRecordBody>,
    /// Other persons that it may be, for roles that may see them.
    possible: Vec<OtherPerson>,
    /// A number or link of this person is under investigation.
    under_investigation: bool,
    /// The tasks that say so.
    #[schema(example = json!(["T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71"]))]
    tasks: Vec<String>,
    /// The instant that this was known at, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

/// A record of a person.
#[derive(Debug, Serialize, ToSchema)]
struct PersonRecordBody {
    /// Code of the source.
    source: String,
    /// The record's id there.
    local_id: String,
    /// Its current version.
    version: u32,
    /// How it came to the person; null for the first.
    route: Option<crate::matching::Route>,
    /// Posterior weight in bits.
    weight_bits: Option<f64>,
    /// Whether the link holds, or is possible only.
    standing: LinkStanding,
    /// What it says, masked; with `/records` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<SubmittedRecord>,
}

impl PersonBody {
    /// Renders a person; with the records' values or with their ids only.
    #[must_use]
    pub fn of(answer: PersonAnswer, with_values: bool) -> Self {
        let records = answer.records.into_iter().map(|record| PersonRecordBody {
            source: record.source.to_string(),
            local_id: record.local_id.to_string(),
            version: record.version,
            route: record.route,
            weight_bits: record.weight_bits,
            standing: LinkStanding::of(record.doubtful),
            record: record.record.filter(|_| with_values),
        });
        Self {
            person_id: answer.person.to_string(),
            status: match answer.standing {
                PersonStanding::Active => "active",
                PersonStanding::Withdrawn => "withdrawn",
            },
            requested_id: answer.requested.to_string(),
            replaced_by: answer.replaced_by.iter().map(ToString::to_string).collect(),
            records: records.collect(),
            possible: answer.possible,
            under_investigation: answer.number_confused || !answer.tasks.is_empty(),
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
            as_of: answer.as_of.map(Into::into),
        }
    }
}
