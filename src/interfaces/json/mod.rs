//! One strict reader for every JSON text that comes in, whatever the door. It
//! refuses what other readers let pass in silence: members that are there twice
//! or that nobody knows, lists in the place of objects, endless lists and depth.
//! A fault names the member and the rule and never holds a value.
//!
//! Two passes: text to [`Tree`] (`tree.rs`), tree to a type (`reading.rs`).

mod fault;
mod reading;
mod tree;

#[cfg(test)]
mod tests;

pub use fault::{Breaks, Fault};
pub use tree::Tree;

use serde::de::DeserializeOwned;

/// Reads one JSON object.
///
/// # Errors
/// The first thing that is wrong, by member and rule.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    Tree::parse(bytes)?.read()
}
