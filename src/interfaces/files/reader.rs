//! Opens a file and gives its rows, in order. Rows of the wrong length,
//! unreadable text and values without an id are problems of that row; the rest
//! goes on.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::identity::SubmittedRecord;
use crate::interfaces::files::csv_rows::{CsvRows, RawProblem};
use crate::interfaces::files::ndjson::NdjsonRows;
use crate::interfaces::files::row::{record_of, record_of_line};
use crate::interfaces::files::{ColumnMap, ColumnProblem};

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
    /// Its header is no row.
    #[error("{path}: line {line}: {reason}")]
    HeaderRow {
        /// Which file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// Why.
        reason: String,
    },
    /// It is in UTF-16.
    #[error("{0}: the file is UTF-16; save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")")]
    Utf16(PathBuf),
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
    /// The file is damaged here: nothing after it can be read.
    pub ends_file: bool,
}

impl RowProblem {
    /// A problem of one row; the next row may do.
    #[must_use]
    pub fn new(line: u64, reason: impl Into<String>, row: Vec<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
            row,
            ends_file: false,
        }
    }
}

impl From<RawProblem> for RowProblem {
    fn from(raw: RawProblem) -> Self {
        let row = vec![decode(&raw.text)];
        Self {
            ends_file: raw.ends_file,
            ..Self::new(raw.line, raw.reason, row)
        }
    }
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

type Bytes = Box<dyn Read + Send>;

/// The rows of a file, in order.
pub struct FileRows {
    inner: Rows,
    ended: bool,
    keeps_rows: bool,
    bytes: Arc<AtomicU64>,
}

enum Rows {
    Csv(Box<CsvRows<Bytes>>, ColumnMap),
    Ndjson(Box<NdjsonRows<Bytes>>),
}

/// Counts what was read of the file itself, packed or not, for the progress bar.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a file: `.ndjson`, `.jsonl` or CSV, each also with `.gz`.
///
/// # Errors
/// It cannot be read, is empty, or its header does not do.
pub fn open(path: &Path, mapped: &[String]) -> Result<FileRows, FileProblem> {
    let bytes = Arc::default();
    let file = File::open(path).map_err(|source| FileProblem::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let counted = Counted {
        inner: file,
        bytes: Arc::clone(&bytes),
    };
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    let packed = name.strip_suffix(".gz");
    let text: Bytes = match packed {
        Some(_) => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(counted))),
        None => Box::new(counted),
    };
    let plain = packed.unwrap_or(&name);
    let is_json = [".ndjson", ".jsonl"].iter().any(|end| plain.ends_with(end));
    let rows = if is_json {
        read_ndjson(path, text, mapped)?
    } else {
        read_csv(path, text, mapped)?
    };
    Ok(FileRows { bytes, ..rows })
}

/// Reads comma-separated values with a header; `path` is for messages only.
///
/// # Errors
/// It cannot be read, is empty, or its header does not do.
pub fn read_csv(path: &Path, text: Bytes, mapped: &[String]) -> Result<FileRows, FileProblem> {
    let mut rows = CsvRows::new(without_mark(path, text)?);
    let header = rows
        .next(None)
        .ok_or_else(|| FileProblem::Empty(path.to_owned()))?
        .map_err(|problem| FileProblem::HeaderRow {
            path: path.to_owned(),
            line: problem.line,
            reason: problem.reason,
        })?;
    let headings: Vec<String> = header.fields.iter().map(|field| decode(field)).collect();
    let map = ColumnMap::of_header(&headings, mapped).map_err(|problem| FileProblem::Header {
        path: path.to_owned(),
        problem,
    })?;
    Ok(rows_of(Rows::Csv(Box::new(rows), map)))
}

/// Reads one JSON object a line; `path` is for messages only.
///
/// # Errors
/// It cannot be read, or a mapping names no field.
pub fn read_ndjson(path: &Path, text: Bytes, mapped: &[String]) -> Result<FileRows, FileProblem> {
    let text = without_mark(path, text)?;
    let rows = NdjsonRows::new(text, mapped).map_err(|problem| FileProblem::Header {
        path: path.to_owned(),
        problem,
    })?;
    Ok(rows_of(Rows::Ndjson(Box::new(rows))))
}

fn rows_of(inner: Rows) -> FileRows {
    FileRows {
        inner,
        ended: false,
        keeps_rows: true,
        bytes: Arc::default(),
    }
}

/// The text without a byte order mark.
fn without_mark(path: &Path, mut text: Bytes) -> Result<Bytes, FileProblem> {
    let mut start = Vec::with_capacity(3);
    let unreadable = |source| FileProblem::Unreadable {
        path: path.to_owned(),
        source,
    };
    text.by_ref()
        .take(3)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(FileProblem::Utf16(path.to_owned()));
    }
    if start == [0xEF, 0xBB, 0xBF] {
        start.clear();
    }
    Ok(Box::new(Cursor::new(start).chain(text)))
}

impl FileRows {
    /// The same without the rows as read, for whoever writes no reject file.
    #[must_use]
    pub fn without_texts(mut self) -> Self {
        self.keeps_rows = false;
        self
    }

    /// Bytes of the file that have been read so far.
    #[must_use]
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }
}

impl Iterator for FileRows {
    type Item = Result<FileRow, RowProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = match &mut self.inner {
            Rows::Csv(rows, map) => rows.next_line().map(|line| {
                let line = line?;
                if !self.keeps_rows
                    && let Some(record) = record_of_line(&line, map)
                {
                    return record;
                }
                let raw = rows.row(line, Some(map.fields.len()))?;
                let row = raw.fields.into_iter().map(decode_owned).collect();
                record_of(raw.line, row, map, self.keeps_rows)
            }),
            Rows::Ndjson(rows) => rows.next(),
        };
        // What cannot be read on would be reported for ever.
        self.ended = matches!(&row, Some(Err(problem)) if problem.ends_file);
        row
    }
}

/// The same of bytes that are not needed any more.
fn decode_owned(field: Vec<u8>) -> String {
    String::from_utf8(field).unwrap_or_else(|error| decode(error.as_bytes()))
}

/// UTF-8 where it is, else Windows-1252, in which every byte means something.
pub(super) fn decode(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(field)
            .0
            .into_owned(),
    }
}
