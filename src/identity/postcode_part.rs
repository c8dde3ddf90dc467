//! Half of a UK postcode in place, where a text of its own would cost more than what
//! it says, and each comparison a look elsewhere.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Up to four letters and digits; written as a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostcodePart([u8; 4]);

impl PostcodePart {
    /// `None` for more than four bytes, for none, and for what is not ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits =
            (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut symbols = [0; 4];
        for (to, from) in symbols.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        fits.then_some(Self(symbols))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(4);
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }

    /// Its symbols, zeros behind them.
    #[must_use]
    pub const fn symbols(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Debug for PostcodePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl fmt::Display for PostcodePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for PostcodePart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PostcodePart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| D::Error::custom("no part of a postcode"))
    }
}

#[cfg(test)]
mod tests {
    use super::PostcodePart;

    #[test]
    fn a_part_is_written_and_ordered_as_its_text() {
        let texts = ["B", "B1", "BA1", "LS1", "LS10", "ZE2", "4AP"];
        let parts = texts.map(|text| PostcodePart::new(text).expect("short"));
        for (text, part) in texts.iter().zip(&parts) {
            assert_eq!(part.as_str(), *text);
            let json = serde_json::to_string(part).expect("written");
            assert_eq!(json, serde_json::to_string(text).expect("written"));
            assert_eq!(
                serde_json::from_str::<PostcodePart>(&json).ok(),
                Some(*part)
            );
            assert_eq!(part.to_string(), *text);
            for (other, part_of_other) in texts.iter().zip(&parts) {
                assert_eq!(text.cmp(other), part.cmp(part_of_other));
            }
        }
        for text in ["", "LS1 4", "L\u{e9}"] {
            assert!(PostcodePart::new(text).is_none(), "{text:?}");
        }
    }
}
