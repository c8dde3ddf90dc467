//! Words of a name field that mean something else than a name: absence, a
//! newborn, a title, a phrase (R34, R35; uk-identity §1.8, §3.1). Plain word
//! lists; `name_reading` decides by position. Values that mean absence in
//! other fields are with those fields.

/// Whether a whole field, or one whole given name, says "no value". The key
/// is upper case, letters and digits only, words joined.
#[must_use]
pub(crate) fn means_absent(key: &str) -> bool {
    matches!(
        key,
        "UNKNOWN"
            | "UNKNOW"
            | "UNKOWN"
            | "UNK"
            | "UNKN"
            | "NOTKNOWN"
            | "NK"
            | "FNU"
            | "LNU"
            | "NFN"
            | "NLN"
            | "NMN"
            | "NMI"
            | "NONE"
            | "NULL"
            | "NIL"
            | "NOTSTATED"
            | "NOTGIVEN"
            | "NOTRECORDED"
            | "NOTPROVIDED"
            | "NOTAVAILABLE"
            | "NOTAPPLICABLE"
            | "NOTSPECIFIED"
            | "NOTDISCLOSED"
            | "UNSPECIFIED"
            | "UNDISCLOSED"
            | "NONAME"
            | "NONAMEGIVEN"
            | "NOFORENAME"
            | "NOSURNAME"
            | "NOMIDDLENAME"
            | "NAME"
            | "FIRSTNAME"
            | "LASTNAME"
            | "FORENAME"
            | "SURNAME"
            | "GIVENNAME"
            | "FAMILYNAME"
            | "MIDDLENAME"
            | "UNNAMED"
            | "TEST"
            | "TESTING"
            | "TESTPATIENT"
            | "PATIENTTEST"
            | "TESTTEST"
            | "DUMMY"
            | "DUMMYPATIENT"
            | "DONOTUSE"
            | "DUPLICATE"
            | "INVALID"
            | "DELETED"
            | "ANONYMOUS"
            | "ANON"
            | "REDACTED"
            | "WITHHELD"
            | "TBC"
            | "TBA"
            | "TOBECONFIRMED"
            | "AWAITED"
            | "DECEASED"
            | "DECD"
            | "UNIDENTIFIED"
    ) || is_unknown_somebody(key)
        || is_repeated_filler(key)
}

/// Emergency departments register whom they cannot name.
fn is_unknown_somebody(key: &str) -> bool {
    matches!(
        key,
        "UNKNOWNMALE"
            | "UNKNOWNFEMALE"
            | "UNKNOWNPERSON"
            | "UNKNOWNPATIENT"
            | "MALEUNKNOWN"
            | "FEMALEUNKNOWN"
    )
}

/// `XXX`, `ZZZZ`: two or more of a filler letter.
fn is_repeated_filler(key: &str) -> bool {
    key.len() >= 2
        && (key.bytes().all(|byte| byte == b'X')
            || key.len() >= 3 && key.bytes().all(|byte| byte == b'Z'))
}

/// A word that says absence wherever it stands ("John Unknown").
pub(crate) fn is_absent_word(key: &str) -> bool {
    matches!(
        key,
        "UNKNOWN" | "FNU" | "LNU" | "NFN" | "NLN" | "NMN" | "NMI" | "NULL" | "TBC"
    ) || key.len() >= 3 && is_repeated_filler(key)
}

/// A word that opens the placeholder of a newborn.
pub(crate) fn is_newborn_word(key: &str) -> bool {
    matches!(
        key,
        "BABY"
            | "BABYBOY"
            | "BABYGIRL"
            | "BABYOF"
            | "INFANT"
            | "NEWBORN"
            | "NEONATE"
            | "BABYMALE"
            | "BABYFEMALE"
    ) || is_multiple_word(key)
}

/// A word that may stand in the placeholder of a newborn.
pub(crate) fn is_newborn_filler(key: &str) -> bool {
    is_newborn_word(key)
        || matches!(
            key,
            "BOY"
                | "GIRL"
                | "MALE"
                | "FEMALE"
                | "UNNAMED"
                | "UNKNOWN"
                | "LIVE"
                | "BORN"
                | "NAME"
                | "NO"
                | "YET"
        )
}

/// A given name that says a sex and no name; as a family name it is one.
pub(crate) fn is_sex_word(key: &str) -> bool {
    matches!(key, "MALE" | "FEMALE")
}

/// A word that alone, as the only given name, is a newborn's (R35).
pub(crate) fn is_lone_newborn(key: &str) -> bool {
    matches!(key, "BOY" | "GIRL")
}

/// `Boy of`, `Daughter of`: only with the second word.
pub(crate) fn is_child_of(key: &str) -> bool {
    matches!(
        key,
        "SON" | "DAUGHTER" | "CHILD" | "BOY" | "GIRL" | "MALE" | "FEMALE"
    )
}

/// A child that is not born; an expected date is no birth date (R57).
pub(crate) fn is_unborn_word(key: &str) -> bool {
    matches!(
        key,
        "UNBORN" | "UNBORNBABY" | "UNBORNCHILD" | "FOETUS" | "FETUS"
    )
}

/// A word that announces a place in a multiple birth.
pub(crate) fn is_multiple_word(key: &str) -> bool {
    matches!(
        key,
        "TWIN" | "TWINS" | "TRIPLET" | "TRIPLETS" | "QUADRUPLET" | "QUAD" | "MULTIPLE"
    )
}

/// A place in a multiple birth, 1 to 7: "2", "Two", "II", "B", "Second", "2nd".
pub(crate) fn birth_order(key: &str) -> Option<u8> {
    Some(match key {
        "1" | "01" | "ONE" | "I" | "A" | "FIRST" | "1ST" => 1,
        "2" | "02" | "TWO" | "II" | "B" | "SECOND" | "2ND" => 2,
        "3" | "03" | "THREE" | "III" | "C" | "THIRD" | "3RD" => 3,
        "4" | "04" | "FOUR" | "IV" | "D" | "FOURTH" | "4TH" => 4,
        "5" | "05" | "FIVE" | "V" | "E" | "FIFTH" | "5TH" => 5,
        "6" | "06" | "SIX" | "VI" | "F" | "SIXTH" | "6TH" => 6,
        "7" | "07" | "SEVEN" | "VII" | "G" | "SEVENTH" | "7TH" => 7,
        _ => return None,
    })
}

/// Titles that nobody bears as a name: removed before a name, and no name
/// when they stand alone.
pub(crate) fn is_plain_title(key: &str) -> bool {
    matches!(
        key,
        "MR" | "MRS" | "MISS" | "MS" | "MX" | "MSTR" | "DR" | "PROF" | "REV" | "REVD" | "SMT"
    )
}

/// Titles that a few people bear as a name: removed only before a given name.
/// Prince, Dean, Major, Duke, Earl, King, Judge, Syed and Sheikh are names too
/// often and stay.
pub(crate) fn is_title(key: &str) -> bool {
    is_plain_title(key)
        || matches!(
            key,
            "MASTER"
                | "PROFESSOR"
                | "REVEREND"
                | "SIR"
                | "DAME"
                | "LADY"
                | "LORD"
                | "MADAM"
                | "CAPT"
                | "SGT"
                | "CPL"
                | "CLLR"
                | "SHRI"
                | "SHRIMATI"
        )
}

/// Generations and honours after a name.
pub(crate) fn is_suffix(key: &str) -> bool {
    matches!(
        key,
        "JR" | "JNR"
            | "SR"
            | "SNR"
            | "ESQ"
            | "ESQUIRE"
            | "II"
            | "III"
            | "PHD"
            | "MBE"
            | "OBE"
            | "CBE"
    )
}

/// A word that can open one of the phrases or placeholders above; a plain
/// field without one needs no closer look.
pub(crate) fn is_special(key: &str) -> bool {
    means_absent(key)
        || is_newborn_filler(key)
        || is_child_of(key)
        || is_unborn_word(key)
        || is_title(key)
        || is_suffix(key)
        || is_phrase_word(key)
        || matches!(
            key,
            "NOT" | "DO" | "DUMMY" | "PATIENT" | "TO" | "UNIDENTIFIED"
        )
}

/// The first word of a known-as or earlier-name phrase.
fn is_phrase_word(key: &str) -> bool {
    PHRASES.iter().any(|(_, words)| words[0] == key)
}

/// What a phrase inside a name field announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// What follows is what the person is called.
    KnownAs,
    /// What follows is an earlier name of the same kind.
    Previous,
    /// What follows is an earlier family name, whichever field it stands in.
    Maiden,
}

/// Phrases as word keys, longer ones first.
pub(crate) const PHRASES: [(Phrase, &[&str]); 34] = [
    (Phrase::KnownAs, &["PREFERS", "TO", "BE", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["PREFERS", "TO", "BE", "CALLED"]),
    (Phrase::KnownAs, &["LIKES", "TO", "BE", "CALLED"]),
    (Phrase::KnownAs, &["LIKES", "TO", "BE", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["PREFERRED", "NAME", "IS"]),
    (Phrase::Previous, &["FORMERLY", "KNOWN", "AS"]),
    (Phrase::Previous, &["PREVIOUSLY", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["ALSO", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["BETTER", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["USUALLY", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["COMMONLY", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["NOW", "KNOWN", "AS"]),
    (Phrase::KnownAs, &["A", "K", "A"]),
    (Phrase::KnownAs, &["KNOWN", "AS"]),
    (Phrase::KnownAs, &["ALSO", "CALLED"]),
    (Phrase::KnownAs, &["GOES", "BY"]),
    (Phrase::KnownAs, &["PREFERRED", "NAME"]),
    (Phrase::KnownAs, &["KNOWNAS"]),
    (Phrase::KnownAs, &["PREFERRED"]),
    (Phrase::KnownAs, &["PREFERS"]),
    (Phrase::KnownAs, &["CALLED"]),
    (Phrase::KnownAs, &["NICKNAME"]),
    (Phrase::KnownAs, &["NICKNAMED"]),
    (Phrase::KnownAs, &["AKA"]),
    (Phrase::KnownAs, &["ALIAS"]),
    (Phrase::Maiden, &["MAIDEN", "NAME"]),
    (Phrase::Previous, &["PREVIOUS", "NAME"]),
    (Phrase::Previous, &["FORMERLY"]),
    (Phrase::Previous, &["PREVIOUSLY"]),
    (Phrase::Previous, &["FKA"]),
    (Phrase::Previous, &["F", "K", "A"]),
    (Phrase::Maiden, &["MAIDEN"]),
    (Phrase::Maiden, &["NEE"]),
    (Phrase::Maiden, &["BORN"]),
];
