//! Times as people in England read them: local, exact, with the name of the zone.

use time::{Date, Month, OffsetDateTime, UtcOffset, Weekday};

use crate::foundation::Instant;

const LAST_OF_DAY: &str = "23:59:59.999999";
const HOUR_MICROSECONDS: i64 = 3_600_000_000;

/// An instant as a page shows it, with the exact one for machines.
#[derive(Debug, Clone)]
pub(super) struct LocalTime {
    /// RFC 3339, UTC.
    pub(super) exact: String,
    /// `3 Mar 2026, 14:05:09 GMT`.
    pub(super) shown: String,
    /// `3 Mar 2026, 14:05`, for lists, where seconds tell nothing.
    pub(super) short: String,
}

impl LocalTime {
    /// The instant in London.
    pub(super) fn of(instant: Instant) -> Self {
        let exact = instant.to_string();
        let nanos = i128::from(instant.microseconds()) * 1_000;
        let utc =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let summer = is_summer(utc);
        let hours = i8::from(summer);
        let at = utc.to_offset(UtcOffset::from_hms(hours, 0, 0).unwrap_or(UtcOffset::UTC));
        let zone = if summer { "BST" } else { "GMT" };
        let month = &at.month().to_string()[..3];
        let (hour, minute, second) = at.to_hms();
        let short = format!("{} {month} {}, {hour:02}:{minute:02}", at.day(), at.year());
        let shown = format!("{short}:{second:02} {zone}");
        Self {
            exact,
            shown,
            short,
        }
    }
}

/// The instant that somebody means who writes a day (its end), a day and a time as they
/// are on an English wall, or an exact instant (RFC 3339).
pub(super) fn meant(text: &str) -> Option<Instant> {
    let text = text.trim();
    if let Some(exact) = Instant::parse(text) {
        return Some(exact);
    }
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, LAST_OF_DAY));
    let seconds = if time.len() == "14:05".len() {
        ":00"
    } else {
        ""
    };
    let in_winter = Instant::parse(&format!("{day}T{time}{seconds}Z"))?;
    let in_summer = in_winter.plus_microseconds(-HOUR_MICROSECONDS);
    let nanos = i128::from(in_summer.microseconds()) * 1_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    Some(if is_summer(at) { in_summer } else { in_winter })
}

/// Summer time: from 01:00 UTC on the last Sunday of March to that of October.
fn is_summer(utc: OffsetDateTime) -> bool {
    let change = |month| last_sunday(utc.year(), month).with_hms(1, 0, 0);
    let (Ok(from), Ok(to)) = (change(Month::March), change(Month::October)) else {
        return false;
    };
    utc >= from.assume_utc() && utc < to.assume_utc()
}

fn last_sunday(year: i32, month: Month) -> Date {
    let last = Date::from_calendar_date(year, month, 31).unwrap_or(Date::MIN);
    if last.weekday() == Weekday::Sunday {
        last
    } else {
        last.prev_occurrence(Weekday::Sunday)
    }
}

#[cfg(test)]
mod tests {
    use super::{LocalTime, meant};
    use crate::foundation::Instant;

    #[test]
    fn a_day_is_meant_to_its_end_and_a_time_as_it_is_on_the_wall() {
        for (text, exact) in [
            ("2026-03-12", "2026-03-12T23:59:59.999999Z"),
            ("2026-03-31", "2026-03-31T22:59:59.999999Z"),
            (" 2026-03-12 14:05", "2026-03-12T14:05:00Z"),
            ("2026-07-12 14:05:09", "2026-07-12T13:05:09Z"),
            ("2026-07-12T14:05", "2026-07-12T13:05:00Z"),
            ("2026-07-12T14:05:00Z", "2026-07-12T14:05:00Z"),
            ("2026-03-12T14:05:00+01:00", "2026-03-12T13:05:00Z"),
        ] {
            assert_eq!(meant(text), Instant::parse(exact), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-03",
            "2026-03-12 25:00",
            "12/03/2026",
        ] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_those_of_a_clock_on_an_english_wall() {
        let shown = |text| LocalTime::of(Instant::parse(text).expect("an instant")).shown;
        assert_eq!(shown("2026-03-29T00:59:59Z"), "29 Mar 2026, 00:59:59 GMT");
        assert_eq!(shown("2026-03-29T01:00:00Z"), "29 Mar 2026, 02:00:00 BST");
        assert_eq!(shown("2026-10-25T00:59:59Z"), "25 Oct 2026, 01:59:59 BST");
        assert_eq!(shown("2026-10-25T01:00:00Z"), "25 Oct 2026, 01:00:00 GMT");
        assert_eq!(shown("2026-11-28T14:05:09Z"), "28 Nov 2026, 14:05:09 GMT");
    }
}
