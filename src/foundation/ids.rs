//! Typed identifiers. A person's, task's, merge's or assertion's id is a random, time-ordered UUID
//! (version 7) printed with a prefix, never reused and never derived from what
//! a record says. Inside the store a source record is a small number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::foundation::{Chance, Instant};

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id: expected {prefix} and 32 hexadecimal digits")]
pub struct InvalidId {
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by `at`, from the given chance.
            pub fn new(at: Instant, chance: &dyn Chance) -> Self {
                let mut random = [0_u8; 10];
                chance.fill(&mut random);
                let milliseconds = u64::try_from(at.microseconds() / 1_000).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid())
            }

            /// When the id was made, to the millisecond; it is part of the id.
            #[must_use]
            pub fn made_at(&self) -> Instant {
                let (seconds, nanos) =
                    self.0.get_timestamp().map_or((0, 0), |stamp| stamp.to_unix());
                let seconds = i64::try_from(seconds).unwrap_or(0);
                Instant::from_microseconds(seconds * 1_000_000 + i64::from(nanos) / 1_000)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .filter(|rest| rest.len() == 32)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or(InvalidId { kind: $kind, prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// The identity that records are linked to.
    PersonId, "P-", "person"
);
uuid_id!(
    /// What keeps two identities apart for everybody but a privacy officer.
    SealId, "SL-", "seal"
);
uuid_id!(
    /// A subscription of a reader.
    WebhookId, "W-", "webhook"
);
uuid_id!(
    /// A piece of review work.
    TaskId, "T-", "task"
);

uuid_id!(
    /// A human's joining of two persons, also one that waits for approval.
    MergeId, "M-", "merge"
);
uuid_id!(
    /// What a human says of records: the same person, or different ones.
    AssertionId, "A-", "assertion"
);

/// A source record's number inside one ledger; outside, a record is named by
/// its source and local id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordNumber(pub i64);

/// The place of an event in the ledger. Zero stands before the first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventPosition(pub i64);

#[cfg(test)]
mod tests {
    use super::{PersonId, TaskId};
    use crate::foundation::{Instant, SeededChance};

    #[test]
    fn an_id_survives_its_text_and_keeps_its_kind() {
        let chance = SeededChance::new(1);
        let id = PersonId::new(Instant::from_microseconds(1_000_000), &chance);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().parse::<TaskId>().is_err());
    }
}
