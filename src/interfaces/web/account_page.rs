//! The account of whoever is signed in: its roles, its password, its sessions.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::flows::{self, Context, FlowError};
use crate::foundation::limits::PASSWORD_CHARACTERS_MIN;
use crate::interfaces::web::layout::{NoPage, Page, html, redirect};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::visitor::{Posted, Visitor, set_cookie};
use crate::interfaces::web::words;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate {
    page: Page,
    name: String,
    roles: Vec<&'static str>,
    since: LocalTime,
    purpose: Option<String>,
    password_min: usize,
    elsewhere: bool,
    problem: Option<String>,
}

impl AccountTemplate {
    fn of(visitor: &Visitor) -> Self {
        let visit = &visitor.visit;
        Self {
            page: visitor.page("Your account", "/account"),
            name: visit.account.clone(),
            roles: visit.roles.iter().map(|role| words::role(*role)).collect(),
            since: LocalTime::of(visit.began_at),
            purpose: visit.purpose.clone(),
            password_min: PASSWORD_CHARACTERS_MIN,
            elsewhere: visit.elsewhere,
            problem: None,
        }
    }
}

/// The account.
pub(super) async fn show(visitor: Visitor) -> Response {
    html(StatusCode::OK, &AccountTemplate::of(&visitor))
}

/// Another password; all sessions end.
pub(super) async fn change_password(
    State(context): State<Context>,
    headers: HeaderMap,
    Posted { visitor, form }: Posted,
) -> Result<Response, NoPage> {
    let present = form.as_typed("present").to_owned();
    let new = form.as_typed("new").to_owned();
    let refused = |problem: String| {
        let mut template = AccountTemplate::of(&visitor);
        template.problem = Some(problem);
        Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &template))
    };
    if new != form.as_typed("again") {
        return refused("The new password and its repetition differ.".to_owned());
    }
    let pair = (present, new);
    let asked = visitor.asked();
    match flows::change_password(&context, &visitor.cookie, pair, asked).await {
        Ok(true) => {
            let cookie = set_cookie(&headers, None);
            Ok(([(header::SET_COOKIE, cookie)], redirect("/")).into_response())
        }
        Ok(false) => refused("The present password is not right.".to_owned()),
        Err(FlowError::Unprocessable { detail, .. }) => refused(detail),
        Err(error) => Err(visitor.no_page(&error)),
    }
}

/// Ends all sessions of the account.
pub(super) async fn sign_out_everywhere(
    State(context): State<Context>,
    headers: HeaderMap,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = posted.visitor;
    flows::sign_out_everywhere(&context, &visitor.visit.account)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let cookie = set_cookie(&headers, None);
    Ok(([(header::SET_COOKIE, cookie)], redirect("/")).into_response())
}
