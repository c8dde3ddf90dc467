//! The made-up region that everything is measured on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::ledger::{accord, run};
use crate::{number, setting};

/// Files of a region.
pub(crate) struct Region {
    pub(crate) folder: PathBuf,
    /// What is loaded.
    pub(crate) records: PathBuf,
    /// What comes on top of it: other people of the same places.
    pub(crate) further: PathBuf,
    persons: usize,
    each: String,
}

impl Region {
    /// Generates it, unless the folder has it already.
    pub(crate) fn make(folder: &Path) -> Self {
        let persons = number("ACCORD_PERSONS", "20000");
        let each = setting("ACCORD_RECORDS_PER_PERSON", "all");
        let imported = number("ACCORD_IMPORTED", "20000");
        let folder = folder.join(format!("{persons}-persons-{each}"));
        let region = Self {
            records: folder.join("records.csv"),
            further: folder.join("further.csv"),
            folder,
            persons,
            each,
        };
        if !region.further.exists() {
            std::fs::create_dir_all(&region.folder).expect("a folder");
            let most = region.each.parse().unwrap_or(usize::MAX);
            region.generate("all", "20260101", persons, &region.records, |_, nth| {
                nth < most
            });
            let further = |row: usize, _| row < imported;
            region.generate("more", "20260102", imported, &region.further, further);
        }
        region
    }

    /// Generates persons and keeps the rows that `keep` wants, by the number of
    /// the row and of the person's rows before it.
    fn generate(
        &self,
        name: &str,
        seed: &str,
        persons: usize,
        into: &Path,
        keep: impl Fn(usize, usize) -> bool,
    ) {
        let made = self.folder.join(name);
        run(accord()
            .args(["generate", "--seed", seed, "--persons"])
            .arg(persons.to_string())
            .arg("--out")
            .arg(&made));
        let mut owners: HashMap<String, String> = HashMap::new();
        let truth = csv::Reader::from_path(made.join("truth.csv")).expect("the truth");
        for row in truth.into_records() {
            let row = row.expect("a row");
            owners.insert(row[0].to_owned(), row[1].to_owned());
        }
        let mut reader = csv::Reader::from_path(made.join("records.csv")).expect("records");
        let beside = into.with_extension("part");
        let mut writer = csv::Writer::from_path(&beside).expect("a file");
        let headers = reader.headers().expect("headers").clone();
        let id = headers.iter().position(|name| name == "record_id");
        let id = id.expect("a column of ids");
        let others = format!("{seed}-");
        writer.write_record(&headers).expect("a row");
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (number, row) in reader.records().enumerate() {
            let row = row.expect("a row");
            let before = seen.entry(owners[&row[id]].clone()).or_default();
            if keep(number, *before) {
                // Two regions number their records alike.
                let cells = row.iter().enumerate().map(|(place, cell)| {
                    let mark = if place == id { others.as_str() } else { "" };
                    format!("{mark}{cell}")
                });
                writer.write_record(cells).expect("a row");
            }
            *before += 1;
        }
        writer.flush().expect("a file");
        std::fs::rename(beside, into).expect("a file");
        std::fs::remove_dir_all(made).expect("a folder");
    }

    pub(crate) fn words(&self) -> String {
        let reader = csv::Reader::from_path(&self.records).expect("records");
        let rows = reader.into_byte_records().count();
        let each = match self.each.as_str() {
            "all" => "all records of each".to_owned(),
            each => format!("the first {each} of each only"),
        };
        format!("{} persons, {rows} records ({each})", self.persons)
    }
}
