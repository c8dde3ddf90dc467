//! Where candidates are looked up: the blocking keys of every record, with all
//! its historic values, in an inverted index; and beside them what people search
//! by.
//!
//! ```text
//! IndexEntry (record, keys, search terms) ─ apply, commit(position) ─► segments + position
//! BlockingKeys × RetrievalBounds ─ retrieve ─► Retrieved (records, position, probes)
//! SearchPlan × bound ─ search ─► Searched (records, position, narrowed or too many)
//! ```
//!
//! The index is a view. It can be deleted and built again from the record keys
//! in SQL, and it may lag: it carries the position that it holds, moved by the
//! same commit as its documents, and every retrieval says which position it
//! saw. Records beyond that position are the caller's to add, from SQL; nothing
//! here reads SQL. Looking is bounded, and what was not looked at is counted.
//! Nothing identifying is kept: a term is a hash.

mod candidate_index;
mod checked_directory;
mod content_hash;
mod error;
mod keys_in_memory;
mod retrieve;
mod schema;
mod search;
mod snapshot;
mod writer;

pub use candidate_index::{CandidateIndex, IndexEntry};
pub use content_hash::ContentHash;
pub use error::IndexError;
pub use keys_in_memory::KeysInMemory;
pub use retrieve::{ProbeOutcome, RetrievalBounds, Retrieved};
pub use search::Searched;
