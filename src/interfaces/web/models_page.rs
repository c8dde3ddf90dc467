//! What the model weighs and what came of it, for engineers: the pictures of the
//! report, on figures and levels alone. Nothing here identifies anybody.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::evaluation::report::{ledger_weights, model_levels};
use crate::flows::{self, Context, FlowError};
use crate::interfaces::web::layout::{NoPage, Page, html};
use crate::interfaces::web::visitor::Visitor;
use crate::security::Action;

/// Why an engineer's pages are read, in the audit.
pub(super) const REASON: &str = "model and its figures";

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsTemplate {
    page: Page,
    facts: Vec<(&'static str, String)>,
    notes: Vec<String>,
    /// Made by the report's own functions, which escape what they are given.
    levels: String,
    weights: String,
}

/// The model that decides.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadModel, REASON)?;
    let weights = flows::weigh_ledger(&context, &access)
        .await
        .map_err(|error: FlowError| visitor.no_page(&error))?;
    let model = &context.model;
    let file = model.file();
    let bits = |bits: f64| format!("{bits:.1} bits");
    let calibrated = if model.calibrated() {
        "yes: probabilities are measured ones"
    } else {
        "no: probabilities are what weights claim"
    };
    let template = ModelsTemplate {
        page: visitor.page("Model", "/models"),
        facts: vec![
            (
                "Name and version",
                format!("{} {}", file.name, file.version),
            ),
            ("Id", model.id().to_string()),
            ("Profile", file.profile.clone()),
            ("Linked from", bits(model.link_threshold().bits())),
            ("Looked at from", bits(model.review_threshold().bits())),
            ("Shown from", bits(file.floor_bits)),
            ("The next person is behind by", bits(file.margin_bits)),
            (
                "A false link costs as much as",
                format!("{} misses", file.cost_ratio),
            ),
            ("Before anything is compared", bits(model.prior_bits())),
            (
                "What a household shares counts to",
                bits(model.household_cap_bits()),
            ),
            ("What twins share counts to", bits(model.twin_cap_bits())),
            ("Calibrated", calibrated.to_owned()),
        ],
        notes: file.notes.clone(),
        levels: model_levels(model),
        weights: ledger_weights(&weights, model),
    };
    Ok(html(StatusCode::OK, &template))
}
