//! What a model is called: by its content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::foundation::hex;

/// Bytes of the digest that an id shows.
const SHOWN: usize = 8;

/// Under which names a model's text names its tables, in the order of the digest.
const TABLES: [&str; 4] = [
    "given_names",
    "family_names",
    "communities",
    "crowded_postcodes",
];

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

    /// The id of a text and the texts of its tables, in the order in which they are named.
    pub(super) fn of<'t>(text: &str, tables: impl IntoIterator<Item = &'t str>) -> Self {
        let mut digest = Sha256::new();
        digest.update(text.as_bytes());
        for table in tables {
            digest.update([0]);
            digest.update(table.as_bytes());
        }
        let digest = digest.finalize();
        Self(hex(&digest[..SHOWN]))
    }

    /// The same of a text of any format, of which nothing is understood but the names of
    /// its tables: what another release has kept can be checked all the same. `None` where
    /// it is no TOML, or a table is not at hand.
    #[must_use]
    pub fn of_text(text: &str, table: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let file: toml::Table = text.parse().ok()?;
        let named = file.get("frequencies").and_then(toml::Value::as_table);
        let named = TABLES
            .iter()
            .filter_map(|name| named?.get(*name)?.as_str())
            .map(table);
        let tables: Vec<String> = named.collect::<Option<_>>()?;
        Some(Self::of(text, tables.iter().map(String::as_str)))
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
    fn a_text_is_known_again_by_a_release_that_cannot_read_it() {
        let model = LinkageModel::uk_care();
        let embedded = &LinkageModel::embedded_table;
        let known = ModelId::of_text(model.text(), embedded).expect("TOML");
        assert_eq!(&known, model.id());
        let other = format!("{}\n[of_another_release]\nx = 1\n", model.text());
        assert!(LinkageModel::parse(&other, embedded).is_err());
        let other = ModelId::of_text(&other, embedded).expect("TOML");
        assert_ne!(other, known);
        assert_eq!(ModelId::of_text("no TOML", embedded), None);
        assert_eq!(ModelId::of_text(model.text(), &|_| None), None);
    }

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
