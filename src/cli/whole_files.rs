//! Whole files in memory, for `link` and `train`: rows are read, standardised
//! on all threads and coded. Which profile holds is decided by all rows; where
//! the first rows said otherwise the files are read again.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};

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
    read_share(paths, maps, profile, (1, quiet))
}

/// The same of one record in `one_in`, by a hash of its id: the same ones each time.
pub(super) fn read_share(
    paths: &[PathBuf],
    maps: &[String],
    profile: Option<Profile>,
    share: (u32, bool),
) -> anyhow::Result<WholeFiles> {
    let first = read_once(paths, maps, profile, share)?;
    let decided = profile.unwrap_or_else(|| first.signs.profile());
    let read = if decided == first.profile {
        first
    } else {
        read_once(paths, maps, Some(decided), share)?
    };
    let ReadOnce {
        mut records,
        places,
        rejected,
        ..
    } = read;
    let twice = records.seal();
    if !twice.is_empty() {
        let twice: Vec<_> = twice
            .into_iter()
            .map(|(first, again)| [places.0[first], places.0[again]])
            .collect();
        return Err(repeated_ids(paths, &twice));
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

/// Names rows whose id occurs twice: file and line of the first and of the other.
pub(super) fn repeated_ids(paths: &[PathBuf], twice: &[[(u32, u32); 2]]) -> anyhow::Error {
    let name =
        |(file, line): (u32, u32)| format!("{}: line {line}", paths[file as usize].display());
    for [first, again] in twice.iter().take(NAMED_MAX) {
        eprintln!("{} repeats the record_id of {}", name(*again), name(*first));
    }
    anyhow::anyhow!(
        "{} rows repeat a record_id; nothing was linked",
        twice.len()
    )
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
    (one_in, quiet): (u32, bool),
) -> anyhow::Result<ReadOnce> {
    let mut read = ReadOnce {
        records: BulkRecords::default(),
        places: Places::default(),
        profile: profile.unwrap_or_default(),
        signs: Signs::default(),
        rejected: 0,
    };
    let mut decided = profile.is_some();
    read.rejected = each_chunk(paths, maps, quiet, &mut |chunk| {
        for row in &chunk.rows {
            read.signs.see(&row.record);
        }
        if !decided {
            read.profile = read.signs.profile();
            decided = true;
        }
        let (rows, places) = share_of(chunk.rows, chunk.places, one_in);
        read.places.0.extend(places);
        read.records.take(rows, &standardise_options(read.profile));
        if read.records.len() == ROWS_PER_CHUNK {
            read.records.reserve(rows_in(chunk.size, chunk.bytes));
        }
        Ok(())
    })?;
    Ok(read)
}

/// The rows of which one in so many is taken, with the place of each.
fn share_of(
    rows: Vec<SentRow>,
    places: Vec<(u32, u32)>,
    one_in: u32,
) -> (Vec<SentRow>, Vec<(u32, u32)>) {
    if one_in == 1 {
        return (rows, places);
    }
    let all = rows.into_iter().zip(places);
    all.filter(|(row, _)| is_of_share(&row.record_id, one_in))
        .unzip()
}

/// Whether a record is one of those, whatever the files, the order of rows and the release.
fn is_of_share(record_id: &str, one_in: u32) -> bool {
    let digest = Sha256::digest(record_id.as_bytes());
    let number = digest[..8]
        .iter()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    number.is_multiple_of(u64::from(one_in))
}

/// Rows that are standardised together.
pub(super) struct Chunk {
    pub(super) rows: Vec<SentRow>,
    /// File and line of each.
    pub(super) places: Vec<(u32, u32)>,
    /// Bytes of the file that they stand in.
    size: u64,
    /// Of which so many are read.
    bytes: u64,
}

/// Gives the rows of files in chunks. Rows that cannot be read are named and counted.
pub(super) fn each_chunk(
    paths: &[PathBuf],
    maps: &[String],
    quiet: bool,
    take: &mut dyn FnMut(Chunk) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let (mut done, mut rejected) = (0, 0);
    for (file, path) in (0_u32..).zip(paths) {
        let source = files::open(path, maps)?.without_texts();
        let read = source.bytes_read();
        let size = std::fs::metadata(path).map_or(0, |about| about.len());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut progress = Progress::over_bytes(&format!("reading {name}"), size, quiet);
        let mut rows = Vec::with_capacity(ROWS_PER_CHUNK);
        let mut places = Vec::with_capacity(ROWS_PER_CHUNK);
        let mut hand_on = |rows: &mut Vec<SentRow>, places: &mut Vec<(u32, u32)>| {
            let bytes = read.load(Ordering::Relaxed);
            done += rows.len() as u64;
            take(Chunk {
                rows: std::mem::replace(rows, Vec::with_capacity(ROWS_PER_CHUNK)),
                places: std::mem::replace(places, Vec::with_capacity(ROWS_PER_CHUNK)),
                size,
                bytes,
            })?;
            progress.at(done, read.load(Ordering::Relaxed));
            anyhow::Ok(())
        };
        for row in source {
            match row {
                Ok(row) => {
                    places.push((file, u32::try_from(row.line).unwrap_or(u32::MAX)));
                    rows.push(SentRow {
                        record_id: row.record_id,
                        source: row.source.unwrap_or_default(),
                        record: row.record,
                    });
                }
                Err(problem) => {
                    if rejected < NAMED_MAX as u64 {
                        eprintln!("{name}: {problem}");
                    }
                    rejected += 1;
                    if problem.ends_file {
                        bail!("{name} is damaged or was cut short; nothing was linked");
                    }
                }
            }
            if rows.len() == ROWS_PER_CHUNK {
                hand_on(&mut rows, &mut places)?;
            }
        }
        hand_on(&mut rows, &mut places)?;
        progress.finish();
    }
    Ok(rejected)
}

/// How many rows a file of this size may have, where the first chunk took so many
/// bytes or, as they are read ahead, fewer.
fn rows_in(size: u64, bytes: u64) -> usize {
    let chunks = size.div_ceil(bytes.max(1));
    let rows = usize::try_from(chunks).map_or(0, |chunks| chunks.saturating_mul(ROWS_PER_CHUNK));
    rows.min(ROWS_RESERVED_MAX)
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
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use super::{WholeFiles, read, read_share, standardise_options};
    use crate::bulk::{
        BulkRecords, Edge, LinkPlan, Linked, NO_PIECE, Piecework, Policy, SettledPiece, Stage,
        Watch, link,
    };
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

    /// Records of these numbers, as another process would get them.
    fn piece_of(whole: &WholeFiles, numbers: &[u32]) -> BulkRecords {
        let all = (0..).take(whole.records.len());
        let sources: BTreeSet<&str> = all.map(|record| whole.records.source(record)).collect();
        BulkRecords::of_piece(numbers.iter().map(|record| {
            let bytes = postcard::to_stdvec(&whole.records.standard(*record)).expect("bytes");
            let source = sources.range(..whole.records.source(*record)).count();
            let standard = postcard::from_bytes(&bytes).expect("a record");
            (u32::try_from(source).expect("few"), standard)
        }))
    }

    /// The edges between records of a piece, by the numbers that `number` gives.
    fn renumbered(edges: &[Edge], number: impl Fn(u32) -> u32) -> Vec<Edge> {
        let edges = edges.iter().map(|edge| Edge {
            a: number(edge.a),
            b: number(edge.b),
            ..*edge
        });
        edges.collect()
    }

    /// A run whose blocks are dealt out, and whose persons are made piece by piece.
    fn link_in_pieces(whole: &WholeFiles, plan: &LinkPlan) -> Linked {
        const HANDS: usize = 7;
        let count = u32::try_from(whole.records.len()).expect("few");
        let all: Vec<u32> = (0..count).collect();
        let work = Piecework::new(plan.clone(), count);
        let mut hands = vec![BTreeMap::<u32, Vec<u64>>::new(); HANDS];
        for half in all.chunks(all.len() / 2 + 1) {
            let places = work.places(&piece_of(whole, half));
            for (record, places) in half.iter().zip(places) {
                for place in places {
                    let hand = &mut hands[usize::try_from(place).expect("64 bits") % HANDS];
                    hand.entry(*record).or_default().push(place);
                }
            }
        }
        let mut edges = BTreeMap::new();
        for hand in hands {
            let numbers: Vec<u32> = hand.keys().copied().collect();
            let met: Vec<(u64, u32)> = (0..)
                .zip(hand.values())
                .flat_map(|(record, places)| places.iter().map(move |place| (*place, record)))
                .collect();
            let found = work.weigh(&piece_of(whole, &numbers), &met);
            for edge in renumbered(&found, |record| numbers[record as usize]) {
                let again = edges.insert((edge.a, edge.b), edge);
                assert!(again.is_none_or(|again| again == edge), "{edge:?}");
            }
        }
        let edges: Vec<Edge> = edges.into_values().collect();
        let pieces = work.pieces(&edges);
        let mut settled = SettledPiece {
            persons: all.clone(),
            pairs: Vec::new(),
        };
        let last = pieces.iter().filter(|piece| **piece != NO_PIECE).max();
        for piece in 0..=*last.expect("a piece") {
            let numbers: Vec<u32> = all
                .iter()
                .copied()
                .filter(|record| pieces[*record as usize] == piece)
                .collect();
            let inside: Vec<Edge> = edges
                .iter()
                .copied()
                .filter(|edge| {
                    [edge.a, edge.b]
                        .iter()
                        .all(|it| pieces[*it as usize] == piece)
                })
                .collect();
            let place = |record| {
                let place = numbers.binary_search(&record).expect("inside");
                u32::try_from(place).expect("few")
            };
            let found = work.settle(&piece_of(whole, &numbers), &renumbered(&inside, place));
            for (record, first) in numbers.iter().zip(found.persons) {
                settled.persons[*record as usize] = numbers[first as usize];
            }
            let pairs = renumbered(&found.pairs, |record| numbers[record as usize]);
            settled.pairs.extend(pairs);
        }
        work.linked(edges, settled.pairs, settled.persons)
    }

    #[test]
    fn a_run_in_pieces_gives_what_a_run_in_memory_gives() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, path) = region(folder.path());
        let whole = read_path(&path);
        let learnt = link(&whole.records, &plan(true, Policy::Model), &Nobody);
        // It weighs groups, which the shipped one does not.
        let learnt = learnt.expect("linked").model;
        for (model, policy) in [
            (learnt, Policy::Model),
            (LinkageModel::uk_care(), Policy::Model),
            (LinkageModel::uk_care(), Policy::Care),
        ] {
            let plan = LinkPlan {
                model,
                across_sources_only: policy == Policy::Care,
                ..plan(false, policy)
            };
            let linked = link(&whole.records, &plan, &Nobody).expect("linked");
            let pieces = link_in_pieces(&whole, &plan);
            assert!(linked.links.len() > 500);
            assert!(told(&whole, &linked) == told(&whole, &pieces), "{policy:?}");
            assert!(linked.certainty == pieces.certainty);
        }
    }

    #[test]
    fn a_share_of_the_records_is_the_same_one_in_any_order_and_about_as_large_as_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let (text, path) = region(folder.path());
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        let turned = folder.path().join("turned.csv");
        std::fs::write(&turned, lines.join("\n")).expect("written");
        let ids = |path: &Path, one_in| -> BTreeSet<String> {
            let whole = read_share(&[path.to_owned()], &[], None, (one_in, true));
            let records = whole.expect("readable").records;
            let numbers = 0..u32::try_from(records.len()).expect("few");
            numbers
                .map(|number| records.id(number).to_owned())
                .collect()
        };
        let (all, quarter) = (ids(&path, 1), ids(&path, 4));
        assert!(quarter.is_subset(&all));
        assert!((3..=5).contains(&(all.len() / quarter.len())));
        assert_eq!(quarter, ids(&turned, 4));
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
