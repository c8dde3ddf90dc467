//! Source records: register, read, withdraw, cross-reference.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::flows::{self, Context, RegisterCommand};
use crate::identity::SubmittedRecord;
use crate::interfaces::http::conditions::{idempotency_key, if_match};
use crate::interfaces::http::reading::{Body, faulty};
use crate::interfaces::http::{Caller, Problem};
use crate::interfaces::json::Tree;
use crate::interfaces::rest::address::{
    NoParameters, Parameters, RecordPath, Segment, local_id_of, source_code,
};
use crate::interfaces::rest::bodies::{
    CrossReferenceBody, NamedRecord, RecordBody, RegistrationBody,
};
use crate::interfaces::rest::document::{
    Conflicting, RecordParameters, SourceParameters, Stale, Unknown, Unusable, WithdrawCondition,
    WriteConditions,
};
use crate::interfaces::rest::moments::{Masking, instant, may_read};
use crate::registry::{LocalId, Outcome};
use crate::security::{Access, Action};

/// Reads a registration whose local id is in the body.
///
/// # Errors
/// The local id is missing or unusable, or a member is unknown or of a wrong type.
pub(super) fn read_named(
    mut tree: Tree<'_>,
    id: &str,
) -> Result<(LocalId, SubmittedRecord), Problem> {
    let refuse = |fault| faulty("member", &fault, id);
    let local_id: Option<String> = tree.take_as("local_id").map_err(refuse)?;
    let local_id = local_id.ok_or_else(|| refuse(Tree::missing("local_id")))?;
    let local_id = local_id_of(&local_id, id)?;
    let record = tree.read().map_err(refuse)?;
    Ok((local_id, record))
}

async fn register(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    path: RecordPath,
    submitted: SubmittedRecord,
    access: Access,
) -> Result<Response, Problem> {
    let command = RegisterCommand {
        source: path.source,
        local_id: path.local_id,
        submitted: submitted.without_columns_of_doors(),
        idempotency_key: idempotency_key(headers, caller.request_id())?,
        if_match: if_match(headers, caller.request_id())?,
        findings: Vec::new(),
    };
    let answer = flows::register_record(context, &access, command)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let status = if answer.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    // A held version is not what the record says: it has no tag to write by.
    let served = (answer.outcome != Outcome::UpdateHeld).then_some(answer.version);
    let response = (status, Json(RegistrationBody::of(answer, &access))).into_response();
    Ok(match served {
        Some(version) => with_etag(response, version),
        None => response,
    })
}

pub(super) fn with_etag(mut response: Response, version: u32) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// Registers or updates a record.
///
/// The same content again, or the same
/// `Idempotency-Key` with the same content, changes nothing and answers the
/// same. What is doubtful in the data is kept as sent and becomes a finding;
/// a record needs one identifying value.
#[utoipa::path(put, path = "/sources/{source}/records/{local_id}", tag = "records",
    params(RecordParameters, WriteConditions), request_body = SubmittedRecord,
    responses(
        (status = 201, description = "The record is new.", body = RegistrationBody,
            headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 200, description = "An update, or a replay.", body = RegistrationBody,
            headers(("ETag" = String, description = "The version, for If-Match; not of a held one."))),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn register_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may_write(&context, &path.source).await?;
    register(&context, &caller, &headers, path, body.read()?, access).await
}

/// Registers or updates a record whose local id is in the body.
#[utoipa::path(post, path = "/sources/{source}/records", tag = "records",
    params(SourceParameters, WriteConditions), request_body = NamedRecord,
    responses(
        (status = 201, description = "The record is new.", body = RegistrationBody,
            headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 200, description = "An update, or a replay.", body = RegistrationBody,
            headers(("ETag" = String, description = "The version, for If-Match; not of a held one."))),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn register_record_in_body(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let source = source_code(&source, caller.request_id())?;
    let access = caller.may_write(&context, &source).await?;
    let (local_id, submitted) = read_named(body.tree()?, caller.request_id())?;
    let path = RecordPath { source, local_id };
    register(&context, &caller, &headers, path, submitted, access).await
}

/// Parameters of a record's read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordReadParameters {
    /// As it was known at this instant; masked as of now.
    #[param(max_length = 40, format = DateTime, example = "2026-11-22T07:30:00Z")]
    as_of: Option<String>,
    /// Whose masking and seals apply: `then` is for auditors, with a reason.
    #[param(inline)]
    masking: Option<Masking>,
}

/// Reads a record with its versions, its link, its findings and its tasks.
#[utoipa::path(get, path = "/sources/{source}/records/{local_id}", tag = "records",
    params(RecordParameters, RecordReadParameters),
    responses(
        (status = 200, description = "The record.", body = RecordBody,
            headers(("ETag" = String, description = "The version, for If-Match."))),
        Unknown, Unusable))]
pub(super) async fn view_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(parameters): Parameters<RecordReadParameters>,
) -> Result<Response, Problem> {
    let seen = (parameters.masking, parameters.as_of.as_deref());
    let access = may_read(&caller, Action::ReadRecord, Some(&path.source), seen)?;
    let as_of = instant(&caller, parameters.as_of.as_deref())?;
    let answer = flows::view_record(&context, &access, &path.source, &path.local_id, as_of)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let body = RecordBody::of(answer, &access);
    let version = body.version();
    Ok(with_etag(Json(body).into_response(), version))
}

/// Withdraws a record: its source no longer holds it.
///
/// Nothing is deleted, and withdrawing again answers the same.
#[utoipa::path(delete, path = "/sources/{source}/records/{local_id}", tag = "records",
    params(RecordParameters, WithdrawCondition),
    responses((status = 204, description = "The record is withdrawn."), Unknown, Stale, Unusable))]
pub(super) async fn withdraw_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let access = caller.may_write(&context, &path.source).await?;
    let condition = if_match(&headers, caller.request_id())?;
    flows::withdraw_record(&context, &access, &path.source, &path.local_id, condition)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parameters of a cross-reference.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CrossReferenceParameters {
    /// Only local ids of this source.
    #[param(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    target_source: Option<String>,
    /// Only records joined by this route or a surer one.
    min_route: Option<crate::matching::Route>,
    /// As it was known at this instant; masked as of now.
    #[param(max_length = 40, format = DateTime, example = "2026-11-22T07:30:00Z")]
    as_of: Option<String>,
    /// Whose masking and seals apply: `then` is for auditors, with a reason.
    #[param(inline)]
    masking: Option<Masking>,
}

/// Says which person a record is, and that person's other local ids.
#[utoipa::path(get, path = "/sources/{source}/records/{local_id}/person", tag = "records",
    params(RecordParameters, CrossReferenceParameters),
    responses(
        (status = 200, description = "The person.", body = CrossReferenceBody),
        Unknown, Unusable))]
pub(super) async fn cross_reference(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(parameters): Parameters<CrossReferenceParameters>,
) -> Result<Json<CrossReferenceBody>, Problem> {
    let seen = (parameters.masking, parameters.as_of.as_deref());
    let access = may_read(&caller, Action::ReadRecord, Some(&path.source), seen)?;
    let target = parameters.target_source.as_deref();
    let target = target
        .map(|text| source_code(text, caller.request_id()))
        .transpose()
        .map_err(|problem| problem.member("target_source"))?;
    let wanted = flows::Wanted {
        source: target.as_ref(),
        min_route: parameters.min_route,
        as_of: instant(&caller, parameters.as_of.as_deref())?,
    };
    let answer = flows::cross_reference(&context, &access, &path.source, &path.local_id, wanted)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
