//! Readers that are told by a webhook: who is, where to, and what they did not
//! take. An administrator does this; nothing here names a patient.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::flows::follow_events::place_of;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::{DEAD_LETTERS_PER_PAGE_MAX, WEBHOOKS_MAX};
use crate::foundation::{Instant, Redacted, WebhookId};
use crate::registry::SourceCode;
use crate::security::Access;
use crate::storage::{DeadLetter, Webhook};

/// Random bytes of a secret: within the 24 to 64 of Standard Webhooks.
const SECRET_BYTES: usize = 32;

const UNKNOWN: FlowError = FlowError::NotFound("no webhook with this id is known");

/// A reader to be.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// The account that is told.
    pub actor: String,
    /// Sources that it is bound to; empty means all.
    pub sources: Vec<String>,
    /// Kinds of events that it wants; empty means all.
    pub kinds: Vec<String>,
    /// Events in one message at most.
    pub events_per_message: u32,
    /// The place to begin after; from now on without one.
    pub after: Option<String>,
}

/// A reader as it is shown: without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookAnswer {
    /// The subscription.
    pub webhook: Webhook,
    /// The place up to which it has been told.
    pub place: String,
    /// Messages that it did not take.
    pub dead_letters: usize,
}

/// A message that was given up, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterAnswer {
    /// The place of its last event.
    pub place: String,
    /// When it was given up.
    pub failed_at: Instant,
    /// Why.
    pub because: String,
    /// Whether it is being sent again.
    pub wanted: bool,
}

/// Adds a reader; gives its secret, which is shown this once.
///
/// # Errors
/// An address that is not allowed, an unknown source, or a fault of ours.
pub async fn add_webhook(
    context: &Context,
    access: &Access,
    new: NewWebhook,
) -> Result<(WebhookAnswer, Redacted<String>), FlowError> {
    context
        .outward
        .judge(&new.url)
        .map_err(|refusal| FlowError::Unprocessable {
            member: "url",
            rule: "allowed hosts",
            detail: refusal.to_string(),
        })?;
    for source in &new.sources {
        require_source(context, source).await?;
    }
    if context.store.list_webhooks().await?.len() >= WEBHOOKS_MAX {
        return Err(FlowError::Conflict("there are as many webhooks as may be"));
    }
    let place = match &new.after {
        Some(_) => place_of(context, new.after.as_deref())?,
        None => context.store.feed_end().await?,
    };
    let now = context.clock.now();
    let mut random = [0_u8; SECRET_BYTES];
    context.chance.fill(&mut random);
    let secret = Redacted::new(format!("whsec_{}", STANDARD.encode(random)));
    let webhook = Webhook {
        id: WebhookId::new(now, context.chance.as_ref()),
        url: new.url,
        actor: new.actor,
        sources: new.sources,
        kinds: new.kinds,
        secret: secret.clone(),
        events_per_message: new.events_per_message,
        created_at: now,
        created_by: access.actor().name.clone(),
        place,
        pending: None,
        attempts: 0,
        next_at: Instant::default(),
        failed_because: None,
        epoch: 0,
    };
    context.store.add_webhook(&webhook).await?;
    audit(context, access, webhook.id).await?;
    let answer = WebhookAnswer {
        place: context.store.place_text(place),
        webhook,
        dead_letters: 0,
    };
    Ok((answer, secret))
}

async fn require_source(context: &Context, source: &str) -> Result<(), FlowError> {
    let code = SourceCode::parse(source).ok();
    let known = match &code {
        Some(code) => context.store.find_source(code).await?.is_some(),
        None => false,
    };
    if known {
        return Ok(());
    }
    Err(FlowError::Unprocessable {
        member: "sources",
        rule: "known sources",
        detail: "sources must be codes of known sources".to_owned(),
    })
}

/// All readers, the first one first.
///
/// # Errors
/// A fault of ours.
pub async fn list_webhooks(
    context: &Context,
    _access: &Access,
) -> Result<Vec<WebhookAnswer>, FlowError> {
    let mut answers = Vec::new();
    for webhook in context.store.list_webhooks().await? {
        let letters = letters(context, webhook.id).await?;
        answers.push(WebhookAnswer {
            place: context.store.place_text(webhook.place),
            dead_letters: letters.len(),
            webhook,
        });
    }
    Ok(answers)
}

/// Removes a reader with what it did not take.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn remove_webhook(
    context: &Context,
    access: &Access,
    id: WebhookId,
) -> Result<(), FlowError> {
    if !context.store.remove_webhook(id).await? {
        return Err(UNKNOWN);
    }
    audit(context, access, id).await
}

/// What a reader did not take.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn list_dead_letters(
    context: &Context,
    _access: &Access,
    id: WebhookId,
) -> Result<Vec<DeadLetterAnswer>, FlowError> {
    context.store.find_webhook(id).await?.ok_or(UNKNOWN)?;
    let letters = letters(context, id).await?.into_iter();
    let shown = letters.map(|letter| DeadLetterAnswer {
        place: context.store.place_text(letter.upto),
        failed_at: letter.failed_at,
        because: letter.failed_because,
        wanted: letter.wanted,
    });
    Ok(shown.collect())
}

/// Sends again what a reader did not take: one message, or all; how many.
///
/// # Errors
/// Unknown id, a text that is no place, or a fault of ours.
pub async fn redeliver(
    context: &Context,
    access: &Access,
    id: WebhookId,
    place: Option<&str>,
) -> Result<u64, FlowError> {
    context.store.find_webhook(id).await?.ok_or(UNKNOWN)?;
    let upto = match place {
        Some(text) => Some(context.store.parse_place(text).ok_or(UNKNOWN_PLACE)?),
        None => None,
    };
    let wanted = context.store.want_dead_letters(id, upto).await?;
    audit(context, access, id).await?;
    Ok(wanted)
}

const UNKNOWN_PLACE: FlowError =
    FlowError::NotFound("no message that was given up ends at this position");

async fn letters(context: &Context, id: WebhookId) -> Result<Vec<DeadLetter>, FlowError> {
    let from = crate::storage::FeedPlace::default();
    let letters = context
        .store
        .list_dead_letters(id, from, DEAD_LETTERS_PER_PAGE_MAX);
    Ok(letters.await?)
}

async fn audit(context: &Context, access: &Access, id: WebhookId) -> Result<(), FlowError> {
    let entry = access.audit(context.clock.now(), Vec::new(), Some(id.to_string()));
    Ok(context.store.append_audit(vec![entry]).await?)
}
