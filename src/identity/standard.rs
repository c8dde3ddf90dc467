//! What a source says, standardised: typed values that are valid by
//! construction. Made only by [`crate::identity::standardise`]. What was sent
//! stays beside it in the payload; nothing is lost by what is left out here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::foundation::limits::VALUES_PER_FIELD_MAX;
use crate::identity::{
    AddressUse, BirthDate, Email, NameUse, NhsNumberClaim, PersonName, Phone, PostalAddress, Sex,
    StandardDate,
};

/// One record, standardised. All values of a kind are kept, the current one
/// first; matching uses them all.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardRecord {
    /// The number with its status, when it can stand for a person at all
    /// (a placeholder or an unreadable number is a finding and absent here).
    pub nhs_number: Option<NhsNumberClaim>,
    /// Names; the usual one first, then aliases, known-as and earlier names.
    pub names: Vec<PersonName>,
    /// Birth date with its precision and reliability.
    pub birth_date: Option<BirthDate>,
    /// Administrative gender; neutral codes are absent.
    pub gender: Option<Sex>,
    /// Sex observed at birth. Never compared with `gender` (R60).
    pub birth_sex: Option<Sex>,
    /// Gender identity. Never compared with the other two (R60).
    pub gender_identity: Option<Sex>,
    /// Addresses; the current home first.
    pub addresses: Vec<PostalAddress>,
    /// Phones that can be the patient's own.
    pub phones: Vec<Phone>,
    /// E-mail addresses that can be the patient's own.
    pub emails: Vec<Email>,
    /// Identifiers of other authorities.
    pub identifiers: Vec<OtherIdentifier>,
    /// Order in a multiple birth, 1 to 7, said or read from "Twin 2".
    pub birth_order: Option<u8>,
    /// The given name is a placeholder of a newborn ("Baby", "Twin 2").
    pub newborn_placeholder: bool,
    /// The expected date of an unborn child is not a birth date (R57).
    pub unborn: bool,
    /// The mother's identifiers, folded for equality.
    pub mother: Option<Mother>,
    /// Date of death.
    pub death_date: Option<StandardDate>,
    /// The source says that the person has died.
    pub deceased: bool,
    /// ODS code of the general practice, upper case.
    pub gp_practice: Option<String>,
    /// Location of this person is restricted (R109).
    pub restricted: bool,
    /// An NHS number in the test range (R5).
    pub test_patient: bool,
    /// No fixed abode was said by a pseudo-postcode (R64); reporting only.
    pub no_fixed_abode: bool,
}

impl StandardRecord {
    /// Whether it names this record, by source and local id, as its mother's.
    #[must_use]
    pub fn is_child_of(&self, record: &(String, String)) -> bool {
        let mother = self.mother.as_ref().and_then(|it| it.local.as_ref());
        mother == Some(record)
    }

    /// The usual name.
    #[must_use]
    pub fn usual_name(&self) -> Option<&PersonName> {
        self.names.first()
    }

    /// This version with the values of the version before it as history: names
    /// as previous ones, addresses as old ones, contacts behind the current
    /// ones. A value that is still sent is not repeated.
    #[must_use]
    pub fn remembering(mut self, earlier: &Self) -> Self {
        for name in &earlier.names {
            let known = self
                .names
                .iter()
                .any(|mine| mine.given == name.given && mine.family == name.family);
            if !known && self.names.len() < VALUES_PER_FIELD_MAX {
                self.names.push(PersonName {
                    name_use: NameUse::Previous,
                    ..name.clone()
                });
            }
        }
        for address in &earlier.addresses {
            let old = PostalAddress {
                address_use: AddressUse::Old,
                ..address.clone()
            };
            let known = self.addresses.iter().any(|mine| {
                PostalAddress {
                    address_use: AddressUse::Old,
                    ..mine.clone()
                } == old
            });
            if !known && self.addresses.len() < VALUES_PER_FIELD_MAX {
                self.addresses.push(old);
            }
        }
        append(&mut self.phones, &earlier.phones);
        append(&mut self.emails, &earlier.emails);
        append(&mut self.identifiers, &earlier.identifiers);
        // A flag that was ever set protects until somebody who may lifts it.
        self.restricted |= earlier.restricted;
        self
    }

    /// Whether some field has as many values as are compared: there may have
    /// been more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        [
            self.names.len(),
            self.addresses.len(),
            self.phones.len(),
            self.emails.len(),
            self.identifiers.len(),
        ]
        .into_iter()
        .any(|values| values >= VALUES_PER_FIELD_MAX)
    }

    /// Whether it holds anything of where the person lives or can be reached.
    #[must_use]
    pub fn has_location(&self) -> bool {
        !self.addresses.is_empty()
            || !self.phones.is_empty()
            || !self.emails.is_empty()
            || self.gp_practice.is_some()
    }

    /// The same without it (R109).
    #[must_use]
    pub fn without_location(&self) -> Self {
        Self {
            addresses: Vec::new(),
            phones: Vec::new(),
            emails: Vec::new(),
            gp_practice: None,
            ..self.clone()
        }
    }

    /// Whether anything here identifies a person: a registration needs one
    /// such value after standardising.
    #[must_use]
    pub fn identifies(&self) -> bool {
        self.nhs_number.is_some()
            || !self.names.is_empty()
            || self.birth_date.is_some()
            || !self.addresses.is_empty()
            || !self.phones.is_empty()
            || !self.emails.is_empty()
            || !self.identifiers.is_empty()
    }
}

fn append<T: Clone + PartialEq>(values: &mut Vec<T>, earlier: &[T]) {
    for value in earlier {
        if !values.contains(value) && values.len() < VALUES_PER_FIELD_MAX {
            values.push(value.clone());
        }
    }
}

impl fmt::Debug for StandardRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StandardRecord([redacted])")
    }
}

/// An identifier of another authority, folded for equality.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OtherIdentifier {
    /// The authority, lower case; `None` when nobody said (R-free: equality is
    /// then evidence, learnt like any other).
    pub system: Option<String>,
    /// Upper case without separators.
    pub value: String,
}

impl fmt::Debug for OtherIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OtherIdentifier([redacted])")
    }
}

/// The mother's identifiers.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mother {
    /// `source` and local id.
    pub local: Option<(String, String)>,
    /// NHS number digits.
    pub nhs_number: Option<crate::identity::NhsNumber>,
}

impl fmt::Debug for Mother {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mother([redacted])")
    }
}
