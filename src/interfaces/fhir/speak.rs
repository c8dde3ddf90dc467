//! What every exchange of this door has: a correlation id that comes back, a form of
//! the answer that the caller takes, and problems in FHIR's words, also those of the
//! parts that all doors share.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::interfaces::fhir::FHIR_PREFIX;
use crate::interfaces::fhir::body::{FHIR_JSON, FHIR_XML};
use crate::interfaces::fhir::outcome::said;
use crate::interfaces::fhir::xml_out::to_xml;
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
    let form = Form::wanted(request.headers(), request.uri().query().unwrap_or_default());
    let mut response = if form.is_some() {
        next.run(request).await
    } else {
        let detail =
            "answers are application/fhir+json or application/fhir+xml; accept one of them";
        Problem::new(Refused::NotAcceptable, detail, "").into_response()
    };
    if let Some(problem) = response.extensions().get::<Problem>() {
        response = said(problem, response.headers());
    }
    let form = response.extensions().get().copied().or(form);
    if form == Some(Form::Xml) {
        response = in_xml(response).await;
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

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Xml,
}

impl Form {
    /// What the caller takes, which is known before anything is done; `None` where it is
    /// neither. Who takes both is answered in JSON.
    fn wanted(headers: &HeaderMap, query: &str) -> Option<Self> {
        if let Some(format) = format_of(query) {
            return Self::named(&format.to_ascii_lowercase());
        }
        let accepted: Vec<String> = headers
            .get_all(header::ACCEPT)
            .iter()
            .map(|value| value.to_str().unwrap_or_default().to_ascii_lowercase())
            .collect();
        let any = |text: &String| text.is_empty() || text.contains("json");
        if accepted.is_empty() || accepted.iter().any(any) {
            return Some(Self::Json);
        }
        let named = accepted.iter().find_map(|text| Self::named(text));
        let whatever = accepted.iter().any(|text| text.contains("*/*"));
        named.or(whatever.then_some(Self::Json))
    }

    fn named(text: &str) -> Option<Self> {
        // A page is no resource, though its media type may end so.
        let xml = [
            "application/fhir+xml",
            "application/xml",
            "text/xml",
            "fhir%2bxml",
        ];
        if text.contains("json") {
            Some(Self::Json)
        } else if text == "xml" || xml.iter().any(|name| text.contains(name)) {
            Some(Self::Xml)
        } else {
            None
        }
    }
}

/// The `_format` of a query or a form.
pub(super) fn format_of(query: &str) -> Option<&str> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("_format="))
}

/// The same answer, to be given in the form that the body of the request names.
pub(super) fn in_form(mut response: Response, format: Option<&str>) -> Response {
    if let Some(form) = format.and_then(|text| Form::named(&text.to_ascii_lowercase())) {
        response.extensions_mut().insert(form);
    }
    response
}

/// The same answer in XML; what is no resource in JSON stays as it is.
async fn in_xml(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let sent = parts.headers.get(header::CONTENT_TYPE);
    if sent.is_none_or(|sent| sent != FHIR_JSON) {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return Problem::new(Refused::Fault, "the answer broke off", "").into_response();
    };
    let Some(text) = to_xml(&bytes) else {
        return Response::from_parts(parts, bytes.into());
    };
    let media = HeaderValue::from_static(FHIR_XML);
    parts.headers.insert(header::CONTENT_TYPE, media);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, text.into())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Form, correlation};

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
    fn an_answer_has_the_form_that_the_caller_takes() {
        let accepts = |accept: &'static str| Form::wanted(&with("accept", accept), "");
        for accept in [
            "application/fhir+json",
            "application/json;q=0.5",
            "text/html, */*",
            "application/fhir+xml, application/fhir+json",
        ] {
            assert_eq!(accepts(accept), Some(Form::Json), "{accept}");
        }
        for accept in ["application/fhir+xml", "text/xml;q=0.9, */*;q=0.1"] {
            assert_eq!(accepts(accept), Some(Form::Xml), "{accept}");
        }
        for accept in ["text/html", "text/turtle", "application/xhtml+xml"] {
            assert_eq!(accepts(accept), None, "{accept}");
        }
        let asks = |query| Form::wanted(&HeaderMap::new(), query);
        assert_eq!(asks("_format=application%2Ffhir%2Bjson"), Some(Form::Json));
        assert_eq!(asks("a=b&_format=xml"), Some(Form::Xml));
        assert_eq!(asks("_format=application%2Ffhir%2Bxml"), Some(Form::Xml));
        assert_eq!(asks("_format=application/fhir%2Bxml"), Some(Form::Xml));
        assert_eq!(asks("_format=ttl"), None);
    }
}
