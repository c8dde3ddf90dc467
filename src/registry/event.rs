//! The ledger's words. Events carry ids, digests, levels and weights and never
//! an identifying value, so that a payload can be erased and the ledger still
//! replays to the same partition (DESIGN §2.3, RULES R135).
//!
//! Stored for ever: a variant or a member is never renamed or removed; new
//! members are optional. Goldens in the tests hold one of each.

use serde::{Deserialize, Serialize};

use crate::foundation::{AssertionId, Instant, MergeId, PersonId, RecordNumber, SealId, TaskId};
use crate::identity::DisputedField;
use crate::matching::Reason;
use crate::registry::{
    ApprovalReason, AssertionKind, CloseReason, ComparedVersion, ConflictKind, DisputeEnd,
    DropReason, EscalationReason, EvidenceRow, GoldenField, LevelChange, LinkDecision, LocalId,
    NumberHash, QuarantineReason, SourceCode, TaskKind, TaskOutcome, TaskPriority, UnlinkReason,
    VersionStanding,
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
        /// Where it stands in the queue (R116).
        #[serde(skip_serializing_if = "TaskPriority::is_default", default)]
        priority: TaskPriority,
        /// The versions that were compared.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        compared: Vec<ComparedVersion>,
        /// The rows of the comparison.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        rows: Vec<EvidenceRow>,
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
        /// Where it stands in the queue, unless it stands before that already.
        #[serde(skip_serializing_if = "TaskPriority::is_default", default)]
        priority: TaskPriority,
        /// The versions that were compared.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        compared: Vec<ComparedVersion>,
        /// The rows of the comparison.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        rows: Vec<EvidenceRow>,
    },
    /// The question is gone.
    TaskClosed {
        /// Which task.
        task: TaskId,
        /// Why.
        because: CloseReason,
    },
    /// Evidence that nobody has judged yet: the question is asked again, and
    /// what readers said of the earlier evidence counts no more.
    TaskReopened {
        /// Which task.
        task: TaskId,
        /// The record that brought it.
        record: RecordNumber,
        /// The new weight.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        weight_bits: Option<f64>,
        /// The rules that speak now.
        reasons: Vec<Reason>,
        /// What the question rests on now.
        evidence: String,
        /// Where it stands in the queue.
        #[serde(skip_serializing_if = "TaskPriority::is_default", default)]
        priority: TaskPriority,
        /// The versions that were compared.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        compared: Vec<ComparedVersion>,
        /// The rows of the comparison.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        rows: Vec<EvidenceRow>,
        /// The levels that are others than before.
        changed: Vec<LevelChange>,
    },
    /// Somebody works on it until the lease ends.
    TaskClaimed {
        /// Which task.
        task: TaskId,
        /// Account, or the person for whom a system acts.
        by: String,
        /// End of the lease.
        until: Instant,
        /// Who gave it to them, where they did not take it themselves.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        assigned_by: Option<String>,
    },
    /// Whoever worked on it gave it back.
    TaskReleased {
        /// Which task.
        task: TaskId,
        /// Who gave it back.
        by: String,
    },
    /// A reader has said something. Words stand beside the ledger, here and below.
    TaskRead {
        /// Which task.
        task: TaskId,
        /// Account, or the person for whom a system acts.
        by: String,
        /// What was said.
        outcome: TaskOutcome,
        /// Digest of what the reader saw.
        evidence: String,
    },
    /// The readers have settled it.
    TaskDecided {
        /// Which task.
        task: TaskId,
        /// As what.
        outcome: TaskOutcome,
    },
    /// It waits for the national back office (R119).
    TaskEscalated {
        /// Which task.
        task: TaskId,
        /// Account, or the person for whom a system acts.
        by: String,
        /// Why.
        because: EscalationReason,
        /// Digest of what was seen.
        evidence: String,
    },
    /// Somebody wrote something beside it.
    TaskCommented {
        /// Which task.
        task: TaskId,
        /// Account, or the person for whom a system acts.
        by: String,
    },
    /// A human has said what a held version is.
    HeldSettled {
        /// Which record.
        record: RecordNumber,
        /// Its version.
        version: u32,
        /// Whether it is the same patient, and so became current (as a further
        /// version with the same content); else it is somebody else.
        accepted: bool,
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
    /// A person disputes what a version says of a field (R133). The words stand beside
    /// the ledger.
    ValueDisputed {
        /// Which record.
        record: RecordNumber,
        /// The version that says it.
        version: u32,
        /// Of what.
        field: DisputedField,
        /// Who has noted it.
        by: String,
    },
    /// The dispute is over.
    DisputeEnded {
        /// Which record.
        record: RecordNumber,
        /// Of what.
        field: DisputedField,
        /// Why.
        because: DisputeEnd,
    },
    /// Two identities are kept apart for everybody but a privacy officer (R22), or one
    /// from everybody.
    SealMade {
        /// Its id.
        seal: SealId,
        /// Records of the one identity.
        a: Vec<RecordNumber>,
        /// Records of the other.
        b: Vec<RecordNumber>,
        /// Who.
        by: String,
        /// It has no other side: an objection keeps the identity from everybody (R134).
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        whole: bool,
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
