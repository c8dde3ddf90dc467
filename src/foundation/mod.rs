//! What every floor may use and what knows nothing about patients: ids, the
//! injected clock and chance, named limits, counts, and values that do not print.

pub mod chance;
pub mod clock;
pub mod hex;
pub mod hmac;
pub mod ids;
pub mod limits;
pub mod load_limits;
pub mod redacted;
pub mod tally;

pub use chance::{Chance, SeededChance, SystemChance};
pub use clock::{Clock, Instant, ManualClock, SystemClock};
pub use hex::hex;
pub use hmac::hmac_sha256;
pub use ids::{
    AssertionId, EventPosition, MergeId, PersonId, RecordNumber, SealId, TaskId, WebhookId,
};
pub use redacted::Redacted;
pub use tally::{Tally, TallyFigures};
