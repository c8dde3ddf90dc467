//! What is answered about one review task: all that its reader needs, and the
//! pack for the national back office.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{EvidencePack, ShownRead, Side, SideRecord, TaskAnswer, TaskEntry};
use crate::interfaces::rest::bodies::questions::{ReasonBody, RowBody};
use crate::interfaces::rest::bodies::records::{LocalIdBody, VersionBody};
use crate::interfaces::rest::bodies::tasks::TaskBody;
use crate::registry::{
    ApprovalReason, EscalationReason, EvidenceRow, LevelChange, OtherPerson, TaskOutcome,
};
use crate::review::{Follow, Foreseen};

/// A row of the comparison that raised the question, without values.
#[derive(Debug, Serialize, ToSchema)]
struct StoredRowBody {
    /// What was compared.
    #[schema(value_type = String, example = "birth_date")]
    field: &'static str,
    /// The level found.
    level: String,
    /// Its weight in bits then.
    weight_bits: f64,
}

impl From<EvidenceRow> for StoredRowBody {
    fn from(row: EvidenceRow) -> Self {
        Self {
            field: row.field.name(),
            level: row.level,
            weight_bits: row.weight_bits,
        }
    }
}

/// A level that is another than when people decided.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeBody {
    /// What was compared.
    #[schema(value_type = String, example = "nhs_number")]
    field: &'static str,
    /// The level then.
    before: Option<String>,
    /// The level now.
    now: Option<String>,
}

impl From<LevelChange> for ChangeBody {
    fn from(change: LevelChange) -> Self {
        Self {
            field: change.field.name(),
            before: change.before,
            now: change.now,
        }
    }
}

/// A record of one side.
#[derive(Debug, Serialize, ToSchema)]
struct SideRecordBody {
    /// Code of the source.
    source: String,
    /// The record's id there.
    local_id: String,
    /// The version that is served.
    version: u32,
    /// The version that is held.
    held: Option<u32>,
    /// All versions, masked, the first one first.
    versions: Vec<VersionBody>,
}

impl From<SideRecord> for SideRecordBody {
    fn from(record: SideRecord) -> Self {
        Self {
            source: record.source.to_string(),
            local_id: record.local_id.to_string(),
            version: record.version,
            held: record.held,
            versions: record.versions.into_iter().map(VersionBody::from).collect(),
        }
    }
}

/// One person of the question.
#[derive(Debug, Serialize, ToSchema)]
struct SideBody {
    /// As the question names it.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    requested_id: String,
    /// Who it is now.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// Its location is restricted, and masked here.
    restricted: bool,
    /// All of its active records.
    record_count: usize,
    /// The first of them.
    records: Vec<SideRecordBody>,
    /// Other persons that it may be: the runners-up.
    possible: Vec<OtherPerson>,
}

impl From<Side> for SideBody {
    fn from(side: Side) -> Self {
        Self {
            requested_id: side.person.to_string(),
            person_id: side.survivor.to_string(),
            restricted: side.restricted,
            record_count: side.record_count,
            records: side.records.into_iter().map(SideRecordBody::from).collect(),
            possible: side.possible,
        }
    }
}

/// What a reader said.
#[derive(Debug, Serialize, ToSchema)]
struct ReadBody {
    /// Who.
    by: String,
    /// When (RFC 3339).
    at: String,
    /// What; null while somebody has still to read blind (R114).
    outcome: Option<TaskOutcome>,
    /// Why, in words; null as the outcome, and where it was erased.
    reason: Option<String>,
    /// Of which round.
    round: u32,
}

impl From<ShownRead> for ReadBody {
    fn from(read: ShownRead) -> Self {
        Self {
            by: read.by,
            at: read.at.to_string(),
            outcome: read.outcome,
            reason: read.reason,
            round: read.round,
        }
    }
}

/// One thing that happened to the task.
#[derive(Debug, Serialize, ToSchema)]
struct TaskEntryBody {
    /// When (RFC 3339).
    at: String,
    /// The account behind it.
    actor: String,
    /// In words, without a value of a patient.
    sentence: String,
    /// What somebody wrote with it.
    words: Option<String>,
}

impl From<TaskEntry> for TaskEntryBody {
    fn from(entry: TaskEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            actor: entry.actor,
            sentence: entry.sentence,
            words: entry.words,
        }
    }
}

/// What would follow from an outcome, once it is settled so.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FollowWord {
    /// Nothing: it stays as it is.
    Nothing,
    /// It goes to the national back office.
    Escalation,
    /// The two persons become one.
    Merge,
    /// An assertion keeps the two persons apart.
    AssertDifferent,
    /// The held version becomes current.
    AcceptHeld,
    /// The held version is refused.
    RefuseHeld,
    /// An assertion says that the record is its person's.
    AssertSame,
    /// The record gets a person of its own.
    MoveOut,
    /// The quarantine of the source ends.
    ReleaseSource,
    /// The proposed merge is made.
    ApproveMerge,
    /// The proposed merge is dropped.
    DropMerge,
}

/// An outcome and what would follow.
#[derive(Debug, Serialize, ToSchema)]
struct ForeseenBody {
    /// What may be said.
    outcome: TaskOutcome,
    /// What would follow.
    follows: FollowWord,
    /// Records that would go to another person.
    records_moved: usize,
    /// Other tasks that would close.
    tasks_closed: usize,
    /// Tasks that would be raised.
    tasks_raised: usize,
    /// What forbids it, in words.
    refused: Option<String>,
    /// It goes against the evidence, or lets something happen: say why (R115).
    needs_reason: bool,
}

impl From<Foreseen> for ForeseenBody {
    fn from(foreseen: Foreseen) -> Self {
        Self {
            outcome: foreseen.outcome,
            follows: match foreseen.follow {
                None => FollowWord::Escalation,
                Some(Follow::Nothing) => FollowWord::Nothing,
                Some(Follow::Merge) => FollowWord::Merge,
                Some(Follow::AssertDifferent) => FollowWord::AssertDifferent,
                Some(Follow::AcceptHeld) => FollowWord::AcceptHeld,
                Some(Follow::RefuseHeld) => FollowWord::RefuseHeld,
                Some(Follow::AssertSame) => FollowWord::AssertSame,
                Some(Follow::MoveOut) => FollowWord::MoveOut,
                Some(Follow::ReleaseSource) => FollowWord::ReleaseSource,
                Some(Follow::ApproveMerge) => FollowWord::ApproveMerge,
                Some(Follow::DropMerge) => FollowWord::DropMerge,
            },
            records_moved: foreseen.moved,
            tasks_closed: foreseen.closed,
            tasks_raised: foreseen.raised,
            refused: foreseen.refused.map(|refusal| refusal.to_string()),
            needs_reason: foreseen.needs_reason,
        }
    }
}

/// A task with all that a reader needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedTaskBody {
    /// The task as a list shows it.
    #[serde(flatten)]
    task: TaskBody,
    /// The record that raised it.
    record: Option<LocalIdBody>,
    /// Digest of what is shown here: a decision names it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    evidence: String,
    /// The persons with their records.
    sides: Vec<SideBody>,
    /// The comparison of the two persons as it is now, row by row.
    explanation: Vec<RowBody>,
    /// Why there is no such comparison, where the model that raised the question cannot be
    /// read by this release; `raised_on` stands.
    unexplained: Option<String>,
    /// The comparison that raised the question.
    raised_on: Vec<StoredRowBody>,
    /// Why it was opened again, where it was.
    changed: Vec<ChangeBody>,
    /// What readers said, all rounds.
    decisions: Vec<ReadBody>,
    /// What happened to it, oldest first.
    history: Vec<TaskEntryBody>,
    /// Why it takes two readers (R114); empty where it takes one.
    two_readers: Vec<ApprovalReason>,
    /// What may be said to it, and what would follow.
    outcomes: Vec<ForeseenBody>,
    /// What is right, where it was a known pair of made-up people and is answered (R117).
    known_answer: Option<TaskOutcome>,
}

impl OpenedTaskBody {
    /// The version, for the `ETag`.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.task.version()
    }
}

impl From<TaskAnswer> for OpenedTaskBody {
    fn from(answer: TaskAnswer) -> Self {
        let state = &answer.listed.state;
        Self {
            record: answer.record.map(|(source, local_id)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            }),
            evidence: answer.evidence,
            sides: answer.sides.into_iter().map(SideBody::from).collect(),
            explanation: answer.explanation.into_iter().map(RowBody::from).collect(),
            unexplained: answer.unexplained,
            raised_on: state
                .rows
                .iter()
                .cloned()
                .map(StoredRowBody::from)
                .collect(),
            changed: state
                .changed
                .iter()
                .cloned()
                .map(ChangeBody::from)
                .collect(),
            decisions: answer.reads.into_iter().map(ReadBody::from).collect(),
            history: answer
                .history
                .into_iter()
                .map(TaskEntryBody::from)
                .collect(),
            two_readers: answer.foresight.two_readers,
            outcomes: answer
                .foresight
                .outcomes
                .into_iter()
                .map(ForeseenBody::from)
                .collect(),
            known_answer: answer.known_answer,
            task: answer.listed.into(),
        }
    }
}

/// The evidence for the national back office.
#[derive(Debug, Serialize, ToSchema)]
pub struct PackBody {
    /// The task.
    #[schema(pattern = "^T-[0-9a-f]{32}$")]
    task_id: String,
    /// What it asks.
    kind: crate::registry::TaskKind,
    /// Why it was escalated.
    because: EscalationReason,
    /// When (RFC 3339).
    escalated_at: String,
    /// When this pack was made (RFC 3339).
    made_at: String,
    /// The rules that spoke.
    reasons: Vec<ReasonBody>,
    /// Weight of the evidence in bits.
    weight_bits: Option<f64>,
    /// The persons, with every version of their records, masked.
    persons: Vec<SideBody>,
    /// The comparison of the two persons as it is now, row by row.
    explanation: Vec<RowBody>,
    /// Why there is no such comparison, where the model that raised the question cannot be
    /// read by this release; `raised_on` stands.
    unexplained: Option<String>,
    /// The comparison that raised the question.
    raised_on: Vec<StoredRowBody>,
}

impl From<EvidencePack> for PackBody {
    fn from(pack: EvidencePack) -> Self {
        let answer = pack.answer;
        let state = answer.listed.state;
        Self {
            task_id: answer.listed.id.to_string(),
            kind: state.kind,
            because: pack.because,
            escalated_at: pack.escalated_at.to_string(),
            made_at: pack.made_at.to_string(),
            reasons: state.reasons.into_iter().map(ReasonBody::from).collect(),
            weight_bits: state.weight_bits,
            persons: answer.sides.into_iter().map(SideBody::from).collect(),
            explanation: answer.explanation.into_iter().map(RowBody::from).collect(),
            unexplained: answer.unexplained,
            raised_on: state.rows.into_iter().map(StoredRowBody::from).collect(),
        }
    }
}
