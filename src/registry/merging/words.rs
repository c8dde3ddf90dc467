//! What the events of merges and assertions say beside ids. Stored for ever,
//! as events are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::{EventPosition, MergeId, PersonId};
use crate::matching::{ModelId, Route};

/// Why a merge needs a second, different human (R114).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalReason {
    /// One of the persons has a verified NHS number.
    VerifiedNumber,
    /// An open question suspects one number on two people.
    Confusion,
    /// More than two persons would have become one.
    MoreThanTwoPersons,
    /// One of the persons is a child.
    Child,
    /// The location of one of the persons is restricted.
    Restricted,
    /// One of the persons is said to have died.
    Deceased,
}

impl ApprovalReason {
    /// Plain English, without values.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::VerifiedNumber => "One of the persons has a verified NHS number.",
            Self::Confusion => "An open question suspects one NHS number on two people.",
            Self::MoreThanTwoPersons => "More than two persons would have become one.",
            Self::Child => "One of the persons is a child.",
            Self::Restricted => "The location of one of the persons is restricted.",
            Self::Deceased => "One of the persons is said to have died.",
        }
    }
}

/// Why a proposed merge is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The second human said no.
    Rejected,
    /// One of the persons has been replaced or withdrawn meanwhile, or what
    /// forbids a merge has come to light.
    NoLongerPossible,
}

/// What a human says of two records, or of two groups of them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AssertionKind {
    /// They are the same person's.
    Same,
    /// They are different people's: automation never joins them (R102).
    Different,
}

/// A link that a merge, or its undoing, has carried from one person to another.
/// The decision about the record itself stands where it fell: its home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// By which merge.
    pub merge: MergeId,
    /// By its undoing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub undone: bool,
    /// Where the record is at home.
    pub home: Home,
}

/// The last decision about a record by itself, whoever was merged since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Home {
    /// To whom it was linked.
    pub person: PersonId,
    /// Where that link opened.
    pub since: EventPosition,
    /// How; `None` for a person of its own.
    pub route: Option<Route>,
    /// Posterior weight; `None` for a person of its own.
    pub weight_bits: Option<f64>,
    /// The model that gave it.
    pub model: ModelId,
}
