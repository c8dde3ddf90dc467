//! What happened to a person and to its records, oldest first: the ledger read
//! by subject.

use std::collections::BTreeSet;

use crate::foundation::{EventPosition, Instant, PersonId, TaskId};
use crate::registry::{RegistryEvent, task_of};
use crate::storage::db::Connection;
use crate::storage::event_feed::PlacedEvent;
use crate::storage::feed::event_from;
use crate::storage::feed_place::FeedPlace;
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError, StoredEvent};

/// A page of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// In order.
    pub events: Vec<PlacedEvent>,
    /// Where to go on, when something follows.
    pub next: Option<FeedPlace>,
}

/// Events read at once.
const CHUNK: usize = 128;

const RECORDS: RowStatement = RowStatement {
    before: "select distinct record from links where person in (values",
    columns: 1,
    after: ")",
};

const TASKS: RowStatement = RowStatement {
    before: "select e.position, e.at, e.actor, e.request_id, e.body, e.stamp from event_subjects s \
        join events e on e.position = s.position \
        where e.kind = 'task_opened' and s.subject in (values",
    columns: 1,
    after: ")",
};

const POSITIONS: RowStatement = RowStatement {
    before: "select position from event_subjects where position > $1 and subject in (values",
    columns: 1,
    after: ")",
};

const EVENTS: RowStatement = RowStatement {
    before: "select position, at, actor, request_id, body, stamp from events where position in (values",
    columns: 1,
    after: ") order by position",
};

/// By subject, for `replaced_by` has no index; somebody who retired may stand
/// again, which only `persons` knows.
const RETIREMENTS: RowStatement = RowStatement {
    before: "select e.position, e.at, e.actor, e.request_id, e.body, e.stamp from event_subjects s \
        join events e on e.position = s.position \
        where e.kind = 'person_retired' and s.subject in (values",
    columns: 1,
    after: ")",
};

const RETIRED: RowStatement = RowStatement {
    before: "select person, replaced_by from persons where status = 'retired' and person in (values",
    columns: 1,
    after: ") order by person",
};

impl Store {
    /// The person and all ids that have retired into it, the person first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn person_and_retired(&self, person: PersonId) -> Result<Vec<PersonId>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut all = vec![person];
        let mut asked = 0;
        while asked < all.len() {
            let ever = retired_into(&mut connection, &all[asked..]).await?;
            asked = all.len();
            let rows = RETIRED
                .select(&mut connection, &[], &ever, |query, person| {
                    query.bind(person.to_string())
                })
                .await?;
            for row in &rows {
                let reader = Reader::named(row, "persons")?;
                let retired = reader.parsed(0, "person", parse_person)?;
                let survivor = reader.parsed(1, "replaced_by", parse_person)?;
                if all.contains(&survivor) && !all.contains(&retired) {
                    all.push(retired);
                }
            }
        }
        Ok(all)
    }

    /// Events about these persons, about their records while they were theirs,
    /// and about the tasks that name them, after a place. With `upto`, only what was
    /// known by then.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_history(
        &self,
        persons: &[PersonId],
        after: FeedPlace,
        upto: Option<Instant>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError> {
        let after = EventPosition(after.position);
        let (positions, tasks) = self.positions(persons, after).await?;
        let positions: Vec<EventPosition> = positions.into_iter().collect();
        let limit = limit as usize;
        let mut events: Vec<PlacedEvent> = Vec::new();
        for chunk in positions.chunks(CHUNK) {
            let mut known = self.events_at(chunk).await?;
            known.retain(|event| upto.is_none_or(|upto| event.at <= upto));
            let placed = self.place_events(known).await?;
            events.extend(
                placed
                    .into_iter()
                    .filter(|event| is_of(event, persons, &tasks)),
            );
            if events.len() > limit {
                break;
            }
        }
        let more = events.len() > limit;
        events.truncate(limit);
        let last = events.last().map(PlacedEvent::place);
        let next = last.filter(|_| more);
        Ok(HistoryPage { events, next })
    }

    async fn positions(
        &self,
        persons: &[PersonId],
        after: EventPosition,
    ) -> Result<(BTreeSet<EventPosition>, BTreeSet<TaskId>), StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut subjects: Vec<String> = persons.iter().map(ToString::to_string).collect();
        let opened = TASKS
            .select(&mut connection, &[], &subjects, |query, subject| {
                query.bind(subject.clone())
            })
            .await?;
        let mut tasks = BTreeSet::new();
        for row in &opened {
            if let RegistryEvent::TaskOpened { task, .. } = event_from(row)?.event {
                tasks.insert(task);
            }
        }
        let records = RECORDS
            .select(&mut connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        for row in &records {
            subjects.push(format!("R{}", Reader::numbered(row, "links")?.number(0)?));
        }
        subjects.extend(tasks.iter().map(ToString::to_string));
        let rows = POSITIONS
            .select(&mut connection, &[after.0], &subjects, |query, subject| {
                query.bind(subject.clone())
            })
            .await?;
        let positions = rows
            .iter()
            .map(|row| Reader::numbered(row, "event_subjects")?.position(0))
            .collect::<Result<_, _>>()?;
        Ok((positions, tasks))
    }

    async fn events_at(&self, positions: &[EventPosition]) -> Result<Vec<StoredEvent>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        events_at(&mut connection, positions).await
    }
}

/// Everybody who ever retired into one of these.
pub(super) async fn retired_into(
    connection: &mut Connection,
    persons: &[PersonId],
) -> Result<Vec<PersonId>, StoreError> {
    let rows = RETIREMENTS
        .select(connection, &[], persons, |query, person| {
            query.bind(person.to_string())
        })
        .await?;
    let mut retired = Vec::new();
    for row in &rows {
        if let RegistryEvent::PersonRetired { person, .. } = event_from(row)?.event {
            retired.push(person);
        }
    }
    Ok(retired)
}

async fn events_at(
    connection: &mut Connection,
    positions: &[EventPosition],
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = EVENTS
        .select(connection, &[], positions, |query, position| {
            query.bind(position.0)
        })
        .await?;
    rows.iter().map(event_from).collect()
}

/// A record that went to somebody else takes its later events with it.
fn is_of(event: &PlacedEvent, persons: &[PersonId], tasks: &BTreeSet<TaskId>) -> bool {
    if let Some(task) = task_of(&event.stored.event) {
        return tasks.contains(&task);
    }
    let mut about = event.persons.iter().chain(&event.asserted);
    about.any(|person| persons.contains(person))
}
