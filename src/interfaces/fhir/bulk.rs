//! Many Patients in lines (NDJSON): each is taken as if it came alone, and answered in
//! its place.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::flows::Context;
use crate::foundation::limits::BODY_BYTES_MAX;
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::bundle_entry::{Counter, told};
use crate::interfaces::fhir::identifiers::sources;
use crate::interfaces::http::reading::{read_bytes, require_media};
use crate::interfaces::http::{Caller, Problem};
use crate::security::Action;

const FHIR_NDJSON: &str = "application/fhir+ndjson";
const ACCEPTED: [&str; 3] = [FHIR_NDJSON, "application/ndjson", "application/x-ndjson"];

/// Takes lines; sending them again changes nothing that was taken.
pub(super) async fn take(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::WriteRecord)?;
    require_media(&headers, &ACCEPTED, caller.request_id())?;
    let bytes = read_bytes(request, BODY_BYTES_MAX, caller.request_id()).await?;
    let sources = sources(&context, &caller).await?;
    let counter = Counter {
        context: &context,
        caller: &caller,
        headers: &headers,
        sources: &sources,
    };
    let mut answers = String::new();
    let lines = bytes.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        let body = Body::of(bytes.slice_ref(line), caller.request_id());
        let done = Box::pin(counter.take_patient(&body, None)).await;
        answers.push_str(&told(&done).to_string());
        answers.push('\n');
    }
    Ok((
        StatusCode::OK,
        [(header::CONTENT_TYPE, FHIR_NDJSON)],
        answers,
    )
        .into_response())
}
