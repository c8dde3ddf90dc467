//! NHS numbers: reading, check digit, ranges and status (R1–R6, R12, R25, R28).
//! What a number is worth as evidence is not decided here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::one_edit::one_slip;
use crate::identity::sent_text::fold_short;

/// Ten digits that pass Modulus 11 and are not all equal (R1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct NhsNumber(u64);

impl fmt::Debug for NhsNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why a text is no NHS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NhsNumberProblem {
    /// Digits, but not ten; never padded (R2).
    Length,
    /// Something else than digits.
    NotDigits,
    /// Modulus 11 fails, or asks for the check digit ten.
    CheckDigit,
    /// A placeholder such as 9999999999, which passes Modulus 11 (R6).
    AllDigitsEqual,
    /// Letters and digits of the numbers before 1996, a namespace of its own (R28).
    OldFormat,
}

impl fmt::Display for NhsNumberProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Length => "an NHS number has ten digits",
            Self::NotDigits => "an NHS number has only digits",
            Self::CheckDigit => "the check digit of the NHS number is wrong",
            Self::AllDigitsEqual => "ten equal digits are no NHS number",
            Self::OldFormat => "the NHS number has a format from before 1996",
        })
    }
}

impl std::error::Error for NhsNumberProblem {}

/// Who issues numbers of a range (R3). Numbers of different namespaces never
/// conflict (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Namespace {
    /// First digit 4, 6 or 7: England, Wales, Isle of Man.
    EnglandWales,
    /// Community Health Index: begins with a plausible day and month.
    Scotland,
    /// 320 000 0000 to 399 999 9999: Health and Care number.
    NorthernIreland,
    /// First digit 5 or 9: never issued to a patient.
    Test,
    /// Unallocated, or part of an Irish identifier.
    Unknown,
}

impl NhsNumber {
    /// Parses ten digits, with spaces of any kind and hyphens between them (R2).
    ///
    /// # Errors
    /// The first reason why the text is no number; see [`NhsNumberProblem`].
    pub fn parse(text: &str) -> Result<Self, NhsNumberProblem> {
        let mut value = 0_u64;
        let mut count = 0_usize;
        for character in text.chars().filter(|character| !is_separator(*character)) {
            let Some(digit) = character.to_digit(10) else {
                return Err(if is_old_format(text) {
                    NhsNumberProblem::OldFormat
                } else {
                    NhsNumberProblem::NotDigits
                });
            };
            count += 1;
            if count > 10 {
                break;
            }
            value = value * 10 + u64::from(digit);
        }
        if count != 10 {
            return Err(NhsNumberProblem::Length);
        }
        Self::from_value(value)
    }

    fn from_value(value: u64) -> Result<Self, NhsNumberProblem> {
        if value > 9_999_999_999 {
            return Err(NhsNumberProblem::Length);
        }
        if value.is_multiple_of(1_111_111_111) {
            return Err(NhsNumberProblem::AllDigitsEqual);
        }
        if check_digit(value / 10) == Some(value % 10) {
            Ok(Self(value))
        } else {
            Err(NhsNumberProblem::CheckDigit)
        }
    }

    /// The ten digits as text (identifying: for storage and display to those
    /// who may see).
    #[must_use]
    pub fn digits(self) -> String {
        format!("{:010}", self.0)
    }

    /// The ten digits as a number; leading zeros are not kept.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The range that the number lies in (R3; ranges as in the NHS Data Model
    /// and Dictionary and the `nhs-number` documentation).
    #[must_use]
    pub fn namespace(self) -> Namespace {
        match self.0 / 100_000_000 {
            40..=49 | 60..=79 => Namespace::EnglandWales,
            32..=39 => Namespace::NorthernIreland,
            50..=59 | 90..=99 => Namespace::Test,
            day @ 1..=31 if day_is_in_month(day, self.0 / 1_000_000 % 100) => Namespace::Scotland,
            _ => Namespace::Unknown,
        }
    }

    /// One digit other or two neighbours exchanged (R25). Modulus 11 catches
    /// both, so that two valid numbers never are; see [`Self::is_near_text`].
    #[must_use]
    pub fn is_near(self, other: Self) -> bool {
        one_slip(self.digits().as_bytes(), other.digits().as_bytes())
    }

    /// Whether a text that is no valid number is one slip away from this one:
    /// a probable typing error, for display only (R25).
    #[must_use]
    pub fn is_near_text(self, unverified: &str) -> bool {
        Self::parse(unverified) == Err(NhsNumberProblem::CheckDigit)
            && fold_short(unverified)
                .is_some_and(|text| one_slip(self.digits().as_bytes(), text.as_str().as_bytes()))
    }
}

impl TryFrom<u64> for NhsNumber {
    type Error = NhsNumberProblem;

    fn try_from(value: u64) -> Result<Self, NhsNumberProblem> {
        Self::from_value(value)
    }
}

impl From<NhsNumber> for u64 {
    fn from(number: NhsNumber) -> Self {
        number.0
    }
}

/// Spaces (the no-break one too) and hyphens of any length.
const fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200B}' | '\u{FEFF}'
        )
}

/// Weights 10 to 2, eleven minus the remainder; `None` where that is ten.
fn check_digit(nine_digits: u64) -> Option<u64> {
    let mut rest = nine_digits;
    let mut sum = 0;
    for weight in 2..=10 {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

fn day_is_in_month(day: u64, month: u64) -> bool {
    match month {
        2 => day <= 29,
        4 | 6 | 9 | 11 => day <= 30,
        1..=12 => day <= 31,
        _ => false,
    }
}

/// Two to six letters and one to eight digits, as in "JRDAN 269". More than
/// twenty formats existed; these two parts are what most have in common.
fn is_old_format(text: &str) -> bool {
    let Some(folded) = fold_short(text) else {
        return false;
    };
    let folded = folded.as_str();
    let letters = folded.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = &folded[letters..];
    (2..=6).contains(&letters)
        && (1..=8).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// NHS number status indicator code (NHS Data Model and Dictionary; HL7 v2
/// table 0445 writes it `NSTS01` to `NSTS08`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NumberStatus {
    /// 01 number present and verified.
    Verified,
    /// 02 number present but not traced.
    NotTraced,
    /// 03 trace required.
    TraceRequired,
    /// 04 trace attempted, no match or multiple match.
    NoMatch,
    /// 05 trace needs to be resolved, number or patient detail conflict.
    Conflict,
    /// 06 trace in progress.
    InProgress,
    /// 07 number not present, trace not required.
    NotPresent,
    /// 08 trace postponed, baby under six weeks.
    Postponed,
}

/// Beginnings of the national display texts, folded.
const STATUS_TEXTS: [(&str, NumberStatus); 9] = [
    ("NUMBERPRESENTANDVERIFIED", NumberStatus::Verified),
    ("VERIFIED", NumberStatus::Verified),
    ("NUMBERPRESENTBUTNOTTRACED", NumberStatus::NotTraced),
    ("TRACEREQUIRED", NumberStatus::TraceRequired),
    ("TRACEATTEMPTED", NumberStatus::NoMatch),
    ("TRACENEEDS", NumberStatus::Conflict),
    ("TRACEINPROGRESS", NumberStatus::InProgress),
    ("NUMBERNOTPRESENT", NumberStatus::NotPresent),
    ("TRACEPOSTPONED", NumberStatus::Postponed),
];

impl NumberStatus {
    /// Reads `01`, `1`, `NSTS01`, `status:01` or the national display text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = super::sent_text::fold_alphanumeric(text);
        let code = ["NHSTATUS", "NSTS", "STATUS"]
            .iter()
            .find_map(|prefix| folded.strip_prefix(prefix))
            .unwrap_or(&folded);
        match code {
            "01" | "1" => Some(Self::Verified),
            "02" | "2" => Some(Self::NotTraced),
            "03" | "3" => Some(Self::TraceRequired),
            "04" | "4" => Some(Self::NoMatch),
            "05" | "5" => Some(Self::Conflict),
            "06" | "6" => Some(Self::InProgress),
            "07" | "7" => Some(Self::NotPresent),
            "08" | "8" => Some(Self::Postponed),
            _ => STATUS_TEXTS
                .iter()
                .find(|(beginning, _)| folded.starts_with(beginning))
                .map(|(_, status)| *status),
        }
    }

    /// Two-digit code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Verified => "01",
            Self::NotTraced => "02",
            Self::TraceRequired => "03",
            Self::NoMatch => "04",
            Self::Conflict => "05",
            Self::InProgress => "06",
            Self::NotPresent => "07",
            Self::Postponed => "08",
        }
    }

    /// 01: the sender says that the number was traced.
    #[must_use]
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Verified)
    }

    /// 04, 05, 06: contributes nothing to automatic linking (R13).
    #[must_use]
    pub const fn is_suspect(self) -> bool {
        matches!(self, Self::NoMatch | Self::Conflict | Self::InProgress)
    }
}

/// A number and what the sender says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NhsNumberClaim {
    /// The number.
    pub number: NhsNumber,
    /// Its status, said or assumed (R12).
    pub status: NumberStatus,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Namespace, NhsNumber, NhsNumberProblem, NumberStatus};

    fn number(text: &str) -> NhsNumber {
        NhsNumber::parse(text).expect("a valid number")
    }

    #[test]
    fn r1_validity_is_ten_digits_modulus_11_and_not_all_equal() {
        assert!(NhsNumber::parse("9434765919").is_ok());
        assert_eq!(
            NhsNumber::parse("9876544321"),
            Err(NhsNumberProblem::CheckDigit)
        );
        assert_eq!(
            NhsNumber::parse("1234567890"),
            Err(NhsNumberProblem::CheckDigit)
        );
        assert_eq!(
            NhsNumber::parse("4444444444"),
            Err(NhsNumberProblem::AllDigitsEqual)
        );
    }

    #[test]
    fn r1_the_fixtures_are_valid() {
        for text in [
            "9990000018",
            "9990000026",
            "9990000034",
            "9990000042",
            "9990000050",
            "9990000069",
            "9990000077",
            "9990000085",
            "9990000093",
            "9990000107",
            "9990000115",
        ] {
            assert_eq!(number(text).digits(), text);
        }
    }

    #[test]
    fn r2_separators_go_and_nothing_is_padded() {
        assert_eq!(number("943 476-5919"), number("9434765919"));
        assert_eq!(number(" 943\u{A0}476\u{2013}5919 "), number("9434765919"));
        assert_eq!(number("0123456789").digits(), "0123456789");
        assert_eq!(NhsNumber::parse("943476591"), Err(NhsNumberProblem::Length));
        assert_eq!(
            NhsNumber::parse("94347659190"),
            Err(NhsNumberProblem::Length)
        );
        assert_eq!(NhsNumber::parse(""), Err(NhsNumberProblem::Length));
        assert_eq!(
            NhsNumber::parse("not known"),
            Err(NhsNumberProblem::NotDigits)
        );
    }

    #[test]
    fn r3_the_range_says_who_issues() {
        assert_eq!(number("9990000018").namespace(), Namespace::Test);
        assert_eq!(number("0123456789").namespace(), Namespace::Unknown);
        for (nine, namespace) in [
            (400_000_000, Namespace::EnglandWales),
            (700_000_010, Namespace::EnglandWales),
            (320_000_000, Namespace::NorthernIreland),
            (311_299_000, Namespace::Scotland),
            (10_150_000, Namespace::Scotland),
            (310_299_000, Namespace::Unknown),
            (850_000_000, Namespace::Unknown),
            (590_002_230, Namespace::Test),
        ] {
            let made = (nine..)
                .find_map(|nine| super::check_digit(nine).map(|check| nine * 10 + check))
                .expect("most have a check digit");
            let made = NhsNumber::try_from(made).expect("the check digit is right");
            assert_eq!(made.namespace(), namespace, "range of {nine}");
        }
    }

    #[test]
    fn r25_a_number_one_slip_away_from_an_invalid_text_is_tagged() {
        assert_eq!(
            NhsNumber::parse("9990000081"),
            Err(NhsNumberProblem::CheckDigit)
        );
        assert!(number("9990000018").is_near_text("999 000 0081"));
        assert!(!number("9990000018").is_near_text("9990000026"));
        assert!(!number("9990000018").is_near(number("9990000018")));
    }

    #[test]
    fn r28_an_old_format_is_a_namespace_of_its_own() {
        assert_eq!(
            NhsNumber::parse("JRDAN 269"),
            Err(NhsNumberProblem::OldFormat)
        );
        assert_eq!(
            NhsNumber::parse("LBKA/57/3"),
            Err(NhsNumberProblem::OldFormat)
        );
        assert_eq!(
            NhsNumber::parse("NHS9990000018"),
            Err(NhsNumberProblem::NotDigits)
        );
    }

    #[test]
    fn r12_a_status_is_read_from_code_message_flag_and_text() {
        for text in [
            "01",
            "1",
            "NSTS01",
            "NH{status:01}",
            "Number present and verified",
        ] {
            assert_eq!(
                NumberStatus::parse(text),
                Some(NumberStatus::Verified),
                "{text}"
            );
        }
        let text = "Trace needs to be resolved - (NHS Number or patient detail conflict)";
        assert_eq!(NumberStatus::parse(text), Some(NumberStatus::Conflict));
        assert_eq!(NumberStatus::parse("09"), None);
        assert_eq!(NumberStatus::parse(""), None);
    }

    #[test]
    fn a_code_is_read_back_as_its_status() {
        for code in ["01", "02", "03", "04", "05", "06", "07", "08"] {
            assert_eq!(
                NumberStatus::parse(code).map(NumberStatus::code),
                Some(code)
            );
        }
    }

    #[test]
    fn a_number_does_not_print_and_a_stored_one_is_checked() {
        assert_eq!(format!("{:?}", number("9990000018")), "[redacted]");
        assert!(serde_json::from_str::<NhsNumber>("9990000018").is_ok());
        assert!(serde_json::from_str::<NhsNumber>("9990000019").is_err());
        assert!(serde_json::from_str::<NhsNumber>("99900000180").is_err());
    }

    proptest! {
        #[test]
        fn r1_the_check_digit_agrees_with_another_implementation(digits in "[0-9]{10}") {
            let oracle: nhs_number::NHSNumber = digits.parse().expect("ten digits");
            match NhsNumber::parse(&digits) {
                Ok(_) => prop_assert!(oracle.validate_check_digit()),
                Err(NhsNumberProblem::CheckDigit) => prop_assert!(!oracle.validate_check_digit()),
                Err(problem) => prop_assert_eq!(problem, NhsNumberProblem::AllDigitsEqual),
            }
        }

        #[test]
        fn r25_no_valid_number_has_a_valid_neighbour(nine in 0_u64..1_000_000_000, place in 0_u32..10, digit in 0_u64..10) {
            if let Some(check) = super::check_digit(nine) && let Ok(valid) = NhsNumber::try_from(nine * 10 + check) {
                let unit = 10_u64.pow(place);
                let other = valid.as_u64() - valid.as_u64() / unit % 10 * unit + digit * unit;
                if other != valid.as_u64() {
                    prop_assert!(NhsNumber::try_from(other).is_err());
                    let text = format!("{other:010}");
                    prop_assert!(valid.is_near_text(&text) || other % 1_111_111_111 == 0);
                }
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            if let Ok(number) = NhsNumber::parse(&text) {
                prop_assert_eq!(NhsNumber::parse(&number.digits()), Ok(number));
            }
            let _ = NumberStatus::parse(&text);
        }
    }
}
