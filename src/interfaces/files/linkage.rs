//! Files that say what was linked, and what is true (DESIGN §6.1): links,
//! persons and truth, as CSV or .csv.gz. Rows are given one by one and nothing
//! is kept, for files of tens of millions of rows.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;

/// A linkage file that cannot be read. The text holds no value but ids.
#[derive(Debug, thiserror::Error)]
pub enum LinkageFileProblem {
    /// It cannot be opened or read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A column that it must have is not there.
    #[error("{path}: no column {column}; the header should be {header}")]
    NoColumn {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: &'static str,
        /// What it should be.
        header: &'static str,
    },
    /// A row that does not do.
    #[error("{path}: line {line}: {reason}")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u64,
        /// Why.
        reason: String,
    },
}

/// A row of a links file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkRow<'a> {
    /// One record.
    pub a: &'a [u8],
    /// The other.
    pub b: &'a [u8],
    /// Bits; 1 where the file has no weights.
    pub weight_bits: f64,
    /// As the file says.
    pub probability: Option<f64>,
}

/// A row of a persons or truth file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonRow<'a> {
    /// The record.
    pub record: &'a [u8],
    /// Its person.
    pub person: &'a [u8],
    /// Line, counted from 1.
    pub line: u64,
}

/// How far a file is read; `bytes` are of the file itself, packed or not.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Rows so far.
    pub rows: u64,
    /// Bytes so far.
    pub bytes: u64,
}

const LINKS_HEADER: &str = "record_id_a,record_id_b,weight_bits,probability";
const PERSONS_HEADER: &str = "record_id,person_id";

struct Counted {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A file with its header read.
struct Table {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    headings: Vec<String>,
    bytes: Arc<AtomicU64>,
}

impl Table {
    fn open(path: &Path) -> Result<Self, LinkageFileProblem> {
        let unreadable = |source| LinkageFileProblem::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = Arc::<AtomicU64>::default();
        let counted = Counted {
            file: File::open(path).map_err(unreadable)?,
            bytes: Arc::clone(&bytes),
        };
        let packed = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let text: Box<dyn Read> = if packed {
            Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(counted)))
        } else {
            Box::new(counted)
        };
        let mut reader = csv::ReaderBuilder::new()
            .buffer_capacity(1 << 18)
            .from_reader(text);
        let header = reader
            .byte_headers()
            .map_err(|error| problem(path, &error))?;
        let headings = header.iter().map(|heading| {
            let text = String::from_utf8_lossy(heading);
            text.trim().trim_start_matches('\u{feff}').to_lowercase()
        });
        Ok(Self {
            path: path.to_owned(),
            headings: headings.collect(),
            reader,
            bytes,
        })
    }

    fn find(&self, column: &str) -> Option<usize> {
        self.headings.iter().position(|heading| heading == column)
    }

    fn column(
        &self,
        column: &'static str,
        header: &'static str,
    ) -> Result<usize, LinkageFileProblem> {
        self.find(column)
            .ok_or_else(|| LinkageFileProblem::NoColumn {
                path: self.path.clone(),
                column,
                header,
            })
    }

    fn each(
        mut self,
        mut take: impl FnMut(&ByteRecord, u64) -> Result<(), String>,
        mut progress: impl FnMut(Place),
    ) -> Result<u64, LinkageFileProblem> {
        const STEP: u64 = 1 << 14;
        let mut row = ByteRecord::new();
        let mut rows = 0;
        loop {
            let more = self.reader.read_byte_record(&mut row);
            if !more.map_err(|error| problem(&self.path, &error))? {
                break;
            }
            let line = row.position().map_or(rows + 2, csv::Position::line);
            take(&row, line).map_err(|reason| LinkageFileProblem::Row {
                path: self.path.clone(),
                line,
                reason,
            })?;
            rows += 1;
            if rows % STEP == 0 {
                let bytes = self.bytes.load(Ordering::Relaxed);
                progress(Place { rows, bytes });
            }
        }
        Ok(rows)
    }
}

/// The csv library's errors hold no value of a row.
fn problem(path: &Path, error: &csv::Error) -> LinkageFileProblem {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Io(source) => source.to_string(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} columns, but the header has {expected_len}"),
        _ => "the row cannot be read".to_owned(),
    };
    LinkageFileProblem::Row {
        path: path.to_owned(),
        line,
        reason,
    }
}

fn number(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?.trim();
    text.parse().ok().filter(|value: &f64| !value.is_nan())
}

/// Gives every link; a file without weights has all of 1 bit. Returns how many.
///
/// # Errors
/// The file cannot be read, or `take` refuses a row with a reason.
pub fn read_links(
    path: &Path,
    mut take: impl FnMut(LinkRow<'_>) -> Result<(), String>,
    progress: impl FnMut(Place),
) -> Result<u64, LinkageFileProblem> {
    let table = Table::open(path)?;
    let a = table.column("record_id_a", LINKS_HEADER)?;
    let b = table.column("record_id_b", LINKS_HEADER)?;
    let weight = table.find("weight_bits").or_else(|| table.find("score"));
    let probability = table.find("probability");
    let read = |row: &ByteRecord, _| {
        let weight_bits = match weight {
            Some(place) => number(&row[place]).ok_or("the weight is no number")?,
            None => 1.0,
        };
        take(LinkRow {
            a: &row[a],
            b: &row[b],
            weight_bits,
            probability: probability.and_then(|place| number(&row[place])),
        })
    };
    table.each(read, progress)
}

/// Gives every record with its person. Returns how many.
///
/// # Errors
/// The file cannot be read, or `take` refuses a row with a reason.
pub fn read_persons(
    path: &Path,
    mut take: impl FnMut(PersonRow<'_>) -> Result<(), String>,
    progress: impl FnMut(Place),
) -> Result<u64, LinkageFileProblem> {
    let table = Table::open(path)?;
    let record = table.column("record_id", PERSONS_HEADER)?;
    let person = table.column("person_id", PERSONS_HEADER)?;
    let read = |row: &ByteRecord, line| {
        take(PersonRow {
            record: &row[record],
            person: &row[person],
            line,
        })
    };
    table.each(read, progress)
}

/// A row of a labels file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelRow<'a> {
    /// What was said of two records.
    Pair(PairLabel<'a>),
    /// Whose a record is.
    Person(&'a [u8], &'a [u8]),
}

/// What was said of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairLabel<'a> {
    /// One record.
    pub a: &'a [u8],
    /// The other.
    pub b: &'a [u8],
    /// Whether they are the same person's.
    pub same: bool,
    /// How many people have read it; one where the file does not say.
    pub reads: u32,
}

const LABELS_HEADER: &str = "record_id_a,record_id_b,label";

/// Gives every label: of pairs (`label` is `same` or `different`, also 1 or 0; blank
/// where nobody has read the pair yet), as an export of labels writes them, or of records,
/// as a truth file has them. Returns how many rows there are.
///
/// # Errors
/// The file cannot be read, a label is none, or `take` refuses a row.
pub fn read_labels(
    path: &Path,
    mut take: impl FnMut(LabelRow<'_>) -> Result<(), String>,
) -> Result<u64, LinkageFileProblem> {
    let table = Table::open(path)?;
    if let (Some(record), Some(person)) = (table.find("record_id"), table.find("person_id")) {
        let read = |row: &ByteRecord, _| take(LabelRow::Person(&row[record], &row[person]));
        return table.each(read, |_| ());
    }
    let a = table.column("record_id_a", LABELS_HEADER)?;
    let b = table.column("record_id_b", LABELS_HEADER)?;
    let label = table.column("label", LABELS_HEADER)?;
    let reads = table.find("reads");
    let read = |row: &ByteRecord, _| {
        let same = match row[label].trim_ascii() {
            b"same" | b"1" | b"true" => true,
            b"different" | b"0" | b"false" => false,
            b"" => return Ok(()),
            _ => return Err("the label is neither same nor different".to_owned()),
        };
        let reads = match reads.map_or(&b""[..], |reads| row[reads].trim_ascii()) {
            b"" => 1,
            number => std::str::from_utf8(number)
                .ok()
                .and_then(|number| number.parse().ok())
                .ok_or("reads is not a number of people")?,
        };
        take(LabelRow::Pair(PairLabel {
            a: &row[a],
            b: &row[b],
            same,
            reads,
        }))
    };
    table.each(read, |_| ())
}

/// A row of a file of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow<'a> {
    /// The record.
    pub record: &'a [u8],
    /// Its group in each division; blank where nothing is said.
    pub groups: Vec<&'a [u8]>,
}

const GROUPS_HEADER: &str = "record_id and a column for each division, such as deprivation";

/// Gives the names of the divisions, then the groups of each record.
///
/// # Errors
/// The file cannot be read, or `begin` or `take` refuses.
pub fn read_groups<T>(
    path: &Path,
    begin: impl FnOnce(&[String]) -> Result<T, String>,
    mut take: impl FnMut(&mut T, GroupRow<'_>) -> Result<(), String>,
) -> Result<T, LinkageFileProblem> {
    let table = Table::open(path)?;
    let record = table.column("record_id", GROUPS_HEADER)?;
    let columns: Vec<usize> = (0..table.headings.len())
        .filter(|column| *column != record)
        .collect();
    let names: Vec<String> = columns
        .iter()
        .map(|column| table.headings[*column].clone())
        .collect();
    let mut taken = begin(&names).map_err(|reason| LinkageFileProblem::Row {
        path: path.to_owned(),
        line: 1,
        reason,
    })?;
    let read = |row: &ByteRecord, _| {
        let groups = columns.iter().map(|column| &row[*column]);
        let row = GroupRow {
            record: &row[record],
            groups: groups.collect(),
        };
        take(&mut taken, row)
    };
    table.each(read, |_| ())?;
    Ok(taken)
}
