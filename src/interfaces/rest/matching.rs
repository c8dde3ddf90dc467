//! Asking who somebody is.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::flows::{self, Context};
use crate::foundation::limits::{MATCH_CANDIDATES_DEFAULT, MATCH_CANDIDATES_MAX};
use crate::identity::SubmittedRecord;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::bodies::MatchBody;
use crate::interfaces::rest::request::{Body, Parameters};
use crate::security::Action;

/// Parameters of a question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchParameters {
    limit: Option<usize>,
}

/// A question: a registration's members and, if wanted, `limit`.
#[derive(Deserialize)]
#[serde(from = "serde_json::Map<String, serde_json::Value>")]
pub struct Question {
    limit: Option<serde_json::Value>,
    rest: serde_json::Value,
}

impl From<serde_json::Map<String, serde_json::Value>> for Question {
    fn from(mut members: serde_json::Map<String, serde_json::Value>) -> Self {
        let limit = members.remove("limit");
        Self {
            limit,
            rest: serde_json::Value::Object(members),
        }
    }
}

/// `POST /match`
pub async fn match_person(
    State(context): State<Context>,
    caller: Caller,
    Parameters(parameters): Parameters<MatchParameters>,
    body: Body,
) -> Result<Json<MatchBody>, Problem> {
    let access = caller.may(Action::MatchPerson)?;
    let id = caller.request_id();
    let question: Question = body.read()?;
    let asked = match question.limit {
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| limit_problem(&caller))?,
        None => parameters.limit.map(|limit| limit as u64),
    };
    let limit = asked.map_or(MATCH_CANDIDATES_DEFAULT, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    if limit == 0 || limit > MATCH_CANDIDATES_MAX {
        return Err(limit_problem(&caller));
    }
    let text = question.rest.to_string();
    let submitted: SubmittedRecord = super::request::read_json(text.as_bytes(), id)?;
    let answer = flows::match_person(&context, &access, &submitted, limit)
        .await
        .map_err(|error| Problem::of(&error, id))?;
    Ok(Json(answer.into()))
}

fn limit_problem(caller: &Caller) -> Problem {
    let detail = format!("limit must be a whole number from 1 to {MATCH_CANDIDATES_MAX}");
    caller
        .problem(Refused::Unprocessable, detail)
        .member("limit")
        .rule("limit")
}
