//! What follows from an outcome: the table in the module's doc.

use crate::registry::{TaskKind, TaskOutcome};

/// What has to happen with a settled question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Nothing.
    Nothing,
    /// The two persons become one.
    Merge,
    /// An assertion keeps the two persons apart.
    AssertDifferent,
    /// The held version becomes current.
    AcceptHeld,
    /// The held version is somebody else's.
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

/// What follows when a question of this kind is settled so; `None` when that is
/// no outcome of it. Escalating settles nothing and has no place here.
#[must_use]
pub const fn follow(kind: TaskKind, outcome: TaskOutcome) -> Option<Follow> {
    use TaskOutcome::{Approve, CannotTell, Different, Reject, Same};
    match (kind, outcome) {
        (
            TaskKind::PossibleDuplicate
            | TaskKind::PossibleDuplicateNumber
            | TaskKind::SuspectedConfusion,
            Same,
        ) => Some(Follow::Merge),
        (
            TaskKind::PossibleDuplicate
            | TaskKind::PossibleDuplicateNumber
            | TaskKind::SuspectedConfusion,
            Different,
        ) => Some(Follow::AssertDifferent),
        (TaskKind::OverlayHeld, Same) => Some(Follow::AcceptHeld),
        (TaskKind::OverlayHeld, Different) | (TaskKind::SupersessionConflict, Reject) => {
            Some(Follow::RefuseHeld)
        }
        (TaskKind::LinkDoubtful, Same) => Some(Follow::AssertSame),
        (TaskKind::LinkDoubtful | TaskKind::ActivityAfterDeath, Different) => Some(Follow::MoveOut),
        (TaskKind::ActivityAfterDeath, Same) | (TaskKind::ImplausibleDates, Approve | Reject) => {
            Some(Follow::Nothing)
        }
        (TaskKind::SourceQuarantined, Approve) => Some(Follow::ReleaseSource),
        (TaskKind::MergeApproval, Approve) => Some(Follow::ApproveMerge),
        (TaskKind::MergeApproval, Reject) => Some(Follow::DropMerge),
        (TaskKind::SourceQuarantined | TaskKind::MergeApproval, _) => None,
        (_, CannotTell) => Some(Follow::Nothing),
        _ => None,
    }
}

/// Whether the question may go to the national back office (R119).
pub(super) const fn may_escalate(kind: TaskKind) -> bool {
    !matches!(kind, TaskKind::SourceQuarantined | TaskKind::MergeApproval)
}

/// What may be said to a question of this kind.
#[must_use]
pub fn outcomes(kind: TaskKind) -> Vec<TaskOutcome> {
    let all = [
        TaskOutcome::Same,
        TaskOutcome::Different,
        TaskOutcome::CannotTell,
        TaskOutcome::Escalate,
        TaskOutcome::Approve,
        TaskOutcome::Reject,
    ];
    let is_one = |outcome: &TaskOutcome| match outcome {
        TaskOutcome::Escalate => may_escalate(kind),
        other => follow(kind, *other).is_some(),
    };
    all.into_iter().filter(is_one).collect()
}

/// The same in words, for whoever said something else.
pub(super) fn names_of(kind: TaskKind) -> String {
    let names: Vec<&str> = outcomes(kind).into_iter().map(TaskOutcome::name).collect();
    names.join(" or ")
}
