//! What is answered about a source's record.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{RecordAnswer, RecordLink, VersionAnswer};
use crate::identity::{Finding, SubmittedRecord};
use crate::interfaces::rest::bodies::disputes::ShownDisputeBody;
use crate::interfaces::rest::moments::AsOf;
use crate::registry::{OtherPerson, RecordStatus, RegistrationAnswer};
use crate::security::Access;

/// The answer to a registration.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegistrationBody {
    /// Code of the source.
    #[schema(example = "gp")]
    source: String,
    /// The record's id there.
    #[schema(example = "A-1001")]
    local_id: String,
    /// The version that this message made, or that it repeats; counted from 1.
    #[schema(minimum = 1, example = 1)]
    version: u32,
    /// The person that the record belongs to.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// What happened.
    outcome: crate::registry::Outcome,
    /// How the record is linked; null for a person of its own.
    route: Option<crate::matching::Route>,
    /// Posterior weight in bits; null for a person of its own.
    weight_bits: Option<f64>,
    /// Posterior probability; null for a person of its own.
    #[schema(minimum = 0.0, maximum = 1.0)]
    probability: Option<f64>,
    /// Whether the probability is calibrated (R82).
    calibrated: bool,
    /// Whether all records that share a key were compared.
    complete: bool,
    /// Other persons that it may be, for roles that may see them.
    possible: Vec<OtherPerson>,
    /// Tasks that this record has raised.
    #[schema(example = json!(["T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71"]))]
    tasks: Vec<String>,
    /// What is wrong or doubtful in the data; nothing of it is lost.
    findings: Vec<Finding>,
    /// Place in the ledger; opaque.
    #[schema(example = "42")]
    position: String,
}

impl RegistrationBody {
    /// Renders the answer for this access.
    #[must_use]
    pub fn of(answer: RegistrationAnswer, access: &Access) -> Self {
        let possible = if access.sees_possible() {
            answer.possible
        } else {
            Vec::new()
        };
        Self {
            source: answer.source.to_string(),
            local_id: answer.local_id.to_string(),
            version: answer.version,
            person_id: answer.person_id.to_string(),
            outcome: answer.outcome,
            route: answer.route,
            weight_bits: answer.weight_bits,
            probability: answer.probability,
            calibrated: answer.calibrated,
            complete: answer.complete,
            possible,
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
            findings: answer.findings,
            position: answer.position.0.to_string(),
        }
    }
}

/// A record with its versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordBody {
    #[serde(flatten)]
    registration: RegistrationBody,
    /// `active` or `withdrawn`.
    #[schema(value_type = String, pattern = "^(active|withdrawn)$", example = "active")]
    status: &'static str,
    /// What the current version says, as sent; masked where the caller may not see.
    record: SubmittedRecord,
    /// All versions, oldest first.
    versions: Vec<VersionBody>,
    /// To whom the record belongs, while it is active.
    link: Option<LinkBody>,
    /// Values that are disputed, and support no link (R133).
    disputes: Vec<ShownDisputeBody>,
    /// The instant that this was known at, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

/// One version of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionBody {
    /// Counted from 1.
    #[schema(minimum = 1)]
    version: u32,
    /// Current, history or held.
    standing: crate::registry::VersionStanding,
    /// When it was so at the source (RFC 3339).
    effective_at: Option<String>,
    /// When it came (RFC 3339).
    received_at: String,
    /// What it says, masked; null after an erasure.
    record: Option<SubmittedRecord>,
}

impl From<VersionAnswer> for VersionBody {
    fn from(version: VersionAnswer) -> Self {
        Self {
            version: version.version,
            standing: version.standing,
            effective_at: version.effective_at.map(|at| at.to_string()),
            received_at: version.received_at.to_string(),
            record: version.record,
        }
    }
}

/// How far a link can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkStanding {
    /// Nothing speaks against it.
    Holds,
    /// An update speaks against it; a human has still to look (R101).
    Possible,
}

impl LinkStanding {
    pub(super) const fn of(doubtful: bool) -> Self {
        if doubtful {
            Self::Possible
        } else {
            Self::Holds
        }
    }

    /// What a reader has to know.
    pub(super) fn warning(self) -> Option<&'static str> {
        (self == Self::Possible).then_some(
            "Since an update, or a dispute about a value, this record's link to its person is \
             possible only, until a human has looked at it or the source has answered.",
        )
    }
}

/// A record's link to its person.
#[derive(Debug, Serialize, ToSchema)]
struct LinkBody {
    /// To whom.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// How; null for the person's first record.
    route: Option<crate::matching::Route>,
    /// Posterior weight in bits.
    weight_bits: Option<f64>,
    /// Posterior probability, 0 to 1.
    probability: Option<f64>,
    /// Whether it holds, or is possible only.
    standing: LinkStanding,
    /// What a reader has to know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
}

impl From<RecordLink> for LinkBody {
    fn from(link: RecordLink) -> Self {
        Self {
            person_id: link.person.to_string(),
            route: link.route,
            weight_bits: link.weight_bits,
            probability: link.probability,
            standing: LinkStanding::of(link.doubtful),
            warning: LinkStanding::of(link.doubtful).warning(),
        }
    }
}

impl RecordBody {
    /// Renders a record for this access.
    #[must_use]
    pub fn of(answer: RecordAnswer, access: &Access) -> Self {
        let mut registration = RegistrationBody::of(answer.answer, access);
        if let Some(link) = &answer.link {
            registration.person_id = link.person.to_string();
            registration.route = link.route;
            registration.weight_bits = link.weight_bits;
            registration.probability = link.probability;
        }
        if answer.held {
            registration.outcome = crate::registry::Outcome::UpdateHeld;
        }
        registration.tasks = answer.tasks.iter().map(ToString::to_string).collect();
        Self {
            registration,
            status: match answer.status {
                RecordStatus::Active => "active",
                RecordStatus::Withdrawn => "withdrawn",
            },
            record: answer.record,
            versions: answer.versions.into_iter().map(VersionBody::from).collect(),
            link: answer.link.map(LinkBody::from),
            disputes: answer.disputes.into_iter().map(Into::into).collect(),
            as_of: answer.as_of.map(Into::into),
        }
    }

    /// The version that is served, for the `ETag`.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.registration.version
    }
}

/// A local id of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocalIdBody {
    /// Code of the source.
    #[schema(example = "gp")]
    pub(super) source: String,
    /// The record's id there.
    #[schema(example = "A-1001")]
    pub(super) local_id: String,
}

/// A cross-reference.
#[derive(Debug, Serialize, ToSchema)]
pub struct CrossReferenceBody {
    /// The active person.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// How this record came to it; null for the person's first record.
    route: Option<crate::matching::Route>,
    /// Posterior weight in bits.
    weight_bits: Option<f64>,
    /// Posterior probability, 0 to 1.
    probability: Option<f64>,
    /// Whether this record's link holds, or is possible only.
    standing: LinkStanding,
    /// What a reader has to know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    warning: Option<&'static str>,
    /// Local ids of the same person, by source and id.
    records: Vec<LocalIdBody>,
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

impl From<crate::flows::CrossReference> for CrossReferenceBody {
    fn from(answer: crate::flows::CrossReference) -> Self {
        let records = answer
            .records
            .into_iter()
            .map(|(source, local_id)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            });
        Self {
            person_id: answer.person.to_string(),
            route: answer.link.route,
            weight_bits: answer.link.weight_bits,
            probability: answer.link.probability,
            standing: LinkStanding::of(answer.link.doubtful),
            warning: LinkStanding::of(answer.link.doubtful).warning(),
            records: records.collect(),
            possible: answer.possible,
            under_investigation: answer.number_confused
                || answer.disputed
                || !answer.tasks.is_empty(),
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
            as_of: answer.as_of.map(Into::into),
        }
    }
}
