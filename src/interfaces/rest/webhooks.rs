//! Readers that are told by webhooks. For administrators; nothing here names a
//! patient.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::flows::{self, Context, NewWebhook};
use crate::foundation::WebhookId;
use crate::foundation::limits::WEBHOOK_EVENTS_MAX;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment};
use crate::interfaces::rest::bodies::{
    DeadLettersBody, MadeWebhookBody, NewWebhookBody, RedeliverBody, RedeliveredBody, WebhooksBody,
};
use crate::interfaces::rest::document::{Conflicting, Unknown, Unusable};
use crate::security::Action;

/// Longest name of an account or of a source.
const NAME_CHARACTERS_MAX: usize = 256;

/// Lists the webhooks and how far each has been told.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks",
    responses((status = 200, description = "All webhooks, without their secrets.", body = WebhooksBody)))]
pub(super) async fn list_webhooks(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<WebhooksBody>, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let webhooks = flows::list_webhooks(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(webhooks.into()))
}

/// Adds a webhook.
///
/// Its secret is in the answer and is shown this once. Messages are signed as
/// Standard Webhooks says, hold ids and kinds of events only, and come in order
/// and at least once.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhookBody,
    responses((status = 201, description = "The webhook with its secret.", body = MadeWebhookBody),
        Conflicting, Unusable))]
pub(super) async fn add_webhook(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<MadeWebhookBody>), Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let new = webhook_of(body.read()?, &caller)?;
    let (webhook, secret) = flows::add_webhook(&context, &access, new)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let made = MadeWebhookBody::of(webhook, secret.into_revealed());
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes a webhook with what it did not take.
#[utoipa::path(delete, path = "/webhooks/{webhook}", tag = "webhooks",
    params(("webhook" = String, Path, description = "A webhook's id.",
        example = "W-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 204, description = "It is told nothing more."), Unknown))]
pub(super) async fn remove_webhook(
    State(context): State<Context>,
    caller: Caller,
    Segment(webhook): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<StatusCode, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let id = webhook_id(&webhook, &caller)?;
    flows::remove_webhook(&context, &access, id)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the messages that a webhook did not take and that were given up.
#[utoipa::path(get, path = "/webhooks/{webhook}/dead-letters", tag = "webhooks",
    params(("webhook" = String, Path, description = "A webhook's id.",
        example = "W-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 200, description = "The first thousand, in order.", body = DeadLettersBody),
        Unknown))]
pub(super) async fn list_dead_letters(
    State(context): State<Context>,
    caller: Caller,
    Segment(webhook): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<DeadLettersBody>, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let id = webhook_id(&webhook, &caller)?;
    let letters = flows::list_dead_letters(&context, &access, id)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(letters.into()))
}

/// Sends again what a webhook did not take.
#[utoipa::path(post, path = "/webhooks/{webhook}/redeliver", tag = "webhooks",
    request_body = RedeliverBody,
    params(("webhook" = String, Path, description = "A webhook's id.",
        example = "W-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 202, description = "How many messages are sent again from now on.",
        body = RedeliveredBody), Unknown, Unusable))]
pub(super) async fn redeliver(
    State(context): State<Context>,
    caller: Caller,
    Segment(webhook): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<RedeliveredBody>), Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let id = webhook_id(&webhook, &caller)?;
    let asked: RedeliverBody = body.read()?;
    let messages = flows::redeliver(&context, &access, id, asked.position.as_deref())
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((StatusCode::ACCEPTED, Json(RedeliveredBody { messages })))
}

fn webhook_id(text: &str, caller: &Caller) -> Result<WebhookId, Problem> {
    text.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no webhook with this id is known");
        problem.member("webhook")
    })
}

fn webhook_of(body: NewWebhookBody, caller: &Caller) -> Result<NewWebhook, Problem> {
    let unusable = |member: &str, rule: &str, detail: String| {
        let problem = caller.problem(Refused::Unprocessable, detail);
        problem.member(member).rule(rule)
    };
    let plain = |text: &str| {
        let short = text.chars().count() <= NAME_CHARACTERS_MAX;
        short && !text.trim().is_empty() && !text.chars().any(char::is_control)
    };
    if !plain(&body.actor) {
        let detail = format!("actor must be plain text of 1 to {NAME_CHARACTERS_MAX} characters");
        return Err(unusable("actor", "short plain text", detail));
    }
    let events_per_message = body.events_per_message.unwrap_or(WEBHOOK_EVENTS_MAX);
    if !(1..=WEBHOOK_EVENTS_MAX).contains(&events_per_message) {
        let detail = format!("events_per_message must be 1 to {WEBHOOK_EVENTS_MAX}");
        return Err(unusable("events_per_message", "range", detail));
    }
    Ok(NewWebhook {
        url: body.url,
        actor: body.actor.trim().to_owned(),
        sources: body.sources,
        kinds: body.kinds.iter().map(|kind| kind.word()).collect(),
        events_per_message,
        after: body.after,
    })
}
