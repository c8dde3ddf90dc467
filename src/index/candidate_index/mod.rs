//! The handle of an index: opening with its checks, reading from the last
//! committed state, writing. Reading takes no lock that writing holds for
//! longer than it takes to put a pointer in place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tantivy::directory::MmapDirectory;
use tantivy::index::SegmentComponent;
use tantivy::{Index, IndexBuilder, IndexReader, IndexSettings, ReloadPolicy, TantivyError};

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::checked_directory::CheckedDirectory;
use crate::index::retrieve::retrieve;
use crate::index::schema::{Fields, position_of, schema};
use crate::index::search::{Searched, search};
use crate::index::snapshot::Snapshot;
use crate::index::writer::Writer;
use crate::index::{ContentHash, IndexError, RetrievalBounds, Retrieved};
use crate::matching::BlockingKeys;
use crate::matching::search::SearchPlan;

/// What the index holds of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The record.
    pub record: RecordNumber,
    /// Hashes of the keys of all its values, the historic ones too, in any
    /// order. A hash covers the key's kind.
    pub keys: Vec<u64>,
    /// Hashes of what people search by, of all its versions, in any order.
    pub search: Vec<u64>,
}

/// The index of a directory, or of memory. Handles are cheap to copy and share
/// one writer. The last handle's end gives the directory's lock back; a
/// directory is to be renamed only after that.
#[derive(Clone)]
pub struct CandidateIndex {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    snapshot: RwLock<Arc<Snapshot>>,
    writer: Mutex<Writer>,
}

impl CandidateIndex {
    /// Opens the index of a directory, or makes one, at position zero, where
    /// there is none. All files are read and their check values compared, so
    /// that damage is found here and not in an answer.
    ///
    /// # Errors
    /// [`IndexError::InUse`] when another handle or process has it open,
    /// [`IndexError::Unusable`] for everything else: build it again elsewhere.
    pub fn open(directory: &Path) -> Result<Self, IndexError> {
        // The engine panics on some damage, by its own documentation.
        catch_unwind(AssertUnwindSafe(|| {
            std::fs::create_dir_all(directory).map_err(IndexError::unusable)?;
            let directory = MmapDirectory::open(directory).map_err(IndexError::unusable)?;
            let (builder, fields) = builder();
            let index = builder
                .open_or_create(CheckedDirectory(directory))
                .map_err(IndexError::unusable)?;
            check_files(&index)?;
            Self::over(index, fields)
        }))
        .unwrap_or_else(|_| Err(IndexError::unusable("a file is damaged")))
    }

    /// An empty index in memory, at position zero.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] when the writer's threads cannot be started.
    pub fn in_memory() -> Result<Self, IndexError> {
        let (builder, fields) = builder();
        Self::over(
            builder.create_in_ram().map_err(IndexError::unusable)?,
            fields,
        )
    }

    fn over(index: Index, fields: Fields) -> Result<Self, IndexError> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(IndexError::unusable)?;
        let snapshot = committed(&index, &reader, fields)?;
        let writer = Writer::open(index.clone(), fields, snapshot.highest_record())?;
        let (snapshot, writer) = (RwLock::new(Arc::new(snapshot)), Mutex::new(writer));
        Ok(Self {
            shared: Arc::new(Shared {
                index,
                fields,
                reader,
                snapshot,
                writer,
            }),
        })
    }

    /// The records to compare with, from one committed state, whose position
    /// the answer carries. The same records under the same keys give the same
    /// answer, however they were committed.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] when a file cannot be read.
    pub fn retrieve(
        &self,
        keys: &BlockingKeys,
        bounds: &RetrievalBounds,
    ) -> Result<Retrieved, IndexError> {
        retrieve(self.snapshot().as_ref(), keys, bounds)
    }

    /// The records that hold a term of each group of a plan, from one committed
    /// state. Where more than `bound` do, the plan's further groups are asked
    /// for in turn, which the answer says.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] when a file cannot be read.
    pub fn search(&self, plan: &SearchPlan, bound: usize) -> Result<Searched, IndexError> {
        search(&self.snapshot(), plan, bound)
    }

    /// The position that retrievals see now.
    #[must_use]
    pub fn position(&self) -> EventPosition {
        self.snapshot().position
    }

    /// Records that retrievals see now.
    #[must_use]
    pub fn document_count(&self) -> u64 {
        self.snapshot().document_count()
    }

    /// A hash over all pairs of record and key, and the position it belongs to.
    /// Reads the whole index: some seconds for millions of records.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] when a file cannot be read.
    pub fn content_hash(&self) -> Result<(EventPosition, ContentHash), IndexError> {
        let snapshot = self.snapshot();
        Ok((snapshot.position, snapshot.content_hash()?))
    }

    /// Puts entries in the place of whatever their records had, and removes
    /// records (a record in both is removed). Applying again changes nothing.
    /// Seen by retrievals after [`commit`](Self::commit). Blocks.
    ///
    /// # Errors
    /// [`IndexError::NotWritten`]: see there.
    pub fn apply(
        &self,
        entries: &[IndexEntry],
        removed: &[RecordNumber],
    ) -> Result<(), IndexError> {
        self.writer()?.apply(entries, removed)
    }

    /// Makes the applied changes durable together with the position they lead
    /// to, and shows both to retrievals. Blocks, for several synchronisations
    /// of the disk.
    ///
    /// # Errors
    /// [`IndexError::NotWritten`]: see there.
    pub fn commit(&self, position: EventPosition) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        writer.commit(position)?;
        self.show_committed(&mut writer)
    }

    /// After [`IndexError::NotWritten`]: drops what was not committed, makes
    /// changes possible again and answers where to go on.
    ///
    /// # Errors
    /// [`IndexError::NotWritten`] while the fault lasts.
    pub fn recover(&self) -> Result<EventPosition, IndexError> {
        let mut writer = self.shared.writer.lock().unwrap_or_else(|poisoned| {
            self.shared.writer.clear_poison();
            poisoned.into_inner()
        });
        writer.recover()?;
        self.show_committed(&mut writer)?;
        Ok(self.position())
    }

    /// Waits until merges in the background are done, as at the end of a
    /// rebuild. Blocks.
    ///
    /// # Errors
    /// [`IndexError::ChangesPending`] between `apply` and `commit`,
    /// [`IndexError::NotWritten`]: see there.
    pub fn settle(&self) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        writer.settle()?;
        self.show_committed(&mut writer)
    }

    /// Takes the terms of removed and replaced records off the disk, as an
    /// erasure has to: segments that hold any are written anew and the old
    /// files are deleted. Blocks, for as long as those segments are large.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub fn purge_deleted(&self) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        writer.purge_deleted()?;
        // First the new snapshot, for the old one keeps its files in use.
        self.show_committed(&mut writer)?;
        writer.collect_garbage()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        // Nothing can panic while this lock is held.
        self.shared
            .snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The writer; one that a panic left half-way answers as after a fault.
    fn writer(&self) -> Result<MutexGuard<'_, Writer>, IndexError> {
        self.shared
            .writer
            .lock()
            .map_err(|_| IndexError::not_written("the writer panicked"))
    }

    /// Puts the last committed state before readers. `writer` is locked, so no
    /// other commit can come between its segments and its position.
    fn show_committed(&self, writer: &mut Writer) -> Result<(), IndexError> {
        let shared = &self.shared;
        let reloaded = shared.reader.reload();
        reloaded.map_err(|fault| writer.stop(&fault))?;
        let snapshot = Arc::new(committed(&shared.index, &shared.reader, shared.fields)?);
        *shared
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot;
        Ok(())
    }
}

fn builder() -> (IndexBuilder, Fields) {
    let (schema, fields) = schema();
    // Nothing is stored, so nothing needs a thread to compress it.
    let settings = IndexSettings {
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    (Index::builder().schema(schema).settings(settings), fields)
}

/// The state of the last commit, of which the reader has loaded the segments.
fn committed(index: &Index, reader: &IndexReader, fields: Fields) -> Result<Snapshot, IndexError> {
    let commit = index.load_metas().map_err(IndexError::unusable)?;
    let position = match &commit.payload {
        Some(text) => {
            position_of(text).ok_or_else(|| IndexError::unusable("it is of another format"))?
        }
        None if commit.segments.is_empty() => EventPosition::default(),
        None => return Err(IndexError::unusable("it has records and no position")),
    };
    Snapshot::new(&reader.searcher(), fields, position)
}

/// Every file that the segments need is there, known to the engine (which
/// checks and deletes only files it knows) and as it was written.
fn check_files(index: &Index) -> Result<(), IndexError> {
    use SegmentComponent::{Delete, FastFields, Postings, Terms};
    let check = || -> Result<bool, TantivyError> {
        let known = index.directory().list_managed_files();
        let segments = index.searchable_segment_metas()?;
        let all_known = segments.iter().all(|segment| {
            let deleted = segment.has_deletes().then_some(Delete);
            [Postings, Terms, FastFields]
                .into_iter()
                .chain(deleted)
                .all(|component| known.contains(&segment.relative_path(component)))
        });
        Ok(all_known && index.validate_checksum()?.is_empty())
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => Err(IndexError::unusable("a file is damaged or missing")),
        Err(fault) => Err(IndexError::unusable(fault)),
    }
}

#[cfg(test)]
mod tests;
