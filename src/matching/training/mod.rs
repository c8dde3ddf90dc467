//! Training without labels: what pairs of one person and of two people look
//! like, learnt from the pairs of a file alone.
//!
//! u is counted over random pairs; m and the share of true pairs come from
//! expectation–maximisation over the patterns of all pairs that met under any
//! blocking rule. What the data cannot teach keeps the figure of the model
//! that training started from, and says so.

mod calibrate;
mod maximise;
mod patterns;
mod write;

#[cfg(test)]
mod tests;

pub use calibrate::{KnownPair, calibrate, upper_bound};
pub use maximise::{Learnt, Observed, learn};
pub use patterns::{Pattern, PatternCounts};
