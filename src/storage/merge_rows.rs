//! Merges and assertions as rows: a commit writes them from the state, reading
//! gives the state back, `verify` compares the two.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{AssertionId, EventPosition, MergeId, RecordNumber};
use crate::registry::{
    AssertionKind, AssertionState, MergeState, MergeStatus, RegistryEvent, RegistryState,
};
use crate::storage::StoreError;
use crate::storage::db::{Connection, Row};
use crate::storage::rows::{Reader, json, parse_person, parse_task, parse_word, word};
use crate::storage::sql::{Bound, RowStatement};

/// The rows of a run of events.
#[derive(Debug, Default)]
pub(super) struct MergeRows {
    /// Merges that they propose, make, drop or undo.
    merges: BTreeSet<MergeId>,
    /// Records that merges name.
    merge_records: Vec<(MergeId, RecordNumber, &'static str)>,
    /// Assertions that they make or withdraw.
    assertions: BTreeSet<AssertionId>,
    /// Assertions that they make, with where.
    pub(super) new_assertions: BTreeMap<AssertionId, EventPosition>,
    /// Records that assertions name.
    assertion_records: Vec<(RecordNumber, AssertionId, &'static str)>,
}

/// The subjects of an event about a merge or an assertion.
pub(super) fn merge_subjects(event: &RegistryEvent) -> Vec<String> {
    match event {
        RegistryEvent::PersonRestored { person } => vec![person.to_string()],
        RegistryEvent::MergeProposed {
            merge,
            survivor,
            retired,
            task,
            ..
        } => vec![
            merge.to_string(),
            survivor.to_string(),
            retired.to_string(),
            task.to_string(),
        ],
        RegistryEvent::MergeMade {
            merge,
            survivor,
            retired,
            ..
        }
        | RegistryEvent::MergeUndone {
            merge,
            survivor,
            retired,
            ..
        }
        | RegistryEvent::MergeDropped {
            merge,
            survivor,
            retired,
            ..
        } => vec![merge.to_string(), survivor.to_string(), retired.to_string()],
        RegistryEvent::AssertionMade {
            assertion, a, b, ..
        } => {
            let records = a.iter().chain(b).map(|record| format!("R{}", record.0));
            let mut subjects: Vec<String> = records.collect();
            subjects.push(assertion.to_string());
            subjects
        }
        RegistryEvent::AssertionWithdrawn { assertion, .. } => vec![assertion.to_string()],
        _ => Vec::new(),
    }
}

impl MergeRows {
    /// Takes an event at its position; others than those of merges and
    /// assertions change nothing.
    pub(super) fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::MergeProposed { merge, .. }
            | RegistryEvent::MergeDropped { merge, .. }
            | RegistryEvent::MergeUndone { merge, .. } => {
                self.merges.insert(*merge);
            }
            RegistryEvent::MergeMade {
                merge, moved, kept, ..
            } => {
                self.merges.insert(*merge);
                let moved = moved.iter().map(|record| (*merge, *record, "moved"));
                let kept = kept.iter().map(|record| (*merge, *record, "kept"));
                self.merge_records.extend(moved.chain(kept));
            }
            RegistryEvent::AssertionMade {
                assertion, a, b, ..
            } => {
                self.assertions.insert(*assertion);
                self.new_assertions.insert(*assertion, position);
                let a = a.iter().map(|record| (*record, *assertion, "a"));
                let b = b.iter().map(|record| (*record, *assertion, "b"));
                self.assertion_records.extend(a.chain(b));
            }
            RegistryEvent::AssertionWithdrawn { assertion, .. } => {
                self.assertions.insert(*assertion);
            }
            _ => {}
        }
    }

    /// Writes all rows as the state says.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        state: &RegistryState,
    ) -> Result<(), StoreError> {
        let merge = |id: &MergeId| {
            let known = state.merges.get(id).cloned();
            known
                .map(|known| (*id, known))
                .ok_or_else(|| StoreError::inconsistent("merges", "merge", id))
        };
        let merges = self.merges.iter().map(merge);
        let merges: Vec<_> = merges.collect::<Result<_, _>>()?;
        PUT_MERGES.write(connection, &merges, bind_merge).await?;
        INSERT_MERGE_RECORDS
            .write(
                connection,
                &self.merge_records,
                |query, (merge, record, side)| {
                    query.bind(merge.to_string()).bind(record.0).bind(*side)
                },
            )
            .await?;
        let assertion = |id: &AssertionId| {
            let known = state.assertions.get(id).cloned();
            let made = self.new_assertions.get(id).copied();
            known
                .map(|known| (*id, known, made.unwrap_or_default()))
                .ok_or_else(|| StoreError::inconsistent("assertions", "assertion", id))
        };
        let assertions = self.assertions.iter().map(assertion);
        let assertions: Vec<_> = assertions.collect::<Result<_, _>>()?;
        PUT_ASSERTIONS
            .write(connection, &assertions, bind_assertion)
            .await?;
        INSERT_ASSERTION_RECORDS
            .write(
                connection,
                &self.assertion_records,
                |query, (record, assertion, side)| {
                    query.bind(record.0).bind(assertion.to_string()).bind(*side)
                },
            )
            .await
    }
}

const PUT_MERGES: RowStatement = RowStatement {
    before: "insert into merges (merge, status, survivor, retired, asked_by, made_by, approval, \
        task, made_position, position) values",
    columns: 10,
    after: "on conflict (merge) do update set status = excluded.status, \
        made_by = excluded.made_by, made_position = excluded.made_position, \
        position = excluded.position",
};

fn bind_merge(query: Bound, (merge, state): &(MergeId, MergeState)) -> Bound {
    query
        .bind(merge.to_string())
        .bind(merge_status_word(state.status))
        .bind(state.survivor.to_string())
        .bind(state.retired.to_string())
        .bind(state.asked_by.clone())
        .bind(state.made_by.clone())
        .bind(json(&state.approval))
        .bind(state.task.map(|task| task.to_string()))
        .bind(state.made.map(|made| made.0))
        .bind(state.position.0)
}

const INSERT_MERGE_RECORDS: RowStatement = RowStatement {
    before: "insert into merge_records (merge, record, side) values",
    columns: 3,
    after: "",
};

const PUT_ASSERTIONS: RowStatement = RowStatement {
    before: "insert into assertions (assertion, kind, evidence, made_by, merge, withdrawn, \
        made_position, position) values",
    columns: 8,
    after: "on conflict (assertion) do update set withdrawn = excluded.withdrawn, \
        position = excluded.position",
};

fn bind_assertion(
    query: Bound,
    (assertion, state, made): &(AssertionId, AssertionState, EventPosition),
) -> Bound {
    query
        .bind(assertion.to_string())
        .bind(word(&state.kind))
        .bind(state.evidence.clone())
        .bind(state.by.clone())
        .bind(state.merge.map(|merge| merge.to_string()))
        .bind(i64::from(state.withdrawn))
        .bind(made.0)
        .bind(state.position.0)
}

const INSERT_ASSERTION_RECORDS: RowStatement = RowStatement {
    before: "insert into assertion_records (record, assertion, side) values",
    columns: 3,
    after: "",
};

pub(super) const MERGES: RowStatement = RowStatement {
    before: "select merge, status, survivor, retired, asked_by, made_by, approval, task, \
        made_position, position from merges where merge in (values",
    columns: 1,
    after: ")",
};

const MERGE_RECORDS: RowStatement = RowStatement {
    before: "select merge, record, side from merge_records where merge in (values",
    columns: 1,
    after: ")",
};

const ASSERTIONS: RowStatement = RowStatement {
    before: "select assertion, kind, evidence, made_by, merge, withdrawn, position, \
        made_position from assertions where assertion in (values",
    columns: 1,
    after: ")",
};

const ASSERTION_RECORDS: RowStatement = RowStatement {
    before: "select assertion, record, side from assertion_records where assertion in (values",
    columns: 1,
    after: ")",
};

/// Merges with the records that they name.
pub(super) async fn load_merges(
    connection: &mut Connection,
    merges: &[MergeId],
) -> Result<BTreeMap<MergeId, MergeState>, StoreError> {
    let mut found = BTreeMap::new();
    let rows = MERGES
        .select(connection, &[], merges, |query, merge| {
            query.bind(merge.to_string())
        })
        .await?;
    for row in &rows {
        let (merge, state) = merge_from(row)?;
        found.insert(merge, state);
    }
    let rows = MERGE_RECORDS
        .select(connection, &[], merges, |query, merge| {
            query.bind(merge.to_string())
        })
        .await?;
    for row in &rows {
        let reader = Reader::named(row, "merge_records")?;
        let merge: MergeId = reader.parsed(0, "merge", |text| text.parse().ok())?;
        let record = RecordNumber(reader.number(1)?);
        let Some(state) = found.get_mut(&merge) else {
            continue;
        };
        match reader.text(2)?.as_str() {
            "moved" => state.moved.insert(record),
            "kept" => state.kept.insert(record),
            _ => return Err(reader.wrong("side")),
        };
    }
    Ok(found)
}

/// Assertions with their records, and where they were made.
pub(super) async fn load_assertions(
    connection: &mut Connection,
    assertions: &[AssertionId],
) -> Result<BTreeMap<AssertionId, (AssertionState, EventPosition)>, StoreError> {
    let mut found = BTreeMap::new();
    let rows = ASSERTIONS
        .select(connection, &[], assertions, |query, assertion| {
            query.bind(assertion.to_string())
        })
        .await?;
    for row in &rows {
        let reader = Reader::named(row, "assertions")?;
        let assertion: AssertionId = reader.parsed(0, "assertion", |text| text.parse().ok())?;
        let state = AssertionState {
            kind: reader.parsed(1, "kind", parse_word::<AssertionKind>)?,
            a: BTreeSet::new(),
            b: BTreeSet::new(),
            evidence: reader.text(2)?,
            by: reader.text(3)?,
            merge: reader.parsed_or_null(4, "merge", |text| text.parse().ok())?,
            withdrawn: reader.number(5)? != 0,
            position: reader.position(6)?,
        };
        found.insert(assertion, (state, reader.position(7)?));
    }
    let rows = ASSERTION_RECORDS
        .select(connection, &[], assertions, |query, assertion| {
            query.bind(assertion.to_string())
        })
        .await?;
    for row in &rows {
        let reader = Reader::named(row, "assertion_records")?;
        let assertion: AssertionId = reader.parsed(0, "assertion", |text| text.parse().ok())?;
        let record = RecordNumber(reader.number(1)?);
        let Some((state, _)) = found.get_mut(&assertion) else {
            continue;
        };
        match reader.text(2)?.as_str() {
            "a" => state.a.insert(record),
            "b" => state.b.insert(record),
            _ => return Err(reader.wrong("side")),
        };
    }
    Ok(found)
}

fn merge_from(row: &Row) -> Result<(MergeId, MergeState), StoreError> {
    let reader = Reader::named(row, "merges")?;
    let state = MergeState {
        status: reader.parsed(1, "status", merge_status)?,
        survivor: reader.parsed(2, "survivor", parse_person)?,
        retired: reader.parsed(3, "retired", parse_person)?,
        asked_by: reader.text(4)?,
        made_by: reader.text_or_null(5)?,
        approval: reader.parsed(6, "approval", |text| serde_json::from_str(text).ok())?,
        task: reader.parsed_or_null(7, "task", parse_task)?,
        made: reader.number_or_null(8)?.map(EventPosition),
        moved: BTreeSet::new(),
        kept: BTreeSet::new(),
        position: reader.position(9)?,
    };
    Ok((reader.parsed(0, "merge", |text| text.parse().ok())?, state))
}

const fn merge_status_word(status: MergeStatus) -> &'static str {
    match status {
        MergeStatus::AwaitingApproval => "awaiting_approval",
        MergeStatus::Done => "done",
        MergeStatus::Undone => "undone",
        MergeStatus::Dropped => "dropped",
    }
}

fn merge_status(word: &str) -> Option<MergeStatus> {
    match word {
        "awaiting_approval" => Some(MergeStatus::AwaitingApproval),
        "done" => Some(MergeStatus::Done),
        "undone" => Some(MergeStatus::Undone),
        "dropped" => Some(MergeStatus::Dropped),
        _ => None,
    }
}
