//! Tables on disk: rows as they were read, standardised; then the records of a run, numbered
//! in the order of their ids.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use datafusion::common::cast::{as_string_array, as_uint32_array};
use datafusion::prelude::SessionContext;
use futures_util::StreamExt as _;

use crate::bulk::{BulkRecords, SentRow};
use crate::frames::FramesProblem;
use crate::frames::session::register;
use crate::identity::StandardiseOptions;

/// Records in one file of a table: a file is what one reader takes at least.
const RECORDS_PER_FILE: usize = 100_000;

/// How a file of a table is called.
pub(super) const EXTENSION: &str = ".arrow";

/// A column without gaps.
fn column(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

/// What a row says: where it stood, then what [`record_columns`] are made of.
fn row_columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        column("record_id", DataType::Utf8),
        column("file", DataType::UInt32),
        column("line", DataType::UInt32),
        column("source", DataType::UInt32),
        column("lacks", DataType::Boolean),
        column("standard", DataType::Binary),
    ]))
}

/// A record: its number, the number of its source, whether it lacks a field, and what it
/// says, standardised.
fn record_columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        column("record", DataType::UInt32),
        column("source", DataType::UInt32),
        column("lacks", DataType::Boolean),
        column("standard", DataType::Binary),
    ]))
}

/// A table of several files, written in turn.
struct Files {
    folder: PathBuf,
    columns: SchemaRef,
    begun: usize,
    open: Option<(FileWriter<BufWriter<File>>, usize)>,
}

impl Files {
    fn new(folder: PathBuf, columns: SchemaRef) -> Result<Self, FramesProblem> {
        std::fs::create_dir_all(&folder).map_err(|error| FramesProblem::of_file(&folder, error))?;
        Ok(Self {
            folder,
            columns,
            begun: 0,
            open: None,
        })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), FramesProblem> {
        let batch = RecordBatch::try_new(Arc::clone(&self.columns), columns)?;
        let (mut writer, written) = match self.open.take() {
            Some(open) => open,
            None => (self.begin()?, 0),
        };
        writer.write(&batch)?;
        let written = written + batch.num_rows();
        if written < RECORDS_PER_FILE {
            self.open = Some((writer, written));
        } else {
            writer.finish()?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<FileWriter<BufWriter<File>>, FramesProblem> {
        let path = self.folder.join(format!("{:06}{EXTENSION}", self.begun));
        self.begun += 1;
        let file = File::create(&path).map_err(|error| FramesProblem::of_file(&path, error))?;
        Ok(FileWriter::try_new_buffered(file, &self.columns)?)
    }

    fn finish(mut self) -> Result<(), FramesProblem> {
        if self.begun == 0 {
            self.write(empty(&self.columns))?;
        }
        if let Some((mut writer, _)) = self.open.take() {
            writer.finish()?;
        }
        Ok(())
    }
}

fn empty(columns: &SchemaRef) -> Vec<ArrayRef> {
    RecordBatch::new_empty(Arc::clone(columns))
        .columns()
        .to_vec()
}

/// The rows of a run on their way to disk, standardised on all threads.
pub struct RowsTable {
    files: Files,
    sources: HashMap<String, u32>,
}

impl RowsTable {
    /// A new table in a work folder that belongs to this run alone.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(work_folder: &Path) -> Result<Self, FramesProblem> {
        Ok(Self {
            files: Files::new(rows_folder(work_folder), row_columns())?,
            sources: HashMap::new(),
        })
    }

    /// Takes rows with the file and line of each.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn take(
        &mut self,
        rows: Vec<SentRow>,
        places: &[(u32, u32)],
        options: &StandardiseOptions,
    ) -> Result<(), FramesProblem> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut records = BulkRecords::default();
        records.take(rows, options);
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let mut standard = BinaryBuilder::new();
        let mut sources = Vec::with_capacity(records.len());
        for record in 0..count {
            standard.append_value(encode(&records, record)?);
            sources.push(self.source_number(records.source(record)));
        }
        let ids = (0..count).map(|record| records.id(record));
        self.files.write(vec![
            Arc::new(StringArray::from_iter_values(ids)),
            Arc::new(UInt32Array::from_iter_values(
                places.iter().map(|(file, _)| *file),
            )),
            Arc::new(UInt32Array::from_iter_values(
                places.iter().map(|(_, line)| *line),
            )),
            Arc::new(UInt32Array::from(sources)),
            Arc::new(BooleanArray::from(records.lacking())),
            Arc::new(standard.finish()),
        ])
    }

    /// All rows are there.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn finish(self) -> Result<(), FramesProblem> {
        self.files.finish()
    }

    fn source_number(&mut self, source: &str) -> u32 {
        if let Some(number) = self.sources.get(source) {
            return *number;
        }
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.insert(source.to_owned(), number);
        number
    }
}

fn encode(records: &BulkRecords, record: u32) -> Result<Vec<u8>, FramesProblem> {
    postcard::to_stdvec(&records.standard(record))
        .map_err(|error| FramesProblem::Engine(format!("a record cannot be written: {error}")))
}

fn rows_folder(work_folder: &Path) -> PathBuf {
    work_folder.join("rows")
}

pub(super) fn records_folder(work_folder: &Path) -> PathBuf {
    work_folder.join("records")
}

/// Puts the rows in the order of their ids, numbers them and writes the table of records;
/// the rows are then gone. Gives the ids, and how many there are.
///
/// # Errors
/// When an id occurs twice, the disk is full, or the memory of the session does not suffice.
pub(super) async fn number_records(
    session: &SessionContext,
    work_folder: &Path,
) -> Result<(BulkRecords, u32), FramesProblem> {
    let rows = rows_folder(work_folder);
    register(session, "rows", &rows, &row_columns()).await?;
    let sorted = "SELECT record_id, file, line, source, lacks, standard FROM rows \
                  ORDER BY record_id, file, line";
    let mut batches = session.sql(sorted).await?.execute_stream().await?;
    let mut files = Files::new(records_folder(work_folder), record_columns())?;
    let mut ids = BulkRecords::default();
    let mut last: Option<(String, [u32; 2])> = None;
    let mut twice = Vec::new();
    let mut first = 0_u32;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let said = as_string_array(batch.column(0))?;
        let (file, line) = (
            as_uint32_array(batch.column(1))?,
            as_uint32_array(batch.column(2))?,
        );
        for row in 0..batch.num_rows() {
            let (id, place) = (said.value(row), [file.value(row), line.value(row)]);
            match &last {
                Some((known, at)) if known == id => twice.push([(at[0], at[1]), place.into()]),
                _ => last = Some((id.to_owned(), place)),
            }
            ids.push_id(id);
        }
        let count = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        let end = first.checked_add(count).filter(|end| *end < u32::MAX);
        let end = end.ok_or(FramesProblem::TooManyRecords)?;
        let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(first..end));
        first = end;
        let said = [3, 4, 5].map(|column| Arc::clone(batch.column(column)));
        files.write([numbers].into_iter().chain(said).collect())?;
    }
    files.finish()?;
    if !twice.is_empty() {
        return Err(FramesProblem::RepeatedIds(twice));
    }
    session.deregister_table("rows")?;
    std::fs::remove_dir_all(&rows).map_err(|error| FramesProblem::of_file(&rows, error))?;
    Ok((ids, first))
}

/// Makes the table of records known to a session.
pub(super) async fn register_records(
    session: &SessionContext,
    work_folder: &Path,
) -> Result<(), FramesProblem> {
    let folder = records_folder(work_folder);
    register(session, "records", &folder, &record_columns()).await
}
