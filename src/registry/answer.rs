//! What the sender of a registration is told. Stored with the version, so that
//! a replay answers the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::{EventPosition, PersonId, TaskId};
use crate::identity::Finding;
use crate::matching::{Grade, Route};
use crate::registry::{LocalId, SourceCode};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Linked to a person that has other records.
    Linked,
    /// A person of its own.
    NewPerson,
    /// Kept, but the earlier version goes on being served.
    UpdateHeld,
}

/// Another person that the record may belong to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OtherPerson {
    /// Who.
    #[schema(value_type = String, pattern = "^P-[0-9a-f]{32}$")]
    pub person_id: PersonId,
    /// How likely, in words.
    pub grade: Grade,
    /// Posterior weight in bits.
    pub weight_bits: f64,
    /// Posterior probability, 0 to 1.
    pub probability: f64,
}

/// The answer (DESIGN §6.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistrationAnswer {
    /// Source of the record.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// The version that this message made, or that it repeats.
    pub version: u32,
    /// The person that the record belongs to.
    pub person_id: PersonId,
    /// What happened.
    pub outcome: Outcome,
    /// How the record is linked; absent for a person of its own.
    pub route: Option<Route>,
    /// Posterior weight in bits; absent for a person of its own.
    pub weight_bits: Option<f64>,
    /// Posterior probability, 0 to 1.
    pub probability: Option<f64>,
    /// Whether the probability is calibrated (R82).
    pub calibrated: bool,
    /// Whether all records that share a key were compared.
    pub complete: bool,
    /// Other persons that it may be.
    pub possible: Vec<OtherPerson>,
    /// Tasks that this record has raised.
    pub tasks: Vec<TaskId>,
    /// What is wrong or doubtful in the data.
    pub findings: Vec<Finding>,
    /// Place in the ledger, opaque to the reader.
    pub position: EventPosition,
    /// The message repeats what is known: nothing changed.
    #[serde(skip)]
    pub replayed: bool,
    /// The record was not known before.
    #[serde(skip)]
    pub created: bool,
}
