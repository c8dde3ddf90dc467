//! Webhooks, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::{DeadLetterAnswer, WebhookAnswer};
use crate::interfaces::rest::bodies::events::EventKind;

/// A webhook to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookBody {
    /// Where to; its scheme, host and port must be among those that the operator
    /// allows.
    #[schema(
        max_length = 2048,
        pattern = r"^https?://[!-~]+$",
        example = "https://hooks.example.org/accord"
    )]
    pub url: String,
    /// The account that is told, as the audit will show it and as it
    /// acknowledges.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp-feed"
    )]
    pub actor: String,
    /// Sources whose records and persons it is told of; all when empty.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["gp"]))]
    pub sources: Vec<String>,
    /// Kinds of events that it is told of; all when empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub kinds: Vec<EventKind>,
    /// Events in one message at most; 100 unless sent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub events_per_message: Option<u32>,
    /// The place in the feed to begin after; from now on unless sent.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[!-~]+$")]
    pub after: Option<String>,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub struct WebhookBody {
    /// Its id.
    #[schema(
        pattern = "^W-[0-9a-f]{32}$",
        example = "W-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    webhook_id: String,
    /// Where to.
    url: String,
    /// The account that is told.
    #[schema(example = "gp-feed")]
    actor: String,
    /// Sources that it is bound to; all when empty.
    #[schema(example = json!(["gp"]))]
    sources: Vec<String>,
    /// Kinds of events that it is told of; all when empty.
    #[schema(example = json!(["person_retired"]))]
    kinds: Vec<String>,
    /// Events in one message at most.
    events_per_message: u32,
    /// When it was made (RFC 3339).
    created_at: String,
    /// By whom.
    created_by: String,
    /// It has been told up to here; opaque.
    position: String,
    /// Times that the message on its way has failed.
    attempts: u32,
    /// Why it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_because: Option<String>,
    /// Messages that it did not take.
    dead_letters: usize,
}

impl From<WebhookAnswer> for WebhookBody {
    fn from(answer: WebhookAnswer) -> Self {
        let webhook = answer.webhook;
        Self {
            webhook_id: webhook.id.to_string(),
            url: webhook.url,
            actor: webhook.actor,
            sources: webhook.sources,
            kinds: webhook.kinds,
            events_per_message: webhook.events_per_message,
            created_at: webhook.created_at.to_string(),
            created_by: webhook.created_by,
            position: answer.place,
            attempts: webhook.attempts,
            failed_because: webhook.failed_because,
            dead_letters: answer.dead_letters,
        }
    }
}

/// A new webhook with its secret.
#[derive(Serialize, ToSchema)]
pub struct MadeWebhookBody {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookBody,
    /// Signs the messages; shown this once.
    #[schema(pattern = r"^whsec_[A-Za-z0-9+/]+=*$")]
    secret: String,
}

impl MadeWebhookBody {
    /// The webhook with its secret.
    pub fn of(webhook: WebhookAnswer, secret: String) -> Self {
        Self {
            webhook: webhook.into(),
            secret,
        }
    }
}

/// The list of webhooks.
#[derive(Serialize, ToSchema)]
pub struct WebhooksBody {
    /// The first one first.
    webhooks: Vec<WebhookBody>,
}

impl From<Vec<WebhookAnswer>> for WebhooksBody {
    fn from(webhooks: Vec<WebhookAnswer>) -> Self {
        Self {
            webhooks: webhooks.into_iter().map(WebhookBody::from).collect(),
        }
    }
}

/// Messages that were given up.
#[derive(Serialize, ToSchema)]
pub struct DeadLettersBody {
    /// In order.
    dead_letters: Vec<DeadLetterBody>,
}

/// A message that was given up.
#[derive(Serialize, ToSchema)]
struct DeadLetterBody {
    /// The place of its last event; opaque. Names the message.
    position: String,
    /// When it was given up (RFC 3339).
    failed_at: String,
    /// Why.
    because: String,
    /// Whether it is being sent again.
    sent_again: bool,
}

impl From<Vec<DeadLetterAnswer>> for DeadLettersBody {
    fn from(letters: Vec<DeadLetterAnswer>) -> Self {
        let letters = letters.into_iter().map(|letter| DeadLetterBody {
            position: letter.place,
            failed_at: letter.failed_at.to_string(),
            because: letter.because,
            sent_again: letter.wanted,
        });
        Self {
            dead_letters: letters.collect(),
        }
    }
}

/// What is to be sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeliverBody {
    /// The `position` of one message; all unless sent.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[!-~]+$")]
    pub position: Option<String>,
}

/// What is sent again.
#[derive(Serialize, ToSchema)]
pub struct RedeliveredBody {
    /// Messages.
    pub messages: u64,
}
