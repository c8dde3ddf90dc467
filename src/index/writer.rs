//! The one writer of an index: changes, commits with their position, and the
//! removal of what deleted records leave behind. Everything here blocks and
//! belongs on one blocking task. After a fault nothing is written any more until
//! the caller has been told where to go on.

use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::{Index, IndexWriter, TantivyError};

use crate::foundation::{EventPosition, RecordNumber, limits};
use crate::index::schema::{Fields, payload};
use crate::index::{IndexEntry, IndexError};

/// Writer and what it has not committed.
pub(super) struct Writer {
    index: Index,
    fields: Fields,
    /// Absent after a fault, until [`Writer::recover`].
    engine: Option<IndexWriter>,
    pending: bool,
    /// No record above it was ever written, so none above it needs deleting
    /// before it is added: a first load does without all its deletions.
    highest: RecordNumber,
}

impl Writer {
    /// Takes the directory's lock. `highest` is the highest record number in it.
    pub(super) fn open(
        index: Index,
        fields: Fields,
        highest: Option<RecordNumber>,
    ) -> Result<Self, IndexError> {
        let engine = engine(&index).map_err(|fault| IndexError::from_writer(&fault))?;
        let highest = highest.unwrap_or(RecordNumber(i64::MIN));
        Ok(Self {
            index,
            fields,
            engine: Some(engine),
            pending: false,
            highest,
        })
    }

    /// Puts entries in place of what their records had, then removes records.
    pub(super) fn apply(
        &mut self,
        entries: &[IndexEntry],
        removed: &[RecordNumber],
    ) -> Result<(), IndexError> {
        let (fields, mut highest) = (self.fields, self.highest);
        let engine = self.engine.as_ref().ok_or_else(stopped)?;
        let delete = |record: RecordNumber, highest: RecordNumber| {
            if record <= highest {
                engine.delete_term(fields.record_term(record));
            }
        };
        let mut fault = None;
        for entry in entries {
            delete(entry.record, highest);
            highest = highest.max(entry.record);
            if let Err(error) = engine.add_document(fields.document(entry)) {
                fault = Some(error);
                break;
            }
        }
        for record in removed {
            delete(*record, highest);
        }
        self.highest = highest;
        self.pending |= !entries.is_empty() || !removed.is_empty();
        fault.map_or(Ok(()), |fault| Err(self.stop(&fault)))
    }

    /// Makes all changes durable, and with them the position they lead to.
    pub(super) fn commit(&mut self, position: EventPosition) -> Result<(), IndexError> {
        let engine = self.engine.as_mut().ok_or_else(stopped)?;
        let committed = engine.prepare_commit().and_then(|mut prepared| {
            prepared.set_payload(&payload(position));
            prepared.commit()
        });
        self.pending = false;
        committed.map(drop).map_err(|fault| self.stop(&fault))
    }

    /// Waits until the background has merged what it would merge.
    pub(super) fn settle(&mut self) -> Result<(), IndexError> {
        if self.pending {
            return Err(IndexError::ChangesPending);
        }
        let finished = self
            .engine
            .take()
            .ok_or_else(stopped)?
            .wait_merging_threads();
        finished.map_err(|fault| self.stop(&fault))?;
        self.recover()
    }

    /// Writes every segment anew that holds removed records, so that their
    /// terms are in no live file. The old files go with `collect_garbage`.
    pub(super) fn purge_deleted(&mut self) -> Result<(), IndexError> {
        self.settle()?;
        let engine = self.engine.as_mut().ok_or_else(stopped)?;
        let purged = purge(&self.index, engine);
        engine.set_merge_policy(Box::new(merge_policy()));
        purged.map_err(|fault| self.stop(&fault))
    }

    /// Deletes files that no segment needs.
    pub(super) fn collect_garbage(&mut self) -> Result<(), IndexError> {
        let engine = self.engine.as_ref().ok_or_else(stopped)?;
        let collected = engine.garbage_collect_files().wait();
        collected.map(drop).map_err(|fault| self.stop(&fault))
    }

    /// Starts again from the last commit; what was applied since is dropped.
    pub(super) fn recover(&mut self) -> Result<(), IndexError> {
        self.engine = None;
        self.pending = false;
        self.engine = Some(engine(&self.index).map_err(IndexError::not_written)?);
        Ok(())
    }

    /// Drops what was not committed and refuses everything until `recover`.
    pub(super) fn stop(&mut self, fault: &TantivyError) -> IndexError {
        self.engine = None;
        self.pending = false;
        IndexError::not_written(fault)
    }
}

fn stopped() -> IndexError {
    IndexError::not_written("an earlier change failed")
}

fn engine(index: &Index) -> Result<IndexWriter, TantivyError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(limits::INDEX_WRITER_BYTES)
        .build();
    let engine = index.writer_with_options(options)?;
    engine.set_merge_policy(Box::new(merge_policy()));
    Ok(engine)
}

fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(limits::INDEX_SEGMENTS_PER_MERGE);
    policy.set_min_layer_size(limits::INDEX_SMALL_SEGMENT_RECORDS);
    policy.set_max_docs_before_merge(limits::INDEX_MERGE_RECORDS_MAX);
    policy.set_del_docs_ratio_before_merge(limits::INDEX_REMOVED_SHARE_MAX);
    policy
}

/// The background is kept off, for it might take the same segments.
fn purge(index: &Index, engine: &mut IndexWriter) -> Result<(), TantivyError> {
    engine.set_merge_policy(Box::new(NoMergePolicy));
    for segment in index.searchable_segment_metas()? {
        if segment.has_deletes() {
            engine.merge(&[segment.id()]).wait()?;
        }
    }
    Ok(())
}
