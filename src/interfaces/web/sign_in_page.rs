//! The way in and out. Why a name and a password do not fit is not said.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use crate::flows::{self, Context};
use crate::interfaces::web::forms::{Form, parameters, request_id};
use crate::interfaces::web::layout::{NoPage, Page, html, may, redirect};
use crate::interfaces::web::provider_page::Elsewhere;
use crate::interfaces::web::visitor::{Posted, cookie_of, set_cookie};
use crate::security::{Action, Origin, Role};

const PLACE_CHARACTERS_MAX: usize = 512;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInTemplate {
    page: Page,
    /// Where to go on.
    then: String,
    /// The name as it was typed.
    name: String,
    problem: Option<&'static str>,
    /// What somebody had typed when the session ended.
    typed: Option<String>,
    /// Where else one may sign in.
    provider: Option<String>,
}

impl SignInTemplate {
    fn new(then: String) -> Self {
        Self {
            page: Page::outside("Sign in"),
            then,
            name: String::new(),
            problem: None,
            typed: None,
            provider: None,
        }
    }
}

/// The sign-in before a page. Pages have ids of ours in their addresses, and
/// nothing else.
pub(super) fn before(wanted: &Uri) -> String {
    let place = wanted.path_and_query().map_or("/", |place| place.as_str());
    if place == "/" {
        return "/".to_owned();
    }
    let place: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
    format!("/?then={place}")
}

/// A page of ours, and of nobody else's: no other host, no scheme.
pub(super) fn place(text: &str) -> Option<&str> {
    let sound = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= PLACE_CHARACTERS_MAX
        && !text.contains('\\')
        && text.chars().all(|letter| letter.is_ascii_graphic());
    (sound && text != "/").then_some(text)
}

/// The session has ended before a form was sent: what was typed comes back.
pub(super) fn session_ended(path: &str, form: &Form) -> Response {
    let then = path.strip_prefix("/review/tasks/").and_then(|rest| {
        let task = rest.split('/').next()?;
        Some(format!("/review/tasks/{task}"))
    });
    let mut template = SignInTemplate::new(then.unwrap_or_default());
    template.problem = Some("Your session has ended, and nothing was changed. Sign in again.");
    let typed = form.given("reason").or_else(|| form.given("comment"));
    template.typed = typed;
    html(StatusCode::UNAUTHORIZED, &template)
}

/// The sign-in, or the first page of whoever is signed in.
pub(super) async fn show(
    State(context): State<Context>,
    Elsewhere(provider): Elsewhere,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, NoPage> {
    let query = parameters(uri.query());
    let then = query.iter().find(|(name, _)| name == "then");
    let then = then.and_then(|(_, value)| place(value)).unwrap_or_default();
    if let Some(cookie) = cookie_of(&headers) {
        let known = flows::visit(&context, &cookie).await;
        let known =
            known.map_err(|error| NoPage::of(Page::outside(""), &error, &request_id(&headers)))?;
        if let Some(visit) = known {
            return Ok(redirect(if then.is_empty() {
                first_page(&visit.roles)
            } else {
                then
            }));
        }
    }
    let mut template = SignInTemplate::new(then.to_owned());
    template.provider = provider.map(|provider| provider.name().to_owned());
    Ok(html(StatusCode::OK, &template))
}

/// What somebody of these roles comes for.
fn first_page(roles: &[Role]) -> &'static str {
    if may(roles, Action::ReadTask) {
        "/review"
    } else if may(roles, Action::SearchPerson) {
        "/search"
    } else if may(roles, Action::ReadAudit) {
        "/audit"
    } else if may(roles, Action::ReadModel) {
        "/models"
    } else {
        "/account"
    }
}

/// Signs in.
pub(super) async fn sign_in(
    State(context): State<Context>,
    Elsewhere(provider): Elsewhere,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, NoPage> {
    let name = form.text("name").to_owned();
    let password = form.as_typed("password").to_owned();
    let asked = (form.request_id.as_str(), &origin);
    let signed_in = flows::sign_in(&context, &name, password, asked).await;
    let signed_in =
        signed_in.map_err(|error| NoPage::of(Page::outside(""), &error, &form.request_id))?;
    let then = place(form.text("then")).unwrap_or_default().to_owned();
    let Some(cookie) = signed_in else {
        let mut template = SignInTemplate::new(then);
        template.name = name;
        template.provider = provider.map(|provider| provider.name().to_owned());
        template.typed = form.given("typed");
        template.problem = Some(
            "The name and the password do not fit, or the account is closed for a quarter of an \
             hour after too many attempts.",
        );
        return Ok(html(StatusCode::UNAUTHORIZED, &template));
    };
    // The session before this one is over on this machine.
    if let Some(old) = cookie_of(&headers) {
        flows::sign_out(&context, &old)
            .await
            .map_err(|error| NoPage::of(Page::outside(""), &error, &form.request_id))?;
    }
    let mut response = redirect(if then.is_empty() { "/" } else { &then });
    let cookie = set_cookie(&headers, Some(&cookie));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Signs out on this machine.
pub(super) async fn sign_out(
    State(context): State<Context>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = posted.visitor;
    flows::sign_out(&context, &visitor.cookie)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let cookie = set_cookie(&headers, None);
    // Whoever signs in elsewhere is still signed in there.
    let then = if visitor.visit.elsewhere {
        "/signed-out"
    } else {
        "/"
    };
    Ok(([(header::SET_COOKIE, cookie)], redirect(then)).into_response())
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn after_the_sign_in_only_a_page_of_ours_follows() {
        assert_eq!(
            place("/review?kind=overlay_held"),
            Some("/review?kind=overlay_held")
        );
        for other in [
            "",
            "/",
            "//evil.example.org",
            "/\\evil.example.org",
            "https://evil.example.org",
            "review",
            "/re view",
            "/r\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
