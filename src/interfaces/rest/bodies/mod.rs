//! The bodies of the native API: what goes out, and the small bodies that come
//! in. Their descriptions in the OpenAPI document are the comments here. (A
//! registration's body is [`SubmittedRecord`](crate::identity::SubmittedRecord).)

mod acknowledgements;
mod agreement;
mod batches;
mod disputes;
mod erasures;
mod events;
mod golden;
mod kept_models;
mod merges;
mod opened_task;
mod persons;
mod questions;
mod records;
mod requests;
mod scorecard;
mod seals;
mod search;
mod source_merges;
mod sources;
mod subject_access;
mod tasks;
mod webhooks;

pub(super) use acknowledgements::{AcknowledgedBody, AcknowledgementBody, ChaseBody};
pub(super) use agreement::AgreementBody;
pub(super) use batches::{BatchAnswer, BatchLine, BatchProblem};
pub(super) use disputes::{DisputeAnswerBody, DisputeBody, DisputeOutcomeBody, DisputesBody};
pub(super) use erasures::{ErasureBody, ErasureReceiptBody};
pub(super) use events::{FeedBody, HistoryBody};
pub(super) use golden::{GoldenBody, PreferenceRequest};
pub(super) use kept_models::{ModelBody, ModelsBody, ShadowBody};
pub(super) use merges::MergeBody;
pub(super) use opened_task::{OpenedTaskBody, PackBody};
pub(super) use persons::PersonBody;
pub(super) use questions::MatchBody;
pub(super) use records::{CrossReferenceBody, RecordBody, RegistrationBody};
pub(super) use requests::{NamedRecord, Question};
pub(super) use scorecard::ScorecardBody;
pub(super) use seals::{MadeSealBody, SealBody, SealSideBody, SealsBody};
pub(super) use search::{FoundBody, SearchBody};
pub(super) use source_merges::{SourceMergeBody, SourceMergedBody};
pub(super) use sources::{ListedSourceBody, ReleasedBody, SourceBody, SourcesBody};
pub(super) use subject_access::SubjectAccessBody;
pub(super) use tasks::{
    AssignRequest, ClaimRequest, CommentRequest, DecideRequest, DecidedBody, EscalateRequest,
    ReleaseTaskRequest, TaskBody, TaskStanding, TasksBody,
};
pub(super) use webhooks::{
    DeadLettersBody, MadeWebhookBody, NewWebhookBody, RedeliverBody, RedeliveredBody, WebhooksBody,
};
