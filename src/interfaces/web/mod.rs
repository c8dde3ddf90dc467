//! The pages for people: a door like the others. It parses, calls one flow and
//! renders. Templates escape by themselves; nothing is written into a page that
//! has not passed the gate, and everything works without a script.

mod account_page;
mod around;
mod assets;
mod audit_page;
mod cohesion;
mod comparison_page;
mod csv;
mod differences;
mod forms;
mod joining_page;
mod layout;
mod local_time;
mod models_page;
mod person_page;
mod provider_page;
mod queue_page;
mod scorecard_page;
mod search_page;
mod shadow_page;
mod side_by_side;
mod sign_in_page;
mod sources_page;
mod speak;
mod task_moves;
mod task_steps;
mod timeline;
mod values;
mod visitor;
mod waterfall;
mod words;
mod work_page;

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::interfaces::http::Current;
use crate::interfaces::oidc::Provider;

pub use speak::speak;

/// No script or style in a page, none from elsewhere, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With "no-referrer" browsers send our own forms with "Origin: null".
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Every page; people may sign in at the provider too.
pub fn routes(provider: Option<Arc<Provider>>) -> Router<Current> {
    Router::new()
        .route("/", get(sign_in_page::show).post(sign_in_page::sign_in))
        .route("/sign-out", post(sign_in_page::sign_out))
        .route("/sign-in/provider", get(provider_page::leave))
        .route("/sign-in/again", get(provider_page::confirm))
        .route("/sign-in/callback", get(provider_page::come_back))
        .route("/sign-in/finish", get(provider_page::finish))
        .route("/sign-in/logged-out", post(provider_page::hear_logout))
        .route("/signed-out", get(provider_page::signed_out))
        .route("/account", get(account_page::show))
        .route("/account/password", post(account_page::change_password))
        .route("/account/sign-out", post(account_page::sign_out_everywhere))
        .route("/review", get(queue_page::show))
        .route("/review/start", post(task_moves::start))
        .route("/work", get(work_page::show))
        .route("/review/tasks/{task}", get(comparison_page::show))
        .route("/review/tasks/{task}/next", get(task_moves::next))
        .route("/review/tasks/{task}/previous", get(task_moves::previous))
        .route("/review/tasks/{task}/pack", get(comparison_page::show_pack))
        .route("/review/tasks/{task}/claim", post(task_steps::claim))
        .route("/review/tasks/{task}/release", post(task_steps::release))
        .route("/review/tasks/{task}/assign", post(task_steps::assign))
        .route("/review/tasks/{task}/comment", post(task_steps::comment))
        .route("/review/tasks/{task}/decide", post(task_steps::decide))
        .route("/review/tasks/{task}/undo", post(task_steps::undo))
        .route("/search", get(search_page::show).post(search_page::search))
        .route("/purpose", post(search_page::set_purpose))
        .route("/persons/{person}", get(person_page::show))
        .route("/persons/{person}/merge", post(joining_page::merge))
        .route(
            "/persons/{person}/records/{place}",
            get(person_page::show_record),
        )
        .route(
            "/persons/{person}/records/{place}/move",
            post(joining_page::move_record),
        )
        .route(
            "/persons/{person}/subject-access",
            get(audit_page::subject_access),
        )
        .route(
            "/persons/{person}/assertions/{assertion}/withdraw",
            post(timeline::withdraw),
        )
        .route("/merges/{merge}/undo", post(joining_page::undo))
        .route("/audit", get(audit_page::show).post(audit_page::ask))
        .route("/audit/persons/{person}", get(audit_page::of_person))
        .route("/sources", get(sources_page::show))
        .route("/sources/{source}", get(scorecard_page::show))
        .route("/sources/{source}/findings", get(scorecard_page::list))
        .route("/models", get(models_page::show))
        .route("/models/shadow", get(shadow_page::show))
        .route("/assets/{hash}/{name}", get(assets::serve))
        .layer(Extension(provider))
        .layer(map_response(guarded))
}

async fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
