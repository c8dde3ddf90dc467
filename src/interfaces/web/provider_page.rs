//! Signing in at a provider: leaving, coming back, and showing again who one is. A
//! browser that comes from another site brings no cookie of ours (`SameSite=Strict`),
//! so the page that it comes back to goes on to one more.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use serde_json::json;

use crate::flows::{self, Context, FlowError, Vouched};
use crate::foundation::hex;
use crate::interfaces::http::{Problem, Refused};
use crate::interfaces::oidc::{NotVouched, Provider, Purpose, Ticket};
use crate::interfaces::web::forms::{Form, parameters, request_id, text};
use crate::interfaces::web::layout::{NoPage, Page, html, redirect};
use crate::interfaces::web::sign_in_page::place;
use crate::interfaces::web::visitor::{
    Visitor, cookie_header, cookie_named, cookie_of, is_loopback, name_among, set_cookie,
};
use crate::security::Origin;

/// From leaving to coming back; it holds nothing but a random number.
const COOKIE: &str = "__Host-accord-way";
/// Its name where there is no TLS: on the machine itself.
const COOKIE_ON_LOOPBACK: &str = "accord-way";
const SECRET_BYTES: usize = 32;
/// Longest code or state that is taken back.
const PARAMETER_CHARACTERS_MAX: usize = 2_048;

/// The provider, where one is set.
pub(super) struct Elsewhere(pub(super) Option<Arc<Provider>>);

impl<S: Sync> FromRequestParts<S> for Elsewhere {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Option<Arc<Provider>>>();
        Ok(Self(known.cloned().flatten()))
    }
}

/// A page between here and there.
#[derive(Template)]
#[template(path = "way.html")]
struct WayTemplate {
    page: Page,
    sentence: String,
    /// Where the page goes on to by itself.
    onward: Option<String>,
    link: Option<(String, String)>,
}

fn refuse(refused: Refused, detail: &str, headers: &HeaderMap) -> NoPage {
    let problem = Problem::new(refused, detail, &request_id(headers));
    NoPage::new(Page::outside(""), problem)
}

fn not_vouched(error: &NotVouched, headers: &HeaderMap) -> NoPage {
    tracing::warn!(cause = error.cause(), "nobody was vouched for");
    let refused = match error {
        NotVouched::Unreachable(_) => Refused::Unavailable,
        _ => Refused::Forbidden,
    };
    refuse(refused, &error.to_string(), headers)
}

fn provider_of(provider: Elsewhere, headers: &HeaderMap) -> Result<Arc<Provider>, NoPage> {
    let none = "people sign in here with an account of this service";
    provider
        .0
        .ok_or_else(|| refuse(Refused::NotFound, none, headers))
}

/// The address of a page of ours as the provider knows it. Without one that was set
/// only a browser on the machine itself is believed what it calls us.
fn address(provider: &Provider, path: &str, headers: &HeaderMap) -> Result<String, NoPage> {
    let host = text(headers, "host");
    match provider.own_url() {
        Some(url) => Ok(format!("{url}{path}")),
        None if is_loopback(host) => Ok(format!("http://{host}{path}")),
        None => {
            let detail = "the operator has not said where people reach these pages (url)";
            Err(refuse(Refused::Unavailable, detail, headers))
        }
    }
}

fn cookie_name(headers: &HeaderMap) -> &'static str {
    name_among(headers, (COOKIE, COOKIE_ON_LOOPBACK))
}

/// To the provider, to sign in.
pub(super) async fn leave(
    State(context): State<Context>,
    provider: Elsewhere,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, NoPage> {
    let provider = provider_of(provider, &headers)?;
    let query = parameters(uri.query());
    let then = query.iter().find(|(name, _)| name == "then");
    let then = then.and_then(|(_, value)| place(value)).unwrap_or("/");
    set_out(&context, &provider, Purpose::SignIn, then, &headers).await
}

/// To the provider, to show again who one is.
pub(super) async fn confirm(
    State(context): State<Context>,
    provider: Elsewhere,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, NoPage> {
    let provider = provider_of(provider, &headers)?;
    if !visitor.visit.elsewhere {
        let detail = "an account of this service is confirmed by its password";
        return Err(refuse(Refused::Forbidden, detail, &headers));
    }
    set_out(&context, &provider, Purpose::Confirm, "/", &headers).await
}

async fn set_out(
    context: &Context,
    provider: &Provider,
    purpose: Purpose,
    then: &str,
    headers: &HeaderMap,
) -> Result<Response, NoPage> {
    let mut random = [0_u8; SECRET_BYTES];
    context.chance.fill(&mut random);
    let secret = hex(&random);
    let back = address(provider, "/sign-in/callback", headers)?;
    let ticket = Ticket::new(secret.clone(), purpose, then.to_owned());
    let way = provider.way_there(&ticket, &back).await;
    let way = way.map_err(|error| not_vouched(&error, headers))?;
    let mut response = redirect(&way);
    let cookie = cookie_header(headers, cookie_name(headers), Some(&secret));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Back from the provider; no cookie has come along, so that it goes on to a page that
/// is asked for from here.
pub(super) async fn come_back(headers: HeaderMap, uri: Uri) -> Result<Response, NoPage> {
    let query = parameters(uri.query());
    if query.iter().any(|(name, _)| name == "error") {
        return Err(not_vouched(&NotVouched::Refused, &headers));
    }
    let mut onward = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &query {
        let wanted = matches!(name.as_str(), "code" | "state");
        if wanted && value.len() <= PARAMETER_CHARACTERS_MAX {
            onward.append_pair(name, value);
        }
    }
    let template = WayTemplate {
        page: Page::outside("Signing in"),
        sentence: "You are being signed in.".to_owned(),
        onward: Some(format!("/sign-in/finish?{}", onward.finish())),
        link: None,
    };
    Ok(html(StatusCode::OK, &template))
}

/// The end of the way: who it is, and a session for them.
pub(super) async fn finish(
    State(context): State<Context>,
    provider: Elsewhere,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, NoPage> {
    let provider = provider_of(provider, &headers)?;
    let query = parameters(uri.query());
    let of = |name: &str| {
        let found = query.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let secret = cookie_named(&headers, cookie_name(&headers)).unwrap_or_default();
    let ticket = Ticket::of_state(&secret, of("state"));
    let ticket = ticket.ok_or_else(|| not_vouched(&NotVouched::NotOurs("state"), &headers))?;
    let back = address(&provider, "/sign-in/callback", &headers)?;
    let now = context.clock.now();
    let vouched = provider.vouches(&ticket, of("code"), (&back, now)).await;
    let vouched = vouched.map_err(|error| not_vouched(&error, &headers))?;
    let mut response = match ticket.purpose {
        Purpose::Confirm => confirmed(&context, &vouched, &headers, &origin).await?,
        Purpose::SignIn => {
            let then = &ticket.then;
            signed_in(&context, vouched, then, (&headers, &origin)).await?
        }
    };
    let used = cookie_header(&headers, cookie_name(&headers), None);
    response.headers_mut().append(header::SET_COOKIE, used);
    Ok(response)
}

async fn confirmed(
    context: &Context,
    vouched: &Vouched,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<Response, NoPage> {
    let cookie = cookie_of(headers).unwrap_or_default();
    let id = request_id(headers);
    let confirmed = flows::confirm_vouched(context, &cookie, vouched, (&id, origin)).await;
    if !confirmed.map_err(|error| NoPage::of(Page::outside(""), &error, &id))? {
        let error = NotVouched::NotOurs("another account, or too long ago");
        return Err(not_vouched(&error, headers));
    }
    let template = WayTemplate {
        page: Page::outside("Confirmed"),
        sentence: "You have shown who you are. Close this tab, and send your answer where you \
                   were."
            .to_owned(),
        onward: None,
        link: Some(("/".to_owned(), "Go on from the start".to_owned())),
    };
    Ok(html(StatusCode::OK, &template))
}

async fn signed_in(
    context: &Context,
    vouched: Vouched,
    then: &str,
    (headers, origin): (&HeaderMap, &Origin),
) -> Result<Response, NoPage> {
    let id = request_id(headers);
    let failed = |error: FlowError| NoPage::of(Page::outside(""), &error, &id);
    let cookie = flows::sign_in_vouched(context, vouched, (&id, origin)).await;
    let cookie = cookie
        .map_err(failed)?
        .ok_or_else(|| not_vouched(&NotVouched::Refused, headers))?;
    // The session before this one is over on this machine.
    if let Some(old) = cookie_of(headers) {
        flows::sign_out(context, &old).await.map_err(failed)?;
    }
    let mut response = redirect(place(then).unwrap_or("/"));
    let cookie = set_cookie(headers, Some(&cookie));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The provider says, from server to server, that somebody has signed out there
/// (OpenID Connect Back-Channel Logout 1.0 §2.8).
pub(super) async fn hear_logout(
    State(context): State<Context>,
    provider: Elsewhere,
    Extension(origin): Extension<Origin>,
    form: Form,
) -> Response {
    let status = end_sessions(&context, provider, &form, &origin).await;
    let status = status.unwrap_or_else(|refused| refused);
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    // As OAuth says errors: the provider reads no page.
    match status {
        StatusCode::OK => (status, no_store).into_response(),
        StatusCode::BAD_REQUEST => {
            let error = json!({"error": "invalid_request"});
            (status, no_store, Json(error)).into_response()
        }
        _ => {
            let error = json!({"error": "temporarily_unavailable"});
            (status, no_store, Json(error)).into_response()
        }
    }
}

async fn end_sessions(
    context: &Context,
    provider: Elsewhere,
    form: &Form,
    origin: &Origin,
) -> Result<StatusCode, StatusCode> {
    let provider = provider.0.ok_or(StatusCode::BAD_REQUEST)?;
    let token = form.as_typed("logout_token");
    let heard = provider.hears_logout(token, context.clock.now()).await;
    let heard = heard.map_err(|error| {
        tracing::warn!(
            cause = error.cause(),
            "the word of a sign-out is not believed"
        );
        match error {
            NotVouched::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    })?;
    let asked = (form.request_id.as_str(), origin);
    let ended = flows::end_vouched_sessions(context, heard, asked).await;
    let is_new = ended.map_err(|error| {
        tracing::error!(%error, "sessions could not be ended");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    is_new
        .then_some(StatusCode::OK)
        .ok_or(StatusCode::BAD_REQUEST)
}

/// Signed out here; the way to sign out there as well.
pub(super) async fn signed_out(
    provider: Elsewhere,
    headers: HeaderMap,
) -> Result<Response, NoPage> {
    let provider = provider_of(provider, &headers)?;
    let back = address(&provider, "/", &headers)?;
    let link = provider.way_out(&back).await;
    let name = provider.name();
    let template = WayTemplate {
        page: Page::outside("Signed out"),
        sentence: format!("You are signed out here, and perhaps still signed in with {name}."),
        onward: None,
        link: link.map(|link| (link, format!("Sign out of {name} too"))),
    };
    Ok(html(StatusCode::OK, &template).into_response())
}
