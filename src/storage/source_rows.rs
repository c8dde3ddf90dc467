//! What events say of sources and of replaced numbers, as rows: a commit writes
//! them, `verify` compares them with the tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, RecordNumber, TaskId};
use crate::registry::{ConflictKind, NumberHash, QuarantineReason, RegistryEvent, SourceCode};
use crate::storage::StoreError;
use crate::storage::db::Connection;
use crate::storage::rows::word;
use crate::storage::sql::{Bound, RowStatement};

/// A row of `source_quarantines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuarantineRow {
    pub(super) source: SourceCode,
    pub(super) from: EventPosition,
    pub(super) to: Option<EventPosition>,
    pub(super) record: RecordNumber,
    pub(super) because: QuarantineReason,
    pub(super) conflicts: u32,
    pub(super) records: u32,
    pub(super) task: TaskId,
}

/// The rows of a run of events.
#[derive(Debug, Default)]
pub(super) struct SourceRows {
    pub(super) conflicts: BTreeMap<(RecordNumber, ConflictKind), (SourceCode, EventPosition)>,
    /// Quarantines that the events begin, some of them ended again.
    pub(super) quarantines: Vec<QuarantineRow>,
    /// Earlier quarantines that they end.
    ended: Vec<(SourceCode, EventPosition)>,
    pub(super) deferred: BTreeMap<(RecordNumber, u32), EventPosition>,
    /// Earlier deferred versions that they decide.
    decided: BTreeSet<(RecordNumber, u32)>,
    pub(super) replacements: BTreeMap<(NumberHash, NumberHash), (RecordNumber, EventPosition)>,
}

/// How a source is named among the subjects of events.
pub(super) fn source_subject(source: &SourceCode) -> String {
    format!("S-{source}")
}

/// The subjects of an event about a source, a version that waits or a number.
pub(super) fn source_subjects(event: &RegistryEvent) -> Vec<String> {
    match event {
        RegistryEvent::SourceConflictNoted { source, record, .. }
        | RegistryEvent::SourceQuarantined { source, record, .. } => {
            vec![source_subject(source), format!("R{}", record.0)]
        }
        RegistryEvent::SourceReleased { source } => vec![source_subject(source)],
        RegistryEvent::VersionDeferred { record, .. }
        | RegistryEvent::DeferredDecided { record, .. }
        | RegistryEvent::NumberReplaced { record, .. } => vec![format!("R{}", record.0)],
        _ => Vec::new(),
    }
}

impl SourceRows {
    /// Sources whose quarantine the events begin or end.
    pub(super) fn turned(&self) -> BTreeSet<SourceCode> {
        let begun = self.quarantines.iter().map(|row| row.source.clone());
        let ended = self.ended.iter().map(|(source, _)| source.clone());
        begun.chain(ended).collect()
    }

    /// Takes an event at its position; others than those of sources change
    /// nothing.
    pub(super) fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::SourceConflictNoted {
                source,
                record,
                kind,
            } => {
                let row = (source.clone(), position);
                self.conflicts.insert((*record, *kind), row);
            }
            RegistryEvent::SourceQuarantined {
                source,
                record,
                because,
                conflicts,
                records,
                task,
            } => self.quarantines.push(QuarantineRow {
                source: source.clone(),
                from: position,
                to: None,
                record: *record,
                because: *because,
                conflicts: *conflicts,
                records: *records,
                task: *task,
            }),
            RegistryEvent::SourceReleased { source } => {
                let begun = self.quarantines.iter_mut();
                let open: Vec<_> = begun
                    .filter(|row| row.source == *source && row.to.is_none())
                    .collect();
                if open.is_empty() {
                    self.ended.push((source.clone(), position));
                }
                for row in open {
                    row.to = Some(position);
                }
            }
            RegistryEvent::VersionDeferred { record, version } => {
                self.deferred.insert((*record, *version), position);
            }
            RegistryEvent::DeferredDecided { record, version } => {
                let place = (*record, *version);
                if self.deferred.remove(&place).is_none() {
                    self.decided.insert(place);
                }
            }
            RegistryEvent::NumberReplaced {
                record,
                replaced,
                replaced_by,
            } => {
                let place = (*replaced, *replaced_by);
                self.replacements
                    .entry(place)
                    .or_insert((*record, position));
            }
            _ => {}
        }
    }

    /// Writes all rows.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let conflicts: Vec<_> = self.conflicts.iter().collect();
        INSERT_CONFLICTS
            .write(
                connection,
                &conflicts,
                |query, ((record, kind), (source, position))| {
                    query
                        .bind(record.0)
                        .bind(word(kind))
                        .bind(source.as_str().to_owned())
                        .bind(position.0)
                },
            )
            .await?;
        END_QUARANTINES
            .write(connection, &self.ended, |query, (source, position)| {
                query.bind(source.as_str().to_owned()).bind(position.0)
            })
            .await?;
        INSERT_QUARANTINES
            .write(connection, &self.quarantines, bind_quarantine)
            .await?;
        let decided: Vec<_> = self.decided.iter().copied().collect();
        DELETE_DEFERRED
            .write(connection, &decided, |query, (record, version)| {
                query.bind(record.0).bind(i64::from(*version))
            })
            .await?;
        let deferred: Vec<_> = self.deferred.iter().collect();
        INSERT_DEFERRED
            .write(
                connection,
                &deferred,
                |query, ((record, version), position)| {
                    query
                        .bind(record.0)
                        .bind(i64::from(*version))
                        .bind(position.0)
                },
            )
            .await?;
        let replacements: Vec<_> = self.replacements.iter().collect();
        INSERT_REPLACEMENTS
            .write(
                connection,
                &replacements,
                |query, ((replaced, by), (record, position))| {
                    query
                        .bind(replaced.0.cast_signed())
                        .bind(by.0.cast_signed())
                        .bind(record.0)
                        .bind(position.0)
                },
            )
            .await
    }
}

fn bind_quarantine(query: Bound, row: &QuarantineRow) -> Bound {
    query
        .bind(row.source.as_str().to_owned())
        .bind(row.from.0)
        .bind(row.to.map(|position| position.0))
        .bind(row.record.0)
        .bind(word(&row.because))
        .bind(i64::from(row.conflicts))
        .bind(i64::from(row.records))
        .bind(row.task.to_string())
}

const INSERT_CONFLICTS: RowStatement = RowStatement {
    before: "insert into source_conflicts (record, kind, source, position) values",
    columns: 4,
    after: "on conflict (record, kind) do update set position = excluded.position",
};

const INSERT_QUARANTINES: RowStatement = RowStatement {
    before: "insert into source_quarantines (source, from_position, to_position, record, \
        because, conflicts, records, task) values",
    columns: 8,
    after: "",
};

const END_QUARANTINES: RowStatement = RowStatement {
    before: "with ending (source, position) as (values",
    columns: 2,
    after: ") update source_quarantines set to_position = ending.position from ending \
        where source_quarantines.source = ending.source \
        and source_quarantines.to_position is null",
};

const INSERT_DEFERRED: RowStatement = RowStatement {
    before: "insert into deferred_versions (record, version, position) values",
    columns: 3,
    after: "",
};

const DELETE_DEFERRED: RowStatement = RowStatement {
    before: "delete from deferred_versions where (record, version) in (values",
    columns: 2,
    after: ")",
};

const INSERT_REPLACEMENTS: RowStatement = RowStatement {
    before: "insert into number_replacements (replaced, replaced_by, record, position) values",
    columns: 4,
    after: "on conflict (replaced, replaced_by) do nothing",
};
