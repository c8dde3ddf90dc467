//! Forms: read whole and bounded, and only where they come from a page of ours.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use crate::interfaces::http::Current;
use crate::interfaces::http::{Problem, Refused};
use crate::interfaces::web::layout::{NoPage, Page};

/// A comment and a reason of some pages; nothing on a page is longer.
const FORM_BYTES_MAX: usize = 64 * 1_024;

/// The fields of a form, in order.
pub(super) struct Form {
    fields: Vec<(String, String)>,
    pub(super) request_id: String,
}

impl Form {
    /// The field of this name, without blanks around it; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.as_typed(name).trim()
    }

    /// The same where something was typed.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// The field to the letter.
    pub(super) fn as_typed(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The parameters of a query, in order.
pub(super) fn parameters(query: Option<&str>) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.into_owned().collect()
}

impl FromRequest<Current> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Current) -> Result<Self, Response> {
        let request_id = request_id(request.headers());
        let refuse = |refused, detail: &str| {
            let problem = Problem::new(refused, detail, &request_id);
            NoPage::new(Page::outside(""), problem).into_response()
        };
        if !comes_from_here(request.headers()) {
            let detail =
                "this form was sent from another site; open the page here and send it again";
            return Err(refuse(Refused::Forbidden, detail));
        }
        let media = text(request.headers(), "content-type");
        let essence = media.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(refuse(Refused::MediaType, "send the form of the page"));
        }
        let mut stream = request.into_body().into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk
                .map_err(|_| refuse(Refused::Malformed, "the form broke off; send it again"))?;
            if bytes.len() + chunk.len() > FORM_BYTES_MAX {
                return Err(refuse(
                    Refused::TooLarge,
                    "the form is too long; write less",
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        let pairs = url::form_urlencoded::parse(&bytes);
        Ok(Self {
            fields: pairs.into_owned().collect(),
            request_id,
        })
    }
}

/// What browsers say of where a form comes from. Those that say nothing are held
/// by the token and by the cookie, which no other site can make them send.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let site = text(headers, "sec-fetch-site");
    let same_site = site.is_empty() || site == "same-origin" || site == "none";
    let origin = text(headers, "origin");
    let host = text(headers, "host");
    let same_origin = origin.is_empty()
        || origin
            .split_once("://")
            .is_some_and(|(_, place)| place.eq_ignore_ascii_case(host));
    same_site && same_origin
}

pub(super) fn request_id(headers: &HeaderMap) -> String {
    text(headers, "x-request-id").to_owned()
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::comes_from_here;

    #[test]
    fn a_form_of_another_site_is_told_apart() {
        let sent = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("desk.example.org"));
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            comes_from_here(&headers)
        };
        assert!(sent(&[]));
        assert!(sent(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://desk.example.org")
        ]));
        for wrong in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example.org"),
            ("origin", "https://desk.example.org.evil.example.org"),
            ("origin", "null"),
        ] {
            assert!(!sent(&[wrong]), "{wrong:?}");
        }
    }
}
