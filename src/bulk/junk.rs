//! Values that stand for nobody: a date that a system fills in, a telephone number
//! of a ward, an e-mail address of a reception. They are found by who has them:
//! more people than can share one (R51, R52, R70). Training leaves them out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use crate::bulk::hashing::FastHash;
use crate::bulk::records::{BulkRecords, Lists};
use crate::identity::StandardDate;

/// People under one date of one source from which on it may be a default, and the
/// share of the source's dates that it then has: a day of birth has a 25,000th.
const DATE_PEOPLE_MIN: usize = 30;
const DATE_SHARE_MIN: f64 = 0.01;

/// January's first is a default of the year where it has so many times its share.
const NEW_YEAR_TIMES: f64 = 3.0;

/// People of different names and birth dates under one telephone or e-mail: more
/// than any household has.
const CONTACT_PEOPLE_MIN: usize = 15;

impl BulkRecords {
    /// Leaves out values that stand for nobody; says what was found, by number and
    /// never by value.
    pub fn leave_out_junk(&mut self) -> Vec<String> {
        let mut notes = self.default_dates();
        let people: Vec<(u32, Option<StandardDate>)> = self
            .names
            .codes
            .iter()
            .zip(&self.facts)
            .map(|(names, facts)| (*names, facts.birth_date.map(|birth| birth.date)))
            .collect();
        let phones = shared_values(&self.phones, &people);
        let emails = shared_values(&self.emails, &people);
        for (what, count, records) in [
            (
                "telephone numbers",
                phones.len(),
                self.phones.leave_out(&phones),
            ),
            (
                "e-mail addresses",
                emails.len(),
                self.emails.leave_out(&emails),
            ),
        ] {
            if count > 0 {
                notes.push(format!(
                    "{count} {what} of more people than share one are taken as absent ({records} \
                     records)"
                ));
            }
        }
        notes
    }

    fn default_dates(&mut self) -> Vec<String> {
        let mut dated: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        let mut people: HashMap<(u32, StandardDate), BTreeSet<u32>, FastHash> = HashMap::default();
        for (facts, names) in self.facts.iter().zip(&self.names.codes) {
            let Some(birth) = facts.birth_date.filter(|birth| birth.date.is_full()) else {
                continue;
            };
            let (all, new_years) = dated.entry(facts.source).or_default();
            *all += 1;
            *new_years += usize::from(is_new_year(birth.date));
            let known = people.entry((facts.source, birth.date)).or_default();
            known.insert(*names);
        }
        let is_default = |source: u32, date: StandardDate| {
            let (all, _) = dated.get(&source).copied().unwrap_or_default();
            let people = people.get(&(source, date)).map_or(0, BTreeSet::len);
            people >= DATE_PEOPLE_MIN && people as f64 >= DATE_SHARE_MIN * all as f64
        };
        let fills_years = |source: u32| {
            let (all, new_years) = dated.get(&source).copied().unwrap_or_default();
            new_years >= DATE_PEOPLE_MIN && new_years as f64 > NEW_YEAR_TIMES / 365.25 * all as f64
        };
        let (mut defaults, mut years) = (0, 0);
        for facts in &mut self.facts {
            let Some(birth) = facts.birth_date.filter(|birth| birth.date.is_full()) else {
                continue;
            };
            if is_default(facts.source, birth.date) {
                facts.birth_date = None;
                defaults += 1;
            } else if is_new_year(birth.date) && !birth.year_only && fills_years(facts.source) {
                facts.birth_date = Some(crate::identity::BirthDate {
                    year_only: true,
                    ..birth
                });
                years += 1;
            }
        }
        let mut notes = Vec::new();
        if defaults > 0 {
            notes.push(format!(
                "{defaults} birth dates are a default of their source and are taken as absent"
            ));
        }
        if years > 0 {
            notes.push(format!(
                "{years} birth dates on 1 January count as years: their source has too many"
            ));
        }
        notes
    }
}

fn is_new_year(date: StandardDate) -> bool {
    (date.month(), date.day()) == (Some(1), Some(1))
}

/// Values under which there are more people than share one: names and dates both
/// have to be many, for one person is written in many ways.
fn shared_values<T: Clone + Eq + Hash + Ord>(
    lists: &Lists<T>,
    people: &[(u32, Option<StandardDate>)],
) -> BTreeSet<T> {
    let mut found: HashMap<&T, (BTreeSet<u32>, BTreeSet<StandardDate>), FastHash> =
        HashMap::default();
    for (code, (names, date)) in lists.codes.iter().zip(people) {
        for value in &lists.values[*code as usize] {
            let (all_names, all_dates) = found.entry(value).or_default();
            all_names.insert(*names);
            all_dates.extend(*date);
        }
    }
    let many = found.into_iter().filter(|(_, (names, dates))| {
        names.len() >= CONTACT_PEOPLE_MIN && dates.len() >= CONTACT_PEOPLE_MIN
    });
    many.map(|(value, _)| value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::bulk::{BulkRecords, SentRow};
    use crate::identity::{
        NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedRecord,
    };

    fn records(rows: impl Iterator<Item = (usize, &'static str, String, String)>) -> BulkRecords {
        let options = StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::parse("2026-11-28").expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        let mut records = BulkRecords::default();
        let rows = rows.map(|(number, source, birth_date, phone)| SentRow {
            record_id: format!("{number:05}"),
            source: source.to_owned(),
            record: SubmittedRecord {
                family_name: Some(format!(
                    "Name{}",
                    ["a", "b", "c", "d"][number % 4].repeat(number / 4 + 1)
                )),
                birth_date: Some(birth_date),
                phones: vec![phone],
                ..SubmittedRecord::default()
            },
        });
        records.take(rows.collect(), &options);
        records.seal();
        records
    }

    fn date(number: usize) -> String {
        format!(
            "{}-{:02}-{:02}",
            1940 + number % 60,
            2 + number % 11,
            2 + number % 27
        )
    }

    #[test]
    fn r51_a_date_that_one_source_gives_to_many_is_absent_there() {
        let rows = (0..200).map(|number| {
            let source = if number % 2 == 0 { "gp" } else { "pas" };
            let default = number % 4 == 1 || number == 2;
            let birth = if default {
                "1970-06-15".to_owned()
            } else {
                date(number)
            };
            (number, source, birth, String::new())
        });
        let mut records = records(rows);
        let notes = records.leave_out_junk();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(records.facts[1].birth_date.is_none(), "a default of pas");
        assert!(records.facts[2].birth_date.is_some(), "gp has it once");
        assert!(records.facts[3].birth_date.is_some());
    }

    #[test]
    fn r52_too_many_new_years_days_are_years() {
        let rows = (0..300).map(|number| {
            let birth = if number % 6 == 0 {
                format!("{}-01-01", 1930 + number / 6)
            } else {
                date(number)
            };
            (number, "gp", birth, String::new())
        });
        let mut records = records(rows);
        assert_eq!(records.leave_out_junk().len(), 1);
        assert!(
            records.facts[0]
                .birth_date
                .is_some_and(|birth| birth.year_only)
        );
        assert!(
            records.facts[1]
                .birth_date
                .is_some_and(|birth| !birth.year_only)
        );
    }

    #[test]
    fn r70_a_number_of_a_ward_is_absent_and_that_of_a_family_is_not() {
        let rows = (0..40).map(|number| {
            let phone = if number < 20 {
                "07700 900100"
            } else {
                "07700 900200"
            };
            let phone = if number < 25 { phone } else { "" };
            (number, "gp", date(number), phone.to_owned())
        });
        let mut records = records(rows);
        assert_eq!(records.leave_out_junk().len(), 1);
        assert!(records.phones.of(0).is_empty());
        assert_eq!(records.phones.of(22).len(), 1);
    }
}
