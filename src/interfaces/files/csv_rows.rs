//! Rows of comma-separated values (RFC 4180), so read that one stray quote costs
//! one row. A quoted field may run over line ends, within bounds. Where its
//! quote is never closed, is followed by text, or gives a row of the wrong
//! length, the line on which the row began is the fault, and reading goes on
//! with the line after it. A quote inside a field that has none around it is a
//! letter like any other.

use std::io::Read;

use crate::foundation::limits::{QUOTED_LINES_MAX, RECORD_BODY_BYTES_MAX};
use crate::interfaces::files::lines::{Line, Lines, Next};

/// The fields of a row, as bytes, and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawRow {
    /// Counted from 1.
    pub(super) line: u64,
    /// Without the quotes around them.
    pub(super) fields: Vec<Vec<u8>>,
}

/// A row that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawProblem {
    /// Line on which it begins.
    pub(super) line: u64,
    /// What is wrong; no value.
    pub(super) reason: String,
    /// The row as it stands in the file, as far as it was read.
    pub(super) text: Vec<u8>,
    /// Nothing after it can be read.
    pub(super) ends_file: bool,
}

/// Why a line ends before its row does, or cannot be a row.
enum Fault {
    /// In this field, counted from 1, text follows a closing quote.
    TextAfterQuote(usize),
}

/// A row on its way.
#[derive(Default)]
struct Parser {
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A field begins.
    #[default]
    Start,
    /// In a field without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After what may be the closing quote.
    Closed,
}

impl Parser {
    /// Takes a line; whether the row ends with it.
    fn take(&mut self, line: &Line) -> Result<bool, Fault> {
        for byte in &line.bytes {
            match (self.state, byte) {
                (State::Start, b'"') => self.state = State::Quoted,
                (State::Quoted, b'"') => self.state = State::Closed,
                (State::Closed, b'"') => {
                    self.field.push(b'"');
                    self.state = State::Quoted;
                }
                (State::Start | State::Plain | State::Closed, b',') => {
                    self.fields.push(std::mem::take(&mut self.field));
                    self.state = State::Start;
                }
                (State::Closed, b' ') => {}
                (State::Closed, _) => return Err(Fault::TextAfterQuote(self.fields.len() + 1)),
                (State::Quoted, _) => self.field.push(*byte),
                (State::Start | State::Plain, _) => {
                    self.field.push(*byte);
                    self.state = State::Plain;
                }
            }
        }
        if self.state == State::Quoted {
            self.field.extend_from_slice(line.end);
            return Ok(false);
        }
        self.fields.push(std::mem::take(&mut self.field));
        Ok(true)
    }
}

/// Reads rows.
pub(super) struct CsvRows<R> {
    lines: Lines<R>,
}

impl<R: Read> CsvRows<R> {
    /// From the start of a file.
    pub(super) fn new(reader: R) -> Self {
        Self {
            lines: Lines::new(reader, true),
        }
    }

    /// The next row of `columns` fields; of any number when it is `None`, as for
    /// the header. Blank lines are no rows.
    pub(super) fn next(&mut self, columns: Option<usize>) -> Option<Result<RawRow, RawProblem>> {
        let line = self.next_line()?;
        Some(line.and_then(|line| self.row(line, columns)))
    }

    /// The line with which the next row begins.
    pub(super) fn next_line(&mut self) -> Option<Result<Line, RawProblem>> {
        loop {
            match self.lines.next() {
                Next::End => return None,
                Next::Broken(line) => return Some(Err(broken(line))),
                Next::Line(line) if line.bytes.is_empty() => {}
                Next::Line(line) => return Some(Ok(line)),
            }
        }
    }

    /// The row that begins with a line.
    pub(super) fn row(
        &mut self,
        first: Line,
        columns: Option<usize>,
    ) -> Result<RawRow, RawProblem> {
        if let Some(row) = plain_row(&first, columns) {
            return Ok(row);
        }
        let mut parser = Parser::default();
        let mut taken: Vec<Line> = Vec::new();
        let mut bytes = 0;
        let mut line = first;
        let reason = loop {
            bytes += line.bytes.len();
            let whole = parser.take(&line);
            let cut = line.cut;
            taken.push(line);
            let place = parser.fields.len() + 1;
            if cut || bytes > RECORD_BODY_BYTES_MAX {
                break format!("longer than {RECORD_BODY_BYTES_MAX} bytes");
            }
            match whole {
                Ok(true) => match wrong_length(parser.fields.len(), columns) {
                    Some(reason) if taken.len() > 1 => {
                        break format!(
                            "a quote runs over {} lines, and then there are {reason}; \
                                       close it or double it",
                            taken.len()
                        );
                    }
                    Some(reason) => break reason,
                    None => {
                        let (line, fields) = (taken[0].number, parser.fields);
                        return Ok(RawRow { line, fields });
                    }
                },
                Err(Fault::TextAfterQuote(place)) => {
                    break format!(
                        "text follows the closing quote of column {place}; double a quote that \
                         belongs to the value"
                    );
                }
                Ok(false) if taken.len() > QUOTED_LINES_MAX => {
                    break format!(
                        "the quote of column {place} is not closed within {QUOTED_LINES_MAX} lines"
                    );
                }
                Ok(false) => match self.lines.next() {
                    Next::Line(next) => line = next,
                    Next::End | Next::Broken(_) => {
                        break format!("the quote of column {place} is not closed");
                    }
                },
            }
        };
        let mut taken = taken.into_iter();
        let first = taken.next().unwrap_or_default();
        self.lines.give_back(taken);
        Err(RawProblem {
            line: first.number,
            reason,
            text: first.bytes,
            ends_file: false,
        })
    }
}

/// A line without quotes and with as many fields as there should be: what most
/// lines are.
fn plain_row(line: &Line, columns: Option<usize>) -> Option<RawRow> {
    if line.cut || line.bytes.contains(&b'"') {
        return None;
    }
    let fields: Vec<Vec<u8>> = line
        .bytes
        .split(|byte| *byte == b',')
        .map(<[u8]>::to_vec)
        .collect();
    wrong_length(fields.len(), columns)
        .is_none()
        .then_some(RawRow {
            line: line.number,
            fields,
        })
}

fn wrong_length(found: usize, columns: Option<usize>) -> Option<String> {
    let columns = columns.filter(|columns| *columns != found)?;
    Some(format!("{found} columns, but the header has {columns}"))
}

pub(super) fn broken(line: u64) -> RawProblem {
    RawProblem {
        line,
        reason: "the file cannot be read from here on; it is damaged or was cut short".to_owned(),
        text: Vec::new(),
        ends_file: true,
    }
}
