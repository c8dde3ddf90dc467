//! What a reader has seen, as a digest: a decision on anything else is refused.

use sha2::{Digest, Sha256};

use crate::foundation::{RecordNumber, hex};
use crate::registry::{RecordState, TaskState};

/// A record on a reader's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenRecord {
    /// Which.
    pub record: RecordNumber,
    /// The version that is served.
    pub current: u32,
    /// The version that is held.
    pub held: Option<u32>,
}

impl From<&RecordState> for SeenRecord {
    fn from(state: &RecordState) -> Self {
        Self {
            record: state.number,
            current: state.current.version,
            held: state.held.as_ref().map(|held| held.version),
        }
    }
}

/// Digest of a question with all records of its persons, in whatever order.
#[must_use]
pub fn evidence_seen(task: &TaskState, records: impl IntoIterator<Item = SeenRecord>) -> String {
    let mut records: Vec<SeenRecord> = records.into_iter().collect();
    records.sort_unstable();
    records.dedup();
    let mut digest = Sha256::new();
    digest.update(task.evidence.len().to_le_bytes());
    digest.update(&task.evidence);
    digest.update(task.round.to_le_bytes());
    for seen in records {
        digest.update(seen.record.0.to_le_bytes());
        digest.update(seen.current.to_le_bytes());
        digest.update(seen.held.unwrap_or(0).to_le_bytes());
    }
    hex(&digest.finalize())
}
