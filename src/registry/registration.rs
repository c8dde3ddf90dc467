//! What a registration brings to the commit, and what it takes back.

use std::sync::Arc;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::identity::{Finding, StandardRecord};
use crate::matching::IdentityScore;
use crate::registry::{
    LocalId, Member, NumberHash, RegistrationAnswer, Replacement, Replacements, SourceCode,
};

/// A person as it was scored before the commit.
#[derive(Debug, Clone)]
pub struct PreparedPerson {
    /// Who.
    pub person: PersonId,
    /// The revision that was scored; the score stands while it stands.
    pub revision: EventPosition,
    /// Its members, without the record itself.
    pub members: Vec<Member>,
    /// The score of the record against them.
    pub score: IdentityScore,
}

/// A version of a record with all that was prepared for it.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Who sends it.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// SHA-256 of the payload as stored.
    pub digest: String,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// The standardised version, without history.
    pub standard: Arc<StandardRecord>,
    /// What standardising found.
    pub findings: Vec<Finding>,
    /// Hashes of the keys that are looked up for it.
    pub lock_hashes: Vec<u64>,
    /// Persons that the index found, scored.
    pub prepared: Vec<PreparedPerson>,
    /// Whether the index looked at all that shares a key.
    pub complete: bool,
    /// What the message says about the number that its own replaces (R16).
    pub replacement: Option<Replacement>,
    /// Which number is replaced by which, as the persons were scored.
    pub replacements: Replacements,
    /// The number that the message says is invalid, with none in its place (R21).
    pub invalidated: Option<NumberHash>,
}

/// What registering gives beside the events.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The answer to the sender.
    pub answer: RegistrationAnswer,
    /// The record's number.
    pub record: RecordNumber,
    /// What is stored for matching: the version with the history before it.
    /// `None` where the version is not served.
    pub remembered: Option<Arc<StandardRecord>>,
}
