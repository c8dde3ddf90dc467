//! What every exchange of this door has: a correlation id that comes back, a form of
//! the answer that the caller takes, and problems in FHIR's words, also those of the
//! parts that all doors share.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::interfaces::fhir::FHIR_PREFIX;
use crate::interfaces::fhir::outcome::said;
use crate::interfaces::http::{Problem, Refused};

/// Longest correlation id that is given back.
const CORRELATION_CHARACTERS_MAX: usize = 128;

/// Goes around the whole service and lets other paths pass.
pub async fn speak(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = path.strip_prefix(FHIR_PREFIX);
    if !ours.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return next.run(request).await;
    }
    let correlation = correlation(request.headers());
    let acceptable = is_acceptable(request.headers(), request.uri().query().unwrap_or_default());
    let mut response = if acceptable {
        next.run(request).await
    } else {
        let detail = "answers are application/fhir+json; send Accept: application/fhir+json";
        Problem::new(Refused::NotAcceptable, detail, "").into_response()
    };
    if let Some(problem) = response.extensions().get::<Problem>() {
        response = said(problem, response.headers());
    }
    if let Some(correlation) = correlation {
        response
            .headers_mut()
            .insert("x-correlation-id", correlation);
    }
    response
}

fn correlation(headers: &HeaderMap) -> Option<HeaderValue> {
    let sent = headers.get("x-correlation-id")?;
    let text = sent.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let sound = (1..=CORRELATION_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(plain);
    sound.then(|| sent.clone())
}

/// Only JSON is spoken: said before anything is done.
fn is_acceptable(headers: &HeaderMap, query: &str) -> bool {
    let format = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("_format="));
    if let Some(format) = format {
        return format.to_ascii_lowercase().contains("json");
    }
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    accepted.peek().is_none()
        || accepted.any(|value| {
            let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
            text.is_empty() || text.contains("json") || text.contains("*/*")
        })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{correlation, is_acceptable};

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn a_correlation_id_comes_back_when_it_is_one() {
        let sound = with("x-correlation-id", "11C46F5F-CDEF-4865-94B2-0EE0EDCC26DA");
        assert!(correlation(&sound).is_some());
        for odd in ["", "a b", "<script>"] {
            assert!(
                correlation(&with("x-correlation-id", odd)).is_none(),
                "{odd}"
            );
        }
    }

    #[test]
    fn json_is_what_is_spoken() {
        for accept in [
            "application/fhir+json",
            "application/json;q=0.5",
            "text/html, */*",
        ] {
            assert!(is_acceptable(&with("accept", accept), ""), "{accept}");
        }
        assert!(!is_acceptable(&with("accept", "application/fhir+xml"), ""));
        assert!(is_acceptable(
            &HeaderMap::new(),
            "_format=application%2Ffhir%2Bjson"
        ));
        assert!(!is_acceptable(&HeaderMap::new(), "a=b&_format=xml"));
    }
}
