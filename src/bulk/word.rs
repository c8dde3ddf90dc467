//! What is known of a word of a name, so that most words that are alike in no way
//! are told apart in a few instructions.

use crate::identity::{NameToken, family_group, given_group};

/// Words below this likeness (Jaro–Winkler) are alike in no level.
const ALIKE_MIN: f32 = 0.75;

/// What a bound may be off by its arithmetic.
const ROUNDING: f32 = 1e-4;

/// No group.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Which of the letters A to Z it has.
    pub(super) letters: u32,
    pub(super) given_group: u32,
    pub(super) family_group: u32,
    pub(super) length: u8,
    pub(super) first: u8,
    pub(super) foldings: Foldings,
}

/// How many ways there are to write a word in A–Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foldings {
    One,
    /// Both begin alike; `Words` keeps them.
    Two,
    /// Nothing is known of it.
    Unknown,
}

impl Word {
    /// Of a token.
    pub(super) fn of(token: &NameToken) -> Self {
        let text = token.as_str().as_bytes();
        let letters = text
            .iter()
            .filter(|byte| byte.is_ascii_uppercase())
            .fold(0, |mask, byte| mask | 1 << (byte - b'A'));
        Self {
            letters,
            given_group: given_group(token).unwrap_or(NONE),
            family_group: family_group(token).unwrap_or(NONE),
            length: u8::try_from(text.len()).unwrap_or(u8::MAX),
            first: text[0],
            foldings: match token.transliterated() {
                _ if token.is_opaque() => Foldings::Unknown,
                None => Foldings::One,
                Some(second) if second.as_bytes().first() == text.first() => Foldings::Two,
                Some(_) => Foldings::Unknown,
            },
        }
    }

    /// Whether the other word may begin with this one and go on.
    pub(super) fn may_begin(&self, other: &Self) -> bool {
        let two = self.foldings == Foldings::Two || other.foldings == Foldings::Two;
        let fits = self.length < other.length && self.letters & !other.letters == 0;
        self.first == other.first && (two || fits)
    }

    /// Whether so few letters are common that no likeness reaches its least:
    /// Jaro's measure counts no letter that only one word has, and Winkler's
    /// share is for a common beginning.
    pub(super) fn letters_differ(&self, other: &Self) -> bool {
        let lacking = |a: &Self, b: &Self| {
            let only = (a.letters & !b.letters).count_ones();
            f32::from(a.length) - only as f32
        };
        let common = lacking(self, other).min(lacking(other, self));
        if common < 1.0 {
            return true;
        }
        let (a, b) = (f32::from(self.length), f32::from(other.length));
        let jaro = (common / a + common / b + 1.0) / 3.0;
        let most = if self.first == other.first {
            jaro + 0.4 * (1.0 - jaro)
        } else {
            jaro
        };
        most < ALIKE_MIN - ROUNDING
    }
}
