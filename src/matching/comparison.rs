//! The comparison vector: what every field of two records says, settled where
//! one field's meaning depends on another. Nothing is summed here.
//!
//! The parts are public functions of the model (`compare_names`,
//! `compare_addresses` and so on), pure in the values of their field: an
//! engine for whole files may keep their results by distinct values and put
//! vectors together with [`LinkageModel::assemble`], with the same bits.

use crate::identity::{BirthDate, Sex, StandardRecord};
use crate::matching::LinkageModel;
use crate::matching::levels::{
    AddressComparison, BirthDateLevel, BirthOrderLevel, Comparison, EmailLevel, FamilyNameLevel,
    GivenNameLevel, Level, MiddleNameLevel, NameComparison, NhsNumberLevel, Outcome, PhoneLevel,
    PostcodeLevel, SexLevel,
};

/// From this age on a woman's family name may change by marriage (R44).
const MARRIAGE_AGE_MIN: i16 = 16;

/// What every field of a pair says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparisonVector {
    /// By [`Comparison`], in its order.
    pub outcomes: [Outcome; Comparison::COUNT],
    /// Given and family name together earn no more than this (R49).
    pub full_name_max: f64,
}

/// The fields of a pair, each compared by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparedFields {
    /// NHS number.
    pub nhs_number: Outcome,
    /// Names.
    pub names: NameComparison,
    /// Birth date.
    pub birth_date: Outcome,
    /// Sex, as `same`, `different` or `missing`.
    pub sex: Outcome,
    /// Addresses.
    pub addresses: AddressComparison,
    /// Phones.
    pub phone: Outcome,
    /// E-mail addresses.
    pub email: Outcome,
    /// Identifiers of other authorities.
    pub other_identifier: Outcome,
    /// General practice.
    pub gp_practice: Outcome,
    /// Order in a multiple birth.
    pub birth_order: Outcome,
}

impl ComparisonVector {
    /// A field's outcome.
    #[must_use]
    pub const fn outcome(&self, comparison: Comparison) -> &Outcome {
        &self.outcomes[comparison as usize]
    }

    /// A field's weight in bits.
    #[must_use]
    pub const fn weight(&self, comparison: Comparison) -> f64 {
        self.outcomes[comparison as usize].weight
    }

    fn level<L: Level>(&self, comparison: Comparison) -> L {
        L::at(self.outcomes[comparison as usize].level)
    }

    /// Level of the NHS number.
    #[must_use]
    pub fn nhs_number(&self) -> NhsNumberLevel {
        self.level(Comparison::NhsNumber)
    }

    /// Level of the given name.
    #[must_use]
    pub fn given_name(&self) -> GivenNameLevel {
        self.level(Comparison::GivenName)
    }

    /// Level of the middle names.
    #[must_use]
    pub fn middle_name(&self) -> MiddleNameLevel {
        self.level(Comparison::MiddleName)
    }

    /// Level of the family name.
    #[must_use]
    pub fn family_name(&self) -> FamilyNameLevel {
        self.level(Comparison::FamilyName)
    }

    /// Level of the birth date.
    #[must_use]
    pub fn birth_date(&self) -> BirthDateLevel {
        self.level(Comparison::BirthDate)
    }

    /// Level of the sex.
    #[must_use]
    pub fn sex(&self) -> SexLevel {
        self.level(Comparison::Sex)
    }

    /// Level of the postcode.
    #[must_use]
    pub fn postcode(&self) -> PostcodeLevel {
        self.level(Comparison::Postcode)
    }

    /// Level of the phone.
    #[must_use]
    pub fn phone(&self) -> PhoneLevel {
        self.level(Comparison::Phone)
    }

    /// Level of the e-mail address.
    #[must_use]
    pub fn email(&self) -> EmailLevel {
        self.level(Comparison::Email)
    }

    /// Level of the order in a multiple birth.
    #[must_use]
    pub fn birth_order(&self) -> BirthOrderLevel {
        self.level(Comparison::BirthOrder)
    }

    /// Whether anything that a household shares agrees: postcode, premises,
    /// phone or e-mail.
    #[must_use]
    pub fn shares_household(&self) -> bool {
        [
            Comparison::Postcode,
            Comparison::Address,
            Comparison::Phone,
            Comparison::Email,
        ]
        .into_iter()
        .any(|comparison| self.weight(comparison) > 0.0)
    }
}

impl LinkageModel {
    /// Compares two records in every field. Symmetric in its weights.
    #[must_use]
    pub fn compare(&self, record: &StandardRecord, member: &StandardRecord) -> ComparisonVector {
        let fields = ComparedFields {
            nhs_number: self
                .compare_nhs_numbers(record.nhs_number.as_ref(), member.nhs_number.as_ref()),
            names: self.compare_names(&record.names, &member.names),
            birth_date: self
                .compare_birth_dates(record.birth_date.as_ref(), member.birth_date.as_ref()),
            sex: self.compare_sexes(record, member),
            addresses: self.compare_addresses(&record.addresses, &member.addresses),
            phone: self.compare_phones(&record.phones, &member.phones),
            email: self.compare_emails(&record.emails, &member.emails),
            other_identifier: self.compare_identifiers(&record.identifiers, &member.identifiers),
            gp_practice: self
                .compare_gp_practices(record.gp_practice.as_deref(), member.gp_practice.as_deref()),
            birth_order: self.compare_birth_orders(record.birth_order, member.birth_order),
        };
        self.assemble(&fields, self.may_change_family_name(record, member))
    }

    /// Puts fields together and settles what one means beside another: what a
    /// differing family name is worth (R44), and a sex that the given name
    /// already said (R61).
    #[must_use]
    pub fn assemble(
        &self,
        fields: &ComparedFields,
        family_name_may_change: bool,
    ) -> ComparisonVector {
        let mut vector = ComparisonVector {
            outcomes: [
                fields.nhs_number,
                fields.names.given,
                fields.names.middle,
                fields.names.family,
                fields.birth_date,
                fields.sex,
                fields.addresses.postcode,
                fields.addresses.address,
                fields.addresses.town,
                fields.phone,
                fields.email,
                fields.other_identifier,
                fields.gp_practice,
                fields.birth_order,
            ],
            full_name_max: fields.names.full_name_max,
        };
        if family_name_may_change && vector.family_name() == FamilyNameLevel::Different {
            let place = Comparison::FamilyName as usize;
            vector.outcomes[place] =
                self.outcome(Comparison::FamilyName, FamilyNameLevel::DifferentWoman);
        }
        self.settle_sex(&mut vector);
        vector
    }

    /// Equal sexes say nothing beside a given name that agrees (R61).
    pub(super) fn settle_sex(&self, vector: &mut ComparisonVector) {
        let named =
            !vector.given_name().differs() && vector.given_name() != GivenNameLevel::Missing;
        let level = match (vector.sex(), named) {
            (SexLevel::Same | SexLevel::SameNamed, true) => SexLevel::SameNamed,
            (SexLevel::Same | SexLevel::SameNamed, false) => SexLevel::Same,
            (SexLevel::Different | SexLevel::Missing, _) => return,
        };
        vector.outcomes[Comparison::Sex as usize] = self.outcome(Comparison::Sex, level);
    }

    /// Whether a differing family name is what marriage explains: nobody is
    /// known as male, and nobody as a child.
    #[must_use]
    pub fn may_change_family_name(&self, a: &StandardRecord, b: &StandardRecord) -> bool {
        self.may_change_names(a.gender, a.birth_date.as_ref())
            && self.may_change_names(b.gender, b.birth_date.as_ref())
    }

    /// The same of one side, for an engine that keeps it by record.
    #[must_use]
    pub fn may_change_names(&self, gender: Option<Sex>, birth_date: Option<&BirthDate>) -> bool {
        let year = self.file().reference_year;
        gender != Some(Sex::Male)
            && birth_date
                .is_none_or(|date| year.saturating_sub(date.date.year()) >= MARRIAGE_AGE_MIN)
    }
}
