//! Whole files in memory, for `link` and `train`: rows are read, standardised
//! on all threads and coded. Which profile holds is decided by all rows; where
//! the first rows said otherwise the files are read again.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::bulk::{BulkRecords, Junk, SentRow};
use crate::cli::progress::Progress;
use crate::foundation::{Clock, SystemClock};
use crate::identity::{
    NhsNumber, NumberStatus, Postcode, Profile, StandardDate, StandardiseOptions, SubmittedRecord,
};
use crate::interfaces::files;
use crate::matching::LinkageModel;

/// Rows that are standardised together.
const ROWS_PER_CHUNK: usize = 4_096;

/// Rows that room is made for at most before they are there.
const ROWS_RESERVED_MAX: usize = 16_000_000;

/// Repeated ids and unreadable rows that are named; the rest is counted.
const NAMED_MAX: usize = 20;

/// Dates before this year are nobody's that care is given to (R51).
const OLDEST_BIRTH_YEAR: i16 = 1895;

/// A file with this share of older birth dates is not of English care.
const OLD_DATES_MAX: f64 = 0.01;

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProfileChoice {
    /// English care: NHS numbers, UK postcodes, default dates.
    #[value(name = "uk_care")]
    UkCare,
    /// Nothing is assumed.
    #[value(name = "generic")]
    Generic,
}

impl ProfileChoice {
    pub(super) const fn profile(self) -> Profile {
        match self {
            Self::UkCare => Profile::UkCare,
            Self::Generic => Profile::Generic,
        }
    }
}

/// The model that a profile starts from.
pub(super) fn shipped_model(profile: Profile) -> LinkageModel {
    match profile {
        Profile::UkCare => LinkageModel::uk_care(),
        Profile::Generic => LinkageModel::generic(),
    }
}

/// A model from its file; its tables stand beside it or are shipped.
pub(super) fn read_model(path: &Path) -> anyhow::Result<LinkageModel> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let table = |name: &str| {
        std::fs::read_to_string(folder.join(name))
            .ok()
            .or_else(|| LinkageModel::embedded_table(name))
    };
    LinkageModel::parse(&text, &table).with_context(|| path.display().to_string())
}

/// Records of files, in the order of their ids.
pub(super) struct WholeFiles {
    pub(super) records: BulkRecords,
    pub(super) profile: Profile,
    /// Rows that could not be read.
    pub(super) rejected: u64,
}

/// Reads files. `profile` is what was asked for; else the rows decide.
pub(super) fn read(
    paths: &[PathBuf],
    maps: &[String],
    profile: Option<Profile>,
    quiet: bool,
) -> anyhow::Result<WholeFiles> {
    let first = read_once(paths, maps, profile, quiet)?;
    let decided = profile.unwrap_or_else(|| first.signs.profile());
    let read = if decided == first.profile {
        first
    } else {
        read_once(paths, maps, Some(decided), quiet)?
    };
    let ReadOnce {
        mut records,
        places,
        rejected,
        ..
    } = read;
    let twice = records.seal();
    if !twice.is_empty() {
        for (a, b) in twice.iter().take(NAMED_MAX) {
            let (first, again) = (places.name(paths, *a), places.name(paths, *b));
            eprintln!("{again} repeats the record_id of {first}");
        }
        bail!(
            "{} rows repeat a record_id; nothing was linked",
            twice.len()
        );
    }
    Ok(WholeFiles {
        records,
        profile: decided,
        rejected,
    })
}

struct ReadOnce {
    records: BulkRecords,
    places: Places,
    profile: Profile,
    signs: Signs,
    rejected: u64,
}

/// File and line of each row.
#[derive(Default)]
struct Places(Vec<(u32, u32)>);

impl Places {
    fn name(&self, paths: &[PathBuf], row: usize) -> String {
        let (file, line) = self.0[row];
        format!("{}: line {line}", paths[file as usize].display())
    }
}

/// What the rows say of their profile.
#[derive(Debug, Default, Clone, Copy)]
struct Signs {
    rows: u64,
    english: u64,
    dates: u64,
    old_dates: u64,
}

impl Signs {
    fn see(&mut self, record: &SubmittedRecord) {
        self.rows += 1;
        let number = record.nhs_number.as_deref();
        let has_number = number.is_some_and(|text| NhsNumber::parse(text).is_ok());
        let has_postcode = || {
            record.addresses.iter().any(|address| {
                let postcode = address.postcode.as_deref().and_then(Postcode::parse);
                matches!(postcode, Some(Postcode::Unit { .. }))
            })
        };
        self.english += u64::from(has_number || has_postcode());
        if let Some(date) = record.birth_date.as_deref().and_then(StandardDate::parse) {
            self.dates += 1;
            self.old_dates += u64::from(date.year() < OLDEST_BIRTH_YEAR);
        }
    }

    /// English care when most rows have a valid number or a UK postcode, and
    /// fewer than 1 % of birth dates are older than anybody living.
    fn profile(&self) -> Profile {
        let old = self.old_dates as f64 >= OLD_DATES_MAX * self.dates as f64 && self.old_dates > 0;
        if self.english * 2 > self.rows && !old {
            Profile::UkCare
        } else {
            Profile::Generic
        }
    }
}

fn read_once(
    paths: &[PathBuf],
    maps: &[String],
    profile: Option<Profile>,
    quiet: bool,
) -> anyhow::Result<ReadOnce> {
    let mut read = ReadOnce {
        records: BulkRecords::default(),
        places: Places::default(),
        profile: profile.unwrap_or_default(),
        signs: Signs::default(),
        rejected: 0,
    };
    let mut decided = profile.is_some();
    for (file, path) in paths.iter().enumerate() {
        let rows = files::open(path, maps)?.without_texts();
        let bytes = rows.bytes_read();
        let size = std::fs::metadata(path).map_or(0, |about| about.len());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut progress = Progress::over_bytes(&format!("reading {name}"), size, quiet);
        let mut chunk = Vec::with_capacity(ROWS_PER_CHUNK);
        for row in rows {
            match row {
                Ok(row) => {
                    read.signs.see(&row.record);
                    let line = u32::try_from(row.line).unwrap_or(u32::MAX);
                    read.places
                        .0
                        .push((u32::try_from(file).unwrap_or(u32::MAX), line));
                    chunk.push(SentRow {
                        record_id: row.record_id,
                        source: row.source.unwrap_or_default(),
                        record: row.record,
                    });
                }
                Err(problem) => {
                    if read.rejected < NAMED_MAX as u64 {
                        eprintln!("{name}: {problem}");
                    }
                    read.rejected += 1;
                    if problem.ends_file {
                        bail!("{name} is damaged or was cut short; nothing was linked");
                    }
                }
            }
            if chunk.len() == ROWS_PER_CHUNK {
                take(&mut read, &mut chunk, &mut decided);
                if read.records.len() == ROWS_PER_CHUNK {
                    read.records
                        .reserve(rows_in(size, bytes.load(Ordering::Relaxed)));
                }
                progress.at(read.records.len() as u64, bytes.load(Ordering::Relaxed));
            }
        }
        take(&mut read, &mut chunk, &mut decided);
        progress.at(read.records.len() as u64, bytes.load(Ordering::Relaxed));
        progress.finish();
    }
    Ok(read)
}

/// How many rows a file of this size may have, where the first chunk took so many
/// bytes or, as they are read ahead, fewer.
fn rows_in(size: u64, bytes: u64) -> usize {
    let chunks = size.div_ceil(bytes.max(1));
    let rows = usize::try_from(chunks).map_or(0, |chunks| chunks.saturating_mul(ROWS_PER_CHUNK));
    rows.min(ROWS_RESERVED_MAX)
}

fn take(read: &mut ReadOnce, chunk: &mut Vec<SentRow>, decided: &mut bool) {
    if !*decided {
        read.profile = read.signs.profile();
        *decided = true;
    }
    let rows = std::mem::replace(chunk, Vec::with_capacity(ROWS_PER_CHUNK));
    read.records.take(rows, &standardise_options(read.profile));
}

/// Treats values that stand for nothing as absent, and says of which sources and how many.
pub(super) fn set_aside_junk(whole: &mut WholeFiles, quiet: bool) {
    for junk in whole.records.set_aside_junk(whole.profile) {
        if quiet {
            continue;
        }
        let Junk {
            source,
            kind,
            values,
            records,
        } = junk;
        let (kind, kept) = (kind.name(), kind.kept());
        eprintln!(
            "source {source}: {kind} on {records} records ({values} values) say nothing; {kept}"
        );
    }
}

/// How records of files are standardised.
pub(super) fn standardise_options(profile: Profile) -> StandardiseOptions {
    let (year, month, day) = SystemClock.now().date();
    let today = i16::try_from(year)
        .ok()
        .and_then(|year| StandardDate::from_parts(year, Some(month), Some(day)))
        .expect("invariant: the clock gives a date");
    StandardiseOptions {
        profile,
        number_status_default: NumberStatus::NotTraced,
        today,
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use super::{WholeFiles, read, standardise_options};
    use crate::bulk::{LinkPlan, Linked, Policy, Stage, Watch, link};
    use crate::evaluation::generator::{Population, generate};
    use crate::identity::{Profile, StandardRecord, standardise};
    use crate::interfaces::files;
    use crate::matching::LinkageModel;

    struct Nobody;

    impl Watch for Nobody {
        fn begin(&self, _stage: Stage, _total: u64) {}
        fn at(&self, _done: u64) {}
    }

    fn region(folder: &Path) -> (String, PathBuf) {
        region_of(700, folder)
    }

    fn region_of(persons: usize, folder: &Path) -> (String, PathBuf) {
        let mut records = Vec::new();
        generate(&Population::default_region(), persons, 5)
            .write_records(&mut records)
            .expect("written");
        let text = String::from_utf8(records).expect("text");
        let path = folder.join("records.csv");
        std::fs::write(&path, &text).expect("written");
        (text, path)
    }

    fn read_path(path: &Path) -> WholeFiles {
        read(&[path.to_owned()], &[], None, true).expect("readable")
    }

    fn plan(trains: bool, policy: Policy) -> LinkPlan {
        LinkPlan {
            model: LinkageModel::uk_care(),
            trains,
            policy,
            across_sources_only: false,
            least_bits: Some(-5.0),
        }
    }

    /// What a run gives, as the files would have it.
    fn told(whole: &WholeFiles, linked: &Linked) -> String {
        let mut text = String::new();
        for edge in &linked.links {
            let (a, b) = (whole.records.id(edge.a), whole.records.id(edge.b));
            let _ = writeln!(text, "{a},{b},{:x}", edge.weight.to_bits());
        }
        for (record, person) in (0..).zip(&linked.persons) {
            let _ = writeln!(
                text,
                "{},{}",
                whole.records.id(record),
                whole.records.id(*person)
            );
        }
        text
    }

    #[test]
    fn r76_a_run_gives_the_same_on_any_number_of_threads_and_in_any_order_of_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let (text, path) = region(folder.path());
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        let turned = folder.path().join("turned.csv");
        std::fs::write(&turned, lines.join("\n")).expect("written");
        for (policy, trains) in [(Policy::Model, true), (Policy::Care, false)] {
            let run = |path: &Path, threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.expect("a pool").install(|| {
                    let whole = read_path(path);
                    let linked = link(&whole.records, &plan(trains, policy), &Nobody);
                    told(&whole, &linked.expect("linked"))
                })
            };
            let first = run(&path, 1);
            assert!(first.len() > 10_000);
            let again = run(&turned, 3);
            assert!(first == again, "threads or order matter to {policy:?}");
        }
    }

    #[test]
    fn a_pair_scores_the_same_bits_as_in_the_service() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, path) = region(folder.path());
        let whole = read_path(&path);
        assert_eq!(whole.profile, Profile::UkCare);
        let model = LinkageModel::uk_care();
        let standard: HashMap<String, StandardRecord> = files::open(&path, &[])
            .expect("a file")
            .map(|row| row.expect("a row"))
            .map(|row| {
                (
                    row.record_id,
                    standardise(&row.record, &standardise_options(Profile::UkCare)).0,
                )
            })
            .collect();
        let linked = link(&whole.records, &plan(false, Policy::Model), &Nobody).expect("linked");
        assert!(linked.links.len() > 500);
        for edge in &linked.links {
            let (a, b) = (whole.records.id(edge.a), whole.records.id(edge.b));
            let score = model.score(&standard[a], &[&standard[b]]);
            assert_eq!(score.weight.bits().to_bits(), edge.weight.to_bits());
        }
    }

    #[test]
    fn no_pair_that_reaches_the_least_weight_is_dropped_early() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, path) = region_of(130, folder.path());
        let whole = read_path(&path);
        let plan = LinkPlan {
            least_bits: Some(-12.0),
            ..plan(false, Policy::Model)
        };
        // So few records that each meets each other.
        let linked = link(&whole.records, &plan, &Nobody).expect("linked");
        let standard: HashMap<String, StandardRecord> = files::open(&path, &[])
            .expect("a file")
            .map(|row| row.expect("a row"))
            .map(|row| {
                let record = standardise(&row.record, &standardise_options(Profile::UkCare)).0;
                (row.record_id, record)
            })
            .collect();
        let count = u32::try_from(whole.records.len()).expect("few");
        let mut reaching = 0;
        for (a, b) in (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))) {
            let (x, y) = (whole.records.id(a), whole.records.id(b));
            let weight = plan.model.score(&standard[x], &[&standard[y]]).weight;
            reaching += usize::from(weight.bits() >= -12.0);
        }
        assert!(reaching > 300);
        assert_eq!(reaching, linked.links.len());
    }

    #[test]
    fn an_id_that_occurs_twice_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("twice.csv");
        std::fs::write(&path, "record_id,given_name\nA,Ann\nB,Bob\nA,Ann\n").expect("written");
        let refused = read(&[path], &[], None, true).err().expect("refused");
        assert!(
            refused.to_string().contains("1 rows repeat a record_id"),
            "{refused}"
        );
    }

    #[test]
    fn the_rows_decide_the_profile() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.csv");
        let text = "record_id,given_name,date_of_birth,postcode\nA,Ann,1616-01-01,ab11 5qd\n";
        std::fs::write(&path, text).expect("written");
        assert_eq!(read_path(&path).profile, Profile::Generic);
        std::fs::write(&path, text.replace("1616", "1961")).expect("written");
        assert_eq!(read_path(&path).profile, Profile::UkCare);
    }
}
