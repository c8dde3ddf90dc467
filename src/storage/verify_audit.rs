//! Checks of the audit log: no row is missing, each person that a row names
//! finds it, seals recompute and are the same in the second place.

use crate::foundation::hex;
use std::collections::BTreeSet;
use std::path::Path;

use crate::storage::StoreError;
use crate::storage::audit::{AuditRow, list_after};
use crate::storage::copy::gaps;
use crate::storage::db::Connection;
use crate::storage::feed::PAGE;
use crate::storage::seal::{ROWS_MAX, Seal, hash_before, list_seals, merkle_root, read_log};
use crate::storage::sql::RowStatement;
use crate::storage::verify::Findings;

/// `logged` is what the second place held before the connection's snapshot.
pub(super) async fn check(
    connection: &mut Connection,
    logged: Option<Vec<Option<Seal>>>,
    directory: &Path,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    check_rows(connection, findings).await?;
    let seals = check_seals(connection, findings).await?;
    check_log(&logged.unwrap_or_default(), &seals, findings);
    // The place of a node that does not run is behind what the others seal.
    if !connection.is_shared() {
        let lines = read_log(directory)?.unwrap_or_default().len();
        check_log_is_whole(lines, &seals, findings);
    }
    Ok(())
}

const NAMED: RowStatement = RowStatement {
    before: "select person, audit from audit_persons where audit in (values",
    columns: 1,
    after: ")",
};

/// Numbers have no gap, and `audit_persons` says what the rows say.
async fn check_rows(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut after = (0, 0);
    let mut last = 0;
    let (_, gaps) = gaps(connection).await?;
    loop {
        let rows = list_after(connection, after, i64::MAX, PAGE).await?;
        let Some((stamp, end)) = rows.last() else {
            return Ok(());
        };
        after = (*stamp, end.audit);
        let numbers: Vec<i64> = rows.iter().map(|(_, row)| row.audit).collect();
        let found = NAMED
            .select(connection, &[], &numbers, |query, audit| query.bind(*audit))
            .await?;
        let found = found
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<BTreeSet<(String, i64)>, StoreError>>()?;
        let mut named = BTreeSet::new();
        for (_, row) in &rows {
            // Sequences leave gaps where a transaction was given up; there the
            // seals say whether a row is missing.
            if row.audit != last + 1 && row.audit > gaps {
                let sentence = format!("audit row {} is missing", last + 1);
                findings.add("I13", format!("A{}", last + 1), sentence);
            }
            last = row.audit;
            match serde_json::from_str::<Vec<String>>(&row.persons) {
                Ok(persons) => named.extend(persons.into_iter().map(|person| (person, row.audit))),
                Err(_) => findings.add(
                    "I13",
                    format!("A{}", row.audit),
                    format!("audit row {} cannot be read", row.audit),
                ),
            }
            findings.report.checked.audit_rows += 1;
        }
        for (_, audit) in named.symmetric_difference(&found) {
            let sentence = format!("audit row {audit} is not found by the persons that it names");
            findings.add("I12", format!("A{audit}"), sentence);
        }
    }
}

/// Each seal covers the rows after the last one, and recomputes.
async fn check_seals(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<Vec<Seal>, StoreError> {
    let mut seals: Vec<Seal> = Vec::new();
    loop {
        let page = list_seals(connection, seals.last().map_or(0, |seal| seal.seal), PAGE).await?;
        if page.is_empty() {
            return Ok(seals);
        }
        for seal in page {
            let rows = sealed_rows(connection, &seal, seals.last()).await?;
            if !is_sound(&seal, seals.last(), &rows) {
                let sentence = format!("seal {} does not fit the audit rows", seal.seal);
                findings.add("I13", format!("seal {}", seal.seal), sentence);
            }
            findings.report.checked.seals += 1;
            seals.push(seal);
        }
    }
}

async fn sealed_rows(
    connection: &mut Connection,
    seal: &Seal,
    before: Option<&Seal>,
) -> Result<Vec<AuditRow>, StoreError> {
    // A forged range must not ask for the whole table.
    let count = seal.count().clamp(0, ROWS_MAX);
    let after = before.map_or((0, 0), Seal::end);
    let rows = list_after(connection, after, i64::MAX, count.saturating_add(1)).await?;
    let covered = rows
        .into_iter()
        .take_while(|(stamp, row)| (*stamp, row.audit) <= seal.end());
    Ok(covered.map(|(_, row)| row).collect())
}

fn is_sound(seal: &Seal, before: Option<&Seal>, rows: &[AuditRow]) -> bool {
    let Some(layout) = seal.layout() else {
        return false;
    };
    let leaves: Vec<[u8; 32]> = rows.iter().map(|row| row.leaf(layout)).collect();
    seal.seal == before.map_or(0, |seal| seal.seal) + 1
        && rows.first().is_some_and(|row| row.audit == seal.first)
        && rows.last().is_some_and(|row| row.audit == seal.last)
        && i64::try_from(rows.len()) == Ok(seal.count())
        && seal.root == hex(&merkle_root(&leaves))
        && seal.previous == hash_before(before)
}

/// The second place has the same seals.
fn check_log(lines: &[Option<Seal>], seals: &[Seal], findings: &mut Findings) {
    for (place, line) in lines.iter().enumerate() {
        if line.as_ref() != seals.get(place) || line.is_none() {
            let seal = place + 1;
            let sentence = format!("line {seal} of the second place is not seal {seal}");
            findings.add("I13", format!("seal {seal}"), sentence);
        }
    }
}

/// The second place has every seal; only the last may be on its way.
fn check_log_is_whole(lines: usize, seals: &[Seal], findings: &mut Findings) {
    if lines + 1 < seals.len() {
        let seal = lines + 1;
        let sentence = format!("the second place lacks seal {seal}");
        findings.add("I13", format!("seal {seal}"), sentence);
    }
}
