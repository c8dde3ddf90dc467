//! Rows of JSON, one object a line: the members of the API and, beside them, the
//! columns of a CSV file by the same names.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Number;

use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::interfaces::files::columns::{column_of, mapped_column, read_mappings};
use crate::interfaces::files::csv_rows::broken;
use crate::interfaces::files::lines::{Line, Lines, Next};
use crate::interfaces::files::reader::decode;
use crate::interfaces::files::row::Filling;
use crate::interfaces::files::{Column, ColumnProblem, FileRow, RowProblem};
use crate::interfaces::json::Tree;

/// Members of the API that are text and have the name of a column: the API's
/// reader reads them.
const MEMBERS: [&str; 10] = [
    "nhs_number",
    "nhs_number_status",
    "title",
    "family_name",
    "birth_date",
    "gender",
    "birth_order",
    "death_date",
    "gp_practice",
    "effective_at",
];

/// Reads rows.
pub(super) struct NdjsonRows<R> {
    lines: Lines<R>,
    mapped: BTreeMap<String, Column>,
}

impl<R: Read> NdjsonRows<R> {
    /// From the start of a file.
    ///
    /// # Errors
    /// A mapping is none, or names no field.
    pub(super) fn new(reader: R, mapped: &[String]) -> Result<Self, ColumnProblem> {
        Ok(Self {
            lines: Lines::new(reader, false),
            mapped: read_mappings(mapped)?,
        })
    }

    /// The next row; blank lines are none.
    pub(super) fn next(&mut self) -> Option<Result<FileRow, RowProblem>> {
        loop {
            match self.lines.next() {
                Next::End => return None,
                Next::Broken(line) => return Some(Err(broken(line).into())),
                Next::Line(line) if line.bytes.iter().all(u8::is_ascii_whitespace) => {}
                Next::Line(line) => return Some(self.row(&line)),
            }
        }
    }

    fn row(&self, line: &Line) -> Result<FileRow, RowProblem> {
        let text = decode(&line.bytes);
        let refuse = |reason: String| RowProblem::new(line.number, reason, vec![text.clone()]);
        if line.cut {
            return Err(refuse(format!("longer than {RECORD_BODY_BYTES_MAX} bytes")));
        }
        let refuse_fault = |fault| refuse(format!("{fault}"));
        let mut tree = Tree::parse(text.as_bytes()).map_err(refuse_fault)?;
        let values = self.take_columns(&mut tree).map_err(refuse)?;
        let mut filling = Filling::of(tree.read().map_err(refuse_fault)?);
        for (column, value) in values {
            filling.put(column, value);
        }
        filling.finish(line.number, vec![text.clone()])
    }

    /// Takes out what is a column: text, and a number for the id.
    fn take_columns(&self, tree: &mut Tree<'_>) -> Result<Vec<(Column, String)>, String> {
        let mut values = Vec::new();
        let Tree::Object(members) = tree else {
            return Ok(values);
        };
        let mut wrong = None;
        members.retain(|(name, value)| {
            let column = self.column(name);
            match (column, value) {
                (Some(column), Tree::Text(text)) => {
                    if !text.trim().is_empty() {
                        values.push((column, text.clone().into_owned()));
                    }
                    false
                }
                (Some(Column::RecordId), Tree::Number(number)) if !Number::is_f64(number) => {
                    values.push((Column::RecordId, number.to_string()));
                    false
                }
                // A column without a value, as an empty cell.
                (Some(_), Tree::Null) => false,
                (Some(_), value) if name != "given_names" => {
                    let found = value.kind();
                    wrong.get_or_insert(format!("member `{name}` is {found}, and should be text"));
                    true
                }
                _ => true,
            }
        });
        wrong.map_or(Ok(values), Err)
    }

    fn column(&self, name: &str) -> Option<Column> {
        let mapped = mapped_column(name, &self.mapped);
        mapped.or_else(|| column_of(name).filter(|_| !MEMBERS.contains(&name)))
    }
}
