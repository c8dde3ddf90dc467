//! The rules of the domain as tests: the examples of the rule list through
//! the real standardising, comparing and deciding. Each name begins with the
//! number of its rule.

mod alarms;
mod blocking;
mod households;
mod names;
mod numbers;
mod properties;
mod scoring;

use crate::foundation::{Instant, PersonId, SeededChance};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedName, SubmittedRecord, standardise,
};
use crate::matching::{
    Candidate, ComparisonVector, Decision, Grade, LinkageModel, Reason, Route, decide,
};

/// A record to be said field by field.
#[derive(Clone, Default)]
pub(super) struct Said(SubmittedRecord);

impl Said {
    pub(super) fn number(mut self, number: &str, status: &str) -> Self {
        self.0.nhs_number = Some(number.to_owned());
        self.0.nhs_number_status = Some(status.to_owned());
        self
    }

    pub(super) fn name(mut self, given: &str, family: &str) -> Self {
        self.0.given_names = given
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        self.0.family_name = (!family.is_empty()).then(|| family.to_owned());
        self
    }

    pub(super) fn alias(mut self, given: &str, family: &str) -> Self {
        self.0.aliases.push(SubmittedName {
            given_names: given
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
            family_name: (!family.is_empty()).then(|| family.to_owned()),
            name_use: Some("old".to_owned()),
        });
        self
    }

    pub(super) fn born(mut self, date: &str) -> Self {
        self.0.birth_date = Some(date.to_owned());
        self
    }

    pub(super) fn sex(mut self, sex: &str) -> Self {
        self.0.gender = Some(sex.to_owned());
        self
    }

    pub(super) fn at(mut self, line: &str, postcode: &str) -> Self {
        self.0.addresses.push(SubmittedAddress {
            lines: vec![line.to_owned()],
            postcode: (!postcode.is_empty()).then(|| postcode.to_owned()),
            ..SubmittedAddress::default()
        });
        self
    }

    pub(super) fn phone(mut self, phone: &str) -> Self {
        self.0.phones.push(phone.to_owned());
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut SubmittedRecord)) -> Self {
        change(&mut self.0);
        self
    }

    pub(super) fn record(&self) -> StandardRecord {
        let options = StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::from_parts(2026, Some(11), Some(22)).expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        standardise(&self.0, &options).0
    }
}

pub(super) fn said() -> Said {
    Said::default()
}

pub(super) fn person(number: u64) -> PersonId {
    let at = Instant::from_microseconds(i64::try_from(number).expect("small") * 1_000_000);
    PersonId::new(at, &SeededChance::new(number))
}

pub(super) fn candidate<'a>(
    model: &LinkageModel,
    record: &StandardRecord,
    number: u64,
    members: Vec<&'a StandardRecord>,
) -> Candidate<'a> {
    let score = model.score(record, &members);
    Candidate {
        person: person(number),
        members,
        score,
        asserted_different: false,
        open_duplicate_of: Vec::new(),
        number_confused: false,
    }
}

pub(super) fn compared(a: &Said, b: &Said) -> ComparisonVector {
    LinkageModel::uk_care().compare(&a.record(), &b.record())
}

pub(super) fn bits(a: &Said, b: &Said) -> f64 {
    LinkageModel::uk_care()
        .score(&a.record(), &[&b.record()])
        .weight
        .bits()
}

/// What follows for `a` when `b` is the only person known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) link: Option<Route>,
    pub(super) review: bool,
    pub(super) grade: Grade,
    pub(super) reasons: Vec<Reason>,
}

impl Outcome {
    pub(super) fn is_link(&self) -> bool {
        self.link.is_some()
    }

    pub(super) fn says(&self, reason: Reason) -> bool {
        self.reasons.contains(&reason)
    }
}

pub(super) fn decided_by(model: &LinkageModel, a: &Said, b: &Said) -> Outcome {
    let (record, member) = (a.record(), b.record());
    let candidates = [candidate(model, &record, 1, vec![&member])];
    outcome_of(decide(model, &record, &candidates))
}

pub(super) fn decided(a: &Said, b: &Said) -> Outcome {
    let model = LinkageModel::uk_care();
    let outcome = decided_by(&model, a, b);
    assert_eq!(
        outcome,
        decided_by(&model, b, a),
        "the table is symmetric for single records"
    );
    outcome
}

pub(super) fn outcome_of(decision: (Decision, Vec<(Grade, Vec<Reason>)>)) -> Outcome {
    let (decision, grades) = decision;
    let (grade, reasons) = grades.into_iter().next().expect("one candidate");
    let (link, review) = match decision {
        Decision::Link { route, .. } => (Some(route), false),
        Decision::Review { .. } => (None, true),
        Decision::NewPerson => (None, false),
    };
    Outcome {
        link,
        review,
        grade,
        reasons,
    }
}

/// A model with a calibration that certifies its threshold: 0.999 is then
/// about 10 bits (R81).
pub(super) fn calibrated() -> LinkageModel {
    let mut file = LinkageModel::uk_care().file().clone();
    file.calibration = Some(crate::matching::Calibration {
        slope: 1.0,
        intercept: 0.0,
        pairs: 10_000,
        false_share_upper: 3e-4,
    });
    LinkageModel::from_file(file, &LinkageModel::embedded_table).expect("a valid model")
}
