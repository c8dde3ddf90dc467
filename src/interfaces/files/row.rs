//! A row of named values as a record.

use crate::foundation::limits::{RECORD_BODY_BYTES_MAX, TEXT_CHARACTERS_MAX};
use crate::identity::{SubmittedAddress, SubmittedIdentifier, SubmittedName, SubmittedRecord};
use crate::interfaces::files::lines::Line;
use crate::interfaces::files::{Column, ColumnMap, FileRow, RowProblem};

/// A record that is filled value by value.
#[derive(Default)]
pub(super) struct Filling {
    /// The row's id; empty until it is there.
    pub(super) record_id: String,
    /// The row's source.
    pub(super) source: Option<String>,
    /// What the row says.
    pub(super) record: SubmittedRecord,
    address: SubmittedAddress,
    middle: Vec<String>,
    full_name: Option<String>,
}

impl Filling {
    /// Goes on from a record that says something already.
    pub(super) fn of(record: SubmittedRecord) -> Self {
        Self {
            record,
            ..Self::default()
        }
    }

    /// Puts a value where its column belongs.
    pub(super) fn put(&mut self, column: Column, value: String) {
        let record = &mut self.record;
        match column {
            Column::RecordId => self.record_id = value,
            Column::Source => self.source = Some(value),
            Column::NhsNumber => record.nhs_number = Some(value),
            Column::NhsNumberStatus => record.nhs_number_status = Some(value),
            Column::Title => record.title = Some(value),
            Column::GivenName => record.given_names.insert(0, value),
            Column::MiddleName => self.middle.push(value),
            Column::FamilyName => record.family_name = Some(value),
            Column::PreviousFamilyName => record.aliases.push(SubmittedName {
                given_names: Vec::new(),
                family_name: Some(value),
                name_use: Some("old".to_owned()),
            }),
            Column::BirthDate => record.birth_date = Some(value),
            Column::Gender => record.gender = Some(value),
            Column::AddressLine => self.address.lines.push(value),
            Column::Town => self.address.town = Some(value),
            Column::Postcode => self.address.postcode = Some(value),
            Column::Uprn => self.address.uprn = Some(value),
            Column::Phone => record.phones.push(value),
            Column::Email => record.emails.push(value),
            Column::OtherId => record.other_identifiers.push(SubmittedIdentifier {
                system: None,
                value,
            }),
            Column::BirthOrder => record.birth_order = Some(value),
            Column::DeathDate => record.death_date = Some(value),
            Column::GpPractice => record.gp_practice = Some(value),
            Column::EffectiveAt => record.effective_at = Some(value),
            Column::FullName => self.full_name = Some(value),
        }
    }

    /// Takes from a full name what the columns of its parts lack: the words
    /// between given and family name, or the words beside the one that is there.
    fn complete_names(&mut self, full_name: &str) {
        let given = self.record.given_names.join(" ");
        let family = self.record.family_name.clone().unwrap_or_default();
        let words: Vec<&str> = full_name.split_whitespace().collect();
        let mut rest = words.as_slice();
        if let Some(after) = without_start(rest, &given) {
            rest = after;
        }
        if let Some(before) = without_end(rest, &family) {
            rest = before;
        }
        if rest.len() == words.len() && !(given.is_empty() && family.is_empty()) {
            return;
        }
        if family.is_empty()
            && let [before @ .., last] = rest
        {
            self.record.family_name = Some((*last).to_owned());
            rest = before;
        }
        if given.is_empty() {
            let names = rest.iter().map(|word| (*word).to_owned());
            self.record.given_names.extend(names);
        } else if self.middle.is_empty() {
            self.middle
                .extend(rest.iter().map(|word| (*word).to_owned()));
        }
    }

    /// The row, if it has an id.
    pub(super) fn finish(mut self, line: u64, row: Vec<String>) -> Result<FileRow, RowProblem> {
        if let Some(full_name) = self.full_name.take() {
            self.complete_names(&full_name);
        }
        self.record.given_names.append(&mut self.middle);
        if self.address != SubmittedAddress::default() {
            self.record.addresses.push(self.address);
        }
        if self.record_id.trim().is_empty() {
            return Err(RowProblem::new(line, "the record_id is empty", row));
        }
        Ok(FileRow {
            line,
            record_id: self.record_id,
            source: self.source,
            record: self.record.without_columns_of_doors(),
            row,
        })
    }
}

/// The words behind those of `start`; `None` where they do not begin so.
fn without_start<'a, 'w>(words: &'a [&'w str], start: &str) -> Option<&'a [&'w str]> {
    let start: Vec<&str> = start.split_whitespace().collect();
    let (begin, rest) = words.split_at_checked(start.len())?;
    let alike = begin
        .iter()
        .zip(&start)
        .all(|(a, b)| a.eq_ignore_ascii_case(b));
    (!start.is_empty() && alike).then_some(rest)
}

/// The words before those of `end`; `None` where they do not end so.
fn without_end<'a, 'w>(words: &'a [&'w str], end: &str) -> Option<&'a [&'w str]> {
    let end: Vec<&str> = end.split_whitespace().collect();
    let (rest, last) = words.split_at_checked(words.len().checked_sub(end.len())?)?;
    let alike = last
        .iter()
        .zip(&end)
        .all(|(a, b)| a.eq_ignore_ascii_case(b));
    (!end.is_empty() && alike).then_some(rest)
}

/// The record of a line without quotes, of which nothing but what is compared is kept:
/// most lines, read without a text for each of their values. `None` where it is another
/// kind of line, or nothing to be read so.
pub(super) fn record_of_line(line: &Line, map: &ColumnMap) -> Option<Result<FileRow, RowProblem>> {
    if line.cut || line.bytes.contains(&b'"') {
        return None;
    }
    let text = std::str::from_utf8(&line.bytes).ok()?;
    let mut filling = Filling::default();
    let mut columns = map.fields.iter();
    for value in text.split(',') {
        let column = columns.next()?;
        if value.len() > TEXT_CHARACTERS_MAX {
            return None;
        }
        if let Some(column) = column
            && !value.trim().is_empty()
        {
            filling.put(*column, value.to_owned());
        }
    }
    let whole = columns.next().is_none();
    whole.then(|| filling.finish(line.number, Vec::new()))
}

/// A row of as many values as the header has columns. Without `keeps_row`, what
/// is not compared is left out too.
pub(super) fn record_of(
    line: u64,
    mut row: Vec<String>,
    map: &ColumnMap,
    keeps_row: bool,
) -> Result<FileRow, RowProblem> {
    let mut filling = Filling::default();
    let bytes: usize = row.iter().map(String::len).sum();
    if bytes > RECORD_BODY_BYTES_MAX {
        let reason = format!("longer than {RECORD_BODY_BYTES_MAX} bytes");
        return Err(RowProblem::new(line, reason, row));
    }
    for index in 0..row.len() {
        let value = &mut row[index];
        if value.len() > TEXT_CHARACTERS_MAX && value.chars().count() > TEXT_CHARACTERS_MAX {
            let reason = format!(
                "column {} is longer than {TEXT_CHARACTERS_MAX} characters",
                index + 1
            );
            return Err(RowProblem::new(line, reason, row));
        }
        if value.trim().is_empty() {
            continue;
        }
        let value = if keeps_row {
            value.clone()
        } else {
            std::mem::take(value)
        };
        if let Some(column) = map.fields[index] {
            filling.put(column, value);
        } else if keeps_row {
            let kept = &mut filling.record.other_columns;
            kept.insert(map.heading(index), value);
        }
    }
    filling.finish(line, if keeps_row { row } else { Vec::new() })
}
