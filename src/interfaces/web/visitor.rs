//! Who uses the pages: the cookie, the session behind it, and the token that
//! every form brings back.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::flows::{self, Context, FlowError, Visit};
use crate::foundation::{hex, hmac_sha256};
use crate::interfaces::http::Current;
use crate::interfaces::http::{Problem, Refused, let_in, origin_in};
use crate::interfaces::web::forms::{Form, request_id, text};
use crate::interfaces::web::layout::{NoPage, Page, redirect};
use crate::interfaces::web::sign_in_page;
use crate::security::{Access, Action, Actor, ActorKind, Origin};

/// Browsers send a cookie of this prefix over TLS only, and take it from this very
/// host only.
const COOKIE: &str = "__Host-accord";
/// Its name where there is no TLS: on the machine itself.
const COOKIE_ON_LOOPBACK: &str = "accord";

/// Somebody who is signed in.
pub(super) struct Visitor {
    pub(super) visit: Visit,
    pub(super) cookie: String,
    pub(super) request_id: String,
    pub(super) origin: Origin,
}

impl Visitor {
    /// The request, as the audit names it.
    pub(super) fn asked(&self) -> (&str, &Origin) {
        (&self.request_id, &self.origin)
    }

    /// A page under one of the links.
    pub(super) fn page(&self, title: &str, under: &str) -> Page {
        Page::inside(title, under, &self.visit, token(&self.cookie))
    }

    /// Asks the policy; `reason` says why a person is read (R131).
    pub(super) fn may_because(&self, action: Action, reason: &str) -> Result<Access, NoPage> {
        let actor = Actor {
            name: self.visit.account.clone(),
            kind: ActorKind::Person,
            roles: self.visit.roles.clone(),
            sources: Vec::new(),
            on_behalf_of: None,
            reason: Some(reason.to_owned()).filter(|reason| !reason.trim().is_empty()),
            request_id: self.request_id.clone(),
            origin: self.origin.clone(),
        };
        Access::to(action, actor).map_err(|denied| {
            let problem = Problem::denied(denied, &self.request_id);
            NoPage::new(self.page("", ""), problem)
        })
    }

    /// The same with the purpose that the visitor has given.
    pub(super) fn may(&self, action: Action) -> Result<Access, NoPage> {
        self.may_because(action, self.visit.purpose.as_deref().unwrap_or_default())
    }

    /// A code for a text, which tells nothing of it and holds in this session.
    pub(super) fn code_of(&self, text: &str) -> String {
        hex(&hmac_sha256(self.cookie.as_bytes(), text.as_bytes()))
    }

    /// What a flow's error becomes.
    pub(super) fn no_page(&self, error: &FlowError) -> NoPage {
        NoPage::of(self.page("", ""), error, &self.request_id)
    }
}

/// A code that only a page of this session can hold.
fn token(cookie: &str) -> String {
    hex(&hmac_sha256(cookie.as_bytes(), b"form"))
}

/// Somebody who is signed in, with a form that a page of ours made.
pub(super) struct Posted {
    pub(super) visitor: Visitor,
    pub(super) form: Form,
}

async fn visitor(parts: &Parts, context: &Context) -> Result<Option<Visitor>, Response> {
    let request_id = request_id(&parts.headers);
    let Some(cookie) = cookie_of(&parts.headers) else {
        return Ok(None);
    };
    let known = flows::visit(context, &cookie).await;
    let known = known
        .map_err(|error| NoPage::of(Page::outside(""), &error, &request_id).into_response())?;
    let Some(visit) = known else {
        return Ok(None);
    };
    if !let_in(parts, &visit.account) {
        let detail = "this account asks too often; try again in a second";
        let problem = Problem::new(Refused::TooMany, detail, &request_id);
        return Err(NoPage::new(Page::outside(""), problem).into_response());
    }
    Ok(Some(Visitor {
        visit,
        cookie,
        request_id,
        origin: origin_in(parts),
    }))
}

impl FromRequestParts<Current> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Response> {
        let found = visitor(parts, current.context()).await?;
        found.ok_or_else(|| redirect(&sign_in_page::before(&parts.uri)))
    }
}

impl FromRequest<Current> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, current: &Current) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let found = visitor(&parts, current.context()).await?;
        let path = parts.uri.path().to_owned();
        let form = Form::from_request(Request::from_parts(parts, body), current).await?;
        let Some(visitor) = found else {
            return Err(sign_in_page::session_ended(&path, &form));
        };
        if !is_same(form.as_typed("token"), &token(&visitor.cookie)) {
            let detail = "this form is not of your session; open the page again";
            let problem = Problem::new(Refused::Forbidden, detail, &visitor.request_id);
            return Err(NoPage::new(visitor.page("", ""), problem).into_response());
        }
        Ok(Self { visitor, form })
    }
}

/// Without telling by the time how much of it is right.
fn is_same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).map(|(a, b)| a ^ b);
    one.len() == other.len() && differences.fold(0, |all, one| all | one) == 0
}

pub(super) fn cookie_of(headers: &HeaderMap) -> Option<String> {
    cookie_named(headers, name_for(headers))
}

/// The value of a cookie.
pub(super) fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| *name == wanted);
    found.next().map(|(_, value)| value.to_owned())
}

fn name_for(headers: &HeaderMap) -> &'static str {
    name_among(headers, (COOKIE, COOKIE_ON_LOOPBACK))
}

/// The name of a cookie: the one that asks for TLS, but on the machine itself.
pub(super) fn name_among(
    headers: &HeaderMap,
    (elsewhere, on_loopback): (&'static str, &'static str),
) -> &'static str {
    if is_loopback(text(headers, "host")) {
        on_loopback
    } else {
        elsewhere
    }
}

/// Whether the browser is on the machine itself, where nobody listens in.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// The header that gives the cookie to a browser, or takes it away.
pub(super) fn set_cookie(headers: &HeaderMap, cookie: Option<&str>) -> HeaderValue {
    cookie_header(headers, name_for(headers), cookie)
}

/// The same of another cookie.
pub(super) fn cookie_header(headers: &HeaderMap, name: &str, cookie: Option<&str>) -> HeaderValue {
    let secure = if is_loopback(text(headers, "host")) {
        ""
    } else {
        "; Secure"
    };
    let (value, age) = match cookie {
        Some(value) => (value, ""),
        None => ("", "; Max-Age=0"),
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, is_same};

    #[test]
    fn a_cookie_goes_without_tls_on_the_machine_itself_only() {
        for host in ["127.0.0.1:8080", "localhost", "[::1]:1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "10.0.0.1:8080",
            "localhost.example.org",
            "127.0.0.1.example.org:80",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same("abc", "abc"));
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!is_same("abc", other), "{other}");
        }
    }
}
