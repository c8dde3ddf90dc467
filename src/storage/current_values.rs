//! What the ledger's records say now, page by page, for whoever works through all.

use crate::foundation::RecordNumber;
use crate::identity::SubmittedRecord;
use crate::registry::{LocalId, SourceCode};
use crate::storage::db::{self, Row};
use crate::storage::read::submitted;
use crate::storage::rows::{Reader, parse_local_id, parse_source};
use crate::storage::{Store, StoreError};

/// An active record with the version that is served.
#[derive(Debug, Clone)]
pub struct CurrentRecord {
    /// Its number.
    pub record: RecordNumber,
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// The version that is served.
    pub version: u32,
    /// What it says.
    pub submitted: SubmittedRecord,
}

impl Store {
    /// Active records after a number whose values are not erased, in order of number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn current_records(
        &self,
        after: RecordNumber,
        limit: u32,
    ) -> Result<Vec<CurrentRecord>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select r.record, r.source, r.local_id, p.submitted, r.current_version from records r \
             join payloads p on p.record = r.record and p.version = r.current_version \
             where r.record > $1 and r.status = 'active' and p.submitted is not null \
             order by r.record limit $2",
        )
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        rows.iter()
            .filter_map(|row| current(row).transpose())
            .collect()
    }
}

fn current(row: &Row) -> Result<Option<CurrentRecord>, StoreError> {
    let reader = Reader::numbered(row, "records")?;
    let record = RecordNumber(reader.number(0)?);
    let said = submitted(reader.text_or_null(3)?, record)?;
    let (source, local_id) = (
        reader.parsed(1, "source", parse_source)?,
        reader.parsed(2, "local_id", parse_local_id)?,
    );
    let version = reader.count(4, "current_version")?;
    Ok(said.map(|submitted| CurrentRecord {
        record,
        source,
        local_id,
        version,
        submitted,
    }))
}
