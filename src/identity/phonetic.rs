//! Sound keys of names. They may find candidates and inform a fuzzy level,
//! never an equality (R48), so nothing here says that two names are alike.

use std::sync::LazyLock;

use rphonetic::{DoubleMetaphone, Encoder, Soundex};

use crate::identity::NameToken;

/// Codes are four characters long, so no later letter can change one; the
/// bound keeps a hostile token of any length cheap.
const LETTERS_READ_MAX: usize = 64;

static SOUNDEX: LazyLock<Soundex> = LazyLock::new(Soundex::default);
static DOUBLE_METAPHONE: LazyLock<DoubleMetaphone> = LazyLock::new(DoubleMetaphone::default);

/// American Soundex, one letter and three digits: the code that the national
/// demographics service blocks on. Empty for opaque text.
#[must_use]
pub fn soundex(token: &NameToken) -> String {
    letters(token).map_or_else(String::new, |text| SOUNDEX.encode(text))
}

/// Primary and alternate Double Metaphone code (Philips 2000), up to four
/// letters each; equal when there is one. Both empty for opaque text.
#[must_use]
pub fn double_metaphone(token: &NameToken) -> (String, String) {
    letters(token).map_or_else(Default::default, |text| {
        let codes = DOUBLE_METAPHONE.double_metaphone(text);
        (codes.primary(), codes.alternate())
    })
}

/// The encoders panic outside ASCII, so only A to Z reaches them.
fn letters(token: &NameToken) -> Option<&str> {
    if token.is_opaque() {
        return None;
    }
    let text = token.as_str();
    Some(&text[..text.len().min(LETTERS_READ_MAX)])
}

#[cfg(test)]
mod tests {
    use super::{double_metaphone, soundex};
    use crate::identity::NameToken;

    fn token(word: &str) -> NameToken {
        NameToken::fold(word).expect("a word")
    }

    #[test]
    fn r48_smith_and_smythe_share_a_sound_key_without_being_the_same() {
        let (smith, smythe) = (token("Smith"), token("Smythe"));
        assert_eq!(soundex(&smith), "S530");
        assert_eq!(soundex(&smith), soundex(&smythe));
        assert_eq!(double_metaphone(&smith).0, double_metaphone(&smythe).0);
        assert!(!smith.same(&smythe));
    }

    #[test]
    fn an_alternate_code_differs_where_a_name_has_two_sounds() {
        let (primary, alternate) = double_metaphone(&token("Schmidt"));
        assert_ne!(primary, alternate);
    }

    #[test]
    fn opaque_text_has_no_sound() {
        let digits = token("12345");
        assert_eq!(soundex(&digits), "");
        assert_eq!(double_metaphone(&digits), (String::new(), String::new()));
    }

    #[test]
    fn a_very_long_token_sounds_like_its_start() {
        let long = token(&"Robert".repeat(10_000));
        assert_eq!(soundex(&long), soundex(&token("RobertRobert")));
    }
}
