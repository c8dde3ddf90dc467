//! From the text of a date to its parts: the notations that sources use. What a
//! date means, and which ones are defaults, is not here.

use crate::identity::{DateProblem, StandardDate};

/// Reads any notation; see [`StandardDate::read`].
pub(super) fn read_date(text: &str) -> Result<StandardDate, DateProblem> {
    let mut scan = Scan { rest: text.trim() };
    let first = scan.digits();
    let date = match first.len() {
        0 => read_month_first(&mut scan),
        1 | 2 => read_day_first(&mut scan, number(first)),
        4 => read_year_first(&mut scan, number(first)),
        8 | 10 | 12 | 14 => read_compact(first),
        _ => Err(DateProblem::Unreadable),
    }?;
    if scan.is_at_time_or_end() {
        Ok(date)
    } else {
        Err(DateProblem::Unreadable)
    }
}

/// What is still to be read. Only ASCII is taken, so that slices stay whole.
struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn take(&mut self, wanted: impl Fn(&u8) -> bool) -> &'a str {
        let length = self.rest.bytes().take_while(|byte| wanted(byte)).count();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn digits(&mut self) -> &'a str {
        self.take(u8::is_ascii_digit)
    }

    /// The month that stands next, in digits or as an English name.
    fn month(&mut self) -> Option<u16> {
        let digits = self.digits();
        match digits.len() {
            0 => month_of_name(self.take(u8::is_ascii_alphabetic)),
            1 | 2 => Some(number(digits)),
            _ => None,
        }
    }

    fn year(&mut self) -> Result<u16, DateProblem> {
        let year = self.digits();
        if year.len() == 4 {
            Ok(number(year))
        } else {
            Err(DateProblem::Unreadable)
        }
    }

    /// Goes past a separator if something of the date follows it.
    fn separator(&mut self) {
        self.take(|byte| matches!(byte, b'-' | b'/' | b'.' | b',' | b' '));
    }

    fn is_at_time_or_end(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(['T', 't', ' ', 'Z', 'z', '+'])
    }
}

fn read_compact(digits: &str) -> Result<StandardDate, DateProblem> {
    let date = assemble(
        number(&digits[..4]),
        number(&digits[4..6]),
        number(&digits[6..8]),
    );
    if date == Err(DateProblem::Impossible) && digits.len() == 8 {
        // Read from the left, 12051980 has a month beyond 12: no confusion.
        let (year, month) = (number(&digits[4..]), number(&digits[2..4]));
        if (1850..=2100).contains(&year) {
            return assemble(year, month, number(&digits[..2]));
        }
    }
    date
}

fn read_year_first(scan: &mut Scan<'_>, year: u16) -> Result<StandardDate, DateProblem> {
    if scan.rest.is_empty() {
        return assemble(year, 0, 0);
    }
    scan.separator();
    let month = scan.month().ok_or(DateProblem::Unreadable)?;
    if scan.rest.is_empty() {
        return assemble(year, month, 0);
    }
    scan.separator();
    let day = scan.digits();
    if (1..=2).contains(&day.len()) {
        assemble(year, month, number(day))
    } else {
        Err(DateProblem::Unreadable)
    }
}

fn read_day_first(scan: &mut Scan<'_>, day: u16) -> Result<StandardDate, DateProblem> {
    for ordinal in ["st", "nd", "rd", "th", "ST", "ND", "RD", "TH"] {
        if let Some(rest) = scan.rest.strip_prefix(ordinal) {
            scan.rest = rest;
            break;
        }
    }
    scan.separator();
    let before = scan.rest;
    let year = scan.digits();
    if year.len() == 4 && scan.rest.is_empty() {
        // 05/1980: what stood first is the month.
        return assemble(number(year), day, 0);
    }
    scan.rest = before;
    let month = scan.month().ok_or(DateProblem::Unreadable)?;
    scan.separator();
    assemble(scan.year()?, month, day)
}

fn read_month_first(scan: &mut Scan<'_>) -> Result<StandardDate, DateProblem> {
    let month = scan.month().ok_or(DateProblem::Unreadable)?;
    scan.separator();
    let first = scan.digits();
    if first.len() == 4 {
        return assemble(number(first), month, 0);
    }
    if !(1..=2).contains(&first.len()) {
        return Err(DateProblem::Unreadable);
    }
    scan.take(u8::is_ascii_alphabetic);
    scan.separator();
    assemble(scan.year()?, month, number(first))
}

/// Puts the parts together; zero is unknown. A day without a month says
/// nothing that can be compared and is left out.
fn assemble(year: u16, month: u16, day: u16) -> Result<StandardDate, DateProblem> {
    let part = |value: u16| u8::try_from(value).ok().filter(|value| *value != 0);
    let year = i16::try_from(year).unwrap_or_default();
    if year == 0 {
        return Err(DateProblem::Unreadable);
    }
    let month = part(month);
    let day = part(day).filter(|_| month.is_some());
    StandardDate::from_parts(year, month, day).ok_or(DateProblem::Impossible)
}

/// Value of at most four digits.
fn number(digits: &str) -> u16 {
    digits
        .bytes()
        .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
}

fn month_of_name(name: &str) -> Option<u16> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if !(3..=9).contains(&name.len()) {
        return None;
    }
    MONTHS
        .iter()
        .position(|month| {
            month
                .get(..name.len())
                .is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
        })
        .and_then(|place| u16::try_from(place + 1).ok())
}
