//! The last records of a source, for its scorecard.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::identity::{Finding, FindingCode};
use crate::registry::{ConflictKind, LocalId, SampledRecord, SourceCode};
use crate::storage::db::{self, Connection};
use crate::storage::rows::{Reader, parse_local_id, parse_person, parse_word};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

const RECORDS_OF_PERSONS: RowStatement = RowStatement {
    before: "select r.record, r.local_id, r.source, l.person from links l \
        join records r on r.record = l.record \
        where l.to_position is null and l.person in (values",
    columns: 1,
    after: ") order by r.record",
};

/// A finding as it is stored; its sentence is made again from the code.
#[derive(Deserialize)]
struct Found {
    code: FindingCode,
    field: String,
}

impl Store {
    /// The active records that the source has sent or changed last, the latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sample_source(
        &self,
        source: &SourceCode,
        most: u32,
    ) -> Result<Vec<SampledRecord>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(
            "select r.record, r.local_id, r.current_version, v.findings, y.standard, l.person, \
             r.position from records r \
             join record_versions v on v.record = r.record and v.version = r.current_version \
             left join payloads y on y.record = r.record and y.version = r.current_version \
             left join links l on l.record = r.record and l.to_position is null \
             where r.source = $1 and r.status = 'active' order by r.position desc limit $2",
        )
        .bind(source.as_str().to_owned())
        .bind(i64::from(most))
        .fetch_all(&mut snapshot)
        .await?;
        let mut sample = Vec::with_capacity(rows.len());
        let mut first = EventPosition(0);
        for row in &rows {
            let reader = Reader::numbered(row, "records")?;
            let findings = reader.parsed(3, "findings", |text| {
                serde_json::from_str::<Vec<Found>>(text).ok()
            })?;
            let findings = findings.into_iter();
            first = reader.position(6)?;
            sample.push(SampledRecord {
                record: RecordNumber(reader.number(0)?),
                local_id: reader.parsed(1, "local_id", parse_local_id)?,
                version: reader.count(2, "current_version")?,
                person: reader.parsed_or_null(5, "person", parse_person)?,
                findings: findings
                    .map(|found| Finding::new(found.code, found.field))
                    .collect(),
                standard: reader.standard(4)?,
                siblings: Vec::new(),
                conflicts: BTreeSet::new(),
            });
        }
        add_siblings(&mut snapshot, source, &mut sample).await?;
        let mut conflicts = conflicts_since(&mut snapshot, source, first).await?;
        for record in &mut sample {
            record.conflicts = conflicts.remove(&record.record).unwrap_or_default();
        }
        Ok(sample)
    }
}

/// Other records that the source has of the same persons.
async fn add_siblings(
    connection: &mut Connection,
    source: &SourceCode,
    sample: &mut [SampledRecord],
) -> Result<(), StoreError> {
    let persons: BTreeSet<PersonId> = sample.iter().filter_map(|record| record.person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let bind = |query: db::Query, person: &PersonId| query.bind(person.to_string());
    let rows = RECORDS_OF_PERSONS
        .select(connection, &[], &persons, bind)
        .await?;
    let mut of_person: BTreeMap<PersonId, Vec<(RecordNumber, LocalId)>> = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "records")?;
        if reader.text(2)? == source.as_str() {
            let known = of_person.entry(reader.parsed(3, "person", parse_person)?);
            let local_id = reader.parsed(1, "local_id", parse_local_id)?;
            let record = RecordNumber(reader.number(0)?);
            known.or_default().push((record, local_id));
        }
    }
    for record in sample {
        let all = record.person.and_then(|person| of_person.get(&person));
        let others = all.into_iter().flatten();
        let others = others.filter(|(number, _)| *number != record.record);
        record.siblings = others.map(|(_, local_id)| local_id.clone()).collect();
    }
    Ok(())
}

/// What records of the source contradict since a position.
async fn conflicts_since(
    connection: &mut Connection,
    source: &SourceCode,
    first: EventPosition,
) -> Result<BTreeMap<RecordNumber, BTreeSet<ConflictKind>>, StoreError> {
    let rows =
        db::query("select record, kind from source_conflicts where source = $1 and position >= $2")
            .bind(source.as_str().to_owned())
            .bind(first.0)
            .fetch_all(connection)
            .await?;
    let mut conflicts: BTreeMap<RecordNumber, BTreeSet<ConflictKind>> = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "source_conflicts")?;
        let record = RecordNumber(reader.number(0)?);
        let kind = reader.parsed(1, "kind", parse_word)?;
        conflicts.entry(record).or_default().insert(kind);
    }
    Ok(conflicts)
}
