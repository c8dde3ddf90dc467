//! Phones in E.164 (R70, R71): reading, placeholders, one slip. How many people
//! share a number is the model's business; e-mail is in a file of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::one_edit::one_slip;
use crate::identity::sent_text::{is_blank_equivalent, is_one_character, is_sequence};

/// E.164 with plus when recognisable as UK or international, else the digits
/// as opaque text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Phone(Box<str>);

impl fmt::Debug for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why a text is no phone of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneProblem {
    /// Nothing, or a word that means absence.
    Blank,
    /// Fewer than 6 or more than 15 digits (E.164's bound).
    Length,
    /// All digits equal or in sequence, such as 07777777777 (R70).
    Default,
    /// The text says that it belongs to a relative or carer (R71).
    SomeoneElse,
}

impl fmt::Display for PhoneProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Blank => "there is no phone number",
            Self::Length => "a phone number has 6 to 15 digits",
            Self::Default => "the phone number is a placeholder",
            Self::SomeoneElse => "the phone number is said to be someone else's",
        })
    }
}

impl std::error::Error for PhoneProblem {}

/// Digits of a phone: 6 to 15.
const PHONE_DIGITS_MIN: usize = 6;
const PHONE_DIGITS_MAX: usize = 15;

/// This many equal or consecutive digits at the end are nobody's number.
const DEFAULT_TAIL_DIGITS: usize = 8;

/// Words that say whose phone it is when it is not the patient's.
const SOMEONE_ELSE: [&str; 23] = [
    "AUNT",
    "BROTHER",
    "CARER",
    "DAD",
    "DAUGHTER",
    "FATHER",
    "FRIEND",
    "GRANDMOTHER",
    "GUARDIAN",
    "HUSBAND",
    "KIN",
    "MOTHER",
    "MUM",
    "MUMS",
    "NEIGHBOUR",
    "NOK",
    "PARENT",
    "PARTNER",
    "SISTER",
    "SON",
    "UNCLE",
    "WARDEN",
    "WIFE",
];

/// Numbers that Ofcom keeps for drama, without country code and leading zero:
/// the beginning, and how many digits follow ("Telephone numbers for use in TV
/// and radio drama programmes").
const FICTION: [(&str, usize); 20] = [
    ("1134960", 3),
    ("1144960", 3),
    ("1154960", 3),
    ("1164960", 3),
    ("1174960", 3),
    ("1184960", 3),
    ("1214960", 3),
    ("1314960", 3),
    ("1414960", 3),
    ("1514960", 3),
    ("1614960", 3),
    ("1632960", 3),
    ("1914980", 3),
    ("2079460", 3),
    ("2896496", 3),
    ("2920180", 3),
    ("3069990", 3),
    ("7700900", 3),
    ("8081570", 3),
    ("9098790", 3),
];

impl Phone {
    /// [`Self::read`] without the reason.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Reads `+44`, `0044`, `(0)`, any punctuation, and UK numbers without a
    /// country. Another country keeps its digits behind the plus; what has no
    /// country and no UK shape stays digits. An extension is left out.
    ///
    /// # Errors
    /// See [`PhoneProblem`].
    pub fn read(text: &str) -> Result<Self, PhoneProblem> {
        let sent = Sent::read(text)?;
        let digits = sent.digits();
        let (international, number) = sent.country();
        let national = if international {
            number
                .strip_prefix("44")
                .map(|rest| rest.trim_start_matches('0'))
        } else {
            uk_national(digits)
        };
        let phone = match national {
            Some(national) => format!("+44{national}"),
            None if international => format!("+{number}"),
            None => digits.to_owned(),
        };
        let count = phone.len() - usize::from(phone.starts_with('+'));
        if !(PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&count) {
            return Err(PhoneProblem::Length);
        }
        if is_default(digits) || is_default(national.unwrap_or(number)) {
            return Err(PhoneProblem::Default);
        }
        Ok(Self(phone.into()))
    }

    /// `+447700900123`, or digits alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One of the numbers that Ofcom keeps for drama (R70).
    #[must_use]
    pub fn is_fiction(&self) -> bool {
        self.0.strip_prefix("+44").is_some_and(|national| {
            FICTION.iter().any(|(beginning, more)| {
                national.len() == beginning.len() + more && national.starts_with(beginning)
            })
        })
    }

    /// Same number but for one digit typed wrong or two exchanged.
    #[must_use]
    pub fn is_near(&self, other: &Self) -> bool {
        one_slip(self.0.as_bytes(), other.0.as_bytes())
    }
}

/// The digits of a text, and whether a plus stood before them.
struct Sent {
    bytes: [u8; Self::DIGITS_MAX],
    length: usize,
    plus: bool,
}

impl Sent {
    /// Room for the prefix 00 and a zero in brackets beside 15 digits.
    const DIGITS_MAX: usize = PHONE_DIGITS_MAX + 4;

    fn read(text: &str) -> Result<Self, PhoneProblem> {
        if is_blank_equivalent(text) {
            return Err(PhoneProblem::Blank);
        }
        let mut sent = Self {
            bytes: [0; Self::DIGITS_MAX],
            length: 0,
            plus: false,
        };
        let mut rest = text.trim();
        rest = rest
            .get(..4)
            .filter(|start| start.eq_ignore_ascii_case("tel:"))
            .map_or(rest, |_| &rest[4..]);
        while let Some(character) = rest.chars().next() {
            let mut width = character.len_utf8();
            if character.is_ascii_alphabetic() {
                width = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                let word = &rest[..width];
                if SOMEONE_ELSE
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(word))
                {
                    return Err(PhoneProblem::SomeoneElse);
                }
                // An extension belongs to a switchboard, not to the number.
                if sent.length >= PHONE_DIGITS_MIN
                    && ["x", "ext", "extn", "extension"]
                        .iter()
                        .any(|ext| ext.eq_ignore_ascii_case(word))
                {
                    break;
                }
            } else if character == '+' && sent.length == 0 {
                sent.plus = true;
            } else if sent.length > 0 && rest.starts_with("(0)") {
                width = 3;
                if !sent.is_international() {
                    sent.push(b'0')?;
                }
            } else if character.is_ascii_digit() {
                sent.push(rest.as_bytes()[0])?;
            }
            rest = &rest[width..];
        }
        Ok(sent)
    }

    fn push(&mut self, digit: u8) -> Result<(), PhoneProblem> {
        *self
            .bytes
            .get_mut(self.length)
            .ok_or(PhoneProblem::Length)? = digit;
        self.length += 1;
        Ok(())
    }

    fn is_international(&self) -> bool {
        self.plus || self.bytes.starts_with(b"00")
    }

    fn digits(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// Whether the number begins with a country, and the number from there.
    fn country(&self) -> (bool, &str) {
        let digits = self.digits();
        let number = digits.strip_prefix("00").unwrap_or(digits);
        // No country code begins with a zero.
        let has_country = self.is_international() && !number.starts_with('0');
        (has_country, if has_country { number } else { digits })
    }
}

/// The national number of a UK shape: a leading zero and 9 or 10 digits; 44
/// and 10 digits; or a mobile whose leading zero a spreadsheet took.
fn uk_national(digits: &str) -> Option<&str> {
    let bare = |rest: &&str| !rest.starts_with('0');
    if let Some(rest) = digits.strip_prefix('0').filter(bare) {
        return matches!(rest.len(), 9 | 10).then_some(rest);
    }
    if let Some(rest) = digits.strip_prefix("44") {
        let rest = rest.strip_prefix('0').unwrap_or(rest);
        return (rest.len() == 10 && bare(&rest)).then_some(rest);
    }
    (digits.len() == 10 && digits.starts_with('7')).then_some(digits)
}

fn is_default(digits: &str) -> bool {
    let tail = &digits[digits.len().saturating_sub(DEFAULT_TAIL_DIGITS)..];
    is_one_character(tail) || is_sequence(tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Phone, PhoneProblem};

    fn phone(text: &str) -> Phone {
        Phone::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn r70_every_notation_of_a_uk_number_is_one_number() {
        for text in [
            "07700 900123",
            "+44 (0)7700 900123",
            "0044 7700 900123",
            "+447700900123",
            "(07700) 900-123",
            "447700900123",
            "+44 07700.900.123",
            "7700900123",
            "07700900123 ext 12",
            "tel:+44-7700-900123",
            "00 44 (0) 7700 900123",
            "Mobile: 07700 900123",
            "(0)7700 900123",
        ] {
            assert_eq!(phone(text).as_str(), "+447700900123", "{text}");
        }
        assert_eq!(phone("01632 960123").as_str(), "+441632960123");
        assert_eq!(phone("01632 96012").as_str(), "+44163296012");
    }

    #[test]
    fn r70_another_country_keeps_its_digits() {
        assert_eq!(phone("+61 (0)2 5550 1234").as_str(), "+61255501234");
        assert_eq!(phone("0091 22 5550 1239").as_str(), "+912255501239");
        assert_eq!(phone("02 5550 1234").as_str(), "+44255501234");
        assert_eq!(phone("555-1239").as_str(), "5551239");
        assert_eq!(phone("1 202 555 0143").as_str(), "12025550143");
    }

    #[test]
    fn r70_default_numbers_are_absent() {
        for text in [
            "07777777777",
            "00000000000",
            "0123456789",
            "01234567890",
            "1111111",
            "9876543210",
            "07000000000",
            "+44 7777 777777",
            "07123456789",
            "123456",
        ] {
            assert_eq!(Phone::read(text), Err(PhoneProblem::Default), "{text}");
        }
    }

    #[test]
    fn r70_numbers_for_drama_are_known() {
        for text in [
            "01632 960000",
            "07700 900999",
            "020 7946 0321",
            "0808 157 0123",
        ] {
            assert!(phone(text).is_fiction(), "{text}");
        }
        assert!(!phone("07700 901000").is_fiction() && !phone("+61 7700 900 123").is_fiction());
    }

    #[test]
    fn too_few_digits_too_many_and_none_are_no_phone() {
        for (text, problem) in [
            ("", PhoneProblem::Blank),
            ("unknown", PhoneProblem::Blank),
            ("12345", PhoneProblem::Length),
            ("call me", PhoneProblem::Length),
            ("0770090012307700900123", PhoneProblem::Length),
            ("+44", PhoneProblem::Length),
        ] {
            assert_eq!(Phone::read(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn r71_a_number_said_to_be_a_relatives_is_not_the_patients() {
        assert_eq!(
            Phone::read("07700 900123 (mum)"),
            Err(PhoneProblem::SomeoneElse)
        );
        assert!(Phone::read("Mumbles 07700 900123").is_ok());
    }

    #[test]
    fn a_phone_is_near_by_one_slip() {
        assert!(phone("07700900123").is_near(&phone("07700900132")));
        assert!(phone("07700900123").is_near(&phone("07700900124")));
        assert!(!phone("07700900123").is_near(&phone("07700900123")));
        assert!(!phone("07700900123").is_near(&phone("07700900231")));
    }

    #[test]
    fn a_phone_does_not_print() {
        assert_eq!(format!("{:?}", phone("07700900123")), "[redacted]");
    }

    proptest! {
        #[test]
        fn a_phone_survives_its_text(text in "\\PC{0,20}|[+]?[0-9() ]{4,22}|(00|[+])?44[(]?0{0,3}[)]?[0-9]{6,11}") {
            if let Ok(phone) = Phone::read(&text) {
                prop_assert_eq!(Phone::read(phone.as_str()), Ok(phone));
            }
        }

        #[test]
        fn nearness_of_phones_is_symmetric(a in "0770090[0-2]{4}", b in "0770090[0-2]{4}") {
            if let (Some(a), Some(b)) = (Phone::parse(&a), Phone::parse(&b)) {
                prop_assert_eq!(a.is_near(&b), b.is_near(&a));
            }
        }
    }
}
