//! A row of named values as a record.

use crate::foundation::limits::{RECORD_BODY_BYTES_MAX, TEXT_CHARACTERS_MAX};
use crate::identity::{SubmittedAddress, SubmittedIdentifier, SubmittedName, SubmittedRecord};
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
        }
    }

    /// The row, if it has an id.
    pub(super) fn finish(mut self, line: u64, row: Vec<String>) -> Result<FileRow, RowProblem> {
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
            record: self.record,
            row,
        })
    }
}

/// A row of as many values as the header has columns.
pub(super) fn record_of(
    line: u64,
    row: Vec<String>,
    map: &ColumnMap,
) -> Result<FileRow, RowProblem> {
    let mut filling = Filling::default();
    let bytes: usize = row.iter().map(String::len).sum();
    if bytes > RECORD_BODY_BYTES_MAX {
        let reason = format!("longer than {RECORD_BODY_BYTES_MAX} bytes");
        return Err(RowProblem::new(line, reason, row));
    }
    for (index, value) in row.iter().enumerate() {
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
        if let Some(column) = map.fields[index] {
            filling.put(column, value.clone());
        } else {
            let kept = &mut filling.record.other_columns;
            kept.insert(map.heading(index), value.clone());
        }
    }
    filling.finish(line, row)
}
