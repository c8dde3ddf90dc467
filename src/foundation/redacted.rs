//! Values that identify a patient and must not reach a log, a metric or an
//! error text (RULES R140). The wrapper prints a fixed mark, whatever it holds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Holds a value that `Debug` and `Display` never show.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. The name is searchable on purpose.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::Redacted;

    #[test]
    fn a_redacted_value_never_prints_itself() {
        let held = Redacted::new("9990000018");
        assert_eq!(format!("{held} {held:?}"), "[redacted] [redacted]");
        assert_eq!(*held.reveal(), "9990000018");
    }
}
