//! A whole region: how many families make the wanted number of people, which
//! sources know whom, and the rows in order. Families are made in parallel,
//! chunk by chunk, so that memory stays small and the bytes are the same on any
//! number of threads.

use std::io::Write;

use rayon::prelude::*;

use super::clerk::Clerk;
use super::dice::Dice;
use super::family::{self, World};
use super::geography::{Geography, mix};
use super::life::years_before;
use super::numbers::{self, Numbers};
use super::person::Person;
use super::population::{Population, RegionSource, SourceKind};
use super::record::{GROUP_COLUMNS, GeneratedRecord, RECORD_COLUMNS};

/// The most people a region can have: more NHS numbers are not set apart.
pub const PERSONS_MAX: usize = numbers::PERSONS_MAX;

/// Families whose records are sorted together. Part of the output's definition:
/// another number would give the same rows in another order.
const FAMILIES_PER_CHUNK: usize = 8_192;
/// Registrations of one person in one source, at most.
const COPIES_MAX: u64 = 3;

/// A region of made-up people, ready to be told source by source.
#[derive(Debug, Clone)]
pub struct Region {
    world: World,
    /// First person of each family, and one past the last person of all.
    firsts: Vec<u64>,
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// People in the region; each has at least one record.
    pub persons: usize,
    /// Rows.
    pub records: usize,
}

/// Makes a region of exactly `persons` people. The same population, number and
/// seed give the same bytes everywhere.
///
/// # Panics
/// When `persons` is above [`PERSONS_MAX`].
#[must_use]
pub fn generate(population: &Population, persons: usize, seed: u64) -> Region {
    assert!(
        persons <= PERSONS_MAX,
        "a region has at most {PERSONS_MAX} people"
    );
    let persons = persons as u64;
    let mut firsts = vec![0];
    let mut next = 0;
    while next < persons {
        let start = firsts.len() as u64 - 1;
        let sizes: Vec<usize> = (start..start + FAMILIES_PER_CHUNK as u64)
            .into_par_iter()
            .map(|family| family::plan(population, seed, family).size)
            .collect();
        for size in sizes {
            next = (next + size as u64).min(persons);
            firsts.push(next);
            if next == persons {
                break;
            }
        }
    }
    let world = World {
        geography: Geography::new(population, persons, seed),
        numbers: Numbers::new(persons, seed),
        population: population.clone(),
        persons,
        seed,
    };
    Region { world, firsts }
}

impl Region {
    /// Number of people.
    #[must_use]
    pub fn persons(&self) -> usize {
        usize::try_from(self.world.persons).unwrap_or(PERSONS_MAX)
    }

    /// The sources that the records come from.
    #[must_use]
    pub fn sources(&self) -> Vec<RegionSource> {
        self.world.population.sources()
    }

    /// All records, a chunk at a time; within a chunk by source and local id,
    /// as extracts of the sources would be.
    pub fn chunks(&self) -> impl Iterator<Item = Vec<GeneratedRecord>> + '_ {
        let families = self.firsts.len() - 1;
        (0..families).step_by(FAMILIES_PER_CHUNK).map(move |start| {
            let end = (start + FAMILIES_PER_CHUNK).min(families);
            let mut rows: Vec<(usize, u64, GeneratedRecord)> = (start..end)
                .into_par_iter()
                .with_min_len(32)
                .flat_map_iter(|family| self.family_records(family))
                .collect();
            // The rows are large: their keys are sorted instead.
            let keys = rows
                .iter()
                .enumerate()
                .map(|(at, (source, id, _))| (*source, *id, at));
            let mut order: Vec<(usize, u64, usize)> = keys.collect();
            order.par_sort_unstable();
            order
                .into_iter()
                .map(|(_, _, at)| std::mem::take(&mut rows[at].2))
                .collect()
        })
    }

    /// All records, one after the other.
    pub fn records(&self) -> impl Iterator<Item = GeneratedRecord> + '_ {
        self.chunks().flatten()
    }

    /// Writes records and truth in one pass.
    ///
    /// # Errors
    /// When a writer fails.
    pub fn write(&self, records: impl Write, truth: impl Write) -> Result<Written, csv::Error> {
        self.write_with_groups(records, truth, std::io::sink())
    }

    /// The same, and what groups of people the records are of.
    ///
    /// # Errors
    /// When a writer fails.
    pub fn write_with_groups(
        &self,
        records: impl Write,
        truth: impl Write,
        groups: impl Write,
    ) -> Result<Written, csv::Error> {
        let mut written = Written {
            persons: self.persons(),
            records: 0,
        };
        let mut records = csv::Writer::from_writer(records);
        let mut truth = csv::Writer::from_writer(truth);
        let mut groups = csv::Writer::from_writer(groups);
        records.write_record(RECORD_COLUMNS)?;
        truth.write_record(["record_id", "person_id"])?;
        groups.write_record(GROUP_COLUMNS)?;
        for chunk in self.chunks() {
            for record in &chunk {
                records.write_record(record.columns())?;
                truth.write_record([&record.record_id, &record.person_id])?;
                groups.write_record(record.groups())?;
            }
            written.records += chunk.len();
        }
        records.flush()?;
        truth.flush()?;
        groups.flush()?;
        Ok(written)
    }

    /// Writes the records file alone.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_records(&self, records: impl Write) -> Result<Written, csv::Error> {
        self.write(records, std::io::sink())
    }

    /// Writes the truth alone.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_truth(&self, truth: impl Write) -> Result<Written, csv::Error> {
        self.write(std::io::sink(), truth)
    }

    fn family_records(&self, family: usize) -> Vec<(usize, u64, GeneratedRecord)> {
        let (first, end) = (self.firsts[family], self.firsts[family + 1]);
        let (mut members, mut dice) = family::build(&self.world, family as u64, first);
        // The last family may be too large for the wanted number of people.
        members.truncate(usize::try_from(end - first).unwrap_or(0));
        let mut rows = Vec::new();
        for person in &members {
            let mut telling = Telling {
                world: &self.world,
                family: &members,
                person,
            };
            telling.tell(&mut dice, &mut rows);
        }
        rows
    }
}

/// One person, about whom sources tell.
struct Telling<'a> {
    world: &'a World,
    family: &'a [Person],
    person: &'a Person,
}

impl Telling<'_> {
    fn tell(&mut self, dice: &mut Dice, rows: &mut Vec<(usize, u64, GeneratedRecord)>) {
        let population = &self.world.population;
        let age = self.person.age_on(population.today);
        let before = rows.len();
        for kind in &population.kinds {
            if dice.happens(kind.habits.coverage_at(age)) {
                self.tell_kind(dice, kind, rows);
            }
        }
        // Nobody is unknown to all: the truth names every person.
        if rows.len() == before {
            let best = population.kinds.iter().max_by(|a, b| {
                let coverage = |kind: &SourceKind| f64::from(kind.habits.coverage_at(age));
                coverage(a).total_cmp(&coverage(b))
            });
            if let Some(kind) = best {
                self.tell_kind(dice, kind, rows);
            }
        }
    }

    fn tell_kind(
        &self,
        dice: &mut Dice,
        kind: &SourceKind,
        rows: &mut Vec<(usize, u64, GeneratedRecord)>,
    ) {
        let today = self.world.population.today;
        let unit = self.person.home_on(today, false).unit;
        // Neighbours go to the same practice and the same hospital.
        let mut place = Dice::new(self.world.seed ^ mix(unit), u64::MAX);
        let usual = *kind.sources.draw(&mut place);
        self.tell_source(dice, kind, usual, rows);
        if dice.happens(kind.habits.second_source) {
            let other = *kind.sources.draw(dice);
            if other != usual {
                self.tell_source(dice, kind, other, rows);
            }
        }
    }

    fn tell_source(
        &self,
        dice: &mut Dice,
        kind: &SourceKind,
        source: usize,
        rows: &mut Vec<(usize, u64, GeneratedRecord)>,
    ) {
        let mut copies = 1;
        while copies < COPIES_MAX && dice.happens(kind.habits.duplicate_within) {
            copies += 1;
        }
        let code = &self.world.population.sources[source].code;
        for copy in 0..copies {
            let day = self.day(dice, kind);
            let clerk = Clerk {
                world: self.world,
                family: self.family,
                person: self.person,
                habits: &kind.habits,
                day,
                copy,
                dice,
                letters: kind.habits.case,
            };
            let mut record = clerk.record();
            let local_id = self.world.numbers.local_id(source, self.person.index, copy);
            record.record_id = format!("{code}-{local_id}");
            record.source.clone_from(code);
            record.person_id = self.person.truth_on(day);
            record.ethnicity.clone_from(&self.person.community);
            let home = self.person.home_on(day, false);
            record.deprivation = self.world.geography.deprivation(home);
            rows.push((source, local_id, record));
        }
    }

    /// When the source last heard of the person.
    fn day(&self, dice: &mut Dice, kind: &SourceKind) -> i32 {
        let (person, today) = (self.person, self.world.population.today);
        let latest = match person.died {
            // Most hear of the death; the others stopped earlier.
            Some(died) if dice.happens(0.75) => return (died + dice.between(0, 45)).min(today),
            Some(died) => died - 1,
            None => today,
        };
        let day = years_before(latest, dice.exponential(kind.habits.record_age_years_mean));
        if day >= person.born {
            day
        } else {
            person.born + dice.between(0, (latest - person.born).clamp(0, 60))
        }
    }
}
