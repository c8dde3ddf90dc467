//! How good is it: data whose truth is known, and what is measured on it.
//!
//! Files become numbers ([`RecordIds`], [`Truth`], [`Links`], [`Partition`]);
//! figures are sums over them, and no text is held twice, so that millions of
//! links need little more than 16 bytes each. Deliberately not here: files and
//! printing.

pub mod against;
pub mod bootstrap;
pub mod bounds;
pub mod calibration;
pub mod claims;
pub mod curve;
pub mod divisions;
mod evaluate;
pub mod facts;
pub mod gaps;
pub mod generator;
pub mod groups;
pub mod linkage_report;
mod links;
pub mod name_origin;
pub mod pair_figures;
pub mod partition;
mod record_ids;
pub mod regrouping;
pub mod report;
pub mod retrieval;
pub mod review;
mod truth;
pub mod unlabelled;
pub mod worst;

pub use evaluate::{
    CurveRow, Decided, Evaluation, EvaluationOptions, Evidence, LinkFigures, METHOD, Reach,
    RecallAtPrecision, evaluate,
};
pub use links::{Edge, Links};
pub use partition::{ClusterFigures, Partition};
pub use record_ids::RecordIds;
pub use truth::Truth;

#[cfg(test)]
mod decision_tests;
