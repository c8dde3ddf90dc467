//! Keys of a record that has very many versions: the youngest are kept. The
//! index and the re-check of a commit read all keys of a record that changed,
//! so without a bound each version would cost more than the one before.

use crate::foundation::RecordNumber;
use crate::foundation::limits::KEYS_PER_RECORD_MAX;
use crate::storage::StoreError;
use crate::storage::batch::VersionRow;
use crate::storage::db::{self, Connection};

/// Versions between two looks at the keys of a record.
const VERSIONS_BETWEEN: u32 = 32;

/// Removes the oldest keys of records whose version is due for a look.
pub(super) async fn prune_keys(
    connection: &mut Connection,
    versions: &[VersionRow],
) -> Result<(), StoreError> {
    let due = versions
        .iter()
        .filter(|row| row.fact.version.is_multiple_of(VERSIONS_BETWEEN));
    for record in due.map(|row| row.fact.record) {
        prune(connection, record).await?;
    }
    Ok(())
}

async fn prune(connection: &mut Connection, record: RecordNumber) -> Result<(), StoreError> {
    db::query(
        "delete from record_keys where record = $1 and stamp < (select min(stamp) from \
         (select stamp from record_keys where record = $1 order by stamp desc limit $2) \
         as kept)",
    )
    .bind(record.0)
    .bind(i64::try_from(KEYS_PER_RECORD_MAX).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}
