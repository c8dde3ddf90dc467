//! What a model is called: by its content.

use serde::{Deserialize, Serialize};

/// First 16 hex digits of SHA-256 over the model's text and its tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelId(pub(super) String);

impl ModelId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 16 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Display for ModelId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ModelId;
    use crate::matching::LinkageModel;

    #[test]
    fn an_id_is_sixteen_digits_and_nothing_else() {
        let known = LinkageModel::uk_care().id().clone();
        assert_eq!(ModelId::parse(known.as_str()), Some(known));
        for text in [
            "",
            "0123",
            "0123456789ABCDEF",
            "0123456789abcdeg",
            "0123456789abcdef0",
        ] {
            assert_eq!(ModelId::parse(text), None, "{text}");
        }
    }
}
