//! A statement, its values and its rows, the same for both engines.

use std::borrow::Cow;

use rusqlite::types::Value as Cell;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Decode, Postgres, Row as _, Type};

use super::{Connection, Engine, sqlite};
use crate::storage::StoreError;

/// A value of a parameter; an absent one keeps its type.
#[derive(Debug, Clone)]
pub(in crate::storage) enum Value {
    /// An integer.
    Integer(Option<i64>),
    /// A double.
    Real(Option<f64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($type:ty => $value:expr),+ $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                ($value)(value)
            }
        })+
    };
}

value_from! {
    i64 => |value| Self::Integer(Some(value)),
    Option<i64> => Self::Integer,
    f64 => |value| Self::Real(Some(value)),
    Option<f64> => Self::Real,
    String => |value| Self::Text(Some(value)),
    Option<String> => Self::Text,
    &str => |value: &str| Self::Text(Some(value.to_owned())),
    Option<&str> => |value: Option<&str>| Self::Text(value.map(str::to_owned)),
    Vec<u8> => |value| Self::Bytes(Some(value)),
    Option<Vec<u8>> => Self::Bytes,
}

/// A statement with its values, for either engine.
#[derive(Clone)]
pub(in crate::storage) struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement. Texts that are put together hold no value of a caller.
pub(in crate::storage) fn query(text: impl Into<Cow<'static, str>>) -> Query {
    let text = text.into();
    #[cfg(test)]
    seen::note(&text);
    Query {
        text,
        values: Vec::new(),
    }
}

/// Texts of statements that a test has listened for, on its own thread.
#[cfg(test)]
pub(in crate::storage) mod seen {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static TEXTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(super) fn note(text: &str) {
        TEXTS.with_borrow_mut(|texts| texts.insert(text.to_owned()));
    }

    /// What was asked since it was taken last.
    pub(in crate::storage) fn take() -> BTreeSet<String> {
        TEXTS.take()
    }
}

macro_rules! prepared {
    ($query:expr) => {{
        let Query { text, values } = $query;
        let query = match text {
            Cow::Borrowed(text) => sqlx::query(text),
            Cow::Owned(text) => sqlx::query(AssertSqlSafe(text)),
        };
        values.into_iter().fold(query, |query, value| match value {
            Value::Integer(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
    }};
}

impl Query {
    /// Adds the value of the next parameter.
    pub(in crate::storage) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Runs it; how many rows it changed.
    pub(in crate::storage) async fn execute(
        self,
        connection: &mut Connection,
    ) -> Result<u64, StoreError> {
        match connection.engine()? {
            Engine::Sqlite(it) => sqlite::execute(it, &self),
            Engine::Postgres(it) => Ok(prepared!(self).execute(it).await?.rows_affected()),
        }
    }

    /// All rows.
    pub(in crate::storage) async fn fetch_all(
        self,
        connection: &mut Connection,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match connection.engine()? {
            Engine::Sqlite(it) => {
                let rows = sqlite::fetch(it, &self, usize::MAX)?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Engine::Postgres(it) => {
                let rows = prepared!(self).fetch_all(it).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The row, if there is one.
    pub(in crate::storage) async fn fetch_optional(
        self,
        connection: &mut Connection,
    ) -> Result<Option<Row>, StoreError> {
        Ok(match connection.engine()? {
            Engine::Sqlite(it) => {
                let rows = sqlite::fetch(it, &self, 1)?;
                rows.into_iter().next().map(Row::Sqlite)
            }
            Engine::Postgres(it) => prepared!(self).fetch_optional(it).await?.map(Row::Postgres),
        })
    }

    /// The one row.
    pub(in crate::storage) async fn fetch_one(
        self,
        connection: &mut Connection,
    ) -> Result<Row, StoreError> {
        let row = self.fetch_optional(connection).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }
}

/// A row of either engine.
pub(in crate::storage) enum Row {
    /// Of SQLite.
    Sqlite(Box<[Cell]>),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

/// What a column can be read as on both engines.
pub(in crate::storage) trait Column<'r>:
    Sized + Decode<'r, Postgres> + Type<Postgres>
{
    /// The value of a cell; `None` when it is of another kind.
    fn of(cell: &'r Cell) -> Option<Self>;
}

macro_rules! columns {
    ($($type:ty: $pattern:pat => $value:expr),+ $(,)?) => {
        $(impl<'r> Column<'r> for $type {
            fn of(cell: &'r Cell) -> Option<Self> {
                match cell {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }

        impl<'r> Column<'r> for Option<$type> {
            fn of(cell: &'r Cell) -> Option<Self> {
                match cell {
                    Cell::Null => Some(None),
                    cell => <$type>::of(cell).map(Some),
                }
            }
        })+
    };
}

columns! {
    i64: Cell::Integer(value) => *value,
    f64: Cell::Real(value) => *value,
    &'r str: Cell::Text(value) => value,
    String: Cell::Text(value) => value.clone(),
    &'r [u8]: Cell::Blob(value) => value,
    Vec<u8>: Cell::Blob(value) => value.clone(),
}

impl Row {
    /// The column at a place, counted from 0.
    pub(in crate::storage) fn try_get<'r, T: Column<'r>>(
        &'r self,
        place: usize,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(cells) => {
                let cell = cells.get(place).unwrap_or(&Cell::Null);
                T::of(cell).ok_or_else(|| {
                    let kind = cell.data_type();
                    rusqlite::Error::InvalidColumnType(place, String::new(), kind).into()
                })
            }
            Self::Postgres(row) => Ok(row.try_get(place)?),
        }
    }
}

/// Writes the mark of a parameter.
pub(in crate::storage) fn write_parameter(
    text: &mut String,
    shared: bool,
    in_order: bool,
    number: usize,
) {
    use std::fmt::Write as _;
    // SQLite walks the list of all names for each named one, which costs more
    // than the insert itself where a statement has hundreds. Writing to a
    // string cannot fail.
    if in_order && !shared {
        text.push('?');
    } else {
        let _ = write!(text, "${number}");
    }
}
