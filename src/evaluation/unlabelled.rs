//! How good is it where nobody knows the truth: NHS numbers are hidden and serve
//! as one (R123), or people who are known to be absent must not be found (R124).

use serde::Serialize;
use serde_json::{Value, json};

use crate::evaluation::bounds::{BoundedShare, exact};
use crate::evaluation::{Evaluation, RecordIds};
use crate::identity::{NhsNumber, NumberStatus, SubmittedRecord};

/// Numbers taken off records, and whose they then are.
#[derive(Debug, Clone, Default)]
pub struct HiddenNumbers {
    /// Records in order; for each its number, and whether it was verified.
    numbers: Vec<Option<(u64, bool)>>,
    /// Some record said a status.
    statuses: bool,
}

impl HiddenNumbers {
    /// Takes every number off a record, verified or not, so that what links it
    /// is the rest.
    pub fn hide(&mut self, record: &mut SubmittedRecord) {
        let number = record.nhs_number.take();
        let status = record.nhs_number_status.take();
        record.nhs_number_traced_on = None;
        record.replaces_nhs_number = None;
        let status = status.and_then(|text| NumberStatus::parse(&text));
        self.statuses |= status.is_some();
        let number = number.and_then(|text| NhsNumber::parse(&text).ok());
        let verified = status.is_some_and(NumberStatus::is_verified);
        self.numbers
            .push(number.map(|number| (number.as_u64(), verified)));
    }

    /// The number that stands for the truth of the record at this place: a
    /// verified one; any valid one where the files say no status at all.
    #[must_use]
    pub fn truth(&self, place: usize) -> Option<u64> {
        let (number, verified) = self.numbers.get(place).copied().flatten()?;
        (verified || !self.statuses).then_some(number)
    }

    /// How the truth came about, for the answer.
    #[must_use]
    pub const fn by(&self) -> &'static str {
        if self.statuses {
            "verified NHS numbers (status 01)"
        } else {
            "valid NHS numbers; the files say no status"
        }
    }
}

/// The answer of the test with hidden numbers: six figures and what they rest on.
///
/// Precision and recall of pairs and of groups, and the recall that retrieval
/// leaves to each (R123: with blocking losses).
#[must_use]
pub fn hidden_numbers_answer(evaluation: &Evaluation, by: &str, records: u64) -> Value {
    let decided = evaluation.decided.as_ref();
    let pairwise = decided.map(|decided| decided.figures.pairwise);
    let cluster = decided.map(|decided| decided.figures.b_cubed);
    json!({
        "truth": by,
        "records": records,
        "records_with_truth": evaluation.records,
        "pair": {
            "p": pairwise.map(|prf| prf.p),
            "r": pairwise.map(|prf| prf.r),
            "r_of_retrieval": evaluation.reach.links,
        },
        "cluster": {
            "p": cluster.map(|prf| prf.p),
            "r": cluster.map(|prf| prf.r),
            "r_of_retrieval": evaluation.reach.links_closed,
        },
        "caution": "Records with a verified number are the easier ones: the rest is worse (uk-identity \
                    4.6). Two records of one number may be two people (confusion), and two numbers one \
                    person (duplicates): both count as errors here.",
    })
}

/// What became of people who are known to be absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NegativeControl {
    /// Records of absent people.
    pub absent_records: u64,
    /// Records that they were looked for among.
    pub population_records: u64,
    /// Absent records that were joined to somebody of the population.
    pub linked: u64,
    /// Their share, with bounds.
    pub share: BoundedShare,
    /// The share that is allowed.
    pub ceiling: f64,
    /// The share that was seen is allowed.
    pub within_ceiling: bool,
}

/// Counts absent records that share a group with one of the population.
#[derive(Debug, Clone, Default)]
pub struct ControlCount {
    persons: RecordIds,
    /// For each person its absent records, and whether the population has one.
    of: Vec<(u64, bool)>,
    absent: u64,
    present: u64,
}

impl ControlCount {
    /// Takes a row of the persons file.
    pub fn take(&mut self, person: &[u8], absent: bool) {
        let (person, new) = self.persons.add(person);
        if new {
            self.of.push((0, false));
        }
        let (absents, present) = &mut self.of[person as usize];
        if absent {
            self.absent += 1;
            *absents += 1;
        } else {
            self.present += 1;
            *present = true;
        }
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self, ceiling: f64) -> NegativeControl {
        let wrong = self.of.iter().filter(|(_, present)| *present);
        let linked: u64 = wrong.map(|(absents, _)| absents).sum();
        let share = exact(linked as f64, self.absent as f64);
        NegativeControl {
            absent_records: self.absent,
            population_records: self.present,
            linked,
            share,
            ceiling,
            within_ceiling: share.share <= ceiling,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlCount, HiddenNumbers};
    use crate::identity::SubmittedRecord;

    fn hidden(numbers: &[(&str, Option<&str>)]) -> HiddenNumbers {
        let mut hidden = HiddenNumbers::default();
        for (number, status) in numbers {
            let mut record = SubmittedRecord {
                nhs_number: Some((*number).to_owned()),
                nhs_number_status: status.map(ToOwned::to_owned),
                replaces_nhs_number: Some("9990000034".to_owned()),
                ..SubmittedRecord::default()
            };
            hidden.hide(&mut record);
            assert!(
                record == SubmittedRecord::default(),
                "nothing of a number is left"
            );
        }
        hidden
    }

    #[test]
    fn r123_verified_numbers_are_the_truth_and_the_others_are_hidden_too() {
        let found = hidden(&[
            ("9990000018", Some("01")),
            ("9990000026", Some("02")),
            ("9990000027", Some("01")),
        ]);
        assert_eq!(
            [0, 1, 2].map(|place| found.truth(place)),
            [Some(9_990_000_018), None, None]
        );
    }

    #[test]
    fn r123_where_no_status_is_said_valid_numbers_serve() {
        let found = hidden(&[("9990000018", None), ("no number", None)]);
        assert_eq!(
            [0, 1].map(|place| found.truth(place)),
            [Some(9_990_000_018), None]
        );
        assert!(found.by().contains("no status"));
    }

    #[test]
    fn r124_an_absent_person_who_is_found_counts_and_alone_does_not() {
        let mut count = ControlCount::default();
        for (person, absent) in [
            ("1", false),
            ("1", true),
            ("2", true),
            ("2", true),
            ("3", false),
        ] {
            count.take(person.as_bytes(), absent);
        }
        let answer = count.answer(0.5);
        assert_eq!((answer.absent_records, answer.linked), (3, 1));
        assert!(answer.within_ceiling && !count.answer(0.1).within_ceiling);
        assert!(answer.share.upper > 0.8, "three records prove little");
    }
}
