//! Who looked at whom, for auditors: rows of the audit as AuditEvents, in the patterns of
//! IHE's BALP. Ids, accounts, addresses and reasons alone.

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::flows::{self, AuditQuestion, AuditTrail, Context};
use crate::foundation::PersonId;
use crate::interfaces::fhir::audit_shape::{audit_event, audit_events, persons_of};
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::headers::base_of;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::Query;
use crate::interfaces::fhir::search::read_form;
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::fhir::speak::{format_of, in_form};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::security::Action;

/// Reads one row by its number, or what it says of one of the persons that it found.
pub(super) async fn read(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.may(Action::ReadAudit)?;
    let unknown = || caller.problem(Refused::NotFound, "no AuditEvent with this id is known");
    let (number, person) = match id.split_once('-') {
        Some((number, person)) => (number, Some(person)),
        None => (id.as_str(), None),
    };
    let number = number.parse().map_err(|_| unknown())?;
    let trail = trail(&context, &caller, &AuditQuestion::Row(number), None).await?;
    let row = trail.rows.first().ok_or_else(unknown)?;
    let base = base_of(&headers);
    let event = if person.is_some() {
        let mut events = audit_events(row, &base).into_iter();
        let found = events.find(|(_, event)| event["id"] == id.as_str());
        found.ok_or_else(unknown)?.1
    } else {
        audit_event(row, &persons_of(row), &base)
    };
    Ok(answer(StatusCode::OK, &event))
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
    let form = read_form(&caller, &headers, request).await?;
    let found = search(&context, &caller, &headers, &form).await?;
    Ok(in_form(found, format_of(&form)))
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
    let base = base_of(headers);
    let asked: Vec<String> = trail.asked.iter().map(PersonId::to_string).collect();
    for row in &trail.rows {
        for (person, event) in audit_events(row, &base) {
            // Of a search that found others too, what it says of the person asked about.
            let of_others = |person: &String| !asked.is_empty() && !asked.contains(person);
            if !person.as_ref().is_some_and(of_others) {
                found.add(event, &json!({}));
            }
        }
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
