//! What a subscriber is told: a message of PMIR's feed (ITI-93). Ids alone leave, and
//! which stands for which; who wants to know more reads the Patient and is judged then.

use serde_json::{Value, json};

use crate::flows::{FeedEvent, IdChange, OutwardMessage};
use crate::foundation::PersonId;
use crate::interfaces::fhir::message::FEED;
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::security::without_form;

/// Longest id of a resource.
const ID_CHARACTERS_MAX: usize = 64;

/// The message, the same each time that it is sent but for its time.
#[must_use]
pub fn feed_message(message: &OutwardMessage) -> String {
    let mut history: Vec<Value> = Vec::new();
    for event in &message.events {
        for entry in told(event, message.own_record(event)) {
            if history.last() != Some(&entry) {
                history.push(entry);
            }
        }
    }
    let id = message.id.replace('_', "-");
    let id = id
        .get(id.len().saturating_sub(ID_CHARACTERS_MAX)..)
        .unwrap_or(&id);
    let focus = format!("urn:accord:feed:{id}");
    let head = json!({
        "resourceType": "MessageHeader", "id": id, "eventUri": FEED,
        "source": {"name": "Accord", "endpoint": "urn:accord"},
        "destination": [{"endpoint": without_form(&message.url).1}],
        "focus": [{"reference": focus}],
    });
    json!({
        "resourceType": "Bundle", "type": "message", "timestamp": message.at.to_string(),
        "entry": [
            {"fullUrl": format!("urn:accord:message:{id}"), "resource": head},
            {"fullUrl": focus, "resource":
                {"resourceType": "Bundle", "type": "history", "entry": history}},
        ],
    })
    .to_string()
}

/// What one event comes to.
fn told(event: &FeedEvent, own: Option<&(SourceCode, LocalId)>) -> Vec<Value> {
    let mut entries: Vec<Value> = event.changes.iter().filter_map(of_change).collect();
    if let (RegistryEvent::RecordLinked { person, .. }, Some((source, local_id))) =
        (&event.event, own)
    {
        let system = format!("urn:accord:source:{source}");
        let own = json!([{"system": system, "value": local_id.as_str()}]);
        entries.push(put(person, &json!({"active": true, "identifier": own})));
    }
    if entries.is_empty() {
        entries.extend(event.persons.iter().map(|person| put(person, &json!({}))));
    }
    entries
}

fn of_change(change: &IdChange) -> Option<Value> {
    match change {
        IdChange::Retired {
            person,
            replaced_by: Some(by),
        } => {
            let other = json!({"reference": format!("Patient/{by}")});
            let link = json!([{"other": other, "type": "replaced-by"}]);
            Some(put(person, &json!({"active": false, "link": link})))
        }
        IdChange::Retired { person, .. } | IdChange::Withdrawn { person } => {
            let url = format!("Patient/{person}");
            Some(
                json!({"fullUrl": url, "request": {"method": "DELETE", "url": url},
                "response": {"status": "200"}}),
            )
        }
        IdChange::Restored { person } => Some(put(person, &json!({"active": true}))),
        // Told by the link of the record that has moved.
        IdChange::Moved { .. } => None,
    }
}

/// A Patient as far as a subscriber is told of it.
fn put(person: &PersonId, said: &Value) -> Value {
    let mut patient = said.clone();
    patient["resourceType"] = json!("Patient");
    patient["id"] = json!(person.to_string());
    let url = format!("Patient/{person}");
    json!({"fullUrl": url, "resource": patient, "request": {"method": "PUT", "url": url},
        "response": {"status": "200"}})
}
