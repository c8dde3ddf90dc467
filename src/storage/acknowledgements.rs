//! Who was told an id, by the audit, and who has said that a change of it was
//! taken over.

use std::collections::BTreeMap;

use crate::foundation::{Instant, PersonId};
use crate::storage::db;
use crate::storage::feed::event_from;
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;
use crate::storage::{EventPage, FeedPlace, Store, StoreError, StoredEvent};

/// Readers are systems: whoever saw an id on a screen keeps no copy.
const TOLD: RowStatement = RowStatement {
    before: "select n.person, a.actor, min(a.at) from audit_persons n \
        join audit a on a.audit = n.audit \
        where a.role = 'integration' and a.on_behalf_of is null and n.person in (values",
    columns: 1,
    after: ") group by n.person, a.actor",
};

const ACKNOWLEDGED: RowStatement = RowStatement {
    before: "select person, actor, stamp, position from acknowledgements where person in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// Notes that an account has taken over all changes of an id up to a place.
    ///
    /// # Errors
    /// What the database says.
    pub async fn acknowledge(
        &self,
        actor: &str,
        person: PersonId,
        place: FeedPlace,
        at: Instant,
    ) -> Result<(), StoreError> {
        let query = db::query(
            "insert into acknowledgements (actor, person, stamp, position, at) \
             values ($1, $2, $3, $4, $5) on conflict (actor, person) do update set \
             stamp = excluded.stamp, position = excluded.position, at = excluded.at \
             where (acknowledgements.stamp, acknowledgements.position) \
             < (excluded.stamp, excluded.position)",
        )
        .bind(actor.to_owned())
        .bind(person.to_string())
        .bind(place.stamp)
        .bind(place.position)
        .bind(at.microseconds());
        self.small_write(query).await?;
        Ok(())
    }

    /// Events that may have changed what an id stands for, after a place and
    /// from before an instant.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_id_changes(
        &self,
        after: FeedPlace,
        before: Instant,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let horizon = self.inner.young.horizon(&mut connection).await?;
        let rows = db::query(
            "select position, at, actor, request_id, body, stamp from events \
             where (stamp, position) > ($1, $2) and stamp <= $3 and at < $4 \
             and kind in ('person_retired', 'person_withdrawn', 'record_unlinked', \
             'person_restored') order by stamp, position limit $5",
        )
        .bind(after.stamp)
        .bind(after.position)
        .bind(horizon.map_or(i64::MAX, |horizon| horizon.0))
        .bind(before.microseconds())
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        let events: Vec<StoredEvent> = rows.iter().map(event_from).collect::<Result<_, _>>()?;
        Ok(EventPage {
            next: events.last().map_or(after, FeedPlace::of),
            more: events.len() == limit as usize,
            events,
        })
    }

    /// For each person and system that was told the id: when first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn told_readers(
        &self,
        persons: &[PersonId],
    ) -> Result<BTreeMap<(PersonId, String), Instant>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = TOLD
            .select(&mut connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let mut told = BTreeMap::new();
        for row in &rows {
            let reader = Reader::named(row, "audit_persons")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let first = Instant::from_microseconds(reader.number(2)?);
            told.insert((person, reader.text(1)?), first);
        }
        Ok(told)
    }

    /// Up to where each account has taken over changes of these ids.
    ///
    /// # Errors
    /// What the database says.
    pub async fn acknowledged(
        &self,
        persons: &[PersonId],
    ) -> Result<BTreeMap<(PersonId, String), FeedPlace>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = ACKNOWLEDGED
            .select(&mut connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let mut acknowledged = BTreeMap::new();
        for row in &rows {
            let reader = Reader::named(row, "acknowledgements")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let place = FeedPlace {
                stamp: reader.number(2)?,
                position: reader.number(3)?,
            };
            acknowledged.insert((person, reader.text(1)?), place);
        }
        Ok(acknowledged)
    }
}
