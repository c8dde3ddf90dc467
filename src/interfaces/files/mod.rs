//! Files of records: CSV (also gzip) with a header and NDJSON, in UTF-8 or
//! Windows-1252. A row becomes a [`SubmittedRecord`](crate::identity::SubmittedRecord)
//! or a problem with its line; nothing is lost in between. Beside them, files of
//! links, persons and truth.

mod columns;
mod csv_rows;
mod lines;
mod linkage;
mod ndjson;
mod reader;
mod row;

#[cfg(test)]
mod tests;

pub use columns::{Column, ColumnMap, ColumnProblem, column_of, read_mappings};
pub use linkage::{
    GroupRow, LabelRow, LinkRow, LinkageFileProblem, PairLabel, PersonRow, Place, read_groups,
    read_labels, read_links, read_persons,
};
pub use reader::{FileProblem, FileRow, FileRows, RowProblem, open, read_csv, read_ndjson};
