//! Dates of known precision and how two of them stand to each other (R50–R53).
//! Which dates are defaults of a source or a country is decided where a record
//! is standardised.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::date_reading::read_date;
use crate::identity::one_edit::one_slip;

/// A calendar date of known precision. Valid by construction (29 February only
/// in leap years; a day only with its month). Years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredDate")]
pub struct StandardDate {
    year: i16,
    month: Option<u8>,
    day: Option<u8>,
}

/// The stored shape before it is checked.
#[derive(Deserialize)]
#[serde(rename = "StandardDate")]
struct StoredDate {
    year: i16,
    month: Option<u8>,
    day: Option<u8>,
}

impl TryFrom<StoredDate> for StandardDate {
    type Error = DateProblem;

    fn try_from(stored: StoredDate) -> Result<Self, DateProblem> {
        Self::from_parts(stored.year, stored.month, stored.day).ok_or(DateProblem::Impossible)
    }
}

impl fmt::Debug for StandardDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateProblem {
    /// No known notation, or a year of two digits.
    Unreadable,
    /// A known notation of a day that does not exist, such as 31 February.
    Impossible,
}

impl fmt::Display for DateProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreadable => "the text is not a date",
            Self::Impossible => "the date does not exist",
        })
    }
}

impl std::error::Error for DateProblem {}

impl StandardDate {
    /// [`Self::read`] without the reason.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// ISO (1980-05-12, 1980-05, 1980, 19800512; parts 00 are unknown), UK
    /// (12/05/1980, 12-05-1980, 12.5.1980, 12051980, 05/1980) and with the
    /// month's English name (12 May 1980, 12-MAY-1980, May 12, 1980). A time
    /// behind the date is left out. Two-digit years are refused.
    ///
    /// # Errors
    /// See [`DateProblem`].
    pub fn read(text: &str) -> Result<Self, DateProblem> {
        read_date(text)
    }

    /// A date from its known parts; `None` when there is no such date, or a
    /// day without its month.
    #[must_use]
    pub fn from_parts(year: i16, month: Option<u8>, day: Option<u8>) -> Option<Self> {
        let possible = match (month, day) {
            (None, None) => true,
            (Some(month), None) => (1..=12).contains(&month),
            (Some(month), Some(day)) => {
                (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day)
            }
            (None, Some(_)) => false,
        };
        (possible && (1..=9999).contains(&year)).then_some(Self { year, month, day })
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// The month, 1 to 12, when known.
    #[must_use]
    pub const fn month(self) -> Option<u8> {
        self.month
    }

    /// The day of the month, when known.
    #[must_use]
    pub const fn day(self) -> Option<u8> {
        self.day
    }

    /// Year, month and day are known.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.day.is_some()
    }

    /// ISO text of the known parts.
    #[must_use]
    pub fn to_iso(self) -> String {
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", self.year),
            (Some(month), None) => format!("{:04}-{month:02}", self.year),
            _ => format!("{:04}", self.year),
        }
    }

    /// Number of the first day that this date can mean, counted from a fixed
    /// day; for differences only.
    #[must_use]
    pub fn earliest_day(self) -> i32 {
        day_number(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
    }

    /// Number of the last day that this date can mean.
    #[must_use]
    pub fn latest_day(self) -> i32 {
        let month = self.month.unwrap_or(12);
        let day = self.day.unwrap_or_else(|| days_in_month(self.year, month));
        day_number(self.year, month, day)
    }
}

const fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days in the proleptic Gregorian calendar; the year begins in March so that
/// the leap day is its last.
fn day_number(year: i16, month: u8, day: u8) -> i32 {
    let (month, day) = (i32::from(month), i32::from(day));
    let year = i32::from(year) - i32::from(month <= 2);
    let months_since_march = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * months_since_march + 2) / 5 + day
}

/// A birth date: `estimated` (source says so) or 1 January in a source whose
/// share says default (R52) keep only year-level credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BirthDate {
    /// The date, of any precision.
    pub date: StandardDate,
    /// Only the year can be relied on.
    pub year_only: bool,
}

/// How two birth dates stand to each other, by their known parts (R50). Symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DateRelation {
    /// All three parts known and equal.
    Exact,
    /// Year and month known on both and equal, a day unknown.
    YearMonthAgree,
    /// Only the year is comparable, and equal.
    YearAgrees,
    /// Day and month exchanged, both ≤ 12 (R53), year equal.
    Swapped,
    /// Two of three parts equal and the third differs by one digit or an
    /// adjacent transposition of its digits (a typing error).
    TwoPartsTypo,
    /// Two of three parts equal, the third plainly other.
    TwoParts,
    /// One part equal (day and month both other but same year, and so on).
    OnePart,
    /// No comparable part equal (R55).
    NoPart,
}

impl BirthDate {
    /// Compares the parts that both sides know (R50).
    #[must_use]
    pub fn relation(&self, other: &Self) -> DateRelation {
        let (a, b) = (self.reliable_parts(), other.reliable_parts());
        match (a, b) {
            ((y1, Some(m1), Some(d1)), (y2, Some(m2), Some(d2))) => {
                full_relation((y1, m1, d1), (y2, m2, d2))
            }
            ((y1, Some(m1), _), (y2, Some(m2), _)) => match (y1 == y2, m1 == m2) {
                (true, true) => DateRelation::YearMonthAgree,
                (false, false) => DateRelation::NoPart,
                _ => DateRelation::OnePart,
            },
            ((y1, ..), (y2, ..)) if y1 == y2 => DateRelation::YearAgrees,
            _ => DateRelation::NoPart,
        }
    }

    const fn reliable_parts(self) -> (i16, Option<u8>, Option<u8>) {
        if self.year_only {
            (self.date.year, None, None)
        } else {
            (self.date.year, self.date.month, self.date.day)
        }
    }
}

fn full_relation(a: (i16, u8, u8), b: (i16, u8, u8)) -> DateRelation {
    let equal = (a.0 == b.0, a.1 == b.1, a.2 == b.2);
    match equal {
        (true, true, true) => DateRelation::Exact,
        (true, true, false) => two_parts(slipped(two_digits(a.2), two_digits(b.2))),
        (true, false, true) => two_parts(slipped(two_digits(a.1), two_digits(b.1))),
        (false, true, true) => two_parts(slipped(four_digits(a.0), four_digits(b.0))),
        // A valid month is at most 12, so an exchange that fits is R53's.
        (true, false, false) if a.1 == b.2 && a.2 == b.1 => DateRelation::Swapped,
        (false, false, false) => DateRelation::NoPart,
        _ => DateRelation::OnePart,
    }
}

const fn two_parts(is_typing_error: bool) -> DateRelation {
    if is_typing_error {
        DateRelation::TwoPartsTypo
    } else {
        DateRelation::TwoParts
    }
}

fn slipped<const N: usize>(a: [u8; N], b: [u8; N]) -> bool {
    one_slip(&a, &b)
}

const fn two_digits(value: u8) -> [u8; 2] {
    [value / 10, value % 10]
}

fn four_digits(year: i16) -> [u8; 4] {
    [1000, 100, 10, 1].map(|unit| u8::try_from(year / unit % 10).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BirthDate, DateProblem, DateRelation, StandardDate};

    fn date(text: &str) -> StandardDate {
        StandardDate::parse(text).unwrap_or_else(|| panic!("{text} is a date"))
    }

    fn relation(a: &str, b: &str) -> DateRelation {
        let birth = |text| BirthDate {
            date: date(text),
            year_only: false,
        };
        birth(a).relation(&birth(b))
    }

    #[test]
    fn every_notation_of_a_day_is_the_same_day() {
        for text in [
            "1980-05-12",
            "19800512",
            "12/05/1980",
            "12-05-1980",
            "12.5.1980",
            "12051980",
            "1980/5/12",
            "1980-05-12T00:00:00Z",
            "1980-05-12 10:30",
            "12/05/1980 00:00:00",
            "19800512103000",
            "198005121030",
            "12 May 1980",
            "12-MAY-1980",
            "12th may 1980",
            "12May1980",
            "May 12, 1980",
            "May 12th 1980",
            " 1980-05-12 ",
            "1980-May-12",
        ] {
            assert_eq!(date(text).to_iso(), "1980-05-12", "{text}");
        }
    }

    #[test]
    fn unknown_parts_are_left_out() {
        for (text, iso) in [
            ("1980-05", "1980-05"),
            ("1980-05-00", "1980-05"),
            ("05/1980", "1980-05"),
            ("00/05/1980", "1980-05"),
            ("19800500", "1980-05"),
            ("May 1980", "1980-05"),
            ("1980", "1980"),
            ("1980-00-00", "1980"),
            ("1980-00-12", "1980"),
            ("0999-01-02", "0999-01-02"),
            ("1616-01-01", "1616-01-01"),
        ] {
            assert_eq!(date(text).to_iso(), iso, "{text}");
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_impossible() {
        for text in [
            "31/02/1980",
            "1981-02-29",
            "1980-13-01",
            "05/13/1980",
            "32 May 1980",
            "19801305",
        ] {
            assert_eq!(
                StandardDate::read(text),
                Err(DateProblem::Impossible),
                "{text}"
            );
        }
        assert!(StandardDate::parse("2000-02-29").is_some());
        assert!(StandardDate::parse("1900-02-29").is_none());
    }

    #[test]
    fn what_is_no_date_is_unreadable() {
        for text in [
            "",
            "12/05/80",
            "120580",
            "about 1980",
            "1980-05-12x",
            "0000-05-12",
            "-1980",
            "1980-",
            "12 Foo 1980",
            "198",
            "1/2/3/4",
            "½/05/1980",
            "12/05/1980é",
            "٣",
            "ma",
        ] {
            assert_eq!(
                StandardDate::read(text),
                Err(DateProblem::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn parts_make_a_date_only_when_there_is_one() {
        assert!(StandardDate::from_parts(1980, None, Some(1)).is_none());
        assert!(StandardDate::from_parts(0, None, None).is_none());
        assert!(StandardDate::from_parts(1980, Some(4), Some(31)).is_none());
        let stored = serde_json::to_string(&date("1980-05-12")).expect("it can be stored");
        assert_eq!(
            serde_json::from_str::<StandardDate>(&stored).ok(),
            Some(date("1980-05-12"))
        );
        assert!(serde_json::from_str::<StandardDate>(&stored.replace("12", "32")).is_err());
    }

    #[test]
    fn days_are_counted_across_months_and_leap_years() {
        for (before, after) in [
            ("1999-12-31", "2000-01-01"),
            ("2000-02-28", "2000-02-29"),
            ("2000-02-29", "2000-03-01"),
            ("1900-02-28", "1900-03-01"),
        ] {
            assert_eq!(
                date(before).latest_day() + 1,
                date(after).earliest_day(),
                "{before}"
            );
        }
        assert_eq!(date("1980").latest_day() - date("1980").earliest_day(), 365);
        assert_eq!(
            date("1981-02").latest_day() - date("1981-02").earliest_day(),
            27
        );
    }

    #[test]
    fn r50_only_known_parts_are_compared() {
        assert_eq!(relation("1932", "1932-07-04"), DateRelation::YearAgrees);
        assert_eq!(
            relation("1932-07", "1932-07-04"),
            DateRelation::YearMonthAgree
        );
        assert_eq!(relation("1932-08", "1932-07-04"), DateRelation::OnePart);
        assert_eq!(relation("1932-07-04", "1932-07-04"), DateRelation::Exact);
        assert_eq!(relation("1931", "1932-07-04"), DateRelation::NoPart);
    }

    #[test]
    fn r52_a_default_day_earns_the_year_only() {
        let default = BirthDate {
            date: date("1984-01-01"),
            year_only: true,
        };
        assert_eq!(default.relation(&default), DateRelation::YearAgrees);
    }

    #[test]
    fn r53_day_and_month_are_exchanged_only_when_both_can_be_months() {
        assert_eq!(relation("05/12/1980", "12/05/1980"), DateRelation::Swapped);
        assert!(StandardDate::parse("13/05/1980").is_some());
        assert_eq!(
            StandardDate::read("05/13/1980"),
            Err(DateProblem::Impossible)
        );
    }

    #[test]
    fn a_typing_error_in_one_part_is_told_from_another_part() {
        assert_eq!(
            relation("1980-05-12", "1980-05-21"),
            DateRelation::TwoPartsTypo
        );
        assert_eq!(
            relation("1980-05-12", "1980-06-12"),
            DateRelation::TwoPartsTypo
        );
        assert_eq!(
            relation("1980-05-12", "1908-05-12"),
            DateRelation::TwoPartsTypo
        );
        assert_eq!(relation("1980-05-12", "1980-05-30"), DateRelation::TwoParts);
        assert_eq!(relation("1980-05-12", "1957-05-12"), DateRelation::TwoParts);
        assert_eq!(relation("1980-05-12", "1980-07-30"), DateRelation::OnePart);
    }

    #[test]
    fn r55_no_part_equal() {
        assert_eq!(relation("1950-02-03", "1985-11-27"), DateRelation::NoPart);
    }

    #[test]
    fn a_date_does_not_print() {
        let birth = BirthDate {
            date: date("1980-05-12"),
            year_only: false,
        };
        assert!(!format!("{birth:?}").contains("1980"));
    }

    fn any_birth_date() -> impl Strategy<Value = BirthDate> {
        (1980_i16..1983, 0_u8..4, 0_u8..4, any::<bool>()).prop_map(
            |(year, month, day, year_only)| {
                let month = Some(month).filter(|month| *month != 0);
                let day = Some(day).filter(|day| *day != 0 && month.is_some());
                let date = StandardDate::from_parts(year, month, day).expect("small days exist");
                BirthDate { date, year_only }
            },
        )
    }

    proptest! {
        #[test]
        fn the_relation_of_dates_is_symmetric(a in any_birth_date(), b in any_birth_date()) {
            prop_assert_eq!(a.relation(&b), b.relation(&a));
        }

        #[test]
        fn any_text_is_read_and_a_date_survives_its_text(text in "\\PC{0,12}|[0-9A-Za-z/. -]{0,14}") {
            if let Some(read) = StandardDate::parse(&text) {
                prop_assert!(StandardDate::parse(&read.to_iso()) == Some(read));
            }
        }
    }
}
