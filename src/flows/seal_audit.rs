//! Seals what the audit has gathered, off the hot path (RELIABILITY §5.4).

use std::time::Duration;

use crate::flows::Context;

/// Seals each second until the process ends.
pub async fn seal_audit_each_second(context: Context) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Err(error) = context.store.seal_audit(context.clock.now()).await {
            tracing::warn!(%error, "the audit could not be sealed; trying again");
        }
    }
}
