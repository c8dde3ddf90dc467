//! Data-quality findings: about the data, never an error. Each code has one
//! severity, one rule and one sentence, so that no value can slip into a text.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much a finding matters to those who own the data.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Read well, after a repair or with a remark.
    Information,
    /// A value is not used, or used with less weight.
    Warning,
    /// A value contradicts another or cannot be.
    Error,
}

macro_rules! finding_codes {
    ($($code:ident $severity:ident $rule:literal $sentence:literal;)+) => {
        /// Stable machine codes, `snake_case` in JSON.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingCode {
            $(#[doc = $sentence] $code,)+
        }

        impl FindingCode {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// Severity, rule (empty for none) and sentence.
            const fn facts(self) -> (Severity, &'static str, &'static str) {
                match self {
                    $(Self::$code => (Severity::$severity, $rule, $sentence),)+
                }
            }
        }
    };
}

finding_codes! {
    NhsNumberCheckDigit Error "R1" "The NHS number fails its check digit and is compared as text only.";
    NhsNumberLength Error "R2" "The NHS number does not have ten digits and is compared as text only.";
    NhsNumberNotDigits Error "R2" "The NHS number has other characters than digits and is compared as text only.";
    NhsNumberOldFormat Information "R28" "The NHS number has a format from before 1996 and is kept as another identifier.";
    NhsNumberPlaceholder Warning "R6" "The NHS number is a placeholder and is not used.";
    NhsNumberTestRange Warning "R5" "The NHS number is in the test range and is not used in a live registry.";
    NhsNumberUnknownRange Information "R3" "The NHS number is in a range that no issuer uses.";
    NhsNumberStatusUnknown Warning "R12" "The NHS number status is not a known code; the default of the source is used.";
    NhsNumberStatusWithoutNumber Warning "R12" "The status says that an NHS number is present, and there is none.";
    ReplacedNumberUnreadable Warning "R16" "The superseded NHS number is not a valid number.";
    MotherNumberUnreadable Warning "R95" "The mother's NHS number is not a valid number and is not used.";
    MotherIncomplete Information "R95" "The mother's record is named without its source or without its local id.";
    IdentifierPlaceholder Warning "R6" "An identifier is a placeholder and is not used.";
    EffectiveInFuture Warning "" "The record says that it will be so in the future; the date is kept and not used for order.";
    LinkPossible Warning "R101" "After this update the record fits its person's other records badly: the link is possible until a human has looked at it.";
    SourceQuarantined Warning "R98" "The source is quarantined: the record is kept, and not acted on until the source is released.";
    MessageIdReused Warning "R107" "The id of the message was used before for another one: the message was processed all the same.";
    HistoryLeftOut Information "R106" "The record has had more values than are compared: the oldest are kept and no longer compared.";
    SourceNotKnown Warning "" "The source was not known before this record and has been added; its code may be a typing error.";
    NameTitleRemoved Information "R34" "A title was taken out of the name.";
    NameKnownAsFound Information "R34" "A known-as name was taken out of the name and kept as an alias.";
    NameGivenPlaceholder Warning "R35" "The given name is a placeholder and is not used.";
    NameFamilyPlaceholder Warning "R35" "The family name is a placeholder and is not used.";
    NameTruncatedAtLimit Information "R43" "The name ends at a usual field limit and may be cut short.";
    NameOpaqueText Information "" "The name has no letters that can be folded and is compared as it stands.";
    NameSuffixRemoved Information "R34" "A generation or an honour stood behind the name and is not compared.";
    NamePreviousFound Information "R34" "An earlier name stood in the text and is compared as one.";
    NameBirthOrderFound Information "R35" "An order in a multiple birth stood in the name.";
    NameUnborn Information "R57" "The name is of an unborn child: its date is not a birth date.";
    NameCommaFormSplit Information "" "Family and given name stood in one field with a comma and were parted.";
    NameSingle Information "R46" "The person has a single name, compared with either slot.";
    NameRepeated Information "" "One field repeated the other's name; it is compared once.";
    NameTooLong Warning "" "The name is longer than anything real; only its start is compared.";
    BirthDateUnreadable Error "" "The birth date is not a date and is compared as text only.";
    BirthDateImpossible Error "R53" "The birth date does not exist and is compared as text only.";
    BirthDatePlaceholder Warning "R51" "The birth date is a placeholder and is not used.";
    BirthDateDefault Warning "R51" "The birth date is a usual default or before 1895 and is not used.";
    BirthDateFuture Error "R51" "The birth date lies in the future and is not used.";
    BirthDateAfterEvent Error "R56" "The birth date lies after the time the record speaks of and is not used.";
    BirthDateExpected Information "R57" "The date of an unborn child is expected and not used as a birth date.";
    BirthDateYearOnly Information "R52" "The birth date is estimated or a default of the source; its year alone is used.";
    EffectiveAtUnreadable Warning "" "The time the record speaks of is not a time.";
    DeathDateUnreadable Error "" "The date of death is not a date and is not used.";
    DeathDateImpossible Error "" "The date of death does not exist and is not used.";
    DeathDatePlaceholder Warning "R51" "The date of death is a placeholder and is not used.";
    DeathDateFuture Error "R56" "The date of death lies in the future and is not used.";
    DeathBeforeBirth Error "R56" "The date of death lies before the birth date and is not used.";
    DeathRemoved Information "R58" "The source has withdrawn the death.";
    DeathStatusUnknown Warning "R58" "The death status is not a known code.";
    SexUnknown Warning "R59" "The code for sex or gender is not known and is not used.";
    PostcodeRepaired Information "R63" "Letters and digits of the postcode were repaired by their place.";
    PostcodePseudo Information "R64" "The postcode is a pseudo-postcode and is not used.";
    PostcodeNoFixedAbode Information "R64" "The person has no fixed abode; the postcode or line is not used.";
    PostcodePlaceholder Warning "R64" "The postcode is a placeholder and is not used.";
    PostcodeNotUk Information "R63" "The postcode has no UK form and is compared as text.";
    AddressPlaceholder Warning "R64" "An address line is a placeholder and is not used.";
    AddressPeriodUnreadable Warning "R67" "The end of an address is not a date.";
    UprnUnreadable Warning "R65" "The property reference is not one to twelve digits and is not used.";
    PhoneUnreadable Warning "R70" "A phone number does not have 6 to 15 digits and is not used.";
    PhonePlaceholder Warning "R70" "A phone number is a placeholder and is not used.";
    PhoneFiction Warning "R70" "A phone number is kept for drama and is not used in a live registry.";
    PhoneOfSomeoneElse Information "R71" "A phone number is said to be someone else's and is not used.";
    EmailUnreadable Warning "R72" "An e-mail address cannot be read and is not used.";
    EmailPlaceholder Warning "R72" "An e-mail address is a placeholder and is not used.";
    EmailRole Warning "R72" "An e-mail address belongs to an office and is not used.";
    BirthOrderUnknown Warning "R91" "The birth order is not a known code.";
    GpPracticeUnknown Information "" "The code says that the general practice is not known.";
    ControlCharacters Information "" "Control characters were left out of the comparison.";
    FieldTooLong Warning "" "The text is longer than any real value and compared by its start only.";
    TooManyValues Warning "" "There are more values than are compared; the first ones are used.";
}

impl FindingCode {
    /// How much it matters.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.facts().0
    }

    /// The rule that it comes from, such as `R1`.
    #[must_use]
    pub fn rule(self) -> Option<&'static str> {
        Some(self.facts().1).filter(|rule| !rule.is_empty())
    }

    /// What was found, without any value of the record.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        self.facts().2
    }
}

/// A finding names the field and the rule; its sentence holds no value from
/// the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was found.
    pub code: FindingCode,
    /// Member of the submitted record, such as `addresses[1].postcode`.
    pub field: String,
    /// How much it matters.
    pub severity: Severity,
    /// The rule that it comes from, such as `R1`.
    pub rule: Option<String>,
    /// What was found, in words.
    pub sentence: String,
}

impl Finding {
    /// A finding with the severity, rule and sentence of its code.
    #[must_use]
    pub fn new(code: FindingCode, field: impl fmt::Display) -> Self {
        Self {
            code,
            field: field.to_string(),
            severity: code.severity(),
            rule: code.rule().map(str::to_owned),
            sentence: code.sentence().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, FindingCode, Severity};

    #[test]
    fn a_finding_says_what_its_code_says() {
        let finding = Finding::new(FindingCode::NhsNumberCheckDigit, "nhs_number");
        assert_eq!(finding.rule.as_deref(), Some("R1"));
        assert_eq!(finding.severity, Severity::Error);
        let json = serde_json::to_value(&finding).expect("a finding is JSON");
        assert_eq!(json["code"], "nhs_number_check_digit");
        assert_eq!(json["severity"], "error");
    }

    #[test]
    fn every_code_has_a_whole_sentence_and_a_rule_by_number() {
        for code in FindingCode::ALL {
            assert!(code.sentence().ends_with('.'), "{code:?}");
            let number = code
                .rule()
                .map(|rule| rule.trim_start_matches('R').parse::<u8>());
            assert!(number.is_none_or(|number| number.is_ok()), "{code:?}");
        }
    }
}
