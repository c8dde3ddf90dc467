//! Decisions on the region's records: what is left out of a crowd changes none.

use std::collections::BTreeMap;

use crate::evaluation::generator::{GeneratedRecord, Population, generate};
use crate::foundation::{Instant, PersonId, SeededChance};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedRecord, standardise,
};
use crate::matching::{Candidate, Grade, LinkageModel, decide};

/// Records of the region as the registry would compare them.
fn standards(records: &[GeneratedRecord]) -> Vec<StandardRecord> {
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a date"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    let standard = |record: &GeneratedRecord| {
        let submitted = SubmittedRecord {
            nhs_number: Some(record.nhs_number.clone()).filter(|number| !number.is_empty()),
            given_names: vec![record.given_name.clone()],
            family_name: Some(record.family_name.clone()),
            birth_date: Some(record.date_of_birth.clone()),
            gender: Some(record.gender.clone()),
            addresses: vec![SubmittedAddress {
                lines: vec![record.address_line.clone()],
                postcode: Some(record.postcode.clone()),
                ..SubmittedAddress::default()
            }],
            phones: vec![record.phone.clone()],
            ..SubmittedRecord::default()
        };
        standardise(&submitted, &options).0
    };
    records.iter().map(standard).collect()
}

#[test]
fn who_has_no_prospects_changes_no_decision_and_is_never_graded() {
    let model = LinkageModel::uk_care();
    let records: Vec<GeneratedRecord> = generate(&Population::default_region(), 120, 5)
        .records()
        .collect();
    let standards = standards(&records);
    let mut persons: Vec<Vec<&StandardRecord>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut left_out, mut kept) = (0, 0);
    for (record, standard) in records.iter().zip(&standards) {
        let candidates: Vec<Candidate<'_>> = persons
            .iter()
            .zip(1..)
            .map(|(members, number)| Candidate {
                person: PersonId::new(Instant::from_microseconds(number), &SeededChance::new(1)),
                members: members.clone(),
                score: model.score(standard, members),
                asserted_different: false,
                open_duplicate_of: Vec::new(),
                number_confused: number % 7 == 0,
            })
            .collect();
        let (decision, grades) = decide(&model, standard, &candidates);
        let mut expected: Vec<_> = candidates.iter().map(|it| it.person).zip(grades).collect();
        expected.retain(|(_, (grade, _))| *grade != Grade::Unlikely);
        let prospects: Vec<Candidate<'_>> = candidates
            .into_iter()
            .filter(|candidate| candidate.score.has_prospects(&model))
            .collect();
        left_out += persons.len() - prospects.len();
        kept += prospects.len();
        let (again, grades) = decide(&model, standard, &prospects);
        let mut found: Vec<_> = prospects.iter().map(|it| it.person).zip(grades).collect();
        found.retain(|(_, (grade, _))| *grade != Grade::Unlikely);
        assert_eq!(again, decision);
        assert_eq!(found, expected);
        let place = *known.entry(&record.person_id).or_insert(persons.len());
        if place == persons.len() {
            persons.push(Vec::new());
        }
        persons[place].push(standard);
    }
    assert!(
        kept > 0 && left_out > 10 * kept,
        "{kept} kept, {left_out} left out"
    );
}
