//! FHIR R4 under `/fhir/R4`. Its words stay in here: a resource is read through a
//! small view of what is understood (`view.rs`), becomes what every door gives to the
//! flows (`to_record.rs`), and is kept whole beside it, so that what is not
//! understood is given back. `docs/adr/0010-…` says which Patients there are:
//!
//! ```text
//! R-… a source's record, as that source sent it: written, versioned
//! P-… a person, what its records say together: read, searched, merged
//! ```

use crate::interfaces::http::Current;
mod audit_events;
mod audit_shape;
mod body;
mod bulk;
mod bundle;
mod bundle_entry;
mod capability;
mod criteria;
mod dates;
mod feed_out;
mod from_record;
mod headers;
mod identifiers;
mod linkages;
mod match_operation;
mod merge_operation;
mod message;
mod narrowing;
mod opened;
mod outcome;
mod parameters;
mod patients;
mod persons;
mod pix;
mod query;
mod readings;
mod replaced;
mod search;
mod searchset;
mod speak;
mod subscriptions;
mod systems;
mod to_record;
mod transaction;
mod view;
mod writer;
mod writing;
mod xml;
mod xml_order;
mod xml_out;
mod xml_shape;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

pub use feed_out::feed_message;
pub use speak::speak;

/// Where the resources are.
pub const FHIR_PREFIX: &str = "/fhir/R4";

/// The base with a slash at its end: clients that join it with an empty path send this.
pub const FHIR_ROOT: &str = "/fhir/R4/";

/// Whether a route takes many resources at once.
#[must_use]
pub fn takes_many(route: &str) -> bool {
    let rest = route.strip_prefix(FHIR_PREFIX);
    rest.is_some_and(|rest| {
        matches!(
            rest,
            "" | "/" | "/Bundle" | "/$process-message" | "/$import"
        )
    })
}

/// What is taken at [`FHIR_ROOT`], which nesting leaves out.
pub fn root() -> MethodRouter<Current> {
    post(bundle::take)
}

/// Every route of the door.
pub fn routes() -> Router<Current> {
    Router::new()
        .route("/metadata", get(capability::show))
        .route("/", post(bundle::take))
        .route("/Bundle", post(bundle::take))
        .route("/AuditEvent", get(audit_events::by_query))
        .route("/AuditEvent/_search", post(audit_events::by_form))
        .route("/AuditEvent/{id}", get(audit_events::read))
        .route("/Linkage", get(linkages::by_query))
        .route("/Linkage/{id}", get(linkages::read))
        .route(
            "/Subscription",
            get(subscriptions::by_query).post(subscriptions::create),
        )
        .route(
            "/Subscription/{id}",
            get(subscriptions::read).delete(subscriptions::delete),
        )
        .route("/$process-message", post(bundle::take))
        .route("/$import", post(bulk::take))
        .route("/Patient/$merge", post(merge_operation::merge))
        .route("/Patient/$unmerge", post(merge_operation::unmerge))
        .route(
            "/Patient",
            get(search::by_query)
                .post(writing::create)
                .put(writing::update_by_identifier)
                .delete(writing::withdraw_by_identifier),
        )
        .route("/Patient/_search", post(search::by_form))
        .route("/Patient/$match", post(match_operation::answer))
        .route(
            "/Patient/$ihe-pix",
            get(pix::by_query).post(pix::by_parameters),
        )
        .route(
            "/Patient/{id}",
            get(patients::read)
                .put(writing::update)
                .delete(writing::withdraw),
        )
        .route("/Patient/{id}/_history", get(patients::history))
        .route(
            "/Patient/{id}/_history/{version}",
            get(patients::read_version),
        )
}
