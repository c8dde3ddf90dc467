//! A build with other tables of name variants than the one that stored a
//! ledger's blocking keys looks for other hashes. Such a ledger is not served
//! until its keys are made anew from the values.

use std::collections::HashSet;

use crate::flows::{Context, FlowError};
use crate::foundation::RecordNumber;
use crate::foundation::limits::{INDEX_FEED_ROWS_MAX, KEYS_PER_RECORD_MAX};
use crate::matching::{blocking_format, blocking_keys};
use crate::storage::RecordToKey;

fn format() -> String {
    format!("{:016x}", blocking_format())
}

/// Whether the stored keys are those that this build looks up. A ledger that no
/// build has claimed yet is claimed.
///
/// # Errors
/// A fault of the ledger.
pub async fn keys_fit(context: &Context) -> Result<bool, FlowError> {
    let ours = format();
    Ok(context.store.key_format(&ours).await? == ours)
}

/// Makes all keys anew, telling after each step how many records are done; how
/// many there were. Nobody else may use the ledger. Where it is interrupted, the
/// ledger still is of the other format, and it is done again.
///
/// # Errors
/// A fault of the ledger, or the process is stopping.
pub async fn rekey(
    context: &Context,
    note: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, FlowError> {
    let (mut after, mut done) = (RecordNumber(0), 0);
    loop {
        let page = context.store.records_to_key(after, INDEX_FEED_ROWS_MAX);
        let page = page.await?;
        let Some(last) = page.last() else {
            context.store.note_key_format(&format()).await?;
            return Ok(done);
        };
        after = last.record;
        done += page.len() as u64;
        let keyed = context.pool.run(move || with_keys(page)).await?;
        context.store.replace_keys(&keyed).await?;
        note(done);
    }
}

fn with_keys(page: Vec<RecordToKey>) -> Vec<(RecordToKey, Vec<u64>)> {
    let keyed = page.into_iter().map(|record| {
        let keys = keys_of(&record);
        (record, keys)
    });
    keyed.collect()
}

/// The keys of all versions, those of the latest first, as many as are kept.
fn keys_of(record: &RecordToKey) -> Vec<u64> {
    let mut seen = HashSet::new();
    let versions = record.served.iter();
    let mut keys: Vec<u64> = versions
        .flat_map(|version| blocking_keys(&version.with_disputed()).stored_hashes())
        .filter(|hash| seen.insert(*hash))
        .collect();
    keys.truncate(KEYS_PER_RECORD_MAX);
    keys
}
