//! What is known of a word of a name, so that most words that are alike in no way
//! are told apart in a few instructions.

use crate::identity::{
    FAMILY_ENDING_LETTERS_MAX, FAMILY_LENGTH_DIFFERENCE_MAX, FAMILY_SPELLING_LETTERS_MAX,
    NameToken, family_group, given_group,
};

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
    second: u8,
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
            second: text.get(1).copied().unwrap_or_default(),
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

    /// Whether a rule of spelling may relate two family names ([`family_variant`]),
    /// tables apart.
    ///
    /// [`family_variant`]: crate::identity::family_variant
    pub(super) fn may_vary(&self, other: &Self) -> bool {
        let differing = (self.letters ^ other.letters).count_ones();
        let longer = self.length.abs_diff(other.length);
        if self.first != other.first {
            // The Irish O.
            return differing <= 1 && longer == 1;
        }
        differing <= FAMILY_ENDING_LETTERS_MAX
            && longer <= FAMILY_LENGTH_DIFFERENCE_MAX
            && (differing <= FAMILY_SPELLING_LETTERS_MAX || self.second == other.second)
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

#[cfg(test)]
mod tests {
    use super::{NONE, Word};
    use crate::identity::{NameToken, family_groups_related, family_variant};

    #[test]
    fn no_variant_of_a_family_name_is_hidden_by_its_letters() {
        let stems = [
            "KOWAL",
            "IVAN",
            "NOVAK",
            "MACCARTHY",
            "MCCARTHY",
            "MACARTHY",
            "MDONALD",
            "MACDONALD",
            "PHILLIPS",
            "PHILIPS",
            "MUELLER",
            "MULLER",
            "TAYLOR",
            "TAILOR",
            "ODONNELL",
            "DONNELL",
            "CLARK",
            "PAPADOPOUL",
            "KAZLAUSK",
            "PETERS",
            "HUSSAIN",
            "HUSSEIN",
            "NAZ",
            "RODRIGU",
        ];
        let endings = [
            "", "E", "S", "SKI", "SKA", "SKAYA", "SKIY", "OV", "OVA", "OFF", "IENE", "AITE", "YTE",
            "AS", "IS", "US", "UTE", "OS", "OU", "EZ", "ES", "ULLAH", "ULLA", "UDDIN", "EDDINE",
            "SEN", "SON", "EK", "KOVA", "IEV", "YEV", "EV", "IAN", "YAN",
        ];
        let tokens: Vec<NameToken> = stems
            .iter()
            .flat_map(|stem| endings.iter().map(move |ending| format!("{stem}{ending}")))
            .filter_map(|name| NameToken::fold(&name))
            .collect();
        let words: Vec<Word> = tokens.iter().map(Word::of).collect();
        let (mut variants, mut ruled_out) = (0, 0);
        for (a, x) in tokens.iter().zip(&words) {
            for (b, y) in tokens.iter().zip(&words).filter(|(b, _)| *b != a) {
                let in_table = x.family_group != NONE
                    && y.family_group != NONE
                    && family_groups_related(x.family_group, y.family_group);
                let varies = family_variant(a, b).is_some();
                assert!(
                    !varies || in_table || x.may_vary(y),
                    "{} {}",
                    a.as_str(),
                    b.as_str()
                );
                variants += usize::from(varies);
                ruled_out += usize::from(!x.may_vary(y));
            }
        }
        assert!(
            variants > 500 && ruled_out > 300_000,
            "{variants} {ruled_out}"
        );
    }
}
