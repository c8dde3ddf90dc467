//! Many registrations in one request: NDJSON in, NDJSON out, one answer or
//! problem a line, in order.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::flows::{self, Context, RegisterCommand};
use crate::interfaces::http::{Caller, Problem};
use crate::interfaces::rest::bodies::RegistrationBody;
use crate::interfaces::rest::records::NamedRecord;
use crate::interfaces::rest::request::{
    Segment, read_bytes, read_json, require_media, source_code,
};
use crate::security::{Access, Action};

#[derive(Serialize)]
struct Line<T: Serialize> {
    line: usize,
    #[serde(flatten)]
    answer: T,
}

#[derive(Serialize)]
struct Registered {
    status: u16,
    #[serde(flatten)]
    body: RegistrationBody,
}

enum Outcome {
    Answered(usize, Box<Registered>),
    Refused(usize, Problem),
}

/// `POST /sources/{source}/records/batch`
pub async fn register_batch(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    request: Request,
) -> Result<Response, Problem> {
    let id = caller.request_id().to_owned();
    let source = source_code(&source, &id)?;
    let access = caller.may_for(Action::WriteRecord, source.as_str())?;
    let accepted = [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
    ];
    require_media(request.headers(), &accepted, &id)?;
    let bytes = read_bytes(request, &context, &id).await?;

    let mut outcomes = Vec::new();
    let mut commands = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match read_line(line, &id) {
            Ok((local_id, submitted)) => commands.push((
                number,
                Ok((
                    access.clone(),
                    RegisterCommand {
                        source: source.clone(),
                        local_id,
                        submitted,
                        idempotency_key: None,
                        if_match: None,
                        findings: Vec::new(),
                    },
                )),
            )),
            Err(problem) => outcomes.push(Outcome::Refused(number, problem)),
        }
    }
    flows::register_batch(&context, commands.into_iter(), |line, answer| {
        outcomes.push(render(line, answer, &access, &id));
    })
    .await;
    outcomes.sort_by_key(|outcome| match outcome {
        Outcome::Answered(line, _) | Outcome::Refused(line, _) => *line,
    });
    let mut body = Vec::new();
    for outcome in outcomes {
        let written = match outcome {
            Outcome::Answered(line, answer) => serde_json::to_vec(&Line {
                line,
                answer: *answer,
            }),
            Outcome::Refused(line, answer) => serde_json::to_vec(&Line { line, answer }),
        };
        body.extend(written.expect("invariant: answers of texts and numbers become JSON"));
        body.push(b'\n');
    }
    let media = HeaderValue::from_static("application/x-ndjson");
    Ok(([(header::CONTENT_TYPE, media)], body).into_response())
}

fn read_line(
    line: &[u8],
    id: &str,
) -> Result<(crate::registry::LocalId, crate::identity::SubmittedRecord), Problem> {
    let named: NamedRecord = read_json(line, id)?;
    named.read(id)
}

fn render(
    line: usize,
    answer: Result<crate::registry::RegistrationAnswer, flows::FlowError>,
    access: &Access,
    id: &str,
) -> Outcome {
    match answer {
        Ok(answer) => {
            let status = if answer.created { 201 } else { 200 };
            let body = RegistrationBody::of(answer, access);
            Outcome::Answered(line, Box::new(Registered { status, body }))
        }
        Err(error) => Outcome::Refused(line, Problem::of(&error, id)),
    }
}
