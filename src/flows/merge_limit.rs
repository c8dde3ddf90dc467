//! How many persons one human may join in an hour (RELIABILITY T8).

use crate::flows::{Context, FlowError};
use crate::foundation::Instant;

const HOUR_MICROSECONDS: i64 = 3_600_000_000;

/// Refuses who has joined as many as may be.
///
/// # Errors
/// Too many in the last hour, or a fault of ours.
pub(super) async fn check(context: &Context, person: &str) -> Result<(), FlowError> {
    let now = context.clock.now().microseconds();
    let since = Instant::from_microseconds(now - HOUR_MICROSECONDS);
    let made = context.store.merges_made_by(person, since).await?;
    if made >= u64::from(context.merges_per_hour) {
        return Err(FlowError::TooMany(
            "this person has joined as many others as one may in an hour; somebody else has to \
             look at what is left, or it waits",
        ));
    }
    Ok(())
}
