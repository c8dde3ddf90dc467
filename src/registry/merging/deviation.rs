//! What an undone merge cannot give back as it was, listed before anything
//! happens.

use crate::foundation::{PersonId, RecordNumber};

/// What cannot be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviationKind {
    /// A human has since put the record where it is.
    PlacedByHuman,
    /// Evidence has since put the record where it is.
    PlacedByEvidence,
    /// The source has since withdrawn the record.
    Withdrawn,
    /// The values of the record are erased: it cannot be compared.
    Erased,
    /// The record came since, and the evidence is for neither side.
    Unclear,
    /// The person has no active record left to stand for.
    NoRecordLeft,
}

impl DeviationKind {
    /// Plain English, without values.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::PlacedByHuman => "A later human decision has put the record where it is.",
            Self::PlacedByEvidence => "Later evidence has put the record where it is.",
            Self::Withdrawn => "The source has withdrawn the record since.",
            Self::Erased => "The values of the record are erased.",
            Self::Unclear => "The record came since, and the evidence is clear for neither side.",
            Self::NoRecordLeft => "The person has no active record any more.",
        }
    }
}

/// One deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deviation {
    /// The record.
    pub record: Option<RecordNumber>,
    /// To whom it belongs afterwards, or the person that is not as it was.
    pub person: Option<PersonId>,
    /// Why.
    pub kind: DeviationKind,
}
