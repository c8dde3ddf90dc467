//! Source systems.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::flows::{self, Context};
use crate::identity::NumberStatus;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment, source_code};
use crate::interfaces::rest::bodies::{
    ListedSourceBody, ReleasedBody, ScorecardBody, SourceBody, SourcesBody,
};
use crate::interfaces::rest::document::{SourceParameters, Unknown, Unusable};
use crate::registry::{Source, SourceCode};
use crate::security::Action;

/// Longest name or address of a source.
const SOURCE_TEXT_CHARACTERS_MAX: usize = 256;

/// A hundred years.
const RETENTION_DAYS_MAX: u32 = 36_500;

/// Longest reason of a release, as of the header `Accord-Reason`.
pub(super) const REASON_CHARACTERS_MAX: usize = 512;

/// Lists the sources.
#[utoipa::path(get, path = "/sources", tag = "sources",
    responses((status = 200, description = "All sources, by code; what holds for those that are quarantined.", body = SourcesBody)))]
pub(super) async fn list_sources(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SourcesBody>, Problem> {
    let access = caller.may(Action::ReadSource)?;
    let told = |error| Problem::of(&error, caller.request_id());
    let sources = flows::list_sources(&context, &access).await.map_err(told)?;
    let quarantines = flows::list_quarantines(&context, &access)
        .await
        .map_err(told)?;
    let sources = sources.into_iter().map(|source| {
        let quarantine = quarantines.iter().find(|known| known.source == source.code);
        ListedSourceBody::of(source, quarantine)
    });
    Ok(Json(SourcesBody {
        sources: sources.collect(),
    }))
}

/// Adds a source, or changes what is known of it.
#[utoipa::path(post, path = "/sources", tag = "sources", request_body = SourceBody,
    responses((status = 201, description = "The source as it is now.", body = SourceBody), Unusable))]
pub(super) async fn add_source(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<SourceBody>), Problem> {
    let access = caller.may(Action::WriteSource)?;
    let source = source_of(body.read()?, &caller)?;
    flows::add_source(&context, &access, source.clone())
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((StatusCode::CREATED, Json(source.into())))
}

/// How good the last records of a source are: figures, and nothing of a patient.
#[utoipa::path(get, path = "/sources/{source}/scorecard", tag = "sources",
    params(SourceParameters),
    responses((status = 200, description = "The scorecard.", body = ScorecardBody), Unknown))]
pub(super) async fn view_scorecard(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ScorecardBody>, Problem> {
    let access = caller.may(Action::ReadSource)?;
    let source = source_code(&source, caller.request_id())?;
    let card = flows::view_scorecard(&context, &access, &source)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(card.into()))
}

/// Why a source may be trusted again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseRequest {
    /// In words; it stands in the audit.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "the supplier has mended the shifted column"
    )]
    reason: String,
}

/// Ends the quarantine of a source.
///
/// What was kept is decided afterwards, in the order in which it came.
#[utoipa::path(post, path = "/sources/{source}/release", tag = "sources",
    params(SourceParameters), request_body = ReleaseRequest,
    responses(
        (status = 202, description = "The quarantine has ended; what waits is decided from now on.",
            body = ReleasedBody),
        Unknown, Unusable))]
pub(super) async fn release_source(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<ReleasedBody>), Problem> {
    let access = caller.may(Action::ReleaseSource)?;
    let source = source_code(&source, caller.request_id())?;
    let asked: ReleaseRequest = body.read()?;
    let reason = asked.reason.trim();
    if reason.chars().count() > REASON_CHARACTERS_MAX || reason.chars().any(char::is_control) {
        let detail = format!(
            "reason may have {REASON_CHARACTERS_MAX} characters at most, none of them a control \
             character"
        );
        let problem = caller.problem(Refused::Unprocessable, detail);
        return Err(problem.member("reason").rule("short plain text"));
    }
    let waiting = flows::release_source(&context, &access, &source, reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let released = ReleasedBody {
        source: source.to_string(),
        waiting,
    };
    Ok((StatusCode::ACCEPTED, Json(released)))
}

fn source_of(body: SourceBody, caller: &Caller) -> Result<Source, Problem> {
    let unusable = |member: &str, rule: &str, detail: String| {
        let problem = caller.problem(Refused::Unprocessable, detail);
        problem.member(member).rule(rule)
    };
    let code = SourceCode::parse(&body.code)
        .map_err(|error| unusable("code", "source code", error.to_string()))?;
    let texts = [
        ("name", Some(&body.name)),
        ("ods_code", body.ods_code.as_ref()),
        ("authority", body.authority.as_ref()),
    ];
    for (member, text) in texts {
        let long = |text: &&String| text.chars().count() > SOURCE_TEXT_CHARACTERS_MAX;
        let control = |text: &&String| text.chars().any(char::is_control);
        if text.is_some_and(|text| long(&text) || control(&text)) {
            let detail = format!(
                "{member} may have {SOURCE_TEXT_CHARACTERS_MAX} characters at most, none of them \
                 a control character"
            );
            return Err(unusable(member, "short plain text", detail));
        }
    }
    let status = NumberStatus::parse(&body.nhs_status_default)
        .filter(|status| status.code() == body.nhs_status_default)
        .ok_or_else(|| {
            let detail = "nhs_status_default must be an NHS number status, 01 to 08".to_owned();
            unusable("nhs_status_default", "R12", detail)
        })?;
    if body.trust > 100 {
        let detail = "trust must be 0 to 100".to_owned();
        return Err(unusable("trust", "range", detail));
    }
    if body
        .retention_days
        .is_some_and(|days| !(1..=RETENTION_DAYS_MAX).contains(&days))
    {
        let detail = format!("retention_days must be 1 to {RETENTION_DAYS_MAX}");
        return Err(unusable("retention_days", "range", detail));
    }
    Ok(Source {
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
        retention_days: body.retention_days,
    })
}
