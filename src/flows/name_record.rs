//! Names of records that may stand in a URL: opaque, and the same for ever.

use crate::flows::{Context, FlowError};
use crate::registry::{LocalId, SourceCode};

/// The name of a record, when it is known.
///
/// # Errors
/// A fault of ours.
pub async fn name_of_record(
    context: &Context,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Option<String>, FlowError> {
    let found = context.store.find_record(source, local_id).await?;
    Ok(found.map(|record| context.store.record_text(record.state.number)))
}

/// The record of a name. Who asks has to ask the policy for its source before
/// anything of it is shown.
///
/// # Errors
/// The name is none of this ledger's, or a fault of ours.
pub async fn named_record(
    context: &Context,
    name: &str,
) -> Result<(SourceCode, LocalId), FlowError> {
    const UNKNOWN: FlowError = FlowError::NotFound("no record with this id is known");
    let number = context.store.parse_record(name).ok_or(UNKNOWN)?;
    let found = context.store.name_of_record(number).await?;
    found.ok_or(UNKNOWN)
}
