//! Reads a file row by row. Rows of the wrong length, unreadable text and
//! values without an id are problems of that row; the rest goes on.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::identity::{SubmittedAddress, SubmittedIdentifier, SubmittedName, SubmittedRecord};
use crate::interfaces::files::{Column, ColumnMap, ColumnProblem};

/// A file that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It cannot be opened or read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its header does not do.
    #[error("{path}: {problem}")]
    Header {
        /// Which file.
        path: PathBuf,
        /// Why.
        problem: ColumnProblem,
    },
    /// It has no rows, not even a header.
    #[error("{0}: the file is empty")]
    Empty(PathBuf),
}

/// A row that cannot be a record. The text holds no value of the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowProblem {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
    /// The row as read, for the reject file.
    pub row: Vec<String>,
}

/// A row as a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// Its id.
    pub record_id: String,
    /// Its source, where the file says one.
    pub source: Option<String>,
    /// What it says.
    pub record: SubmittedRecord,
    /// The row as read, for the reject file.
    pub row: Vec<String>,
}

/// The rows of a file, in order.
pub struct FileRows {
    inner: Rows,
    broken: bool,
    bytes: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

enum Rows {
    Csv {
        reader: Box<csv::Reader<Box<dyn Read + Send>>>,
        map: ColumnMap,
    },
    Ndjson {
        reader: BufReader<Box<dyn Read + Send>>,
        line: u64,
    },
}

/// Counts what was read of the file itself, packed or not, for the progress bar.
struct Counted<R> {
    inner: R,
    bytes: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes
            .fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a file: `.ndjson`, `.jsonl` or CSV, each also with `.gz`.
///
/// # Errors
/// It cannot be read, is empty, or its header does not do.
pub fn open(path: &Path, mapped: &[String]) -> Result<FileRows, FileProblem> {
    let unreadable = |source| FileProblem::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = std::sync::Arc::default();
    let file = File::open(path).map_err(unreadable)?;
    let counted = Counted {
        inner: file,
        bytes: std::sync::Arc::clone(&bytes),
    };
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let packed = name.strip_suffix(".gz");
    let text: Box<dyn Read + Send> = match packed {
        Some(_) => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(counted))),
        None => Box::new(counted),
    };
    let plain = packed.unwrap_or(&name);
    let json = [".ndjson", ".jsonl"]
        .iter()
        .any(|ending| plain.ends_with(ending));
    if json {
        let inner = Rows::Ndjson {
            reader: BufReader::new(text),
            line: 0,
        };
        return Ok(FileRows {
            inner,
            broken: false,
            bytes,
        });
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(text);
    let mut header = csv::ByteRecord::new();
    let some = reader
        .read_byte_record(&mut header)
        .map_err(|error| unreadable(error.into()))?;
    if !some {
        return Err(FileProblem::Empty(path.to_owned()));
    }
    let headings: Vec<String> = header.iter().map(decode).collect();
    let map = ColumnMap::of_header(&headings, mapped).map_err(|problem| FileProblem::Header {
        path: path.to_owned(),
        problem,
    })?;
    Ok(FileRows {
        inner: Rows::Csv {
            reader: Box::new(reader),
            map,
        },
        broken: false,
        bytes,
    })
}

impl FileRows {
    /// Bytes of the file that have been read so far.
    #[must_use]
    pub fn bytes_read(&self) -> std::sync::Arc<std::sync::atomic::AtomicU64> {
        std::sync::Arc::clone(&self.bytes)
    }
}

impl Iterator for FileRows {
    type Item = Result<FileRow, RowProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let row = match &mut self.inner {
            Rows::Csv { reader, map } => next_csv(reader, map),
            Rows::Ndjson { reader, line } => next_json(reader, line),
        };
        // What cannot be read on would be reported for ever.
        self.broken = matches!(&row, Some(Err(problem)) if problem.row.is_empty());
        row
    }
}

/// UTF-8 where it is, else Windows-1252, in which every byte means something.
fn decode(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(field)
            .0
            .into_owned(),
    }
}

fn next_csv(
    reader: &mut csv::Reader<Box<dyn Read + Send>>,
    map: &ColumnMap,
) -> Option<Result<FileRow, RowProblem>> {
    let mut raw = csv::ByteRecord::new();
    match reader.read_byte_record(&mut raw) {
        Ok(false) => return None,
        Ok(true) => {}
        Err(error) => {
            let line = error.position().map_or(0, csv::Position::line);
            let reason = "the file cannot be read from here on".to_owned();
            return Some(Err(RowProblem {
                line,
                reason,
                row: Vec::new(),
            }));
        }
    }
    let line = raw.position().map_or(0, csv::Position::line);
    let row: Vec<String> = raw.iter().map(decode).collect();
    if row.len() != map.fields.len() {
        let reason = format!(
            "{} columns, but the header has {}",
            row.len(),
            map.fields.len()
        );
        return Some(Err(RowProblem { line, reason, row }));
    }
    Some(record_of(line, row, map))
}

fn record_of(line: u64, row: Vec<String>, map: &ColumnMap) -> Result<FileRow, RowProblem> {
    let mut record = SubmittedRecord::default();
    let mut address = SubmittedAddress::default();
    let (mut record_id, mut source) = (String::new(), None);
    let mut middle = None;
    let bytes: usize = row.iter().map(String::len).sum();
    if bytes > RECORD_BODY_BYTES_MAX {
        let reason = format!("longer than {RECORD_BODY_BYTES_MAX} bytes");
        return Err(RowProblem { line, reason, row });
    }
    for (index, value) in row.iter().enumerate() {
        if value.trim().is_empty() {
            continue;
        }
        let value = value.clone();
        match map.fields[index] {
            Some(Column::RecordId) => record_id = value,
            Some(Column::Source) => source = Some(value),
            Some(Column::NhsNumber) => record.nhs_number = Some(value),
            Some(Column::NhsNumberStatus) => record.nhs_number_status = Some(value),
            Some(Column::Title) => record.title = Some(value),
            Some(Column::GivenName) => record.given_names.insert(0, value),
            Some(Column::MiddleName) => middle = Some(value),
            Some(Column::FamilyName) => record.family_name = Some(value),
            Some(Column::PreviousFamilyName) => record.aliases.push(SubmittedName {
                given_names: Vec::new(),
                family_name: Some(value),
                name_use: Some("old".to_owned()),
            }),
            Some(Column::BirthDate) => record.birth_date = Some(value),
            Some(Column::Gender) => record.gender = Some(value),
            Some(Column::AddressLine) => address.lines.push(value),
            Some(Column::Town) => address.town = Some(value),
            Some(Column::Postcode) => address.postcode = Some(value),
            Some(Column::Uprn) => address.uprn = Some(value),
            Some(Column::Phone) => record.phones.push(value),
            Some(Column::Email) => record.emails.push(value),
            Some(Column::OtherId) => {
                record.other_identifiers.push(SubmittedIdentifier {
                    system: None,
                    value,
                });
            }
            Some(Column::BirthOrder) => record.birth_order = Some(value),
            Some(Column::DeathDate) => record.death_date = Some(value),
            Some(Column::GpPractice) => record.gp_practice = Some(value),
            Some(Column::EffectiveAt) => record.effective_at = Some(value),
            None => {
                record
                    .other_columns
                    .insert(map.headings[index].clone(), value);
            }
        }
    }
    if let Some(middle) = middle {
        record.given_names.push(middle);
    }
    if address != SubmittedAddress::default() {
        record.addresses.push(address);
    }
    if record_id.is_empty() {
        let reason = "the record_id is empty".to_owned();
        return Err(RowProblem { line, reason, row });
    }
    Ok(FileRow {
        line,
        record_id,
        source,
        record,
        row,
    })
}

fn next_json(
    reader: &mut BufReader<Box<dyn Read + Send>>,
    line: &mut u64,
) -> Option<Result<FileRow, RowProblem>> {
    loop {
        let mut bytes = Vec::new();
        *line += 1;
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => {}
            Ok(_) => return Some(json_row(*line, &bytes)),
            Err(_) => {
                let reason = "the file cannot be read from here on".to_owned();
                return Some(Err(RowProblem {
                    line: *line,
                    reason,
                    row: Vec::new(),
                }));
            }
        }
    }
}

fn json_row(line: u64, bytes: &[u8]) -> Result<FileRow, RowProblem> {
    let row = vec![decode(bytes).trim_end().to_owned()];
    let refuse = |reason: String| RowProblem {
        line,
        reason,
        row: row.clone(),
    };
    if bytes.len() > RECORD_BODY_BYTES_MAX {
        return Err(refuse(format!("longer than {RECORD_BODY_BYTES_MAX} bytes")));
    }
    let parsed: serde_json::Result<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&row[0]);
    let mut members = parsed.map_err(|_| refuse("not a JSON object".to_owned()))?;
    let mut text = |name: &str| match members.remove(name) {
        Some(serde_json::Value::String(text)) => Some(text),
        _ => None,
    };
    let record_id = text("record_id").or_else(|| text("local_id"));
    let record_id = record_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| refuse("member record_id is missing".to_owned()))?;
    let source = text("source");
    let rest = serde_json::Value::Object(members).to_string();
    let mut reader = serde_json::Deserializer::from_str(&rest);
    let record: Result<SubmittedRecord, _> = serde_path_to_error::deserialize(&mut reader);
    let record = record.map_err(|error| {
        let path = error.path().to_string();
        refuse(format!("member {path} is unknown or has the wrong type"))
    })?;
    Ok(FileRow {
        line,
        record_id,
        source,
        record,
        row: row.clone(),
    })
}
