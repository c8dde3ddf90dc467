//! Which column is which field (DESIGN §6.1): our names, common other
//! headings, and what `--map` says. A column that nothing maps is kept and not
//! compared.

use std::collections::BTreeMap;

use crate::foundation::limits::VALUES_PER_LIST_MAX;

/// A field that a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each is the field of the same name in DESIGN §6.1"
)]
pub enum Column {
    RecordId,
    Source,
    NhsNumber,
    NhsNumberStatus,
    Title,
    GivenName,
    MiddleName,
    FamilyName,
    PreviousFamilyName,
    BirthDate,
    Gender,
    AddressLine,
    Town,
    Postcode,
    Uprn,
    Phone,
    Email,
    OtherId,
    BirthOrder,
    DeathDate,
    GpPractice,
    EffectiveAt,
    FullName,
}

const FIELDS: &[(&str, Column)] = &[
    ("record_id", Column::RecordId),
    ("source", Column::Source),
    ("nhs_number", Column::NhsNumber),
    ("nhs_number_status", Column::NhsNumberStatus),
    ("title", Column::Title),
    ("given_name", Column::GivenName),
    ("middle_name", Column::MiddleName),
    ("family_name", Column::FamilyName),
    ("previous_family_name", Column::PreviousFamilyName),
    ("date_of_birth", Column::BirthDate),
    ("gender", Column::Gender),
    ("address_line", Column::AddressLine),
    ("town", Column::Town),
    ("postcode", Column::Postcode),
    ("uprn", Column::Uprn),
    ("phone", Column::Phone),
    ("email", Column::Email),
    ("other_id", Column::OtherId),
    ("birth_order", Column::BirthOrder),
    ("date_of_death", Column::DeathDate),
    ("gp_practice", Column::GpPractice),
    ("effective_at", Column::EffectiveAt),
    ("full_name", Column::FullName),
];

/// Headings that other systems use, folded: lower case, words joined by `_`.
const OTHER_HEADINGS: &[(&str, Column)] = &[
    ("unique_id", Column::RecordId),
    ("id", Column::RecordId),
    ("local_id", Column::RecordId),
    ("local_patient_id", Column::RecordId),
    ("unique_reference", Column::RecordId),
    ("person_source_value", Column::RecordId),
    ("source_dataset", Column::Source),
    ("source_system", Column::Source),
    ("nhs_no", Column::NhsNumber),
    ("nhsnumber", Column::NhsNumber),
    ("nhs", Column::NhsNumber),
    ("nhs_number_status_indicator_code", Column::NhsNumberStatus),
    ("first_name", Column::GivenName),
    ("forename", Column::GivenName),
    ("given_names", Column::GivenName),
    ("firstname", Column::GivenName),
    ("other_given_name", Column::MiddleName),
    ("middle_names", Column::MiddleName),
    ("other_names", Column::MiddleName),
    ("surname", Column::FamilyName),
    ("last_name", Column::FamilyName),
    ("lastname", Column::FamilyName),
    ("maiden_name", Column::PreviousFamilyName),
    ("previous_surname", Column::PreviousFamilyName),
    ("dob", Column::BirthDate),
    ("birth_date", Column::BirthDate),
    ("birthdate", Column::BirthDate),
    ("person_birth_date", Column::BirthDate),
    ("sex", Column::Gender),
    ("address", Column::AddressLine),
    ("address_line1", Column::AddressLine),
    ("address_line2", Column::AddressLine),
    ("address_line3", Column::AddressLine),
    ("address_line4", Column::AddressLine),
    ("address_line5", Column::AddressLine),
    ("address_1", Column::AddressLine),
    ("address_2", Column::AddressLine),
    ("street_address", Column::AddressLine),
    ("city", Column::Town),
    ("suburb", Column::Town),
    ("post_code", Column::Postcode),
    ("postal_code", Column::Postcode),
    ("zip", Column::Postcode),
    ("telephone", Column::Phone),
    ("telephone_number", Column::Phone),
    ("mobile", Column::Phone),
    ("mobile_number", Column::Phone),
    ("phone_number", Column::Phone),
    ("email_address", Column::Email),
    ("soc_sec_id", Column::OtherId),
    ("multiple_birth_order", Column::BirthOrder),
    ("death_date", Column::DeathDate),
    ("dod", Column::DeathDate),
    ("gp_practice_code", Column::GpPractice),
    ("as_at_date", Column::EffectiveAt),
];

/// What is wrong with a header or a `--map`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnProblem {
    /// `--map` is not `column=field`.
    #[error("--map {0}: write it as COLUMN=FIELD")]
    NotAMapping(String),
    /// `--map` names no field.
    #[error("--map {column}={field}: there is no field of this name; fields are {known}")]
    NoSuchField {
        /// The column.
        column: String,
        /// The field.
        field: String,
        /// All fields.
        known: String,
    },
    /// `--map` names a column that the file lacks.
    #[error("--map {0}: the file has no column of this name")]
    NoSuchColumn(String),
    /// No column gives the record's id.
    #[error("no column gives the record's id; name one record_id or use --map COLUMN=record_id")]
    NoRecordId,
    /// More columns than a record may have.
    #[error("the header has {0} columns, and at most 1000 are read; is it the right file?")]
    TooMany(usize),
    /// Two columns have one name.
    #[error("the column {0} is there twice")]
    Twice(String),
}

/// For each column of a file the field that it fills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    /// Field by place; `None` is kept and not compared.
    pub fields: Vec<Option<Column>>,
    /// Headings by place, as in the file.
    pub headings: Vec<String>,
}

/// What a column of this heading claims to be.
type Claim<'a> = &'a dyn Fn(&str) -> Option<Column>;

fn find(table: &[(&str, Column)], heading: &str) -> Option<Column> {
    let found = table.iter().find(|(name, _)| *name == heading);
    found.map(|(_, column)| *column)
}

/// The column of this name, whatever its spelling.
#[must_use]
pub fn column_of(name: &str) -> Option<Column> {
    let folded = fold(name);
    find(FIELDS, &folded).or_else(|| find(OTHER_HEADINGS, &folded))
}

/// The column that an argument gives to this name.
pub(super) fn mapped_column(name: &str, mapped: &BTreeMap<String, Column>) -> Option<Column> {
    mapped.get(&fold(name)).copied()
}

impl Column {
    /// Whether a record may have several values of it.
    const fn is_list(self) -> bool {
        matches!(
            self,
            Self::AddressLine
                | Self::MiddleName
                | Self::PreviousFamilyName
                | Self::Phone
                | Self::Email
                | Self::OtherId
        )
    }
}

fn fold(heading: &str) -> String {
    let words = heading.trim().trim_start_matches('\u{feff}').to_lowercase();
    let joined = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    joined.collect::<Vec<_>>().join("_")
}

/// Reads `--map` arguments.
///
/// # Errors
/// One of them is not `column=field`, or names no field.
pub fn read_mappings(arguments: &[String]) -> Result<BTreeMap<String, Column>, ColumnProblem> {
    let mut mappings = BTreeMap::new();
    for argument in arguments {
        let (column, field) = argument
            .split_once('=')
            .ok_or_else(|| ColumnProblem::NotAMapping(argument.clone()))?;
        let found = FIELDS.iter().find(|(name, _)| *name == field.trim());
        let (_, known) = found.ok_or_else(|| ColumnProblem::NoSuchField {
            column: column.to_owned(),
            field: field.to_owned(),
            known: FIELDS
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        mappings.insert(fold(column), *known);
    }
    Ok(mappings)
}

impl ColumnMap {
    /// Maps a header. A field's own name wins over another heading for it.
    ///
    /// # Errors
    /// A column twice, a mapping for a column that is not there, or no record id.
    pub fn of_header(headings: &[String], mapped: &[String]) -> Result<Self, ColumnProblem> {
        let mappings = read_mappings(mapped)?;
        if headings.len() > VALUES_PER_LIST_MAX {
            return Err(ColumnProblem::TooMany(headings.len()));
        }
        let folded: Vec<String> = headings.iter().map(|heading| fold(heading)).collect();
        for (index, heading) in folded.iter().enumerate() {
            if !heading.is_empty() && folded[..index].contains(heading) {
                return Err(ColumnProblem::Twice(headings[index].clone()));
            }
        }
        for column in mappings.keys() {
            if !folded.contains(column) {
                return Err(ColumnProblem::NoSuchColumn(column.clone()));
            }
        }
        // What is said in an argument wins over a field's own name, and that over
        // another heading; of two columns for one value the first.
        let claims: [Claim<'_>; 3] = [
            &|heading| mappings.get(heading).copied(),
            &|heading| find(FIELDS, heading),
            &|heading| find(OTHER_HEADINGS, heading),
        ];
        let mut fields: Vec<Option<Column>> = vec![None; folded.len()];
        for claim in claims {
            for (index, heading) in folded.iter().enumerate() {
                let column = claim(heading).filter(|_| fields[index].is_none());
                let free = |column: &Column| column.is_list() || !fields.contains(&Some(*column));
                if let Some(column) = column.filter(free) {
                    fields[index] = Some(column);
                }
            }
        }
        if !fields.contains(&Some(Column::RecordId)) {
            return Err(ColumnProblem::NoRecordId);
        }
        Ok(Self {
            fields,
            headings: headings.to_vec(),
        })
    }

    /// The name under which a column that nothing maps is kept.
    #[must_use]
    pub fn heading(&self, index: usize) -> String {
        let heading = &self.headings[index];
        if heading.trim().is_empty() {
            format!("column {}", index + 1)
        } else {
            heading.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, ColumnMap, ColumnProblem};

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn other_headings_are_recognised_and_unknown_ones_kept() {
        let names = header(&["Unique ID", "First Name", "SURNAME", "dob", "shoe size"]);
        let map = ColumnMap::of_header(&names, &[]).expect("a header with an id");
        assert_eq!(
            map.fields,
            [
                Some(Column::RecordId),
                Some(Column::GivenName),
                Some(Column::FamilyName),
                Some(Column::BirthDate),
                None
            ]
        );
    }

    #[test]
    fn a_field_s_own_name_wins_and_a_mapping_wins_over_both() {
        let names = header(&["record_id", "id", "who"]);
        let map = ColumnMap::of_header(&names, &["who=given_name".into()]).expect("mapped");
        assert_eq!(
            map.fields,
            [Some(Column::RecordId), None, Some(Column::GivenName)]
        );
    }

    #[test]
    fn what_cannot_be_mapped_is_named() {
        let names = header(&["record_id", "x"]);
        let missing = ColumnMap::of_header(&names, &["y=town".into()]);
        assert_eq!(missing, Err(ColumnProblem::NoSuchColumn("y".into())));
        assert_eq!(
            ColumnMap::of_header(&header(&["x"]), &[]),
            Err(ColumnProblem::NoRecordId)
        );
    }
}
