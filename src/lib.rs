//! Accord: record linkage and a master patient index for a shared care record.
//! The floors, lowest first; a floor uses only floors below it (ARCHITECTURE.md).

pub mod foundation;

pub mod identity;
pub mod security;

pub mod matching;

pub mod bulk;
pub mod registry;
pub mod review;

#[cfg(feature = "datafusion")]
pub mod frames;
pub mod index;
pub mod storage;

pub mod flows;

pub mod evaluation;

pub mod interfaces;

pub mod cli;
