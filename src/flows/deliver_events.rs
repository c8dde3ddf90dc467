//! Webhooks: readers are told of events from the one feed, in order and at least
//! once. The place of each reader is kept in the ledger; nothing is queued
//! anywhere else. What is told holds ids and kinds, never a value of a patient,
//! and is audited before it leaves: the audit then knows who was told which id.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::flows::follow_events::{FeedEvent, shown, visible};
use crate::flows::{Context, FlowError};
use crate::foundation::limits::{
    EVENTS_PER_PAGE_MAX, WEBHOOK_LEASE_SECONDS, WEBHOOK_MESSAGES_PER_ROUND, WEBHOOK_PAUSE_MS,
    WEBHOOK_RETRY_SECONDS_MAX,
};
use crate::foundation::{Instant, PersonId, Redacted, WebhookId};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role};
use crate::storage::{DeadLetter, FailedAttempt, FeedPlace, Webhook};

/// A message to a reader.
#[derive(Debug, Clone, PartialEq)]
pub struct OutwardMessage {
    /// Its id, the same each time it is sent.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Signs it.
    pub secret: Redacted<String>,
    /// When it is sent.
    pub at: Instant,
    /// In order.
    pub events: Vec<FeedEvent>,
    /// The place after the last of them.
    pub next: String,
    /// Sources whose records may be named: those that the reader is bound to.
    pub named_sources: Vec<String>,
    /// It was given up before, and comes out of order.
    pub sent_again: bool,
}

impl OutwardMessage {
    /// The record of an event, where it is one of the reader's own.
    #[must_use]
    pub fn own_record<'e>(&self, event: &'e FeedEvent) -> Option<&'e (SourceCode, LocalId)> {
        let record = event.record.as_ref();
        record.filter(|(source, _)| self.named_sources.iter().any(|own| own == source.as_str()))
    }
}

/// Why a message was not taken: a status or a word, no text of others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotTaken(pub String);

/// The door through which messages leave.
pub trait Outward: Send + Sync {
    /// Sends a message once; it is taken when this gives no error.
    fn send(&self, message: &OutwardMessage) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// How stubborn deliveries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// Attempts before a message becomes a dead letter.
    pub attempts_max: u32,
    /// Wait before the second attempt; each later one waits twice as long.
    pub first_wait: Duration,
}

/// Delivers to every reader until told to stop, and then gives the leases back.
pub async fn deliver_webhooks<O: Outward>(
    context: Context,
    outward: Arc<O>,
    options: DeliveryOptions,
    stop: impl Future<Output = ()> + Send,
) {
    let deliveries = Deliveries {
        context: &context,
        outward: outward.as_ref(),
        options,
    };
    let mut stop = pin!(stop);
    let mut epochs: BTreeMap<WebhookId, i64> = BTreeMap::new();
    let mut busy: BTreeSet<WebhookId> = BTreeSet::new();
    let mut rounds = FuturesUnordered::new();
    loop {
        match context.store.list_webhooks().await {
            Ok(known) => {
                for webhook in known {
                    if busy.insert(webhook.id) {
                        let own = epochs.get(&webhook.id).copied();
                        rounds.push(deliveries.round(webhook, own));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "webhooks could not be read; trying again"),
        }
        let mut pause = pin!(tokio::time::sleep(Duration::from_millis(WEBHOOK_PAUSE_MS)));
        loop {
            tokio::select! {
                () = &mut stop => {
                    for (id, epoch) in epochs {
                        // It ends by itself where this fails.
                        let _ = context.store.release_webhook(id, epoch).await;
                    }
                    return;
                }
                Some((id, epoch)) = rounds.next(), if !rounds.is_empty() => {
                    busy.remove(&id);
                    epochs.extend(epoch.map(|epoch| (id, epoch)));
                }
                () = &mut pause => break,
            }
        }
    }
}

struct Deliveries<'a, O> {
    context: &'a Context,
    outward: &'a O,
    options: DeliveryOptions,
}

/// What is to be sent to a reader.
struct Letter {
    after: FeedPlace,
    upto: FeedPlace,
    events: Vec<FeedEvent>,
    /// Attempts so far; none yet for a message that nobody was offered.
    attempts: Option<u32>,
    again: bool,
}

enum Next {
    Letter(Letter),
    /// A long way in which nothing is for the reader.
    Passed(FeedPlace),
    Nothing,
}

impl<O: Outward> Deliveries<'_, O> {
    /// Delivers some messages to one reader; gives the epoch if it took the lease.
    async fn round(&self, webhook: Webhook, own: Option<i64>) -> (WebhookId, Option<i64>) {
        let id = webhook.id;
        match self.deliver(webhook, own).await {
            Ok(epoch) => (id, epoch),
            Err(error) => {
                tracing::warn!(%error, webhook = %id, "a delivery broke off; trying again");
                (id, own)
            }
        }
    }

    async fn deliver(&self, webhook: Webhook, own: Option<i64>) -> Result<Option<i64>, FlowError> {
        // Whoever has nothing to do takes no lease, which would be a write.
        if matches!(self.next(&webhook).await?, Next::Nothing) {
            return Ok(own);
        }
        let store = &self.context.store;
        let now = self.context.clock.now();
        let until = lease_end(now);
        let Some(epoch) = store.lease_webhook(&webhook, own, now, until).await? else {
            return Ok(own);
        };
        // Another node may have gone on meanwhile.
        let Some(mut webhook) = store.find_webhook(webhook.id).await? else {
            return Ok(None);
        };
        webhook.epoch = epoch;
        for _ in 0..WEBHOOK_MESSAGES_PER_ROUND {
            let holds = match self.next(&webhook).await? {
                Next::Nothing => break,
                Next::Passed(place) => self.advance(&mut webhook, place).await?,
                Next::Letter(letter) => self.send(&mut webhook, letter).await?,
            };
            if !holds {
                break;
            }
        }
        Ok(Some(epoch))
    }

    async fn next(&self, webhook: &Webhook) -> Result<Next, FlowError> {
        let store = &self.context.store;
        let now = self.context.clock.now();
        if let Some(dead) = store.wanted_dead_letter(webhook.id, now).await? {
            let events = self.between(webhook, dead.after, dead.upto).await?;
            return Ok(Next::Letter(Letter {
                after: dead.after,
                upto: dead.upto,
                events,
                attempts: Some(dead.attempts),
                again: true,
            }));
        }
        let Some(upto) = webhook.pending else {
            return self.scan(webhook).await;
        };
        if webhook.next_at > now {
            return Ok(Next::Nothing);
        }
        let events = self.between(webhook, webhook.place, upto).await?;
        Ok(Next::Letter(Letter {
            after: webhook.place,
            upto,
            events,
            attempts: Some(webhook.attempts),
            again: false,
        }))
    }

    /// The next events that are for the reader.
    async fn scan(&self, webhook: &Webhook) -> Result<Next, FlowError> {
        let store = &self.context.store;
        let page = store.list_feed(webhook.place, EVENTS_PER_PAGE_MAX).await?;
        let mut events = self.seen(webhook, page.events).await?;
        if events.is_empty() {
            // A short way is looked at again rather than written down.
            return Ok(if page.more {
                Next::Passed(page.next)
            } else {
                Next::Nothing
            });
        }
        let most = webhook.events_per_message as usize;
        let upto = if events.len() > most {
            events.truncate(most);
            events.last().map_or(page.next, |(place, _)| *place)
        } else {
            page.next
        };
        Ok(Next::Letter(Letter {
            after: webhook.place,
            upto,
            events: events.into_iter().map(|(_, event)| event).collect(),
            attempts: None,
            again: false,
        }))
    }

    /// The events of a message that was made before: the same as then, but for
    /// what the reader may no longer see.
    async fn between(
        &self,
        webhook: &Webhook,
        after: FeedPlace,
        upto: FeedPlace,
    ) -> Result<Vec<FeedEvent>, FlowError> {
        let mut place = after;
        let mut events = Vec::new();
        while place < upto {
            let page = self.context.store.list_feed(place, EVENTS_PER_PAGE_MAX);
            let page = page.await?;
            let seen = self.seen(webhook, page.events).await?;
            let within = seen.into_iter().filter(|(place, _)| *place <= upto);
            events.extend(within.map(|(_, event)| event));
            if !page.more {
                break;
            }
            place = page.next;
        }
        Ok(events)
    }

    async fn seen(
        &self,
        webhook: &Webhook,
        events: Vec<crate::storage::StoredEvent>,
    ) -> Result<Vec<(FeedPlace, FeedEvent)>, FlowError> {
        let access = reader(webhook)?;
        let placed = self.context.store.place_events(events).await?;
        let placed = visible(self.context, &access, placed).await?;
        let events = placed
            .into_iter()
            .map(|event| (event.place(), shown(self.context, event)));
        let wanted = |event: &FeedEvent| {
            webhook.kinds.is_empty() || webhook.kinds.iter().any(|kind| kind == event.kind())
        };
        Ok(events.filter(|(_, event)| wanted(event)).collect())
    }

    /// Sends a letter and keeps what became of it; whether the lease holds.
    async fn send(&self, webhook: &mut Webhook, letter: Letter) -> Result<bool, FlowError> {
        let store = &self.context.store;
        if letter.attempts.is_none() || letter.again {
            self.audit(webhook, &letter.events).await?;
        }
        if letter.attempts.is_none() {
            if !store.offer_message(webhook, letter.upto).await? {
                return Ok(false);
            }
            webhook.pending = Some(letter.upto);
        }
        let message = OutwardMessage {
            id: message_id(webhook.id, &store.place_text(letter.upto)),
            url: webhook.url.clone(),
            secret: webhook.secret.clone(),
            at: self.context.clock.now(),
            events: letter.events,
            next: store.place_text(letter.upto),
            named_sources: webhook.sources.clone(),
            sent_again: letter.again,
        };
        let outcome = if message.events.is_empty() {
            Ok(())
        } else {
            self.outward.send(&message).await
        };
        match outcome {
            Ok(()) => {
                count("delivered");
                metrics::counter!("accord_webhook_events_total")
                    .increment(message.events.len() as u64);
                if letter.again {
                    store.remove_dead_letter(webhook.id, letter.upto).await?;
                    return Ok(true);
                }
                self.advance(webhook, letter.upto).await
            }
            Err(NotTaken(because)) => {
                let attempts = letter.attempts.unwrap_or_default() + 1;
                let place = (letter.after, letter.upto);
                self.fail(webhook, place, (attempts, because), letter.again)
                    .await
            }
        }
    }

    async fn fail(
        &self,
        webhook: &mut Webhook,
        (after, upto): (FeedPlace, FeedPlace),
        (attempts, because): (u32, String),
        again: bool,
    ) -> Result<bool, FlowError> {
        let store = &self.context.store;
        let now = self.context.clock.now();
        tracing::info!(webhook = %webhook.id, attempts, because, "a webhook was not taken");
        if attempts < self.options.attempts_max {
            count("failed");
            let failed = FailedAttempt {
                attempts,
                next_at: self.retry_at(now, attempts),
                because,
            };
            if again {
                store
                    .postpone_dead_letter(webhook.id, upto, &failed)
                    .await?;
                return Ok(true);
            }
            webhook.attempts = attempts;
            webhook.next_at = failed.next_at;
            return Ok(store.postpone_message(webhook, &failed).await?);
        }
        count("given_up");
        let letter = DeadLetter {
            after,
            upto,
            attempts,
            failed_at: now,
            failed_because: because,
            wanted: false,
        };
        let holds = store.keep_dead_letter(webhook, &letter).await?;
        if !holds || again {
            return Ok(holds);
        }
        self.advance(webhook, upto).await
    }

    async fn advance(&self, webhook: &mut Webhook, place: FeedPlace) -> Result<bool, FlowError> {
        let until = lease_end(self.context.clock.now());
        let store = &self.context.store;
        let holds = store.advance_webhook(webhook, place, until).await?;
        webhook.place = place;
        webhook.pending = None;
        webhook.attempts = 0;
        Ok(holds)
    }

    async fn audit(&self, webhook: &Webhook, events: &[FeedEvent]) -> Result<(), FlowError> {
        let persons: BTreeSet<PersonId> = events
            .iter()
            .flat_map(|event| event.persons.iter().copied())
            .collect();
        let access = reader(webhook)?;
        let now = self.context.clock.now();
        let entry = access.audit(
            now,
            persons.into_iter().collect(),
            Some(webhook.id.to_string()),
        );
        Ok(self.context.store.append_audit(vec![entry]).await?)
    }

    /// Twice as long after each attempt, and by up to a half less, so that
    /// readers that went away together are not called together.
    fn retry_at(&self, now: Instant, attempts: u32) -> Instant {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let wait = self.options.first_wait.saturating_mul(doubled);
        let wait = wait.min(Duration::from_secs(WEBHOOK_RETRY_SECONDS_MAX));
        let mut random = [0_u8; 4];
        self.context.chance.fill(&mut random);
        let share = f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX);
        let wait = wait.mul_f64(0.5 + share / 2.0);
        after(now, wait)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("accord_webhook_messages_total", "outcome" => outcome).increment(1);
}

fn lease_end(now: Instant) -> Instant {
    after(now, Duration::from_secs(WEBHOOK_LEASE_SECONDS))
}

fn after(now: Instant, wait: Duration) -> Instant {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Instant::from_microseconds(now.microseconds().saturating_add(wait))
}

/// The same for the same message, and for no other.
fn message_id(webhook: WebhookId, place: &str) -> String {
    let webhook = webhook.to_string();
    let place = place.trim_start_matches("2.");
    format!("msg_{}_{place}", webhook.trim_start_matches("W-"))
}

/// A reader sees what an integration account with its sources would.
fn reader(webhook: &Webhook) -> Result<Access, FlowError> {
    let actor = Actor {
        name: webhook.actor.clone(),
        kind: ActorKind::System,
        roles: vec![Role::Integration],
        sources: webhook.sources.clone(),
        on_behalf_of: None,
        reason: None,
        request_id: webhook.id.to_string(),
        origin: Origin::default(),
    };
    Ok(Access::to(Action::DeliverEvent, actor)?)
}
