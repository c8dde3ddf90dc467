//! How far each subscribed reader has been told, and what could not be
//! delivered. One node at a time delivers to a reader: whoever holds the lease.
//! Each change names the epoch of its lease, so that a leader that was frozen
//! meanwhile changes nothing (as the seals of the audit).

use crate::foundation::{Instant, Redacted, WebhookId};
use crate::storage::db::{self, Query, Row};
use crate::storage::rows::{Reader, json};
use crate::storage::{FeedPlace, Store, StoreError};

/// A subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where to.
    pub url: String,
    /// The account that is told.
    pub actor: String,
    /// Sources that it is bound to; empty means all.
    pub sources: Vec<String>,
    /// Kinds of events that it wants; empty means all.
    pub kinds: Vec<String>,
    /// Signs what is sent.
    pub secret: Redacted<String>,
    /// Events in one message at most.
    pub events_per_message: u32,
    /// When it was made.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// It has been told up to here.
    pub place: FeedPlace,
    /// Where the message ends that is on its way or to be tried again.
    pub pending: Option<FeedPlace>,
    /// Times that this message has failed.
    pub attempts: u32,
    /// When to try again.
    pub next_at: Instant,
    /// Why it failed last.
    pub failed_because: Option<String>,
    /// Raised by each that takes the lease.
    pub epoch: i64,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its events come after this place,
    pub after: FeedPlace,
    /// and end here.
    pub upto: FeedPlace,
    /// Times that it has failed since it was last wanted.
    pub attempts: u32,
    /// When it was given up last.
    pub failed_at: Instant,
    /// Why.
    pub failed_because: String,
    /// It is to be sent again.
    pub wanted: bool,
}

/// What an operator watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookGauges {
    /// Dead letters of all readers.
    pub dead_letters: u64,
    /// When the oldest event happened that a reader was offered and has not taken.
    pub oldest_offered: Option<Instant>,
}

/// A failed attempt.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// Attempts so far.
    pub attempts: u32,
    /// When to try again.
    pub next_at: Instant,
    /// Why, without a value of anybody.
    pub because: String,
}

macro_rules! select_webhooks {
    ($rest:literal) => {
        concat!(
            "select webhook, url, actor, sources, kinds, secret, events_per_message, created_at, \
             created_by, stamp, position, pending_stamp, pending_position, attempts, next_at, \
             failed_because, epoch from webhooks ",
            $rest
        )
    };
}

macro_rules! select_letters {
    ($rest:literal) => {
        concat!(
            "select webhook, after_stamp, after_position, stamp, position, attempts, failed_at, \
             failed_because, wanted from webhook_dead_letters ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a new subscription.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let query = db::query(
            "insert into webhooks (webhook, url, actor, sources, kinds, secret, \
             events_per_message, created_at, created_by, stamp, position, attempts, next_at, \
             epoch, lease_until) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, 0)",
        )
        .bind(webhook.id.to_string())
        .bind(webhook.url.clone())
        .bind(webhook.actor.clone())
        .bind(json(&webhook.sources))
        .bind(json(&webhook.kinds))
        .bind(webhook.secret.reveal().clone())
        .bind(i64::from(webhook.events_per_message))
        .bind(webhook.created_at.microseconds())
        .bind(webhook.created_by.clone())
        .bind(webhook.place.stamp)
        .bind(webhook.place.position);
        self.small_write(query).await?;
        Ok(())
    }

    /// All subscriptions, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_webhooks!("order by webhook"))
            .fetch_all(&mut connection)
            .await?;
        rows.iter().map(webhook_from).collect()
    }

    /// The subscription of this id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(select_webhooks!("where webhook = $1"))
            .bind(id.to_string())
            .fetch_optional(&mut connection)
            .await?;
        row.as_ref().map(webhook_from).transpose()
    }

    /// Removes a subscription with its dead letters; whether there was one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remove_webhook(&self, id: WebhookId) -> Result<bool, StoreError> {
        let removed = db::query("delete from webhooks where webhook = $1").bind(id.to_string());
        let removed = self.small_write(removed).await?;
        let letters = db::query("delete from webhook_dead_letters where webhook = $1");
        self.small_write(letters.bind(id.to_string())).await?;
        Ok(removed > 0)
    }

    /// Takes the lease, or renews the own one; gives its epoch, and nothing while
    /// another process holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lease_webhook(
        &self,
        webhook: &Webhook,
        own_epoch: Option<i64>,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        // Where this process is alone, what is left of a lease is its own.
        let own = self.inner.alone || own_epoch == Some(webhook.epoch);
        let query = db::query(
            "update webhooks set epoch = epoch + 1, lease_until = $4 \
             where webhook = $1 and epoch = $2 and lease_until < $3",
        )
        .bind(webhook.id.to_string())
        .bind(webhook.epoch)
        .bind(if own { i64::MAX } else { now.microseconds() })
        .bind(until.microseconds());
        let taken = self.small_write(query).await? > 0;
        Ok(taken.then_some(webhook.epoch + 1))
    }

    /// Gives the lease back, so that another process need not wait for its end.
    ///
    /// # Errors
    /// What the database says.
    pub async fn release_webhook(&self, id: WebhookId, epoch: i64) -> Result<(), StoreError> {
        let query =
            db::query("update webhooks set lease_until = 0 where webhook = $1 and epoch = $2");
        self.small_write(query.bind(id.to_string()).bind(epoch))
            .await?;
        Ok(())
    }

    /// Notes where the message ends that is now sent for the first time; whether
    /// the lease still holds, which each of the following says too.
    ///
    /// # Errors
    /// What the database says.
    pub async fn offer_message(
        &self,
        webhook: &Webhook,
        upto: FeedPlace,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update webhooks set pending_stamp = $3, pending_position = $4, attempts = 0, \
             next_at = 0 where webhook = $1 and epoch = $2",
        );
        let query = fenced(query, webhook).bind(upto.stamp).bind(upto.position);
        Ok(self.small_write(query).await? > 0)
    }

    /// The reader has been told up to here, or nothing for it lies in between.
    ///
    /// # Errors
    /// What the database says.
    pub async fn advance_webhook(
        &self,
        webhook: &Webhook,
        place: FeedPlace,
        lease_until: Instant,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update webhooks set stamp = $3, position = $4, pending_stamp = null, \
             pending_position = null, attempts = 0, next_at = 0, failed_because = null, \
             lease_until = $5 where webhook = $1 and epoch = $2",
        );
        let query = fenced(query, webhook)
            .bind(place.stamp)
            .bind(place.position)
            .bind(lease_until.microseconds());
        Ok(self.small_write(query).await? > 0)
    }

    /// The message was not taken and is tried again later.
    ///
    /// # Errors
    /// What the database says.
    pub async fn postpone_message(
        &self,
        webhook: &Webhook,
        failed: &FailedAttempt,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update webhooks set attempts = $3, next_at = $4, failed_because = $5 \
             where webhook = $1 and epoch = $2",
        );
        let query = fenced(query, webhook)
            .bind(i64::from(failed.attempts))
            .bind(failed.next_at.microseconds())
            .bind(failed.because.clone());
        Ok(self.small_write(query).await? > 0)
    }

    /// Keeps the message as a dead letter. The reader's place is moved after it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_dead_letter(
        &self,
        webhook: &Webhook,
        letter: &DeadLetter,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "insert into webhook_dead_letters (webhook, stamp, position, after_stamp, \
             after_position, attempts, next_at, failed_at, failed_because, wanted) \
             select webhook, $3, $4, $5, $6, $7, 0, $8, $9, 0 from webhooks \
             where webhook = $1 and epoch = $2 \
             on conflict (webhook, stamp, position) do update set wanted = 0, \
             attempts = excluded.attempts, failed_at = excluded.failed_at, \
             failed_because = excluded.failed_because",
        );
        let query = fenced(query, webhook)
            .bind(letter.upto.stamp)
            .bind(letter.upto.position)
            .bind(letter.after.stamp)
            .bind(letter.after.position)
            .bind(i64::from(letter.attempts))
            .bind(letter.failed_at.microseconds())
            .bind(letter.failed_because.clone());
        Ok(self.small_write(query).await? > 0)
    }

    /// The dead letters of a subscription in order, at most `limit`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_dead_letters(
        &self,
        id: WebhookId,
        after: FeedPlace,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_letters!(
            "where webhook = $1 and (stamp, position) > ($2, $3) \
             order by stamp, position limit $4"
        ))
        .bind(id.to_string())
        .bind(after.stamp)
        .bind(after.position)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter().map(letter_from).collect()
    }

    /// Marks dead letters to be sent again: the one that ends at a place, or all;
    /// how many.
    ///
    /// # Errors
    /// What the database says.
    pub async fn want_dead_letters(
        &self,
        id: WebhookId,
        upto: Option<FeedPlace>,
    ) -> Result<u64, StoreError> {
        let (first, last) = upto.map_or_else(
            || (FeedPlace::default(), FeedPlace::last()),
            |upto| (upto, upto),
        );
        let query = db::query(
            "update webhook_dead_letters set wanted = 1, attempts = 0, next_at = 0 \
             where webhook = $1 and (stamp, position) >= ($2, $3) \
             and (stamp, position) <= ($4, $5)",
        )
        .bind(id.to_string())
        .bind(first.stamp)
        .bind(first.position)
        .bind(last.stamp)
        .bind(last.position);
        self.small_write(query).await
    }

    /// The first dead letter that is to be sent again and is due.
    ///
    /// # Errors
    /// What the database says.
    pub async fn wanted_dead_letter(
        &self,
        id: WebhookId,
        now: Instant,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(select_letters!(
            "where webhook = $1 and wanted = 1 and next_at <= $2 \
             order by stamp, position limit 1"
        ))
        .bind(id.to_string())
        .bind(now.microseconds())
        .fetch_optional(&mut connection)
        .await?;
        row.as_ref().map(letter_from).transpose()
    }

    /// A dead letter was not taken again and is tried later.
    ///
    /// # Errors
    /// What the database says.
    pub async fn postpone_dead_letter(
        &self,
        id: WebhookId,
        upto: FeedPlace,
        failed: &FailedAttempt,
    ) -> Result<(), StoreError> {
        let query = db::query(
            "update webhook_dead_letters set attempts = $4, next_at = $5, failed_because = $6 \
             where webhook = $1 and stamp = $2 and position = $3",
        );
        let query = named(query, id, upto)
            .bind(i64::from(failed.attempts))
            .bind(failed.next_at.microseconds())
            .bind(failed.because.clone());
        self.small_write(query).await?;
        Ok(())
    }

    /// A dead letter was taken.
    ///
    /// # Errors
    /// What the database says.
    pub async fn remove_dead_letter(
        &self,
        id: WebhookId,
        upto: FeedPlace,
    ) -> Result<(), StoreError> {
        let query = db::query(
            "delete from webhook_dead_letters where webhook = $1 and stamp = $2 and position = $3",
        );
        self.small_write(named(query, id, upto)).await?;
        Ok(())
    }

    /// How deliveries stand.
    ///
    /// # Errors
    /// What the database says.
    pub async fn webhook_gauges(&self) -> Result<WebhookGauges, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select (select count(*) from webhook_dead_letters), \
             (select min(e.at) from webhooks w join events e on e.stamp = w.pending_stamp \
             and e.position = w.pending_position)",
        )
        .fetch_one(&mut connection)
        .await?;
        let count: i64 = row.try_get(0)?;
        let oldest: Option<i64> = row.try_get(1)?;
        Ok(WebhookGauges {
            dead_letters: count.unsigned_abs(),
            oldest_offered: oldest.map(Instant::from_microseconds),
        })
    }

    /// A small row beside the ledger.
    pub(super) async fn small_write(&self, query: Query) -> Result<u64, StoreError> {
        self.inner.writer.lock().await.execute(query).await
    }
}

fn fenced(query: Query, webhook: &Webhook) -> Query {
    query.bind(webhook.id.to_string()).bind(webhook.epoch)
}

fn named(query: Query, id: WebhookId, upto: FeedPlace) -> Query {
    query
        .bind(id.to_string())
        .bind(upto.stamp)
        .bind(upto.position)
}

fn webhook_from(row: &Row) -> Result<Webhook, StoreError> {
    let reader = Reader::named(row, "webhooks")?;
    let list = |place, column| reader.parsed(place, column, |it| serde_json::from_str(it).ok());
    let pending = match (reader.number_or_null(11)?, reader.number_or_null(12)?) {
        (Some(stamp), Some(position)) => Some(FeedPlace { stamp, position }),
        _ => None,
    };
    Ok(Webhook {
        id: reader.parsed(0, "webhook", |text| text.parse().ok())?,
        url: reader.text(1)?,
        actor: reader.text(2)?,
        sources: list(3, "sources")?,
        kinds: list(4, "kinds")?,
        secret: Redacted::new(reader.text(5)?),
        events_per_message: reader.count(6, "events_per_message")?,
        created_at: Instant::from_microseconds(reader.number(7)?),
        created_by: reader.text(8)?,
        place: FeedPlace {
            stamp: reader.number(9)?,
            position: reader.number(10)?,
        },
        pending,
        attempts: reader.count(13, "attempts")?,
        next_at: Instant::from_microseconds(reader.number(14)?),
        failed_because: reader.text_or_null(15)?,
        epoch: reader.number(16)?,
    })
}

fn letter_from(row: &Row) -> Result<DeadLetter, StoreError> {
    let reader = Reader::named(row, "webhook_dead_letters")?;
    let place = |stamp, position| {
        Ok::<_, StoreError>(FeedPlace {
            stamp: reader.number(stamp)?,
            position: reader.number(position)?,
        })
    };
    Ok(DeadLetter {
        after: place(1, 2)?,
        upto: place(3, 4)?,
        attempts: reader.count(5, "attempts")?,
        failed_at: Instant::from_microseconds(reader.number(6)?),
        failed_because: reader.text(7)?,
        wanted: reader.number(8)? == 1,
    })
}
