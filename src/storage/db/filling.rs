//! Filling an empty ledger: one process alone, with numbers for thousands of records.

use crate::storage::StoreError;
use crate::storage::db::{Connection, Engine, Numbers, highest_numbers, postgres, sqlite};

/// Numbers for a command that fills an empty ledger: so many events and records.
/// Nobody else draws numbers meanwhile.
pub(in crate::storage) async fn numbers_for(
    connection: &mut Connection,
    events: i64,
    records: i64,
) -> Result<Numbers, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(_) => highest_numbers(connection).await,
        Engine::Postgres(it) => postgres::numbers_for(it, events, records).await,
    }
}

/// Keeps every other process from writing, until the connection ends or
/// [`share_filling`]; `false` where one is there. On a file the directory's lock does,
/// and what rows refer to is not looked up meanwhile: it is written beside them.
pub(in crate::storage) async fn fill_alone(
    connection: &mut Connection,
) -> Result<bool, StoreError> {
    match connection.engine()? {
        Engine::Sqlite(it) => sqlite::fill(it, true).map(|()| true),
        Engine::Postgres(it) => postgres::fill_alone(it).await,
    }
}

/// Lets the others in again.
pub(in crate::storage) async fn share_filling(
    connection: &mut Connection,
) -> Result<(), StoreError> {
    match connection.engine()? {
        Engine::Sqlite(it) => sqlite::fill(it, false),
        Engine::Postgres(it) => postgres::share_filling(it).await,
    }
}
