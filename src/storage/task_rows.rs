//! A task as its row: what is sorted and asked for by has a column, the rest is
//! JSON. `verify` reads the same.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::foundation::{EventPosition, Instant, RecordNumber, TaskId};
use crate::registry::{
    ComparedVersion, EvidenceRow, LevelChange, TaskClaim, TaskPriority, TaskRead, TaskState,
};
use crate::storage::StoreError;
use crate::storage::db::Row;
use crate::storage::rows::{
    Reader, json, parse_person, parse_task, parse_word, task_status_word, word,
};
use crate::storage::sql::{Bound, RowStatement};

/// Select of a task and what follows it. Read by [`task_from`].
macro_rules! select_tasks {
    ($rest:literal) => {
        concat!(
            "select task, kind, stage, record, person_a, person_b, weight_bits, reasons, \
             evidence, position, priority, claimed_by, claimed_until, version, outcome, detail, \
             status, rank from tasks ",
            $rest
        )
    };
}
pub(super) use select_tasks;

/// What no statement sorts or asks by.
#[derive(Serialize, Deserialize)]
struct Detail {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    compared: Vec<ComparedVersion>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    rows: Vec<EvidenceRow>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    changed: Vec<LevelChange>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    reads: Vec<TaskRead>,
    #[serde(default = "first_round")]
    round: u32,
}

const fn first_round() -> u32 {
    1
}

/// The order within a class of the queue, smallest first (R116): by weight in
/// the last class; in the others only age counts.
pub(super) fn rank(state: &TaskState) -> f64 {
    match state.priority {
        TaskPriority::Weight => -state.weight_bits.unwrap_or(0.0),
        _ => 0.0,
    }
}

/// A task as `select_tasks` gives it.
pub(super) fn task_from(row: &Row) -> Result<(TaskId, TaskState), StoreError> {
    let reader = Reader::named(row, "tasks")?;
    let first = reader.parsed_or_null(4, "person_a", parse_person)?;
    let second = reader.parsed_or_null(5, "person_b", parse_person)?;
    let place = usize::try_from(reader.number(10)?).ok();
    let priority = place.and_then(|place| TaskPriority::ALL.get(place).copied());
    let until = reader.instant_or_null(12)?;
    let claim = reader.text_or_null(11)?.zip(until);
    let detail: Detail = reader.parsed(15, "detail", |text| serde_json::from_str(text).ok())?;
    let state = TaskState {
        kind: reader.parsed(1, "kind", parse_word)?,
        stage: reader.parsed(2, "stage", parse_word)?,
        record: RecordNumber(reader.number(3)?),
        persons: first.into_iter().chain(second).collect(),
        weight_bits: reader.real_or_null(6)?,
        reasons: reader.parsed(7, "reasons", |text| serde_json::from_str(text).ok())?,
        evidence: reader.text(8)?,
        position: reader.position(9)?,
        priority: priority.ok_or_else(|| reader.wrong("priority"))?,
        compared: detail.compared,
        rows: detail.rows,
        changed: detail.changed,
        claim: claim.map(|(by, until)| TaskClaim { by, until }),
        reads: detail.reads,
        round: detail.round,
        outcome: reader.parsed_or_null(14, "outcome", parse_word)?,
        version: reader.count(13, "version")?,
    };
    Ok((reader.parsed(0, "task", parse_task)?, state))
}

/// Whether the columns that follow from others do.
pub(super) fn follows(row: &Row, state: &TaskState) -> Result<bool, StoreError> {
    Ok(row.try_get::<&str>(16)? == task_status_word(state.waits())
        && row.try_get::<f64>(17)?.partial_cmp(&rank(state)) == Some(Ordering::Equal))
}

/// A task to write.
pub(super) struct TaskRow {
    pub(super) task: TaskId,
    pub(super) state: TaskState,
    /// Of a new one.
    pub(super) opened: EventPosition,
}

pub(super) const INSERT_TASKS: RowStatement = RowStatement {
    before: "insert into tasks (task, status, record, weight_bits, reasons, evidence, position, \
        stage, outcome, version, priority, rank, claimed_by, claimed_until, detail, \
        kind, person_a, person_b, opened_position) values",
    columns: 19,
    after: "",
};

pub(super) const UPDATE_TASKS: RowStatement = RowStatement {
    before: "with changed (task, status, record, weight_bits, reasons, evidence, position, stage, \
        outcome, version, priority, rank, claimed_by, claimed_until, detail) as (values",
    columns: 15,
    after: ") update tasks set status = changed.status, record = changed.record, \
        weight_bits = changed.weight_bits, reasons = changed.reasons, \
        evidence = changed.evidence, position = changed.position, stage = changed.stage, \
        outcome = changed.outcome, version = changed.version, priority = changed.priority, \
        rank = changed.rank, claimed_by = changed.claimed_by, \
        claimed_until = changed.claimed_until, detail = changed.detail \
        from changed where tasks.task = changed.task",
};

pub(super) fn bind_new_task(query: Bound, row: &TaskRow) -> Bound {
    let persons = &row.state.persons;
    bind_task(query, row)
        .bind(word(&row.state.kind))
        .bind(persons.first().map(ToString::to_string))
        .bind(persons.get(1).map(ToString::to_string))
        .bind(row.opened.0)
}

pub(super) fn bind_task(query: Bound, row: &TaskRow) -> Bound {
    let state = &row.state;
    let claim = state.claim.as_ref();
    let detail = Detail {
        compared: state.compared.clone(),
        rows: state.rows.clone(),
        changed: state.changed.clone(),
        reads: state.reads.clone(),
        round: state.round,
    };
    query
        .bind(row.task.to_string())
        .bind(task_status_word(state.waits()))
        .bind(state.record.0)
        .bind(state.weight_bits)
        .bind(json(&state.reasons))
        .bind(state.evidence.clone())
        .bind(state.position.0)
        .bind(word(&state.stage))
        .bind(state.outcome.as_ref().map(word))
        .bind(i64::from(state.version))
        .bind(i64::from(state.priority.place()))
        // Minus nought is nought.
        .bind(rank(state) + 0.0)
        .bind(claim.map(|claim| claim.by.clone()))
        .bind(claim.map(|claim| Instant::microseconds(claim.until)))
        .bind(json(&detail))
}
