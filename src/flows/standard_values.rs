//! What a value means once it is standardised, for people who see it beside what
//! was sent. It is made of what the gate has let through, and stored nowhere.

use crate::flows::Context;
use crate::identity::{Finding, NumberStatus, StandardRecord, SubmittedRecord, standardise};

/// The values of a record as they are compared, and what was found in them.
#[must_use]
pub fn standard_values(
    context: &Context,
    submitted: &SubmittedRecord,
) -> (StandardRecord, Vec<Finding>) {
    standardise(
        submitted,
        &context.standardise_options(NumberStatus::NotTraced),
    )
}
