//! Persons, by any id that they ever had.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::flows::{self, Context, PersonAnswer};
use crate::foundation::PersonId;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{Parameters, Segment};
use crate::interfaces::rest::bodies::PersonBody;
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::interfaces::rest::moments::{Masking, instant, may_read};
use crate::interfaces::rest::records::with_etag;
use crate::security::Action;

/// Parameters of a person's read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PersonParameters {
    /// Whether to answer with the person that replaced a retired one (the usual).
    follow: Option<bool>,
    /// As it was known at this instant; masked as of now.
    #[param(max_length = 40, format = DateTime, example = "2026-11-22T07:30:00Z")]
    as_of: Option<String>,
    /// Whose masking and seals apply: `then` is for auditors, with a reason.
    #[param(inline)]
    masking: Option<Masking>,
}

/// A problem that also says where the id leads.
#[derive(Serialize, ToSchema)]
struct Gone {
    #[serde(flatten)]
    problem: Problem,
    /// The id that was asked for.
    requested_id: String,
    /// The ids that replaced it, in order.
    replaced_by: Vec<String>,
}

async fn load(
    context: &Context,
    caller: &Caller,
    person: &str,
    parameters: &PersonParameters,
) -> Result<PersonAnswer, Problem> {
    let as_of = parameters.as_of.as_deref();
    let access = may_read(
        caller,
        Action::ReadPerson,
        None,
        (parameters.masking, as_of),
    )?;
    // An id that cannot be one is as unknown as one that was never given out.
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member("person")
    };
    let person: PersonId = person.parse().map_err(unknown)?;
    let as_of = instant(caller, as_of)?;
    flows::view_person(context, &access, person, as_of)
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
    parameters: &PersonParameters,
    with_values: bool,
) -> Result<Response, Problem> {
    let answer = load(context, caller, person, parameters).await?;
    let follow = parameters.follow.unwrap_or(true);
    if !follow && !answer.replaced_by.is_empty() {
        return Ok(gone(caller, &answer));
    }
    let tag = answer.tag;
    let body = PersonBody::of(answer, with_values);
    Ok(with_etag(Json(body).into_response(), tag))
}

/// Opens a person by any id that it ever had.
#[utoipa::path(get, path = "/persons/{person}", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"), PersonParameters),
    responses(
        (status = 200, description = "The person and the local ids of its records.", body = PersonBody,
            headers(("ETag" = String, description = "For If-Match of a merge."))),
        (status = 410, description = "With `follow=false`: the id was replaced.", body = Gone,
            content_type = "application/problem+json"),
        Unknown, Unusable))]
pub(super) async fn view_person(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(parameters): Parameters<PersonParameters>,
) -> Result<Response, Problem> {
    view(&context, &caller, &person, &parameters, false).await
}

/// Opens a person with what its records say.
#[utoipa::path(get, path = "/persons/{person}/records", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"), PersonParameters),
    responses(
        (status = 200, description = "The person and its records, masked.", body = PersonBody,
            headers(("ETag" = String, description = "For If-Match of a merge."))),
        (status = 410, description = "With `follow=false`: the id was replaced.", body = Gone,
            content_type = "application/problem+json"),
        Unknown, Unusable))]
pub(super) async fn view_person_records(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(parameters): Parameters<PersonParameters>,
) -> Result<Response, Problem> {
    view(&context, &caller, &person, &parameters, true).await
}
