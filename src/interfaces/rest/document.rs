//! The OpenAPI document: what the handlers say of themselves, completed by what
//! holds for all of them. Bounds, headers and the usual problems stand here
//! once, so that no route can forget them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{OpenApi, Ref, RefOr, Response};
use utoipa::{IntoParams, IntoResponses};

use crate::foundation::limits::{RECORD_BODY_BYTES_MAX, TEXT_CHARACTERS_MAX, VALUES_PER_LIST_MAX};

/// Where the API lives.
pub const API_PREFIX: &str = "/api/v1";

/// Parameters of a path with a source.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a path that is read elsewhere")]
pub(super) struct SourceParameters {
    /// Code of the source, case-sensitive.
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    source: String,
}

/// Parameters of a path with a record.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a path that is read elsewhere")]
pub(super) struct RecordParameters {
    /// Code of the source, case-sensitive.
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    source: String,
    /// The record's id there, case-sensitive, percent-encoded. One or two full
    /// stops alone are refused: clients take them out of a path.
    #[param(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    local_id: String,
}

/// Headers under whose condition a record is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes headers that are read elsewhere")]
pub(super) struct WriteConditions {
    /// The same key with the same content is answered the same, with other
    /// content by 409.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 256,
        pattern = "^[!-~]([ -~]*[!-~])?$",
        example = "A-1001-v1"
    )]
    idempotency_key: Option<String>,
    /// `*` for a record that must be known, or the ETag of the version that the
    /// sender has seen. Lists of tags are taken too.
    #[param(rename = "If-Match", pattern = r#"^(\*|(W/)?"[0-9]{1,9}")$"#)]
    if_match: Option<String>,
}

/// The header under whose condition a record is withdrawn.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that is read elsewhere")]
pub(super) struct WithdrawCondition {
    /// `*`, or the ETag of the version that the sender has seen. Lists of tags
    /// are taken too.
    #[param(rename = "If-Match", pattern = r#"^(\*|(W/)?"[0-9]{1,9}")$"#)]
    if_match: Option<String>,
}

/// Parameters of a path with a task.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a path that is read elsewhere")]
pub(super) struct TaskParameters {
    /// A task's id.
    #[param(example = "T-0193d0a2b7c47d3e8f1a2b3c4d5e6f71")]
    task: String,
}

/// Parameters of a path with a merge.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a path that is read elsewhere")]
pub(super) struct MergeParameters {
    /// A merge's id.
    #[param(example = "M-0193d0a2b7c47d3e8f1a2b3c4d5e6f72")]
    merge: String,
}

/// The header under whose condition a step with a task is taken.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that is read elsewhere")]
pub(super) struct TaskCondition {
    /// The ETag of the task as the caller has seen it. Lists of tags are taken
    /// too.
    #[param(rename = "If-Match", pattern = r#"^(\*|(W/)?"[0-9]{1,9}")$"#)]
    if_match: Option<String>,
}

/// A problem that any route may answer: status, name, when.
const PROBLEMS: [(&str, &str, &str); 15] = [
    (
        "400",
        "Malformed",
        "It cannot be read: `member` and `rule` say where and why.",
    ),
    (
        "401",
        "Unauthenticated",
        "There is no token, or it is unknown or revoked.",
    ),
    (
        "403",
        "Forbidden",
        "No role of the account allows it, the source is not the account's, or a person gives no reason.",
    ),
    ("404", "NotFound", "Unknown, or not visible to the caller."),
    ("408", "TooSlow", "The body came too slowly; send it again."),
    (
        "409",
        "Conflict",
        "It contradicts what is known, such as an Idempotency-Key with other content.",
    ),
    (
        "412",
        "Stale",
        "The record is not at a version that If-Match names.",
    ),
    ("413", "TooLarge", "The body is too large."),
    ("414", "UriTooLong", "The path and its query are too long."),
    (
        "415",
        "MediaType",
        "The body is not of the media type, not in UTF-8, or packed.",
    ),
    (
        "422",
        "Unprocessable",
        "It can be read, and a value breaks a rule.",
    ),
    (
        "429",
        "TooMany",
        "The account asks too often; `Retry-After` says when to send it again.",
    ),
    (
        "431",
        "HeadersTooLarge",
        "There are too many headers, or they are too long.",
    ),
    (
        "500",
        "Fault",
        "Our fault; the request changed nothing by halves.",
    ),
    (
        "503",
        "Unavailable",
        "It cannot be answered now; `Retry-After` says when to send it again.",
    ),
];

/// Problems of every route that asks for a token.
const ALWAYS: [&str; 8] = ["400", "401", "403", "414", "429", "431", "500", "503"];

/// Problems of every route that takes a body.
const WITH_BODY: [&str; 4] = ["408", "413", "415", "422"];

/// Problems of those that need no token: who watches is always answered.
const WATCHING: [&str; 3] = ["414", "431", "500"];

/// Headers that every route with a token understands.
const HEADERS: [&str; 5] = ["Reason", "User", "Role", "Organisation", "RequestId"];

macro_rules! own_problems {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $response:literal;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let response = RefOr::Ref(Ref::from_response_name($response));
                BTreeMap::from([($status.to_owned(), response)])
            }
        }
    )+};
}

own_problems! {
    /// The route may answer 404.
    Unknown = "404", "NotFound";
    /// The route may answer 409.
    Conflicting = "409", "Conflict";
    /// The route may answer 412.
    Stale = "412", "Stale";
    /// The route may answer 422.
    Unusable = "422", "Unprocessable";
}

/// The document as it is served: what the routes say, completed.
#[must_use]
pub fn publish(routes: &OpenApi) -> Vec<u8> {
    let mut document =
        serde_json::to_value(routes).expect("invariant: an OpenAPI document always becomes JSON");
    document["info"] = json!({
        "title": "Accord",
        "description": "Record linkage and master patient index for a shared care record. \
            Unknown members and parameters are refused by name. Every problem is \
            `application/problem+json` (RFC 9457) and names the member and the rule.",
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["security"] = json!([{"bearer": []}]);
    document["tags"] = json!([
        {"name": "records", "description": "What a source says of a patient."},
        {"name": "matching", "description": "Asking who somebody is."},
        {"name": "persons", "description": "Who is who."},
        {"name": "events", "description": "What happened, for systems that follow it."},
        {"name": "review", "description": "What waits for a human."},
        {"name": "erasures", "description": "Records whose values are destroyed; for privacy officers."},
        {"name": "seals", "description": "Identities that are kept apart; for privacy officers."},
        {"name": "models", "description": "By which models records are linked; for engineers."},
        {"name": "sources", "description": "Who sends records."},
        {"name": "watching", "description": "Whether the service lives and how it does. No token, and nothing of patients."},
        {"name": "webhooks", "description": "Readers that are told of events."},
    ]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({"bearer": {"type": "http", "scheme": "bearer",
        "description": "A token made by `accord token create`."}});
    components["parameters"] = headers();
    components["responses"] = problems();
    components["headers"] = json!({"RequestId": {"schema": {"type": "string"},
        "description": "Id of the request, as in the log."}});
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, operations) in paths {
            let complete = if path.starts_with(API_PREFIX) {
                complete_operation
            } else {
                complete_watching
            };
            let operations = operations.as_object_mut().into_iter();
            operations.flat_map(Map::values_mut).for_each(complete);
        }
    }
    bound_what_comes_in(&mut document);
    without_empty_defaults(&mut document);
    let mut bytes =
        serde_json::to_vec_pretty(&document).expect("invariant: a JSON value always becomes JSON");
    bytes.push(b'\n');
    bytes
}

fn headers() -> Value {
    let text = |name: &str, example: &str, description: &str| {
        json!({"name": name, "in": "header", "required": false, "description": description,
            "example": example,
            "schema": {"type": "string", "maxLength": 512, "pattern": "^[ -~]*$"}})
    };
    let mut role = text(
        "Accord-Role",
        "clinician",
        "The role of `Accord-User`; asked for with it.",
    );
    role["schema"] = json!({"type": "string", "enum": ["integration", "clinician", "steward",
        "approver", "engineer", "auditor", "privacy_officer", "administrator"]});
    let mut request_id = text(
        "X-Request-Id",
        "8f1c2d3e-1",
        "Id of the request: 1 to 64 letters, digits and hyphens with one letter at least. Another is replaced by one of ours.",
    );
    request_id["schema"] = json!({"type": "string"});
    json!({
        "Reason": text("Accord-Reason", "direct care",
            "Why a person is looked at. A person's read without it is refused (R131)."),
        "User": text("Accord-User", "u1001",
            "The person for whom a system acts; its source must be allowed to."),
        "Role": role,
        "Organisation": text("Accord-Organisation", "X26", "The organisation of `Accord-User`."),
        "RequestId": request_id,
    })
}

fn problems() -> Value {
    let one = |(status, name, description): (&str, &str, &str)| {
        let mut headers = json!({"x-request-id": {"$ref": "#/components/headers/RequestId"}});
        if matches!(status, "429" | "503") {
            headers["Retry-After"] = json!({"required": true,
                "schema": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                "description": "Seconds to wait."});
        }
        if status == "401" {
            headers["WWW-Authenticate"] = json!({"schema": {"type": "string"}});
        }
        let content = json!({"application/problem+json":
            {"schema": {"$ref": "#/components/schemas/Problem"}}});
        let response = json!({"description": description, "headers": headers, "content": content});
        (name.to_owned(), response)
    };
    Value::Object(PROBLEMS.into_iter().map(one).collect())
}

fn complete_operation(operation: &mut Value) {
    let has_body = !operation["requestBody"].is_null();
    let usual = ALWAYS.iter().chain(WITH_BODY.iter().filter(|_| has_body));
    add_problems(operation, usual);
    let mut own = operation["parameters"].as_array().cloned();
    own.iter_mut().flatten().for_each(without_null);
    let shared = HEADERS.map(|name| json!({"$ref": format!("#/components/parameters/{name}")}));
    operation["parameters"] = own.into_iter().flatten().chain(shared).collect();
}

fn complete_watching(operation: &mut Value) {
    operation["security"] = json!([]);
    add_problems(operation, WATCHING.iter());
    operation["parameters"] = json!([{"$ref": "#/components/parameters/RequestId"}]);
}

fn add_problems<'s>(operation: &mut Value, statuses: impl Iterator<Item = &'s &'static str>) {
    for status in statuses {
        let known = PROBLEMS.iter().find(|(known, _, _)| known == status);
        let (_, name, _) = known.expect("invariant: the table has every usual status");
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        let responses = &mut operation["responses"];
        if responses[status].is_null() {
            responses[status] = reference;
        }
    }
}

/// A parameter is there or not: none of them is null.
fn without_null(parameter: &mut Value) {
    let Some(kind) = parameter.pointer_mut("/schema/type") else {
        return;
    };
    if let Some(kinds) = kind.as_array_mut() {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            *kind = one.clone();
        }
    }
}

/// Writes the bounds of the reader (`interfaces::json`) to every schema that a
/// request can bring.
fn bound_what_comes_in(document: &mut Value) {
    let mut waiting: Vec<String> = Vec::new();
    for operation in operations(document) {
        references(&operation["requestBody"], &mut waiting);
    }
    let mut seen = std::collections::BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let schema = &mut document["components"]["schemas"][name];
        references(schema, &mut waiting);
        bound(schema);
    }
}

/// Every operation of the document.
fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().into_iter();
    paths
        .flat_map(Map::values)
        .filter_map(Value::as_object)
        .flat_map(Map::values)
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|text| text.strip_prefix("#/components/schemas/"));
            found.extend(name.map(str::to_owned));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn bound(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    let is = |members: &Map<String, Value>, kind: &str| match members.get("type") {
        Some(Value::String(name)) => name == kind,
        Some(Value::Array(names)) => names.iter().any(|name| name == kind),
        _ => false,
    };
    if is(members, "string") && !members.contains_key("enum") {
        let most = json!(TEXT_CHARACTERS_MAX);
        members.entry("maxLength").or_insert(most);
    }
    if is(members, "array") {
        let most = json!(VALUES_PER_LIST_MAX);
        members.entry("maxItems").or_insert(most);
    }
    if is(members, "object")
        && members
            .get("additionalProperties")
            .is_some_and(Value::is_object)
    {
        members.insert("maxProperties".to_owned(), json!(VALUES_PER_LIST_MAX));
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = members.get_mut(name) {
            bound(inner);
        }
    }
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(bound);
    }
}

/// A default of null or of an empty list says nothing.
fn without_empty_defaults(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let empty =
                |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
            if members.get("default").is_some_and(empty) {
                members.remove("default");
            }
            members.values_mut().for_each(without_empty_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty_defaults),
        _ => {}
    }
}

const _: () = assert!(TEXT_CHARACTERS_MAX < RECORD_BODY_BYTES_MAX);
