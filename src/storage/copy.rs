//! Whole ledgers: a hash of all that one holds, and a copy into an empty one.
//! Backup, restore and the move to PostgreSQL are the same copy, of which one
//! side is always SQLite: its catalogue says which tables and columns there
//! are, so that a new one cannot be forgotten.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::foundation::hex;
use crate::storage::db::{self, Connection, GAPS, Query, Row, gaps_from};
use crate::storage::rekey::KEY_FORMAT;
use crate::storage::{PLACES, Store, StoreError};

/// Rows read and written at once.
const ROWS: usize = 128;
/// Tables in the order that foreign keys ask for; others come after them.
const ORDER: [&str; 11] = [
    "sources",
    "records",
    "record_versions",
    "payloads",
    "persons",
    "links",
    "tasks",
    "events",
    "merges",
    "assertions",
    "models",
];
/// What belongs to a place and not to the ledger: `meta` says for itself what
/// moves, and `commits` speaks of connections that are gone.
const OF_THE_PLACE: [&str; 3] = ["meta", "commits", "_sqlx_migrations"];

/// What a ledger holds: for each table its rows and their hash in key order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StateHash {
    /// By name of the table.
    pub tables: BTreeMap<String, TableHash>,
    /// SHA-256 over the tables' names, counts and hashes.
    pub state: String,
}

/// Of one table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableHash {
    /// Rows.
    pub rows: u64,
    /// SHA-256 over all values in key order.
    pub sha256: String,
}

impl StateHash {
    fn of(tables: BTreeMap<String, TableHash>) -> Self {
        let mut hash = Sha256::new();
        for (name, table) in &tables {
            hash.update(format!("{name} {} {}\n", table.rows, table.sha256));
        }
        let state = hex(&hash.finalize());
        Self { tables, state }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Real,
    Text,
    Bytes,
}

/// A table by the catalogue; its key comes first among the columns.
#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
    key: usize,
}

/// A value on its way from one engine to another.
#[derive(Debug, Clone)]
enum Cell {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    fn read(row: &Row, place: usize, kind: Kind) -> Result<Self, StoreError> {
        Ok(match kind {
            Kind::Integer => Self::Integer(row.try_get(place)?),
            Kind::Real => Self::Real(row.try_get(place)?),
            Kind::Text => Self::Text(row.try_get(place)?),
            Kind::Bytes => Self::Bytes(row.try_get(place)?),
        })
    }

    fn bind(self, query: Query) -> Query {
        match self {
            Self::Integer(value) => query.bind(value),
            Self::Real(value) => query.bind(value),
            Self::Text(value) => query.bind(value),
            Self::Bytes(value) => query.bind(value),
        }
    }

    /// A mark of its kind, its length and its bytes; absent is a mark alone.
    fn hash(&self, hash: &mut Sha256) {
        let mut put = |mark: u8, bytes: Option<&[u8]>| {
            hash.update([mark, u8::from(bytes.is_some())]);
            if let Some(bytes) = bytes {
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        };
        match self {
            Self::Integer(value) => put(1, value.map(i64::to_be_bytes).as_ref().map(|it| &it[..])),
            Self::Real(value) => {
                let bits = value.map(|value| value.to_bits().to_be_bytes());
                put(2, bits.as_ref().map(|it| &it[..]));
            }
            Self::Text(value) => put(3, value.as_deref().map(str::as_bytes)),
            Self::Bytes(value) => put(4, value.as_deref()),
        }
    }
}

impl Table {
    fn names(&self, count: usize) -> String {
        let names = self
            .columns
            .iter()
            .take(count)
            .map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    /// The next page in key order.
    fn select(&self, after: Option<&[Cell]>) -> Query {
        let (all, key) = (self.names(self.columns.len()), self.names(self.key));
        let name = &self.name;
        let Some(after) = after else {
            return db::query(format!(
                "select {all} from {name} order by {key} limit {ROWS}"
            ));
        };
        let marks: Vec<String> = (1..=self.key).map(|place| format!("${place}")).collect();
        let marks = marks.join(", ");
        let text = format!(
            "select {all} from {name} where ({key}) > ({marks}) order by {key} limit {ROWS}"
        );
        let key = after.iter().take(self.key).cloned();
        key.fold(db::query(text), |query, cell| cell.bind(query))
    }

    fn insert(&self, shared: bool, rows: Vec<Vec<Cell>>) -> Query {
        let mut text = format!(
            "insert into {} ({}) values",
            self.name,
            self.names(self.columns.len())
        );
        let mut number = 1;
        for row in 0..rows.len() {
            text.push_str(if row == 0 { " (" } else { "), (" });
            for column in 0..self.columns.len() {
                text.push_str(if column == 0 { "" } else { ", " });
                db::write_parameter(&mut text, shared, true, number);
                number += 1;
            }
        }
        text.push(')');
        let cells = rows.into_iter().flatten();
        cells.fold(db::query(text), |query, cell| cell.bind(query))
    }

    fn cells(&self, row: &Row) -> Result<Vec<Cell>, StoreError> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(place, (_, kind))| Cell::read(row, place, *kind))
            .collect()
    }
}

/// The tables by SQLite's catalogue, in the order in which they are filled.
async fn tables(connection: &mut Connection) -> Result<Vec<Table>, StoreError> {
    let rows = db::query(
        "select m.name, c.name, c.type, c.pk from sqlite_master m, pragma_table_info(m.name) c \
         where m.type = 'table' and m.name not like 'sqlite_%' \
         order by m.name, case c.pk when 0 then 1000 else c.pk end, c.cid",
    )
    .fetch_all(connection)
    .await?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let name: String = row.try_get(0)?;
        if OF_THE_PLACE.contains(&name.as_str()) {
            continue;
        }
        let kind = match row.try_get::<&str>(2)? {
            "INTEGER" | "integer" => Kind::Integer,
            "REAL" | "real" => Kind::Real,
            "BLOB" | "blob" => Kind::Bytes,
            _ => Kind::Text,
        };
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table {
                name,
                columns: Vec::new(),
                key: 0,
            });
        }
        if let Some(table) = tables.last_mut() {
            table.key += usize::from(row.try_get::<i64>(3)? > 0);
            table.columns.push((row.try_get(1)?, kind));
        }
    }
    let place = |table: &Table| ORDER.iter().position(|name| *name == table.name);
    tables.sort_by_key(|table| place(table).unwrap_or(ORDER.len()));
    Ok(tables)
}

/// Walks all rows of a table in key order, a page at a time; `visit` gives the
/// page on. The hash of what was walked is returned.
async fn walk(
    from: &mut Connection,
    table: &Table,
    mut into: Option<&mut Connection>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<TableHash, StoreError> {
    let mut hash = Sha256::new();
    let mut rows = 0_u64;
    let mut after: Option<Vec<Cell>> = None;
    loop {
        let page = table.select(after.as_deref()).fetch_all(from).await?;
        let page = page.iter().map(|row| table.cells(row));
        let page = page.collect::<Result<Vec<_>, _>>()?;
        let count = page.len();
        for cell in page.iter().flatten() {
            cell.hash(&mut hash);
        }
        rows += count as u64;
        progress(count as u64);
        after = page.last().cloned();
        if let Some(into) = into.as_deref_mut().filter(|_| count > 0) {
            table.insert(into.is_shared(), page).execute(into).await?;
        }
        if count < ROWS {
            return Ok(TableHash {
                rows,
                sha256: hex(&hash.finalize()),
            });
        }
    }
}

impl Store {
    /// What this ledger holds, on one snapshot. `catalogue` is a SQLite ledger
    /// of the same version, which may be this one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn state_hash(
        &self,
        catalogue: &Self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<StateHash, StoreError> {
        let tables = catalogue.tables().await?;
        let mut snapshot = self.inner.readers.begin_long().await?;
        let mut hashes = BTreeMap::new();
        for table in &tables {
            let hash = walk(&mut snapshot, table, None, progress).await?;
            hashes.insert(table.name.clone(), hash);
        }
        Ok(StateHash::of(hashes))
    }

    async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        tables(&mut connection).await
    }

    /// Copies all that this ledger holds, on one snapshot, into an empty one
    /// that nobody else uses, in one transaction; gives the hash of what was
    /// copied. Close the other one and open it again afterwards.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`]; else what the databases say. Nothing is
    /// written then.
    pub async fn copy_into(
        &self,
        other: &Self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<StateHash, StoreError> {
        let catalogue = if self.is_file() { self } else { other };
        let tables = catalogue.tables().await?;
        let mut from = self.inner.readers.begin_long().await?;
        let mut writer = other.inner.writer.lock().await;
        let into = writer.connection().await?;
        db::begin_long(into).await?;
        match copy(&mut from, into, &tables, progress).await {
            Ok(hash) => {
                db::commit(into).await?;
                Ok(hash)
            }
            Err(error) => {
                db::rollback(into).await;
                Err(error)
            }
        }
    }
}

async fn copy(
    from: &mut Connection,
    into: &mut Connection,
    tables: &[Table],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<StateHash, StoreError> {
    let mut hashes = BTreeMap::new();
    for table in tables {
        let held = db::query(format!("select count(*) from {}", table.name));
        let held: i64 = held.fetch_one(into).await?.try_get(0)?;
        if held > 0 {
            return Err(StoreError::NotEmpty);
        }
    }
    for table in tables {
        let hash = walk(from, table, Some(into), progress).await?;
        hashes.insert(table.name.clone(), hash);
    }
    for key in ["live", "ledger", PLACES, KEY_FORMAT] {
        let row = db::query("select value from meta where key = $1");
        let Some(row) = row.bind(key).fetch_optional(from).await? else {
            continue;
        };
        let changed = db::query(
            "insert into meta (key, value) values ($1, $2) \
             on conflict (key) do update set value = excluded.value",
        );
        let value: String = row.try_get(0)?;
        changed.bind(key).bind(value).execute(into).await?;
    }
    note_gaps(from, into).await?;
    db::raise_numbers(into).await?;
    db::count_values(into).await?;
    Ok(StateHash::of(hashes))
}

/// Up to which event and which audit row numbers may have gaps: where several
/// processes number, what a transaction gives up stays empty.
pub(super) async fn gaps(connection: &mut Connection) -> Result<(i64, i64), StoreError> {
    if connection.is_shared() {
        return Ok((i64::MAX, i64::MAX));
    }
    let row = db::query("select value from meta where key = $1").bind(GAPS);
    let row = row.fetch_optional(connection).await?;
    gaps_from(row.map(|row| row.try_get(0)).transpose()?)
}

async fn note_gaps(from: &mut Connection, into: &mut Connection) -> Result<(), StoreError> {
    let mut known = gaps(from).await?;
    if from.is_shared() {
        // In a file numbers are places too: the next follow on both.
        let row = db::query(
            "select 1 + greatest((select coalesce(max(position), 0) from events), \
             (select coalesce(max(stamp), 0) from events), \
             (select coalesce(max(stamp), 0) from records)), \
             1 + greatest((select coalesce(max(audit), 0) from audit), \
             (select coalesce(max(stamp), 0) from audit))",
        );
        let row = row.fetch_one(from).await?;
        known = (row.try_get(0)?, row.try_get(1)?);
    }
    if known != (0, 0) && !into.is_shared() {
        db::query("insert into meta (key, value) values ($1, $2)")
            .bind(GAPS)
            .bind(format!("{} {}", known.0, known.1))
            .execute(into)
            .await?;
    }
    Ok(())
}
