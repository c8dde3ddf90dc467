//! What happened: to one person in words, and in the whole ledger for systems
//! that follow it.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::flows::{self, Context};
use crate::foundation::PersonId;
use crate::foundation::limits::{
    EVENTS_PER_PAGE_DEFAULT, EVENTS_PER_PAGE_MAX, HISTORY_ENTRIES_MAX,
};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{Parameters, Segment};
use crate::interfaces::rest::bodies::{FeedBody, HistoryBody};
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::interfaces::rest::moments::{Masking, instant, may_read};
use crate::security::Action;

/// Parameters of a history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParameters {
    /// `next` of the page before; without it, the history begins.
    #[param(
        max_length = 64,
        example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40"
    )]
    after: Option<String>,
    /// Entries on the page; 200 unless sent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// As it was known at this instant; masked as of now.
    #[param(max_length = 40, format = DateTime, example = "2026-11-22T07:30:00Z")]
    as_of: Option<String>,
    /// Whose masking and seals apply: `then` is for auditors, with a reason.
    #[param(inline)]
    masking: Option<Masking>,
}

/// Parameters of the change feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FeedParameters {
    /// `next` of the answer before; without it, the feed begins.
    #[param(
        max_length = 64,
        example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40"
    )]
    after: Option<String>,
    /// Events of the answer at most; 100 unless sent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

pub(super) fn limit(
    sent: Option<u32>,
    default: u32,
    most: u32,
    caller: &Caller,
) -> Result<u32, Problem> {
    let limit = sent.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("limit must be a whole number from 1 to {most}");
    let problem = caller.problem(Refused::Unprocessable, detail);
    Err(problem.member("limit").rule("range"))
}

/// Tells what happened to a person, oldest first, in words.
#[utoipa::path(get, path = "/persons/{person}/history", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"), HistoryParameters),
    responses(
        (status = 200, description = "A page of the history.", body = HistoryBody),
        Unknown, Unusable))]
pub(super) async fn view_history(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(page): Parameters<HistoryParameters>,
) -> Result<Json<HistoryBody>, Problem> {
    let seen = (page.masking, page.as_of.as_deref());
    let access = may_read(&caller, Action::ReadHistory, None, seen)?;
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member("person")
    };
    let person: PersonId = person.parse().map_err(unknown)?;
    let limit = limit(
        page.limit,
        HISTORY_ENTRIES_MAX,
        HISTORY_ENTRIES_MAX,
        &caller,
    )?;
    let part = flows::HistoryPart {
        after: page.after.as_deref(),
        limit,
        as_of: instant(&caller, page.as_of.as_deref())?,
    };
    let answer = flows::view_history(&context, &access, person, part)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}

/// Follows what happens in the ledger, in order.
///
/// Start without `after`, keep `next`, and ask again with it. An account that
/// is bound to sources sees the events of its own records and persons.
#[utoipa::path(get, path = "/events", tag = "events", params(FeedParameters),
    responses(
        (status = 200, description = "Events after the place, and where to go on.", body = FeedBody),
        Unusable))]
pub(super) async fn follow_events(
    State(context): State<Context>,
    caller: Caller,
    Parameters(page): Parameters<FeedParameters>,
) -> Result<Json<FeedBody>, Problem> {
    let access = caller.may(Action::ReadEvent)?;
    let limit = limit(
        page.limit,
        EVENTS_PER_PAGE_DEFAULT,
        EVENTS_PER_PAGE_MAX,
        &caller,
    )?;
    let feed = flows::follow_events(&context, &access, page.after.as_deref(), limit)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(feed.into()))
}
