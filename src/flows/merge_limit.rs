//! How many persons one human may join in an hour (RELIABILITY T8). Counted inside the
//! commit, so that requests at the same time, on any node, count each other.

use crate::flows::{Context, FlowError};
use crate::foundation::Instant;
use crate::registry::RegistryEvent;
use crate::storage::CommitReads;

const HOUR_MICROSECONDS: i64 = 3_600_000_000;

/// What is said to who has joined as many as may be.
pub(super) const REACHED: FlowError = FlowError::TooMany(
    "this person has joined as many others as one may in an hour; somebody else has to look at \
     what is left, or it waits",
);

/// Whose merges the commit counts, and since when.
pub(super) fn counted(context: &Context, person: &str) -> (String, Instant) {
    let now = context.clock.now().microseconds();
    let since = Instant::from_microseconds(now - HOUR_MICROSECONDS);
    (person.to_owned(), since)
}

/// Whether these events would join, or ask to join, more than one may.
pub(super) fn is_reached(limit: u32, events: &[RegistryEvent], reads: &CommitReads) -> bool {
    let joins = |event: &RegistryEvent| {
        matches!(
            event,
            RegistryEvent::MergeMade { .. } | RegistryEvent::MergeProposed { .. }
        )
    };
    reads.merges_made >= u64::from(limit) && events.iter().any(joins)
}
