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
    /// The authority that issues its local ids: a URI, and after blanks the other
    /// names by which messages call it (`urn:oid:…`, a namespace).
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

/// Start of an object identifier that is written as a URI.
const OID: &str = "urn:oid:";
/// Before the code of a source, a name of its authority.
const OWN: &str = "urn:accord:source:";

impl Source {
    /// The name of the authority that is given out: the first one, else a name
    /// that is made of the code.
    #[must_use]
    pub fn authority_name(&self) -> String {
        let known = self.authority.as_deref().unwrap_or_default();
        let first = known.split_whitespace().next();
        first.map_or_else(|| format!("{OWN}{}", self.code), str::to_owned)
    }

    /// Whether a message means this source's authority: by any of its names, by its
    /// code, by the name that it has here (`urn:accord:source:CODE`), or by an object
    /// identifier with or without `urn:oid:`.
    #[must_use]
    pub fn is_authority(&self, name: &str) -> bool {
        self.is_called(name, |own, name| own == name)
    }

    /// The same in capital or small letters: for what is kept from somebody, since
    /// identifiers of other authorities are found in either.
    #[must_use]
    pub fn is_authority_in_any_letters(&self, name: &str) -> bool {
        self.is_called(name, |own, name| own.to_lowercase() == name.to_lowercase())
    }

    fn is_called(&self, name: &str, same: impl Fn(&str, &str) -> bool) -> bool {
        fn bare(text: &str) -> &str {
            text.strip_prefix(OID).unwrap_or(text)
        }
        let known = self.authority.as_deref().unwrap_or_default();
        same(self.code.as_str(), name)
            || same(&format!("{OWN}{}", self.code), name)
            || known
                .split_whitespace()
                .any(|own| same(own, name) || same(bare(own), bare(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, SourceCode};
    use crate::identity::NumberStatus;

    fn source(authority: Option<&str>) -> Source {
        Source {
            code: SourceCode::parse("gp").expect("a code"),
            name: "Practices".into(),
            ods_code: None,
            authority: authority.map(Into::into),
            trust: 50,
            number_status_default: NumberStatus::NotTraced,
            acts_for_people: false,
            retention_days: None,
        }
    }

    #[test]
    fn an_authority_has_several_names_of_which_the_first_is_given_out() {
        let known = source(Some("https://example.org/gp urn:oid:1.2.3 PRACTICES"));
        assert_eq!(known.authority_name(), "https://example.org/gp");
        for name in [
            "https://example.org/gp",
            "urn:oid:1.2.3",
            "1.2.3",
            "PRACTICES",
            "gp",
        ] {
            assert!(known.is_authority(name), "{name}");
        }
        for name in ["", "https://example.org", "1.2", "practices", "urn:oid:"] {
            assert!(!known.is_authority(name), "{name}");
        }
    }

    #[test]
    fn an_authority_that_nobody_named_is_called_by_the_code() {
        let plain = source(None);
        assert_eq!(plain.authority_name(), "urn:accord:source:gp");
        assert!(plain.is_authority("urn:accord:source:gp"));
        assert!(!plain.is_authority(""));
    }

    #[test]
    fn an_authority_in_other_letters_is_known_to_who_keeps_its_ids_back() {
        let known = source(Some("https://Example.org/gp URN:OID:1.2.3"));
        for name in [
            "HTTPS://example.org/GP",
            "urn:oid:1.2.3",
            "URN:ACCORD:SOURCE:GP",
        ] {
            assert!(!known.is_authority(name), "{name}");
            assert!(known.is_authority_in_any_letters(name), "{name}");
        }
        assert!(!known.is_authority_in_any_letters("https://example.org/pas"));
    }
}
