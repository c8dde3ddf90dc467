//! Who looked at whom, for auditors: rows of the audit as AuditEvents, in the shape of
//! IHE's BALP as far as a row says it. Ids, accounts and reasons alone.

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use crate::flows::{self, AuditQuestion, AuditRow, AuditTrail, Context};
use crate::foundation::PersonId;
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::Query;
use crate::interfaces::fhir::search::form;
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::security::Action;

const TYPES: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPES: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLES: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const BALP_ENTITY_TYPES: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";

/// Reads one row.
pub(super) async fn read(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.may(Action::ReadAudit)?;
    let unknown = || caller.problem(Refused::NotFound, "no AuditEvent with this id is known");
    let number = id.parse().map_err(|_| unknown())?;
    let trail = trail(&context, &caller, &AuditQuestion::Row(number), None).await?;
    let row = trail.rows.first().ok_or_else(unknown)?;
    Ok(answer(StatusCode::OK, &audit_event(row)))
}

/// Searches by the query.
pub(super) async fn by_query(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    search(&context, &caller, &headers, &query.unwrap_or_default()).await
}

/// Searches by a form: the name of an account may be somebody's.
pub(super) async fn by_form(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::ReadAudit)?;
    let form = form(&caller, &headers, request).await?;
    search(&context, &caller, &headers, &form).await
}

async fn trail(
    context: &Context,
    caller: &Caller,
    question: &AuditQuestion,
    before: Option<i64>,
) -> Result<AuditTrail, Problem> {
    let access = caller.may(Action::ReadAudit)?;
    flows::read_audit(context, &access, question, before)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

async fn search(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Problem> {
    caller.may(Action::ReadAudit)?;
    let query = Query::read(query, caller.request_id())?;
    let (question, criterion) = question(caller, &query)?;
    let before = query.one("_before", caller.request_id())?;
    let before = before.map(str::parse).transpose().map_err(|_| {
        let detail = "take _before from the link to the next page";
        bad(caller, Spine::InvalidSearchData, "_before", detail)
    })?;
    let trail = trail(context, caller, &question, before).await?;
    let mut found = Searchset::new(headers);
    for row in &trail.rows {
        found.add(audit_event(row), &json!({}));
    }
    if let Some(before) = trail.before {
        found.next(&format!("/AuditEvent?{criterion}&_before={before}"));
    }
    Ok(found.answer("/AuditEvent"))
}

/// What is asked, and how a next page asks it again.
fn question(caller: &Caller, query: &Query) -> Result<(AuditQuestion, String), Problem> {
    const KNOWN: [&str; 4] = ["patient", "agent-name", "_before", "_format"];
    let mut names = query.pairs.iter().map(|(name, _)| name.as_str());
    if let Some(name) = names.find(|name| !KNOWN.contains(name)) {
        let detail = "search by patient (Patient/P-…) or by agent-name";
        return Err(bad(
            caller,
            Spine::InvalidSearchData,
            shortened(name),
            detail,
        ));
    }
    let patient = query.one("patient", caller.request_id())?;
    let agent = query.one("agent-name", caller.request_id())?;
    match (patient, agent) {
        (Some(patient), None) => {
            let id = patient.rsplit('/').next().unwrap_or_default();
            let person: PersonId = id.parse().map_err(|_| {
                let detail = "audit is asked about persons: Patient/P-…";
                bad(caller, Spine::InvalidSearchData, "patient", detail)
            })?;
            Ok((AuditQuestion::Person(person), format!("patient={person}")))
        }
        (None, Some(agent)) => {
            let encoded: String = byte_serialize(agent.as_bytes()).collect();
            let again = format!("agent-name={encoded}");
            Ok((AuditQuestion::Actor(agent.to_owned()), again))
        }
        _ => {
            let detail = "search by patient (Patient/P-…) or by agent-name, by one of the two";
            Err(bad(caller, Spine::MissingValue, "patient", detail))
        }
    }
}

/// A name that is not known is said, but not at any length.
fn shortened(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if name.len() <= 40 && name.bytes().all(plain) {
        name
    } else {
        "query"
    }
}

fn bad(caller: &Caller, spine: Spine, place: &str, detail: &str) -> Problem {
    refuse(caller, Refused::Malformed, spine, place, detail)
}

/// A row as an AuditEvent.
fn audit_event(row: &AuditRow) -> Value {
    let kind = if row.persons == "[]" && row.record.is_none() {
        json!({"system": TYPES, "code": "110100", "display": "Application Activity"})
    } else {
        json!({"system": TYPES, "code": "110110", "display": "Patient Record"})
    };
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": row.audit.to_string(),
        "type": kind,
        "subtype": [{"system": "urn:accord:action", "code": row.action}],
        "action": action(&row.action),
        "recorded": row.at.to_string(),
        "outcome": if is_refusal(row) { "4" } else { "0" },
        "agent": agents(row),
        "source": {"observer": {"display": "Accord"}},
        "entity": entities(row),
    });
    if let Some(purpose) = &row.purpose {
        event["purposeOfEvent"] = json!([{"text": purpose}]);
    }
    event
}

/// FHIR's letter for what was done.
fn action(name: &str) -> &'static str {
    match name {
        "erase_record" => "D",
        "write_record" | "write_source" => "U",
        name if name.starts_with("read_") => "R",
        _ => "E",
    }
}

fn is_refusal(row: &AuditRow) -> bool {
    let purpose = row.purpose.as_deref().unwrap_or_default();
    row.action == "message_refused" || purpose.starts_with("refused:")
}

/// The account, and the person for whom it acted: that one has asked then.
fn agents(row: &AuditRow) -> Vec<Value> {
    let who = |name: &str| json!({"identifier": {"system": "urn:accord:account", "value": name}, "display": name});
    let role = json!([{"coding": [{"system": "urn:accord:role", "code": row.role}]}]);
    let mut account = json!({
        "who": who(&row.actor), "requestor": row.on_behalf_of.is_none(),
    });
    let Some(person) = &row.on_behalf_of else {
        account["role"] = role;
        return vec![account];
    };
    let mut person = json!({"who": who(person), "requestor": true, "role": role});
    if let Some(organisation) = &row.organisation {
        person["location"] = json!({"display": organisation});
    }
    vec![account, person]
}

fn entities(row: &AuditRow) -> Vec<Value> {
    let ids: Vec<String> = serde_json::from_str(&row.persons).unwrap_or_default();
    let patient = json!({"system": ENTITY_ROLES, "code": "1", "display": "Patient"});
    let mut entities: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "what": {"reference": format!("Patient/{id}")},
                "type": {"system": ENTITY_TYPES, "code": "1", "display": "Person"},
                "role": patient,
            })
        })
        .collect();
    if let Some(record) = &row.record {
        entities.push(json!({
            "what": {"identifier": {"system": "urn:accord:record", "value": record}},
            "type": {"system": ENTITY_TYPES, "code": "2", "display": "System Object"},
        }));
    }
    entities.push(json!({
        "what": {"identifier": {"value": row.request_id}},
        "type": {"system": BALP_ENTITY_TYPES, "code": "XrequestId"},
    }));
    entities
}
