//! Seals what the audit has gathered, off the hot path (RELIABILITY §5.4).

use std::pin::pin;
use std::time::Duration;

use crate::flows::Context;

/// Seals each second until told to stop, and then finishes the seal that it is
/// at: one that was broken off could still reach the database beside the next.
pub async fn seal_audit_each_second(context: Context, stop: impl Future<Output = ()> + Send) {
    let mut stop = pin!(stop);
    while tokio::time::timeout(Duration::from_secs(1), &mut stop)
        .await
        .is_err()
    {
        if let Err(error) = context.store.seal_audit(context.clock.now()).await {
            tracing::warn!(%error, "the audit could not be sealed; trying again");
        }
    }
}
