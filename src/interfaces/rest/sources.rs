//! Source systems.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::flows::{self, Context};
use crate::identity::NumberStatus;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::bodies::{QuarantineBody, ReleasedBody, SourceBody, SourcesBody};
use crate::interfaces::rest::request::{Body, Segment, source_code};
use crate::registry::Source;
use crate::security::Action;

/// `GET /sources`
pub async fn list_sources(
    State(context): State<Context>,
    caller: Caller,
) -> Result<Json<SourcesBody>, Problem> {
    let access = caller.may(Action::ReadSource)?;
    let told = |error| Problem::of(&error, caller.request_id());
    let sources = flows::list_sources(&context, &access).await.map_err(told)?;
    let quarantines = flows::list_quarantines(&context, &access)
        .await
        .map_err(told)?;
    let sources = sources.into_iter().map(|source| {
        let quarantine = quarantines.iter().find(|known| known.source == source.code);
        SourceBody {
            quarantined: quarantine.map(QuarantineBody::from),
            ..SourceBody::from(source)
        }
    });
    Ok(Json(SourcesBody {
        sources: sources.collect(),
    }))
}

/// Why a source may be trusted again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseRequest {
    reason: String,
}

/// `POST /sources/{source}/release`: ends a quarantine. What was kept is decided
/// afterwards.
pub async fn release_source(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    body: Body,
) -> Result<(StatusCode, Json<ReleasedBody>), Problem> {
    let access = caller.may(Action::ReleaseSource)?;
    let source = source_code(&source, caller.request_id())?;
    let asked: ReleaseRequest = body.read()?;
    let waiting = flows::release_source(&context, &access, &source, &asked.reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let released = ReleasedBody {
        source: source.to_string(),
        waiting,
    };
    Ok((StatusCode::ACCEPTED, Json(released)))
}

/// `POST /sources`
pub async fn add_source(
    State(context): State<Context>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<SourceBody>), Problem> {
    let access = caller.may(Action::WriteSource)?;
    let body: SourceBody = body.read()?;
    let code = source_code(&body.code, caller.request_id())?;
    let status = NumberStatus::parse(&body.nhs_status_default).ok_or_else(|| {
        let detail = "nhs_status_default must be an NHS number status, 01 to 08";
        caller
            .problem(Refused::Unprocessable, detail)
            .member("nhs_status_default")
    })?;
    if body.trust > 100 {
        let problem = caller.problem(Refused::Unprocessable, "trust must be 0 to 100");
        return Err(problem.member("trust"));
    }
    let source = Source {
        code,
        name: if body.name.is_empty() {
            body.code
        } else {
            body.name
        },
        ods_code: body.ods_code,
        authority: body.authority,
        trust: body.trust,
        number_status_default: status,
        acts_for_people: body.acts_for_people,
    };
    flows::add_source(&context, &access, source.clone())
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((StatusCode::CREATED, Json(source.into())))
}
