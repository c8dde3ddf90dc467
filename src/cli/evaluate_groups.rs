//! Which groups of people the evaluated records are of: by what they say, and by a file
//! beside them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::evaluate::{EvaluateArguments, Reading};
use crate::evaluation::RecordIds;
use crate::evaluation::divisions::{Division, DivisionProblem, Divisions};
use crate::evaluation::facts::facts;
use crate::evaluation::groups::GroupBook;
use crate::identity::SubmittedRecord;
use crate::interfaces::files::read_groups;

impl Reading {
    /// The groups of the records of a truth, where records or groups are given; `each` gets
    /// every record.
    pub(super) fn book(
        &self,
        ids: &RecordIds,
        arguments: &EvaluateArguments,
        each: impl FnMut(u32, &SubmittedRecord),
    ) -> anyhow::Result<Option<GroupBook>> {
        let mut book = match arguments.records.as_slice() {
            [] => None,
            files => Some(self.records(ids, files, &arguments.maps, each)?),
        };
        if let Some(path) = &arguments.groups {
            book.get_or_insert_default().given = read_divisions(ids, path)?;
        }
        Ok(book)
    }

    fn records(
        &self,
        ids: &RecordIds,
        paths: &[PathBuf],
        maps: &[String],
        mut each: impl FnMut(u32, &SubmittedRecord),
    ) -> anyhow::Result<GroupBook> {
        let mut book = GroupBook {
            facts: vec![None; ids.len()],
            ..GroupBook::default()
        };
        let mut sources = RecordIds::default();
        self.each_record(paths, maps, |row| {
            let Some(record) = ids.find(row.record_id.as_bytes()) else {
                return Ok(());
            };
            let code = row.source.as_deref().unwrap_or("not_said");
            let (source, new) = sources.add(code.as_bytes());
            if new {
                book.sources.push(code.to_owned());
            }
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            book.facts[record as usize] = Some(facts(&row.record, source));
            each(record, &row.record);
            Ok(())
        })?;
        Ok(book)
    }
}

/// What a file beside the records says of the groups that they are of.
pub(super) fn read_divisions(ids: &RecordIds, path: &Path) -> anyhow::Result<Vec<Division>> {
    let text = |problem: DivisionProblem| problem.to_string();
    let divisions = read_groups(
        path,
        |names| Divisions::new(names, ids.len()).map_err(text),
        |divisions, row| match ids.find(row.record) {
            Some(record) => divisions.take(record, &row.groups).map_err(text),
            // What the truth does not know cannot be judged.
            None => Ok(()),
        },
    )?;
    divisions
        .finish()
        .with_context(|| format!("{}: none of its records is evaluated", path.display()))
}
