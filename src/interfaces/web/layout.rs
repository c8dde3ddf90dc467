//! What all pages have in common: head, links, who is signed in; and what a page
//! becomes when it cannot be shown.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::flows::{FlowError, Visit};
use crate::interfaces::http::Problem;
use crate::interfaces::web::assets;
use crate::security::{Action, Role, actions};

/// What the layout needs.
pub(super) struct Page {
    pub(super) title: String,
    /// The account, where somebody is signed in.
    pub(super) who: Option<String>,
    pub(super) links: Vec<Link>,
    /// Goes with every form.
    pub(super) token: String,
    pub(super) design: &'static str,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
}

/// A link at the head of a page.
pub(super) struct Link {
    pub(super) href: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

const LINKS: [(&str, &str, Action); 6] = [
    ("/review", "Review queue", Action::ReadTask),
    ("/work", "Work", Action::ReadTask),
    ("/search", "Search", Action::SearchPerson),
    ("/sources", "Sources", Action::ReadSource),
    ("/models", "Model", Action::ReadModel),
    ("/audit", "Who looked", Action::ReadAudit),
];

impl Page {
    /// A page for nobody.
    pub(super) fn outside(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            who: None,
            links: Vec::new(),
            token: String::new(),
            design: assets::path("design.css"),
            style: assets::path("desk.css"),
            script: assets::path("desk.js"),
        }
    }

    /// A page under one of the links, for somebody.
    pub(super) fn inside(title: &str, under: &str, visit: &Visit, token: String) -> Self {
        let may = |action: &Action| may(&visit.roles, *action);
        let links = LINKS.iter().filter(|(_, _, action)| may(action));
        let links = links.map(|(href, label, _)| Link {
            href,
            label,
            current: *href == under,
        });
        Self {
            who: Some(visit.account.clone()),
            links: links.collect(),
            token,
            ..Self::outside(title)
        }
    }
}

/// Whether some of these roles may do it; for what a page offers, never for what
/// it does.
pub(super) fn may(roles: &[Role], action: Action) -> bool {
    roles.iter().any(|role| actions(*role).contains(&action))
}

/// A page as it is sent.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        tracing::error!("a page could not be rendered");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let media = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, media, text).into_response()
}

/// To another page; a POST becomes a GET there.
pub(super) fn redirect(to: &str) -> Response {
    let Ok(place) = HeaderValue::from_str(to) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// A page that cannot be shown.
pub(super) struct NoPage {
    page: Page,
    problem: Problem,
}

#[derive(Template)]
#[template(path = "no_page.html")]
struct NoPageTemplate<'a> {
    page: &'a Page,
    title: &'a str,
    detail: &'a str,
    request_id: &'a str,
}

impl NoPage {
    pub(super) fn new(mut page: Page, problem: Problem) -> Self {
        problem.title.clone_into(&mut page.title);
        Self { page, problem }
    }

    pub(super) fn of(page: Page, error: &FlowError, request_id: &str) -> Self {
        Self::new(page, Problem::of(error, request_id))
    }
}

impl IntoResponse for NoPage {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status);
        let template = NoPageTemplate {
            page: &self.page,
            title: self.problem.title,
            detail: &self.problem.detail,
            request_id: &self.problem.request_id,
        };
        html(status.unwrap_or(StatusCode::BAD_REQUEST), &template)
    }
}
