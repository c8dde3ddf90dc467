//! What a person's records say together, and which record's value to show.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::flows::{self, Context};
use crate::foundation::PersonId;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{
    NoParameters, Parameters, Segment, Segments, local_id_of, source_code,
};
use crate::interfaces::rest::bodies::{GoldenBody, PreferenceRequest};
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::interfaces::rest::moments::{Masking, instant, may_read};
use crate::interfaces::rest::sources::REASON_CHARACTERS_MAX;
use crate::registry::{GoldenField, Preference};
use crate::security::Action;

/// Parameters of a golden record's read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct GoldenParameters {
    /// As it was known at this instant; masked as of now.
    #[param(max_length = 40, format = DateTime, example = "2026-11-22T07:30:00Z")]
    as_of: Option<String>,
    /// Whose masking and seals apply: `then` is for auditors, with a reason.
    #[param(inline)]
    masking: Option<Masking>,
}

fn person_of(caller: &Caller, text: &str) -> Result<PersonId, Problem> {
    text.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member("person")
    })
}

fn field_of(caller: &Caller, text: &str) -> Result<GoldenField, Problem> {
    GoldenField::parse(text).ok_or_else(|| {
        let problem = caller.problem(Refused::NotFound, "a golden record has no such field");
        problem.member("field")
    })
}

/// Shows what a person's records say together, and why.
///
/// Each field comes from one record; the others are listed with the reason why they
/// were not chosen.
#[utoipa::path(get, path = "/persons/{person}/golden", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"), GoldenParameters),
    responses(
        (status = 200, description = "The golden record, masked.", body = GoldenBody),
        Unknown, Unusable))]
pub(super) async fn view_golden(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(parameters): Parameters<GoldenParameters>,
) -> Result<Json<GoldenBody>, Problem> {
    let seen = (parameters.masking, parameters.as_of.as_deref());
    let access = may_read(&caller, Action::ReadPerson, None, seen)?;
    let person = person_of(&caller, &person)?;
    let as_of = instant(&caller, parameters.as_of.as_deref())?;
    let answer = flows::view_golden(&context, &access, person, as_of)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}

/// Prefers what a record's version says of a field, whatever the rules say.
#[utoipa::path(put, path = "/persons/{person}/golden/{field}", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"),
        ("field" = GoldenField, Path, description = "Which field.", example = "name")),
    request_body = PreferenceRequest,
    responses(
        (status = 200, description = "The golden record as it is now.", body = GoldenBody),
        Unknown, Unusable))]
pub(super) async fn prefer_value(
    State(context): State<Context>,
    caller: Caller,
    Segments(person, field): Segments,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<GoldenBody>, Problem> {
    let access = caller.may(Action::PreferValue)?;
    let asked: PreferenceRequest = body.read()?;
    let reason = asked.reason.trim();
    let wrong = reason.chars().any(char::is_control);
    if reason.is_empty() || wrong || reason.chars().count() > REASON_CHARACTERS_MAX {
        let detail = format!(
            "reason must have 1 to {REASON_CHARACTERS_MAX} characters, none of them a control \
             character"
        );
        let problem = caller.problem(Refused::Unprocessable, detail);
        return Err(problem.member("reason").rule("short plain text"));
    }
    let preference = Preference {
        person: person_of(&caller, &person)?,
        field: field_of(&caller, &field)?,
        source: source_code(&asked.source, caller.request_id())?,
        local_id: local_id_of(&asked.local_id, caller.request_id())?,
        version: asked.version,
    };
    let answer = flows::prefer(&context, &access, preference, reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}

/// Lets the rules choose a field's value again.
#[utoipa::path(delete, path = "/persons/{person}/golden/{field}", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"),
        ("field" = GoldenField, Path, description = "Which field.", example = "name")),
    responses(
        (status = 204, description = "Nobody prefers a value for it any more."), Unknown, Unusable))]
pub(super) async fn stop_preferring(
    State(context): State<Context>,
    caller: Caller,
    Segments(person, field): Segments,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<StatusCode, Problem> {
    let access = caller.may(Action::PreferValue)?;
    let person = person_of(&caller, &person)?;
    let field = field_of(&caller, &field)?;
    flows::stop_preferring(&context, &access, person, field)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}
