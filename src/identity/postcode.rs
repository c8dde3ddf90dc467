//! Postcodes with positional repair (R63) and pseudo-postcodes (R64). How
//! common a postcode is, and what that is worth, belongs to the model.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::one_edit::one_edit;
use crate::identity::postcode_part::PostcodePart;
use crate::identity::sent_text::{fold_alphanumeric, fold_short, is_blank_equivalent};

/// A UK unit postcode, an outward code alone, or opaque text in upper case
/// without spaces (Australian 4558).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Postcode {
    /// A whole UK postcode.
    Unit {
        /// Area and district, "LS1".
        outward: PostcodePart,
        /// Sector digit and two letters, "4AP".
        inward: PostcodePart,
    },
    /// A district alone.
    Outward(Box<str>),
    /// Anything else, letters and digits.
    Opaque(Box<str>),
}

impl fmt::Debug for Postcode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Closest shared unit. Opaque texts are Unit when equal, Near when one edit
/// apart, else Different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostcodeRelation {
    /// The same postcode.
    Unit,
    /// One edit apart, not otherwise in the same sector.
    Near,
    /// LS1 4…
    Sector,
    /// LS1
    District,
    /// LS
    Area,
    /// Nothing shared.
    Different,
}

/// What a pseudo-postcode says (R64; HES data dictionary, field HOMEADD).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PseudoPostcode {
    /// ZZ99 3VZ.
    NoFixedAbode,
    /// Any other ZZ99: a country, at sea, not known.
    Other,
}

/// Reads a pseudo-postcode in any case and spacing; `None` for all else.
#[must_use]
pub fn pseudo_postcode(text: &str) -> Option<PseudoPostcode> {
    let folded = fold_short(text)?;
    let rest = folded.as_str().strip_prefix("ZZ99")?;
    Some(if rest == "3VZ" {
        PseudoPostcode::NoFixedAbode
    } else {
        PseudoPostcode::Other
    })
}

impl Postcode {
    /// Reads a UK postcode in any case and spacing, repairing letters and
    /// digits by their place (R63); else opaque text. `None` for blanks, words
    /// that mean absence and pseudo-postcodes ([`pseudo_postcode`]).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if is_blank_equivalent(text) || is_zeros_or_nines(text) || pseudo_postcode(text).is_some() {
            return None;
        }
        if !text.is_ascii() {
            let opaque = fold_alphanumeric(text);
            return if opaque.is_ascii() {
                Self::parse(&opaque)
            } else {
                Some(Self::Opaque(opaque.into()))
            };
        }
        if let Some(folded) = fold_short(text) {
            let folded = folded.as_str();
            if let Some(unit) = read_unit(folded) {
                return Some(unit);
            }
            if let Some(district) = district_of_sector(text) {
                return Some(Self::Outward(district));
            }
            if let Some(district) = read_outward(folded).filter(is_real) {
                return Some(Self::Outward(district.as_str().into()));
            }
        }
        let opaque = fold_alphanumeric(text);
        (!opaque.is_empty()).then(|| Self::Opaque(opaque.into()))
    }

    /// The closest unit that both share. Symmetric.
    #[must_use]
    pub fn relation(&self, other: &Self) -> PostcodeRelation {
        if self == other {
            return match self {
                Self::Outward(_) => PostcodeRelation::District,
                Self::Unit { .. } | Self::Opaque(_) => PostcodeRelation::Unit,
            };
        }
        if let (
            Self::Unit {
                outward: a,
                inward: x,
            },
            Self::Unit {
                outward: b,
                inward: y,
            },
        ) = (self, other)
            && a == b
            && x.symbols()[0] == y.symbols()[0]
        {
            return PostcodeRelation::Sector;
        }
        if self.is_one_edit_from(other) {
            return PostcodeRelation::Near;
        }
        match (self.outward(), other.outward()) {
            (Some(a), Some(b)) if a == b => PostcodeRelation::District,
            (Some(a), Some(b)) if area(a) == area(b) => PostcodeRelation::Area,
            _ => PostcodeRelation::Different,
        }
    }

    /// Comparable text: "LS1 4AP" or the opaque text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Unit { outward, inward } => format!("{outward} {inward}"),
            Self::Outward(text) | Self::Opaque(text) => text.to_string(),
        }
    }

    /// Outward code, when known.
    #[must_use]
    pub fn outward(&self) -> Option<&str> {
        match self {
            Self::Unit { outward, .. } => Some(outward.as_str()),
            Self::Outward(outward) => Some(outward),
            Self::Opaque(_) => None,
        }
    }

    /// The text of a postcode that is none of the UK's.
    pub(super) fn opaque(&self) -> Option<&str> {
        match self {
            Self::Opaque(text) => Some(text),
            Self::Unit { .. } | Self::Outward(_) => None,
        }
    }

    /// Whole postcodes only: a district has too many neighbours.
    fn is_one_edit_from(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Outward(_), _) | (_, Self::Outward(_)) => false,
            (Self::Opaque(a), Self::Opaque(b)) => one_edit(a.as_bytes(), b.as_bytes()),
            _ => {
                let mut rooms = [[0; 8]; 2];
                let [a, b] = &mut rooms;
                one_edit(self.squashed(a), other.squashed(b))
            }
        }
    }

    /// Without the gap; a unit is put together in the room that is given.
    fn squashed<'a>(&'a self, room: &'a mut [u8; 8]) -> &'a [u8] {
        match self {
            Self::Unit { outward, inward } => {
                let (outward, inward) = (outward.as_str().as_bytes(), inward.as_str().as_bytes());
                let length = outward.len() + inward.len();
                room[..outward.len()].copy_from_slice(outward);
                room[outward.len()..length].copy_from_slice(inward);
                &room[..length]
            }
            Self::Outward(text) | Self::Opaque(text) => text.as_bytes(),
        }
    }
}

/// Whether the folded text is, as it stands, a whole postcode of a real area.
pub(super) fn is_plain_unit(folded: &str) -> bool {
    (5..=7).contains(&folded.len())
        && read_outward(&folded[..folded.len() - 3]).is_some_and(|outward| {
            outward.repairs == 0
                && is_real(&outward)
                && read_inward(&folded[folded.len() - 3..])
                    .is_some_and(|inward| inward.repairs == 0 && has_real_letters(&inward))
        })
}

fn is_zeros_or_nines(text: &str) -> bool {
    let mut digits = text.bytes().filter(u8::is_ascii_alphanumeric);
    match digits.next() {
        Some(first @ (b'0' | b'9')) => digits.all(|digit| digit == first),
        _ => false,
    }
}

/// A code of up to four symbols with the number of its repairs; a repair of
/// S/5 or Z/2 counts a hundred, so that O/0 and I/1 come first.
#[derive(Clone, Copy)]
struct Repaired {
    symbols: [u8; 4],
    length: usize,
    repairs: u32,
}

impl Repaired {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.symbols[..self.length]).unwrap_or_default()
    }
}

/// A whole postcode: as it stands when its shape is right and nothing better
/// is near, repaired when the result can be real.
fn read_unit(folded: &str) -> Option<Postcode> {
    if !(5..=7).contains(&folded.len()) {
        return None;
    }
    let (outward, inward) = folded.split_at(folded.len() - 3);
    let inward = read_inward(inward)?;
    let outward = read_outward(outward)?;
    let untouched = outward.repairs == 0 && inward.repairs == 0;
    if !(untouched || (is_real(&outward) && has_real_letters(&inward))) {
        return None;
    }
    Some(Postcode::Unit {
        outward: PostcodePart::new(outward.as_str())?,
        inward: PostcodePart::new(inward.as_str())?,
    })
}

fn read_inward(text: &str) -> Option<Repaired> {
    repair(text, "9AA")
}

/// The reading with the fewest repairs, a real one before another. Only
/// readings of a real area may be repaired.
fn read_outward(text: &str) -> Option<Repaired> {
    let shapes: &[&str] = match text.len() {
        2 => &["A9"],
        3 => &["AA9", "A99", "A9A"],
        4 => &["AA99", "AA9A"],
        _ => return None,
    };
    shapes
        .iter()
        .filter_map(|shape| repair(text, shape))
        .filter(|read| read.repairs == 0 || is_real(read))
        .min_by_key(|read| (!is_real(read), read.repairs))
}

/// Forces the text into a shape of letters (A) and digits (9).
fn repair(text: &str, shape: &str) -> Option<Repaired> {
    let mut read = Repaired {
        symbols: [0; 4],
        length: shape.len(),
        repairs: 0,
    };
    for (place, (symbol, wanted)) in text.bytes().zip(shape.bytes()).enumerate() {
        let fits = if wanted == b'A' {
            symbol.is_ascii_uppercase()
        } else {
            symbol.is_ascii_digit()
        };
        let (symbol, cost) = match (fits, wanted, symbol) {
            (true, ..) => (symbol, 0),
            (_, b'A', b'0') => (b'O', 1),
            (_, b'A', b'1') => (b'I', 1),
            (_, b'A', b'5') => (b'S', 100),
            (_, b'A', b'2') => (b'Z', 100),
            (_, b'9', b'O') => (b'0', 1),
            (_, b'9', b'I') => (b'1', 1),
            (_, b'9', b'S') => (b'5', 100),
            (_, b'9', b'Z') => (b'2', 100),
            _ => return None,
        };
        read.symbols[place] = symbol;
        read.repairs += cost;
    }
    Some(read)
}

/// An area that exists, a district without a leading zero, and a last letter
/// that districts can have.
fn is_real(outward: &Repaired) -> bool {
    let text = outward.as_str();
    let area = area(text);
    let district = &text.as_bytes()[area.len()..];
    let last_letter_fits = match district {
        [_, letter] if letter.is_ascii_uppercase() && area.len() == 1 => {
            b"ABCDEFGHJKPSTUW".contains(letter)
        }
        [_, letter] if letter.is_ascii_uppercase() => b"ABEHMNPRVWXY".contains(letter),
        [b'0', _] => false,
        _ => true,
    };
    last_letter_fits && AREAS.binary_search(&area).is_ok()
}

/// The inward part never has C, I, K, M, O or V (Royal Mail: they look like
/// digits or each other in handwriting).
fn has_real_letters(inward: &Repaired) -> bool {
    inward.symbols[1..3]
        .iter()
        .all(|letter| !b"CIKMOV".contains(letter))
}

/// "LS1 4": the sector's digit must not become the district's.
fn district_of_sector(text: &str) -> Option<Box<str>> {
    let (outward, sector) = text.trim().split_once(' ')?;
    let sector = sector.trim().as_bytes();
    if sector.len() != 1 || !sector[0].is_ascii_digit() {
        return None;
    }
    let folded = fold_short(outward)?;
    read_outward(folded.as_str())
        .filter(is_real)
        .map(|read| read.as_str().into())
}

fn area(outward: &str) -> &str {
    let letters = outward.bytes().take_while(u8::is_ascii_alphabetic).count();
    &outward[..letters]
}

/// The 121 areas of Great Britain and Northern Ireland, the three of the Crown
/// dependencies, and BF of the forces (public list of postcode areas).
const AREAS: [&str; 125] = [
    "AB", "AL", "B", "BA", "BB", "BD", "BF", "BH", "BL", "BN", "BR", "BS", "BT", "CA", "CB", "CF",
    "CH", "CM", "CO", "CR", "CT", "CV", "CW", "DA", "DD", "DE", "DG", "DH", "DL", "DN", "DT", "DY",
    "E", "EC", "EH", "EN", "EX", "FK", "FY", "G", "GL", "GU", "GY", "HA", "HD", "HG", "HP", "HR",
    "HS", "HU", "HX", "IG", "IM", "IP", "IV", "JE", "KA", "KT", "KW", "KY", "L", "LA", "LD", "LE",
    "LL", "LN", "LS", "LU", "M", "ME", "MK", "ML", "N", "NE", "NG", "NN", "NP", "NR", "NW", "OL",
    "OX", "PA", "PE", "PH", "PL", "PO", "PR", "RG", "RH", "RM", "S", "SA", "SE", "SG", "SK", "SL",
    "SM", "SN", "SO", "SP", "SR", "SS", "ST", "SW", "SY", "TA", "TD", "TF", "TN", "TQ", "TR", "TS",
    "TW", "UB", "W", "WA", "WC", "WD", "WF", "WN", "WR", "WS", "WV", "YO", "ZE",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        AREAS, Postcode, PostcodeRelation, PseudoPostcode, is_plain_unit, pseudo_postcode,
    };

    fn text(sent: &str) -> Option<String> {
        Postcode::parse(sent).map(|postcode| postcode.text())
    }

    fn relation(a: &str, b: &str) -> PostcodeRelation {
        let read = |text| Postcode::parse(text).expect("a postcode");
        read(a).relation(&read(b))
    }

    #[test]
    fn r63_letters_and_digits_are_repaired_by_their_place() {
        for sent in [
            "LSI 4AP",
            "ls14ap",
            "LS1 4AP",
            "LS1  4AP",
            "L S 1 4 A P",
            "ls1-4ap",
        ] {
            assert_eq!(text(sent).as_deref(), Some("LS1 4AP"), "{sent}");
        }
        for (sent, read) in [
            ("0X1 2JD", "OX1 2JD"),
            ("SWIA 1AA", "SW1A 1AA"),
            ("BSO 5AA", "BS0 5AA"),
            ("M1 IAE", "M1 1AE"),
            ("LS1 SAP", "LS1 5AP"),
            ("LS1 ZAP", "LS1 2AP"),
            ("EC1A 1BB", "EC1A 1BB"),
            ("W1A 0AX", "W1A 0AX"),
            ("CR2 6XH", "CR2 6XH"),
            ("DN55 1PT", "DN55 1PT"),
            ("B33 8TH", "B33 8TH"),
        ] {
            assert_eq!(text(sent).as_deref(), Some(read), "{sent}");
        }
    }

    #[test]
    fn r63_a_repair_must_give_a_postcode_that_can_be() {
        for sent in [
            "K1A 0B1", "1234 AB", "QI1 0AA5", "4558", "90210", "75008", "D02 AF30",
        ] {
            let opaque = Postcode::parse(sent);
            assert!(matches!(opaque, Some(Postcode::Opaque(_))), "{sent}");
        }
    }

    #[test]
    fn r64_pseudo_postcodes_and_blanks_are_absent() {
        for sent in [
            "ZZ99 3WZ", "zz993vz", "ZZ99", "", "  ", "UNKNOWN", "n/a", "-", "0000", "XX", "NK",
        ] {
            assert_eq!(text(sent), None, "{sent}");
        }
        assert_eq!(
            pseudo_postcode("ZZ99 3VZ"),
            Some(PseudoPostcode::NoFixedAbode)
        );
        assert_eq!(pseudo_postcode("ZZ99 6CZ"), Some(PseudoPostcode::Other));
        assert_eq!(pseudo_postcode("LS1 4AP"), None);
    }

    #[test]
    fn a_part_of_a_postcode_is_its_district() {
        for (sent, district) in [
            ("LS1", "LS1"),
            ("ls14", "LS14"),
            ("LS1 4", "LS1"),
            ("W1A", "W1A"),
        ] {
            assert!(
                Postcode::parse(sent) == Some(Postcode::Outward(district.into())),
                "{sent}"
            );
        }
    }

    #[test]
    fn the_relation_is_the_closest_shared_unit() {
        assert_eq!(relation("LS1 4AP", "ls14ap"), PostcodeRelation::Unit);
        assert_eq!(relation("LS1 4AP", "LS1 4QX"), PostcodeRelation::Sector);
        assert_eq!(relation("LS1 4AP", "LS1 4AQ"), PostcodeRelation::Sector);
        assert_eq!(relation("LS1 4AP", "LS1 5AP"), PostcodeRelation::Near);
        assert_eq!(relation("LS1 4AP", "LS11 4AP"), PostcodeRelation::Near);
        assert_eq!(relation("LS1 4AP", "LS1 7QX"), PostcodeRelation::District);
        assert_eq!(relation("LS1 4AP", "LS17 6JD"), PostcodeRelation::Area);
        assert_eq!(relation("LS1 4AP", "M1 1AE"), PostcodeRelation::Different);
        assert_eq!(relation("LS1", "LS1 4AP"), PostcodeRelation::District);
        assert_eq!(relation("LS1", "LS1"), PostcodeRelation::District);
        assert_eq!(relation("L1 4AP", "LS1 4QX"), PostcodeRelation::Different);
    }

    #[test]
    fn opaque_texts_are_equal_near_or_different() {
        assert_eq!(relation("4558", "4558"), PostcodeRelation::Unit);
        assert_eq!(relation("4558", "4585"), PostcodeRelation::Near);
        assert_eq!(relation("4558", "2010"), PostcodeRelation::Different);
        assert_eq!(relation("LS1 4AP", "LS1 4A"), PostcodeRelation::Near);
    }

    #[test]
    fn a_plain_unit_needs_no_repair() {
        assert!(is_plain_unit("LS14AP") && is_plain_unit("SW1A1AA"));
        assert!(!is_plain_unit("LSI4AP") && !is_plain_unit("QQ14AP") && !is_plain_unit("4558"));
    }

    #[test]
    fn the_areas_are_sorted_and_a_postcode_does_not_print() {
        assert!(AREAS.is_sorted());
        assert_eq!(
            format!("{:?}", Postcode::parse("LS1 4AP")),
            "Some([redacted])"
        );
    }

    proptest! {
        #[test]
        fn a_postcode_survives_its_text(sent in "\\PC{0,10}|[A-Za-z0-9 ]{0,8}|[LSO0I1]{2,4} ?[0-9OISZ][A-Z]{2}") {
            if let Some(postcode) = Postcode::parse(&sent) {
                prop_assert!(Postcode::parse(&postcode.text()) == Some(postcode));
            }
        }

        #[test]
        fn the_relation_of_postcodes_is_symmetric(a in "[LM][S1]?[1-3][ ]?[0-9]?[AB]?[AB]?", b in "[LM][S1]?[1-3][ ]?[0-9]?[AB]?[AB]?") {
            if let (Some(a), Some(b)) = (Postcode::parse(&a), Postcode::parse(&b)) {
                prop_assert_eq!(a.relation(&b), b.relation(&a));
            }
        }
    }
}
