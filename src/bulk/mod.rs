//! Linkage of whole files in memory, with the model, levels and weights of
//! the service.
//!
//! ```text
//! SentRow… ─ take ─► BulkRecords (every value once) ─ seal ─► in the order of ids
//! Codes ─ meet ─► blocks ─ sample ─► pairs ─ train ─► LinkageModel
//! blocks ─ worth_comparing ─► pairs, each once ─ score ─► Edge… ─ group | settle ─► persons
//! ```
//!
//! Nothing here depends on the number of threads or on the order of rows.

mod address_memo;
mod blocks;
mod bounds;
mod briefs;
mod care;
mod comparing;
mod evidence;
mod groups;
mod hashing;
mod ids;
mod junk;
mod keys;
mod known_pairs;
mod learning;
mod name_bounds;
mod pairs;
mod pieces;
mod place_bounds;
mod reading;
mod records;
mod rules;
mod run;
mod sampling;
mod scoring;
mod shapes;
mod sounds;
mod word;
mod words;

#[cfg(test)]
mod reading_tests;

pub use blocks::{OversizedBlock, RuleTally};
pub use junk::{Junk, JunkKind};
pub use known_pairs::{LabelledPair, Labels};
pub use learning::{FAMILY_NAMES_TABLE, GIVEN_NAMES_TABLE, Trained};
pub use pieces::{BROAD_PLACES, NO_PIECE, Piecework, SettledPiece};
pub use records::{BulkRecords, SentRow};
pub use run::{LinkPlan, Linked, Policy, Stage, Watch, learn_model, link};
pub use sampling::{PairNear, pairs_near};
pub use scoring::Edge;
