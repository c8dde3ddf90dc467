//! What can go wrong in the store. No text here holds a value of a record:
//! rows are named by number or id.

use std::sync::Arc;

/// What an engine says.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// SQLite, of a file.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    /// A PostgreSQL server, or the line to it.
    #[error(transparent)]
    Postgres(sqlx::Error),
}

/// Our trouble, not the caller's.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data directory.
    #[error("the data directory is in use by another accord process")]
    InUse,
    /// Nothing was made there yet.
    #[error("there is no ledger in this data directory")]
    Missing,
    /// A whole ledger was to be written into one that holds something.
    #[error("the ledger to be filled is not empty")]
    NotEmpty,
    /// Live use was asked of a directory made for demonstration.
    #[error("this data directory was not made with --live")]
    NotLive,
    /// The bundled SQLite may lose commits.
    #[error("SQLite {found} is too old: 3.51.3 or later is needed")]
    TooOld {
        /// The version found.
        found: String,
    },
    /// The database server is set up so that a ledger is not safe on it.
    #[error("the database server's {setting} must be {needed}")]
    Unfit {
        /// Name of the setting.
        setting: &'static str,
        /// What it must be.
        needed: &'static str,
    },
    /// The writer's queue stayed full, or other processes were in the way for
    /// too long; nothing is known to be written, and the same request may be
    /// sent again.
    #[error("the ledger is busy; send it again")]
    Busy,
    /// Another process loads a file into the empty ledger, which nobody else may
    /// write meanwhile.
    #[error("another process is loading the first file into this ledger; wait until it has ended")]
    Filling,
    /// A person has moved since it was read; tried again inside.
    #[error("a person has moved meanwhile")]
    Moved,
    /// A known pair has changed since it was read.
    #[error("it has changed meanwhile; read it again")]
    Changed,
    /// Another command that was to be written with it does not agree; told inside alone.
    #[error("nothing was written: another part does not agree")]
    Undone,
    /// A stored value cannot be read back, or a command's parts do not fit.
    #[error("{table}.{column} of row {row} does not make sense")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Number or id of the row.
        row: String,
    },
    /// The command panicked; nothing of it was written.
    #[error("the command failed inside and wrote nothing")]
    Panicked,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// The database said no.
    #[error("the database failed")]
    Database(#[source] Arc<EngineError>),
    /// The tables could not be brought up to date.
    #[error("the ledger's tables could not be brought up to date")]
    Migration(#[source] Arc<sqlx::migrate::MigrateError>),
    /// The file system said no.
    #[error("a file of the data directory could not be used")]
    File(#[source] Arc<std::io::Error>),
}

impl StoreError {
    pub(super) fn inconsistent(
        table: &'static str,
        column: &'static str,
        row: impl ToString,
    ) -> Self {
        Self::Inconsistent {
            table,
            column,
            row: row.to_string(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(EngineError::Postgres(error)))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(EngineError::Sqlite(error)))
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(Arc::new(error))
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::File(Arc::new(error))
    }
}
