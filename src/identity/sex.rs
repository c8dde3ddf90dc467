//! Sex, read alike in its three meanings: administrative gender, sex at birth,
//! gender identity. They are kept apart and never compared crosswise (R60).

use serde::{Deserialize, Serialize};

use crate::identity::sent_text::{fold_short, is_blank_equivalent};

/// Neutral codes (0, 9, X, other, unknown) are absent, not a value (R59).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// 1, M, male.
    Male,
    /// 2, F, female.
    Female,
}

/// Codes that say neither: NHS Data Model and Dictionary, FHIR, HL7 v2.
const NEUTRAL: [&str; 20] = [
    "0",
    "3",
    "4",
    "9",
    "A",
    "I",
    "INDETERMINATE",
    "INTERSEX",
    "N",
    "NB",
    "NONBINARY",
    "O",
    "OTH",
    "OTHER",
    "P",
    "PREFERNOTTOSAY",
    "U",
    "UN",
    "X",
    "Z",
];

impl Sex {
    /// `None` for neutral codes and for what is no code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match fold_short(text)?.as_str() {
            "1" | "01" | "M" | "MALE" | "MAN" | "BOY" => Some(Self::Male),
            "2" | "02" | "F" | "FEMALE" | "WOMAN" | "GIRL" => Some(Self::Female),
            _ => None,
        }
    }

    /// Whether the text is a known code for neither; such a text is no finding.
    #[must_use]
    pub fn is_neutral(text: &str) -> bool {
        is_blank_equivalent(text)
            || fold_short(text).is_some_and(|code| NEUTRAL.binary_search(&code.as_str()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::{NEUTRAL, Sex};

    #[test]
    fn r59_codes_and_words_are_mapped() {
        for text in ["1", "M", "male", " Male "] {
            assert_eq!(Sex::parse(text), Some(Sex::Male), "{text}");
        }
        for text in ["2", "f", "FEMALE"] {
            assert_eq!(Sex::parse(text), Some(Sex::Female), "{text}");
        }
    }

    #[test]
    fn r59_neutral_codes_are_absent_and_known() {
        for text in [
            "0",
            "9",
            "X",
            "other",
            "unknown",
            "UNK",
            "not specified",
            "U",
            "",
        ] {
            assert_eq!(Sex::parse(text), None, "{text}");
            assert!(Sex::is_neutral(text), "{text}");
        }
        assert!(!Sex::is_neutral("Q") && !Sex::is_neutral("male") && NEUTRAL.is_sorted());
    }
}
