//! Steps of standardising for addresses, phones and e-mail (R63–R72).

use std::borrow::Cow;

use crate::foundation::limits::VALUES_PER_FIELD_MAX;
use crate::identity::postcode::{PseudoPostcode, pseudo_postcode};
use crate::identity::sent_text::{fold_short, is_blank_equivalent};
use crate::identity::standardise::{Field, Profile, Steps};
use crate::identity::{
    AddressUse, Email, EmailProblem, FindingCode, Phone, PhoneProblem, PostalAddress, Postcode,
    StandardDate, SubmittedAddress,
};

/// Address lines, folded, that say that there is none; sorted.
const NO_ADDRESS: [&str; 14] = [
    "ADDRESSNOTKNOWN",
    "ADDRESSUNKNOWN",
    "ADDRESSWITHHELD",
    "ASABOVE",
    "HOMELESS",
    "NFA",
    "NOADDRESS",
    "NOFIXEDABODE",
    "NOFIXEDADDRESS",
    "NOTDISCLOSED",
    "SAMEASABOVE",
    "TEST",
    "UNKNOWNADDRESS",
    "WITHHELD",
];

/// Those of them that say that the person has no fixed abode.
const NO_FIXED_ABODE: [&str; 4] = ["HOMELESS", "NFA", "NOFIXEDABODE", "NOFIXEDADDRESS"];

/// Digits that a part of a text needs to be a phone number of its own.
const SEPARATE_PHONE_DIGITS: usize = 9;

impl<'a> Steps<'a> {
    pub(super) fn read_addresses(&mut self) {
        let sent = self.first_values("addresses", &self.submitted.addresses);
        self.record.addresses.reserve_exact(sent.len());
        for (place, address) in sent.iter().enumerate() {
            if let Some(read) = self.read_address(Field::at("addresses", place), address)
                && !self.record.addresses.contains(&read)
            {
                self.record.addresses.push(read);
            }
        }
        self.record
            .addresses
            .sort_by_key(|address| address.address_use);
    }

    fn read_address(&mut self, field: Field, sent: &'a SubmittedAddress) -> Option<PostalAddress> {
        let address_use = self.read_address_use(field, sent);
        let lines_field = field.member("lines");
        let mut lines: Vec<Cow<'_, str>> =
            Vec::with_capacity(sent.lines.len().min(VALUES_PER_FIELD_MAX));
        for line in sent.lines.iter().take(VALUES_PER_FIELD_MAX) {
            let line = self.text(lines_field, line);
            if !line.is_empty() && !self.is_no_address(lines_field, &line) {
                lines.push(line);
            }
        }
        if sent.lines.len() > VALUES_PER_FIELD_MAX {
            self.find(FindingCode::TooManyValues, lines_field);
        }
        let town_field = field.member("town");
        let town = self
            .some_text(town_field, sent.town.as_ref())
            .filter(|town| !self.is_no_address(town_field, town));
        let postcode = self.read_postcode(field.member("postcode"), sent.postcode.as_ref());
        let uprn = self.read_uprn(field.member("uprn"), sent.uprn.as_ref());
        PostalAddress::read(address_use, &lines, town.as_deref(), postcode, uprn)
    }

    fn read_address_use(&mut self, field: Field, sent: &'a SubmittedAddress) -> AddressUse {
        let said = sent.address_use.as_deref().and_then(fold_short);
        let address_use = match said.as_ref().map(super::sent_text::ShortText::as_str) {
            Some("TEMP" | "TEMPORARY" | "TMP") => AddressUse::Temporary,
            Some("BILLING" | "BILL") => AddressUse::Billing,
            Some("OLD" | "PREVIOUS" | "FORMER") => AddressUse::Old,
            _ => AddressUse::Home,
        };
        let Some(to) = self.some_text(field.member("to"), sent.to.as_ref()) else {
            return address_use;
        };
        match StandardDate::parse(&to) {
            Some(to) if to.latest_day() < self.options.today.earliest_day() => AddressUse::Old,
            Some(_) => address_use,
            None => {
                self.find(FindingCode::AddressPeriodUnreadable, field.member("to"));
                address_use
            }
        }
    }

    /// Whether a line or town says that there is no address (R64).
    fn is_no_address(&mut self, field: Field, line: &str) -> bool {
        let Some(folded) = fold_short(line) else {
            return false;
        };
        let folded = folded.as_str();
        if NO_FIXED_ABODE.contains(&folded) {
            self.record.no_fixed_abode = true;
            self.find(FindingCode::PostcodeNoFixedAbode, field);
            return true;
        }
        let is_placeholder =
            is_blank_equivalent(folded) || NO_ADDRESS.binary_search(&folded).is_ok();
        if is_placeholder {
            self.find(FindingCode::AddressPlaceholder, field);
        }
        is_placeholder
    }

    fn read_postcode(&mut self, field: Field, sent: Option<&'a String>) -> Option<Postcode> {
        let text = self.some_text(field, sent)?;
        let uk_care = self.options.profile == Profile::UkCare;
        if let Some(pseudo) = pseudo_postcode(&text).filter(|_| uk_care) {
            let no_fixed_abode = pseudo == PseudoPostcode::NoFixedAbode;
            self.record.no_fixed_abode |= no_fixed_abode;
            let code = if no_fixed_abode {
                FindingCode::PostcodeNoFixedAbode
            } else {
                FindingCode::PostcodePseudo
            };
            self.find(code, field);
            return None;
        }
        let folded = fold_short(&text);
        if folded
            .as_ref()
            .is_some_and(|folded| NO_FIXED_ABODE.contains(&folded.as_str()))
        {
            self.record.no_fixed_abode = true;
            self.find(FindingCode::PostcodeNoFixedAbode, field);
            return None;
        }
        let postcode = Postcode::parse(&text);
        let code = match &postcode {
            None => Some(FindingCode::PostcodePlaceholder),
            Some(Postcode::Opaque(_)) => uk_care.then_some(FindingCode::PostcodeNotUk),
            Some(Postcode::Outward(_)) => None,
            Some(Postcode::Unit { outward, inward }) => {
                let plain = folded.is_some_and(|folded| {
                    folded.as_str().strip_prefix(outward.as_str()) == Some(inward.as_str())
                });
                (!plain).then_some(FindingCode::PostcodeRepaired)
            }
        };
        if let Some(code) = code {
            self.find(code, field);
        }
        postcode
    }

    /// One to twelve digits, not all zero.
    fn read_uprn(&mut self, field: Field, sent: Option<&'a String>) -> Option<Box<str>> {
        let text = self.some_text(field, sent)?;
        let digits = text.trim_start_matches('0');
        let fits =
            (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !fits && !is_blank_equivalent(&text) {
            self.find(FindingCode::UprnUnreadable, field);
        }
        fits.then(|| digits.into())
    }

    pub(super) fn read_phones(&mut self) {
        let sent = self.first_values("phones", &self.submitted.phones);
        for (place, phone) in sent.iter().enumerate() {
            let field = Field::at("phones", place);
            let text = self.text(field, phone);
            if is_several_phones(&text) {
                for part in text.split(['/', ';', ',']) {
                    self.read_phone(field, part);
                }
            } else if !text.is_empty() {
                self.read_phone(field, &text);
            }
        }
        self.record.phones.truncate(VALUES_PER_FIELD_MAX);
    }

    fn read_phone(&mut self, field: Field, text: &str) {
        let code = match Phone::read(text) {
            Ok(phone) if phone.is_fiction() && !self.options.test_numbers_are_real => {
                FindingCode::PhoneFiction
            }
            Ok(phone) => {
                if !self.record.phones.contains(&phone) {
                    self.record.phones.push(phone);
                }
                return;
            }
            Err(PhoneProblem::Blank | PhoneProblem::Default) => FindingCode::PhonePlaceholder,
            Err(PhoneProblem::Length) => FindingCode::PhoneUnreadable,
            Err(PhoneProblem::SomeoneElse) => FindingCode::PhoneOfSomeoneElse,
        };
        self.find(code, field);
    }

    pub(super) fn read_emails(&mut self) {
        let sent = self.first_values("emails", &self.submitted.emails);
        for (place, email) in sent.iter().enumerate() {
            let field = Field::at("emails", place);
            let text = self.text(field, email);
            if text.is_empty() {
                continue;
            }
            let code = match Email::read(&text) {
                Ok(email) => {
                    if !self.record.emails.contains(&email) {
                        self.record.emails.push(email);
                    }
                    continue;
                }
                Err(EmailProblem::Blank) => FindingCode::EmailPlaceholder,
                Err(EmailProblem::Unreadable) => FindingCode::EmailUnreadable,
                Err(EmailProblem::Role) => FindingCode::EmailRole,
            };
            self.find(code, field);
        }
    }
}

/// Two or more whole numbers in one text, parted by a stroke or comma.
fn is_several_phones(text: &str) -> bool {
    let mut parts = 0;
    for part in text.split(['/', ';', ',']) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if digits < SEPARATE_PHONE_DIGITS {
            return false;
        }
        parts += 1;
    }
    parts > 1
}

#[cfg(test)]
mod tests {
    use super::NO_ADDRESS;
    use crate::identity::standardise::test_support::{codes, options};
    use crate::identity::{
        AddressUse, FindingCode, PremisesRelation, StandardRecord, StandardiseOptions,
        SubmittedAddress, SubmittedRecord, standardise,
    };

    fn at(lines: &[&str], postcode: &str) -> SubmittedAddress {
        SubmittedAddress {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            postcode: Some(postcode.to_owned()),
            ..SubmittedAddress::default()
        }
    }

    fn living(addresses: Vec<SubmittedAddress>) -> (StandardRecord, Vec<FindingCode>) {
        let sent = SubmittedRecord {
            addresses,
            ..SubmittedRecord::default()
        };
        let (record, findings) = standardise(&sent, &options());
        (record, codes(&findings))
    }

    fn contacts(phones: &[&str], emails: &[&str]) -> SubmittedRecord {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        SubmittedRecord {
            phones: owned(phones),
            emails: owned(emails),
            ..SubmittedRecord::default()
        }
    }

    #[test]
    fn r63_a_repaired_postcode_is_a_finding() {
        let (record, found) = living(vec![at(&["9 Elm Rd"], "LSI 4AP")]);
        let postcode = record.addresses[0]
            .postcode
            .as_ref()
            .map(|postcode| postcode.text());
        assert_eq!(postcode.as_deref(), Some("LS1 4AP"));
        assert_eq!(found, [FindingCode::PostcodeRepaired]);
        assert!(living(vec![at(&["9 Elm Rd"], "ls14ap")]).1.is_empty());
        assert_eq!(
            living(vec![at(&[], "4558")]).1,
            [FindingCode::PostcodeNotUk]
        );
    }

    #[test]
    fn r64_pseudo_postcodes_and_blanks_are_absent() {
        let (record, found) = living(vec![at(&[], "ZZ99 3VZ")]);
        assert!(record.addresses.is_empty() && record.no_fixed_abode);
        assert_eq!(found, [FindingCode::PostcodeNoFixedAbode]);
        let (record, found) = living(vec![at(&["NO FIXED ABODE"], "UNKNOWN")]);
        assert!(record.addresses.is_empty() && record.no_fixed_abode);
        assert_eq!(
            found,
            [
                FindingCode::PostcodeNoFixedAbode,
                FindingCode::PostcodePlaceholder
            ]
        );
        let (record, found) = living(vec![at(&["Unknown"], "ZZ99 3WZ")]);
        assert!(record.addresses.is_empty() && !record.no_fixed_abode);
        assert_eq!(
            found,
            [FindingCode::AddressPlaceholder, FindingCode::PostcodePseudo]
        );
        assert!(NO_ADDRESS.is_sorted());
    }

    #[test]
    fn r67_the_current_home_stands_first_and_what_ended_is_old() {
        let with_use = |name: &str, to: Option<&str>, line: &str| SubmittedAddress {
            address_use: Some(name.to_owned()),
            to: to.map(str::to_owned),
            ..at(&[line], "LS1 4AP")
        };
        let (record, found) = living(vec![
            with_use("home", Some("2020-01-31"), "1 Elm Rd"),
            with_use("temp", None, "2 Elm Rd"),
            with_use("home", Some("2030-01-31"), "3 Elm Rd"),
            with_use("billing", Some("soon"), "4 Elm Rd"),
        ]);
        let uses: Vec<_> = record
            .addresses
            .iter()
            .map(|address| address.address_use)
            .collect();
        assert_eq!(
            uses,
            [
                AddressUse::Home,
                AddressUse::Temporary,
                AddressUse::Billing,
                AddressUse::Old
            ]
        );
        assert_eq!(found, [FindingCode::AddressPeriodUnreadable]);
    }

    #[test]
    fn r69_blank_lines_may_shift() {
        let one = living(vec![at(&["Flat 3", "", "9 Elm Rd"], "LS1 4AP")]).0;
        let other = living(vec![at(&["Flat 3, 9 Elm Rd"], "LS1 4AP")]).0;
        assert_eq!(
            one.addresses[0].premises_relation(&other.addresses[0]),
            PremisesRelation::Same
        );
        assert!(one == other);
    }

    #[test]
    fn a_property_reference_has_up_to_twelve_digits() {
        let with = |uprn: &str| SubmittedAddress {
            uprn: Some(uprn.to_owned()),
            ..SubmittedAddress::default()
        };
        let (record, found) = living(vec![with("000010001234"), with("0"), with("12a")]);
        assert_eq!(record.addresses.len(), 1);
        assert_eq!(record.addresses[0].uprn.as_deref(), Some("10001234"));
        assert_eq!(
            found,
            [FindingCode::UprnUnreadable, FindingCode::UprnUnreadable]
        );
    }

    #[test]
    fn r70_fiction_is_used_where_data_are_made_up_and_defaults_nowhere() {
        let sent = contacts(
            &["07700 900123", "+44 (0)7700 900123", "07777777777", "123"],
            &[],
        );
        let (record, findings) = standardise(&sent, &options());
        assert_eq!(record.phones.len(), 1);
        assert_eq!(
            codes(&findings),
            [FindingCode::PhonePlaceholder, FindingCode::PhoneUnreadable]
        );
        let live = StandardiseOptions {
            test_numbers_are_real: false,
            ..options()
        };
        let (record, findings) = standardise(&sent, &live);
        assert!(record.phones.is_empty());
        assert_eq!(
            codes(&findings)[..2],
            [FindingCode::PhoneFiction, FindingCode::PhoneFiction]
        );
    }

    #[test]
    fn two_phones_in_one_text_are_two() {
        let sent = contacts(&["07700 900123 / 01632 960123", "01632/960124"], &[]);
        let phones = standardise(&sent, &options()).0.phones;
        let texts: Vec<_> = phones.iter().map(|phone| phone.as_str()).collect();
        assert_eq!(texts, ["+447700900123", "+441632960123", "+441632960124"]);
    }

    #[test]
    fn r72_role_mailboxes_are_absent() {
        let sent = contacts(
            &[],
            &[
                "Reception@x.example.org",
                "A.Smith@example.org",
                "none",
                "a.smith",
            ],
        );
        let (record, findings) = standardise(&sent, &options());
        assert_eq!(record.emails[0].as_str(), "a.smith@example.org");
        assert_eq!(record.emails.len(), 1);
        let expected = [
            FindingCode::EmailRole,
            FindingCode::EmailPlaceholder,
            FindingCode::EmailUnreadable,
        ];
        assert_eq!(codes(&findings), expected);
    }
}
