//! Reads requests strictly: what cannot be read is refused with the member
//! and the rule, what is unknown is refused by name, and no value is echoed.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::interfaces::http::Current;
use crate::interfaces::http::{Problem, Refused};
use crate::interfaces::json::{self, Breaks, Fault, Tree};

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
        json::read(&self.bytes).map_err(|fault| faulty("member", &fault, &self.id))
    }

    /// Reads it as an object whose members the handler takes apart.
    ///
    /// # Errors
    /// What is wrong, by member and rule.
    pub fn tree(&self) -> Result<Tree<'_>, Problem> {
        Tree::parse(&self.bytes).map_err(|fault| faulty("member", &fault, &self.id))
    }
}

impl FromRequest<Current> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Current) -> Result<Self, Problem> {
        let id = request_id(request.headers());
        require_media(request.headers(), &["application/json"], &id)?;
        let bytes = read_bytes(request, RECORD_BODY_BYTES_MAX, &id).await?;
        Ok(Self { bytes, id })
    }
}

/// What a fault of a text becomes; `noun` is what the faulty thing is called.
#[must_use]
pub fn faulty(noun: &str, fault: &Fault, id: &str) -> Problem {
    let refused = match fault.breaks {
        Breaks::Shape => Refused::Malformed,
        Breaks::Bound => Refused::Unprocessable,
    };
    Problem::new(refused, fault.sentence(noun), id)
        .member(&fault.member())
        .rule(fault.rule)
}

/// The id that the exchange has given the request.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> String {
    let id = headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Takes one of these media types, in UTF-8 and not packed.
///
/// # Errors
/// It is another, or packed.
pub fn require_media(headers: &HeaderMap, accepted: &[&str], id: &str) -> Result<(), Problem> {
    let text = |name| {
        let value = headers.get(name).map(axum::http::HeaderValue::to_str);
        value.and_then(Result::ok).unwrap_or_default()
    };
    let packing = text(header::CONTENT_ENCODING).trim();
    if !packing.is_empty() && !packing.eq_ignore_ascii_case("identity") {
        let detail = "send the body as it is, without Content-Encoding";
        let problem = Problem::new(Refused::MediaType, detail, id);
        return Err(problem.member("Content-Encoding").rule("not packed"));
    }
    let mut parts = text(header::CONTENT_TYPE).split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !accepted
        .iter()
        .any(|media| media.eq_ignore_ascii_case(essence))
    {
        let detail = format!("send Content-Type: {}", accepted.join(" or "));
        return Err(Problem::new(Refused::MediaType, detail, id));
    }
    let other_charset = parts
        .filter_map(|part| part.split_once('='))
        .any(|(name, value)| {
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8")
        });
    if other_charset {
        let detail = "send the body in UTF-8";
        return Err(Problem::new(Refused::MediaType, detail, id).rule("charset"));
    }
    Ok(())
}

/// Reads a body of at most `most` bytes and stops where it is longer.
///
/// # Errors
/// It is longer, or breaks off.
pub async fn read_bytes(request: Request, most: usize, id: &str) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail =
            format!("a body of this path may have {most} bytes at most; send less at once");
        Problem::new(Refused::TooLarge, detail, id)
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| {
            let detail = "the body broke off before its end; send it again";
            Problem::new(Refused::Malformed, detail, id).rule("whole body")
        })?;
        if bytes.len() + chunk.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// A part of a URL as it was meant; `None` when a `%` is not followed by two hexadecimal digits, or when what
/// comes out is not UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}
