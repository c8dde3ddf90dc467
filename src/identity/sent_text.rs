//! What every field needs before it is read: control characters out, a bound
//! on the length, and the texts that stand for nothing ("UNKNOWN", "N/A").
//! Placeholders of one field only (ZZ99, reception@) live with that field.

use std::borrow::Cow;

use crate::foundation::limits::FIELD_CHARACTERS_MAX;

/// A text as it is compared, and what had to be done to it.
pub(super) struct CleanText<'a> {
    /// Trimmed, without control characters, within the limit.
    pub(super) text: Cow<'a, str>,
    /// Control characters were taken out.
    pub(super) had_controls: bool,
    /// Characters beyond [`FIELD_CHARACTERS_MAX`] were left out.
    pub(super) was_cut: bool,
}

/// Takes out what no field can mean.
pub(super) fn clean(sent: &str) -> CleanText<'_> {
    let plain = sent.bytes().all(|byte| matches!(byte, 0x20..=0x7E));
    if plain && sent.len() <= FIELD_CHARACTERS_MAX {
        return CleanText {
            text: Cow::Borrowed(sent.trim()),
            had_controls: false,
            was_cut: false,
        };
    }
    clean_slowly(sent)
}

fn clean_slowly(sent: &str) -> CleanText<'_> {
    let mut kept = String::with_capacity(sent.len().min(FIELD_CHARACTERS_MAX));
    let mut had_controls = false;
    let mut count = 0;
    let mut was_cut = false;
    for character in sent.trim().chars() {
        if count == FIELD_CHARACTERS_MAX {
            was_cut = true;
            break;
        }
        if character.is_whitespace() {
            kept.push(' ');
        } else if character.is_control() {
            had_controls = true;
            continue;
        } else if is_invisible(character) {
            continue;
        } else {
            kept.push(character);
        }
        count += 1;
    }
    let trimmed = kept.trim().len();
    if trimmed != kept.len() {
        kept = kept.trim().to_owned();
    }
    CleanText {
        text: Cow::Owned(kept),
        had_controls,
        was_cut,
    }
}

/// Zero-width and direction marks, and the soft hyphen: nobody typed them.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}'
    )
}

/// Texts that mean absence in any field, folded; sorted for the search.
const BLANK_EQUIVALENTS: [&str; 34] = [
    "BLANK",
    "CONFIDENTIAL",
    "DECLINED",
    "DONTKNOW",
    "EMPTY",
    "MISSING",
    "NA",
    "NAN",
    "NIL",
    "NK",
    "NONE",
    "NONEGIVEN",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "NOTDISCLOSED",
    "NOTGIVEN",
    "NOTKNOWN",
    "NOTPROVIDED",
    "NOTRECORDED",
    "NOTSPECIFIED",
    "NOTSTATED",
    "NULL",
    "REFUSED",
    "REMOVED",
    "TBA",
    "TBC",
    "UNAVAILABLE",
    "UNDEFINED",
    "UNK",
    "UNKNOWN",
    "UNKOWN",
    "UNOBTAINABLE",
    "UNSPECIFIED",
    "WITHHELD",
];

/// Longest text that the lists of placeholders hold.
const PLACEHOLDER_BYTES_MAX: usize = 24;

/// Whether the text says nothing: only punctuation, only `X`, or a word that
/// means absence.
pub(super) fn is_blank_equivalent(text: &str) -> bool {
    fold_short(text).is_some_and(|folded| {
        let folded = folded.as_str();
        folded.bytes().all(|byte| byte == b'X') || BLANK_EQUIVALENTS.binary_search(&folded).is_ok()
    })
}

/// A folded text on the stack.
pub(super) struct ShortText {
    bytes: [u8; PLACEHOLDER_BYTES_MAX],
    length: usize,
}

impl ShortText {
    /// The folded text.
    pub(super) fn as_str(&self) -> &str {
        // Only ASCII goes in, so that this cannot fail.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Upper-case letters and digits of a short text; `None` when it is too long
/// or not ASCII, and so in no list of placeholders.
pub(super) fn fold_short(text: &str) -> Option<ShortText> {
    let mut folded = ShortText {
        bytes: [0; PLACEHOLDER_BYTES_MAX],
        length: 0,
    };
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            *folded.bytes.get_mut(folded.length)? = byte.to_ascii_uppercase();
            folded.length += 1;
        } else if !byte.is_ascii() {
            return None;
        }
    }
    Some(folded)
}

/// Letters and digits in upper case, everything else left out.
pub(super) fn fold_alphanumeric(text: &str) -> String {
    if text.is_ascii() {
        return text
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| char::from(byte.to_ascii_uppercase()))
            .collect();
    }
    text.chars()
        .flat_map(char::to_uppercase)
        .filter(|character| character.is_alphanumeric())
        .collect()
}

/// Whether all characters are one and the same (of at least one).
pub(super) fn is_one_character(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| characters.all(|other| other == first))
}

/// Whether each digit is the one before plus (or minus) one, modulo ten.
pub(super) fn is_sequence(digits: &str) -> bool {
    let steps = |step: u8| {
        digits
            .as_bytes()
            .windows(2)
            .all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0')
    };
    digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) && (steps(1) || steps(9))
}

#[cfg(test)]
mod tests {
    use super::{BLANK_EQUIVALENTS, clean, is_blank_equivalent, is_sequence};
    use crate::foundation::limits::FIELD_CHARACTERS_MAX;

    #[test]
    fn the_list_of_blank_equivalents_is_sorted() {
        assert!(BLANK_EQUIVALENTS.is_sorted());
    }

    #[test]
    fn words_for_nothing_are_blank_and_words_are_not() {
        for text in ["", " . ", "n/a", "Unknown", "NOT KNOWN", "xxx", "--"] {
            assert!(is_blank_equivalent(text), "{text}");
        }
        for text in ["Nadia", "LS1 4AP", "0", "山"] {
            assert!(!is_blank_equivalent(text), "{text}");
        }
    }

    #[test]
    fn control_characters_go_and_white_space_becomes_a_blank() {
        let cleaned = clean("\u{FEFF}9 Elm\u{0}\tRoad\r\n");
        assert_eq!(cleaned.text, "9 Elm Road");
        assert!(cleaned.had_controls);
        assert!(!clean("9 Elm\u{A0}Road").had_controls);
    }

    #[test]
    fn only_the_start_of_an_endless_text_is_compared() {
        let cleaned = clean(&"é".repeat(FIELD_CHARACTERS_MAX + 1))
            .text
            .into_owned();
        assert_eq!(cleaned.chars().count(), FIELD_CHARACTERS_MAX);
        assert!(clean(&"a".repeat(FIELD_CHARACTERS_MAX + 1)).was_cut);
        assert!(!clean(&"é".repeat(FIELD_CHARACTERS_MAX)).was_cut);
    }

    #[test]
    fn sequences_run_up_or_down() {
        assert!(is_sequence("0123456789") && is_sequence("9876543210") && is_sequence("890123"));
        assert!(!is_sequence("0123456788") && !is_sequence("1"));
    }
}
