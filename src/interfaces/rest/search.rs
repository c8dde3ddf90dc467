//! People's search. Criteria travel in the body and never in a URL (R120).

use axum::Json;
use axum::extract::State;

use crate::flows::{self, Context};
use crate::foundation::limits::SEARCH_PERSONS_MAX;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters};
use crate::interfaces::rest::bodies::{FoundBody, SearchBody};
use crate::interfaces::rest::document::Unusable;
use crate::security::Action;

/// Searches for people by what is known of them.
///
/// A system is answered only when one person holds all criteria. Criteria that
/// would fit too many are refused (R120).
#[utoipa::path(post, path = "/persons/search", tag = "persons", request_body = SearchBody,
    responses(
        (status = 200, description = "Who was found; nobody is an answer too.", body = FoundBody),
        Unusable))]
pub(super) async fn search_persons(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<FoundBody>, Problem> {
    let access = caller.may(Action::SearchPerson)?;
    let body: SearchBody = body.read()?;
    let limit = body.limit.map_or(Some(SEARCH_PERSONS_MAX), |limit| {
        usize::try_from(limit).ok()
    });
    let limit = limit.filter(|limit| (1..=SEARCH_PERSONS_MAX).contains(limit));
    let limit = limit.ok_or_else(|| {
        let detail = format!("limit must be a whole number from 1 to {SEARCH_PERSONS_MAX}");
        caller
            .problem(Refused::Unprocessable, detail)
            .member("limit")
            .rule("R120")
    })?;
    let answer = flows::search_persons(&context, &access, &body.into(), limit)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
