//! How words sound, remembered: a file says the same names again and again.

use std::collections::HashMap;

use crate::bulk::hashing::{FastHash, joined, of_text};
use crate::identity::{NameToken, double_metaphone, given_class_name, given_classes};

/// The sounds and classes of words that came before.
#[derive(Default)]
pub(super) struct Sounds {
    sounds: Remembered,
    classes: Remembered,
}

impl Sounds {
    /// Sound codes of a word, the main one first.
    pub(super) fn of(&mut self, token: &NameToken) -> &[u64] {
        remembered(&mut self.sounds, token, sound_codes)
    }

    /// How the names sound that a given name is a form of: Bob as Robert does.
    pub(super) fn classes(&mut self, token: &NameToken) -> &[u64] {
        remembered(&mut self.classes, token, class_codes)
    }
}

type Remembered = HashMap<NameToken, Vec<u64>, FastHash>;

/// Looks twice, so that a word that came before costs no memory.
fn remembered<'m>(
    known: &'m mut Remembered,
    token: &NameToken,
    codes: fn(&NameToken) -> Vec<u64>,
) -> &'m [u64] {
    if !known.contains_key(token) {
        known.insert(token.clone(), codes(token));
    }
    &known[token]
}

fn class_codes(token: &NameToken) -> Vec<u64> {
    given_classes(token)
        .iter()
        .filter_map(|class| NameToken::fold(given_class_name(*class)))
        .filter_map(|name| sound_codes(&name).first().copied())
        .collect()
}

fn sound_codes(token: &NameToken) -> Vec<u64> {
    let (main, alternate) = double_metaphone(token);
    if main.is_empty() {
        return vec![joined(2, of_text(token.as_str()))];
    }
    let mut codes = vec![of_text(&main)];
    if alternate != main && !alternate.is_empty() {
        codes.push(of_text(&alternate));
    }
    codes
}
