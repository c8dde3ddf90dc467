//! Values that somebody disputes (R133): kept beside what is compared, and compared
//! with nothing until their source has answered.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::identity::{
    AddressUse, BirthDate, Email, PersonName, Phone, PostalAddress, Sex, StandardDate,
    StandardRecord,
};

/// What can be disputed of a record. A number is not among them: whose it is says the
/// national service, and a doubt of it is a suspected confusion (R11, R19).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DisputedField {
    /// All names of the version.
    Name,
    /// Birth date.
    BirthDate,
    /// Administrative gender.
    Gender,
    /// All addresses of the version.
    Address,
    /// All telephone numbers of the version.
    Phones,
    /// All e-mail addresses of the version.
    Emails,
    /// That the person has died, and when.
    Death,
}

impl DisputedField {
    /// Its name, as golden records have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::BirthDate => "birth_date",
            Self::Gender => "gender",
            Self::Address => "address",
            Self::Phones => "phones",
            Self::Emails => "emails",
            Self::Death => "death",
        }
    }

    /// Whether it says where the person lives or can be reached (R109).
    #[must_use]
    pub const fn is_location(self) -> bool {
        matches!(self, Self::Address | Self::Phones | Self::Emails)
    }

    /// Its name for people.
    #[must_use]
    pub fn words(self) -> String {
        self.name().replace('_', " ")
    }
}

/// The values that are disputed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    fields: BTreeSet<DisputedField>,
    names: Vec<PersonName>,
    birth_date: Option<BirthDate>,
    gender: Option<Sex>,
    addresses: Vec<PostalAddress>,
    phones: Vec<Phone>,
    emails: Vec<Email>,
    death_date: Option<StandardDate>,
    deceased: bool,
}

impl StandardRecord {
    /// The fields that are disputed, in order.
    pub fn disputed_fields(&self) -> impl Iterator<Item = DisputedField> {
        let disputed = self.disputed.iter();
        disputed.flat_map(|disputed| disputed.fields.iter().copied())
    }

    /// Whether it says anything of the field.
    #[must_use]
    pub fn says(&self, field: DisputedField) -> bool {
        match field {
            DisputedField::Name => !self.names.is_empty(),
            DisputedField::BirthDate => self.birth_date.is_some(),
            DisputedField::Gender => self.gender.is_some(),
            DisputedField::Address => !self.addresses.is_empty(),
            DisputedField::Phones => !self.phones.is_empty(),
            DisputedField::Emails => !self.emails.is_empty(),
            DisputedField::Death => self.death_date.is_some() || self.deceased,
        }
    }

    /// The same, where what `said` says of the field is disputed: it is compared no
    /// more. `said` is the version without its history, which is not in question.
    #[must_use]
    pub fn withholding(mut self, field: DisputedField, said: &Self) -> Self {
        let mut disputed = self.disputed.take().unwrap_or_default();
        disputed.take_from(field, said);
        disputed.clear_from(field, &mut self);
        self.disputed = Some(disputed);
        self
    }

    /// The same without the dispute about a field: a version that repeats the value is
    /// compared with it again.
    #[must_use]
    pub fn settling(mut self, field: DisputedField) -> Self {
        if let Some(disputed) = &mut self.disputed {
            disputed.forget(field);
            if disputed.fields.is_empty() {
                self.disputed = None;
            }
        }
        self
    }

    /// The same with what is disputed, for whoever looks for somebody by it: what the
    /// source says finds the record, and joins nobody.
    #[must_use]
    pub fn with_disputed(&self) -> Cow<'_, Self> {
        let Some(disputed) = &self.disputed else {
            return Cow::Borrowed(self);
        };
        let mut whole = self.clone();
        whole.names.splice(..0, disputed.names.iter().cloned());
        whole
            .addresses
            .splice(..0, disputed.addresses.iter().cloned());
        whole.phones.splice(..0, disputed.phones.iter().cloned());
        whole.emails.splice(..0, disputed.emails.iter().cloned());
        whole.birth_date = whole.birth_date.or(disputed.birth_date);
        whole.gender = whole.gender.or(disputed.gender);
        whole.death_date = whole.death_date.or(disputed.death_date);
        whole.deceased |= disputed.deceased;
        Cow::Owned(whole)
    }

    /// Withholds what an earlier version's disputes are about, where this one says the
    /// same of the field, or nothing; a field of which it says something else is
    /// answered.
    pub(super) fn withhold_again(&mut self, earlier: &Self) {
        let Some(mut disputed) = earlier.disputed.clone() else {
            return;
        };
        for field in disputed.fields.clone() {
            if self.says(field) && !disputed.is_repeated(field, self) {
                disputed.forget(field);
            } else {
                disputed.clear_from(field, self);
            }
        }
        self.disputed = (!disputed.fields.is_empty()).then_some(disputed);
    }
}

impl Disputed {
    fn take_from(&mut self, field: DisputedField, said: &StandardRecord) {
        self.fields.insert(field);
        match field {
            DisputedField::Name => self.names.clone_from(&said.names),
            DisputedField::BirthDate => self.birth_date = said.birth_date,
            DisputedField::Gender => self.gender = said.gender,
            DisputedField::Address => self.addresses.clone_from(&said.addresses),
            DisputedField::Phones => self.phones.clone_from(&said.phones),
            DisputedField::Emails => self.emails.clone_from(&said.emails),
            DisputedField::Death => {
                (self.death_date, self.deceased) = (said.death_date, said.deceased);
            }
        }
    }

    fn forget(&mut self, field: DisputedField) {
        self.take_from(field, &StandardRecord::default());
        self.fields.remove(&field);
    }

    fn clear_from(&self, field: DisputedField, record: &mut StandardRecord) {
        match field {
            DisputedField::Name => record.names.retain(|it| !self.holds_name(it)),
            DisputedField::BirthDate => record.birth_date = None,
            DisputedField::Gender => record.gender = None,
            DisputedField::Address => record.addresses.retain(|it| !self.holds_address(it)),
            DisputedField::Phones => record.phones.retain(|it| !self.phones.contains(it)),
            DisputedField::Emails => record.emails.retain(|it| !self.emails.contains(it)),
            DisputedField::Death => (record.death_date, record.deceased) = (None, false),
        }
    }

    /// Whether the record still says what is disputed.
    fn is_repeated(&self, field: DisputedField, record: &StandardRecord) -> bool {
        match field {
            DisputedField::Name => record.names.iter().any(|it| self.holds_name(it)),
            DisputedField::BirthDate => record.birth_date == self.birth_date,
            DisputedField::Gender => record.gender == self.gender,
            DisputedField::Address => record.addresses.iter().any(|it| self.holds_address(it)),
            DisputedField::Phones => record.phones.iter().any(|it| self.phones.contains(it)),
            DisputedField::Emails => record.emails.iter().any(|it| self.emails.contains(it)),
            DisputedField::Death => {
                record.death_date == self.death_date && record.deceased == self.deceased
            }
        }
    }

    fn holds_name(&self, name: &PersonName) -> bool {
        let mut names = self.names.iter();
        names.any(|mine| mine.given == name.given && mine.family == name.family)
    }

    fn holds_address(&self, address: &PostalAddress) -> bool {
        let used = |address: &PostalAddress| PostalAddress {
            address_use: AddressUse::Old,
            ..address.clone()
        };
        let mut addresses = self.addresses.iter();
        addresses.any(|mine| used(mine) == used(address))
    }
}

#[cfg(test)]
mod tests {
    use super::DisputedField::{Address, BirthDate, Name, Phones};
    use crate::identity::{
        NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedRecord,
        standardise,
    };

    fn record(born: &str, phones: &[&str]) -> StandardRecord {
        let sent = SubmittedRecord {
            family_name: Some("Disputely".into()),
            birth_date: Some(born.into()),
            phones: phones.iter().map(|&phone| phone.into()).collect(),
            ..SubmittedRecord::default()
        };
        let options = StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::parse("2026-11-28").expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        standardise(&sent, &options).0
    }

    #[test]
    fn r133_a_disputed_value_is_withheld_as_long_as_it_is_repeated() {
        let first = record("1950-02-03", &["07700 900001"]);
        let disputed = first.clone().withholding(BirthDate, &first);
        assert!(disputed.birth_date.is_none() && !disputed.says(BirthDate));
        assert!(disputed.says(Name));
        assert!(disputed.with_disputed().birth_date == first.birth_date);

        let moved = record("1950-02-03", &["07700 900002"]).remembering(&disputed);
        assert!(moved.birth_date.is_none(), "the source says it again");
        assert_eq!(moved.phones.len(), 2, "the rest is remembered");
        assert_eq!(moved.disputed_fields().collect::<Vec<_>>(), [BirthDate]);

        let corrected = record("1951-02-03", &[]).remembering(&moved);
        assert!(corrected.birth_date.is_some(), "the source has answered");
        assert_eq!(corrected.disputed_fields().count(), 0);

        let confirmed = record("1950-02-03", &[]).remembering(&moved.settling(BirthDate));
        assert!(confirmed.birth_date.is_some());
        assert_eq!(confirmed.disputed_fields().count(), 0);
    }

    #[test]
    fn r133_only_what_the_version_says_is_in_question_and_it_is_no_history() {
        let first = record("1950-02-03", &["07700 900001"]);
        let second = record("1950-02-03", &["07700 900002"]);
        let disputed = second
            .clone()
            .remembering(&first)
            .withholding(Phones, &second);
        assert!(disputed.phones == first.phones, "what it said before stays");
        assert!(!disputed.says(Address));

        let third = record("1950-02-03", &["07700 900003"]).remembering(&disputed);
        assert!(!third.phones.contains(&second.phones[0]), "never history");
        assert_eq!(third.disputed_fields().count(), 0);
    }
}
