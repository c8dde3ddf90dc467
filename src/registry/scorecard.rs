//! How good the records of a source are, by what its sender can mend. Counts are
//! of records, each once in a measure; nothing here is a value of a record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::foundation::{PersonId, RecordNumber};
use crate::identity::{Finding, FindingCode, NumberStatus, Severity, StandardRecord};
use crate::registry::{ConflictKind, LocalId};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Something was typed where a value was not known (R6, R35, R51, R64, R70).
    Placeholder,
    /// The birth date is a default, or one whose year alone counts (R51, R52).
    DefaultDate,
    /// A value cannot be: a check digit, an impossible date.
    Impossible,
    /// No usable NHS number.
    NoNumber,
    /// An NHS number that nobody has verified.
    UnverifiedNumber,
    /// No usable birth date.
    NoBirthDate,
    /// No usable postcode, in a record whose location is not restricted.
    NoPostcode,
    /// The source has another record of the same person.
    Duplicate,
    /// Its number or demographics contradict what is known of the person.
    Confusion,
    /// An update would have turned it into somebody else.
    Overlay,
}

impl Measure {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Placeholder,
        Self::DefaultDate,
        Self::Impossible,
        Self::NoNumber,
        Self::UnverifiedNumber,
        Self::NoBirthDate,
        Self::NoPostcode,
        Self::Duplicate,
        Self::Confusion,
        Self::Overlay,
    ];

    /// The measure that a finding belongs to.
    #[must_use]
    pub const fn of_finding(code: FindingCode) -> Option<Self> {
        use FindingCode as Code;
        Some(match code {
            Code::BirthDateDefault | Code::BirthDatePlaceholder | Code::BirthDateYearOnly => {
                Self::DefaultDate
            }
            Code::NhsNumberPlaceholder
            | Code::IdentifierPlaceholder
            | Code::NameGivenPlaceholder
            | Code::NameFamilyPlaceholder
            | Code::DeathDatePlaceholder
            | Code::PostcodePlaceholder
            | Code::AddressPlaceholder
            | Code::PhonePlaceholder
            | Code::EmailPlaceholder => Self::Placeholder,
            _ => match code.severity() {
                Severity::Error => Self::Impossible,
                Severity::Warning | Severity::Information => return None,
            },
        })
    }
}

/// A record of the source as it is counted.
#[derive(Debug, Clone)]
pub struct SampledRecord {
    /// Its number.
    pub record: RecordNumber,
    /// Its id at the source.
    pub local_id: LocalId,
    /// The version that is served.
    pub version: u32,
    /// To whom it belongs.
    pub person: Option<PersonId>,
    /// What was found in that version.
    pub findings: Vec<Finding>,
    /// Its values; absent after an erasure.
    pub standard: Option<Arc<StandardRecord>>,
    /// Other records that the source has of the person.
    pub siblings: Vec<LocalId>,
    /// What the record contradicts.
    pub conflicts: BTreeSet<ConflictKind>,
}

impl SampledRecord {
    /// The measures that it is counted in.
    #[must_use]
    pub fn measures(&self) -> BTreeSet<Measure> {
        let found = self.findings.iter();
        let mut measures: BTreeSet<Measure> = found
            .filter_map(|finding| Measure::of_finding(finding.code))
            .collect();
        if let Some(standard) = &self.standard {
            measures.extend(lacking(standard));
        }
        if !self.siblings.is_empty() {
            measures.insert(Measure::Duplicate);
        }
        measures.extend(self.conflicts.iter().filter_map(|kind| match kind {
            ConflictKind::Confusion => Some(Measure::Confusion),
            ConflictKind::Overlay => Some(Measure::Overlay),
            // Its findings say which.
            ConflictKind::Default => None,
        }));
        measures
    }
}

fn lacking(record: &StandardRecord) -> impl Iterator<Item = Measure> {
    let status = record.nhs_number.map(|claim| claim.status);
    let mut addresses = record.addresses.iter();
    let has_postcode = addresses.any(|address| address.postcode.is_some());
    let lacks = [
        (status.is_none(), Measure::NoNumber),
        (
            status.is_some_and(|status| status != NumberStatus::Verified),
            Measure::UnverifiedNumber,
        ),
        (record.birth_date.is_none(), Measure::NoBirthDate),
        (!has_postcode && !record.restricted, Measure::NoPostcode),
    ];
    let lacks = lacks.into_iter().filter(|(lacks, _)| *lacks);
    lacks.map(|(_, measure)| measure)
}

/// How good the records are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scorecard {
    /// Records that were looked at.
    pub records: u32,
    /// Records in each measure; none is said as 0.
    pub measures: BTreeMap<Measure, u32>,
    /// Records with each finding, all of which are warnings or errors.
    pub findings: BTreeMap<FindingCode, u32>,
}

impl Scorecard {
    /// Counts these records.
    #[must_use]
    pub fn of(sample: &[SampledRecord]) -> Self {
        let mut card = Self {
            measures: Measure::ALL.map(|measure| (measure, 0)).into(),
            ..Self::default()
        };
        for record in sample {
            card.records += 1;
            for measure in record.measures() {
                *card.measures.entry(measure).or_default() += 1;
            }
            let codes = record.findings.iter();
            let codes = codes.filter(|finding| finding.severity != Severity::Information);
            let codes: BTreeSet<FindingCode> = codes.map(|finding| finding.code).collect();
            for code in codes {
                *card.findings.entry(code).or_default() += 1;
            }
        }
        card
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::{Measure, SampledRecord, Scorecard};
    use crate::foundation::RecordNumber;
    use crate::identity::{Finding, FindingCode, StandardRecord};
    use crate::registry::{ConflictKind, LocalId};

    fn record(codes: &[FindingCode]) -> SampledRecord {
        SampledRecord {
            record: RecordNumber(1),
            local_id: LocalId::parse("1").expect("an id"),
            version: 1,
            person: None,
            findings: codes.iter().map(|code| Finding::new(*code, "x")).collect(),
            standard: Some(Arc::new(StandardRecord::default())),
            siblings: Vec::new(),
            conflicts: BTreeSet::new(),
        }
    }

    #[test]
    fn a_record_counts_once_in_a_measure() {
        let twice = record(&[
            FindingCode::NameGivenPlaceholder,
            FindingCode::PhonePlaceholder,
            FindingCode::PostcodeRepaired,
        ]);
        let mut doubled = record(&[FindingCode::NhsNumberCheckDigit]);
        doubled.siblings = vec![LocalId::parse("2").expect("an id")];
        doubled.conflicts = BTreeSet::from([ConflictKind::Overlay, ConflictKind::Default]);
        let card = Scorecard::of(&[twice, doubled]);
        assert_eq!(card.records, 2);
        assert_eq!(card.measures[&Measure::Placeholder], 1);
        assert_eq!(card.measures[&Measure::Impossible], 1);
        assert_eq!(card.measures[&Measure::Duplicate], 1);
        assert_eq!(card.measures[&Measure::Overlay], 1);
        assert_eq!(card.measures[&Measure::Confusion], 0);
        assert_eq!(card.measures[&Measure::NoNumber], 2);
        // What was repaired is no fault.
        assert!(!card.findings.contains_key(&FindingCode::PostcodeRepaired));
        assert_eq!(card.findings[&FindingCode::PhonePlaceholder], 1);
    }

    #[test]
    fn an_erased_record_lacks_nothing() {
        let mut erased = record(&[]);
        erased.standard = None;
        assert!(erased.measures().is_empty());
    }

    #[test]
    fn every_placeholder_code_is_counted_as_one() {
        for code in FindingCode::ALL {
            let named = format!("{code:?}").ends_with("Placeholder");
            let counted = matches!(
                Measure::of_finding(*code),
                Some(Measure::Placeholder | Measure::DefaultDate)
            );
            assert!(!named || counted, "{code:?}");
        }
    }
}
