//! What is written down about each access (RULES R130). Ids only: the row
//! outlives an erasure.

use crate::foundation::{Instant, PersonId};
use crate::security::Origin;

/// One row, committed with the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Instant,
    /// The account: a person or a system.
    pub actor: String,
    /// The person for whom a system acts.
    pub on_behalf_of: Option<String>,
    /// The role that was used.
    pub role: String,
    /// The organisation, where one was said.
    pub organisation: Option<String>,
    /// Why: the purpose of a system, the reason that a person gave.
    pub purpose: Option<String>,
    /// What was done, for instance `match_person`.
    pub action: &'static str,
    /// The request.
    pub request_id: String,
    /// Every person that was returned or changed.
    pub persons: Vec<PersonId>,
    /// Source and local id, where a record was asked for or changed.
    pub record: Option<String>,
    /// Where the request came from.
    pub origin: Origin,
}
