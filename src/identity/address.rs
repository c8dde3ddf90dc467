//! Addresses by tokens with flat / number / range logic (R67–R69). What an
//! agreement is worth, and how postcodes stand to each other, is not here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::Postcode;
use crate::identity::address_reading::{read_lines, read_town};
use crate::identity::premises::{Agreement, StreetRelation, flat_agreement, street_relation};

/// What an address is used for; the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AddressUse {
    /// The current home.
    Home,
    /// A term, respite or second address (R67).
    Temporary,
    /// Where bills go (R67).
    Billing,
    /// An earlier home.
    Old,
}

/// One address. Lines are joined before tokenising, so line positions never
/// matter (R69).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PostalAddress {
    /// What it is used for.
    pub address_use: AddressUse,
    /// Flat / unit / apartment / room designator, canonical ("3", "A", "FIRST FLOOR").
    pub flat: Option<Box<str>>,
    /// House number or range, inclusive, with letter suffix ("12", "12A", 12–14).
    pub number: Option<HouseNumber>,
    /// Remaining significant words in order, canonical street words (RD→ROAD),
    /// town and postcode words taken out where they repeat.
    pub street: Vec<Box<str>>,
    /// Post town in canonical words.
    pub town: Option<Box<str>>,
    /// Postcode.
    pub postcode: Option<Postcode>,
    /// UPRN digits without leading zeros.
    pub uprn: Option<Box<str>>,
}

impl fmt::Debug for PostalAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// A house number, or a range of them, `from` ≤ `to`. A half ("144½") is the
/// suffix `½`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HouseNumber {
    /// First number.
    pub from: u32,
    /// Last number; equal to the first for a single one.
    pub to: u32,
    /// Letter behind the number.
    pub suffix: Option<char>,
}

/// How the premises of two addresses stand to each other, postcodes and towns
/// apart. Symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PremisesRelation {
    /// Same UPRN, or number, flat and street agree (street words equal or each
    /// within a typing error).
    Same,
    /// Street agrees, number agrees, flat missing on one side, or a range that
    /// contains the other number (R68: uncertain).
    Uncertain,
    /// Street agrees but the number or the flat conflicts (R68: negative within
    /// one postcode).
    Conflict,
    /// Streets share words but not enough to be the same or other (for example
    /// a line is missing).
    Partial,
    /// Other premises.
    Different,
    /// One side has nothing to compare.
    Missing,
}

impl PostalAddress {
    /// Reads lines and town; the postcode is taken from the lines where none is
    /// given. `None` when nothing is left to compare.
    #[must_use]
    pub fn read(
        address_use: AddressUse,
        lines: &[Cow<'_, str>],
        town: Option<&str>,
        postcode: Option<Postcode>,
        uprn: Option<Box<str>>,
    ) -> Option<Self> {
        let town = town.and_then(read_town);
        let code = postcode.as_ref().and_then(Postcode::opaque);
        let read = read_lines(lines, town.as_deref(), code);
        let address = Self {
            address_use,
            flat: read.flat.map(Into::into),
            number: read.number,
            street: read.street,
            town: town.map(Into::into),
            postcode: postcode.or_else(|| Postcode::parse(&read.postcode?)),
            uprn,
        };
        address.says_something().then_some(address)
    }

    fn says_something(&self) -> bool {
        self.has_premises() || self.town.is_some() || self.postcode.is_some() || self.uprn.is_some()
    }

    fn has_premises(&self) -> bool {
        self.flat.is_some() || self.number.is_some() || !self.street.is_empty()
    }

    /// Compares UPRN, then street, number and flat. Two UPRNs for one text are
    /// uncertain: a block and its flats have different ones.
    #[must_use]
    pub fn premises_relation(&self, other: &Self) -> PremisesRelation {
        let uprns = self.uprn.as_ref().zip(other.uprn.as_ref());
        if uprns.is_some_and(|(a, b)| a == b) {
            return PremisesRelation::Same;
        }
        match self.text_relation(other) {
            PremisesRelation::Same if uprns.is_some() => PremisesRelation::Uncertain,
            PremisesRelation::Missing if uprns.is_some() => PremisesRelation::Different,
            relation => relation,
        }
    }

    fn text_relation(&self, other: &Self) -> PremisesRelation {
        if !self.has_premises() || !other.has_premises() {
            return PremisesRelation::Missing;
        }
        let (a, b) = (self.street_beside(other), other.street_beside(self));
        match street_relation(a, b) {
            StreetRelation::Agrees => self.within_street(other, Agreement::Agrees),
            StreetRelation::Contained => self.within_street(other, Agreement::Uncertain),
            StreetRelation::Partial => PremisesRelation::Partial,
            StreetRelation::Different => PremisesRelation::Different,
            StreetRelation::Missing => match self.number_agreement(other) {
                Some(Agreement::Agrees) => PremisesRelation::Partial,
                Some(Agreement::Conflicts) => PremisesRelation::Different,
                Some(Agreement::Uncertain) | None => PremisesRelation::Missing,
            },
        }
    }

    /// Street words without the town that only the other side names as one.
    fn street_beside<'a>(&'a self, other: &Self) -> &'a [Box<str>] {
        let street = self.street.as_slice();
        let (None, Some(town)) = (&self.town, &other.town) else {
            return street;
        };
        let words = town.split(' ').count();
        match street.len().checked_sub(words) {
            Some(rest)
                if rest > 0 && street[rest..].iter().map(AsRef::as_ref).eq(town.split(' ')) =>
            {
                &street[..rest]
            }
            _ => street,
        }
    }

    /// Number and flat where the street agrees; `nameless` is what two
    /// addresses without any number are to each other.
    fn within_street(&self, other: &Self, nameless: Agreement) -> PremisesRelation {
        if self.is_flat_of(other) || other.is_flat_of(self) {
            return PremisesRelation::Same;
        }
        let number = match (&self.number, &other.number) {
            (None, None) => nameless,
            _ => self.number_agreement(other).unwrap_or(Agreement::Uncertain),
        };
        match number.max(flat_agreement(self.flat.as_deref(), other.flat.as_deref())) {
            Agreement::Agrees => PremisesRelation::Same,
            Agreement::Uncertain => PremisesRelation::Uncertain,
            Agreement::Conflicts => PremisesRelation::Conflict,
        }
    }

    fn number_agreement(&self, other: &Self) -> Option<Agreement> {
        Some(self.number.as_ref()?.agreement(other.number.as_ref()?))
    }

    /// "3 Elm Court" beside "Flat 3, Elm Court", and "9A Elm Road" beside
    /// "Flat A, 9 Elm Road": the same door written in another way.
    fn is_flat_of(&self, other: &Self) -> bool {
        let (Some(flat), None, Some(number)) = (&self.flat, &other.flat, &other.number) else {
            return false;
        };
        let whole = Self::is_written(flat, Some(number.from), number.suffix);
        let letter = number.suffix.is_some() && Self::is_written(flat, None, number.suffix);
        match &self.number {
            None => whole && number.from == number.to,
            Some(own) => {
                letter && own.suffix.is_none() && (own.from, own.to) == (number.from, number.to)
            }
        }
    }

    fn is_written(text: &str, number: Option<u32>, suffix: Option<char>) -> bool {
        let mut written = number.map(|number| number.to_string()).unwrap_or_default();
        written.extend(suffix);
        written == text
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::PremisesRelation::{Conflict, Different, Missing, Partial, Same, Uncertain};
    use super::{AddressUse, PostalAddress, PremisesRelation};
    use crate::identity::Postcode;

    fn read(lines: &[&str], town: Option<&str>, postcode: Option<&str>) -> Option<PostalAddress> {
        let lines: Vec<_> = lines.iter().map(|line| Cow::Borrowed(*line)).collect();
        let postcode = postcode.and_then(Postcode::parse);
        PostalAddress::read(AddressUse::Home, &lines, town, postcode, None)
    }

    fn address(line: &str) -> PostalAddress {
        read(&[line], None, None).expect("an address")
    }

    /// "flat|number|street", for tests that compare by eye.
    fn parts(address: &PostalAddress) -> String {
        let number = address.number.as_ref().map_or(String::new(), |number| {
            let to = (number.to != number.from).then(|| format!("-{}", number.to));
            let suffix = number.suffix.map(String::from);
            format!(
                "{}{}{}",
                number.from,
                to.unwrap_or_default(),
                suffix.unwrap_or_default()
            )
        });
        format!(
            "{}|{number}|{}",
            address.flat.as_deref().unwrap_or_default(),
            address.street.join(" ")
        )
    }

    fn relation(a: &str, b: &str) -> PremisesRelation {
        address(a).premises_relation(&address(b))
    }

    #[test]
    fn flat_number_and_street_are_told_apart() {
        for (line, expected) in [
            ("Flat 3, 9 Elm Rd", "3|9|ELM ROAD"),
            ("Flt 3 9 Elm Road", "3|9|ELM ROAD"),
            ("Apt 3B, 9 Elm Rd.", "3B|9|ELM ROAD"),
            ("Flat 3 B, 9 Elm Rd", "3B|9|ELM ROAD"),
            ("FLAT3, 9 ELM RD", "3|9|ELM ROAD"),
            ("Flat No. 03, No 9 Elm Rd", "3|9|ELM ROAD"),
            ("3/9 Elm Rd", "3|9|ELM ROAD"),
            ("3, 9 Elm Rd", "3|9|ELM ROAD"),
            ("Flat 2/1, 9 Elm Rd", "2/1|9|ELM ROAD"),
            ("2/1, 9 Elm Rd", "2/1|9|ELM ROAD"),
            ("9 Elm Road, Flat 3", "3|9|ELM ROAD"),
            ("Flat 3 - 9 Elm Road", "3|9|ELM ROAD"),
            ("Flat A 9 Elm Road", "A|9|ELM ROAD"),
            ("3 Elm Court, 9 Elm Road", "3|9|ELM COURT ELM ROAD"),
            ("First Floor Flat, 9 Elm Road", "FIRST FLOOR|9|ELM ROAD"),
            ("1st Floor, 9 Elm Road", "FIRST FLOOR|9|ELM ROAD"),
            ("Basement Flat 9 Elm Road", "BASEMENT|9|ELM ROAD"),
            ("First floor flat 3, 9 Elm Road", "3|9|ELM ROAD"),
            ("Unit 4 12-14 High St", "4|12-14|HIGH STREET"),
            (
                "Unit 3 7 jarrah street bishops creek",
                "3|7|JARRAH STREET BISHOPS CREEK",
            ),
            ("Room 4, The Old Vicarage", "4||THE OLD VICARAGE"),
        ] {
            assert_eq!(parts(&address(line)), expected, "{line}");
        }
    }

    #[test]
    fn house_numbers_have_letters_ranges_and_halves() {
        for (line, expected) in [
            ("9A Elm Road", "|9A|ELM ROAD"),
            ("9 a Elm Road", "|9A|ELM ROAD"),
            ("12-14 High St", "|12-14|HIGH STREET"),
            ("12 – 14 High Street", "|12-14|HIGH STREET"),
            ("144 & a half High St", "|144½|HIGH STREET"),
            ("144 1/2 High St", "|144½|HIGH STREET"),
            ("The Old Vicarage", "||THE OLD VICARAGE"),
            ("Elm Road 9", "|9|ELM ROAD"),
            ("9 Elm Road, Leeds 6", "|9|ELM ROAD LEEDS 6"),
            (
                "7 jarrah street route 66 bishops creek",
                "|7|JARRAH STREET ROUTE BISHOPS CREEK 66",
            ),
            ("c/o Smith, 9 Elm Road", "|9|SMITH ELM ROAD"),
            ("5 1st Avenue", "|5|1ST AVENUE"),
        ] {
            assert_eq!(parts(&address(line)), expected, "{line}");
        }
    }

    #[test]
    fn st_is_a_saint_before_a_name_and_a_street_behind_one() {
        for (line, expected) in [
            ("12 St Johns Road", "|12|SAINT JOHNS ROAD"),
            ("12 St. John's Rd", "|12|SAINT JOHNS ROAD"),
            (
                "St Marys Court, 3 High St",
                "|3|SAINT MARYS COURT HIGH STREET",
            ),
            (
                "7 jarrah st bishops creek",
                "|7|JARRAH STREET BISHOPS CREEK",
            ),
            ("3 Dr Browns Close", "|3|DR BROWNS CLOSE"),
            ("3 Oak Dr", "|3|OAK DRIVE"),
        ] {
            assert_eq!(parts(&address(line)), expected, "{line}");
        }
    }

    #[test]
    fn town_postcode_and_repeated_lines_are_taken_out() {
        let a = read(
            &["9 Elm Rd", "Leeds", "LS1 4AP"],
            Some("Leeds"),
            Some("LS1 4AP"),
        )
        .expect("one");
        assert_eq!(parts(&a), "|9|ELM ROAD");
        let b = read(&["9 Elm Rd Leeds LS1 4AP"], Some("LEEDS"), None).expect("one");
        assert_eq!(parts(&b), "|9|ELM ROAD");
        assert!(b.postcode == Postcode::parse("LS1 4AP"));
        let c = read(
            &["9 Leeds Road, Headingley, Headingley"],
            Some("Leeds"),
            None,
        )
        .expect("one");
        assert_eq!(parts(&c), "|9|LEEDS ROAD HEADINGLEY");
        let d = read(
            &["7 jarrah street", "bishops creek 4558"],
            None,
            Some("4558"),
        )
        .expect("one");
        assert_eq!(parts(&d), "|7|JARRAH STREET BISHOPS CREEK");
        assert!(read(&["", " - "], None, None).is_none());
    }

    #[test]
    fn r69_tokens_are_compared_and_not_line_numbers() {
        let a = read(&["Flat 3", "9 Elm Rd"], None, None).expect("one");
        let b = read(&["Flat 3, 9 Elm Rd"], None, None).expect("one");
        assert!(a == b);
        let c = read(&["", "Flat 3", "", "9 Elm Road"], Some("Leeds"), None).expect("one");
        let d = read(&["Flat 3, 9 Elm Rd, Leeds"], None, None).expect("one");
        assert_eq!(c.premises_relation(&d), Same);
    }

    #[test]
    fn r68_a_conflict_is_told_from_what_is_uncertain() {
        assert_eq!(relation("12 High St", "14 High Street"), Conflict);
        assert_eq!(relation("Flat 2, 16 High St", "16 High St"), Uncertain);
        assert_eq!(relation("12 High St", "12-14 High St"), Uncertain);
        assert_eq!(relation("13 High St", "12-14 High St"), Conflict);
        assert_eq!(
            relation("Flat 2, 16 High St", "Flat 3, 16 High St"),
            Conflict
        );
        assert_eq!(relation("9A Elm Rd", "9B Elm Rd"), Conflict);
        assert_eq!(relation("9A Elm Rd", "9 Elm Rd"), Uncertain);
        assert_eq!(relation("144 & a half High St", "144 High St"), Uncertain);
    }

    #[test]
    fn r68_the_same_door_may_be_written_in_several_ways() {
        assert_eq!(relation("9A Elm Road", "Flat A, 9 Elm Rd"), Same);
        assert_eq!(relation("3 Elm Court", "Flat 3 Elm Ct"), Same);
        assert_eq!(
            relation("First Floor Flat, 9 Elm Rd", "Flat A, 9 Elm Rd"),
            Uncertain
        );
        assert_eq!(
            relation("First Floor Flat, 9 Elm Rd", "Ground Floor Flat, 9 Elm Rd"),
            Conflict
        );
        assert_eq!(
            relation("Flat 3, 9 Elm Rd", "Flat 3 Room 2, 9 Elm Rd"),
            Uncertain
        );
        assert_eq!(
            relation("Elm House, 9 Elm Road, Headingley", "9 Elm Road"),
            Same
        );
        assert_eq!(relation("9 Elm Road", "9 Elm Road, Headingley"), Same);
    }

    #[test]
    fn streets_agree_within_a_typing_error_and_share_words_otherwise() {
        assert_eq!(relation("9 Jarrah Street", "9 Jarah Street"), Same);
        assert_eq!(relation("9 Elmwood Road", "9 Elm Wood Road"), Same);
        assert_eq!(relation("9 Elm Road", "9 Elm Close"), Partial);
        assert_eq!(relation("9 Elm Road", "9 Oak Road"), Different);
        assert_eq!(
            relation("9 Elm Road, Headingley", "9 Oak Road, Headingley"),
            Different
        );
        assert_eq!(
            relation("Elm House, Headingley", "9 Oak Road, Headingley"),
            Partial
        );
        assert_eq!(
            relation("The Old Vicarage", "The Old Vicarage, Church Lane"),
            Uncertain
        );
        assert_eq!(relation("The Old Vicarage", "Old Vicarage"), Uncertain);
        assert_eq!(relation("The Old Vicarage", "The Old Vicarage"), Same);
    }

    #[test]
    fn an_address_without_premises_is_missing_and_a_property_reference_decides() {
        let town = read(&[], Some("Leeds"), None).expect("one");
        assert_eq!(town.premises_relation(&address("9 Elm Road")), Missing);
        let with_uprn = |line, uprn: &str| PostalAddress {
            uprn: Some(uprn.into()),
            ..address(line)
        };
        assert_eq!(
            with_uprn("9 Elm Rd", "1").premises_relation(&with_uprn("Elm House", "1")),
            Same
        );
        assert_eq!(
            with_uprn("9 Elm Rd", "1").premises_relation(&with_uprn("9 Elm Rd", "2")),
            Uncertain
        );
    }

    fn any_line() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "Flat",
            "3",
            "9",
            "12-14",
            "9A",
            "A",
            "Elm",
            "Elms",
            "Rd",
            "Close",
            "House",
            "St",
            "Johns",
            "First",
            "Floor",
            "Leeds",
            ",",
            "/",
            "3/9",
            "Headingley",
            "Headingly",
            "LS1",
            "4AP",
            "½",
        ]);
        prop::collection::vec(word, 1..9).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn the_relation_of_premises_is_symmetric(a in any_line(), b in any_line(), town in any::<bool>()) {
            let town = town.then_some("Leeds");
            if let (Some(a), Some(b)) = (read(&[&a], town, None), read(&[&b], None, None)) {
                prop_assert_eq!(a.premises_relation(&b), b.premises_relation(&a));
                let itself = a.premises_relation(&a);
                prop_assert!(matches!(itself, Same | Partial | Missing), "{:?}", itself);
            }
        }

        #[test]
        fn any_lines_are_read(lines in prop::collection::vec("\\PC{0,12}|[0-9A-Fa-f/ ,-]{0,12}", 0..4), town in "\\PC{0,6}") {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let _ = read(&lines, Some(&town), None);
        }
    }
}
