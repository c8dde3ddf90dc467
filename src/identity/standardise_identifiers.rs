//! Steps of standardising for the NHS number, other identifiers and the mother's
//! (R1–R6, R12, R28).

use crate::identity::sent_text::{
    fold_alphanumeric, fold_short, is_blank_equivalent, is_one_character, is_sequence,
};
use crate::identity::standardise::{Field, Profile, Steps};
use crate::identity::{
    FindingCode, Mother, Namespace, NhsNumber, NhsNumberClaim, NhsNumberProblem, NumberStatus,
    OtherIdentifier,
};

/// Identifier system of an NHS number that cannot be read.
pub const UNVERIFIED_NUMBER_SYSTEM: &str = "nhs-number-unverified";

/// Identifier system of an NHS number from before 1996 (R28).
pub const OLD_NUMBER_SYSTEM: &str = "nhs-number-old-format";

/// An unread NHS number with fewer digits is no number at all (R6): it is not compared.
const UNREAD_NUMBER_DIGITS_MIN: usize = 6;

impl Steps<'_> {
    pub(super) fn read_number(&mut self) {
        let status = self.read_status();
        let field = Field::of("nhs_number");
        let submitted = self.submitted;
        if let Some(text) = self.some_text(field, submitted.nhs_number.as_ref()) {
            match NhsNumber::parse(&text) {
                Ok(number) => self.accept_number(number, status),
                Err(_) if is_number_placeholder(&text) => {
                    self.find(FindingCode::NhsNumberPlaceholder, field);
                }
                Err(problem) => self.keep_unread_number(&text, problem),
            }
        } else if status.is_some_and(says_present) {
            self.find(FindingCode::NhsNumberStatusWithoutNumber, field);
        }
        let field = Field::of("replaces_nhs_number");
        if let Some(text) = self.some_text(field, submitted.replaces_nhs_number.as_ref())
            && NhsNumber::parse(&text).is_err()
        {
            self.find(FindingCode::ReplacedNumberUnreadable, field);
        }
    }

    fn read_status(&mut self) -> Option<NumberStatus> {
        let field = Field::of("nhs_number_status");
        let text = self.some_text(field, self.submitted.nhs_number_status.as_ref())?;
        let status = NumberStatus::parse(&text);
        if status.is_none() && !is_blank_equivalent(&text) {
            self.find(FindingCode::NhsNumberStatusUnknown, field);
        }
        status
    }

    fn accept_number(&mut self, number: NhsNumber, status: Option<NumberStatus>) {
        let field = Field::of("nhs_number");
        match number.namespace() {
            Namespace::Test => {
                self.record.test_patient = true;
                if !self.options.test_numbers_are_real {
                    self.find(FindingCode::NhsNumberTestRange, field);
                    return;
                }
            }
            Namespace::Unknown => self.find(FindingCode::NhsNumberUnknownRange, field),
            Namespace::EnglandWales | Namespace::Scotland | Namespace::NorthernIreland => {}
        }
        let status = status.unwrap_or(self.options.number_status_default);
        self.record.nhs_number = Some(NhsNumberClaim { number, status });
    }

    /// What cannot be read is compared as text, under a system of its own.
    fn keep_unread_number(&mut self, text: &str, problem: NhsNumberProblem) {
        let generic = self.options.profile == Profile::Generic;
        let system = match problem {
            NhsNumberProblem::OldFormat if !generic => OLD_NUMBER_SYSTEM,
            _ => UNVERIFIED_NUMBER_SYSTEM,
        };
        if !generic {
            let code = match problem {
                NhsNumberProblem::Length => FindingCode::NhsNumberLength,
                NhsNumberProblem::NotDigits => FindingCode::NhsNumberNotDigits,
                NhsNumberProblem::CheckDigit => FindingCode::NhsNumberCheckDigit,
                NhsNumberProblem::AllDigitsEqual => FindingCode::NhsNumberPlaceholder,
                NhsNumberProblem::OldFormat => FindingCode::NhsNumberOldFormat,
            };
            self.find(code, Field::of("nhs_number"));
        }
        // Words in the place of a number ("not registered") are shared by strangers.
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let is_old = problem == NhsNumberProblem::OldFormat;
        if generic || is_old || digits >= UNREAD_NUMBER_DIGITS_MIN {
            self.keep_identifier(Some(system.to_owned()), text);
        }
    }

    /// Adds an identifier folded for equality, once.
    pub(super) fn keep_identifier(&mut self, system: Option<String>, text: &str) {
        let value = fold_alphanumeric(text);
        let identifier = OtherIdentifier { system, value };
        if !identifier.value.is_empty() && !self.record.identifiers.contains(&identifier) {
            self.record.identifiers.push(identifier);
        }
    }

    pub(super) fn read_other_identifiers(&mut self) {
        let sent = self.first_values("other_identifiers", &self.submitted.other_identifiers);
        for (place, identifier) in sent.iter().enumerate() {
            let field = Field::at("other_identifiers", place);
            let value = self.text(field.member("value"), &identifier.value);
            if value.is_empty() {
                continue;
            }
            if is_blank_equivalent(&value) || is_filler(&value) {
                self.find(FindingCode::IdentifierPlaceholder, field.member("value"));
                continue;
            }
            let system = self
                .some_text(field.member("system"), identifier.system.as_ref())
                .map(|system| system.to_lowercase());
            self.keep_identifier(system, &value);
        }
    }

    pub(super) fn read_mother(&mut self) {
        let Some(sent) = &self.submitted.mother else {
            return;
        };
        let field = Field::of("mother");
        let source = self.some_text(field.member("source"), sent.source.as_ref());
        let local_id = self.some_text(field.member("local_id"), sent.local_id.as_ref());
        if source.is_some() != local_id.is_some() {
            self.find(FindingCode::MotherIncomplete, field);
        }
        let number_field = field.member("nhs_number");
        let number = self
            .some_text(number_field, sent.nhs_number.as_ref())
            .filter(|text| !is_blank_equivalent(text))
            .map(|text| NhsNumber::parse(&text));
        if matches!(number, Some(Err(_))) {
            self.find(FindingCode::MotherNumberUnreadable, number_field);
        }
        let real = self.options.test_numbers_are_real;
        let mother = Mother {
            // Local ids are case-sensitive; they must still find the record.
            local: source
                .zip(local_id)
                .map(|(source, id)| (source.into_owned(), id.into_owned())),
            nhs_number: number
                .and_then(Result::ok)
                .filter(|number| real || number.namespace() != Namespace::Test),
        };
        if mother != Mother::default() {
            self.record.mother = Some(mother);
        }
    }
}

/// 01 and 02 speak of a number that is there.
const fn says_present(status: NumberStatus) -> bool {
    matches!(status, NumberStatus::Verified | NumberStatus::NotTraced)
}

/// Words for nothing, equal digits of any count, 1234567890 (R6).
fn is_number_placeholder(text: &str) -> bool {
    is_blank_equivalent(text)
        || fold_short(text).is_some_and(|folded| {
            let digits = folded.as_str();
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && (is_one_character(digits) || (digits.len() >= 9 && is_sequence(digits)))
        })
}

/// Three or more zeros, or nines.
fn is_filler(text: &str) -> bool {
    fold_short(text).is_some_and(|folded| {
        let folded = folded.as_str();
        folded.len() >= 3 && folded.starts_with(['0', '9']) && is_one_character(folded)
    })
}

#[cfg(test)]
mod tests {
    use super::{OLD_NUMBER_SYSTEM, UNVERIFIED_NUMBER_SYSTEM};
    use crate::identity::standardise::test_support::{codes, options};
    use crate::identity::{
        FindingCode, NumberStatus, Profile, StandardRecord, StandardiseOptions,
        SubmittedIdentifier, SubmittedRecord, standardise,
    };

    fn numbered(text: &str) -> SubmittedRecord {
        SubmittedRecord {
            nhs_number: Some(text.to_owned()),
            ..SubmittedRecord::default()
        }
    }

    fn read(sent: &SubmittedRecord) -> (StandardRecord, Vec<FindingCode>) {
        let (record, findings) = standardise(sent, &options());
        (record, codes(&findings))
    }

    fn generic() -> StandardiseOptions {
        StandardiseOptions {
            profile: Profile::Generic,
            ..options()
        }
    }

    #[test]
    fn r1_a_wrong_number_is_a_finding_and_compared_as_text() {
        for (text, code) in [
            ("9876544321", FindingCode::NhsNumberCheckDigit),
            ("987654432", FindingCode::NhsNumberLength),
            ("X98765443210", FindingCode::NhsNumberNotDigits),
        ] {
            let (record, found) = read(&numbered(text));
            assert!(record.nhs_number.is_none() && found == [code], "{text}");
            assert_eq!(
                record.identifiers[0].system.as_deref(),
                Some(UNVERIFIED_NUMBER_SYSTEM)
            );
            assert_eq!(record.identifiers[0].value, text);
            let (record, findings) = standardise(&numbered(text), &generic());
            assert!(
                record.identifiers.len() == 1 && findings.is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn r6_placeholders_are_null() {
        for text in [
            "0000000000",
            "9999999999",
            "4444444444",
            "999 999 9999",
            "UNKNOWN",
            "0",
            "1234567890",
        ] {
            let (record, found) = read(&numbered(text));
            assert!(
                record.nhs_number.is_none() && record.identifiers.is_empty(),
                "{text}"
            );
            assert_eq!(found, [FindingCode::NhsNumberPlaceholder], "{text}");
        }
    }

    #[test]
    fn r5_a_test_number_is_flagged_and_used_only_where_it_is_real() {
        let (record, found) = read(&numbered("9990000018"));
        assert!(record.test_patient && record.nhs_number.is_some() && found.is_empty());
        let live = StandardiseOptions {
            test_numbers_are_real: false,
            ..options()
        };
        let (record, findings) = standardise(&numbered("9990000018"), &live);
        assert!(
            record.test_patient && record.nhs_number.is_none() && record.identifiers.is_empty()
        );
        assert_eq!(codes(&findings), [FindingCode::NhsNumberTestRange]);
    }

    #[test]
    fn r12_a_missing_status_is_the_sources_default() {
        let with = |status: Option<&str>| SubmittedRecord {
            nhs_number_status: status.map(str::to_owned),
            ..numbered("9990000018")
        };
        let status = |sent: &SubmittedRecord, options: &StandardiseOptions| {
            standardise(sent, options)
                .0
                .nhs_number
                .map(|claim| claim.status)
        };
        assert_eq!(
            status(&with(None), &options()),
            Some(NumberStatus::NotTraced)
        );
        assert_eq!(
            status(&with(Some("NSTS01")), &options()),
            Some(NumberStatus::Verified)
        );
        let verified = StandardiseOptions {
            number_status_default: NumberStatus::Verified,
            ..options()
        };
        assert_eq!(status(&with(None), &verified), Some(NumberStatus::Verified));
        assert_eq!(
            status(&with(Some("42")), &options()),
            Some(NumberStatus::NotTraced)
        );
        assert_eq!(
            read(&with(Some("42"))).1,
            [FindingCode::NhsNumberStatusUnknown]
        );
    }

    #[test]
    fn r28_an_old_number_is_an_identifier_of_its_own() {
        let (record, found) = read(&numbered("JRDAN 269"));
        assert!(record.nhs_number.is_none() && found == [FindingCode::NhsNumberOldFormat]);
        assert_eq!(
            record.identifiers[0].system.as_deref(),
            Some(OLD_NUMBER_SYSTEM)
        );
        assert_eq!(record.identifiers[0].value, "JRDAN269");
    }

    #[test]
    fn identifiers_are_folded_and_fillers_left_out() {
        let identifier = |system: Option<&str>, value: &str| SubmittedIdentifier {
            system: system.map(str::to_owned),
            value: value.to_owned(),
        };
        let sent = SubmittedRecord {
            other_identifiers: vec![
                identifier(Some("URN:Trust"), "ab-12 3"),
                identifier(Some("urn:trust"), "AB123"),
                identifier(None, "AB123"),
                identifier(None, "000000"),
                identifier(None, "n/a"),
                identifier(None, ""),
            ],
            ..SubmittedRecord::default()
        };
        let (record, found) = read(&sent);
        assert_eq!(record.identifiers.len(), 2);
        assert_eq!(record.identifiers[0].system.as_deref(), Some("urn:trust"));
        assert_eq!(record.identifiers[0].value, "AB123");
        assert_eq!(found, [FindingCode::IdentifierPlaceholder; 2]);
    }
}
