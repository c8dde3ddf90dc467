//! Somebody has tried to speak for a source that is not theirs: nothing changes, and it
//! stands in the audit.

use crate::flows::{Context, FlowError};
use crate::registry::SourceCode;
use crate::security::Access;

/// Words in the place of a purpose.
const REFUSED: &str = "refused: the account may not write for this source";

/// Writes it into the audit.
///
/// # Errors
/// A fault of ours.
pub async fn note_refusal(
    context: &Context,
    access: &Access,
    source: &SourceCode,
) -> Result<(), FlowError> {
    let mut entry = access.audit(context.clock.now(), Vec::new(), Some(source.to_string()));
    entry.purpose = Some(REFUSED.to_owned());
    Ok(context.store.append_audit(vec![entry]).await?)
}
