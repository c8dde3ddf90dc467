//! How alike two words are by letters and by sound. What that means for a
//! name is in `names`.

use rapidfuzz::distance::jaro_winkler::similarity;

use crate::identity::{NameToken, double_metaphone};

/// Alike enough for a slip of the pen.
const NEAR_MIN: f64 = 0.92;
/// Alike enough to be worth a look.
const FUZZY_MIN: f64 = 0.85;
/// Below this, sound is not asked: the codes of short words agree by chance.
const SOUND_MIN: f64 = 0.75;
/// In shorter words one other letter makes another name (John, Joan).
const EDIT_LENGTH_MIN: usize = 5;

/// Graded likeness of two different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// One edit, or Jaro–Winkler at least 0.92.
    Near,
    /// Same double metaphone code (R48: never an exact level).
    Sound,
    /// Jaro–Winkler at least 0.85.
    Fuzzy,
    /// Neither.
    None,
}

/// Likeness of two different words. Symmetric.
pub(super) fn likeness(a: &NameToken, b: &NameToken) -> Likeness {
    let (left, right) = (a.as_str(), b.as_str());
    if one_edit(left.as_bytes(), right.as_bytes()) {
        return Likeness::Near;
    }
    let alike = jaro_winkler(left, right);
    if alike >= NEAR_MIN {
        Likeness::Near
    } else if alike >= SOUND_MIN && sounds_alike(a, b) {
        Likeness::Sound
    } else if alike >= FUZZY_MIN {
        Likeness::Fuzzy
    } else {
        Likeness::None
    }
}

/// Jaro–Winkler similarity, 0 ..= 1, made symmetric by ordering the words:
/// the matching of letters is greedy from the first word.
pub(super) fn jaro_winkler(a: &str, b: &str) -> f64 {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    if first.is_ascii() && second.is_ascii() {
        similarity(first.bytes(), second.bytes())
    } else {
        similarity(first.chars(), second.chars())
    }
}

fn sounds_alike(a: &NameToken, b: &NameToken) -> bool {
    let (left, right) = (double_metaphone(a), double_metaphone(b));
    !left.0.is_empty() && (left.0 == right.0 || left.0 == right.1 || left.1 == right.0)
}

/// One letter other, missing or too many, or two neighbours exchanged; two
/// exchanged also in words of four letters.
fn one_edit(a: &[u8], b: &[u8]) -> bool {
    let (shorter, longer) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let Some(first) = shorter.iter().zip(longer).position(|(x, y)| x != y) else {
        return longer.len() - shorter.len() == 1 && shorter.len() >= EDIT_LENGTH_MIN;
    };
    match longer.len() - shorter.len() {
        0 => {
            let exchanged = shorter.len() > first + 1
                && shorter[first] == longer[first + 1]
                && shorter[first + 1] == longer[first]
                && shorter[first + 2..] == longer[first + 2..];
            (exchanged && shorter.len() + 1 >= EDIT_LENGTH_MIN)
                || (shorter[first + 1..] == longer[first + 1..] && shorter.len() >= EDIT_LENGTH_MIN)
        }
        1 => shorter[first..] == longer[first + 1..] && shorter.len() >= EDIT_LENGTH_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Likeness, jaro_winkler, likeness, one_edit};
    use crate::identity::NameToken;

    fn of(a: &str, b: &str) -> Likeness {
        let fold = |word: &str| NameToken::fold(word).expect("a word");
        assert_eq!(likeness(&fold(a), &fold(b)), likeness(&fold(b), &fold(a)));
        likeness(&fold(a), &fold(b))
    }

    #[test]
    fn a_slip_is_near_and_another_short_name_is_not() {
        assert_eq!(of("Surinder", "Suvinder"), Likeness::Near);
        assert_eq!(of("Jhon", "John"), Likeness::Near);
        assert_ne!(of("John", "Joan"), Likeness::Near);
        assert_eq!(of("Oliver", "Jack"), Likeness::None);
    }

    #[test]
    fn r48_sound_gives_a_level_of_its_own_and_never_equality() {
        assert_eq!(of("Smith", "Smythe"), Likeness::Sound);
    }

    #[test]
    fn one_edit_sees_all_four_kinds() {
        assert!(one_edit(b"MARTIN", b"MARTYN"));
        assert!(one_edit(b"MARTIN", b"MATRIN"));
        assert!(one_edit(b"MARTIN", b"MARTN"));
        assert!(one_edit(b"MARTIN", b"MARTINA"));
        assert!(!one_edit(b"MARTIN", b"MARTIN"));
        assert!(!one_edit(b"MARTIN", b"MRATYN"));
    }

    #[test]
    fn likeness_of_letters_is_symmetric() {
        for (a, b) in [
            ("DIXON", "DICKSONX"),
            ("JELLYFISH", "SMELLYFISH"),
            ("ABCD", "DCBA"),
        ] {
            assert_eq!(jaro_winkler(a, b).to_bits(), jaro_winkler(b, a).to_bits());
        }
    }
}
