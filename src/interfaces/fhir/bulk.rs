//! Many Patients in lines (NDJSON): each is taken as if it came alone, and answered in
//! its place.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::foundation::limits::BODY_BYTES_MAX;
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::bundle_entry::told;
use crate::interfaces::fhir::opened::Opened;
use crate::interfaces::http::Problem;
use crate::interfaces::http::reading::{read_bytes, require_media};

const FHIR_NDJSON: &str = "application/fhir+ndjson";
const ACCEPTED: [&str; 3] = [FHIR_NDJSON, "application/ndjson", "application/x-ndjson"];

/// Takes lines; sending them again changes nothing that was taken.
pub(super) async fn take(opened: Opened, request: Request) -> Result<Response, Problem> {
    let (counter, id) = (opened.counter(), opened.caller.request_id());
    require_media(&opened.headers, &ACCEPTED, id)?;
    let bytes = read_bytes(request, BODY_BYTES_MAX, id).await?;
    let mut answers = String::new();
    let lines = bytes.split(|byte| *byte == b'\n');
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        let body = Body::of(bytes.slice_ref(line), id);
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
