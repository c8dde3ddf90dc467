//! Bundles: a batch, or a message of PMIR's feed.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::foundation::limits::BODY_BYTES_MAX;
use crate::interfaces::fhir::body::{Body, answer};
use crate::interfaces::fhir::bundle_entry::{Counter, told};
use crate::interfaces::fhir::message;
use crate::interfaces::fhir::opened::Opened;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::transaction;
use crate::interfaces::fhir::view::BundleView;
use crate::interfaces::http::conditions::idempotency_key;
use crate::interfaces::http::{Problem, Refused};

/// Takes a Bundle by its type.
pub(super) async fn take(opened: Opened, request: Request) -> Result<Response, Problem> {
    let body = Body::within(request, BODY_BYTES_MAX).await?;
    let bundle: BundleView = body.resource("Bundle")?.view()?;
    let counter = opened.counter();
    match bundle.r#type.as_str() {
        "batch" => batch(&counter, &bundle).await,
        "transaction" => all_or_nothing(&counter, &bundle).await,
        "message" => message::take(&counter, &bundle).await,
        _ => {
            let detail = "a Bundle that is sent is a batch, a transaction or a message";
            let (refused, spine) = (Refused::Malformed, Spine::Unsupported);
            let caller = counter.caller;
            Err(refuse(caller, refused, spine, "Bundle.type", detail))
        }
    }
}

/// Entries that know nothing of each other, answered in their order.
async fn batch(counter: &Counter<'_>, bundle: &BundleView) -> Result<Response, Problem> {
    let key = idempotency_key(counter.headers, counter.caller.request_id())?;
    let mut entries = Vec::with_capacity(bundle.entry.len());
    for (place, entry) in bundle.entry.iter().enumerate() {
        // No sender's key holds what stands between.
        let key = key.as_ref().map(|key| format!("{key}\u{1f}{place}"));
        entries.push(told(&counter.carry_out(place, entry, key).await));
    }
    Ok(answer(StatusCode::OK, &response("batch-response", entries)))
}

fn response(kind: &str, entries: Vec<Value>) -> Value {
    let mut bundle = json!({"resourceType": "Bundle", "type": kind});
    if !entries.is_empty() {
        bundle["entry"] = json!(entries);
    }
    bundle
}

async fn all_or_nothing(counter: &Counter<'_>, bundle: &BundleView) -> Result<Response, Problem> {
    let done = Box::pin(transaction::take(counter, bundle)).await?;
    let entries = done.into_iter().map(|answered| told(&Ok(answered)));
    let entries = response("transaction-response", entries.collect());
    Ok(answer(StatusCode::OK, &entries))
}
