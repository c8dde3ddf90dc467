//! What is answered about review tasks in the queue and after a step, and what
//! is said to them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::{DecisionAnswer, ListedTask, TaskPage};
use crate::interfaces::rest::bodies::questions::ReasonBody;
use crate::registry::{TaskOutcome, TaskPriority};

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct TasksBody {
    /// In the queue's order: the most urgent first, then by age or weight (R116).
    pub tasks: Vec<TaskBody>,
    /// Send as `after` for the next page; null on the last. Opaque.
    #[schema(example = "1.4.c02e000000000000.T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71")]
    pub next: Option<String>,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStanding {
    /// Whatever waits, in hand or not: the first four and `claimed`.
    Waiting,
    /// Nobody has read it or has it in hand.
    Open,
    /// Somebody has it in hand until the lease ends.
    Claimed,
    /// One has read it; another person has to.
    AwaitingSecond,
    /// Two have read it and differ; a third has to.
    AwaitingThird,
    /// It waits for the national back office.
    Escalated,
    /// People have settled it.
    Decided,
    /// The question is gone.
    Closed,
}

impl From<TaskStanding> for crate::flows::TaskStanding {
    fn from(standing: TaskStanding) -> Self {
        match standing {
            TaskStanding::Waiting => Self::Waiting,
            TaskStanding::Open => Self::Open,
            TaskStanding::Claimed => Self::Claimed,
            TaskStanding::AwaitingSecond => Self::AwaitingSecond,
            TaskStanding::AwaitingThird => Self::AwaitingThird,
            TaskStanding::Escalated => Self::Escalated,
            TaskStanding::Decided => Self::Decided,
            TaskStanding::Closed => Self::Closed,
        }
    }
}

impl From<crate::flows::TaskStanding> for TaskStanding {
    fn from(standing: crate::flows::TaskStanding) -> Self {
        use crate::flows::TaskStanding as Flow;
        match standing {
            Flow::Waiting => Self::Waiting,
            Flow::Open => Self::Open,
            Flow::Claimed => Self::Claimed,
            Flow::AwaitingSecond => Self::AwaitingSecond,
            Flow::AwaitingThird => Self::AwaitingThird,
            Flow::Escalated => Self::Escalated,
            Flow::Decided => Self::Decided,
            Flow::Closed => Self::Closed,
        }
    }
}

/// In whose hands a task is or was.
#[derive(Debug, Serialize, ToSchema)]
struct ClaimBody {
    /// Who.
    by: String,
    /// End of the lease (RFC 3339).
    until: String,
    /// Whether the lease has ended: the task is as good as open.
    expired: bool,
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskBody {
    /// The task.
    #[schema(
        pattern = "^T-[0-9a-f]{32}$",
        example = "T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71"
    )]
    task_id: String,
    /// What it asks.
    kind: crate::registry::TaskKind,
    /// How it stands.
    state: TaskStanding,
    /// Where it stands in the queue.
    priority: TaskPriority,
    /// The persons that it is about.
    persons: Vec<String>,
    /// Posterior weight in bits.
    weight_bits: Option<f64>,
    /// The rules that spoke.
    reasons: Vec<ReasonBody>,
    /// In whose hands it is or was last.
    claim: Option<ClaimBody>,
    /// How many have read it in this round.
    reads: usize,
    /// Counted from 1; re-opening begins another.
    round: u32,
    /// As what it was settled.
    outcome: Option<TaskOutcome>,
    /// When it was opened (RFC 3339).
    opened_at: String,
    /// Steps so far, for `If-Match`.
    version: u32,
}

impl From<ListedTask> for TaskBody {
    fn from(listed: ListedTask) -> Self {
        let state = listed.state;
        let expired = !matches!(listed.standing, crate::flows::TaskStanding::Claimed);
        let reads = state.reads_of_round().count();
        Self {
            task_id: listed.id.to_string(),
            kind: state.kind,
            state: listed.standing.into(),
            priority: state.priority,
            persons: state.persons.iter().map(ToString::to_string).collect(),
            weight_bits: state.weight_bits,
            reasons: state.reasons.into_iter().map(ReasonBody::from).collect(),
            claim: state.claim.map(|claim| ClaimBody {
                by: claim.by,
                until: claim.until.to_string(),
                expired,
            }),
            reads,
            round: state.round,
            outcome: state.outcome,
            opened_at: listed.id.made_at().to_string(),
            version: state.version,
        }
    }
}

impl TaskBody {
    /// The version, for the `ETag`.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }
}

impl From<TaskPage> for TasksBody {
    fn from(page: TaskPage) -> Self {
        Self {
            tasks: page.tasks.into_iter().map(TaskBody::from).collect(),
            next: page.next,
        }
    }
}

/// Taking a task in hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// For how many seconds; a quarter of an hour when not said.
    #[schema(minimum = 1, maximum = 28800)]
    pub lease_seconds: Option<i64>,
}

/// Giving a task to a colleague.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// The colleague's account.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "sue"
    )]
    pub to: String,
}

/// Nothing to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTaskRequest {}

/// Words for other readers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    /// They are kept where they can be erased.
    #[schema(min_length = 1, max_length = 2000)]
    pub comment: String,
}

/// What a reader says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// The outcome; which ones a kind of task has stands in its `outcomes`.
    pub outcome: TaskOutcome,
    /// Why, in words: needed where the outcome goes against the evidence (R115).
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// `evidence` of the task as it was read.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub evidence: String,
}

/// Sending a task to the national back office.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateRequest {
    /// Why, in words.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// `evidence` of the task as it was read.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub evidence: String,
}

/// What a decision has led to.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedBody {
    /// The task as it is now.
    #[serde(flatten)]
    task: TaskBody,
    /// The merge that was made or dropped.
    #[schema(pattern = "^M-[0-9a-f]{32}$")]
    merge_id: Option<String>,
    /// The assertion that was made.
    #[schema(pattern = "^A-[0-9a-f]{32}$")]
    assertion_id: Option<String>,
    /// Who the question was about, as they are now.
    person_ids: Vec<String>,
    /// Questions that it has raised about others (R94).
    raised: Vec<String>,
    /// What is right, where it was a known pair of made-up people (R117): nothing has
    /// followed from the answer.
    known_answer: Option<TaskOutcome>,
}

impl DecidedBody {
    /// The version, for the `ETag`.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.task.version()
    }
}

impl From<DecisionAnswer> for DecidedBody {
    fn from(answer: DecisionAnswer) -> Self {
        Self {
            task: answer.listed.into(),
            merge_id: answer.merge.map(|merge| merge.to_string()),
            assertion_id: answer.assertion.map(|assertion| assertion.to_string()),
            person_ids: answer.persons.iter().map(ToString::to_string).collect(),
            raised: answer.raised.iter().map(ToString::to_string).collect(),
            known_answer: answer.known_answer,
        }
    }
}
