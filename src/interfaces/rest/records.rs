//! Source records: register, read, withdraw, cross-reference.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::flows::{self, Context, RegisterCommand};
use crate::identity::SubmittedRecord;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::bodies::{CrossReferenceBody, RecordBody, RegistrationBody};
use crate::interfaces::rest::request::{
    Body, Parameters, RecordPath, Segment, idempotency_key, if_match, local_id_of, source_code,
};
use crate::registry::Outcome;
use crate::security::{Access, Action};

/// A registration whose local id is in the body.
#[derive(Deserialize)]
#[serde(from = "serde_json::Map<String, serde_json::Value>")]
pub struct NamedRecord {
    /// The local id as sent.
    pub local_id: Option<serde_json::Value>,
    /// Everything else.
    pub rest: serde_json::Value,
}

impl From<serde_json::Map<String, serde_json::Value>> for NamedRecord {
    fn from(mut members: serde_json::Map<String, serde_json::Value>) -> Self {
        let local_id = members.remove("local_id");
        Self {
            local_id,
            rest: serde_json::Value::Object(members),
        }
    }
}

impl NamedRecord {
    /// The local id and the record.
    ///
    /// # Errors
    /// The local id is missing or no text, or a member is unknown or of a wrong type.
    pub fn read(self, id: &str) -> Result<(crate::registry::LocalId, SubmittedRecord), Problem> {
        let local_id = match self.local_id {
            Some(serde_json::Value::String(text)) => local_id_of(&text, id)?,
            Some(_) => {
                let problem = Problem::new(Refused::Malformed, "local_id must be text", id);
                return Err(problem.member("local_id").rule("type"));
            }
            None => {
                let problem = Problem::new(Refused::Malformed, "member `local_id` is missing", id);
                return Err(problem.member("local_id").rule("required member"));
            }
        };
        let text = self.rest.to_string();
        let record = super::request::read_json(text.as_bytes(), id)?;
        Ok((local_id, record))
    }
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
        submitted,
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

fn with_etag(mut response: Response, version: u32) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// `PUT /sources/{source}/records/{local_id}`
pub async fn register_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may_for(Action::WriteRecord, path.source.as_str())?;
    register(&context, &caller, &headers, path, body.read()?, access).await
}

/// `POST /sources/{source}/records`
pub async fn register_record_in_body(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let source = source_code(&source, caller.request_id())?;
    let access = caller.may_for(Action::WriteRecord, source.as_str())?;
    let (local_id, submitted) = body.read::<NamedRecord>()?.read(caller.request_id())?;
    let path = RecordPath { source, local_id };
    register(&context, &caller, &headers, path, submitted, access).await
}

/// `GET /sources/{source}/records/{local_id}`
pub async fn view_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
) -> Result<Response, Problem> {
    let access = caller.may_for(Action::ReadRecord, path.source.as_str())?;
    let answer = flows::view_record(&context, &access, &path.source, &path.local_id)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let body = RecordBody::of(answer, &access);
    let version = body.version();
    Ok(with_etag(Json(body).into_response(), version))
}

/// `DELETE /sources/{source}/records/{local_id}`: withdraws, deletes nothing.
pub async fn withdraw_record(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let access = caller.may_for(Action::WriteRecord, path.source.as_str())?;
    let version = if_match(&headers, caller.request_id())?;
    flows::withdraw_record(&context, &access, &path.source, &path.local_id, version)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parameters of a cross-reference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossReferenceParameters {
    target_source: Option<String>,
    min_route: Option<crate::matching::Route>,
}

/// `GET /sources/{source}/records/{local_id}/person`
pub async fn cross_reference(
    State(context): State<Context>,
    caller: Caller,
    path: RecordPath,
    Parameters(parameters): Parameters<CrossReferenceParameters>,
) -> Result<Json<CrossReferenceBody>, Problem> {
    let access = caller.may_for(Action::ReadRecord, path.source.as_str())?;
    let target = parameters.target_source.as_deref();
    let target = target
        .map(|text| source_code(text, caller.request_id()))
        .transpose()?;
    let wanted = flows::Wanted {
        source: target.as_ref(),
        min_route: parameters.min_route,
    };
    let answer = flows::cross_reference(&context, &access, &path.source, &path.local_id, wanted)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
