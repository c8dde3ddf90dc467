//! Lines of a file, as bytes with their ends, bounded, and with the means to go
//! back: a quote that nobody closed is noticed many lines later.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

use crate::foundation::limits::RECORD_BODY_BYTES_MAX;

/// A line as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// Without its end. At most [`RECORD_BODY_BYTES_MAX`]; the rest is left out.
    pub(super) bytes: Vec<u8>,
    /// LF, CR LF, CR or, for the last line, nothing.
    pub(super) end: &'static [u8],
    /// The line is longer than what `bytes` has.
    pub(super) cut: bool,
}

/// What comes next.
pub(super) enum Next {
    /// A line.
    Line(Line),
    /// The file ends.
    End,
    /// It cannot be read on, from this line.
    Broken(u64),
}

/// Reads lines; those that were given back come first.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    back: VecDeque<Line>,
    number: u64,
    ends_at_cr: bool,
    broken: bool,
}

impl<R: Read> Lines<R> {
    /// From the start of a file. With `ends_at_cr`, CR alone ends a line too.
    pub(super) fn new(reader: R, ends_at_cr: bool) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, reader),
            back: VecDeque::new(),
            number: 0,
            ends_at_cr,
            broken: false,
        }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Next {
        if let Some(line) = self.back.pop_front() {
            return Next::Line(line);
        }
        // A reader that has failed may go on as if the file had ended.
        if self.broken {
            return Next::Broken(self.number);
        }
        match self.read() {
            Ok(Some(line)) => Next::Line(line),
            Ok(None) => Next::End,
            Err(_) => {
                self.broken = true;
                Next::Broken(self.number)
            }
        }
    }

    /// Gives lines back, in their order.
    pub(super) fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        for line in lines.rev() {
            self.back.push_front(line);
        }
    }

    fn read(&mut self) -> std::io::Result<Option<Line>> {
        let mut line = Line {
            number: self.number + 1,
            ..Line::default()
        };
        let ends_at_cr = self.ends_at_cr;
        self.number = line.number;
        let mut some = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                if line.bytes.last() == Some(&b'\r') {
                    line.bytes.pop();
                    line.end = b"\r";
                }
                return Ok(some.then_some(line));
            }
            some = true;
            let is_end = |byte: &u8| *byte == b'\n' || (ends_at_cr && *byte == b'\r');
            let end = buffer.iter().position(is_end);
            let taken = end.unwrap_or(buffer.len());
            let room = RECORD_BODY_BYTES_MAX.saturating_sub(line.bytes.len());
            line.cut |= taken > room;
            line.bytes.extend_from_slice(&buffer[..taken.min(room)]);
            let ended_by = end.map(|place| buffer[place]);
            self.reader.consume(taken + usize::from(end.is_some()));
            match ended_by {
                None => {}
                Some(b'\r') => {
                    line.end = b"\r";
                    if self.reader.fill_buf()?.first() == Some(&b'\n') {
                        self.reader.consume(1);
                        line.end = b"\r\n";
                    }
                    return Ok(Some(line));
                }
                Some(_) => {
                    line.end = b"\n";
                    if line.bytes.last() == Some(&b'\r') && !line.cut {
                        line.bytes.pop();
                        line.end = b"\r\n";
                    }
                    return Ok(Some(line));
                }
            }
        }
    }
}
