//! The reject file: every row that did not go in, with its line and reason,
//! as it was sent. It holds patients' data, so it is made for its owner alone.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::interfaces::files::RowProblem;

/// Written when the first row is rejected.
pub(super) struct Rejects {
    path: PathBuf,
    writer: Option<csv::Writer<std::fs::File>>,
    /// Rows rejected so far.
    pub(super) count: u64,
    /// Whether the file cannot be read to its end.
    pub(super) damaged: bool,
}

impl Rejects {
    /// For this input file, in this directory.
    pub(super) fn new(directory: &Path, input: &Path) -> Self {
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.split('.').next().unwrap_or("rows");
        Self {
            path: directory.join(format!("{stem}.rejects.csv")),
            writer: None,
            count: 0,
            damaged: false,
        }
    }

    /// Keeps a row that is no record.
    pub(super) fn refuse(&mut self, problem: &RowProblem) -> anyhow::Result<()> {
        self.damaged |= problem.ends_file;
        self.keep(problem.line, &problem.reason, &problem.row)
    }

    /// Keeps a row with its line and reason.
    pub(super) fn keep(&mut self, line: u64, reason: &str, row: &[String]) -> anyhow::Result<()> {
        self.count += 1;
        if self.writer.is_none() {
            self.writer = Some(self.open()?);
        }
        if let Some(writer) = &mut self.writer {
            let line = line.to_string();
            let fields = [line.as_str(), reason]
                .into_iter()
                .chain(row.iter().map(String::as_str));
            writer
                .write_record(fields)
                .context("cannot write the reject file")?;
            writer.flush().context("cannot write the reject file")?;
        }
        Ok(())
    }

    fn open(&self) -> anyhow::Result<csv::Writer<std::fs::File>> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory).context("cannot make the directory of rejects")?;
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        writer.write_record(["line", "reason", "row"])?;
        Ok(writer)
    }

    /// Says where the rows are, if any were kept.
    pub(super) fn path(&self) -> Option<&Path> {
        self.writer.as_ref().map(|_| self.path.as_path())
    }
}
