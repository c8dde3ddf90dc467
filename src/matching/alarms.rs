//! What a person must not become by the machine (R98): a link that would make
//! it so is a question. What is counted is counted over the records as they
//! stand, so that a stored decision replays.

use std::collections::BTreeSet;

use crate::foundation::limits::PERSON_RECORDS_ALARM;
use crate::identity::{Namespace, NhsNumber, Sex, StandardRecord};
use crate::matching::{LinkageModel, Reason};

/// Exact birth dates of one person beyond which nobody joins by themselves: a
/// slip, its correction and one more slip.
const BIRTH_DATES_MAX: usize = 3;

/// Why the person, with the record, is nobody that the machine may make.
#[must_use]
pub fn alarm(
    model: &LinkageModel,
    record: &StandardRecord,
    members: &[&StandardRecord],
) -> Option<Reason> {
    if members.len() >= PERSON_RECORDS_ALARM {
        return Some(Reason::TooManyRecords);
    }
    let all: Vec<&StandardRecord> = members.iter().copied().chain([record]).collect();
    let dates: BTreeSet<String> = all
        .iter()
        .filter_map(|one| one.birth_date.as_ref())
        .filter(|birth| birth.date.is_full())
        .map(|birth| birth.date.to_iso())
        .collect();
    if dates.len() > BIRTH_DATES_MAX {
        return Some(Reason::TooManyBirthDates);
    }
    let numbers: BTreeSet<(Namespace, NhsNumber)> = all
        .iter()
        .filter_map(|one| verified(one))
        .map(|number| (number.namespace(), number))
        .collect();
    let namespaces: BTreeSet<Namespace> = numbers.iter().map(|(namespace, _)| *namespace).collect();
    if numbers.len() > namespaces.len() {
        return Some(Reason::TwoLiveNumbers);
    }
    mixes_sexes(model, &all).then_some(Reason::SexesAndNamesDiffer)
}

fn verified(record: &StandardRecord) -> Option<NhsNumber> {
    let claim = record.nhs_number.as_ref()?;
    claim.status.is_verified().then_some(claim.number)
}

/// A man's and a woman's record whose given names differ. Where two of both
/// sexes carry the same verified number it is somebody whose gender changed
/// (R23), and no question may show it.
fn mixes_sexes(model: &LinkageModel, all: &[&StandardRecord]) -> bool {
    let of = |sex: Sex| {
        let wanted = all.iter().copied();
        wanted.filter(move |one| one.gender == Some(sex))
    };
    let pairs = || of(Sex::Male).flat_map(|man| of(Sex::Female).map(move |woman| (man, woman)));
    let same_number = |(man, woman): (&StandardRecord, &StandardRecord)| {
        verified(man).is_some() && verified(man) == verified(woman)
    };
    !pairs().any(same_number)
        && pairs().any(|(man, woman)| model.compare(man, woman).given_name().differs())
}
