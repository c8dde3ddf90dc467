//! How the index may fail. Reasons name files and faults, never terms.

use tantivy::TantivyError;
use tantivy::directory::error::LockError;

/// What went wrong, by what the caller has to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Another handle or process writes to this directory. Leave it alone.
    #[error("the index directory is in use")]
    InUse,
    /// The directory is damaged, unreadable or of another format. Build the
    /// index again in a fresh directory.
    #[error("the index cannot be used and has to be built again: {reason}")]
    Unusable {
        /// The fault, for the operator.
        reason: String,
    },
    /// A change could not be written and nothing since the last commit is kept.
    /// Call [`CandidateIndex::recover`](super::CandidateIndex::recover) and
    /// apply again from the position that it answers; until then every further
    /// change fails in the same way, so that no position can skip a change.
    #[error("the index could not be written; go on from its position: {reason}")]
    NotWritten {
        /// The fault, for the operator.
        reason: String,
    },
    /// Changes wait for a commit, and the operation would lose them.
    #[error("changes of the index wait for a commit")]
    ChangesPending,
}

impl IndexError {
    /// A fault in what is there.
    pub(super) fn unusable(fault: impl std::fmt::Display) -> Self {
        Self::Unusable {
            reason: fault.to_string(),
        }
    }

    /// A fault while writing.
    pub(super) fn not_written(fault: impl std::fmt::Display) -> Self {
        Self::NotWritten {
            reason: fault.to_string(),
        }
    }

    /// A fault while taking the writer's lock.
    pub(super) fn from_writer(fault: &TantivyError) -> Self {
        match fault {
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::InUse,
            other => Self::unusable(other),
        }
    }
}
