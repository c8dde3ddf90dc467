//! For auditors: who looked at a person, and what somebody looked at; as a page
//! and as a file for a spreadsheet. It shows ids, accounts and reasons, and nothing
//! that a record says.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, AuditQuestion, AuditTrail, Context, FlowError};
use crate::interfaces::web::csv;
use crate::interfaces::web::forms::parameters;
use crate::interfaces::web::layout::{NoPage, Page, html};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::person_page::person_of;
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::security::Action;

/// Why an auditor reads the audit.
const REASON: &str = "audit";

struct Row {
    at: LocalTime,
    actor: String,
    on_behalf_of: Option<String>,
    role: String,
    action: String,
    purpose: String,
    persons: String,
    request_id: String,
    address: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditTemplate {
    page: Page,
    /// The account that is asked about.
    actor: String,
    person: Option<String>,
    asked: bool,
    rows: Vec<Row>,
    before: Option<i64>,
}

fn rows(trail: AuditTrail) -> (Vec<Row>, Option<i64>) {
    let rows = trail.rows.into_iter().map(|row| Row {
        at: LocalTime::of(row.at),
        actor: row.actor,
        on_behalf_of: row.on_behalf_of,
        role: row.role.replace('_', " "),
        action: row.action.replace('_', " "),
        purpose: row.purpose.unwrap_or_default(),
        persons: row.persons.replace(['[', ']', '"'], "").replace(',', ", "),
        request_id: row.request_id,
        address: row.address.unwrap_or_default(),
    });
    (rows.collect(), trail.before)
}

async fn trail(
    context: &Context,
    visitor: &Visitor,
    question: &AuditQuestion,
    before: Option<i64>,
) -> Result<AuditTrail, NoPage> {
    let access = visitor.may_because(Action::ReadAudit, REASON)?;
    flows::read_audit(context, &access, question, before)
        .await
        .map_err(|error| visitor.no_page(&error))
}

/// The question.
pub(super) async fn show(visitor: Visitor) -> Result<Response, NoPage> {
    visitor.may_because(Action::ReadAudit, REASON)?;
    let template = AuditTemplate {
        page: visitor.page("Who looked", "/audit"),
        actor: String::new(),
        person: None,
        asked: false,
        rows: Vec::new(),
        before: None,
    };
    Ok(html(StatusCode::OK, &template))
}

/// What an account, or who looked at a person: by a form, because a name of an
/// account may be somebody's.
pub(super) async fn ask(
    State(context): State<Context>,
    Posted { visitor, form }: Posted,
) -> Result<Response, NoPage> {
    let actor = form.text("actor").to_owned();
    let person = form.given("person");
    let question = match &person {
        Some(person) => AuditQuestion::Person(person_of(person, &visitor)?),
        None => AuditQuestion::Actor(actor.clone()),
    };
    let before = form.text("before").parse().ok();
    let trail = trail(&context, &visitor, &question, before).await?;
    if form.text("step") == "csv" {
        return Ok(file(trail));
    }
    let (rows, before) = rows(trail);
    let template = AuditTemplate {
        page: visitor.page("Who looked", "/audit"),
        actor,
        person,
        asked: true,
        rows,
        before,
    };
    Ok(html(StatusCode::OK, &template))
}

/// Who looked at this person.
pub(super) async fn of_person(
    State(context): State<Context>,
    visitor: Visitor,
    Path(person): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let id = person_of(&person, &visitor)?;
    let given = parameters(uri.query());
    let before = given.iter().find(|(name, _)| name == "before");
    let before = before.and_then(|(_, value)| value.parse().ok());
    let trail = trail(&context, &visitor, &AuditQuestion::Person(id), before).await?;
    let (rows, before) = rows(trail);
    let template = AuditTemplate {
        page: visitor.page("Who looked at this person", "/audit"),
        actor: String::new(),
        person: Some(id.to_string()),
        asked: true,
        rows,
        before,
    };
    Ok(html(StatusCode::OK, &template))
}

fn file(trail: AuditTrail) -> Response {
    let head = [
        "number",
        "at",
        "account",
        "on behalf of",
        "role",
        "action",
        "reason",
        "persons",
        "request",
        "address",
        "door",
    ];
    let rows = trail.rows.into_iter().map(|row| {
        vec![
            row.audit.to_string(),
            row.at.to_string(),
            row.actor,
            row.on_behalf_of.unwrap_or_default(),
            row.role,
            row.action,
            row.purpose.unwrap_or_default(),
            row.persons,
            row.request_id,
            row.address.unwrap_or_default(),
            row.door.unwrap_or_default(),
        ]
    });
    csv::file("audit.csv", &head, rows)
}

/// All that is held of a person, for the person (R132), as a file.
pub(super) async fn subject_access(
    State(context): State<Context>,
    visitor: Visitor,
    Path(person): Path<String>,
) -> Result<Response, NoPage> {
    let id = person_of(&person, &visitor)?;
    let access = visitor.may_because(Action::GiveSubjectAccess, "subject access")?;
    let failed = |error: FlowError| visitor.no_page(&error);
    let held = flows::subject_access(&context, &access, id)
        .await
        .map_err(failed)?;
    let template = SubjectTemplate {
        page: visitor.page("Subject access", "/search"),
        id: held.person.to_string(),
        made: LocalTime::of(held.made_at),
        records: held
            .records
            .iter()
            .map(|record| SubjectRecord {
                source: record.source.to_string(),
                local_id: record.local_id.to_string(),
                versions: record
                    .versions
                    .iter()
                    .map(|version| {
                        let says = version.record.as_ref();
                        let says = says.map(crate::interfaces::web::person_page::said);
                        (version.version, LocalTime::of(version.received_at), says)
                    })
                    .collect(),
            })
            .collect(),
        history: held
            .history
            .into_iter()
            .map(|entry| (LocalTime::of(entry.at), entry.sentence))
            .collect(),
        accesses: held
            .accesses
            .into_iter()
            .map(|row| {
                let who = row.on_behalf_of.unwrap_or(row.actor);
                (
                    LocalTime::of(row.at),
                    who,
                    row.role.replace('_', " "),
                    row.action.replace('_', " "),
                    row.purpose.unwrap_or_default(),
                )
            })
            .collect(),
        more: held.more_accesses,
    };
    Ok(html(StatusCode::OK, &template))
}

struct SubjectRecord {
    source: String,
    local_id: String,
    versions: Vec<(u32, LocalTime, Option<String>)>,
}

#[derive(Template)]
#[template(path = "subject_access.html")]
struct SubjectTemplate {
    page: Page,
    id: String,
    made: LocalTime,
    records: Vec<SubjectRecord>,
    history: Vec<(LocalTime, String)>,
    accesses: Vec<(LocalTime, String, String, String, String)>,
    more: bool,
}
