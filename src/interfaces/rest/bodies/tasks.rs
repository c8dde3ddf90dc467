//! What is answered about review tasks.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::TaskAnswer;
use crate::foundation::TaskId;
use crate::interfaces::rest::bodies::questions::{ReasonBody, RowBody};
use crate::interfaces::rest::bodies::records::LocalIdBody;
use crate::registry::{LocalId, SourceCode, TaskState, TaskStatus};

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub struct TasksBody {
    /// In order of age.
    pub tasks: Vec<TaskBody>,
    /// Send as `after` for the next page; absent on the last.
    #[schema(pattern = "^T-[0-9a-f]{32}$")]
    pub next: Option<String>,
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
    /// `open` or `closed`.
    #[schema(value_type = String, pattern = "^(open|closed)$", example = "open")]
    state: &'static str,
    /// The persons that it is about.
    persons: Vec<String>,
    /// The record that raised it.
    record: Option<LocalIdBody>,
    /// Posterior weight in bits.
    weight_bits: Option<f64>,
    /// The rules that spoke.
    reasons: Vec<ReasonBody>,
    /// Digest of what the question rests on.
    evidence: String,
    /// When it was opened (RFC 3339).
    opened_at: String,
    /// The comparison row by row; with a single task only.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Vec<RowBody>>,
}

impl TaskBody {
    /// Renders a task.
    #[must_use]
    pub fn of(id: TaskId, state: TaskState, record: Option<(SourceCode, LocalId)>) -> Self {
        Self {
            task_id: id.to_string(),
            kind: state.kind,
            state: match state.status {
                TaskStatus::Open => "open",
                TaskStatus::Closed => "closed",
            },
            persons: state.persons.iter().map(ToString::to_string).collect(),
            record: record.map(|(source, local_id)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            }),
            weight_bits: state.weight_bits,
            reasons: state.reasons.into_iter().map(ReasonBody::from).collect(),
            evidence: state.evidence,
            opened_at: id.made_at().to_string(),
            explanation: None,
        }
    }
}

impl From<TaskAnswer> for TaskBody {
    fn from(answer: TaskAnswer) -> Self {
        let rows = answer.explanation.into_iter().map(RowBody::from).collect();
        Self {
            explanation: Some(rows),
            ..Self::of(answer.id, answer.state, answer.record)
        }
    }
}
