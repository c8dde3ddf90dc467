//! Source systems: who sends records, what they may assert, how far they are
//! trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::NumberStatus;

/// Longest source code; ODS codes and system names are far shorter.
const SOURCE_CODE_CHARACTERS_MAX: usize = 64;
/// Longest local id; hospital numbers and GUIDs are far shorter.
const LOCAL_ID_CHARACTERS_MAX: usize = 256;

/// The text cannot name a source or a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} must have 1 to {longest} characters, none of them a control character")]
pub struct InvalidName {
    what: &'static str,
    longest: usize,
}

fn checked(text: &str, what: &'static str, longest: usize) -> Result<String, InvalidName> {
    let sound = !text.trim().is_empty()
        && text.chars().count() <= longest
        && !text.chars().any(char::is_control);
    if sound {
        Ok(text.to_owned())
    } else {
        Err(InvalidName { what, longest })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $longest:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text as it is; case matters.
            ///
            /// # Errors
            /// When it is blank, too long or holds a control character.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                checked(text, $what, $longest).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name!(
    /// Names a source system.
    SourceCode, "a source code", SOURCE_CODE_CHARACTERS_MAX
);
name!(
    /// A record's id at its source.
    LocalId, "a local id", LOCAL_ID_CHARACTERS_MAX
);

/// A source system of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its code.
    pub code: SourceCode,
    /// Its name for people.
    pub name: String,
    /// ODS code of its organisation.
    pub ods_code: Option<String>,
    /// The authority (URI) that issues its local ids.
    pub authority: Option<String>,
    /// 0 to 100; decides which value survives in a golden record.
    pub trust: u8,
    /// Status of a number that comes without one (R12).
    pub number_status_default: NumberStatus,
    /// Whether its systems may act for a named person by header.
    pub acts_for_people: bool,
    /// Days after its last message for which a record is kept; `None` for good.
    pub retention_days: Option<u32>,
}
