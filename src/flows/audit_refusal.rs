//! What somebody tried and may not is written down too.

use crate::flows::{Context, FlowError};
use crate::security::{Actor, AuditEntry};

/// Writes that a message was refused; the actor's reason says what it was and why.
///
/// # Errors
/// A fault of ours.
pub async fn audit_refusal(context: &Context, actor: &Actor) -> Result<(), FlowError> {
    let role = actor.roles.first().map(|role| role.name());
    let person = actor.on_behalf_of.as_ref();
    let entry = AuditEntry {
        at: context.clock.now(),
        actor: actor.name.clone(),
        on_behalf_of: person.map(|person| person.user.clone()),
        role: role.unwrap_or_default().to_owned(),
        organisation: person.and_then(|person| person.organisation.clone()),
        purpose: actor.reason.clone(),
        action: "message_refused",
        request_id: actor.request_id.clone(),
        persons: Vec::new(),
        record: None,
        origin: actor.origin.clone(),
    };
    context.store.append_audit(vec![entry]).await?;
    Ok(())
}
