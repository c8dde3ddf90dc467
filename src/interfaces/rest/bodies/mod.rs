//! The bodies of the native API: what goes out, and the small bodies that come
//! in. Their descriptions in the OpenAPI document are the comments here. (A
//! registration's body is [`SubmittedRecord`](crate::identity::SubmittedRecord).)

mod batches;
mod events;
mod merges;
mod opened_task;
mod persons;
mod questions;
mod records;
mod requests;
mod search;
mod sources;
mod tasks;

pub(super) use batches::{BatchAnswer, BatchLine, BatchProblem};
pub(super) use events::{FeedBody, HistoryBody};
pub(super) use merges::MergeBody;
pub(super) use opened_task::{OpenedTaskBody, PackBody};
pub(super) use persons::PersonBody;
pub(super) use questions::MatchBody;
pub(super) use records::{CrossReferenceBody, RecordBody, RegistrationBody};
pub(super) use requests::{NamedRecord, Question};
pub(super) use search::{FoundBody, SearchBody};
pub(super) use sources::{ListedSourceBody, ReleasedBody, SourceBody, SourcesBody};
pub(super) use tasks::{
    ClaimRequest, CommentRequest, DecideRequest, DecidedBody, EscalateRequest, ReleaseTaskRequest,
    TaskBody, TaskStanding, TasksBody,
};
