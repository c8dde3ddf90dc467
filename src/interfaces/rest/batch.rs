//! Many registrations in one request: NDJSON in, NDJSON out, one answer or
//! problem a line, in order.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::flows::{self, Context, FlowError, RegisterCommand};
use crate::foundation::limits::{BODY_BYTES_MAX, RECORD_BODY_BYTES_MAX};
use crate::identity::SubmittedRecord;
use crate::interfaces::http::conditions::refuse_conditions;
use crate::interfaces::http::reading::{faulty, read_bytes, require_media};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::json::Tree;
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment, source_code};
use crate::interfaces::rest::bodies::{BatchAnswer, BatchLine, BatchProblem, RegistrationBody};
use crate::interfaces::rest::document::{SourceParameters, Unusable};
use crate::interfaces::rest::records::read_named;
use crate::registry::{LocalId, RegistrationAnswer};
use crate::security::Access;

/// Media types of one JSON object a line.
const NDJSON: [&str; 3] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
];

/// Registers many records, one JSON object a line.
///
/// A line is as in `POST /sources/{source}/records`. Each is answered for
/// itself, in order: a bad line does not stop the others. A line may have 262,144 bytes,
/// the whole 16,777,216. `Idempotency-Key` and `If-Match` are refused: a line
/// that is known already changes nothing, so that a batch can be sent again.
#[utoipa::path(post, path = "/sources/{source}/records/batch", tag = "records",
    params(SourceParameters),
    request_body(content = String, content_type = "application/x-ndjson",
        description = "One registration with its `local_id` a line.",
        example = "{\"local_id\":\"A-1003\",\"family_name\":\"Quillford\",\"birth_date\":\"1962-09-14\"}\n"),
    responses((status = 200, description = "One line for each line that is not blank, in order.",
        body = BatchLine, content_type = "application/x-ndjson"), Unusable))]
pub(super) async fn register_batch(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    request: Request,
) -> Result<Response, Problem> {
    let id = caller.request_id().to_owned();
    let source = source_code(&source, &id)?;
    let access = caller.may_write(&context, &source).await?;
    refuse_conditions(request.headers(), &id)?;
    require_media(request.headers(), &NDJSON, &id)?;
    let bytes = read_bytes(request, BODY_BYTES_MAX, &id).await?;

    let mut lines = Vec::new();
    let mut commands = Vec::new();
    for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = index + 1;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match read_line(text, &id) {
            Ok((local_id, submitted)) => {
                let command = RegisterCommand {
                    source: source.clone(),
                    local_id,
                    submitted,
                    idempotency_key: None,
                    if_match: None,
                    findings: Vec::new(),
                };
                commands.push((line, Ok((access.clone(), command))));
            }
            Err(problem) => lines.push(BatchLine::Problem(BatchProblem { line, problem })),
        }
    }
    flows::register_batch(&context, commands.into_iter(), |line, answer| {
        lines.push(answered(line, answer, &access, &id));
    })
    .await;
    lines.sort_by_key(BatchLine::line);
    let mut body = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut body, &line)
            .expect("invariant: answers of texts and numbers become JSON");
        body.push(b'\n');
    }
    let media = HeaderValue::from_static(NDJSON[0]);
    Ok(([(header::CONTENT_TYPE, media)], body).into_response())
}

fn read_line(line: &[u8], id: &str) -> Result<(LocalId, SubmittedRecord), Problem> {
    if line.len() > RECORD_BODY_BYTES_MAX {
        let detail = format!("a line may have {RECORD_BODY_BYTES_MAX} bytes at most");
        return Err(Problem::new(Refused::TooLarge, detail, id));
    }
    let tree = Tree::parse(line).map_err(|fault| faulty("member", &fault, id))?;
    let (local_id, submitted) = read_named(tree, id)?;
    Ok((local_id, submitted.without_columns_of_doors()))
}

fn answered(
    line: usize,
    answer: Result<RegistrationAnswer, FlowError>,
    access: &Access,
    id: &str,
) -> BatchLine {
    match answer {
        Ok(answer) => BatchLine::Answer(Box::new(BatchAnswer {
            line,
            status: if answer.created { 201 } else { 200 },
            body: RegistrationBody::of(answer, access),
        })),
        Err(error) => BatchLine::Problem(BatchProblem {
            line,
            problem: Problem::of(&error, id),
        }),
    }
}
