//! Disputes about values of a record (R133).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::flows::{self, Context, DisputeStep};
use crate::identity::DisputedField;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem};
use crate::interfaces::rest::address::{NoParameters, Parameters, RecordPath};
use crate::interfaces::rest::bodies::{
    DisputeAnswerBody, DisputeBody, DisputeOutcomeBody, DisputesBody,
};
use crate::interfaces::rest::document::{Conflicting, RecordParameters, Unknown, Unusable};
use crate::security::Action;

/// Lists the disputes about a record.
#[utoipa::path(get, path = "/sources/{source}/records/{local_id}/disputes", tag = "records",
    params(RecordParameters),
    responses((status = 200, description = "The first one first.", body = DisputesBody),
        Unknown, Unusable))]
pub(super) async fn list_disputes(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<DisputesBody>, Problem> {
    let access = caller.may_for(Action::ReadRecord, path.source.as_str())?;
    let disputes = flows::list_disputes(&context, &access, &path.source, &path.local_id)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(disputes.into()))
}

/// Notes that a person disputes what a record says of a field.
///
/// Until the source has answered, by another value or by confirming it, the value
/// supports no automatic link. Links that rest on it stay, as `possible`, with a task.
#[utoipa::path(post, path = "/sources/{source}/records/{local_id}/disputes", tag = "records",
    params(RecordParameters), request_body = DisputeBody,
    responses((status = 201, description = "It is disputed.", body = DisputeOutcomeBody),
        Unknown, Conflicting, Unusable))]
pub(super) async fn dispute_value(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<DisputeOutcomeBody>), Problem> {
    let access = caller.may_for(Action::DisputeValue, path.source.as_str())?;
    let asked: DisputeBody = body.read()?;
    let said = (asked.field, DisputeStep::Begin);
    let record = (path.source, path.local_id);
    let outcome = flows::dispute_value(&context, &access, record, said, &asked.reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((StatusCode::CREATED, Json(outcome.into())))
}

/// Ends a dispute: the source confirms the value, or it is disputed no more.
///
/// A later version with another value ends it by itself.
#[utoipa::path(post, path = "/sources/{source}/records/{local_id}/disputes/answer",
    tag = "records", params(RecordParameters), request_body = DisputeAnswerBody,
    responses((status = 200, description = "It is over.", body = DisputeOutcomeBody),
        Unknown, Conflicting, Unusable))]
pub(super) async fn answer_dispute(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<DisputeOutcomeBody>, Problem> {
    let access = caller.may_for(Action::AnswerDispute, path.source.as_str())?;
    let asked: DisputeAnswerBody = body.read()?;
    let field: DisputedField = asked.field;
    let said = (field, DisputeStep::End(asked.answer.into()));
    let record = (path.source, path.local_id);
    let outcome = flows::dispute_value(&context, &access, record, said, &asked.reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(outcome.into()))
}
