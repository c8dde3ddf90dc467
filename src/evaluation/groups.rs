//! Errors by group of people (R126): whose pairs are missed, and who is mixed
//! up with others. A pair belongs to a group when one of its records does; the
//! unit of the bounds is the person, or for false links the group of records.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::evaluation::bounds::{BoundedShare, Clustered};
use crate::evaluation::divisions::Division;
use crate::evaluation::name_origin;
use crate::evaluation::truth::pairs;
use crate::evaluation::{Partition, Truth};

/// With fewer persons nothing is said: of a hundred without an error the upper
/// bound is 3.6 %.
const PERSONS_MIN: u32 = 100;

const SEXES: [&str; 3] = ["female", "male", "not_said"];
const AGE_BANDS: [(&str, i32); 8] = [
    ("0-4", 5),
    ("5-17", 18),
    ("18-29", 30),
    ("30-44", 45),
    ("45-64", 65),
    ("65-84", 85),
    ("85+", i32::MAX),
    ("not_said", i32::MAX),
];
/// Fields whose absence makes a group.
pub const FIELDS: [&str; 8] = [
    "nhs_number",
    "given_name",
    "family_name",
    "date_of_birth",
    "gender",
    "address_line",
    "postcode",
    "phone",
];
/// More sources than this share one group, `other`.
const SOURCES_MAX: usize = 200;

/// What groups a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordFacts {
    /// Place in [`GroupBook::sources`].
    pub source: u16,
    /// Female 0, male 1, not said 2.
    pub sex: u8,
    /// Year of birth, if known.
    pub birth_year: Option<i16>,
    /// Class of [`name_origin`].
    pub name_origin: u8,
    /// A bit for each of [`FIELDS`] that is absent.
    pub missing: u8,
    /// The postcode says that there is no fixed abode.
    pub no_fixed_abode: bool,
}

/// Facts of all records, by their numbers.
#[derive(Debug, Clone, Default)]
pub struct GroupBook {
    /// Codes of sources, in order of appearance.
    pub sources: Vec<String>,
    /// For each record of the truth.
    pub facts: Vec<Option<RecordFacts>>,
    /// Divisions that a file beside the records gives.
    pub given: Vec<Division>,
}

/// A group's errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupFigures {
    /// What divides: `sex`, `age_band`, `name_origin`, `missing`, `abode`, `source`, or what
    /// a file beside the records says.
    pub dimension: String,
    /// Which part.
    pub group: String,
    /// Records in it.
    pub records: u64,
    /// Persons with a record in it.
    pub persons: u64,
    /// True pairs with a record in it.
    pub true_pairs: u64,
    /// Share of them that was missed.
    pub missed: BoundedShare,
    /// Missed share over everybody's.
    pub missed_ratio: f64,
    /// Pairs linked, with a record in it.
    pub linked_pairs: u64,
    /// Share of them that is false.
    pub false_links: BoundedShare,
    /// Its bounds lie above everybody's share, of misses or of false links.
    pub worse: bool,
}

/// A group too small to say anything of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmallGroup {
    /// What divides.
    pub dimension: String,
    /// Which part.
    pub group: String,
    /// Records in it.
    pub records: u64,
    /// Persons with a record in it.
    pub persons: u64,
}

/// Errors of all groups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupTable {
    /// Share of everybody's true pairs that was missed.
    pub missed: BoundedShare,
    /// Share of all linked pairs that is false.
    pub false_links: BoundedShare,
    /// Groups of at least a hundred persons.
    pub groups: Vec<GroupFigures>,
    /// The others.
    pub too_small: Vec<SmallGroup>,
}

/// Numbers of groups, dimension after dimension; everybody is the last.
struct Numbering {
    sources: usize,
    /// Number of the first group of each division that is given.
    given: Vec<usize>,
    everybody: usize,
}

impl Numbering {
    const AGES: usize = SEXES.len();
    const ORIGINS: usize = Self::AGES + AGE_BANDS.len();
    const MISSING: usize = Self::ORIGINS + name_origin::COUNT;
    const NO_ABODE: usize = Self::MISSING + FIELDS.len();
    const SOURCES: usize = Self::NO_ABODE + 1;

    fn of_book(book: &GroupBook) -> Self {
        let sources = book.sources.len().clamp(1, SOURCES_MAX);
        let mut next = Self::SOURCES + sources;
        let given = book.given.iter().map(|division| {
            let first = next;
            next += division.groups.len();
            first
        });
        Self {
            sources,
            given: given.collect(),
            everybody: next,
        }
    }

    /// Calls `each` with every group of a record.
    fn of(&self, book: &GroupBook, record: u32, latest_year: i16, mut each: impl FnMut(usize)) {
        each(self.everybody);
        let record = record as usize;
        for (first, division) in self.given.iter().zip(&book.given) {
            each(first + usize::from(division.of_record[record]));
        }
        let Some(facts) = book.facts.get(record).and_then(Option::as_ref) else {
            return;
        };
        each(usize::from(facts.sex).min(SEXES.len() - 1));
        let band = facts.birth_year.map_or(AGE_BANDS.len() - 1, |year| {
            let age = i32::from(latest_year) - i32::from(year);
            AGE_BANDS.partition_point(|(_, end)| *end <= age)
        });
        each(Self::AGES + band);
        each(Self::ORIGINS + usize::from(facts.name_origin));
        for field in 0..FIELDS.len() {
            if facts.missing >> field & 1 == 1 {
                each(Self::MISSING + field);
            }
        }
        if facts.no_fixed_abode {
            each(Self::NO_ABODE);
        }
        each(Self::SOURCES + usize::from(facts.source).min(self.sources - 1));
    }

    /// What divides, and which part.
    fn name(&self, group: usize, book: &GroupBook) -> (String, String) {
        let beyond_sources = Self::SOURCES + self.sources;
        if group >= beyond_sources {
            let place = self.given.partition_point(|first| *first <= group) - 1;
            let division = &book.given[place];
            let name = division.groups[group - self.given[place]].clone();
            return (division.name.clone(), name);
        }
        let (dimension, name) = match group {
            _ if group < Self::AGES => ("sex", SEXES[group]),
            _ if group < Self::ORIGINS => ("age_band", AGE_BANDS[group - Self::AGES].0),
            _ if group < Self::MISSING => {
                let class = u8::try_from(group - Self::ORIGINS).unwrap_or(name_origin::UNLISTED);
                ("name_origin", name_origin::class_name(class))
            }
            _ if group < Self::NO_ABODE => ("missing", FIELDS[group - Self::MISSING]),
            Self::NO_ABODE => ("abode", "no_fixed_abode"),
            _ => {
                let source = book.sources.get(group - Self::SOURCES);
                let shared = book.sources.len() > SOURCES_MAX && group + 1 == beyond_sources;
                let source = source.filter(|_| !shared);
                ("source", source.map_or("other", |code| code.as_str()))
            }
        };
        (dimension.to_owned(), name.to_owned())
    }
}

/// Counts by group, of which only a few are not 0.
struct Counts {
    of: Vec<u64>,
    touched: BTreeSet<usize>,
}

impl Counts {
    fn new(groups: usize) -> Self {
        Self {
            of: vec![0; groups],
            touched: BTreeSet::new(),
        }
    }

    fn add(&mut self, group: usize, count: u64) {
        self.of[group] += count;
        self.touched.insert(group);
    }

    /// Gives what was counted and forgets it.
    fn drain(&mut self, mut each: impl FnMut(usize, u64)) {
        for group in std::mem::take(&mut self.touched) {
            each(group, std::mem::take(&mut self.of[group]));
        }
    }
}

struct Counting<'a> {
    truth: &'a Truth,
    book: &'a GroupBook,
    numbering: Numbering,
    latest_year: i16,
    members: Counts,
}

impl Counting<'_> {
    /// Adds to `sums` for each group the pairs of these records with one in it.
    fn touching(&mut self, records: &[u32], sums: &mut Counts) {
        let (numbering, members) = (&self.numbering, &mut self.members);
        for record in records {
            let each = |group| members.add(group, 1);
            numbering.of(self.book, *record, self.latest_year, each);
        }
        let all = records.len() as u64;
        members.drain(|group, count| sums.add(group, pairs(all) - pairs(all - count)));
    }

    /// For each group the pairs of `records`, and those within the parts into
    /// which `part` divides them, added to `shares` as a unit: outside of parts
    /// is a hit.
    fn unit(
        &mut self,
        records: &[u32],
        part: impl Fn(u32) -> u32,
        work: &mut [Counts; 2],
        shares: &mut [Clustered],
    ) {
        let [all, within] = work;
        self.touching(records, all);
        let mut divided: Vec<(u32, u32)> = records
            .iter()
            .map(|record| (part(*record), *record))
            .collect();
        divided.sort_unstable();
        for piece in divided.chunk_by(|one, other| one.0 == other.0) {
            let piece: Vec<u32> = piece.iter().map(|(_, record)| *record).collect();
            self.touching(&piece, within);
        }
        all.drain(|group, count| {
            let outside = count - within.of[group];
            shares[group].add(outside as f64, count as f64);
        });
        within.drain(|_, _| {});
    }
}

/// Counts the errors of every group.
#[must_use]
pub fn table(truth: &Truth, partition: &Partition, book: &GroupBook) -> GroupTable {
    let numbering = Numbering::of_book(book);
    let everybody = numbering.everybody;
    let years = book
        .facts
        .iter()
        .flatten()
        .filter_map(|facts| facts.birth_year);
    let mut counting = Counting {
        truth,
        book,
        numbering,
        latest_year: years.max().unwrap_or(0),
        members: Counts::new(everybody + 1),
    };
    let mut work = [Counts::new(everybody + 1), Counts::new(everybody + 1)];
    let mut missed = vec![Clustered::default(); everybody + 1];
    let mut wrong = missed.clone();
    let (mut records, mut persons) = (vec![0_u64; everybody + 1], vec![0_u64; everybody + 1]);
    for person in 0..truth.persons() {
        let members = counting.truth.members(person);
        counting.unit(
            members,
            |record| partition.group(record),
            &mut work,
            &mut missed,
        );
        counting.count(members, &mut records, &mut persons);
    }
    for group in partition.by_group().iter() {
        counting.unit(group, |record| truth.person(record), &mut work, &mut wrong);
    }
    let mut table = GroupTable {
        missed: missed[everybody].bounded(),
        false_links: wrong[everybody].bounded(),
        groups: Vec::new(),
        too_small: Vec::new(),
    };
    for group in (0..everybody).filter(|group| records[*group] > 0) {
        let (dimension, name) = counting.numbering.name(group, book);
        if persons[group] < u64::from(PERSONS_MIN) {
            table.too_small.push(SmallGroup {
                dimension,
                group: name,
                records: records[group],
                persons: persons[group],
            });
            continue;
        }
        let (misses, falses) = (missed[group].bounded(), wrong[group].bounded());
        table.groups.push(GroupFigures {
            dimension,
            group: name,
            records: records[group],
            persons: persons[group],
            true_pairs: count(missed[group].of()),
            missed: misses,
            missed_ratio: misses.share / table.missed.share.max(f64::MIN_POSITIVE),
            linked_pairs: count(wrong[group].of()),
            false_links: falses,
            worse: misses.lower > table.missed.share || falses.lower > table.false_links.share,
        });
    }
    table
}

impl Counting<'_> {
    fn count(&mut self, members: &[u32], records: &mut [u64], persons: &mut [u64]) {
        let (numbering, counts) = (&self.numbering, &mut self.members);
        for record in members {
            let each = |group| counts.add(group, 1);
            numbering.of(self.book, *record, self.latest_year, each);
        }
        counts.drain(|group, count| {
            records[group] += count;
            persons[group] += 1;
        });
    }
}

/// Sums of counts, far below 2^53.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sum of counts is whole and not negative"
)]
const fn count(sum: f64) -> u64 {
    sum as u64
}

#[cfg(test)]
mod tests {
    use super::{GroupBook, RecordFacts, table};
    use crate::evaluation::Partition;
    use crate::evaluation::divisions::Divisions;
    use crate::evaluation::truth::tests::truth;

    /// 400 persons with two records; of those with Polish names, half are missed.
    #[test]
    fn r126_a_group_whose_pairs_are_missed_stands_out() {
        let persons: Vec<u32> = (0..800).map(|record| record / 2).collect();
        let truth = truth(&persons, None);
        let is_polish = |record: u32| record < 240;
        let labels: Vec<Option<u32>> = (0..800)
            .map(|record| {
                let split = is_polish(record) && record % 4 == 1;
                Some(if split { 400 + record } else { record / 2 })
            })
            .collect();
        let book = GroupBook {
            sources: vec!["gp".to_owned()],
            given: Vec::new(),
            facts: (0..800)
                .map(|record| {
                    Some(RecordFacts {
                        source: 0,
                        sex: 0,
                        birth_year: Some(1980),
                        name_origin: if is_polish(record) { 3 } else { 0 },
                        missing: u8::from(record == 0),
                        no_fixed_abode: false,
                    })
                })
                .collect(),
        };
        let found = table(&truth, &Partition::of_labels(&labels, 1_200), &book);
        let of = |group: &str| found.groups.iter().find(|row| row.group == group);
        let polish = of("eastern_european").expect("120 persons are enough");
        assert!(polish.worse && (polish.missed.share - 0.5).abs() < 1e-9);
        assert!((polish.missed_ratio - 0.5 / 0.15).abs() < 1e-6);
        let english = of("british_irish").expect("280 persons");
        assert!(!english.worse && english.missed.share.abs() < 1e-9);
        assert!(
            english.missed.upper > 0.0,
            "280 persons prove no perfection"
        );
        assert_eq!(found.too_small.len(), 1, "one record lacks its number");
        assert!((found.missed.share - 0.15).abs() < 1e-9);
    }

    #[test]
    fn a_false_link_counts_for_the_groups_of_its_records() {
        let persons: Vec<u32> = (0..400).map(|record| record / 2).collect();
        let truth = truth(&persons, None);
        // The first two persons are one group.
        let labels: Vec<Option<u32>> = (0..400_u32)
            .map(|record| Some((record / 2).max(1)))
            .collect();
        let book = GroupBook {
            sources: vec!["gp".to_owned(), "pas".to_owned()],
            given: Vec::new(),
            facts: (0..400_u16)
                .map(|record| {
                    Some(RecordFacts {
                        source: record % 2,
                        sex: 1,
                        birth_year: None,
                        name_origin: 0,
                        missing: 0,
                        no_fixed_abode: false,
                    })
                })
                .collect(),
        };
        let found = table(&truth, &Partition::of_labels(&labels, 200), &book);
        let gp = found
            .groups
            .iter()
            .find(|row| row.group == "gp")
            .expect("200 persons");
        // Four records: six pairs, of which one has no record of the practice.
        assert_eq!(gp.linked_pairs, 198 + 5);
        assert!((gp.false_links.share - 3.0 / 203.0).abs() < 1e-9);
        assert!((found.false_links.share - 4.0 / 204.0).abs() < 1e-9);
    }
    /// 400 persons with two records, of whom nothing is known but what a file says: half of
    /// those in the first fifth are missed.
    #[test]
    fn r126_a_division_that_a_file_gives_is_counted_like_any_other() {
        let persons: Vec<u32> = (0..800).map(|record| record / 2).collect();
        let truth = truth(&persons, None);
        let labels: Vec<Option<u32>> = (0..800)
            .map(|record| {
                let split = record < 240 && record % 4 == 1;
                Some(if split { 400 + record } else { record / 2 })
            })
            .collect();
        let names = ["deprivation".to_owned(), "ethnicity".to_owned()];
        let mut divisions = Divisions::new(&names, 800).expect("divisions");
        for record in 0..800_u32 {
            let fifth: &[u8] = if record < 240 { b"1" } else { b"5" };
            let said: &[u8] = if record < 600 { b"said" } else { b"" };
            divisions.take(record, &[fifth, said]).expect("taken");
        }
        let book = GroupBook {
            given: divisions.finish().expect("divisions"),
            ..GroupBook::default()
        };
        let found = table(&truth, &Partition::of_labels(&labels, 1_200), &book);
        let of = |dimension: &str, group: &str| {
            let mut rows = found.groups.iter();
            let row = rows.find(|row| row.dimension == dimension && row.group == group);
            row.unwrap_or_else(|| panic!("{dimension} {group}"))
        };
        assert!(of("deprivation", "1").worse && !of("deprivation", "5").worse);
        assert!((of("deprivation", "1").missed.share - 0.5).abs() < 1e-9);
        assert_eq!(of("ethnicity", "said").persons, 300);
        assert_eq!(of("ethnicity", "not_said").persons, 100);
        assert_eq!(found.groups.len(), 4, "nothing else is known of anybody");
    }
}
