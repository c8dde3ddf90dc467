//! The change feed: events in order of commit, page by page, by a place that
//! readers keep and do not read.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::storage::db::{self, Connection};
use crate::storage::feed::event_from;
use crate::storage::feed_place::FeedPlace;
use crate::storage::rows::{Reader, parse_local_id, parse_person, parse_source};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError, StoredEvent};

/// A page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In order.
    pub events: Vec<StoredEvent>,
    /// Where to go on, also when nothing follows yet.
    pub next: FeedPlace,
    /// Whether something follows already.
    pub more: bool,
}

/// An event with what it is about, as it was then.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedEvent {
    /// The event.
    pub stored: StoredEvent,
    /// Persons that it names, and the one that its record belonged to. Sorted.
    pub persons: Vec<PersonId>,
    /// Its record.
    pub record: Option<(SourceCode, LocalId)>,
    /// Every record that it names, its own first.
    pub records: Vec<RecordNumber>,
    /// Where the record came from, when the event links it to another person
    /// than it belonged to before.
    pub moved_from: Option<PersonId>,
    /// Whose the records were of which a human says something.
    pub asserted: Vec<PersonId>,
}

impl PlacedEvent {
    /// Its place, to go on after.
    #[must_use]
    pub const fn place(&self) -> FeedPlace {
        FeedPlace::of(&self.stored)
    }
}

const NAMES: RowStatement = RowStatement {
    before: "select record, source, local_id from records where record in (values",
    columns: 1,
    after: ")",
};

const LINKS: RowStatement = RowStatement {
    before: "select record, person, from_position, to_position from links where record in (values",
    columns: 1,
    after: ") order by record, from_position",
};

const OWNED: RowStatement = RowStatement {
    before: "select distinct l.person, r.source from links l \
        join records r on r.record = l.record where l.person in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// The text of a place, for a reader to keep.
    #[must_use]
    pub fn place_text(&self, place: FeedPlace) -> String {
        self.inner.places.text(place)
    }

    /// The place of a text; `None` when it is none of this ledger's.
    #[must_use]
    pub fn parse_place(&self, text: &str) -> Option<FeedPlace> {
        self.inner.places.parse(text)
    }

    /// The text by which a record is named where its local id may not stand.
    #[must_use]
    pub fn record_text(&self, record: RecordNumber) -> String {
        self.inner.places.record_text(record)
    }

    /// The record of a text; `None` when it is none of this ledger's.
    #[must_use]
    pub fn parse_record(&self, text: &str) -> Option<RecordNumber> {
        self.inner.places.parse_record(text)
    }

    /// The place up to which a follower can read now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn feed_end(&self) -> Result<FeedPlace, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let horizon = self.inner.young.horizon(&mut connection).await?;
        let row = db::query(
            "select stamp, position from events where stamp <= $1 \
             order by stamp desc, position desc limit 1",
        )
        .bind(horizon.map_or(i64::MAX, |horizon| horizon.0))
        .fetch_optional(&mut connection)
        .await?;
        let Some(row) = row else {
            return Ok(FeedPlace::default());
        };
        let reader = Reader::numbered(&row, "events")?;
        Ok(FeedPlace {
            stamp: reader.number(0)?,
            position: reader.number(1)?,
        })
    }

    /// Events after a place, at most `limit`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_feed(&self, after: FeedPlace, limit: u32) -> Result<EventPage, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        // What commits of an earlier place may still join comes with a later page.
        let horizon = self.inner.young.horizon(&mut connection).await?;
        let rows = db::query(
            "select position, at, actor, request_id, body, stamp from events \
             where (stamp, position) > ($1, $2) and stamp <= $3 \
             order by stamp, position limit $4",
        )
        .bind(after.stamp)
        .bind(after.position)
        .bind(horizon.map_or(i64::MAX, |horizon| horizon.0))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut connection)
        .await?;
        let more = rows.len() > limit as usize;
        let events: Vec<StoredEvent> = rows
            .iter()
            .take(limit as usize)
            .map(event_from)
            .collect::<Result<_, _>>()?;
        Ok(EventPage {
            next: events.last().map_or(after, FeedPlace::of),
            events,
            more,
        })
    }

    /// Names what events are about.
    ///
    /// # Errors
    /// What the database says.
    pub async fn place_events(
        &self,
        events: Vec<StoredEvent>,
    ) -> Result<Vec<PlacedEvent>, StoreError> {
        let records: BTreeSet<RecordNumber> = events
            .iter()
            .flat_map(|event| {
                record_of(&event.event)
                    .into_iter()
                    .chain(asserted(&event.event))
            })
            .collect();
        let records: Vec<RecordNumber> = records.into_iter().collect();
        let mut connection = self.inner.readers.acquire().await?;
        let names = names(&mut connection, &records).await?;
        let links = links(&mut connection, &records).await?;
        let place = |stored: StoredEvent| {
            let record = record_of(&stored.event);
            let own = record.and_then(|record| links.get(&record));
            let owner = own.and_then(|links| owner_at(links, stored.position));
            let moved_from = own.and_then(|links| earlier_owner(links, stored.position));
            let said_of = asserted(&stored.event);
            let said_of = said_of.filter_map(|record| {
                let links = links.get(&record)?;
                owner_at(links, stored.position)
            });
            let mut persons: Vec<PersonId> = persons_of(&stored.event);
            persons.extend(owner);
            persons.sort_unstable();
            persons.dedup();
            PlacedEvent {
                persons,
                record: record.and_then(|record| names.get(&record).cloned()),
                records: record
                    .into_iter()
                    .chain(stored.event.other_records())
                    .collect(),
                moved_from,
                asserted: said_of.collect(),
                stored,
            }
        };
        Ok(events.into_iter().map(place).collect())
    }

    /// Those of the persons of whom one of the sources has or had a record.
    ///
    /// # Errors
    /// What the database says.
    pub async fn persons_of_sources(
        &self,
        persons: &[PersonId],
        sources: &[String],
    ) -> Result<BTreeSet<PersonId>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = OWNED
            .select(&mut connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let mut owned = BTreeSet::new();
        for row in &rows {
            let reader = Reader::named(row, "links")?;
            if sources.contains(&reader.text(1)?) {
                owned.insert(reader.parsed(0, "person", parse_person)?);
            }
        }
        Ok(owned)
    }
}

/// To whom a record belonged.
pub(super) struct LinkInterval {
    pub(super) person: PersonId,
    from: EventPosition,
    to: Option<EventPosition>,
}

/// To whom the record belonged at a position: by the link that held then; before
/// a link, as when it came, by the one that was made next; after the last one,
/// as when it was withdrawn, by that one.
pub(super) fn owner_at(links: &[LinkInterval], position: EventPosition) -> Option<PersonId> {
    let next = links
        .iter()
        .find(|link| link.to.is_none_or(|to| position <= to));
    next.or(links.last()).map(|link| link.person)
}

/// To whom a record belonged before the link that begins at this position.
fn earlier_owner(links: &[LinkInterval], position: EventPosition) -> Option<PersonId> {
    let begun = links.iter().position(|link| link.from == position)?;
    let earlier = links.get(begun.checked_sub(1)?)?.person;
    (earlier != links.get(begun)?.person).then_some(earlier)
}

pub(super) async fn names(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<BTreeMap<RecordNumber, (SourceCode, LocalId)>, StoreError> {
    let rows = NAMES
        .select(connection, &[], records, |query, number| {
            query.bind(number.0)
        })
        .await?;
    let mut names = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "records")?;
        let source = reader.parsed(1, "source", parse_source)?;
        let local_id = reader.parsed(2, "local_id", parse_local_id)?;
        names.insert(RecordNumber(reader.number(0)?), (source, local_id));
    }
    Ok(names)
}

async fn links(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<BTreeMap<RecordNumber, Vec<LinkInterval>>, StoreError> {
    let rows = LINKS
        .select(connection, &[], records, |query, number| {
            query.bind(number.0)
        })
        .await?;
    let mut links: BTreeMap<RecordNumber, Vec<LinkInterval>> = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "links")?;
        let own = links.entry(RecordNumber(reader.number(0)?)).or_default();
        own.push(LinkInterval {
            person: reader.parsed(1, "person", parse_person)?,
            from: reader.position(2)?,
            to: reader.number_or_null(3)?.map(EventPosition),
        });
    }
    for own in links.values_mut() {
        own.sort_by_key(|link| link.from);
    }
    Ok(links)
}

/// The record that an event is about.
pub(super) const fn record_of(event: &RegistryEvent) -> Option<RecordNumber> {
    match event {
        RegistryEvent::RecordRegistered { record, .. }
        | RegistryEvent::RecordUpdated { record, .. }
        | RegistryEvent::RecordWithdrawn { record }
        | RegistryEvent::RecordErased { record, .. }
        | RegistryEvent::RecordLinked { record, .. }
        | RegistryEvent::RecordUnlinked { record, .. }
        | RegistryEvent::TaskOpened { record, .. }
        | RegistryEvent::TaskUpdated { record, .. }
        | RegistryEvent::TaskReopened { record, .. }
        | RegistryEvent::HeldSettled { record, .. }
        | RegistryEvent::SourceConflictNoted { record, .. }
        | RegistryEvent::SourceQuarantined { record, .. }
        | RegistryEvent::VersionDeferred { record, .. }
        | RegistryEvent::DeferredDecided { record, .. }
        | RegistryEvent::GoldenValuePreferred { record, .. }
        | RegistryEvent::ValueDisputed { record, .. }
        | RegistryEvent::DisputeEnded { record, .. }
        | RegistryEvent::NumberReplaced { record, .. } => Some(*record),
        RegistryEvent::PersonCreated { .. }
        | RegistryEvent::PersonRetired { .. }
        | RegistryEvent::PersonWithdrawn { .. }
        | RegistryEvent::TaskClosed { .. }
        | RegistryEvent::TaskClaimed { .. }
        | RegistryEvent::TaskReleased { .. }
        | RegistryEvent::TaskRead { .. }
        | RegistryEvent::TaskDecided { .. }
        | RegistryEvent::TaskEscalated { .. }
        | RegistryEvent::TaskCommented { .. }
        | RegistryEvent::GoldenPreferenceEnded { .. }
        | RegistryEvent::SourceReleased { .. }
        | RegistryEvent::PersonRestored { .. }
        | RegistryEvent::MergeProposed { .. }
        | RegistryEvent::MergeDropped { .. }
        | RegistryEvent::MergeMade { .. }
        | RegistryEvent::MergeUndone { .. }
        | RegistryEvent::AssertionMade { .. }
        | RegistryEvent::AssertionWithdrawn { .. }
        | RegistryEvent::SealMade { .. }
        | RegistryEvent::SealLifted { .. } => None,
    }
}

/// The records of which a human says something.
fn asserted(event: &RegistryEvent) -> impl Iterator<Item = RecordNumber> + use<> {
    let records = match event {
        RegistryEvent::AssertionMade { .. } => event.other_records(),
        _ => Vec::new(),
    };
    records.into_iter()
}

/// The persons that an event names.
pub(super) fn persons_of(event: &RegistryEvent) -> Vec<PersonId> {
    match event {
        RegistryEvent::PersonCreated { person }
        | RegistryEvent::PersonWithdrawn { person }
        | RegistryEvent::PersonRestored { person }
        | RegistryEvent::RecordLinked { person, .. }
        | RegistryEvent::RecordUnlinked { person, .. }
        | RegistryEvent::GoldenValuePreferred { person, .. }
        | RegistryEvent::GoldenPreferenceEnded { person, .. } => vec![*person],
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } => vec![*person, *replaced_by],
        RegistryEvent::TaskOpened { persons, .. } => persons.clone(),
        RegistryEvent::MergeProposed {
            survivor, retired, ..
        }
        | RegistryEvent::MergeDropped {
            survivor, retired, ..
        }
        | RegistryEvent::MergeMade {
            survivor, retired, ..
        }
        | RegistryEvent::MergeUndone {
            survivor, retired, ..
        } => vec![*survivor, *retired],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LinkInterval, earlier_owner, owner_at};
    use crate::foundation::{EventPosition, Instant, PersonId, SeededChance};

    #[test]
    fn a_record_belongs_to_whom_its_links_say() {
        let chance = SeededChance::new(1);
        let [first, second] =
            [1, 2].map(|at| PersonId::new(Instant::from_microseconds(at), &chance));
        let link = |person, from, to: Option<i64>| LinkInterval {
            person,
            from: EventPosition(from),
            to: to.map(EventPosition),
        };
        let links = [link(first, 3, Some(7)), link(second, 9, Some(12))];
        for (position, owner) in [
            (1, first),
            (3, first),
            (7, first),
            (8, second),
            (13, second),
        ] {
            assert_eq!(
                owner_at(&links, EventPosition(position)),
                Some(owner),
                "{position}"
            );
        }
        assert_eq!(owner_at(&[], EventPosition(1)), None);
        assert_eq!(earlier_owner(&links, EventPosition(9)), Some(first));
        for position in [3, 7, 12] {
            assert_eq!(earlier_owner(&links, EventPosition(position)), None);
        }
    }
}
