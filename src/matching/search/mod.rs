//! People's search (RULES R120): what may be asked, where to look for it, and
//! whether a person is what was asked for. Pure; who may see the answer is the
//! gate's business, how long a list may be the flow's.
//!
//! ```text
//! SearchRequest ─ SearchCriteria::read ─► SearchCriteria (the minimum holds)
//! SearchCriteria ─ plan ─► SearchPlan: terms to look up (hashes; an AND of ORs)
//! StandardRecord ─ search_terms ─► what a record is stored under
//! SearchCriteria × records ─ verify ─► SearchMatch: score and how each field matched
//! ```
//!
//! The terms only find; [`SearchCriteria::verify`] decides on the values. So
//! there is no term for a misspelling or a sound: a fuzzy search holds a whole
//! birth date, which few share, and looks at everybody who was born on it.

mod criteria;
mod likeness;
mod minimum;
mod terms;
#[cfg(test)]
mod tests;
mod verify;

pub use criteria::{CriteriaProblem, SearchCriteria, SearchMinimum, SearchMode, SearchRequest};
pub use terms::{SearchPlan, search_terms};
pub use verify::{MatchedField, MatchedHow, SearchField, SearchMatch, SearchedRecord};
