//! `accord import --url`: the same rows through a running service's batch
//! door.

use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cli::import::{ImportArguments, Imported};
use crate::cli::progress::Progress;
use crate::cli::rejects::Rejects;
use crate::interfaces::files::{self, FileRow};
use crate::registry::Outcome;

/// Rows in one request: a second of the service's work.
const ROWS_PER_REQUEST: usize = 1_000;

/// Bytes of rows in one request. As JSON they may be six times as many, which
/// the service still takes.
const BYTES_PER_REQUEST: usize = 2 * 1_024 * 1_024;

/// One line of the answer: an answer or a problem.
#[derive(Deserialize)]
struct Line {
    line: usize,
    status: u16,
    outcome: Option<Outcome>,
    tasks: Option<Vec<String>>,
    detail: Option<String>,
}

/// Rows of one source that go in one request.
#[derive(Default)]
struct Chunk {
    rows: Vec<FileRow>,
    bytes: usize,
}

fn bytes_of(row: &FileRow) -> usize {
    row.row.iter().map(String::len).sum()
}

impl Chunk {
    fn takes(&self, row: &FileRow) -> bool {
        let Some(first) = self.rows.first() else {
            return true;
        };
        first.source == row.source
            && self.rows.len() < ROWS_PER_REQUEST
            && self.bytes + bytes_of(row) <= BYTES_PER_REQUEST
    }

    fn push(&mut self, row: FileRow) {
        self.bytes += bytes_of(&row);
        self.rows.push(row);
    }
}

/// Sends the files and adds up the answers.
pub(super) async fn run(arguments: &ImportArguments, url: &str) -> anyhow::Result<Imported> {
    let token = arguments
        .token
        .as_deref()
        .context("a service needs a token: --token TOKEN, or ACCORD_TOKEN in the environment")?;
    let client = reqwest::Client::builder()
        .build()
        .context("cannot make an HTTP client")?;
    let mut total = Imported::default();
    for path in &arguments.files {
        let rows = files::open(path, &arguments.maps)?;
        let bytes = rows.bytes_read();
        let size = std::fs::metadata(path).map_or(0, |about| about.len());
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut progress = Progress::over_bytes(&format!("sending {name}"), size, arguments.quiet);
        let mut rejects = Rejects::new(&std::env::current_dir()?, path);
        let mut chunk = Chunk::default();
        for row in rows {
            match row {
                Ok(row) => {
                    if !chunk.takes(&row) {
                        send(
                            &client,
                            url,
                            token,
                            arguments,
                            &chunk.rows,
                            &mut total,
                            &mut rejects,
                        )
                        .await?;
                        chunk = Chunk::default();
                        progress.at(total.rows, bytes.load(Ordering::Relaxed));
                    }
                    chunk.push(row);
                }
                Err(problem) => rejects.refuse(&problem)?,
            }
        }
        send(
            &client,
            url,
            token,
            arguments,
            &chunk.rows,
            &mut total,
            &mut rejects,
        )
        .await?;
        progress.finish();
        total.rejected += rejects.count;
        total.damaged += u64::from(rejects.damaged);
        if let Some(kept) = rejects.path() {
            eprintln!(
                "{} rows of {name} were rejected; see {}",
                rejects.count,
                kept.display()
            );
        }
    }
    Ok(total)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call with everything that a request needs"
)]
async fn send(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    arguments: &ImportArguments,
    rows: &[FileRow],
    total: &mut Imported,
    rejects: &mut Rejects,
) -> anyhow::Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let Some(source) = first.source.as_deref().or(arguments.source.as_deref()) else {
        for row in rows {
            rejects.keep(
                row.line,
                "the row names no source; use --source CODE",
                &row.row,
            )?;
        }
        return Ok(());
    };
    let mut body = Vec::new();
    for row in rows {
        let mut members = serde_json::to_value(&row.record)?;
        members["local_id"] = serde_json::Value::String(row.record_id.clone());
        serde_json::to_writer(&mut body, &members)?;
        body.push(b'\n');
    }
    let mut address = reqwest::Url::parse(url).context("--url is not a URL")?;
    address
        .path_segments_mut()
        .map_err(|()| anyhow::anyhow!("--url must be like http://HOST:PORT"))?
        .pop_if_empty()
        .extend(["api", "v1", "sources", source, "records", "batch"]);
    let response = client
        .post(address)
        .bearer_auth(token)
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await
        .context("the service does not answer")?;
    let status = response.status();
    let text = response.text().await.context("the answer broke off")?;
    if !status.is_success() {
        let problem: Option<Line> = serde_json::from_str(&text).ok();
        let detail = problem
            .and_then(|problem| problem.detail)
            .unwrap_or_default();
        bail!("the service refused the rows: {status} {detail}");
    }
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).context("the answer cannot be read")?;
        let Some(row) = line.line.checked_sub(1).and_then(|index| rows.get(index)) else {
            bail!("the service answered a line that was not sent");
        };
        let Some(outcome) = line.outcome else {
            rejects.keep(
                row.line,
                line.detail.as_deref().unwrap_or("refused"),
                &row.row,
            )?;
            continue;
        };
        total.rows += 1;
        total.tasks += line.tasks.map_or(0, |tasks| tasks.len() as u64);
        match outcome {
            Outcome::Linked => total.linked += 1,
            Outcome::NewPerson => total.persons += 1,
            Outcome::UpdateHeld => total.held += 1,
        }
        debug_assert!(line.status < 300, "an outcome comes with success");
    }
    Ok(())
}
