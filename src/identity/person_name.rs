//! Given and family names of one naming, and what can be said of them without
//! another record. Reading them out of a field is `name_reading`; how alike
//! two of them are is for the comparison.

use serde::{Deserialize, Serialize};

use crate::foundation::limits::VALUES_PER_FIELD_MAX;
use crate::identity::NameToken;

/// What a naming is to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NameUse {
    /// The one used now; not necessarily the legal one.
    Usual,
    /// What the person is called.
    KnownAs,
    /// Another name, of whatever reason.
    Alias,
    /// An earlier name: maiden, before a deed poll, before adoption.
    Previous,
    /// For a while only, such as of an unidentified patient.
    Temporary,
}

/// A naming: the usual one, or an alias. At least one of given and family is
/// present.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonName {
    /// What this naming is to the person.
    pub name_use: NameUse,
    /// Given names in order, forename first, then middle names; titles,
    /// placeholders and known-as phrases removed. One token per word as sent;
    /// a hyphenated word is squashed into one (Anne-Marie: ANNEMARIE, R30).
    pub given: Vec<NameToken>,
    /// Family name. Absent too for a single name sent in both slots (R46).
    pub family: Option<FamilyName>,
}

/// A family name, compound-aware.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FamilyName {
    /// All words squashed together, particles included (O BRIEN: OBRIEN,
    /// DE SOUZA: DESOUZA).
    pub whole: NameToken,
    /// Significant words in order: particles left out (R33), split at hyphens
    /// and spaces (SMITH, JONES). Prefixes such as Mc, Mac, M', O', Fitz and
    /// St are part of the word. Never empty: where only particles were sent,
    /// the last one is the name.
    pub parts: Vec<NameToken>,
    /// Every part is a generic surname (R41).
    pub generic: bool,
}

impl FamilyName {
    /// Reads the words of one family name: spaces and hyphens separate.
    /// `None` when no word is left.
    #[must_use]
    pub fn from_words(text: &str) -> Option<Self> {
        let words = joined_prefixes(text);
        let tokens: Vec<NameToken> = words
            .iter()
            .filter_map(|word| NameToken::fold(word))
            .take(VALUES_PER_FIELD_MAX)
            .collect();
        let whole = NameToken::joined(&tokens)?;
        let last = tokens.last().cloned();
        let mut parts: Vec<NameToken> = tokens
            .into_iter()
            .filter(|token| !is_particle(token.as_str()))
            .collect();
        if parts.is_empty() {
            parts.extend(last);
        }
        let generic = parts.iter().all(is_generic_surname);
        Some(Self {
            whole,
            parts,
            generic,
        })
    }
}

/// Words of a family name, with prefixes that belong to the next word put
/// before it.
fn joined_prefixes(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut prefix = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character == '-') {
        if word.is_empty() {
            continue;
        }
        prefix.push_str(word);
        if !belongs_to_next(word) {
            words.push(std::mem::take(&mut prefix));
        }
    }
    if !prefix.is_empty() {
        words.push(prefix);
    }
    words
}

/// `O Brien`, `Mc Donald`, `Fitz Gerald`, `St John`, and elisions such as
/// `D' Souza`.
pub(crate) fn belongs_to_next(word: &str) -> bool {
    const PREFIXES: [&str; 7] = ["O", "Ó", "MC", "MAC", "FITZ", "ST", "SAINT"];
    if word.ends_with('\'') {
        return true;
    }
    word.len() <= 5
        && PREFIXES
            .iter()
            .any(|prefix| prefix.eq_ignore_ascii_case(word))
        || word == "ó"
}

/// Whether a folded word is a particle, which is part of the whole name and
/// never a match of its own (R33; list after CRATE's non-specific name parts,
/// extended). Upper case expected.
#[must_use]
pub fn is_particle(word: &str) -> bool {
    matches!(
        word,
        // Romance
        "DE" | "DA" | "DO" | "DOS" | "DAS" | "DI" | "DEL" | "DELLA" | "DELLE" | "DELLO" | "DEGLI"
            | "DEI" | "LA" | "LAS" | "LE" | "LES" | "LO" | "LOS" | "DU" | "DES" | "E" | "Y" | "D"
            // Germanic
            | "VAN" | "VON" | "VOM" | "DER" | "DEN" | "TER" | "TEN" | "TE" | "HET" | "T" | "ZU"
            | "ZUM" | "ZUR" | "AF" | "AV"
            // Arabic, Hebrew
            | "AL" | "EL" | "UL" | "UR" | "AS" | "ASH" | "AR" | "AD" | "AN" | "AZ" | "BIN" | "IBN"
            | "BINT" | "BINTI" | "BTE" | "BEN" | "BAR" | "ABD" | "ABDUL" | "ABDEL" | "ABDAL"
            // Welsh, Irish, Indian and Malay "child of"
            | "AP" | "AB" | "FERCH" | "UI" | "NI" | "NIC" | "SO" | "WO"
            // Generations
            | "II" | "III" | "IV" | "VI" | "VII" | "VIII" | "IX" | "JR" | "JNR" | "SR" | "SNR"
            | "JUNIOR" | "SENIOR" | "FILHO"
    )
}

/// Surnames that are honorifics or religious second names and carry almost no
/// family information (R41; uk-identity §4.7): they move between given, middle
/// and family slots.
#[must_use]
pub fn is_generic_surname(token: &NameToken) -> bool {
    matches!(
        token.as_str(),
        "SINGH"
            | "SING"
            | "SINH"
            | "KAUR"
            | "KOUR"
            | "BEGUM"
            | "BEGOM"
            | "BEGAM"
            | "BEGUN"
            | "BIBI"
            | "BEEBI"
            | "BIVI"
            | "KHATUN"
            | "KHATOON"
            | "KHATUUN"
            | "KHANAM"
            | "KHANUM"
            | "KHANOM"
            | "KHANOOM"
            | "MIAH"
            | "MIA"
            | "MIYA"
            | "MIYAH"
            | "MEAH"
            | "UDDIN"
            | "UDIN"
            | "ULLAH"
            | "ULLA"
            | "ULAH"
            | "BANO"
            | "BANU"
            | "NESSA"
            | "NESA"
            | "NISSA"
            | "NISA"
            | "NISHA"
            | "AKTER"
            | "AKTHER"
            | "AKTAR"
            | "AKHTER"
            | "SULTANA"
            | "PARVEEN"
            | "PARVIN"
            | "PERVEEN"
            | "PERVIN"
            | "DEVI"
            | "KUMAR"
            | "KUMARI"
            | "BAI"
            | "BEN"
            | "BHAI"
    )
}

/// Whether a given name is a prefix whose absence means nothing: Mohammed in
/// its spellings, and the like (R40; "Mohammed Imran" is called Imran).
#[must_use]
pub fn is_prefix_name(token: &NameToken) -> bool {
    let text = token.as_str().as_bytes();
    // Asked of every pair that is compared: most names begin with another letter, and
    // bytes are told apart one by one, where texts would each be compared as a whole.
    matches!(text.first(), Some(b'M' | b'S')) && is_prefix(text)
}

const fn is_prefix(text: &[u8]) -> bool {
    matches!(
        text,
        b"MD"
            | b"MOHD"
            | b"MUHD"
            | b"MHD"
            | b"MHMD"
            | b"MOHAMMED"
            | b"MOHAMMAD"
            | b"MOHAMED"
            | b"MOHAMAD"
            | b"MOHAMMOD"
            | b"MOHAMOD"
            | b"MOHAMUD"
            | b"MOHAMMUD"
            | b"MOHAMET"
            | b"MOHAMMID"
            | b"MUHAMMAD"
            | b"MUHAMMED"
            | b"MUHAMAD"
            | b"MUHAMED"
            | b"MUHAMMOD"
            | b"MUHAMMUD"
            | b"MOHMMED"
            | b"MOHMMAD"
            | b"MOHMED"
            | b"MUHAMMET"
            | b"MUHAMET"
            | b"MAHAMMAD"
            | b"MAHAMMED"
            | b"MAHOMED"
            | b"MAHOMET"
            | b"MUHUMMAD"
            | b"MOUHAMED"
            | b"MOUHAMMED"
            | b"MOUHAMAD"
            | b"MAHAMED"
            | b"MAXAMED"
            | b"MST"
            | b"MOST"
            | b"MOSAMMAT"
            | b"MOSAMMAD"
            | b"MUSAMMAT"
            | b"MOSAMMET"
            | b"MOSAMMUT"
            | b"SYED"
            | b"SYEDA"
            | b"SAYED"
            | b"SAYEDA"
            | b"SAYYID"
            | b"SAYYED"
            | b"SAIYED"
    )
}

/// Whether one family name is the other cut off at a field limit (R43).
///
/// Fields of 35 and of 40 characters are the national ones (uk-identity
/// §3.1). A cut name of 35 characters has at least 30 letters beside its
/// spaces, hyphens and apostrophes, and one of 40 at most 40.
#[must_use]
pub fn truncated_equal(a: &FamilyName, b: &FamilyName) -> bool {
    const LETTERS_OF_A_CUT_NAME: std::ops::RangeInclusive<usize> = 30..=40;
    let (mut short, mut long) = (a.whole.as_str(), b.whole.as_str());
    if short.len() > long.len() {
        std::mem::swap(&mut short, &mut long);
    }
    LETTERS_OF_A_CUT_NAME.contains(&short.len())
        && short.len() < long.len()
        && long.starts_with(short)
}

/// All given names written as one word, so that XIAO MING and XIAOMING compare
/// equal (R47); `None` when there is no given name.
#[must_use]
pub fn squashed_given(name: &PersonName) -> Option<NameToken> {
    NameToken::joined(&name.given)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn family(text: &str) -> FamilyName {
        FamilyName::from_words(text).expect("a family name")
    }

    fn parts(text: &str) -> Vec<String> {
        family(text)
            .parts
            .iter()
            .map(|part| part.as_str().to_owned())
            .collect()
    }

    fn token(word: &str) -> NameToken {
        NameToken::fold(word).expect("a word")
    }

    #[test]
    fn r30_prefixes_are_squashed_into_their_word() {
        for text in [
            "O'Brien",
            "OBrien",
            "O Brien",
            "O’Brien",
            "Ó Brien",
            "O' Brien",
        ] {
            assert_eq!(family(text).whole.as_str(), "OBRIEN", "{text}");
            assert_eq!(parts(text), ["OBRIEN"], "{text}");
        }
        assert_eq!(parts("Mc Donald"), ["MCDONALD"]);
        assert_eq!(parts("M'Donald"), ["MDONALD"]);
        assert_eq!(
            parts("St. John-Stevas".replace('.', "").as_str()),
            ["STJOHN", "STEVAS"]
        );
        assert_eq!(parts("Fitz Gerald"), ["FITZGERALD"]);
    }

    #[test]
    fn r32_a_double_barrel_keeps_its_parts_in_order() {
        assert_eq!(parts("Smith-Jones"), ["SMITH", "JONES"]);
        assert_eq!(parts("Jones Smith"), ["JONES", "SMITH"]);
        assert_eq!(family("Smith-Jones").whole.as_str(), "SMITHJONES");
        assert_eq!(parts("O'Brien - Smith"), ["OBRIEN", "SMITH"]);
    }

    #[test]
    fn r33_particles_belong_to_the_whole_and_not_to_the_parts() {
        assert_eq!(parts("de Souza"), ["SOUZA"]);
        assert_eq!(parts("de Silva"), ["SILVA"]);
        assert_eq!(family("de Souza").whole.as_str(), "DESOUZA");
        assert_eq!(parts("van der Berg"), ["BERG"]);
        assert_eq!(parts("Al-Hassan"), ["HASSAN"]);
        assert_eq!(parts("Le"), ["LE"]);
        assert_eq!(parts("Van Le"), ["LE"]);
    }

    #[test]
    fn r40_prefix_names_are_mohammed_in_its_spellings_and_the_like() {
        for word in ["Mohammed", "Muhammad", "Md", "M'd", "Mohd.", "Syed"] {
            assert!(is_prefix_name(&token(word)), "{word}");
        }
        assert!(!is_prefix_name(&token("Imran")));
    }

    #[test]
    fn r41_a_surname_is_generic_when_every_part_is() {
        for text in [
            "Singh",
            "Kaur",
            "Begum",
            "Bibi",
            "Khatun",
            "Miah",
            "Kaur Singh",
        ] {
            assert!(family(text).generic, "{text}");
        }
        assert!(!family("Dhillon").generic);
        assert!(!family("Singh Dhillon").generic);
    }

    #[test]
    fn r43_a_prefix_at_the_field_limit_is_the_same_name() {
        let full = "Wolfeschlegelsteinhausenbergerdorffens";
        let cut = family(&full[..35]);
        assert!(truncated_equal(&cut, &family(full)));
        assert!(truncated_equal(&family(full), &cut));
        assert!(!truncated_equal(&family(full), &family(full)));
        assert!(!truncated_equal(&family("Smith"), &family("Smithson")));
    }

    #[test]
    fn r47_split_and_joined_given_names_squash_to_one() {
        let name = |words: &[&str]| PersonName {
            name_use: NameUse::Usual,
            given: words.iter().map(|word| token(word)).collect(),
            family: None,
        };
        let joined = squashed_given(&name(&["Xiaoming"])).expect("a name");
        let split = squashed_given(&name(&["Xiao", "Ming"])).expect("a name");
        assert!(joined.same(&split));
        assert!(squashed_given(&name(&[])).is_none());
    }

    proptest! {
        #[test]
        fn a_family_name_never_lacks_parts(text in ".*") {
            if let Some(name) = FamilyName::from_words(&text) {
                prop_assert!(!name.parts.is_empty());
                prop_assert!(name.parts.len() <= VALUES_PER_FIELD_MAX);
            }
        }
    }
}
