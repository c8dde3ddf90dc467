//! The index follows the ledger: it applies what was committed after its
//! position and moves its position with the documents. Answers do not wait
//! for it; retrieval adds the rows beyond its position.

use std::collections::BTreeMap;
use std::time::Duration;

use rayon::prelude::*;
use tokio::task::JoinHandle;

use crate::flows::{Context, FlowError};
use crate::foundation::limits::{
    INDEX_COMMIT_RECORDS, INDEX_COMMIT_WAIT_MS, INDEX_FEED_ROWS_MAX, INDEX_FILL_ROWS_MAX,
    INDEX_FOLLOW_INTERVAL_MS,
};
use crate::foundation::{EventPosition, RecordNumber};
use crate::index::{CandidateIndex, IndexEntry, IndexError};
use crate::matching::search::search_terms;
use crate::storage::FeedRow;

/// Positions that the horizon may move on before the index notes it.
const IDLE_MOVE: i64 = 10_000;

/// How the follower runs.
#[derive(Debug, Clone, Copy)]
pub struct FollowerOptions {
    /// Off: the index stands still for good; answers stay right and get slower.
    pub enabled: bool,
}

/// Applies everything that is committed and not yet indexed; how many records
/// that were.
///
/// # Errors
/// A fault of the ledger or the index; the index stands where it stood.
pub async fn catch_up(context: &Context) -> Result<u64, FlowError> {
    catch_up_noting(context, &mut |_| ()).await
}

/// The same, telling after each step how many records are applied.
///
/// # Errors
/// As [`catch_up`].
pub async fn catch_up_noting(
    context: &Context,
    note: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, FlowError> {
    apply_all(context, INDEX_FEED_ROWS_MAX, note).await
}

/// The same after a first load, in large segments: nobody waits for news, and small
/// segments would be merged again and again.
///
/// # Errors
/// As [`catch_up`].
pub async fn catch_up_filled(context: &Context) -> Result<u64, FlowError> {
    apply_all(context, INDEX_FILL_ROWS_MAX, &mut |_| ()).await
}

/// Reads a page while the one before it is written.
async fn apply_all(
    context: &Context,
    rows_per_commit: u32,
    note: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, FlowError> {
    let (mut from, mut applied) = (context.index.position(), 0);
    let mut writing: Option<JoinHandle<Result<u64, IndexError>>> = None;
    loop {
        let read = read_page(context, from, rows_per_commit).await;
        if let Some(written) = writing.take() {
            let taken = written.await.map_err(|_| FlowError::Stopped)??;
            applied += taken;
            note(applied);
            metrics::counter!("accord_index_commits_total").increment(1);
            metrics::counter!("accord_index_records_total").increment(taken);
        }
        let Some(page) = read? else {
            return Ok(applied);
        };
        from = page.upto;
        let index = context.index.clone();
        writing = Some(tokio::task::spawn_blocking(move || page.write(&index)));
    }
}

/// What the index takes in one commit.
struct Page {
    entries: Vec<IndexEntry>,
    removed: Vec<RecordNumber>,
    erased: bool,
    taken: u64,
    upto: EventPosition,
}

impl Page {
    fn write(&self, index: &CandidateIndex) -> Result<u64, IndexError> {
        index.apply(&self.entries, &self.removed)?;
        index.commit(self.upto)?;
        // Nothing of an erased record may be left in a file (R135).
        if self.erased {
            index.purge_deleted()?;
        }
        Ok(self.taken)
    }
}

/// What has changed after a position; nothing where nothing has.
async fn read_page(
    context: &Context,
    from: EventPosition,
    limit: u32,
) -> Result<Option<Page>, FlowError> {
    let (rows, upto) = context.store.index_feed(from, limit).await?;
    // A horizon moves without a change of ours; that is no news to write.
    if upto <= from || (rows.is_empty() && upto.0 - from.0 < IDLE_MOVE) {
        return Ok(None);
    }
    let mut search = search_terms_of(context, &rows).await?;
    let (taken, erased) = (rows.len() as u64, rows.iter().any(|row| row.erased));
    let (gone, stays): (Vec<FeedRow>, Vec<FeedRow>) = rows
        .into_iter()
        .partition(|row| row.withdrawn || is_gone(row));
    let entries = stays.into_iter().map(|row| IndexEntry {
        record: row.record,
        keys: row.keys,
        search: search.remove(&row.record).unwrap_or_default(),
    });
    Ok(Some(Page {
        entries: entries.collect(),
        removed: gone.into_iter().map(|row| row.record).collect(),
        erased,
        taken,
        upto,
    }))
}

/// Erased, and nothing has come since.
fn is_gone(row: &FeedRow) -> bool {
    row.erased && row.keys.is_empty()
}

/// What people may search these records by, in any version that was ever
/// served. The values are read after the rows: at worst they are younger, and
/// then the record comes again.
async fn search_terms_of(
    context: &Context,
    rows: &[FeedRow],
) -> Result<BTreeMap<RecordNumber, Vec<u64>>, FlowError> {
    let active = rows.iter().filter(|row| !row.withdrawn);
    let records: Vec<RecordNumber> = active.map(|row| row.record).collect();
    let values = context.store.record_values(&records).await?;
    let terms_of = move || {
        let terms = values.into_par_iter().map(|values| {
            let versions = values.earlier.iter().chain(&values.current);
            let terms = versions.flat_map(|version| search_terms(&version.with_disputed()));
            (values.record, terms.collect())
        });
        terms.collect()
    };
    let terms = tokio::task::spawn_blocking(terms_of).await;
    terms.map_err(|_| FlowError::Stopped)
}

/// Follows until the process ends. A fault is logged by its kind and tried
/// again: the index is behind meanwhile, which `/readyz` says.
pub async fn follow(context: Context, options: FollowerOptions) {
    if !options.enabled {
        return;
    }
    loop {
        if let Err(error) = catch_up_if_due(&context).await {
            metrics::counter!("accord_index_errors_total").increment(1);
            tracing::warn!(%error, "the index could not follow the ledger; trying again");
            if matches!(error, FlowError::Index(IndexError::NotWritten { .. })) {
                recover(&context).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(INDEX_FOLLOW_INTERVAL_MS)).await;
    }
}

/// After a failed write, as on a full disk, the index takes nothing more until
/// it starts again from its last commit.
async fn recover(context: &Context) {
    let index = context.index.clone();
    let recovered = tokio::task::spawn_blocking(move || index.recover()).await;
    if let Ok(Err(error)) = recovered {
        tracing::warn!(%error, "the index cannot be written yet");
    }
}

/// Catches up once enough has changed, or the first change has waited enough.
async fn catch_up_if_due(context: &Context) -> Result<(), FlowError> {
    let followed = context.index.position();
    let (_, changed, since) = context.store.position_and_lag(followed).await?;
    let waited = since.map_or(0, |since| {
        context.clock.now().microseconds() - since.microseconds()
    });
    // A clock that was set back must not stop the index.
    let waited_long =
        u64::try_from(waited).map_or(true, |waited| waited >= INDEX_COMMIT_WAIT_MS * 1_000);
    if changed >= INDEX_COMMIT_RECORDS || (changed > 0 && waited_long) {
        catch_up(context).await?;
    }
    Ok(())
}
