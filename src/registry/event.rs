//! The ledger's words. Events carry ids, digests, levels and weights and never
//! an identifying value, so that a payload can be erased and the ledger still
//! replays to the same partition (DESIGN §2.3, RULES R135).
//!
//! Stored for ever: a variant or a member is never renamed or removed; new
//! members are optional. Goldens in the tests hold one of each.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::{AssertionId, Instant, MergeId, PersonId, RecordNumber, SealId, TaskId};
use crate::matching::{Field, ModelId, Reason, Route};
use crate::registry::{
    ApprovalReason, AssertionKind, Carried, ConflictKind, DropReason, GoldenField, LocalId,
    QuarantineReason, SourceCode,
};

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RegistryEvent {
    /// A source sent a record for the first time.
    RecordRegistered {
        /// Its number from now on.
        record: RecordNumber,
        /// Who sent it.
        source: SourceCode,
        /// Its id there.
        local_id: LocalId,
        /// SHA-256 of the payload as stored.
        digest: String,
        /// When it was so at the source.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        effective_at: Option<Instant>,
    },
    /// A source sent a further version.
    RecordUpdated {
        /// Which record.
        record: RecordNumber,
        /// The new version, counted from 1.
        version: u32,
        /// SHA-256 of the payload as stored.
        digest: String,
        /// When it was so at the source.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        effective_at: Option<Instant>,
        /// Whether it is served, history, or held for a human.
        standing: VersionStanding,
    },
    /// The source withdrew the record.
    RecordWithdrawn {
        /// Which record.
        record: RecordNumber,
    },
    /// A new identity.
    PersonCreated {
        /// Its id, never used before.
        person: PersonId,
    },
    /// A record belongs to a person from here on.
    RecordLinked {
        /// Which record.
        record: RecordNumber,
        /// To whom.
        person: PersonId,
        /// Why.
        decision: LinkDecision,
    },
    /// A record no longer belongs to a person.
    RecordUnlinked {
        /// Which record.
        record: RecordNumber,
        /// From whom.
        person: PersonId,
        /// Why.
        because: UnlinkReason,
        /// The merge that carries it, or that is undone.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        merge: Option<MergeId>,
    },
    /// An identity is replaced by another; its id resolves for ever.
    PersonRetired {
        /// The id that retires.
        person: PersonId,
        /// Where it resolves to.
        replaced_by: PersonId,
    },
    /// An identity has no active record any more.
    PersonWithdrawn {
        /// Whose.
        person: PersonId,
    },
    /// A replaced identity stands for itself again.
    PersonRestored {
        /// Its id.
        person: PersonId,
    },
    /// A human wants two persons to be one; a second one has to agree (R114).
    /// What is said in words stands beside the ledger, here and below.
    MergeProposed {
        /// Its id, which the merge keeps.
        merge: MergeId,
        /// Whose id is to go on.
        survivor: PersonId,
        /// Whose id is to resolve to it.
        retired: PersonId,
        /// Who asks.
        by: String,
        /// Why it takes two.
        because: Vec<ApprovalReason>,
        /// The task that asks the second one.
        task: TaskId,
    },
    /// A proposed merge is not carried out.
    MergeDropped {
        /// Which.
        merge: MergeId,
        /// Whose id was to go on.
        survivor: PersonId,
        /// Whose id was to resolve to it.
        retired: PersonId,
        /// Who said so.
        by: String,
        /// Why.
        because: DropReason,
    },
    /// A human has joined two persons. Links and ids follow as events of their
    /// own.
    MergeMade {
        /// Its id.
        merge: MergeId,
        /// Whose id goes on.
        survivor: PersonId,
        /// Whose id resolves to it.
        retired: PersonId,
        /// Records that it carries over.
        moved: Vec<RecordNumber>,
        /// Records that the survivor had.
        kept: Vec<RecordNumber>,
        /// Who carried it out: who asked, or who approved.
        by: String,
    },
    /// A human has taken a merge back. Links and ids follow as events of their
    /// own.
    MergeUndone {
        /// Which.
        merge: MergeId,
        /// From whom the records part: the survivor, or who has replaced it since.
        survivor: PersonId,
        /// Whose id stands for itself again.
        retired: PersonId,
        /// Who.
        by: String,
    },
    /// A human says that records are the same person's, or different people's:
    /// each of `a` and each of `b` (R102).
    AssertionMade {
        /// Its id.
        assertion: AssertionId,
        /// Which of the two.
        kind: AssertionKind,
        /// The one side.
        a: Vec<RecordNumber>,
        /// The other.
        b: Vec<RecordNumber>,
        /// SHA-256 over the versions that were seen.
        evidence: String,
        /// Who.
        by: String,
        /// The merge whose undoing says it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        merge: Option<MergeId>,
    },
    /// An assertion is taken back.
    AssertionWithdrawn {
        /// Which.
        assertion: AssertionId,
        /// Who.
        by: String,
    },
    /// A question for a human.
    TaskOpened {
        /// Its id.
        task: TaskId,
        /// What is asked.
        kind: TaskKind,
        /// The record that raised it.
        record: RecordNumber,
        /// The person or the pair of persons (in order of id) that it is about.
        persons: Vec<PersonId>,
        /// Weight of the evidence, where a comparison raised it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        weight_bits: Option<f64>,
        /// The rules that spoke.
        reasons: Vec<Reason>,
        /// SHA-256 over the compared versions: what the question rests on.
        evidence: String,
    },
    /// New evidence for an open question.
    TaskUpdated {
        /// Which task.
        task: TaskId,
        /// The record that brought it.
        record: RecordNumber,
        /// The new weight.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        weight_bits: Option<f64>,
        /// All rules that speak now.
        reasons: Vec<Reason>,
        /// What the question rests on now.
        evidence: String,
    },
    /// The question is gone.
    TaskClosed {
        /// Which task.
        task: TaskId,
        /// Why.
        because: CloseReason,
    },
    /// A record of a source contradicts what is known, or holds a default (R98).
    SourceConflictNoted {
        /// Whose record.
        source: SourceCode,
        /// Which record.
        record: RecordNumber,
        /// In what way.
        kind: ConflictKind,
    },
    /// From here on what the source sends is kept and not acted on (R98).
    SourceQuarantined {
        /// Which source.
        source: SourceCode,
        /// The record that tipped the scale.
        record: RecordNumber,
        /// What jumped.
        because: QuarantineReason,
        /// So many records of the window show it.
        conflicts: u32,
        /// The size of the window.
        records: u32,
        /// The task that says so.
        task: TaskId,
    },
    /// A human has ended the quarantine; the reason stands in the audit.
    SourceReleased {
        /// Which source.
        source: SourceCode,
    },
    /// The version came during a quarantine and waits to be decided.
    VersionDeferred {
        /// Which record.
        record: RecordNumber,
        /// Its version.
        version: u32,
    },
    /// A deferred version has been decided after the release, or a later one
    /// has overtaken it.
    DeferredDecided {
        /// Which record.
        record: RecordNumber,
        /// The version that waited.
        version: u32,
    },
    /// Two identities are kept apart for everybody but a privacy officer (R22).
    SealMade {
        /// Its id.
        seal: SealId,
        /// Records of the one identity.
        a: Vec<RecordNumber>,
        /// Records of the other.
        b: Vec<RecordNumber>,
        /// Who.
        by: String,
    },
    /// A seal is opened.
    SealLifted {
        /// Which.
        seal: SealId,
        /// Who.
        by: String,
    },
    /// The values of a record are destroyed; what is told of it elsewhere stays
    /// as ids, digests and weights (R135).
    RecordErased {
        /// Which record.
        record: RecordNumber,
        /// Its versions up to and with this one.
        versions: u32,
        /// It restricted its person's location, which goes on (R111).
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        restricted: bool,
    },
    /// A source says that one NHS number is replaced by another (R16). The
    /// numbers stand as the hashes that are their blocking keys.
    NumberReplaced {
        /// The record that says so.
        record: RecordNumber,
        /// Hash of the number that no longer stands, 16 hexadecimal digits.
        replaced: NumberHash,
        /// Hash of the number that stands for it.
        replaced_by: NumberHash,
    },
    /// Somebody prefers what a version of a record says of a field, whatever the
    /// rules of survivorship say.
    GoldenValuePreferred {
        /// For whom.
        person: PersonId,
        /// For which field.
        field: GoldenField,
        /// The record.
        record: RecordNumber,
        /// Its version.
        version: u32,
    },
    /// For a field the rules speak again.
    GoldenPreferenceEnded {
        /// For whom.
        person: PersonId,
        /// For which field.
        field: GoldenField,
    },
}

/// The hash of an NHS number, as blocking keys have it; 16 hexadecimal digits
/// in JSON, because a reader may hold numbers as floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberHash(pub u64);

impl From<NumberHash> for String {
    fn from(hash: NumberHash) -> Self {
        format!("{:016x}", hash.0)
    }
}

impl TryFrom<String> for NumberHash {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionStanding {
    /// What the record says now.
    Current,
    /// Older than what was known: kept, changes nothing.
    History,
    /// Would turn the record into someone else: kept, not served.
    Held,
}

/// Why a record left a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlinkReason {
    /// Its source withdrew it.
    Withdrawn,
    /// It was alone under its person and new evidence joins it to another.
    JoinedAnother,
    /// A merge carries it to the survivor.
    Merged,
    /// A merge was undone.
    Unmerged,
    /// A human moved it.
    Moved,
}

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
}

/// A version of a record that a decision looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComparedVersion {
    /// The record.
    pub record: RecordNumber,
    /// Its version.
    pub version: u32,
}

/// One row of the stored explanation: no values, levels and weights only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRow {
    /// What was compared.
    pub field: Field,
    /// The level found.
    pub level: String,
    /// Its weight.
    pub weight_bits: f64,
}

/// Why a record was linked (R84: enough to replay the decision exactly).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkDecision {
    /// How it came about; `None` for a new person of its own.
    pub route: Option<Route>,
    /// Posterior weight; absent for a new person of its own.
    pub weight_bits: Option<f64>,
    /// The model.
    pub model: ModelId,
    /// Version of the standardiser.
    pub standardiser: u32,
    /// The version of the record that was decided on.
    pub version: u32,
    /// What it was compared with.
    pub compared: Vec<ComparedVersion>,
    /// The rows.
    pub rows: Vec<EvidenceRow>,
    /// The rules that spoke.
    pub reasons: Vec<Reason>,
    /// Set where no decision about the record was made: a merge, or its undoing,
    /// has carried it here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub carried: Option<Carried>,
}

impl RegistryEvent {
    /// Records that the event names beside the one that it is about.
    #[must_use]
    pub fn other_records(&self) -> Vec<RecordNumber> {
        match self {
            Self::MergeMade { moved, kept, .. } => [moved.as_slice(), kept].concat(),
            Self::AssertionMade { a, b, .. } | Self::SealMade { a, b, .. } => {
                [a.as_slice(), b].concat()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the event speaks of a seal, which tells everybody else that there
    /// is one (R22).
    #[must_use]
    pub const fn is_about_a_seal(&self) -> bool {
        matches!(
            self,
            Self::SealMade { .. }
                | Self::SealLifted { .. }
                | Self::TaskClosed {
                    because: CloseReason::Sealed,
                    ..
                }
        )
    }
}
