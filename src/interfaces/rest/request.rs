//! Reading requests strictly: what cannot be read is refused with the member
//! and the rule, what is unknown is refused by name, and no value is echoed.

use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::flows::Context;
use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::interfaces::http::{Problem, Refused};
use crate::registry::{LocalId, SourceCode};

/// A JSON body that is not read yet: who may not do a thing is told so, and not
/// what is wrong with the body.
pub struct Body {
    bytes: Bytes,
    id: String,
}

impl Body {
    /// Reads it strictly.
    ///
    /// # Errors
    /// What is wrong, by member and rule.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        read_json(&self.bytes, &self.id)
    }
}

impl FromRequest<Context> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, context: &Context) -> Result<Self, Problem> {
        let id = request_id(request.headers());
        require_media(request.headers(), &["application/json"], &id)?;
        let bytes = read_bytes(request, context, &id).await?;
        if bytes.len() > RECORD_BODY_BYTES_MAX {
            let detail = format!("a body may have {RECORD_BODY_BYTES_MAX} bytes at most");
            return Err(Problem::new(Refused::TooLarge, detail, &id));
        }
        Ok(Self { bytes, id })
    }
}

pub(super) fn request_id(headers: &HeaderMap) -> String {
    let id = headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok());
    id.unwrap_or_default().to_owned()
}

pub(super) fn require_media(
    headers: &HeaderMap,
    accepted: &[&str],
    id: &str,
) -> Result<(), Problem> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = sent.map(|sent| sent.split(';').next().unwrap_or_default().trim());
    if essence.is_some_and(|sent| {
        accepted
            .iter()
            .any(|media| media.eq_ignore_ascii_case(sent))
    }) {
        return Ok(());
    }
    let detail = format!("send Content-Type: {}", accepted.join(" or "));
    Err(Problem::new(Refused::MediaType, detail, id))
}

pub(super) async fn read_bytes(
    request: Request,
    context: &Context,
    id: &str,
) -> Result<Bytes, Problem> {
    Bytes::from_request(request, context)
        .await
        .map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(Refused::TooLarge, "the body is too large for this path", id)
            } else {
                Problem::new(Refused::Malformed, "the body broke off before its end", id)
            }
        })
}

/// Reads JSON and names the place of the first fault. serde's own words can
/// hold the value ("invalid type: string \"…\""), so ours are used.
pub(super) fn read_json<T: DeserializeOwned>(bytes: &[u8], id: &str) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(Refused::Malformed, "the body is not UTF-8", id))?;
    let text = text.trim_start_matches('\u{feff}');
    // serde would also take a list for an object, member by member.
    if text.trim_start().starts_with('[') {
        let detail = "the body is a JSON array where an object is expected";
        return Err(Problem::new(Refused::Malformed, detail, id).rule("type"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        describe(error.inner(), &path, id)
    })?;
    reader
        .end()
        .map_err(|_| Problem::new(Refused::Malformed, "there is text after the JSON value", id))?;
    Ok(value)
}

fn describe(error: &serde_json::Error, path: &str, id: &str) -> Problem {
    let member = Some(path)
        .filter(|path| *path != "." && !path.is_empty())
        .unwrap_or_default();
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.classify() != serde_json::error::Category::Data {
        let detail = format!("the body is not JSON at {place}");
        return Problem::new(Refused::Malformed, detail, id).member(member);
    }
    let said = error.to_string();
    if let Some(name) = said
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split('`').next())
    {
        // What is no plain word could be a patient's name in the wrong place.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = if name.len() <= 64 && name.chars().all(plain) {
            name
        } else {
            "(not a word)"
        };
        let detail = format!("unknown member `{name}` at {place}; see the API's list of members");
        return Problem::new(Refused::Malformed, detail, id)
            .member(name)
            .rule("unknown member");
    }
    if let Some(name) = said
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        let detail = format!("member `{name}` is missing");
        return Problem::new(Refused::Malformed, detail, id)
            .member(name)
            .rule("required member");
    }
    if let Some(name) = said
        .strip_prefix("duplicate field `")
        .and_then(|rest| rest.split('`').next())
    {
        let detail = format!("member `{name}` is there twice");
        return Problem::new(Refused::Malformed, detail, id)
            .member(name)
            .rule("unique members");
    }
    let wanted = said.rsplit("expected ").next().unwrap_or("another type");
    let wanted = wanted.split(" at line").next().unwrap_or(wanted);
    let detail = format!("wrong type at {place}: expected {wanted}");
    Problem::new(Refused::Malformed, detail, id)
        .member(member)
        .rule("type")
}

/// Source and local id of the path, percent-decoded, case-sensitive.
pub struct RecordPath {
    /// The source.
    pub source: SourceCode,
    /// The local id.
    pub local_id: LocalId,
}

impl FromRequestParts<Context> for RecordPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        let segments: Result<axum::extract::Path<(String, String)>, _> =
            axum::extract::Path::from_request_parts(parts, context).await;
        let (source, local_id) = segments.map_err(|_| undecodable(&id))?.0;
        Ok(Self {
            source: source_code(&source, &id)?,
            local_id: local_id_of(&local_id, &id)?,
        })
    }
}

/// One segment of the path.
pub struct Segment(pub String);

impl FromRequestParts<Context> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        let segment: Result<axum::extract::Path<String>, _> =
            axum::extract::Path::from_request_parts(parts, context).await;
        segment
            .map(|path| Self(path.0))
            .map_err(|_| undecodable(&id))
    }
}

fn undecodable(id: &str) -> Problem {
    Problem::new(
        Refused::Malformed,
        "the path is not percent-encoded UTF-8",
        id,
    )
}

pub(super) fn source_code(text: &str, id: &str) -> Result<SourceCode, Problem> {
    SourceCode::parse(text)
        .map_err(|error| Problem::new(Refused::Malformed, error.to_string(), id).member("source"))
}

pub(super) fn local_id_of(text: &str, id: &str) -> Result<LocalId, Problem> {
    LocalId::parse(text)
        .map_err(|error| Problem::new(Refused::Malformed, error.to_string(), id).member("local_id"))
}

/// Query parameters, read strictly.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Context> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, context: &Context) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        let query: Result<axum::extract::Query<T>, _> =
            axum::extract::Query::from_request_parts(parts, context).await;
        query.map(|query| Self(query.0)).map_err(|_| {
            let detail = "a query parameter is unknown or has a value that it cannot have; \
                          names and addresses never go into a URL";
            Problem::new(Refused::Malformed, detail, &id).rule("query parameters")
        })
    }
}

/// The version that `If-Match` names: `"3"` or `W/"3"`; `None` without the
/// header or for `*`.
pub(super) fn if_match(headers: &HeaderMap, id: &str) -> Result<Option<u32>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse();
    version.map(Some).map_err(|_| {
        let detail = "If-Match must be the ETag of a record, such as W/\"3\"";
        Problem::new(Refused::Malformed, detail, id).member("If-Match")
    })
}

/// Longest idempotency key.
const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 256;

pub(super) fn idempotency_key(headers: &HeaderMap, id: &str) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_CHARACTERS_MAX {
        let detail = "Idempotency-Key must be 1 to 256 visible ASCII characters";
        return Err(Problem::new(Refused::Malformed, detail, id).member("Idempotency-Key"));
    }
    Ok(Some(key.to_owned()))
}
