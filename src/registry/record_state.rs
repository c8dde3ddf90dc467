//! A source record as the state holds it: its versions and its link.

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::matching::Route;
use crate::registry::{Home, LocalId, SourceCode, VersionStanding};

/// Whether a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordStatus {
    /// It does.
    Active,
    /// Its source withdrew it.
    Withdrawn,
}

/// One version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionState {
    /// Counted from 1.
    pub version: u32,
    /// SHA-256 of its payload.
    pub digest: String,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// Current, history or held.
    pub standing: VersionStanding,
}

/// A source record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordState {
    /// Its number.
    pub number: RecordNumber,
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// Active or withdrawn.
    pub status: RecordStatus,
    /// Highest version number.
    pub latest_version: u32,
    /// The version that is served.
    pub current: VersionState,
    /// A version that waits for a human.
    pub held: Option<VersionState>,
    /// To whom it belongs, while active.
    pub link: Option<LinkState>,
    /// Position of the last event about it.
    pub position: EventPosition,
}

/// A link that holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkState {
    /// To whom.
    pub person: PersonId,
    /// How; `None` for a person of its own.
    pub route: Option<Route>,
    /// Posterior weight.
    pub weight_bits: Option<f64>,
    /// Since when.
    pub since: EventPosition,
    /// The last decision about the record by itself: this link, unless a merge
    /// or its undoing has carried the record here.
    pub home: Home,
}
