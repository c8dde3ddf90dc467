//! One word of a name, folded for comparison (R29, R30). Splitting a field
//! into words and knowing what a word means is not here.

use std::fmt;
use std::iter::once;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// No real word of a name is longer (national fields hold 35 to 40
/// characters); comparisons cost the square of the length.
const TOKEN_LETTERS_MAX: usize = 128;

/// A word of a name.
///
/// Folded: upper-case A–Z only (apostrophes, hyphens, marks and digits gone;
/// letters that Unicode does not decompose and other scripts transliterated).
/// A word that folds to nothing, for instance digits only, keeps its
/// upper-cased characters as opaque text. Never empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameToken {
    folded: Box<str>,
    /// The second folding where it differs (MÜLLER: MULLER and MUELLER).
    transliterated: Option<Box<str>>,
}

impl fmt::Debug for NameToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl NameToken {
    /// Folds one word; `None` when nothing is left. Folding a folded word
    /// changes nothing.
    #[must_use]
    pub fn fold(word: &str) -> Option<Self> {
        if word.len() <= TOKEN_LETTERS_MAX && word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Self::of(word.to_ascii_uppercase(), None);
        }
        let mut folded = String::new();
        let mut second = String::new();
        let mut characters = word.nfkc().take(TOKEN_LETTERS_MAX).peekable();
        while let Some(character) = characters.next() {
            let before_letter = characters.peek().is_some_and(|next| is_foldable(*next));
            fold_character(character, before_letter, &mut folded, &mut second);
        }
        if folded.is_empty() {
            return Self::of(opaque(word), None);
        }
        Self::of(folded, Some(second))
    }

    /// The words of one slot written as one (XIAO MING: XIAOMING), or `None`
    /// when there are none.
    #[must_use]
    pub fn joined(tokens: &[Self]) -> Option<Self> {
        if let [only] = tokens {
            return Some(only.clone());
        }
        let folded: String = tokens.iter().map(Self::as_str).collect();
        let second = tokens
            .iter()
            .any(|token| token.transliterated.is_some())
            .then(|| {
                tokens
                    .iter()
                    .map(|token| token.transliterated().unwrap_or(token.as_str()))
                    .collect()
            });
        Self::of(folded, second)
    }

    fn of(mut folded: String, second: Option<String>) -> Option<Self> {
        truncate(&mut folded);
        let second = second.map(|mut text| {
            truncate(&mut text);
            text
        });
        (!folded.is_empty()).then(|| Self {
            transliterated: second
                .filter(|text| *text != folded)
                .map(String::into_boxed_str),
            folded: folded.into_boxed_str(),
        })
    }

    /// The main folding: A–Z unless opaque.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.folded
    }

    /// The second folding, where it differs.
    #[must_use]
    pub fn transliterated(&self) -> Option<&str> {
        self.transliterated.as_deref()
    }

    /// Equal in either folding (Müller = Muller = Mueller, R29). Symmetric,
    /// not transitive: Muller and Mueller are two names until an umlaut joins
    /// them.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.folded == other.folded
            || ((self.transliterated.is_some() || other.transliterated.is_some())
                && self
                    .foldings()
                    .any(|mine| other.foldings().any(|theirs| mine == theirs)))
    }

    /// A single letter.
    #[must_use]
    pub fn is_initial(&self) -> bool {
        self.folded.len() == 1 && !self.is_opaque()
    }

    /// Text without a letter that can be folded: compared for equality only.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        !self.folded.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    /// The main folding, then the second one.
    pub(crate) fn foldings(&self) -> impl Iterator<Item = &str> {
        once(&*self.folded).chain(self.transliterated.as_deref())
    }
}

/// Whether a character leaves a letter. A digit before one that leaves none is no
/// misread letter: folding what is left of such a word would find it one.
fn is_foldable(character: char) -> bool {
    character.is_ascii_alphabetic()
        || (character.is_alphabetic()
            && (letter_pair(character).is_some()
                || any_ascii::any_ascii_char(character)
                    .bytes()
                    .any(|byte| byte.is_ascii_alphabetic())))
}

/// Adds one character to both foldings.
fn fold_character(character: char, before_letter: bool, folded: &mut String, second: &mut String) {
    if character.is_ascii_alphabetic() {
        folded.push(character.to_ascii_uppercase());
        second.push(character.to_ascii_uppercase());
        return;
    }
    if let Some(letter) = misread_digit(character).filter(|_| before_letter) {
        folded.push(letter);
        second.push(letter);
        return;
    }
    if !character.is_alphabetic() {
        return;
    }
    if let Some((first, other)) = letter_pair(character) {
        folded.push_str(first);
        second.push_str(other);
        return;
    }
    for letter in any_ascii::any_ascii_char(character).chars() {
        if letter.is_ascii_alphabetic() {
            folded.push(letter.to_ascii_uppercase());
            second.push(letter.to_ascii_uppercase());
        }
    }
}

/// Both foldings of letters that Unicode does not decompose, and of those
/// that have a second customary spelling (R29; uk-identity §4.7).
const fn letter_pair(character: char) -> Option<(&'static str, &'static str)> {
    Some(match character {
        'Ł' | 'ł' => ("L", "L"),
        'Ø' | 'ø' | 'Ö' | 'ö' => ("O", "OE"),
        'Ü' | 'ü' => ("U", "UE"),
        'Ä' | 'ä' => ("A", "AE"),
        'Å' | 'å' => ("A", "AA"),
        'Đ' | 'đ' => ("D", "DJ"),
        'Ð' | 'ð' => ("D", "DH"),
        'Þ' | 'þ' => ("TH", "TH"),
        'ß' | 'ẞ' => ("SS", "SS"),
        'Æ' | 'æ' => ("AE", "A"),
        'Œ' | 'œ' => ("OE", "O"),
        'İ' | 'ı' => ("I", "I"),
        'Ə' | 'ə' => ("A", "E"),
        'Ħ' | 'ħ' => ("H", "H"),
        'Ŋ' | 'ŋ' => ("N", "NG"),
        'Ŧ' | 'ŧ' => ("T", "T"),
        _ => return None,
    })
}

/// Digits that scanners and tired fingers put for a letter; only before a
/// letter, so that "Smith2" stays Smith.
const fn misread_digit(character: char) -> Option<char> {
    Some(match character {
        '0' => 'O',
        '1' => 'I',
        '5' => 'S',
        '8' => 'B',
        _ => return None,
    })
}

/// What is left of a word without foldable letters. Case mapping and
/// composition can undo each other, so both run until nothing changes.
fn opaque(word: &str) -> String {
    let keep = |text: &str| -> String {
        text.nfkc()
            .flat_map(char::to_uppercase)
            .nfkc()
            .filter(|character| character.is_alphanumeric())
            .take(TOKEN_LETTERS_MAX)
            .collect()
    };
    let mut text = keep(word);
    for _ in 0..4 {
        let again = keep(&text);
        if again == text {
            break;
        }
        text = again;
    }
    text
}

fn truncate(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(TOKEN_LETTERS_MAX) {
        text.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NameToken;

    fn token(word: &str) -> NameToken {
        NameToken::fold(word).expect("a word")
    }

    #[test]
    fn r29_letters_that_unicode_does_not_decompose_fold_by_an_explicit_map() {
        for (word, folded) in [
            ("Małgorzata", "MALGORZATA"),
            ("Søren", "SOREN"),
            ("Đorđe", "DORDE"),
            ("Weiß", "WEISS"),
            ("Æthelred", "AETHELRED"),
            ("Þór", "THOR"),
            ("Guðrún", "GUDRUN"),
            ("Işıl", "ISIL"),
            ("Siân", "SIAN"),
            ("Nguyễn", "NGUYEN"),
            ("ﬁona", "FIONA"),
            ("Владимир", "VLADIMIR"),
            ("小明", "XIAOMING"),
        ] {
            assert_eq!(token(word).as_str(), folded, "{word}");
        }
    }

    #[test]
    fn r29_umlauts_equal_both_of_their_customary_spellings() {
        let muller = token("Müller");
        assert_eq!(muller.as_str(), "MULLER");
        assert_eq!(muller.transliterated(), Some("MUELLER"));
        for other in ["Muller", "Mueller", "MÜLLER", "mu\u{308}ller"] {
            assert!(muller.same(&token(other)), "{other}");
        }
        assert!(token("Åse").same(&token("Aase")));
        assert!(!token("Muller").same(&token("Mueller")));
    }

    #[test]
    fn r30_apostrophes_and_hyphens_disappear() {
        for word in ["O'Brien", "O’Brien", "o-brien", "OBrien"] {
            assert_eq!(token(word).as_str(), "OBRIEN");
        }
    }

    #[test]
    fn a_misread_digit_becomes_its_letter_and_a_trailing_one_goes() {
        assert_eq!(token("J0hn").as_str(), "JOHN");
        assert_eq!(token("Smith2").as_str(), "SMITH");
    }

    #[test]
    fn words_without_letters_are_opaque_or_nothing() {
        assert!(token("123").is_opaque());
        assert!(!token("5").is_initial());
        assert!(token("J").is_initial());
        for nothing in ["", ".", "-", "'", "\u{200b}", "😀"] {
            assert!(NameToken::fold(nothing).is_none(), "{nothing:?}");
        }
    }

    #[test]
    fn a_token_prints_nothing() {
        assert_eq!(format!("{:?}", token("Smith")), "[redacted]");
    }

    #[test]
    fn a_digit_before_a_letter_without_ascii_is_kept_by_every_folding() {
        let once = NameToken::fold("8\0\u{215d4}").expect("a word");
        let twice = NameToken::fold(once.as_str()).expect("still a word");
        assert_eq!(once.as_str(), twice.as_str());
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(word in "\\PC{0,40}|.*") {
            if let Some(once) = NameToken::fold(&word) {
                let twice = NameToken::fold(once.as_str()).expect("still a word");
                prop_assert_eq!(once.as_str(), twice.as_str());
                prop_assert!(once.same(&twice));
            }
        }

        #[test]
        fn same_is_symmetric(a in "[a-zäöüßøåæ0-9]{0,5}", b in "[a-zäöüßøåæ0-9]{0,5}") {
            if let (Some(a), Some(b)) = (NameToken::fold(&a), NameToken::fold(&b)) {
                prop_assert_eq!(a.same(&b), b.same(&a));
                prop_assert!(a.same(&a));
            }
        }
    }
}
