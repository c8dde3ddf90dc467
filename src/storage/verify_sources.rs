//! Compares what follows from the events for sources and replaced numbers with
//! the tables.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, RecordNumber};
use crate::registry::NumberHash;
use crate::storage::StoreError;
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::{Reader, parse_source, parse_task, parse_word};
use crate::storage::source_rows::{QuarantineRow, SourceRows, source_subject};
use crate::storage::verify::Findings;

/// Compares all four tables.
pub(super) async fn compare(
    connection: &mut Connection,
    expected: &SourceRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    compare_conflicts(connection, expected, findings).await?;
    compare_quarantines(connection, expected, findings).await?;
    compare_deferred(connection, expected, findings).await?;
    compare_replacements(connection, expected, findings).await
}

async fn compare_conflicts(
    connection: &mut Connection,
    expected: &SourceRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut expected: BTreeMap<_, _> = expected.conflicts.iter().collect();
    let rows = db::query("select record, kind, source, position from source_conflicts")
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let reader = Reader::numbered(row, "source_conflicts")?;
        let place = (
            RecordNumber(reader.number(0)?),
            reader.parsed(1, "kind", parse_word)?,
        );
        let found = (
            reader.parsed(2, "source", parse_source)?,
            reader.position(3)?,
        );
        if expected.remove(&place) != Some(&found) {
            findings.add_difference(format!("R{}", place.0.0), "source_conflicts");
        }
    }
    for (record, _) in expected.keys() {
        findings.add_difference(format!("R{}", record.0), "source_conflicts");
    }
    Ok(())
}

async fn compare_quarantines(
    connection: &mut Connection,
    expected: &SourceRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let expected = expected.quarantines.iter();
    let mut expected: BTreeMap<_, _> = expected
        .map(|row| ((row.source.clone(), row.from), row))
        .collect();
    let rows = db::query(
        "select source, from_position, to_position, record, because, conflicts, records, task \
         from source_quarantines",
    )
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let found = quarantine_from(row)?;
        if expected.remove(&(found.source.clone(), found.from)) != Some(&found) {
            findings.add_difference(source_subject(&found.source), "source_quarantines");
        }
    }
    for (source, _) in expected.keys() {
        findings.add_difference(source_subject(source), "source_quarantines");
    }
    Ok(())
}

fn quarantine_from(row: &Row) -> Result<QuarantineRow, StoreError> {
    let reader = Reader::named(row, "source_quarantines")?;
    Ok(QuarantineRow {
        source: reader.parsed(0, "source", parse_source)?,
        from: reader.position(1)?,
        to: reader.number_or_null(2)?.map(EventPosition),
        record: RecordNumber(reader.number(3)?),
        because: reader.parsed(4, "because", parse_word)?,
        conflicts: reader.count(5, "conflicts")?,
        records: reader.count(6, "records")?,
        task: reader.parsed(7, "task", parse_task)?,
    })
}

async fn compare_deferred(
    connection: &mut Connection,
    expected: &SourceRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut expected: BTreeMap<_, _> = expected.deferred.iter().collect();
    let rows = db::query("select record, version, position from deferred_versions")
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let reader = Reader::numbered(row, "deferred_versions")?;
        let place = (RecordNumber(reader.number(0)?), reader.count(1, "version")?);
        if expected.remove(&place) != Some(&reader.position(2)?) {
            findings.add_difference(format!("R{}", place.0.0), "deferred_versions");
        }
    }
    for (record, _) in expected.keys() {
        findings.add_difference(format!("R{}", record.0), "deferred_versions");
    }
    Ok(())
}

async fn compare_replacements(
    connection: &mut Connection,
    expected: &SourceRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut expected: BTreeMap<_, _> = expected.replacements.iter().collect();
    let rows = db::query("select replaced, replaced_by, record, position from number_replacements")
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let reader = Reader::numbered(row, "number_replacements")?;
        let hash = |place| Ok::<_, StoreError>(NumberHash(reader.number(place)?.cast_unsigned()));
        let place = (hash(0)?, hash(1)?);
        let found = (RecordNumber(reader.number(2)?), reader.position(3)?);
        if expected.remove(&place) != Some(&found) {
            findings.add_difference(format!("R{}", found.0.0), "number_replacements");
        }
    }
    for (record, _) in expected.values() {
        findings.add_difference(format!("R{}", record.0), "number_replacements");
    }
    Ok(())
}
