//! What the events of tasks say beside ids. Stored for ever, as events are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a task asks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Are these two persons one?
    PossibleDuplicate,
    /// Two verified numbers on what looks like one person (R15).
    PossibleDuplicateNumber,
    /// One number on what looks like two persons (R8, R10, R11).
    SuspectedConfusion,
    /// An update would turn the record into someone else.
    OverlayHeld,
    /// After an update the record fits the rest of its person badly.
    LinkDoubtful,
    /// A source has begun to contradict what is known and is quarantined (R98).
    SourceQuarantined,
    /// A number is said to be replaced in a circle, or by two others (R18).
    SupersessionConflict,
    /// Dates that cannot be together, such as a death before the birth (R56).
    ImplausibleDates,
    /// Something happened after the person is said to have died (R58).
    ActivityAfterDeath,
    /// May these two persons become one? Somebody else has proposed it (R114).
    MergeApproval,
}

/// Why a question went to the national back office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// A reader asked for it.
    Asked,
    /// Suspected to be one person with two live verified numbers: nobody local
    /// joins those (R15).
    TwoLiveNumbers,
}

/// Why a task closed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The persons have become one.
    PersonsJoined,
    /// A person was withdrawn.
    PersonWithdrawn,
    /// A later version of the record settles it.
    Superseded,
    /// The quarantine of the source has ended.
    SourceReleased,
    /// The persons were sealed from each other (R22).
    Sealed,
    /// A merge was undone; where the question still stands, it is asked again
    /// of the person that has the record now.
    PersonsParted,
    /// A human said that the records are different people's.
    AssertedDifferent,
    /// A human has decided where the record belongs.
    RecordMoved,
    /// The merge that was to be approved is not carried out.
    MergeDropped,
    /// A merge of the two is proposed: its approval is asked for instead, on the same
    /// evidence, and the question comes back where it is rejected (R118).
    MergeProposed,
}
