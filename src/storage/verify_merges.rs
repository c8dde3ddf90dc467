//! Compares merges and assertions with what follows from the events, and checks
//! that no person holds what a human has said to be different people's (I7).

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, MergeId, PersonId};
use crate::registry::{AssertionKind, PersonStatus, RegistryState};
use crate::storage::StoreError;
use crate::storage::db::{self, Connection};
use crate::storage::merge_rows::{MergeRows, load_assertions, load_merges};
use crate::storage::rows::Reader;
use crate::storage::verify::Findings;

/// Read at once.
const CHUNK: usize = 128;

/// Compares the tables, then checks the partition against what was said.
pub(super) async fn compare(
    connection: &mut Connection,
    state: &RegistryState,
    expected: &MergeRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    compare_merges(connection, state, findings).await?;
    compare_assertions(connection, state, expected, findings).await?;
    check_assertions(state, findings);
    check_homes(state, findings);
    Ok(())
}

async fn compare_merges(
    connection: &mut Connection,
    state: &RegistryState,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query("select merge from merges")
        .fetch_all(&mut *connection)
        .await?;
    let mut stored: Vec<MergeId> = Vec::with_capacity(rows.len());
    for row in &rows {
        let reader = Reader::named(row, "merges")?;
        stored.push(reader.parsed(0, "merge", |text| text.parse().ok())?);
    }
    let mut missing: BTreeSet<MergeId> = state.merges.keys().copied().collect();
    for chunk in stored.chunks(CHUNK) {
        for (merge, found) in load_merges(connection, chunk).await? {
            missing.remove(&merge);
            if state.merges.get(&merge) != Some(&found) {
                findings.add_difference(merge, "merges");
            }
        }
    }
    for merge in missing {
        findings.add_difference(merge, "merges");
    }
    Ok(())
}

async fn compare_assertions(
    connection: &mut Connection,
    state: &RegistryState,
    expected: &MergeRows,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query("select assertion from assertions")
        .fetch_all(&mut *connection)
        .await?;
    let mut stored: Vec<AssertionId> = Vec::with_capacity(rows.len());
    for row in &rows {
        let reader = Reader::named(row, "assertions")?;
        stored.push(reader.parsed(0, "assertion", |text| text.parse().ok())?);
    }
    let mut missing: BTreeSet<AssertionId> = state.assertions.keys().copied().collect();
    for chunk in stored.chunks(CHUNK) {
        for (assertion, (found, made)) in load_assertions(connection, chunk).await? {
            missing.remove(&assertion);
            let same = state.assertions.get(&assertion) == Some(&found)
                && expected.new_assertions.get(&assertion) == Some(&made);
            if !same {
                findings.add_difference(assertion, "assertions");
            }
        }
    }
    for assertion in missing {
        findings.add_difference(assertion, "assertions");
    }
    Ok(())
}

/// I7: records that a human holds to be different people's are never one person's.
fn check_assertions(state: &RegistryState, findings: &mut Findings) {
    let held = state
        .assertions
        .iter()
        .filter(|(_, known)| known.kind == AssertionKind::Different && !known.withdrawn);
    for (assertion, known) in held {
        let owners = |records: &BTreeSet<_>| -> BTreeSet<PersonId> {
            let records = records
                .iter()
                .filter_map(|record| state.records.get(record));
            let links = records.filter_map(|record| record.link.as_ref());
            links.map(|link| link.person).collect()
        };
        for person in owners(&known.a).intersection(&owners(&known.b)) {
            let sentence =
                format!("{person} has records that {assertion} says are different people's");
            findings.add("I7", person, sentence);
        }
    }
}

/// I5: a record is where its home leads by the merges that hold, so that a merge
/// can be undone.
fn check_homes(state: &RegistryState, findings: &mut Findings) {
    for record in state.records.values() {
        let Some(link) = &record.link else { continue };
        let mut at = link.home.person;
        for _ in 0..=state.persons.len() {
            match state.persons.get(&at).map(|person| person.status) {
                Some(PersonStatus::Retired { replaced_by }) => at = replaced_by,
                _ => break,
            }
        }
        if at != link.person {
            let subject = format!("R{}", record.number.0);
            let sentence = format!(
                "{subject} is at home with {}, which leads to {at}, and is linked to {}",
                link.home.person, link.person
            );
            findings.add("I5", subject, sentence);
        }
    }
}
