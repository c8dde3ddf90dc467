//! What follows the ledger: its position, its events, the rows that the index
//! takes in, and the rows of an export.

use sqlx::Row as _;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::matching::Route;
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::storage::db::{Connection, Row};
use crate::storage::rows::{Reader, parse_local_id, parse_person, parse_source, parse_word};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

/// Rows fetched at once where all rows are walked.
pub(super) const PAGE: i64 = 1_000;

/// A record that has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// The record.
    pub record: RecordNumber,
    /// All keys under which any of its versions is found, sorted.
    pub keys: Vec<u64>,
    /// Its source has withdrawn it.
    pub withdrawn: bool,
}

/// An event with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place.
    pub position: EventPosition,
    /// When.
    pub at: Instant,
    /// Account.
    pub actor: String,
    /// Request.
    pub request_id: String,
    /// What.
    pub event: RegistryEvent,
}

/// An active record and to whom it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRow {
    /// The record.
    pub record: RecordNumber,
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// To whom.
    pub person: PersonId,
    /// How; `None` for a person of its own.
    pub route: Option<Route>,
    /// Posterior weight; `None` for a person of its own.
    pub weight_bits: Option<f64>,
    /// The model that gave it.
    pub model: String,
}

const KEYS: RowStatement = RowStatement {
    before: "select record, key from record_keys where record in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// Position of the last event.
    ///
    /// # Errors
    /// What the database says.
    pub async fn position(&self) -> Result<EventPosition, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        last_position(&mut connection).await
    }

    /// Records that have changed after a position, earliest change first, and
    /// the position up to which the rows are complete.
    ///
    /// # Errors
    /// What the database says.
    pub async fn index_feed(
        &self,
        after: EventPosition,
        limit: u32,
    ) -> Result<(Vec<FeedRow>, EventPosition), StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = sqlx::query(
            "select record, status, position from records where position > $1 \
             order by position limit $2",
        )
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(&mut *snapshot)
        .await?;
        let full = rows.len() == limit as usize;
        let complete = match rows.last() {
            Some(last) if full => EventPosition(last.try_get(2)?),
            _ => last_position(&mut snapshot).await?,
        };
        let mut feed = Vec::with_capacity(rows.len());
        for row in &rows {
            feed.push(FeedRow {
                record: RecordNumber(row.try_get(0)?),
                keys: Vec::new(),
                withdrawn: row.try_get::<&str, _>(1)? == "withdrawn",
            });
        }
        fill_keys(&mut snapshot, &mut feed).await?;
        Ok((feed, complete))
    }

    /// Walks the events after a position, in order. `visit` may stop the walk
    /// by an error of its own.
    ///
    /// # Errors
    /// What the database or `visit` says.
    pub async fn for_each_event<E: From<StoreError>>(
        &self,
        after: EventPosition,
        mut visit: impl FnMut(StoredEvent) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = after;
        loop {
            let page = self.list_events(after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.position;
            for event in page {
                visit(event)?;
            }
        }
    }

    async fn list_events(&self, after: EventPosition) -> Result<Vec<StoredEvent>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        list_events(&mut connection, after).await
    }

    /// Walks the active records in order of number, on one snapshot.
    ///
    /// # Errors
    /// What the database or `visit` says.
    pub async fn export_rows<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(ExportRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let begun = self.inner.readers.begin().await;
        let mut snapshot = begun.map_err(StoreError::from)?;
        let mut after = RecordNumber(0);
        loop {
            let page = export_page(&mut snapshot, after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.record;
            for row in page {
                visit(row)?;
            }
        }
    }
}

/// Position of the last event in the connection's snapshot.
pub(super) async fn last_position(
    connection: &mut Connection,
) -> Result<EventPosition, StoreError> {
    let position = sqlx::query_scalar("select coalesce(max(position), 0) from events")
        .fetch_one(connection)
        .await?;
    Ok(EventPosition(position))
}

/// A page of events.
pub(super) async fn list_events(
    connection: &mut Connection,
    after: EventPosition,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = sqlx::query(
        "select position, at, actor, request_id, body from events where position > $1 \
         order by position limit $2",
    )
    .bind(after.0)
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    rows.iter().map(event_from).collect()
}

/// An event, from its position, time, actor, request and body.
pub(super) fn event_from(row: &Row) -> Result<StoredEvent, StoreError> {
    let reader = Reader::numbered(row, "events")?;
    Ok(StoredEvent {
        position: reader.position(0)?,
        at: Instant::from_microseconds(reader.number(1)?),
        actor: reader.text(2)?,
        request_id: reader.text(3)?,
        event: reader.parsed(4, "body", |text| serde_json::from_str(text).ok())?,
    })
}

async fn fill_keys(connection: &mut Connection, feed: &mut [FeedRow]) -> Result<(), StoreError> {
    let numbers: Vec<RecordNumber> = feed.iter().map(|row| row.record).collect();
    let rows = KEYS
        .select(connection, &[], &numbers, |query, number| {
            query.bind(number.0)
        })
        .await?;
    let mut keys: std::collections::HashMap<i64, Vec<u64>> = std::collections::HashMap::new();
    for row in &rows {
        let key: i64 = row.try_get(1)?;
        keys.entry(row.try_get(0)?)
            .or_default()
            .push(key.cast_unsigned());
    }
    for row in feed {
        row.keys = keys.remove(&row.record.0).unwrap_or_default();
        row.keys.sort_unstable();
    }
    Ok(())
}

async fn export_page(
    connection: &mut Connection,
    after: RecordNumber,
) -> Result<Vec<ExportRow>, StoreError> {
    let rows = sqlx::query(
        "select r.record, r.source, r.local_id, l.person, l.route, l.weight_bits, l.model \
         from records r join links l on l.record = r.record and l.to_position is null \
         where r.record > $1 order by r.record limit $2",
    )
    .bind(after.0)
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    let row = |row: &Row| {
        let reader = Reader::numbered(row, "links")?;
        Ok(ExportRow {
            record: RecordNumber(reader.number(0)?),
            source: reader.parsed(1, "source", parse_source)?,
            local_id: reader.parsed(2, "local_id", parse_local_id)?,
            person: reader.parsed(3, "person", parse_person)?,
            route: reader.parsed_or_null(4, "route", parse_word)?,
            weight_bits: reader.real_or_null(5)?,
            model: reader.text(6)?,
        })
    };
    rows.iter().map(row).collect()
}
