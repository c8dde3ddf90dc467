//! Cuts the text of a name field into words, bracketed groups and announced
//! phrases. What the words mean is not here.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use crate::foundation::limits::FIELD_CHARACTERS_MAX;
use crate::identity::NameToken;
use crate::identity::placeholder::{self, PHRASES, Phrase};

/// A word as sent (cleaned), and its key for word lists: upper case A–Z and
/// digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) key: String,
}

impl Word {
    pub(crate) fn of(text: &str) -> Self {
        let is_simple = |character: char| character.is_ascii_alphanumeric() || character == '\'';
        let key = if text
            .chars()
            .all(|character| is_simple(character) || character == '-')
        {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|character| character.to_ascii_uppercase())
                .collect()
        } else {
            NameToken::fold(text).map_or_else(String::new, |token| token.as_str().to_owned())
        };
        Self {
            text: text.to_owned(),
            key,
        }
    }

    /// Digits only.
    pub(crate) fn is_number(&self) -> bool {
        !self.key.is_empty() && self.key.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Longest key of a word list; a longer word is in none.
const SPECIAL_LETTERS_MAX: usize = 24;

/// Whether a field holds only Latin words, spaces, hyphens and apostrophes,
/// and none of the words needs a closer look. Most fields do; they are folded
/// without a copy.
pub(crate) fn is_plain(text: &str) -> bool {
    text.len() <= FIELD_CHARACTERS_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-' | b'\''))
        && (text.is_empty() || text.bytes().any(|byte| byte.is_ascii_alphabetic()))
        && text
            .split(' ')
            .all(|word| !word.starts_with('\'') && is_plain_word(word))
}

fn is_plain_word(word: &str) -> bool {
    let mut key = [0_u8; SPECIAL_LETTERS_MAX];
    let mut length = 0;
    for byte in word.bytes().filter(u8::is_ascii_alphabetic) {
        if length == SPECIAL_LETTERS_MAX {
            return true;
        }
        key[length] = byte.to_ascii_uppercase();
        length += 1;
    }
    let Ok(key) = std::str::from_utf8(&key[..length]) else {
        return false;
    };
    !(placeholder::is_special(key) || matches!(word, "NA" | "nan" | "NaN"))
}

/// The comparable start of a field, with one kind of quote, hyphen and space,
/// and the usual abbreviations with a slash written out.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len().min(FIELD_CHARACTERS_MAX));
    let text = entities_decoded(text);
    let characters = text
        .chars()
        .take(FIELD_CHARACTERS_MAX)
        .filter_map(plain_punctuation);
    for character in characters.nfkc() {
        cleaned.push(plain_punctuation(character).unwrap_or(' '));
    }
    let words: Vec<&str> = cleaned.split_whitespace().map(written_out).collect();
    words.join(" ")
}

/// Apostrophes reach us as HTML entities from systems that escape too early.
fn entities_decoded(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() > FIELD_CHARACTERS_MAX * 4 || !text.contains('&') {
        return text.into();
    }
    text.replace("&#39;", "'")
        .replace("&#039;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
        .into()
}

fn plain_punctuation(character: char) -> Option<char> {
    Some(match character {
        '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{2060}' => return None,
        '\'' | '‘' | '’' | '‛' | '`' | '´' | 'ʹ' | 'ʻ' | 'ʼ' | '′' => '\'',
        '"' | '“' | '”' | '„' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        '[' | '{' => '(',
        ']' | '}' => ')',
        '_' => ' ',
        _ if character.is_control() || character.is_whitespace() => ' ',
        _ => character,
    })
}

fn written_out(word: &str) -> &str {
    const ABBREVIATIONS: [(&str, &str); 9] = [
        ("n/a", "null"),
        ("n/k", "null"),
        ("n.a.", "null"),
        ("b/o", "baby of"),
        ("a/k/a", "aka"),
        ("k/a", "aka"),
        ("f/k/a", "fka"),
        ("s/o", ""),
        ("d/o", ""),
    ];
    let found = ABBREVIATIONS
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(word));
    found.map_or(word, |(_, long)| long)
}

/// The text outside brackets and double quotes, and each text inside. A word
/// in single quotes is a group too.
pub(crate) fn split_groups(text: &str) -> (String, Vec<String>) {
    let mut main = String::new();
    let mut groups: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' => quoted = !quoted,
            _ if depth == 0 && !quoted => {
                main.push(character);
                continue;
            }
            _ => {
                if let Some(group) = groups.last_mut() {
                    group.push(character);
                }
                continue;
            }
        }
        main.push(' ');
        groups.push(String::new());
    }
    let is_quoted = |word: &&str| word.len() > 2 && word.starts_with('\'') && word.ends_with('\'');
    if main.contains('\'') {
        groups.extend(main.split_whitespace().filter(is_quoted).map(str::to_owned));
        let left: Vec<&str> = main
            .split_whitespace()
            .filter(|word| !is_quoted(word))
            .collect();
        main = left.join(" ");
    }
    groups.retain(|group| !group.trim().is_empty());
    (main, groups)
}

/// Words of a text; punctuation other than hyphens and apostrophes separates.
/// Words without a letter or digit are left out.
pub(crate) fn words_of(text: &str) -> Vec<Word> {
    let separates = |character: char| {
        character.is_whitespace()
            || character.is_ascii_punctuation() && !matches!(character, '-' | '\'')
    };
    text.split(separates)
        .map(Word::of)
        .filter(|word| !word.key.is_empty())
        .collect()
}

/// Words as one text, a space between two.
pub(crate) fn joined(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// The words before the first phrase, and what each phrase announces. A phrase
/// of one word counts only before another word and from the index `from` on:
/// 1 in a field ("Nee" and "Born" are names), 0 in brackets.
pub(crate) fn split_phrases(words: &[Word], from: usize) -> (Vec<Word>, Vec<(Phrase, Vec<Word>)>) {
    let mut before = Vec::new();
    let mut announced: Vec<(Phrase, Vec<Word>)> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((phrase, length)) = phrase_at(words, at, from) {
            announced.push((phrase, Vec::new()));
            at += length;
        } else {
            let inner = announced.last_mut().map(|(_, inner)| inner);
            inner.unwrap_or(&mut before).push(words[at].clone());
            at += 1;
        }
    }
    announced.retain(|(_, inner)| !inner.is_empty());
    (before, announced)
}

fn phrase_at(words: &[Word], at: usize, from: usize) -> Option<(Phrase, usize)> {
    if !PHRASE_STARTS.contains(&words[at].key.as_str()) {
        return None;
    }
    let matching = |phrase: &[&str]| {
        words.len() >= at + phrase.len()
            && phrase
                .iter()
                .zip(&words[at..])
                .all(|(key, word)| *key == word.key)
    };
    PHRASES.iter().find_map(|(phrase, keys)| {
        let inside = at >= from && at + keys.len() < words.len();
        let accented = words[at].text.to_lowercase() == "née";
        (matching(keys) && (inside || keys.len() > 1 || accented)).then_some((*phrase, keys.len()))
    })
}

static PHRASE_STARTS: LazyLock<std::collections::BTreeSet<&'static str>> =
    LazyLock::new(|| PHRASES.iter().map(|(_, words)| words[0]).collect());
