//! Time is given, never taken. All times are UTC microseconds since 1970.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant: UTC, microseconds since 1970-01-01.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Instant(i64);

impl Instant {
    /// From microseconds since 1970.
    #[must_use]
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn microseconds(self) -> i64 {
        self.0
    }

    /// So many microseconds later.
    #[must_use]
    pub const fn plus_microseconds(self, microseconds: i64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }

    /// The same time the next day.
    #[must_use]
    pub const fn plus_one_day(self) -> Self {
        Self(self.0.saturating_add(24 * 60 * 60 * 1_000_000))
    }

    /// Year, month and day in UTC.
    #[must_use]
    pub fn date(self) -> (i32, u8, u8) {
        let nanos = i128::from(self.0) * 1_000;
        let at =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        (at.year(), u8::from(at.month()), at.day())
    }

    /// Reads an RFC 3339 instant; `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000)
            .ok()
            .map(Self)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok());
        formatter.write_str(text.as_deref().unwrap_or("out-of-range"))
    }
}

/// Where the present comes from.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Instant(since.map_or(0, |span| {
            i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
        }))
    }
}

/// A clock that a test moves by hand.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub const fn new(start: Instant) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves the clock on by `microseconds`.
    pub fn advance(&self, microseconds: i64) {
        self.0.fetch_add(microseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn an_instant_survives_its_text() {
        let at = Instant::parse("2026-11-22T07:30:00.123456Z").expect("a valid instant");
        assert_eq!(at.to_string(), "2026-11-22T07:30:00.123456Z");
        assert_eq!(Instant::parse("yesterday"), None);
    }
}
