//! What this door can do.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::systems::UK_CORE_PATIENT;

/// `GET /metadata`: says nothing of patients and needs no token.
pub(super) async fn show() -> Response {
    answer(StatusCode::OK, &statement())
}

fn statement() -> Value {
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active", "date": "2026-11-28", "kind": "instance",
        "software": {"name": "Accord", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {"description": "Record linkage and master patient index"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [{
            "mode": "server",
            "documentation": "POST Bundle: batch (entries are independent of each other), or a \
                message of PMIR's feed (ITI-93), or a transaction of up to 64 entries, each of another \
                Patient that is created, updated or deleted: all are taken, or none. Bodies come \
                and go in either form.",
            "interaction": [{"code": "batch"}, {"code": "transaction"}],
            "operation": [{"name": "process-message", "definition":
                "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"},
                {"name": "import", "definition": "urn:accord:operation:import"}],
            "security": {"description": "Authorization: Bearer TOKEN; people give Accord-Reason."},
            "resource": resources(),
        }],
    })
}

fn resources() -> Value {
    json!([patient(), {
        "type": "Linkage",
        "documentation": "Which Patients are one person: ids alone.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": "item", "type": "reference"},
            {"name": "source", "type": "reference"},
        ],
    }, {
        "type": "Subscription",
        "documentation": "By rest-hook, with a message of PMIR's feed or without a \
            payload; criteria Patient? or Patient?identifier=SYSTEM|. For administrators.",
        "interaction": [{"code": "create"}, {"code": "read"}, {"code": "delete"},
            {"code": "search-type"}],
        "searchParam": [
            {"name": "status", "type": "token"},
            {"name": "url", "type": "uri"},
        ],
    }, {
        "type": "AuditEvent",
        "documentation": "Who looked at a person, and what an account did: for auditors.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": "patient", "type": "reference"},
            {"name": "agent-name", "type": "string"},
        ],
    }])
}

fn patient() -> Value {
    let interactions = [
        "read",
        "vread",
        "update",
        "delete",
        "history-instance",
        "create",
        "search-type",
    ];
    let interactions: Vec<Value> = interactions
        .iter()
        .map(|code| json!({"code": code}))
        .collect();
    json!({
        "type": "Patient",
        "profile": UK_CORE_PATIENT,
        "documentation": "R-… is a source's record as sent; P-… a person, what its records \
            say together, which is read and not written.",
        "interaction": interactions,
        "searchParam": search_parameters(),
        "operation": [
            {"name": "match", "definition":
                "http://hl7.org/fhir/OperationDefinition/Patient-match"},
            {"name": "merge", "definition": "urn:accord:operation:merge"},
            {"name": "unmerge", "definition": "urn:accord:operation:unmerge"},
            {"name": "ihe-pix", "definition":
                "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix"},
        ],
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": true,
        "conditionalUpdate": true,
        "conditionalDelete": "single",
    })
}

fn search_parameters() -> Vec<Value> {
    let known = [
        ("_id", "token"),
        ("identifier", "token"),
        ("family", "string"),
        ("given", "string"),
        ("gender", "token"),
        ("birthdate", "date"),
        ("death-date", "date"),
        ("address", "string"),
        ("address-postalcode", "string"),
        ("general-practitioner", "reference"),
        ("telecom", "token"),
        ("phone", "token"),
        ("email", "token"),
        ("active", "token"),
        ("address-city", "string"),
        ("address-country", "string"),
        ("address-state", "string"),
        ("mothersMaidenName", "string"),
    ];
    let known = known.iter();
    known
        .map(|(name, kind)| json!({"name": name, "type": kind}))
        .collect()
}
