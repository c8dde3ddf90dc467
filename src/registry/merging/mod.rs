//! Joining and parting persons by a human's word. A merge is pointer work: its
//! records are carried to the survivor, and each keeps its *home*, the last
//! decision about the record by itself. So a merge is undone by cutting one
//! pointer, however many were made before and after it.

mod approval;
mod assertion;
mod deviation;
mod effects;
mod family;
mod merge;
mod move_record;
mod refusal;
mod state;
mod tasks;
#[cfg(test)]
mod tests;
mod unmerge;
mod words;

pub use approval::needs_approval;
pub use assertion::{AssertionAnswer, AssertionCommand, assert_records, withdraw_assertion};
pub use deviation::{Deviation, DeviationKind};
pub use effects::{Effects, PersonChange, RecordChange, TaskChange};
pub(super) use merge::refuse_two_numbers;
pub use merge::{MergeAnswer, MergeCommand, approve_merge, drop_merge, merge_persons};
pub use move_record::{MoveAnswer, MoveCommand, MoveTarget, move_record};
pub use refusal::{MergeRefusal, Refused};
pub use state::{AssertionState, MergeState, MergeStatus};
pub use tasks::ask_what_it_stood_for;
pub(super) use tasks::{carry_tasks, drop_proposals};
pub use unmerge::{UndoAnswer, undo_merge};
pub use words::{ApprovalReason, AssertionKind, Carried, DropReason, Home};
