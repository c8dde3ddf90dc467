//! Asking who somebody is.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::flows::{self, Context};
use crate::foundation::limits::{MATCH_CANDIDATES_DEFAULT, MATCH_CANDIDATES_MAX};
use crate::identity::SubmittedRecord;
use crate::interfaces::http::reading::{Body, faulty};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::Parameters;
use crate::interfaces::rest::bodies::{MatchBody, Question};
use crate::interfaces::rest::document::Unusable;
use crate::security::Action;

/// Parameters of a question.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MatchParameters {
    /// Candidates at most; 10 unless sent. The body's `limit` wins.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u64>,
}

/// Asks who somebody is. Writes nothing but the audit.
#[utoipa::path(post, path = "/match", tag = "matching", params(MatchParameters),
    request_body = Question,
    responses(
        (status = 200, description = "Candidates, best first; none is an answer too.", body = MatchBody),
        Unusable))]
pub(super) async fn match_person(
    State(context): State<Context>,
    caller: Caller,
    Parameters(parameters): Parameters<MatchParameters>,
    body: Body,
) -> Result<Json<MatchBody>, Problem> {
    let access = caller.may(Action::MatchPerson)?;
    let id = caller.request_id();
    let mut question = body.tree()?;
    let in_body: Option<u64> = question
        .take_as("limit")
        .map_err(|fault| faulty("member", &fault, id))?;
    let most = MATCH_CANDIDATES_MAX as u64;
    let mut sent = in_body.iter().chain(&parameters.limit);
    if sent.any(|limit| !(1..=most).contains(limit)) {
        let detail = format!("limit must be a whole number from 1 to {MATCH_CANDIDATES_MAX}");
        let problem = caller.problem(Refused::Unprocessable, detail);
        return Err(problem.member("limit").rule("range"));
    }
    let limit = in_body.or(parameters.limit);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(MATCH_CANDIDATES_DEFAULT);
    let submitted: SubmittedRecord = question
        .read()
        .map_err(|fault| faulty("member", &fault, id))?;
    let answer = flows::match_person(&context, &access, &submitted, limit)
        .await
        .map_err(|error| Problem::of(&error, id))?;
    Ok(Json(answer.into()))
}
