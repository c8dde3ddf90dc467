//! The native JSON API under `/api/v1` (DESIGN §6.3). Handlers are named
//! `verb_noun` and call one flow each.
//!
//! To add a route: write the handler with `#[utoipa::path]` above it, list it in
//! [`routes`], and run `ACCORD_BLESS=1 cargo test --test service openapi`. The
//! document then has it with bounds, headers and the usual problems
//! (`document.rs`); a handler lists only the problems that are its own.

use crate::interfaces::http::Current;
mod acknowledgements;
mod address;
mod batch;
mod bodies;
mod disputes;
mod document;
mod erasures;
mod events;
mod golden;
mod kept_models;
mod matching;
mod merges;
mod moments;
mod persons;
mod records;
mod review;
mod seals;
mod search;
mod source_merges;
mod sources;
mod subject_access;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use document::{API_PREFIX, publish};

/// Every route of the API. The body of a batch and that of all others are bounded
/// where they are read (`request.rs`).
#[must_use]
pub fn routes() -> OpenApiRouter<Current> {
    OpenApiRouter::default()
        .routes(routes!(sources::list_sources, sources::add_source))
        .routes(routes!(sources::view_scorecard))
        .routes(routes!(sources::release_source))
        .routes(routes!(kept_models::list_models))
        .routes(routes!(kept_models::view_shadow))
        .routes(routes!(kept_models::view_model))
        .routes(routes!(source_merges::merge_source_records))
        .routes(routes!(records::register_record_in_body))
        .routes(routes!(
            records::register_record,
            records::view_record,
            records::withdraw_record
        ))
        .routes(routes!(batch::register_batch))
        .routes(routes!(records::cross_reference))
        .routes(routes!(disputes::list_disputes, disputes::dispute_value))
        .routes(routes!(disputes::answer_dispute))
        .routes(routes!(matching::match_person))
        .routes(routes!(search::search_persons))
        .routes(routes!(persons::view_person))
        .routes(routes!(persons::view_person_records))
        .routes(routes!(subject_access::subject_access))
        .routes(routes!(golden::view_golden))
        .routes(routes!(golden::prefer_value, golden::stop_preferring))
        .routes(routes!(events::view_history))
        .routes(routes!(events::follow_events))
        .routes(routes!(merges::merge_persons))
        .routes(routes!(merges::view_merge))
        .routes(routes!(merges::undo_merge))
        .routes(routes!(merges::undo_decisions))
        .routes(routes!(merges::move_record))
        .routes(routes!(merges::assert_records))
        .routes(routes!(merges::withdraw_assertion))
        .routes(routes!(review::list_tasks))
        .routes(routes!(review::view_task))
        .routes(routes!(review::claim_task))
        .routes(routes!(review::assign_task))
        .routes(routes!(review::readers_agree))
        .routes(routes!(review::release_task))
        .routes(routes!(review::comment_task))
        .routes(routes!(review::decide_task))
        .routes(routes!(review::escalate_task))
        .routes(routes!(review::view_pack))
        .routes(routes!(acknowledgements::chase_list))
        .routes(routes!(acknowledgements::acknowledge_change))
        .routes(routes!(webhooks::list_webhooks, webhooks::add_webhook))
        .routes(routes!(webhooks::remove_webhook))
        .routes(routes!(webhooks::list_dead_letters))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(seals::list_seals, seals::seal_persons))
        .routes(routes!(seals::lift_seal))
        .routes(routes!(erasures::erase_record))
}
