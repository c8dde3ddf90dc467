//! Problems and warnings as OperationOutcome, with the codes of the national services.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::interfaces::fhir::body::FHIR_JSON;
use crate::interfaces::fhir::systems::SPINE_CODES;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::json::{Breaks, Fault};

/// A code of the national services: its word, its display, FHIR's kind of issue.
macro_rules! spine {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $display:literal, $issue:literal;)*) => {
        /// What is wrong, in the words of the national services.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Spine { $($(#[$doc])* $name,)* }

        impl Spine {
            const ALL: &'static [Self] = &[$(Self::$name),*];

            pub(super) const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            const fn display(self) -> &'static str {
                match self { $(Self::$name => $display,)* }
            }

            const fn issue(self) -> &'static str {
                match self { $(Self::$name => $issue,)* }
            }
        }
    };
}

spine! {
    AccessDenied = "ACCESS_DENIED", "Access has been denied to process this request", "forbidden";
    AdditionalProperties = "ADDITIONAL_PROPERTIES", "Invalid request with error - Additional properties are not allowed", "invalid";
    Conflict = "RESOURCE_CONFLICT", "The request contradicts what is known", "conflict";
    Invalidated = "INVALIDATED_RESOURCE", "Resource that has been marked as invalid was requested", "not-found";
    /// An authority that is not known here (PIXm: `code-invalid`).
    InvalidCode = "INVALID_CODE", "Provided code is not known", "code-invalid";
    InvalidSearchData = "INVALID_SEARCH_DATA", "Search data is invalid", "value";
    InvalidValue = "INVALID_VALUE", "Provided value is invalid", "value";
    MissingValue = "MISSING_VALUE", "Required value is missing", "required";
    MultipleMatches = "MULTIPLE_MATCHES_FOUND", "Create duplicate: multiple matches found", "duplicate";
    NoService = "UNABLE_TO_CALL_SERVICE", "The service cannot answer now", "transient";
    NotFound = "RESOURCE_NOT_FOUND", "Resource not found", "not-found";
    PreconditionFailed = "PRECONDITION_FAILED", "Required condition was not fulfilled", "conditional";
    SingleMatch = "SINGLE_MATCH_FOUND", "Create duplicate: single match found", "duplicate";
    TooManyMatches = "TOO_MANY_MATCHES", "Too Many Matches", "multiple-matches";
    TooManyRequests = "TOO_MANY_REQUESTS", "Too many requests", "throttled";
    Unsupported = "UNSUPPORTED_SERVICE", "Unsupported Service", "processing";
    VersionMismatch = "RESOURCE_VERSION_MISMATCH", "Resource version mismatch", "conflict";
}

/// A problem of this door; the code is its rule, `expression` the place.
pub(super) fn refuse(
    caller: &Caller,
    refused: Refused,
    spine: Spine,
    expression: &str,
    detail: impl Into<String>,
) -> Problem {
    let problem = caller.problem(refused, detail);
    problem.member(expression).rule(spine.code())
}

/// What a fault of a resource becomes, with its place as a path of FHIR.
pub(super) fn faulty(resource: &str, fault: &Fault, id: &str) -> Problem {
    let refused = match fault.breaks {
        Breaks::Shape => Refused::Malformed,
        Breaks::Bound => Refused::Unprocessable,
    };
    let spine = if fault.rule == "required member" {
        Spine::MissingValue
    } else {
        Spine::InvalidValue
    };
    let place = match fault.member().as_str() {
        "body" => resource.to_owned(),
        member => format!("{resource}.{member}"),
    };
    let problem = Problem::new(refused, fault.sentence("element"), id);
    problem.member(&place).rule(spine.code())
}

/// The code of a problem: its own, or that of its status.
fn spine_of(problem: &Problem) -> Spine {
    let rule = problem.rule.as_deref().unwrap_or_default();
    let own = Spine::ALL.iter().find(|spine| spine.code() == rule);
    own.copied().unwrap_or(match problem.status {
        401 | 403 => Spine::AccessDenied,
        404 => Spine::NotFound,
        405 | 406 | 415 => Spine::Unsupported,
        409 => Spine::Conflict,
        410 => Spine::Invalidated,
        412 => Spine::VersionMismatch,
        428 => Spine::PreconditionFailed,
        429 => Spine::TooManyRequests,
        408 | 500.. => Spine::NoService,
        _ => Spine::InvalidValue,
    })
}

/// The OperationOutcome of a problem.
pub(super) fn outcome_of(problem: &Problem) -> Value {
    let spine = spine_of(problem);
    let issue = match problem.status {
        401 => "login",
        405 | 406 | 415 => "not-supported",
        413 => "too-costly",
        500 => "exception",
        _ => spine.issue(),
    };
    let mut issue = issue_of("error", issue, spine, &problem.detail);
    let member = problem.member.as_deref().unwrap_or_default();
    let is_path = member.starts_with(|first: char| first.is_ascii_uppercase())
        && (member.contains('.') || ["Patient", "Bundle", "Parameters"].contains(&member));
    if is_path {
        issue["expression"] = json!([member]);
    }
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

fn issue_of(severity: &str, issue: &str, spine: Spine, diagnostics: &str) -> Value {
    json!({
        "severity": severity, "code": issue,
        "details": {"coding": [{"system": SPINE_CODES, "version": "1",
            "code": spine.code(), "display": spine.display()}]},
        "diagnostics": diagnostics,
    })
}

/// An issue that is no error.
pub(super) fn notice(severity: &str, issue: &str, diagnostics: &str) -> Value {
    json!({"severity": severity, "code": issue, "diagnostics": diagnostics})
}

/// An outcome of such issues.
pub(super) fn outcome(issues: Vec<Value>) -> Value {
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

/// A search that found more than it may show: no error (ECOSYSTEM §3).
pub(super) fn too_many(diagnostics: &str) -> Value {
    let spine = Spine::TooManyMatches;
    let issue = issue_of("information", spine.issue(), spine, diagnostics);
    outcome(vec![issue])
}

/// The same answer in FHIR's words; headers that belong to the exchange stay.
pub(super) fn said(problem: &Problem, headers: &HeaderMap) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = outcome_of(problem).to_string();
    let mut response = (status, body).into_response();
    let own = response.headers_mut();
    for (name, value) in headers {
        if *name != header::CONTENT_LENGTH {
            own.insert(name.clone(), value.clone());
        }
    }
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON));
    response
}
