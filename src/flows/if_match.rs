//! The condition under which a record is written or withdrawn.

/// Which version a writer must have seen (`If-Match`, RFC 9110 §13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: the record must be known, in whatever version.
    Any,
    /// One of these versions; of none, the condition never holds.
    OneOf(Vec<u32>),
    /// The record must not be known (`If-None-Exist`).
    Unknown,
    /// What would change is what was seen, by its digest; whoever knows what would
    /// change asks (`WouldChange`).
    Seen(String),
}

impl IfMatch {
    /// Whether the condition holds for the current version; `None` when the
    /// record is not known.
    #[must_use]
    pub fn holds(&self, current: Option<u32>) -> bool {
        match self {
            Self::Any => current.is_some(),
            Self::Unknown => current.is_none(),
            Self::OneOf(versions) => current.is_some_and(|current| versions.contains(&current)),
            Self::Seen(_) => true,
        }
    }
}
