//! Divisions of people that nothing in the records says, such as ethnicity or deprivation
//! (R126): a file beside the records gives them. They are counted by, and nothing else:
//! no comparison, model or ledger ever has them (R138).

use std::collections::HashMap;

use thiserror::Error;

/// What the records themselves say; a file cannot say it otherwise.
const TAKEN: [&str; 6] = [
    "sex",
    "age_band",
    "name_origin",
    "missing",
    "abode",
    "source",
];
/// The group of records of which the file says nothing.
const NOT_SAID: &str = "not_said";

/// More divisions than this are no file of groups.
const DIVISIONS_MAX: usize = 8;
/// With more groups a division tells people apart and not groups of them.
const GROUPS_MAX: usize = 50;
/// Characters of a name.
const NAME_CHARACTERS_MAX: usize = 60;

/// Why a file of groups does not do. The texts hold no value but names of divisions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DivisionProblem {
    /// Nothing divides.
    #[error("beside record_id it needs from 1 to {DIVISIONS_MAX} columns, one for each division")]
    Count,
    /// The name of a column.
    #[error(
        "a column's name is of lower-case letters, digits and _, is there once, and is none of \
         sex, age_band, name_origin, missing, abode and source, which the records say"
    )]
    Name,
    /// A value that is no name of a group.
    #[error("{0}: a group is named by at most {NAME_CHARACTERS_MAX} plain characters")]
    Group(String),
    /// Too many groups.
    #[error("{0} has more than {GROUPS_MAX} groups: it divides no people into groups")]
    Groups(String),
    /// The same record again.
    #[error("the record is there twice")]
    Twice,
}

/// One division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Its name.
    pub name: String,
    /// Names of its groups; of the first one nothing is said.
    pub groups: Vec<String>,
    /// For each record of the truth the place of its group.
    pub of_record: Vec<u16>,
}

/// Divisions on their way from a file.
#[derive(Debug, Clone)]
pub struct Divisions {
    all: Vec<Division>,
    places: Vec<HashMap<String, u16>>,
    seen: Vec<bool>,
}

impl Divisions {
    /// Divisions of these names over so many records, of which nothing is said yet.
    ///
    /// # Errors
    /// Names that are none, or too many.
    pub fn new(names: &[String], records: usize) -> Result<Self, DivisionProblem> {
        if names.is_empty() || names.len() > DIVISIONS_MAX {
            return Err(DivisionProblem::Count);
        }
        for (place, name) in names.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let is_name = name.len() <= NAME_CHARACTERS_MAX
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| plain(byte) || byte == b'_');
            if !is_name || TAKEN.contains(&name.as_str()) || names[..place].contains(name) {
                return Err(DivisionProblem::Name);
            }
        }
        let all = names.iter().map(|name| Division {
            name: name.clone(),
            groups: vec![NOT_SAID.to_owned()],
            of_record: vec![0; records],
        });
        Ok(Self {
            all: all.collect(),
            places: vec![HashMap::from([(NOT_SAID.to_owned(), 0)]); names.len()],
            seen: vec![false; records],
        })
    }

    /// Takes what the file says of a record: a group of each division, in their order;
    /// blank where it says nothing.
    ///
    /// # Errors
    /// A name that is none, too many groups, or a record that was there before.
    pub fn take(&mut self, record: u32, groups: &[&[u8]]) -> Result<(), DivisionProblem> {
        let record = record as usize;
        if std::mem::replace(&mut self.seen[record], true) {
            return Err(DivisionProblem::Twice);
        }
        let divisions = self.all.iter_mut().zip(&mut self.places);
        for ((division, places), group) in divisions.zip(groups) {
            let name = std::str::from_utf8(group).map(str::trim);
            let name = name
                .ok()
                .filter(|name| name.chars().count() <= NAME_CHARACTERS_MAX)
                .filter(|name| !name.chars().any(char::is_control))
                .ok_or_else(|| DivisionProblem::Group(division.name.clone()))?;
            let name = if name.is_empty() { NOT_SAID } else { name };
            if let Some(place) = places.get(name) {
                division.of_record[record] = *place;
                continue;
            }
            let place = u16::try_from(division.groups.len()).unwrap_or(u16::MAX);
            if division.groups.len() > GROUPS_MAX {
                return Err(DivisionProblem::Groups(division.name.clone()));
            }
            places.insert(name.to_owned(), place);
            division.groups.push(name.to_owned());
            division.of_record[record] = place;
        }
        Ok(())
    }

    /// The divisions; nothing where the file says something of no record.
    #[must_use]
    pub fn finish(self) -> Option<Vec<Division>> {
        self.seen.contains(&true).then_some(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::{DivisionProblem, Divisions};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_record_is_in_one_group_of_each_division_or_nothing_is_said_of_it() {
        let both = names(&["ethnicity", "deprivation"]);
        let mut divisions = Divisions::new(&both, 3).expect("divisions");
        divisions.take(2, &[b" Polish ", b"1"]).expect("taken");
        divisions.take(0, &[b"", b"1"]).expect("taken");
        let again = divisions.take(2, &[b"Irish", b"1"]);
        assert_eq!(again, Err(DivisionProblem::Twice));
        let found = divisions.finish().expect("something is said");
        assert_eq!(found[0].groups, ["not_said", "Polish"]);
        assert_eq!(found[0].of_record, [0, 0, 1]);
        assert_eq!(found[1].of_record, [1, 0, 1]);
        let nothing = Divisions::new(&both, 3).expect("divisions").finish();
        assert_eq!(nothing, None);
    }

    #[test]
    fn what_divides_no_people_into_groups_is_refused() {
        for (wrong, why) in [
            (names(&[]), DivisionProblem::Count),
            (names(&["sex"]), DivisionProblem::Name),
            (names(&["a", "a"]), DivisionProblem::Name),
            (names(&["IMD 2019"]), DivisionProblem::Name),
        ] {
            assert_eq!(Divisions::new(&wrong, 1).expect_err("refused"), why);
        }
        let mut numbers = Divisions::new(&names(&["number"]), 100).expect("divisions");
        let refused = (0..100).find_map(|record: u32| {
            let taken = numbers.take(record, &[record.to_string().as_bytes()]);
            taken.err()
        });
        assert_eq!(refused, Some(DivisionProblem::Groups("number".to_owned())));
        let mut long = Divisions::new(&names(&["a"]), 1).expect("divisions");
        let refused = long.take(0, &["x".repeat(61).as_bytes()]);
        assert_eq!(refused, Err(DivisionProblem::Group("a".to_owned())));
    }
}
