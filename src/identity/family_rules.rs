//! Variants of family names that follow from their build, without a table:
//! Gaelic prefixes (R31), gendered and transliterated endings, letters that
//! are doubled or exchanged (uk-identity §4.7). Own work. Each rule is cheap:
//! it runs for every pair of surnames that is compared.

use crate::identity::VariantGrade;
use crate::identity::VariantGrade::{Spelling, Weak};

/// Names that a rule relates differ in length by no more than this.
pub const FAMILY_LENGTH_DIFFERENCE_MAX: u8 = 5;

/// Letters that only one of two names has which [`relation`] finds related: a Gaelic
/// prefix has two, and so has I for Y.
pub const FAMILY_SPELLING_LETTERS_MAX: u32 = 2;

/// The same of names that begin with the same two letters and differ in their endings.
pub const FAMILY_ENDING_LETTERS_MAX: u32 = 5;

/// Relation of two different folded family names. Symmetric.
pub(crate) fn relation(a: &str, b: &str) -> Option<VariantGrade> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() < 3 || long.len() - short.len() > usize::from(FAMILY_LENGTH_DIFFERENCE_MAX) {
        return None;
    }
    if !short.is_ascii() || !long.is_ascii() {
        return None;
    }
    if short.as_bytes()[0] != long.as_bytes()[0] {
        return without_irish_prefix(short, long);
    }
    if same_behind_gaelic_prefix(short, long)
        || same_but_doubled_consonants(short, long)
        || same_but_umlaut_spelling(short, long)
        || same_but_one_i_for_y(short, long)
    {
        return Some(Spelling);
    }
    by_ending(short, long)
}

/// O'Donnell and Donnell: the prefix is dropped and taken up again.
fn without_irish_prefix(short: &str, long: &str) -> Option<VariantGrade> {
    (short.len() >= 4 && long.strip_prefix('O') == Some(short)).then_some(Weak)
}

/// McDonald, MacDonald and M'Donald; three letters must follow, so that Mack
/// and Mace are names of their own (R31).
fn same_behind_gaelic_prefix(a: &str, b: &str) -> bool {
    let stems = |text| gaelic_stem(text).filter(|(_, stem)| stem.len() >= 3);
    match (stems(a), stems(b)) {
        (Some((_, mine)), Some((_, theirs))) if mine == theirs => true,
        // MacArthy is McCarthy with one C lost to the prefix.
        (Some(("MC", mine)), Some(("MAC", theirs)))
        | (Some(("MAC", theirs)), Some(("MC", mine))) => mine.strip_prefix('C') == Some(theirs),
        (Some((_, stem)), None) => b.strip_prefix('M') == Some(stem) && starts_with_consonant(stem),
        (None, Some((_, stem))) => a.strip_prefix('M') == Some(stem) && starts_with_consonant(stem),
        _ => false,
    }
}

fn gaelic_stem(text: &str) -> Option<(&'static str, &str)> {
    ["MAC", "MC"]
        .into_iter()
        .find_map(|prefix| Some((prefix, text.strip_prefix(prefix)?)))
}

fn starts_with_consonant(text: &str) -> bool {
    text.bytes().next().is_some_and(is_consonant)
}

const fn is_consonant(byte: u8) -> bool {
    !matches!(byte, b'A' | b'E' | b'I' | b'O' | b'U')
}

/// Phillips and Philips, Bennett and Benet.
fn same_but_doubled_consonants(a: &str, b: &str) -> bool {
    fn single(text: &str) -> impl Iterator<Item = u8> + '_ {
        let bytes = text.as_bytes();
        (0..bytes.len())
            .filter(|at| *at == 0 || bytes[*at] != bytes[*at - 1] || !is_consonant(bytes[*at]))
            .map(|at| bytes[at])
    }
    a.len() >= 4 && a.len() != b.len() && single(a).eq(single(b))
}

/// Muller and Mueller, where neither was sent with its umlaut (R29).
fn same_but_umlaut_spelling(a: &str, b: &str) -> bool {
    fn contracted(text: &str) -> impl Iterator<Item = u8> + '_ {
        let bytes = text.as_bytes();
        (0..bytes.len())
            .filter(|at| {
                bytes[*at] != b'E' || *at == 0 || !matches!(bytes[*at - 1], b'A' | b'O' | b'U')
            })
            .map(|at| bytes[at])
    }
    a.len() >= 5 && a.len() != b.len() && contracted(a).eq(contracted(b))
}

/// Taylor and Tailor, Byrne and Birne.
fn same_but_one_i_for_y(a: &str, b: &str) -> bool {
    if a.len() != b.len() || a.len() < 4 {
        return false;
    }
    let mut different = a
        .bytes()
        .zip(b.bytes())
        .filter(|(mine, theirs)| mine != theirs);
    matches!(different.next(), Some((b'I', b'Y') | (b'Y', b'I'))) && different.next().is_none()
}

/// Two endings of one stem: the first, the second, the least letters of the
/// stem. Partners and siblings differ so too, hence mostly weak.
const ENDINGS: [(&str, &str, usize, VariantGrade); 62] = [
    // English
    ("", "E", 4, Spelling),
    ("", "S", 5, Weak),
    ("SEN", "SON", 3, Weak),
    ("SEN", "SSON", 3, Weak),
    ("", "SON", 5, Weak),
    // Polish, Czech, Slovak
    ("SKI", "SKA", 2, Weak),
    ("CKI", "CKA", 2, Weak),
    ("DZKI", "DZKA", 2, Weak),
    ("SKY", "SKA", 2, Weak),
    ("NY", "NA", 3, Weak),
    ("", "OVA", 4, Weak),
    ("EK", "KOVA", 3, Weak),
    ("A", "OVA", 3, Weak),
    ("O", "OVA", 3, Weak),
    // Russian, Ukrainian, Bulgarian: gender
    ("OV", "OVA", 2, Weak),
    ("EV", "EVA", 2, Weak),
    ("IN", "INA", 3, Weak),
    ("YN", "YNA", 3, Weak),
    ("SKY", "SKAYA", 2, Weak),
    ("SKIY", "SKAYA", 2, Weak),
    ("SKII", "SKAYA", 2, Weak),
    ("SKI", "SKAYA", 2, Weak),
    ("SKYI", "SKA", 2, Weak),
    ("SKIY", "SKA", 2, Weak),
    ("SKY", "SKAIA", 2, Weak),
    // and transliteration
    ("SKI", "SKY", 2, Spelling),
    ("SKI", "SKIY", 2, Spelling),
    ("SKI", "SKII", 2, Spelling),
    ("SKI", "SKYI", 2, Spelling),
    ("SKI", "SKYY", 2, Spelling),
    ("SKI", "SKIJ", 2, Spelling),
    ("SKY", "SKIY", 2, Spelling),
    ("SKY", "SKII", 2, Spelling),
    ("SKY", "SKYI", 2, Spelling),
    ("SKY", "SKYY", 2, Spelling),
    ("SKIY", "SKYI", 2, Spelling),
    ("CKI", "CKY", 2, Spelling),
    ("OFF", "OV", 2, Spelling),
    ("OW", "OV", 3, Weak),
    ("EFF", "EV", 2, Spelling),
    ("IEV", "YEV", 2, Spelling),
    ("EV", "IEV", 3, Spelling),
    ("EV", "YEV", 3, Spelling),
    ("YAN", "IAN", 3, Spelling),
    // Lithuanian, Latvian
    ("AS", "IENE", 2, Weak),
    ("AS", "AITE", 2, Weak),
    ("IS", "IENE", 2, Weak),
    ("IS", "YTE", 2, Weak),
    ("YS", "IENE", 2, Weak),
    ("YS", "YTE", 2, Weak),
    ("US", "IENE", 2, Weak),
    ("US", "UTE", 2, Weak),
    ("S", "A", 5, Weak),
    ("IS", "E", 4, Weak),
    // Greek
    ("OS", "OU", 3, Weak),
    ("IS", "I", 4, Weak),
    ("AS", "A", 4, Weak),
    // Spanish and Portuguese; names in -ullah, -uddin
    ("EZ", "ES", 3, Weak),
    ("ULLAH", "ULLA", 2, Spelling),
    ("UDDIN", "UDDEEN", 2, Spelling),
    ("UDDIN", "EDDINE", 2, Spelling),
    ("UDDIN", "ODDIN", 2, Spelling),
];

fn by_ending(a: &str, b: &str) -> Option<VariantGrade> {
    let common = a
        .bytes()
        .zip(b.bytes())
        .take_while(|(mine, theirs)| mine == theirs)
        .count();
    if common < 2 {
        return None;
    }
    let stems_equal = |x: &str, y: &str, stem: usize| {
        let (Some(mine), Some(theirs)) = (a.strip_suffix(x), b.strip_suffix(y)) else {
            return false;
        };
        mine.len() >= stem && mine == theirs
    };
    ENDINGS.iter().find_map(|(x, y, stem, grade)| {
        (stems_equal(x, y, *stem) || stems_equal(y, x, *stem)).then_some(*grade)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(a: &str, b: &str) -> Option<VariantGrade> {
        assert_eq!(relation(a, b), relation(b, a), "{a} {b}");
        relation(a, b)
    }

    #[test]
    fn r31_the_gaelic_prefix_counts_only_before_three_letters() {
        assert_eq!(both_ways("MCCARTHY", "MACCARTHY"), Some(Spelling));
        assert_eq!(both_ways("MCCARTHY", "MACARTHY"), Some(Spelling));
        assert_eq!(both_ways("MDONALD", "MACDONALD"), Some(Spelling));
        assert_eq!(both_ways("MACK", "MACKS"), None);
        assert_eq!(both_ways("MCDONALD", "MACDOUGAL"), None);
    }

    #[test]
    fn endings_of_one_stem_differ_in_a_few_letters() {
        let only = |x: &str, y: &str| {
            let letters: std::collections::BTreeSet<u8> = x.bytes().collect();
            let others: std::collections::BTreeSet<u8> = y.bytes().collect();
            letters.symmetric_difference(&others).count()
        };
        let most = ENDINGS.iter().map(|(x, y, ..)| only(x, y)).max();
        assert_eq!(most, Some(FAMILY_ENDING_LETTERS_MAX as usize));
    }

    #[test]
    fn gendered_endings_are_weak_and_transliterated_ones_spellings() {
        assert_eq!(both_ways("KOWALSKI", "KOWALSKA"), Some(Weak));
        assert_eq!(both_ways("IVANOV", "IVANOVA"), Some(Weak));
        assert_eq!(both_ways("KAZLAUSKAS", "KAZLAUSKIENE"), Some(Weak));
        assert_eq!(both_ways("KAZLAUSKAS", "KAZLAUSKAITE"), Some(Weak));
        assert_eq!(both_ways("PAPADOPOULOS", "PAPADOPOULOU"), Some(Weak));
        assert_eq!(both_ways("NOVAK", "NOVAKOVA"), Some(Weak));
        assert_eq!(both_ways("DOSTOYEVSKIY", "DOSTOYEVSKY"), Some(Spelling));
    }

    #[test]
    fn small_spelling_differences_are_spellings() {
        for (a, b) in [
            ("PHILLIPS", "PHILIPS"),
            ("MUELLER", "MULLER"),
            ("CLARK", "CLARKE"),
            ("TAYLOR", "TAILOR"),
            ("BENNETT", "BENETT"),
        ] {
            assert_eq!(both_ways(a, b), Some(Spelling), "{a} {b}");
        }
        for (a, b) in [
            ("MOOR", "MOR"),
            ("SMITH", "JONES"),
            ("REED", "REDS"),
            ("AL", "ALE"),
        ] {
            assert_eq!(both_ways(a, b), None, "{a} {b}");
        }
        assert_eq!(both_ways("ODONNELL", "DONNELL"), Some(Weak));
    }
}
