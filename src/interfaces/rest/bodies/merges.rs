//! What is answered about a merge.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{MergeStep, MergeView, NamedLocal};
use crate::registry::ApprovalReason;

/// A merge.
#[derive(Serialize, ToSchema)]
pub struct MergeBody {
    /// Its id.
    #[schema(
        pattern = "^M-[0-9a-f]{32}$",
        example = "M-0193d0a2b7c47d3e8f1a2b3c4d5e6f72"
    )]
    merge_id: String,
    /// How far it is.
    status: MergeStep,
    /// Whose id goes on.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    survivor: String,
    /// Whose id leads to it, while the merge holds.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    retired: String,
    /// Why it needed a second human (R114).
    approval: Vec<ApprovalReason>,
    /// The task that asked for the approval.
    #[schema(pattern = "^T-[0-9a-f]{32}$")]
    task: Option<String>,
    /// The records that it carried over.
    moved: Vec<NamedLocal>,
    /// What happened to it, oldest first.
    steps: Vec<StepBody>,
}

/// A step of a merge.
#[derive(Serialize, ToSchema)]
struct StepBody {
    /// When (RFC 3339).
    at: String,
    /// What, as in the change feed.
    #[schema(example = "merge_made")]
    kind: String,
    /// The account behind it, for roles that may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// Why, in words; absent after an erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl MergeBody {
    /// Renders a merge.
    #[must_use]
    pub fn of(view: MergeView) -> Self {
        let steps = view.steps.into_iter().map(|step| StepBody {
            at: step.at.to_string(),
            kind: step.kind,
            actor: step.actor,
            reason: step.reason,
        });
        Self {
            merge_id: view.merge.to_string(),
            status: view.status,
            survivor: view.survivor.to_string(),
            retired: view.retired.to_string(),
            approval: view.approval,
            task: view.task.map(|task| task.to_string()),
            moved: view.moved,
            steps: steps.collect(),
        }
    }
}
