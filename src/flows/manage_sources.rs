//! Source systems: who sends records.

use crate::flows::{Context, FlowError};
use crate::registry::{Source, SourceCode};
use crate::security::Access;

/// All sources, by code.
///
/// # Errors
/// A fault of ours.
pub async fn list_sources(context: &Context, _access: &Access) -> Result<Vec<Source>, FlowError> {
    Ok(context.store.list_sources().await?)
}

/// Adds a source, or changes what is known of it.
///
/// # Errors
/// A fault of ours.
pub async fn add_source(
    context: &Context,
    access: &Access,
    source: Source,
) -> Result<(), FlowError> {
    let record = Some(source.code.to_string());
    context.store.add_source(&source).await?;
    let audit = access.audit(context.clock.now(), Vec::new(), record);
    context.store.append_audit(vec![audit]).await?;
    Ok(())
}

/// Adds a source that is not known, with defaults; whether it was added.
///
/// # Errors
/// A fault of ours.
pub async fn ensure_source(context: &Context, code: &SourceCode) -> Result<bool, FlowError> {
    Ok(context.store.ensure_source(code).await?)
}
