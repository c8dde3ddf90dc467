//! Models of Splink, another program for linkage: its trained settings (a JSON file of
//! version 4 or 5) become a model of ours, and ours become settings of it. Both weigh by
//! Fellegi and Sunter, so a level's m and u carry over; what a level asks of two values does
//! not always: Splink writes it as SQL, here it stands in code (`levels`). Of everything it is
//! said whether it was carried over, and if not, why.

mod conditions;
mod correspondences;
mod export;
mod import;
mod settings;
#[cfg(test)]
mod tests;

use crate::matching::{Comparison, ModelProblem};

pub use export::{Exported, export};
pub use import::{Imported, TermFrequencies, import};

/// What has become of one thing of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It says the same on the other side.
    Carried,
    /// Its weight is carried over to what is most alike; pairs at its edge may stand elsewhere.
    Alike(&'static str),
    /// It is not carried over.
    Lost(String),
}

/// One thing of a model, and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// The comparison, where it is a level.
    pub comparison: Option<Comparison>,
    /// What it is called where it comes from.
    pub from: String,
    /// The levels that it became, by name.
    pub to: Vec<String>,
    /// log2(m/u) where it comes from.
    pub bits: Option<f64>,
    /// What has become of it.
    pub fate: Fate,
}

/// Why nothing is carried over at all.
#[derive(Debug, thiserror::Error)]
pub enum SplinkProblem {
    /// Not settings of Splink.
    #[error("the file is not a trained settings file of Splink 4 or 5: {0}")]
    NotSettings(String),
    /// What came out breaks a rule of models.
    #[error(transparent)]
    Model(#[from] ModelProblem),
}
