//! From address lines to words and marks, with the postcode taken out. What the
//! words mean is read in the neighbouring file.

use std::borrow::Cow;

use crate::identity::postcode::is_plain_unit;

/// Upper-case ASCII with lines ended by a line break, apostrophes gone.
pub(super) fn fold_lines(lines: &[Cow<'_, str>]) -> String {
    let mut folded = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        let ascii = if line.is_ascii() {
            Cow::Borrowed(line.as_ref())
        } else {
            Cow::Owned(any_ascii::any_ascii(line))
        };
        for character in ascii.chars() {
            match character {
                '\'' | '`' => {}
                '&' => folded.push_str(" AND "),
                _ => folded.push(character.to_ascii_uppercase()),
            }
        }
        folded.push('\n');
    }
    folded
}

/// A word, or a mark that can mean something between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Letters and digits.
    Word(&'a str),
    /// Between flat and number.
    Slash,
    /// Between the ends of a range.
    Dash,
    /// The end of a line, or a comma.
    Break,
}

/// Cuts a folded text into words and marks.
pub(super) fn split(folded: &str) -> Vec<Token<'_>> {
    let bytes = folded.as_bytes();
    let mut tokens = Vec::with_capacity(16);
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
            at += 1;
        }
        if at > start {
            tokens.push(Token::Word(&folded[start..at]));
            continue;
        }
        match bytes[at] {
            b'/' => tokens.push(Token::Slash),
            b'-' => tokens.push(Token::Dash),
            b',' | b';' | b':' | b'\n' => tokens.push(Token::Break),
            _ => {}
        }
        at += 1;
    }
    tokens
}

/// Takes a postcode off the end of each line; the first UK one is returned.
pub(super) fn take_postcode(tokens: &mut Vec<Token<'_>>, code: Option<&str>) -> Option<String> {
    let mut found = None;
    let mut at = tokens.len();
    while at > 0 {
        at -= 1;
        let ends_line = matches!(tokens.get(at + 1), None | Some(Token::Break));
        let Token::Word(last) = tokens[at] else {
            continue;
        };
        if !ends_line {
            continue;
        }
        if code == Some(last) && at > 0 && matches!(tokens[at - 1], Token::Word(_) | Token::Break) {
            tokens.remove(at);
        } else if (5..=7).contains(&last.len()) && is_plain_unit(last) {
            found = Some(last.to_owned());
            tokens.remove(at);
        } else if last.len() == 3
            && last.as_bytes()[0].is_ascii_digit()
            && let Some(Token::Word(outward)) = at.checked_sub(1).map(|before| tokens[before])
            && outward.len() <= 4
        {
            let whole = format!("{outward}{last}");
            if is_plain_unit(&whole) {
                found = Some(whole);
                tokens.drain(at - 1..=at);
                at -= 1;
            }
        }
    }
    found
}

/// One to six digits and at most one letter.
pub(super) fn house_number(word: &str) -> Option<(u32, Option<char>)> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=6).contains(&digits) {
        return None;
    }
    let mut rest = word[digits..].chars();
    let suffix = rest.next();
    if rest.next().is_some() {
        return None;
    }
    Some((word[..digits].parse().ok()?, suffix))
}

/// A letter that stands behind a house number.
pub(super) fn is_suffix(letter: &str) -> bool {
    matches!(letter.as_bytes(), [b'A'..=b'H'])
}

/// The same designator without leading zeros.
pub(super) fn without_zeros(text: &str) -> &str {
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0" } else { trimmed }
}

/// Where in a building a flat lies, canonical by the second column.
const POSITIONS: [(&str, &str); 26] = [
    ("1ST", "FIRST"),
    ("2ND", "SECOND"),
    ("3RD", "THIRD"),
    ("4TH", "FOURTH"),
    ("ATTIC", "ATTIC"),
    ("BACK", "REAR"),
    ("BASEMENT", "BASEMENT"),
    ("FIRST", "FIRST"),
    ("FOURTH", "FOURTH"),
    ("FRONT", "FRONT"),
    ("GARDEN", "GARDEN"),
    ("GND", "GROUND"),
    ("GRD", "GROUND"),
    ("GROUND", "GROUND"),
    ("LEFT", "LEFT"),
    ("LOWER", "LOWER"),
    ("LWR", "LOWER"),
    ("MIDDLE", "MIDDLE"),
    ("REAR", "REAR"),
    ("RIGHT", "RIGHT"),
    ("SECOND", "SECOND"),
    ("THIRD", "THIRD"),
    ("TOP", "TOP"),
    ("UPP", "UPPER"),
    ("UPPER", "UPPER"),
    ("UPR", "UPPER"),
];

/// Whether a flat's designator says a position ("FIRST FLOOR") and no number.
pub(super) fn is_position(flat: &str) -> bool {
    let first = flat.split(' ').next().unwrap_or_default();
    position_of(first).is_some()
}

/// The canonical word of a position.
pub(super) fn position_of(word: &str) -> Option<&'static str> {
    POSITIONS
        .binary_search_by_key(&word, |row| row.0)
        .ok()
        .map(|place| POSITIONS[place].1)
}
