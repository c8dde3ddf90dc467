//! Persons, by any id that they ever had.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::flows::{self, Context, PersonAnswer};
use crate::foundation::PersonId;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::bodies::PersonBody;
use crate::interfaces::rest::request::{Parameters, Segment};
use crate::security::Action;

/// Parameters of a person's read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonParameters {
    follow: Option<bool>,
}

/// A problem that also says where the id leads.
#[derive(Serialize)]
struct Gone {
    #[serde(flatten)]
    problem: Problem,
    requested_id: String,
    replaced_by: Vec<String>,
}

async fn load(context: &Context, caller: &Caller, person: &str) -> Result<PersonAnswer, Problem> {
    let access = caller.may(Action::ReadPerson)?;
    // An id that cannot be one is as unknown as one that was never given out.
    let unknown = |_| caller.problem(Refused::NotFound, "no person with this id is known");
    let person: PersonId = person.parse().map_err(unknown)?;
    flows::view_person(context, &access, person)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

fn gone(caller: &Caller, answer: &PersonAnswer) -> Response {
    let detail = "this id was replaced; follow replaced_by, or ask without follow=false";
    let problem = caller.problem(Refused::Gone, detail);
    let replaced_by = answer.replaced_by.iter().map(ToString::to_string).collect();
    let mut response = problem.clone().into_response();
    let body = Gone {
        problem,
        requested_id: answer.requested.to_string(),
        replaced_by,
    };
    let bytes = serde_json::to_vec(&body).expect("invariant: texts become JSON");
    *response.body_mut() = bytes.into();
    response
}

async fn view(
    context: &Context,
    caller: &Caller,
    person: &str,
    follow: bool,
    with_values: bool,
) -> Result<Response, Problem> {
    let answer = load(context, caller, person).await?;
    if !follow && !answer.replaced_by.is_empty() {
        return Ok(gone(caller, &answer));
    }
    Ok(Json(PersonBody::of(answer, with_values)).into_response())
}

/// `GET /persons/{id}`
pub async fn view_person(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(parameters): Parameters<PersonParameters>,
) -> Result<Response, Problem> {
    view(
        &context,
        &caller,
        &person,
        parameters.follow.unwrap_or(true),
        false,
    )
    .await
}

/// `GET /persons/{id}/records`
pub async fn view_person_records(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(parameters): Parameters<PersonParameters>,
) -> Result<Response, Problem> {
    view(
        &context,
        &caller,
        &person,
        parameters.follow.unwrap_or(true),
        true,
    )
    .await
}
