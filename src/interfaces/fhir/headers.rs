//! Versions, places and preferences in headers.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::foundation::Instant;
use crate::interfaces::fhir::FHIR_PREFIX;

/// What a writer wants to be answered (`Prefer: return=…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefer {
    /// The resource as it is served now.
    Representation,
    /// Headers alone.
    Minimal,
    /// What was found in it.
    Outcome,
}

impl Prefer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let wants = |word: &str| {
            let text = format!("return={word}");
            headers.get_all("prefer").iter().any(|value| {
                let value = value.to_str().unwrap_or_default();
                let mut parts = value.split([',', ';']);
                parts.any(|part| part.trim().eq_ignore_ascii_case(&text))
            })
        };
        match () {
            () if wants("minimal") => Self::Minimal,
            () if wants("OperationOutcome") => Self::Outcome,
            () => Self::Representation,
        }
    }
}

/// Puts the version on an answer.
pub(super) fn with_version(mut response: Response, version: u32, at: Option<Instant>) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        headers.insert(header::ETAG, value);
    }
    if let Some(value) = at.and_then(|at| HeaderValue::from_str(&http_date(at)).ok()) {
        headers.insert(header::LAST_MODIFIED, value);
    }
    response
}

/// Puts the place of a version on an answer.
pub(super) fn with_location(mut response: Response, name: &str, version: u32) -> Response {
    let place = format!("{FHIR_PREFIX}/Patient/{name}/_history/{version}");
    if let Ok(value) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Where the caller has found this door, for links in bundles.
pub(super) fn base_of(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let host = text("host").filter(|host| !host.is_empty() && host.bytes().all(plain));
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https");
    match host {
        Some(host) => format!("{}://{host}{FHIR_PREFIX}", scheme.unwrap_or("http")),
        None => FHIR_PREFIX.to_owned(),
    }
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const SECONDS_A_DAY: i64 = 86_400;

/// RFC 9110 §5.6.7.
fn http_date(at: Instant) -> String {
    let seconds = at.microseconds().div_euclid(1_000_000);
    let (day, second) = (
        seconds.div_euclid(SECONDS_A_DAY),
        seconds.rem_euclid(SECONDS_A_DAY),
    );
    let weekday = usize::try_from(day.rem_euclid(7)).map_or("", |day| DAYS[day]);
    let (year, month, date) = at.date();
    let month = MONTHS
        .get(usize::from(month).saturating_sub(1))
        .unwrap_or(&"");
    format!(
        "{weekday}, {date:02} {month} {year:04} {:02}:{:02}:{:02} GMT",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Prefer, http_date};
    use crate::foundation::Instant;

    #[test]
    fn a_date_of_http_has_its_weekday() {
        let at = Instant::from_microseconds(784_111_777_000_000);
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        let first = Instant::from_microseconds(0);
        assert_eq!(http_date(first), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn a_writer_says_what_comes_back() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(text));
            Prefer::of(&headers)
        };
        assert_eq!(Prefer::of(&HeaderMap::new()), Prefer::Representation);
        assert_eq!(with("respond-async, return=minimal"), Prefer::Minimal);
        assert_eq!(with("return=OperationOutcome"), Prefer::Outcome);
    }
}
