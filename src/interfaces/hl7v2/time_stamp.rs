//! HL7's time stamps: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`. One without an
//! offset is a clock on a wall in the United Kingdom.

use time::{Date, Month};

/// A time stamp, as far as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeStamp {
    year: i32,
    month: Option<u8>,
    day: Option<u8>,
    /// Minutes and seconds of the day, and the part below.
    clock: Option<Clock>,
    offset_minutes: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
}

impl TimeStamp {
    /// Reads one; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let zone = text.find(['+', '-', 'Z']).unwrap_or(text.len());
        let (rest, zone) = text.split_at(zone);
        let (digits, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(digits)
            || !all_digits(fraction)
            || !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14)
        {
            return None;
        }
        let two = |start: usize| {
            digits
                .get(start..start + 2)
                .and_then(|it| it.parse::<u8>().ok())
        };
        let clock = two(8).map(|hour| Clock {
            hour,
            minute: two(10).unwrap_or(0),
            second: two(12).unwrap_or(0),
            microsecond: format!("{fraction:0<6.6}").parse().unwrap_or(0),
        });
        let stamp = Self {
            year: digits.get(..4)?.parse().ok()?,
            month: two(4),
            day: two(6),
            clock,
            offset_minutes: match zone {
                "" => None,
                zone => Some(offset(zone)?),
            },
        };
        stamp.exists().then_some(stamp)
    }

    fn exists(self) -> bool {
        let month = self.month.unwrap_or(1);
        let day = Month::try_from(month)
            .and_then(|month| Date::from_calendar_date(self.year, month, self.day.unwrap_or(1)));
        let clock = self
            .clock
            .is_none_or(|it| it.hour < 24 && it.minute < 60 && it.second < 60);
        day.is_ok() && clock
    }

    /// Whether the time of day was said.
    pub(super) const fn has_clock(self) -> bool {
        self.clock.is_some()
    }

    /// The date as far as it was said: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub(super) fn date(self) -> String {
        match (self.month, self.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", self.year),
            (Some(month), None) => format!("{:04}-{month:02}", self.year),
            _ => format!("{:04}", self.year),
        }
    }

    /// The moment (RFC 3339), or the day where no time was said; `None` without a day.
    pub(super) fn moment(self) -> Option<String> {
        let (Some(_), Some(_)) = (self.month, self.day) else {
            return None;
        };
        let Some(clock) = self.clock else {
            return Some(self.date());
        };
        let offset = self
            .offset_minutes
            .unwrap_or_else(|| 60 * i32::from(self.is_summer_time()));
        let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        let Clock {
            hour,
            minute,
            second,
            microsecond,
        } = clock;
        Some(format!(
            "{}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}{sign}{:02}:{:02}",
            self.date(),
            ahead / 60,
            ahead % 60
        ))
    }

    /// British summer time: from the last Sunday of March to the last of October, one
    /// o'clock UTC. The hour that comes twice in October is read as its second coming:
    /// what is written then must not lose to what was written before.
    fn is_summer_time(self) -> bool {
        let hour = self.clock.map_or(0, |clock| clock.hour);
        let at = (self.month.unwrap_or(1), self.day.unwrap_or(1), hour);
        let begins = (3, last_sunday(self.year, Month::March), 2);
        let ends = (10, last_sunday(self.year, Month::October), 1);
        begins <= at && at < ends
    }
}

/// Minutes ahead of UTC; `None` for what is no offset.
fn offset(zone: &str) -> Option<i32> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let sound = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i32 = sound.then(|| digits.parse().ok())??;
    let minutes = number / 100 * 60 + number % 100;
    (number % 100 < 60 && minutes < 24 * 60).then_some(sign * minutes)
}

fn last_sunday(year: i32, month: Month) -> u8 {
    let last = Date::from_calendar_date(year, month, 31);
    let after_sunday = last.map_or(0, |day| day.weekday().number_days_from_sunday());
    31 - after_sunday
}

#[cfg(test)]
mod tests {
    use super::TimeStamp;

    fn moment(text: &str) -> Option<String> {
        TimeStamp::parse(text)?.moment()
    }

    #[test]
    fn a_date_is_read_as_far_as_it_was_said() {
        let date = |text| TimeStamp::parse(text).map(TimeStamp::date);
        assert_eq!(date("1984").as_deref(), Some("1984"));
        assert_eq!(date("198401").as_deref(), Some("1984-01"));
        assert_eq!(
            date("19840125103000.25+0100").as_deref(),
            Some("1984-01-25")
        );
        for odd in [
            "",
            "84",
            "1984-01-25",
            "19841325",
            "19840230",
            "198401252500",
            "19840125T",
            "1984+1",
        ] {
            assert_eq!(date(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_clock_without_an_offset_hangs_in_the_united_kingdom() {
        assert_eq!(
            moment("202601151030").as_deref(),
            Some("2026-01-15T10:30:00.000000+00:00")
        );
        assert_eq!(
            moment("20260715103000").as_deref(),
            Some("2026-07-15T10:30:00.000000+01:00")
        );
        assert_eq!(
            moment("20090226131520-0600").as_deref(),
            Some("2009-02-26T13:15:20.000000-06:00")
        );
        assert_eq!(
            moment("20261025003000").as_deref(),
            Some("2026-10-25T00:30:00.000000+01:00")
        );
        assert_eq!(
            moment("20261025013000").as_deref(),
            Some("2026-10-25T01:30:00.000000+00:00")
        );
        assert_eq!(
            moment("20260329013000").as_deref(),
            Some("2026-03-29T01:30:00.000000+00:00")
        );
        assert_eq!(
            moment("20260329020000").as_deref(),
            Some("2026-03-29T02:00:00.000000+01:00")
        );
        assert_eq!(moment("20101020").as_deref(), Some("2010-10-20"));
        assert_eq!(moment("201010"), None);
    }
}
