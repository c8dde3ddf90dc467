//! A message: its body and its signature (Standard Webhooks 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::flows::{FeedEvent, IdChange, OutwardMessage};
use crate::foundation::hmac_sha256;
use crate::registry::{LocalId, SourceCode};

/// Ids and kinds. What else is known of an event, its reader asks for.
pub(super) fn body(message: &OutwardMessage) -> String {
    let events: Vec<Value> = message
        .events
        .iter()
        .map(|event| event_body(event, message.own_record(event)))
        .collect();
    json!({
        "type": "accord.events",
        "timestamp": message.at.to_string(),
        "data": {
            "events": events,
            "next": message.next,
            "sent_again": message.sent_again,
        },
    })
    .to_string()
}

fn event_body(event: &FeedEvent, own: Option<&(SourceCode, LocalId)>) -> Value {
    let mut body = json!({
        "position": event.place,
        "at": event.at.to_string(),
        "kind": event.kind(),
        "person_ids": event.persons,
    });
    let changes: Vec<Value> = event.changes.iter().map(change_body).collect();
    if !changes.is_empty() {
        body["id_changes"] = changes.into();
    }
    if let Some((source, local_id)) = own {
        body["record"] = json!({"source": source.as_str(), "local_id": local_id.as_str()});
    }
    body
}

fn change_body(change: &IdChange) -> Value {
    match change {
        IdChange::Retired {
            person,
            replaced_by,
        } => json!({"change": "retired", "person_id": person, "replaced_by": replaced_by}),
        IdChange::Withdrawn { person } => json!({"change": "withdrawn", "person_id": person}),
        IdChange::Restored { person } => json!({"change": "restored", "person_id": person}),
        IdChange::Moved { from, to } => json!({"change": "moved", "from": from, "to": to}),
    }
}

/// The header `webhook-signature`; `None` when the secret is none of
/// `whsec_` and base64.
#[must_use]
pub fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let signed = hmac_sha256(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(signed)))
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
        assert_eq!(
            signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "m", 1, ""),
            None
        );
    }
}
