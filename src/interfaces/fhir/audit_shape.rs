//! A row of the audit as AuditEvents of IHE's Basic Audit Log Patterns (BALP 1.1.4): its
//! profiles for what came by FHIR or by the native API, each claimed where the row says
//! all that the profile asks. Values that somebody asked with are in no row, so that the
//! query of a search is its door alone (docs/conformance.md).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::flows::AuditRow;
use crate::interfaces::fhir::{FHIR_PREFIX, FHIR_ROOT};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPES: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLES: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// What was asked of the service, as FHIR names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interaction {
    /// A code of restful-interaction.
    code: &'static str,
    pattern: Pattern,
    /// The transaction of IHE that it is.
    transaction: Option<&'static str>,
}

/// Which of the patterns it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Read,
    Query,
    Create,
    Update,
    Delete,
    /// None: BALP has no pattern for it.
    Other,
}

impl Pattern {
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Read => Some("Read"),
            Self::Query => Some("Query"),
            Self::Create => Some("Create"),
            Self::Update => Some("Update"),
            Self::Delete => Some("Delete"),
            Self::Other => None,
        }
    }

    const fn letter(self) -> Option<&'static str> {
        match self {
            Self::Read => Some("R"),
            Self::Query => Some("E"),
            Self::Create => Some("C"),
            Self::Update => Some("U"),
            Self::Delete => Some("D"),
            Self::Other => None,
        }
    }

    /// What the client and what the server is, in whose words. Who asks is where a read
    /// goes to, and where all else comes from.
    fn roles(self) -> [Value; 2] {
        let role = |system, code, display| json!({"coding": [{"system": system, "code": code, "display": display}]});
        let source = || role(DICOM, "110153", "Source Role ID");
        let destination = || role(DICOM, "110152", "Destination Role ID");
        match self {
            Self::Read => [destination(), source()],
            Self::Delete => {
                let custodians =
                    "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
                [
                    role(DICOM, "110150", "Application"),
                    role(custodians, "custodian", "Custodian"),
                ]
            }
            _ => [source(), destination()],
        }
    }
}

/// What a row's door and action say together; `None` for what is no request of HTTP, a
/// page, or from before doors were kept.
fn interaction(row: &AuditRow) -> Option<Interaction> {
    let (method, path) = row.door.as_deref()?.split_once(' ')?;
    let is = |code, pattern| {
        let transaction = None;
        Some(Interaction {
            code,
            pattern,
            transaction,
        })
    };
    let of_ihe = |code, pattern, transaction| {
        let transaction = Some(transaction);
        Some(Interaction {
            code,
            pattern,
            transaction,
        })
    };
    let Some(rest) = path.strip_prefix(FHIR_ROOT) else {
        let native = path.starts_with("/api/") || path == FHIR_PREFIX;
        return native.then(|| by_action(&row.action));
    };
    match (method, rest) {
        ("GET", "Patient") | ("POST", "Patient/_search") => {
            of_ihe("search-type", Pattern::Query, "ITI-78")
        }
        ("POST", "Patient/$match") => of_ihe("operation", Pattern::Query, "ITI-119"),
        (_, "Patient/$ihe-pix") => of_ihe("operation", Pattern::Query, "ITI-83"),
        (_, rest) if rest.contains('$') => is("operation", Pattern::Other),
        (_, "" | "Bundle") => Some(by_action(&row.action)),
        (_, rest) if rest.ends_with("/_history/{version}") => is("vread", Pattern::Read),
        (_, rest) if rest.ends_with("/_history") => is("history-instance", Pattern::Other),
        ("GET", rest) if rest.ends_with("/{id}") => is("read", Pattern::Read),
        ("GET", _) => is("search-type", Pattern::Query),
        ("POST", rest) if rest.ends_with("/_search") => is("search-type", Pattern::Query),
        ("POST", "Patient") => of_ihe("create", Pattern::Create, "ITI-104"),
        ("PUT", "Patient") => of_ihe("update", Pattern::Update, "ITI-104"),
        ("DELETE", "Patient") => of_ihe("delete", Pattern::Delete, "ITI-104"),
        ("POST", _) => is("create", Pattern::Create),
        ("PUT", _) => is("update", Pattern::Update),
        ("DELETE", _) => is("delete", Pattern::Delete),
        _ => None,
    }
}

/// The same where the door says no more than that several things were sent, or is not
/// FHIR's.
fn by_action(action: &str) -> Interaction {
    let (code, pattern) = match action {
        "write_record" | "write_source" => ("update", Pattern::Update),
        "erase_record" => ("delete", Pattern::Delete),
        "search_person" => ("search-type", Pattern::Query),
        "match_person" => ("operation", Pattern::Query),
        action if action.starts_with("read_") => ("read", Pattern::Read),
        _ => ("operation", Pattern::Other),
    };
    Interaction {
        code,
        pattern,
        transaction: None,
    }
}

/// The events of a row: of a search one for each person that it found, as BALP has it.
pub(super) fn audit_events(row: &AuditRow, base: &str) -> Vec<(Option<String>, Value)> {
    let persons = persons_of(row);
    let searched = interaction(row).is_some_and(|it| it.pattern == Pattern::Query);
    if !searched || persons.len() < 2 {
        let only = persons.first().filter(|_| persons.len() == 1).cloned();
        return vec![(only, audit_event(row, &persons, base))];
    }
    let each = persons.into_iter().map(|person| {
        let mut event = audit_event(row, std::slice::from_ref(&person), base);
        event["id"] = json!(format!("{}-{person}", row.audit));
        (Some(person), event)
    });
    each.collect()
}

pub(super) fn persons_of(row: &AuditRow) -> Vec<String> {
    serde_json::from_str(&row.persons).unwrap_or_default()
}

/// A row as an event about these persons.
pub(super) fn audit_event(row: &AuditRow, persons: &[String], base: &str) -> Value {
    let asked = interaction(row);
    let pattern = asked.map_or(Pattern::Other, |asked| asked.pattern);
    let refused = is_refusal(row);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": row.audit.to_string(),
        "type": kind(row, asked),
        "subtype": subtypes(row, asked),
        "action": pattern.letter().unwrap_or_else(|| letter(&row.action)),
        "recorded": row.at.to_string(),
        "outcome": if refused { "4" } else { "0" },
        "agent": agents(row, pattern, base),
        "source": {
            "observer": observer(),
            "type": [{
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4", "display": "Application Server",
            }],
        },
        "entity": entities(row, pattern, persons),
    });
    if let Some(purpose) = &row.purpose {
        event["purposeOfEvent"] = json!([{"text": purpose}]);
    }
    if let Some(name) = pattern.name()
        && row.address.is_some()
        && !refused
        && persons.len() < 2
    {
        let patient = if persons.is_empty() { "" } else { "Patient" };
        let profile = format!("{BALP}/StructureDefinition/IHE.BasicAudit.{patient}{name}");
        event["meta"] = json!({"profile": [profile]});
    }
    event
}

fn kind(row: &AuditRow, asked: Option<Interaction>) -> Value {
    if asked.is_some() {
        let types = "http://terminology.hl7.org/CodeSystem/audit-event-type";
        json!({"system": types, "code": "rest", "display": "Restful Operation"})
    } else if row.persons == "[]" && row.record.is_none() {
        json!({"system": DICOM, "code": "110100", "display": "Application Activity"})
    } else {
        json!({"system": DICOM, "code": "110110", "display": "Patient Record"})
    }
}

/// Our word for it, FHIR's, and the transaction of IHE.
fn subtypes(row: &AuditRow, asked: Option<Interaction>) -> Vec<Value> {
    let mut all = vec![json!({"system": "urn:accord:action", "code": row.action})];
    if let Some(asked) = asked {
        let interactions = "http://hl7.org/fhir/restful-interaction";
        all.push(json!({"system": interactions, "code": asked.code}));
        let transactions = "urn:ihe:event-type-code";
        all.extend(
            asked
                .transaction
                .map(|code| json!({"system": transactions, "code": code})),
        );
    }
    all
}

/// FHIR's letter for what was done, where no interaction says it.
fn letter(name: &str) -> &'static str {
    match name {
        "erase_record" => "D",
        "write_record" | "write_source" => "U",
        name if name.starts_with("read_") => "R",
        _ => "E",
    }
}

/// A purpose is what the caller says of itself: a row that shows somebody is no refusal,
/// whatever it says.
fn is_refusal(row: &AuditRow) -> bool {
    let purpose = row.purpose.as_deref().unwrap_or_default();
    row.action == "message_refused" || (purpose.starts_with("refused:") && row.persons == "[]")
}

/// This service, by the same words as who took part and as who saw it.
fn observer() -> Value {
    json!({"display": "Accord"})
}

/// The account with its address, the person for whom it acted (that one has asked then),
/// and this service.
fn agents(row: &AuditRow, pattern: Pattern, base: &str) -> Vec<Value> {
    let who = |name: &str| json!({"identifier": {"system": "urn:accord:account", "value": name}, "display": name});
    let role = json!([{"coding": [{"system": "urn:accord:role", "code": row.role}]}]);
    let [client, server] = pattern.roles();
    let mut account = json!({
        "type": client, "who": who(&row.actor), "requestor": row.on_behalf_of.is_none(),
    });
    if let Some(address) = &row.address {
        account["network"] = json!({"address": address, "type": "2"});
    }
    let server = json!({
        "type": server, "who": observer(), "requestor": false,
        "network": {"address": base, "type": "5"},
    });
    let Some(name) = &row.on_behalf_of else {
        account["role"] = role;
        return vec![account, server];
    };
    let (code, display) = match pattern {
        Pattern::Create | Pattern::Update | Pattern::Delete => ("AUT", "author (originator)"),
        _ => ("IRCP", "information recipient"),
    };
    let kind = json!({"coding": [{"system": PARTICIPATION, "code": code, "display": display}]});
    let mut person = json!({
        "type": kind, "who": who(name), "name": name, "requestor": true, "role": role,
    });
    if let Some(organisation) = &row.organisation {
        person["location"] = json!({"display": organisation});
    }
    if let Some(purpose) = &row.purpose {
        person["purposeOfUse"] = json!([{"text": purpose}]);
    }
    vec![account, person, server]
}

fn entities(row: &AuditRow, pattern: Pattern, persons: &[String]) -> Vec<Value> {
    let system_object = json!({"system": ENTITY_TYPES, "code": "2", "display": "System Object"});
    let role = |code, display| json!({"system": ENTITY_ROLES, "code": code, "display": display});
    let reference = |id: &String| json!({"reference": format!("Patient/{id}")});
    let mut entities: Vec<Value> = persons
        .iter()
        .map(|id| {
            json!({
                "what": reference(id),
                "type": {"system": ENTITY_TYPES, "code": "1", "display": "Person"},
                "role": role("1", "Patient"),
            })
        })
        .collect();
    let record = row.record.as_ref();
    let record = record
        .map(|record| json!({"identifier": {"system": "urn:accord:record", "value": record}}));
    if pattern == Pattern::Query {
        let door = row.door.as_deref().unwrap_or_default();
        entities.push(json!({
            "type": system_object, "role": role("24", "Query"),
            "query": STANDARD.encode(door),
            "description": format!("{door} (the values that were asked with are not kept)"),
        }));
        // The pattern has one system object, which is the query.
        let other = json!({"system": ENTITY_TYPES, "code": "4", "display": "Other"});
        entities.extend(record.map(|what| json!({"what": what, "type": other})));
    } else {
        // What was read or written: a record, or the person as such.
        let what = record.or_else(|| persons.first().map(reference));
        let named = pattern != Pattern::Other || row.record.is_some();
        let what = what.unwrap_or_else(|| json!({"display": row.action}));
        if named {
            entities.push(json!({
                "what": what, "type": system_object, "role": role("4", "Domain Resource"),
            }));
        }
    }
    entities.push(json!({
        "what": {"identifier": {"value": row.request_id}},
        "type": {"system": format!("{BALP}/CodeSystem/BasicAuditEntityType"), "code": "XrequestId"},
    }));
    entities
}
