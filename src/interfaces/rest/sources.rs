//! Source systems.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::flows::{self, Context};
use crate::identity::NumberStatus;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters};
use crate::interfaces::rest::bodies::{SourceBody, SourcesBody};
use crate::interfaces::rest::document::Unusable;
use crate::interfaces::rest::request::Body;
use crate::registry::{Source, SourceCode};
use crate::security::Action;

/// Longest name or address of a source.
const SOURCE_TEXT_CHARACTERS_MAX: usize = 256;

/// Lists the sources.
#[utoipa::path(get, path = "/sources", tag = "sources",
    responses((status = 200, description = "All sources, by code.", body = SourcesBody)))]
pub(super) async fn list_sources(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SourcesBody>, Problem> {
    let access = caller.may(Action::ReadSource)?;
    let sources = flows::list_sources(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(SourcesBody {
        sources: sources.into_iter().map(SourceBody::from).collect(),
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
    })
}
