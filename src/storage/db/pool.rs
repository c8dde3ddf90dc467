//! Readers of a ledger, on either engine.

use std::sync::Arc;

use sqlx::postgres::PgPool;

use super::{Connection, Engine, postgres, sqlite};
use crate::storage::StoreError;

/// Readers.
pub(in crate::storage) enum Pool {
    /// Of one file.
    Sqlite(Arc<sqlite::Readers>),
    /// Of one database.
    Postgres(PgPool),
}

impl Pool {
    /// A connection; each statement sees the latest state.
    pub(in crate::storage) async fn acquire(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(readers) => Connection::ReadingSqlite(readers.acquire()?),
            Self::Postgres(pool) => Connection::PooledPostgres(pool.acquire().await?),
        })
    }

    /// A connection on which all statements see one state.
    pub(in crate::storage) async fn begin(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(readers) => Connection::ReadingSqlite(readers.begin()?),
            Self::Postgres(pool) => {
                let begun = pool.begin_with("begin isolation level repeatable read read only");
                Connection::SnapshotPostgres(begun.await?)
            }
        })
    }

    /// The same, on a state that may be kept from an earlier caller as long as
    /// nothing was noted as changed since: for what this process alone writes.
    pub(in crate::storage) async fn begin_kept(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(readers) => Ok(Connection::ReadingSqlite(readers.begin_kept()?)),
            Self::Postgres(_) => self.acquire().await,
        }
    }

    /// Ends kept states. To be called after a commit and before its callers are
    /// told.
    pub(in crate::storage) fn note_change(&self) {
        if let Self::Sqlite(readers) = self {
            readers.note_change();
        }
    }

    /// The same for a walk over a whole ledger, which takes its time.
    pub(in crate::storage) async fn begin_long(&self) -> Result<Connection, StoreError> {
        let mut connection = self.begin().await?;
        if let Engine::Postgres(it) = connection.engine()? {
            postgres::allow_long(it).await?;
        }
        Ok(connection)
    }

    pub(in crate::storage) async fn close(&self) {
        match self {
            Self::Sqlite(readers) => readers.close(),
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
