//! The audit log: rows of reads are appended here, rows of commands go with
//! their commit. Sealing stands in `seal`, the check in `verify_audit`.

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::foundation::{Instant, PersonId};
use crate::security::AuditEntry;
use crate::storage::command::{self, CommitActor, Planned, Queued};
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::Reader;
use crate::storage::seal::Layout;
use crate::storage::{Store, StoreError};

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number; where one process writes, counted from 1 without a gap.
    pub audit: i64,
    /// When.
    pub at: Instant,
    /// The account.
    pub actor: String,
    /// The person for whom a system acted.
    pub on_behalf_of: Option<String>,
    /// The role that was used.
    pub role: String,
    /// The organisation.
    pub organisation: Option<String>,
    /// Why.
    pub purpose: Option<String>,
    /// What was done.
    pub action: String,
    /// The request.
    pub request_id: String,
    /// Persons that were returned or changed, as JSON.
    pub persons: String,
    /// Source and local id.
    pub record: Option<String>,
    /// The client's network address; none in rows from before it was kept.
    pub address: Option<String>,
    /// The door, as [`crate::security::Origin`] says it.
    pub door: Option<String>,
}

impl AuditRow {
    /// Leaf hash of RFC 6962: SHA-256 over 0x00 and the columns in order, each
    /// as its length in eight bytes and its UTF-8 text, an absent one as eight
    /// bytes of 0xff. Before the third layout of seals rows had no origin.
    pub(super) fn leaf(&self, layout: Layout) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update([0x00]);
        let audit = self.audit.to_string();
        let at = self.at.microseconds().to_string();
        let columns: [Option<&str>; 13] = [
            Some(&audit),
            Some(&at),
            Some(&self.actor),
            self.on_behalf_of.as_deref(),
            Some(&self.role),
            self.organisation.as_deref(),
            self.purpose.as_deref(),
            Some(&self.action),
            Some(&self.request_id),
            Some(&self.persons),
            self.record.as_deref(),
            self.address.as_deref(),
            self.door.as_deref(),
        ];
        let count = match layout {
            Layout::First | Layout::Second => 11,
            Layout::Third => 13,
        };
        for column in columns.into_iter().take(count) {
            match column {
                Some(text) => {
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update([0xff; 8]),
            }
        }
        hash.finalize().into()
    }
}

macro_rules! select_audit {
    ($rest:literal) => {
        concat!(
            "select a.audit, a.at, a.actor, a.on_behalf_of, a.role, a.organisation, a.purpose, \
             a.action, a.request_id, a.persons, a.record, a.stamp, a.address, a.door \
             from audit a ",
            $rest
        )
    };
}

fn audit_from(row: &Row) -> Result<AuditRow, StoreError> {
    let reader = Reader::numbered(row, "audit")?;
    Ok(AuditRow {
        audit: reader.number(0)?,
        at: Instant::from_microseconds(reader.number(1)?),
        actor: reader.text(2)?,
        on_behalf_of: reader.text_or_null(3)?,
        role: reader.text(4)?,
        organisation: reader.text_or_null(5)?,
        purpose: reader.text_or_null(6)?,
        action: reader.text(7)?,
        request_id: reader.text(8)?,
        persons: reader.text(9)?,
        record: reader.text_or_null(10)?,
        address: reader.text_or_null(12)?,
        door: reader.text_or_null(13)?,
    })
}

/// Rows after one, in order of their commits, up to the place of one; each
/// with its commit's place.
pub(super) async fn list_after(
    connection: &mut Connection,
    after: (i64, i64),
    upto: i64,
    limit: i64,
) -> Result<Vec<(i64, AuditRow)>, StoreError> {
    let rows = db::query(select_audit!(
        "where (a.stamp, a.audit) > ($1, $2) and a.stamp <= $3 \
         order by a.stamp, a.audit limit $4"
    ))
    .bind(after.0)
    .bind(after.1)
    .bind(upto)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(11)?, audit_from(row)?)))
        .collect()
}

/// Audit rows on their way.
pub struct HandedIn(oneshot::Receiver<Result<(), StoreError>>);

impl HandedIn {
    /// Returns once they are durable.
    ///
    /// # Errors
    /// What the database says; the answer must then not leave.
    pub async fn durable(self) -> Result<(), StoreError> {
        self.0.await.map_err(|_| StoreError::Closed)?
    }
}

fn audit_command(entries: Vec<AuditEntry>) -> (Queued, oneshot::Receiver<Result<(), StoreError>>) {
    let decide = move |_: &mut _, _: &_| Planned {
        audit: entries.clone(),
        ..Planned::nothing(())
    };
    let (work, answer) = command::work(decide, |()| true);
    let queued = Queued {
        read: None,
        actor: CommitActor {
            actor: String::new(),
            request_id: String::new(),
        },
        at: Instant::default(),
        came: tokio::time::Instant::now(),
        work,
        with: None,
    };
    (queued, answer)
}

impl Store {
    /// Writes audit rows and returns once they are durable; an answer that
    /// they are about leaves after that (RULES R130). Shares its commit with
    /// whatever else is being written.
    ///
    /// # Errors
    /// What the database says; the answer must then not leave.
    pub async fn append_audit(&self, entries: Vec<AuditEntry>) -> Result<(), StoreError> {
        let (queued, answer) = audit_command(entries);
        self.queue(queued).await?;
        HandedIn(answer).durable().await
    }

    /// The same in two halves: what computes the answer hands its audit rows in,
    /// and who sends it waits. `None` when the writer's queue is full.
    #[must_use]
    pub fn hand_in_audit(&self, entries: Vec<AuditEntry>) -> Option<HandedIn> {
        let (queued, answer) = audit_command(entries);
        self.inner.queue.try_send(queued).ok()?;
        Some(HandedIn(answer))
    }

    /// Audit rows after a number, in order; with a person those that name it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_audit(
        &self,
        person: Option<PersonId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let Some(person) = person else {
            let rows = db::query(select_audit!(
                "where a.audit > $1 order by a.audit limit $2"
            ))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut connection)
            .await?;
            return rows.iter().map(audit_from).collect();
        };
        let rows = db::query(select_audit!(
            "join audit_persons n on n.audit = a.audit \
             where n.person = $1 and n.audit > $2 order by n.audit limit $3"
        ))
        .bind(person.to_string())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter().map(audit_from).collect()
    }

    /// Audit rows before a number, the latest first: those that name a person.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest_audit_of_person(
        &self,
        person: PersonId,
        before: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_audit!(
            "join audit_persons n on n.audit = a.audit \
             where n.person = $1 and n.audit < $2 order by n.audit desc limit $3"
        ))
        .bind(person.to_string())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter().map(audit_from).collect()
    }

    /// The same: those of an account, or of a person for whom a system acted. No
    /// index serves this: it would cost every request, and an auditor asks seldom.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest_audit_of_actor(
        &self,
        actor: &str,
        before: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_audit!(
            "where (a.actor = $1 or a.on_behalf_of = $1) and a.audit < $2 \
             order by a.audit desc limit $3"
        ))
        .bind(actor.to_owned())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter().map(audit_from).collect()
    }
}
