//! The list of steps from what was sent to what is compared, in order, total.
//! Dirty data becomes findings; nothing here refuses a record. How one value is
//! read lives with its type.

use std::borrow::Cow;
use std::fmt;

use crate::foundation::limits::VALUES_PER_FIELD_MAX;
use crate::identity::sent_text::{clean, fold_alphanumeric, is_blank_equivalent};
use crate::identity::{
    Finding, FindingCode, NhsNumberClaim, NumberStatus, OtherIdentifier, Sex, StandardDate,
    StandardRecord, SubmittedRecord,
};

/// Identifier system of a birth date that cannot be read.
pub const BIRTH_DATE_TEXT_SYSTEM: &str = "birth-date-text";

/// What is special to English care, or nothing assumed (DESIGN §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// Defaults before 1895, ZZ99 and the rules of the NHS number hold.
    #[default]
    UkCare,
    /// Old dates are dates, and a number that is none of the NHS is no fault.
    Generic,
}

/// Raised when standardising changes what it gives: stored values are then made
/// again from what was sent.
pub const STANDARDISER_VERSION: u32 = 1;

/// What standardising needs to know beside the record.
#[derive(Debug, Clone)]
pub struct StandardiseOptions {
    /// Whose rules hold.
    pub profile: Profile,
    /// Status of a number sent without one (R12): the source's declared
    /// default, else `NotTraced`.
    pub number_status_default: NumberStatus,
    /// Today, for dates in the future; given, never taken.
    pub today: StandardDate,
    /// R5: in a live deployment test-range numbers never anchor: the record is
    /// flagged and its number not used. Phones kept for drama likewise (R70).
    pub test_numbers_are_real: bool,
    /// R52: this source's share of 1 January says that it is a default.
    pub first_of_january_is_default: bool,
}

/// Standardises one record. Never fails; idempotent in the sense that
/// standardising the standard texts again gives the same values.
#[must_use]
pub fn standardise(
    submitted: &SubmittedRecord,
    options: &StandardiseOptions,
) -> (StandardRecord, Vec<Finding>) {
    let mut steps = Steps {
        submitted,
        options,
        record: StandardRecord::default(),
        findings: Vec::new(),
    };
    steps.read_number();
    steps.read_other_identifiers();
    steps.read_names();
    steps.read_birth_order();
    steps.read_birth_date();
    steps.read_death();
    steps.read_sexes();
    steps.read_addresses();
    steps.read_phones();
    steps.read_emails();
    steps.read_mother();
    steps.read_practice();
    steps.record.restricted = submitted.restricted == Some(true);
    (steps.record, steps.findings)
}

/// NHS number and other identifiers of a record as [`standardise`] gives them, where
/// no other member has any (a birth date that is kept as text).
#[must_use]
pub fn standardise_identifiers(
    submitted: &SubmittedRecord,
    options: &StandardiseOptions,
) -> (Option<NhsNumberClaim>, Vec<OtherIdentifier>) {
    if submitted.nhs_number.is_none() && submitted.other_identifiers.is_empty() {
        return (None, Vec::new());
    }
    let mut steps = Steps {
        submitted,
        options,
        record: StandardRecord::default(),
        findings: Vec::new(),
    };
    steps.read_number();
    steps.read_other_identifiers();
    (steps.record.nhs_number, steps.record.identifiers)
}

/// The record as far as it has been read.
pub(super) struct Steps<'a> {
    pub(super) submitted: &'a SubmittedRecord,
    pub(super) options: &'a StandardiseOptions,
    pub(super) record: StandardRecord,
    pub(super) findings: Vec<Finding>,
}

/// A member of the submitted record; written out only in a finding.
#[derive(Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    place: Option<usize>,
    member: &'static str,
}

impl Field {
    pub(super) const fn of(name: &'static str) -> Self {
        Self {
            name,
            place: None,
            member: "",
        }
    }

    pub(super) const fn at(name: &'static str, place: usize) -> Self {
        Self {
            name,
            place: Some(place),
            member: "",
        }
    }

    /// The family name of the naming whose given names this is.
    pub(super) const fn family(self) -> Self {
        match self.place {
            Some(_) => self.member("family_name"),
            None => Self::of("family_name"),
        }
    }

    pub(super) const fn member(self, member: &'static str) -> Self {
        Self { member, ..self }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)?;
        if let Some(place) = self.place {
            write!(formatter, "[{place}]")?;
        }
        if self.member.is_empty() {
            Ok(())
        } else {
            write!(formatter, ".{}", self.member)
        }
    }
}

impl<'a> Steps<'a> {
    pub(super) fn find(&mut self, code: FindingCode, field: Field) {
        self.findings.push(Finding::new(code, field));
    }

    /// The text as it is compared; what had to be done to it is a finding.
    pub(super) fn text<'t>(&mut self, field: Field, sent: &'t str) -> Cow<'t, str> {
        let cleaned = clean(sent);
        if cleaned.had_controls {
            self.find(FindingCode::ControlCharacters, field);
        }
        if cleaned.was_cut {
            self.find(FindingCode::FieldTooLong, field);
        }
        cleaned.text
    }

    /// [`Self::text`] when something is left.
    pub(super) fn some_text(
        &mut self,
        field: Field,
        sent: Option<&'a String>,
    ) -> Option<Cow<'a, str>> {
        let text = self.text(field, sent?);
        (!text.is_empty()).then_some(text)
    }

    /// The values that are compared; more of them is a finding.
    pub(super) fn first_values<'v, T>(&mut self, name: &'static str, values: &'v [T]) -> &'v [T] {
        if values.len() <= VALUES_PER_FIELD_MAX {
            return values;
        }
        self.find(FindingCode::TooManyValues, Field::of(name));
        &values[..VALUES_PER_FIELD_MAX]
    }

    fn read_birth_order(&mut self) {
        let field = Field::of("birth_order");
        let Some(text) = self.some_text(field, self.submitted.birth_order.as_ref()) else {
            return;
        };
        match text.parse::<u8>() {
            Ok(order @ 1..=7) => self.record.birth_order = Some(order),
            // 8 is a single birth or not applicable, 9 is not known.
            Ok(8 | 9) => {}
            _ if is_blank_equivalent(&text) => {}
            _ => self.find(FindingCode::BirthOrderUnknown, field),
        }
    }

    fn read_sexes(&mut self) {
        let sent = self.submitted;
        self.record.gender = self.read_sex("gender", sent.gender.as_ref());
        self.record.birth_sex = self.read_sex("birth_sex", sent.birth_sex.as_ref());
        self.record.gender_identity =
            self.read_sex("gender_identity", sent.gender_identity.as_ref());
    }

    fn read_sex(&mut self, name: &'static str, sent: Option<&'a String>) -> Option<Sex> {
        let text = self.some_text(Field::of(name), sent)?;
        let sex = Sex::parse(&text);
        if sex.is_none() && !Sex::is_neutral(&text) {
            self.find(FindingCode::SexUnknown, Field::of(name));
        }
        sex
    }

    fn read_practice(&mut self) {
        let field = Field::of("gp_practice");
        let Some(text) = self.some_text(field, self.submitted.gp_practice.as_ref()) else {
            return;
        };
        let code = fold_alphanumeric(&text);
        // V81997 none, V81998 not applicable, V81999 not known (ODS).
        if is_blank_equivalent(&text) || (code.len() == 6 && code.starts_with("V81")) {
            self.find(FindingCode::GpPracticeUnknown, field);
        } else {
            self.record.gp_practice = Some(code);
        }
    }
}

#[cfg(test)]
pub(super) mod test_support {
    use super::{Profile, StandardiseOptions};
    use crate::identity::{Finding, FindingCode, NumberStatus, StandardDate};

    /// A test deployment in England, late in November 2026.
    pub(in crate::identity) fn options() -> StandardiseOptions {
        StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::parse("2026-11-22").expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        }
    }

    pub(in crate::identity) fn codes(findings: &[Finding]) -> Vec<FindingCode> {
        findings.iter().map(|finding| finding.code).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::standardise;
    use super::test_support::{codes, options};
    use crate::foundation::limits::{FIELD_CHARACTERS_MAX, VALUES_PER_FIELD_MAX};
    use crate::identity::{
        FindingCode, Sex, StandardRecord, SubmittedAssociatedPerson, SubmittedMother,
        SubmittedRecord,
    };

    fn read(sent: &SubmittedRecord) -> (StandardRecord, Vec<FindingCode>) {
        let (record, findings) = standardise(sent, &options());
        (record, codes(&findings))
    }

    #[test]
    fn r60_the_three_meanings_of_sex_stay_apart() {
        let sent = SubmittedRecord {
            gender: Some("female".into()),
            birth_sex: Some("M".into()),
            gender_identity: Some("3".into()),
            ..SubmittedRecord::default()
        };
        let (record, found) = read(&sent);
        assert_eq!(
            (record.gender, record.birth_sex, record.gender_identity),
            (Some(Sex::Female), Some(Sex::Male), None)
        );
        assert!(found.is_empty());
        let odd = SubmittedRecord {
            gender: Some("Q".into()),
            ..SubmittedRecord::default()
        };
        assert_eq!(read(&odd).1, [FindingCode::SexUnknown]);
    }

    #[test]
    fn r71_associated_persons_are_never_used() {
        let kin = SubmittedAssociatedPerson {
            relationship: Some("mother".into()),
            name: Some("Mary Jones".into()),
            phone: Some("07700 900123".into()),
        };
        let sent = SubmittedRecord {
            associated_persons: vec![kin],
            ..SubmittedRecord::default()
        };
        let (record, found) = read(&sent);
        assert!(record == StandardRecord::default() && !record.identifies() && found.is_empty());
    }

    #[test]
    fn r91_birth_orders_eight_and_nine_are_absent() {
        for (text, order, finding) in [
            ("1", Some(1), false),
            ("7", Some(7), false),
            ("8", None, false),
            ("9", None, false),
            ("first", None, true),
        ] {
            let sent = SubmittedRecord {
                birth_order: Some(text.into()),
                ..SubmittedRecord::default()
            };
            let (record, found) = read(&sent);
            assert_eq!(
                (record.birth_order, !found.is_empty()),
                (order, finding),
                "{text}"
            );
        }
    }

    #[test]
    fn the_mother_and_the_practice_are_folded() {
        let sent = SubmittedRecord {
            mother: Some(SubmittedMother {
                source: Some(" PAS".into()),
                local_id: Some("m1 ".into()),
                nhs_number: Some("999 000 0026".into()),
            }),
            gp_practice: Some("b86041".into()),
            restricted: Some(true),
            ..SubmittedRecord::default()
        };
        let (record, found) = read(&sent);
        let mother = record.mother.expect("a mother");
        assert!(mother.local == Some(("PAS".into(), "m1".into())) && mother.nhs_number.is_some());
        assert!(
            record.gp_practice.as_deref() == Some("B86041")
                && record.restricted
                && found.is_empty()
        );
        let unknown = SubmittedRecord {
            gp_practice: Some("V81999".into()),
            ..SubmittedRecord::default()
        };
        assert_eq!(read(&unknown).1, [FindingCode::GpPracticeUnknown]);
    }

    #[test]
    fn bounds_hold_and_are_findings() {
        let sent = SubmittedRecord {
            phones: (0..=VALUES_PER_FIELD_MAX)
                .map(|last| format!("07700 9001{last:02}"))
                .collect(),
            gp_practice: Some("A".repeat(FIELD_CHARACTERS_MAX + 1)),
            ..SubmittedRecord::default()
        };
        let (record, found) = read(&sent);
        assert_eq!(record.phones.len(), VALUES_PER_FIELD_MAX);
        assert_eq!(
            found,
            [FindingCode::TooManyValues, FindingCode::FieldTooLong]
        );
        assert_eq!(
            record.gp_practice.map(|code| code.len()),
            Some(FIELD_CHARACTERS_MAX)
        );
    }
}
