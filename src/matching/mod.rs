//! How alike two identities are, and what follows.
//!
//! ```text
//! StandardRecord ─ blocking_keys ─► BlockingKeys ─(index)─► candidate persons
//! StandardRecord × members ─ model.compare ─► ComparisonVector (one level per field)
//! ComparisonVector… ─ model.score ─► IdentityScore (bits; model.explain gives the rows)
//! IdentityScore… ─ decide ─► Decision
//! ```
//!
//! Levels live in code (`levels`), what they weigh in a model file
//! (`model_file`, `model`), how common names are in its tables (`frequency`).

mod alarms;
mod assessment;
mod blocking;
mod blocking_values;
mod bounds;
mod commonness;
mod comparison;
mod contrary;
mod decision;
mod explanation;
mod frequency;
pub mod levels;
mod model;
mod model_file;
mod model_id;
mod pair_facts;
mod reason;
mod score;
pub mod search;
pub mod splink;
pub mod training;
mod weight;

#[cfg(test)]
mod rule_tests;

pub use alarms::alarm;
pub use blocking::{
    BlockingKey, BlockingKeys, FACET_BIT, Facet, KeyKind, Probe, blocking_format, blocking_keys,
    number_key,
};
pub use commonness::Commonness;
pub use comparison::{ComparedFields, ComparisonVector};
pub use decision::{Candidate, Decision, Grade, Route, decide};
pub use explanation::{Explanation, ExplanationRow, Field};
pub use levels::{Comparison, Outcome};
pub use model::LinkageModel;
pub use model_file::{
    Calibration, Caps, ComparisonFile, FrequencyFiles, LevelFile, ModelFile, ModelProblem,
};
pub use model_id::ModelId;
pub use pair_facts::same_mother;
pub use reason::Reason;
pub use score::{IdentityScore, Weighed};
pub use weight::{MatchProbability, MatchWeight, PROBABILITY_BANDS};
