//! What one record says about someone: raw text in, typed values out.
//!
//! ```text
//! SubmittedRecord ── standardise ──► StandardRecord + Vec<Finding>
//! (as sent)          (never fails)   (typed, valid by construction)
//! ```

mod address;
mod address_reading;
mod address_tokens;
mod birth_date;
mod contact;
mod date_reading;
mod disputed;
mod email;
mod family_rules;
mod finding;
mod name_reading;
mod name_token;
mod name_variants;
mod name_words;
mod nhs_number;
mod one_edit;
mod person_name;
mod phonetic;
mod placeholder;
mod postcode;
mod postcode_part;
mod premises;
mod sent_text;
mod sex;
mod standard;
mod standardise;
mod standardise_dates;
mod standardise_identifiers;
mod standardise_names;
mod standardise_places;
#[cfg(test)]
mod standardise_properties;
mod street_words;
mod submitted;

pub use address::{AddressUse, HouseNumber, PostalAddress, PremisesRelation};
pub use birth_date::{BirthDate, DateProblem, DateRelation, StandardDate};
pub use contact::{Phone, PhoneProblem};
pub use disputed::{Disputed, DisputedField};
pub use email::{Email, EmailProblem};
pub use family_rules::{
    FAMILY_ENDING_LETTERS_MAX, FAMILY_LENGTH_DIFFERENCE_MAX, FAMILY_SPELLING_LETTERS_MAX,
};
pub use finding::{Finding, FindingCode, Severity};
pub use name_reading::{NameNote, ReadName, read_name};
pub use name_token::NameToken;
pub use name_variants::{
    VariantGrade, family_group, family_groups_related, family_variant, given_class_name,
    given_classes, given_group, given_groups_related, given_variant,
};
pub use nhs_number::{Namespace, NhsNumber, NhsNumberClaim, NhsNumberProblem, NumberStatus};
pub use person_name::{
    FamilyName, NameUse, PersonName, is_generic_surname, is_particle, is_prefix_name,
    squashed_given, truncated_equal,
};
pub use phonetic::{double_metaphone, soundex};
pub use postcode::{Postcode, PostcodeRelation, PseudoPostcode, pseudo_postcode};
pub use postcode_part::PostcodePart;
pub use sex::Sex;
pub use standard::{Mother, OtherIdentifier, StandardRecord};
pub use standardise::{
    BIRTH_DATE_TEXT_SYSTEM, Profile, STANDARDISER_VERSION, StandardiseOptions, standardise,
    standardise_identifiers,
};
pub use standardise_identifiers::{OLD_NUMBER_SYSTEM, UNVERIFIED_NUMBER_SYSTEM};
pub use submitted::{
    SubmittedAddress, SubmittedAssociatedPerson, SubmittedIdentifier, SubmittedMother,
    SubmittedName, SubmittedRecord,
};
