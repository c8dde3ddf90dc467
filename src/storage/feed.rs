//! What follows the ledger: its position, its events, the rows that the index
//! takes in, and the rows of an export.

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::matching::{ModelId, Route};
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::storage::db::{self, Connection, Row};
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
    /// Values of it were destroyed: what was kept of them anywhere must go.
    pub erased: bool,
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
    /// Place of its commit in the order that followers see.
    pub stamp: i64,
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
    pub model: ModelId,
}

const KEYS: RowStatement = RowStatement {
    before: "select record, key from record_keys where record in (values",
    columns: 1,
    after: ")",
};

const ERASED: RowStatement = RowStatement {
    before: "select record from erasures where record in (values",
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

    /// Up to where a follower can read now: the last position, or the horizon
    /// where several processes write.
    ///
    /// # Errors
    /// What the database says.
    pub async fn followed_position(&self) -> Result<EventPosition, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        match self.inner.young.horizon(&mut connection).await? {
            Some(horizon) => Ok(horizon),
            None => last_position(&mut connection).await,
        }
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
        let horizon = match self.inner.young.horizon(&mut snapshot).await? {
            Some(horizon) => horizon,
            None => last_position(&mut snapshot).await?,
        };
        let rows = feed_rows(&mut snapshot, after, horizon, i64::from(limit)).await?;
        let complete = rows.last().map_or(Ok(horizon), |row| {
            let full = rows.len() >= limit as usize;
            let last = row.try_get(2).map(EventPosition);
            if full { last } else { Ok(horizon) }
        })?;
        let mut feed = Vec::with_capacity(rows.len());
        for row in &rows {
            feed.push(FeedRow {
                record: RecordNumber(row.try_get(0)?),
                keys: Vec::new(),
                withdrawn: row.try_get::<&str>(1)? == "withdrawn",
                erased: false,
            });
        }
        fill_keys(&mut snapshot, &mut feed).await?;
        note_erased(&mut snapshot, &mut feed).await?;
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
        let mut snapshot = self.inner.readers.begin_long().await?;
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

/// How many links that stand have about this weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkTally {
    /// How they came about; `None` for the first record of a person.
    pub route: Option<Route>,
    /// Weight to the nearest bit, where there is one.
    pub weight_bits: Option<f64>,
    /// How many.
    pub links: u64,
}

/// Changed records in order of their commits, up to the horizon. A commit that
/// the limit would cut is given whole: a follower's place is behind it.
async fn feed_rows(
    connection: &mut Connection,
    after: EventPosition,
    horizon: EventPosition,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = db::query(
        "select record, status, stamp from records where stamp > $1 and stamp <= $2 \
         order by stamp, record limit $3",
    )
    .bind(after.0)
    .bind(horizon.0)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let Some(last) = rows.last().filter(|_| full) else {
        return Ok(rows);
    };
    let (record, stamp): (i64, i64) = (last.try_get(0)?, last.try_get(2)?);
    let rest = db::query(
        "select record, status, stamp from records where stamp = $1 and record > $2 \
         order by record",
    )
    .bind(stamp)
    .bind(record)
    .fetch_all(connection)
    .await?;
    rows.extend(rest);
    Ok(rows)
}

/// Position of the last event in the connection's snapshot.
pub(super) async fn last_position(
    connection: &mut Connection,
) -> Result<EventPosition, StoreError> {
    let row = db::query("select coalesce(max(position), 0) from events")
        .fetch_one(connection)
        .await?;
    Ok(EventPosition(row.try_get(0)?))
}

/// A page of events.
pub(super) async fn list_events(
    connection: &mut Connection,
    after: EventPosition,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = db::query(
        "select position, at, actor, request_id, body, stamp from events where position > $1 \
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
        stamp: reader.number(5)?,
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

async fn note_erased(connection: &mut Connection, feed: &mut [FeedRow]) -> Result<(), StoreError> {
    let numbers: Vec<RecordNumber> = feed.iter().map(|row| row.record).collect();
    let rows = ERASED
        .select(connection, &[], &numbers, |query, number| {
            query.bind(number.0)
        })
        .await?;
    let mut erased = std::collections::BTreeSet::new();
    for row in &rows {
        erased.insert(row.try_get::<i64>(0)?);
    }
    for row in feed {
        row.erased = erased.contains(&row.record.0);
    }
    Ok(())
}

async fn export_page(
    connection: &mut Connection,
    after: RecordNumber,
) -> Result<Vec<ExportRow>, StoreError> {
    let rows = db::query(
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
            model: reader.parsed(6, "model", ModelId::parse)?,
        })
    };
    rows.iter().map(row).collect()
}
