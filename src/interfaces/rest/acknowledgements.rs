//! Readers say that they have taken over a changed id, and who has not.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::flows::{self, Context};
use crate::foundation::limits::CHASE_ENTRIES_MAX;
use crate::foundation::{Instant, PersonId};
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment};
use crate::interfaces::rest::bodies::{AcknowledgedBody, AcknowledgementBody, ChaseBody};
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::interfaces::rest::events::limit;
use crate::security::Action;

/// Parameters of the chase list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChaseParameters {
    /// Only changes from before this instant (RFC 3339); all unless sent.
    #[param(max_length = 40, example = "2026-11-20T00:00:00Z")]
    older_than: Option<String>,
    /// `next` of the answer before.
    #[param(max_length = 64)]
    after: Option<String>,
    /// Changes that are looked at once; 500 unless sent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Says that the caller has taken over the changes of an id.
///
/// For systems that keep copies: all changes up to and with the event at
/// `position` count as taken over.
#[utoipa::path(post, path = "/persons/{person}/acknowledgements", tag = "events",
    request_body = AcknowledgementBody,
    params(("person" = String, Path, description = "The id that changed, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 201, description = "It is noted.", body = AcknowledgedBody),
        Unknown, Unusable))]
pub(super) async fn acknowledge_change(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<AcknowledgedBody>), Problem> {
    let access = caller.may(Action::AcknowledgeChange)?;
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member("person")
    };
    let asked: AcknowledgementBody = body.read()?;
    let person: PersonId = person.parse().map_err(unknown)?;
    let at = flows::acknowledge_change(&context, &access, person, &asked.position)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let answer = AcknowledgedBody::of(person, asked.position, at);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Lists which readers were told an id that has changed since, and have not
/// taken the change over.
///
/// A system sees its own part of the list.
#[utoipa::path(get, path = "/events/unacknowledged", tag = "events", params(ChaseParameters),
    responses((status = 200, description = "A part of the list, and where to go on.",
        body = ChaseBody), Unusable))]
pub(super) async fn chase_list(
    State(context): State<Context>,
    caller: Caller,
    Parameters(asked): Parameters<ChaseParameters>,
) -> Result<Json<ChaseBody>, Problem> {
    let access = caller.may(Action::ReadChaseList)?;
    let most = limit(asked.limit, CHASE_ENTRIES_MAX, CHASE_ENTRIES_MAX, &caller)?;
    let older_than = match &asked.older_than {
        Some(text) => Some(Instant::parse(text).ok_or_else(|| {
            let detail = "older_than must be an instant like 2026-11-20T00:00:00Z";
            let problem = caller.problem(Refused::Unprocessable, detail);
            problem.member("older_than").rule("RFC 3339")
        })?),
        None => None,
    };
    let list = flows::chase_list(&context, &access, older_than, asked.after.as_deref(), most)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(list.into()))
}
