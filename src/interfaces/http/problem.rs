//! Errors as `application/problem+json` (RFC 9457): what is wrong, which
//! member, which rule, what to do next. Never a value of a record.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::FlowError;
use crate::registry::MergeRefusal;
use crate::review::ReviewRefusal;
use crate::security::Denied;

/// A problem (RFC 9457): what is wrong, where, by which rule, and what to do
/// next. It never holds a value of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A stable name of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:accord:problem:malformed")]
    pub kind: String,
    /// The kind in words.
    #[schema(value_type = String, example = "Cannot be read")]
    pub title: &'static str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    pub status: u16,
    /// What is wrong here and what to do next.
    #[schema(example = "member `birth_date` is a whole number, and should be text")]
    pub detail: String,
    /// The member, parameter or header that is at fault, such as
    /// `addresses[1].postcode`; `body` for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, example = "birth_date")]
    pub member: Option<String>,
    /// The rule that it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, example = "type")]
    pub rule: Option<String>,
    /// Where a decision names evidence that has changed: its digest now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub evidence: Option<String>,
    /// Id of the request, as in the log.
    #[schema(example = "8f1c2d3e4f5a6b7c")]
    pub request_id: String,
}

/// Problems by status, kind and title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// 400: it cannot be read.
    Malformed,
    /// 401: no account.
    Unauthenticated,
    /// 403: the account may not.
    Forbidden,
    /// 404: unknown, or not visible.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 409: it contradicts what is known.
    Conflict,
    /// 410: replaced by another.
    Gone,
    /// 406: no answer in a form that the caller takes.
    NotAcceptable,
    /// 408: the request came too slowly.
    TooSlow,
    /// 412: a stale precondition.
    Stale,
    /// 413: too large.
    TooLarge,
    /// 414: the path is too long.
    UriTooLong,
    /// 415: not JSON.
    MediaType,
    /// 422: a value breaks a rule.
    Unprocessable,
    /// 428: it may only be written under a condition.
    PreconditionRequired,
    /// 429: the account asks too often.
    TooMany,
    /// 431: the headers are too large.
    HeadersTooLarge,
    /// 500: our fault.
    Fault,
    /// 503: cannot answer now.
    Unavailable,
}

impl Refused {
    const fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "Cannot be read"),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "No valid token",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Unknown or not visible"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "No such form of the answer",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "A condition is required",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "Contradicts what is known",
            ),
            Self::Gone => (StatusCode::GONE, "gone", "Replaced by another"),
            Self::Stale => (
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "Changed since it was read",
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "Media type not supported",
            ),
            Self::Unprocessable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unprocessable",
                "A value breaks a rule",
            ),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "Came too slowly"),
            Self::UriTooLong => (StatusCode::URI_TOO_LONG, "uri-too-long", "Path too long"),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Asked too often",
            ),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "Headers too large",
            ),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "Our fault"),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Cannot answer now",
            ),
        }
    }
}

impl Refused {
    /// Where such a problem lies and which rule it breaks, unless more is known.
    const fn usual(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Malformed => Some(("body", "syntax")),
            Self::Unauthenticated => Some(("Authorization", "bearer token")),
            Self::Forbidden => Some(("Authorization", "role")),
            Self::NotFound => Some(("path", "known and visible")),
            Self::MethodNotAllowed => Some(("method", "methods of this path")),
            Self::Conflict => Some(("path", "what is known")),
            Self::NotAcceptable => Some(("Accept", "media type")),
            Self::PreconditionRequired => Some(("If-Match", "R107")),
            Self::Gone => Some(("path", "current id")),
            Self::Stale => Some(("If-Match", "RFC 9110 13.1.1")),
            Self::TooLarge => Some(("body", "size")),
            Self::MediaType => Some(("Content-Type", "media type")),
            Self::Unprocessable => Some(("body", "value")),
            Self::TooSlow => Some(("body", "time")),
            Self::UriTooLong => Some(("path", "size")),
            Self::TooMany => Some(("Authorization", "rate of the account")),
            Self::HeadersTooLarge => Some(("headers", "size")),
            Self::Fault | Self::Unavailable => None,
        }
    }
}

impl Problem {
    /// A problem of this kind.
    pub fn new(refused: Refused, detail: impl Into<String>, request_id: &str) -> Self {
        let (status, kind, title) = refused.words();
        let usual = refused.usual();
        Self {
            kind: format!("urn:accord:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            member: usual.map(|(member, _)| member.to_owned()),
            rule: usual.map(|(_, rule)| rule.to_owned()),
            evidence: None,
            request_id: request_id.to_owned(),
        }
    }

    /// Names the member; an empty name leaves what is usual for the kind.
    #[must_use]
    pub fn member(mut self, member: &str) -> Self {
        if !member.is_empty() {
            self.member = Some(member.to_owned());
        }
        self
    }

    /// Names the rule.
    #[must_use]
    pub fn rule(mut self, rule: &str) -> Self {
        self.rule = Some(rule.to_owned());
        self
    }

    /// What a flow's error becomes. A fault of ours is logged once, here, with
    /// its causes; the caller gets the request id and nothing else.
    #[must_use]
    pub fn of(error: &FlowError, request_id: &str) -> Self {
        match error {
            FlowError::Denied(denied) => Self::denied(*denied, request_id),
            FlowError::NotFound(detail) => Self::new(Refused::NotFound, *detail, request_id),
            FlowError::Unprocessable {
                member,
                rule,
                detail,
            } => Self::new(Refused::Unprocessable, detail, request_id)
                .member(member)
                .rule(rule),
            FlowError::Malformed {
                member,
                rule,
                detail,
            } => Self::new(Refused::Malformed, *detail, request_id)
                .member(member)
                .rule(rule),
            FlowError::TooMany(detail) => {
                Self::new(Refused::TooMany, *detail, request_id).rule("merges in an hour")
            }
            FlowError::Review(refusal) => Self::review(refusal, request_id),
            FlowError::Refused(refusal) => Self::refused(refusal, request_id),
            FlowError::Conflict(detail) => Self::new(Refused::Conflict, *detail, request_id),
            FlowError::OtherContent => Self::new(Refused::Conflict, error.to_string(), request_id)
                .member("Idempotency-Key")
                .rule("one key, one content"),
            FlowError::Stale => Self::new(Refused::Stale, error.to_string(), request_id),
            FlowError::Busy => Self::new(Refused::Unavailable, error.to_string(), request_id),
            FlowError::Broken => {
                tracing::error!(request_id, "a request broke off inside");
                let detail = "this request broke off; it is counted and logged";
                Self::new(Refused::Fault, detail, request_id)
            }
            FlowError::Stopped | FlowError::Store(_) | FlowError::Index(_) => {
                let mut causes = error.to_string();
                let mut cause = std::error::Error::source(error);
                while let Some(inner) = cause {
                    causes = format!("{causes}: {inner}");
                    cause = inner.source();
                }
                tracing::error!(request_id, causes, "a request could not be answered");
                let detail = "the service cannot answer now; send the same request again later";
                Self::new(Refused::Unavailable, detail, request_id)
            }
        }
    }

    /// What a refusal to join or part becomes: unknown is 404, all else 409.
    fn refused(refusal: &MergeRefusal, request_id: &str) -> Self {
        let (member, rule) = match refusal {
            MergeRefusal::UnknownPerson(_)
            | MergeRefusal::UnknownRecord
            | MergeRefusal::UnknownMerge
            | MergeRefusal::UnknownAssertion => {
                return Self::new(Refused::NotFound, refusal.to_string(), request_id);
            }
            MergeRefusal::TwoVerifiedNumbers(_) => ("body", "R15"),
            MergeRefusal::AssertedDifferent(_) | MergeRefusal::AssertedSame(_) => ("body", "R102"),
            MergeRefusal::NeedsApproval(_)
            | MergeRefusal::HalfRead(_)
            | MergeRefusal::SameHuman
            | MergeRefusal::AlreadyProposed { .. } => ("body", "R114"),
            MergeRefusal::Retired { .. } | MergeRefusal::Withdrawn(_) => ("body", "active person"),
            MergeRefusal::WrongStatus(_) | MergeRefusal::AlreadyWithdrawn => {
                ("path", "what still holds")
            }
            MergeRefusal::SamePerson
            | MergeRefusal::TogetherNow(_)
            | MergeRefusal::AlreadyThere
            | MergeRefusal::RecordWithdrawn => ("body", "one record, one person"),
        };
        let detail = match refusal {
            MergeRefusal::TwoVerifiedNumbers(task) => format!("{refusal}: see {task}"),
            _ => refusal.to_string(),
        };
        let problem = Self::new(Refused::Conflict, detail, request_id);
        problem.member(member).rule(rule)
    }

    /// What a denial becomes.
    #[must_use]
    pub fn denied(denied: Denied, request_id: &str) -> Self {
        let problem = Self::new(Refused::Forbidden, denied.to_string(), request_id);
        match denied {
            Denied::Reason => problem.member("Accord-Reason").rule("R131"),
            Denied::Source => problem.member("source").rule("sources of the account"),
            Denied::Person => problem.rule("R114"),
            Denied::Role(_) => problem,
        }
    }

    /// What the refusal of a step with a question becomes.
    fn review(refusal: &ReviewRefusal, request_id: &str) -> Self {
        let (refused, member, rule) = match refusal {
            ReviewRefusal::Settled => (Refused::Conflict, "task", "one decision"),
            ReviewRefusal::InHand | ReviewRefusal::NotInHand => {
                (Refused::Conflict, "task", "one reader at a time")
            }
            ReviewRefusal::SamePerson => (Refused::Conflict, "Authorization", "R114"),
            ReviewRefusal::NotSteward | ReviewRefusal::NotApprover => {
                (Refused::Forbidden, "Authorization", "R114")
            }
            ReviewRefusal::NotAnOutcome(_) => (Refused::Unprocessable, "outcome", "R115"),
            ReviewRefusal::StaleEvidence { .. } => (Refused::Conflict, "evidence", "R102"),
        };
        let problem = Self::new(refused, refusal.to_string(), request_id);
        let mut problem = problem.member(member).rule(rule);
        if let ReviewRefusal::StaleEvidence { now } = refusal {
            problem.evidence = Some(now.clone());
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::to_vec(&self)
            .expect("invariant: a problem of texts and numbers always becomes JSON");
        let mut response = (status, body).into_response();
        // Another door may say it in its own words.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let again = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        if again.contains(&status) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
