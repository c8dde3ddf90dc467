//! PMIR's feed (ITI-93): a message whose focus is the history of Patients. Each is taken
//! as if it came alone; the first that cannot be taken ends the message.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::interfaces::fhir::body::{Body, answer};
use crate::interfaces::fhir::bundle_entry::Counter;
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, outcome_of, refuse};
use crate::interfaces::fhir::view::{BundleView, EntryView};
use crate::interfaces::http::{Problem, Refused};

/// The event of the feed.
pub(super) const FEED: &str = "urn:ihe:iti:pmir:2019:patient-feed";

/// Takes a message, and answers with one.
pub(super) async fn take(counter: &Counter<'_>, bundle: &BundleView) -> Result<Response, Problem> {
    let bad = |detail: &str| {
        let (refused, spine) = (Refused::Malformed, Spine::InvalidValue);
        refuse(counter.caller, refused, spine, "Bundle.entry", detail)
    };
    let resources = || {
        bundle
            .entry
            .iter()
            .filter_map(|entry| entry.resource.as_ref())
    };
    let header = resources().find(|it| it["resourceType"] == "MessageHeader");
    let header = header.ok_or_else(|| bad("a message begins with a MessageHeader"))?;
    if header["eventUri"] != FEED {
        return Err(bad("the event of the message is not known here"));
    }
    let focus = resources().find(|it| it["resourceType"] == "Bundle");
    let focus =
        focus.ok_or_else(|| bad("the feed's focus, a Bundle of type history, is missing"))?;
    let focus = Body::of(focus.to_string(), counter.caller.request_id());
    let focus: BundleView = focus.resource("Bundle")?.view()?;
    let history = History {
        entries: focus.entry,
    };
    let mut taken = Vec::new();
    let mut status = StatusCode::OK;
    for (place, entry) in history.patients() {
        let done = match Box::pin(counter.take_new(&entry, None)).await {
            Ok(done) => done,
            Err(problem) => {
                let at = format!("Bundle.entry[{place}].resource");
                let inner = problem.member.clone().unwrap_or_default();
                let inside = inner
                    .strip_prefix("Patient")
                    .map(|rest| format!("{at}{rest}"));
                return Ok(refused(header, &problem.member(&inside.unwrap_or(at))));
            }
        };
        if done.status == StatusCode::CREATED {
            status = StatusCode::CREATED;
        }
        taken.extend(done.resource);
    }
    Ok(accepted(header, status, taken))
}

/// The Patients of a feed, with what only the bundle knows of them.
struct History {
    entries: Vec<EntryView>,
}

impl History {
    fn patients(&self) -> Vec<(usize, EntryView)> {
        let entries = self.entries.iter().enumerate();
        let patients = entries.filter(|(_, entry)| kind_of(entry) == "Patient");
        patients
            .map(|(place, entry)| (place, self.whole(entry)))
            .collect()
    }

    /// A Patient with the resources of the bundle that it refers to, and those that
    /// refer to it, contained: it has to stand by itself afterwards.
    fn whole(&self, entry: &EntryView) -> EntryView {
        let mut patient = entry.resource.clone().unwrap_or_default();
        let mut contained = Vec::new();
        for other in &self.entries {
            let kind = kind_of(other);
            let Some(resource) = &other.resource else {
                continue;
            };
            if kind == "RelatedPerson" {
                let about = resource["patient"]["reference"]
                    .as_str()
                    .unwrap_or_default();
                if names(about, entry) {
                    contained.push(with_id(resource, contained.len()));
                }
            } else if kind == "Organization" || kind == "Practitioner" {
                let id = format!("#{}", id_in(contained.len()));
                if Self::point(&mut patient, other, &id) {
                    contained.push(with_id(resource, contained.len()));
                }
            }
        }
        if let Some(members) = patient.as_object_mut()
            && !contained.is_empty()
        {
            let held = members.entry("contained").or_insert_with(|| json!([]));
            if let Some(held) = held.as_array_mut() {
                held.extend(contained);
            }
        }
        EntryView {
            resource: Some(patient),
            ..entry.clone()
        }
    }

    /// Turns the references to an entry into ones to what is contained.
    fn point(patient: &mut Value, other: &EntryView, id: &str) -> bool {
        let mut found = false;
        let mut turn = |reference: &mut Value| {
            let target = reference["reference"].as_str().unwrap_or_default();
            if names(target, other) {
                reference["reference"] = json!(id);
                found = true;
            }
        };
        if let Some(members) = patient.as_object_mut() {
            if let Some(managing) = members.get_mut("managingOrganization") {
                turn(managing);
            }
            let practices = members.get_mut("generalPractitioner");
            let practices = practices.and_then(Value::as_array_mut);
            practices.into_iter().flatten().for_each(turn);
        }
        found
    }
}

/// Whether a reference of the bundle means an entry.
fn names(reference: &str, entry: &EntryView) -> bool {
    let id = entry
        .resource
        .as_ref()
        .and_then(|resource| resource["id"].as_str());
    let own = id.map(|id| format!("{}/{id}", kind_of(entry)));
    !reference.is_empty()
        && (entry.full_url.as_deref() == Some(reference) || own.as_deref() == Some(reference))
}

fn kind_of(entry: &EntryView) -> &str {
    let resource = entry.resource.as_ref();
    resource
        .and_then(|it| it["resourceType"].as_str())
        .unwrap_or_default()
}

fn id_in(place: usize) -> String {
    format!("c{place}")
}

fn with_id(resource: &Value, place: usize) -> Value {
    let mut members: Map<String, Value> = resource.as_object().cloned().unwrap_or_default();
    members.insert("id".to_owned(), json!(id_in(place)));
    members.remove("patient");
    Value::Object(members)
}

/// The message that answers.
fn reply(header: &Value, code: &str, outcome: Value, patients: Vec<Value>) -> Value {
    let id = header["id"].as_str().unwrap_or_default();
    let back = header["source"]["endpoint"].clone();
    let head = json!({
        "resourceType": "MessageHeader", "eventUri": FEED,
        "source": {"name": "Accord", "endpoint": "urn:accord"},
        "destination": [{"endpoint": back}],
        "response": {"identifier": id, "code": code},
    });
    let mut entries = vec![json!({"resource": head}), json!({"resource": outcome})];
    entries.extend(
        patients
            .into_iter()
            .map(|patient| json!({"resource": patient})),
    );
    json!({"resourceType": "Bundle", "type": "message", "entry": entries})
}

fn accepted(header: &Value, status: StatusCode, taken: Vec<Value>) -> Response {
    let said = format!("{} taken", taken.len());
    let outcome = outcome(vec![notice("information", "informational", &said)]);
    answer(status, &reply(header, "ok", outcome, taken))
}

/// What stood before it in the message is taken, and changes nothing when it is sent again.
fn refused(header: &Value, problem: &Problem) -> Response {
    let code = if problem.status >= 500 {
        "transient-error"
    } else {
        "fatal-error"
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    answer(
        status,
        &reply(header, code, outcome_of(problem), Vec::new()),
    )
}
