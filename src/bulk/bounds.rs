//! Pairs that cannot reach the weight that matters, found by what is cheap to
//! know. A bound is never below the weight, so that what it drops would have
//! been dropped: results do not depend on it.

use crate::bulk::records::{BulkRecords, Facts};
use crate::bulk::words::{Glance, Words};
use crate::matching::levels::{
    AddressComparison, EmailLevel, FamilyNameLevel, GivenNameLevel, Level as _, PhoneLevel,
    SexLevel,
};
use crate::matching::{Comparison, LinkageModel};

/// Sums of the same numbers in another order differ by less.
const ROUNDING_BITS: f64 = 1e-6;

/// What a model can give at most.
pub(super) struct Bounds<'r> {
    records: &'r BulkRecords,
    model: &'r LinkageModel,
    least: f64,
    most: [f64; Comparison::COUNT],
    most_same_sex: f64,
    most_other_phone: f64,
    most_other_email: f64,
    given_differs: f64,
    family_differs: f64,
    /// By word: what equality weighs.
    same_given: Vec<f32>,
    same_family: Vec<f32>,
}

impl<'r> Bounds<'r> {
    /// For weights of at least `least` bits.
    pub(super) fn new(records: &'r BulkRecords, model: &'r LinkageModel, least: f64) -> Self {
        let mut most = [0.0; Comparison::COUNT];
        for comparison in Comparison::ALL {
            most[comparison as usize] = model.most_bits(comparison);
        }
        let tokens = records.words.tokens();
        Self {
            records,
            model,
            least: least - ROUNDING_BITS,
            most,
            most_same_sex: model
                .most_bits_of(Comparison::Sex, &[SexLevel::Same, SexLevel::SameNamed]),
            most_other_phone: model.most_bits_of(
                Comparison::Phone,
                &[PhoneLevel::Near, PhoneLevel::Different],
            ),
            most_other_email: model.most_bits_of(
                Comparison::Email,
                &[EmailLevel::Near, EmailLevel::Different],
            ),
            given_differs: model.most_bits_of(Comparison::GivenName, &[GivenNameLevel::Different]),
            family_differs: model.most_bits_of(
                Comparison::FamilyName,
                &[
                    FamilyNameLevel::Different,
                    FamilyNameLevel::DifferentWoman,
                    FamilyNameLevel::Generic,
                ],
            ),
            same_given: tokens
                .iter()
                .map(|token| above(model.same_given_bits(token)))
                .collect(),
            same_family: tokens
                .iter()
                .map(|token| above(model.same_family_bits(token)))
                .collect(),
        }
    }

    /// What the addresses of a pair say, or `None` where the pair cannot reach
    /// the least weight.
    pub(super) fn may_reach(&self, a: u32, b: u32) -> Option<AddressComparison> {
        let facts = &self.records.facts;
        let (x, y) = (&facts[a as usize], &facts[b as usize]);
        let singles = self.singles(x, y);
        let address = self.address(x, y);
        let names = self.most(Comparison::GivenName)
            + self.most(Comparison::MiddleName)
            + self.most(Comparison::FamilyName);
        if singles + address + names < self.least {
            return None;
        }
        let singles = singles + self.names(&self.records.words, x, y);
        if singles + address < self.least {
            return None;
        }
        let addresses = self.records.compare_addresses(self.model, x, y);
        let said = addresses.postcode.weight + addresses.address.weight + addresses.town.weight;
        (singles + said >= self.least).then_some(addresses)
    }

    fn most(&self, comparison: Comparison) -> f64 {
        self.most[comparison as usize]
    }

    /// Prior and fields of one value, compared; contacts by their numbers.
    fn singles(&self, x: &Facts, y: &Facts) -> f64 {
        let model = self.model;
        let number = model
            .compare_nhs_numbers(x.nhs_number.as_ref(), y.nhs_number.as_ref())
            .weight;
        let date = model
            .compare_birth_dates(x.birth_date.as_ref(), y.birth_date.as_ref())
            .weight;
        let sex = model.compare_stated_sexes((x.gender, x.birth_sex), (y.gender, y.birth_sex));
        let sex = if sex.level == SexLevel::Same.index() {
            self.most_same_sex
        } else {
            sex.weight
        };
        let order = model
            .compare_birth_orders(x.birth_order, y.birth_order)
            .weight;
        model.prior_bits()
            + number
            + date
            + sex
            + order
            + self.contact(x.phones, y.phones, Comparison::Phone, self.most_other_phone)
            + self.contact(x.emails, y.emails, Comparison::Email, self.most_other_email)
            + self.any(x.identifiers, y.identifiers, Comparison::OtherIdentifier)
            + self.any(x.practices, y.practices, Comparison::GpPractice)
    }

    /// Lists of one value whose numbers differ hold different values.
    fn contact(&self, x: u32, y: u32, comparison: Comparison, other: f64) -> f64 {
        let several = || {
            if comparison == Comparison::Phone {
                self.records.phones.has_several(x) || self.records.phones.has_several(y)
            } else {
                self.records.emails.has_several(x) || self.records.emails.has_several(y)
            }
        };
        if x == 0 || y == 0 {
            0.0
        } else if x == y || several() {
            self.most(comparison)
        } else {
            other
        }
    }

    fn any(&self, x: u32, y: u32, comparison: Comparison) -> f64 {
        if x == 0 || y == 0 {
            0.0
        } else {
            self.most(comparison)
        }
    }

    fn address(&self, x: &Facts, y: &Facts) -> f64 {
        if x.addresses == 0 || y.addresses == 0 {
            return 0.0;
        }
        self.most(Comparison::Postcode)
            + self.most(Comparison::Address)
            + self.most(Comparison::Town)
    }

    fn names(&self, words: &Words, x: &Facts, y: &Facts) -> f64 {
        let Some(glances) = words.glance(x.names, y.names) else {
            return self.most(Comparison::GivenName)
                + self.most(Comparison::MiddleName)
                + self.most(Comparison::FamilyName);
        };
        let (given, family) = words.first_names(x.names);
        let given = match glances.given {
            Glance::Same => f64::from(self.same_given[given as usize]),
            Glance::Differs => self.given_differs,
            Glance::Open => self.most(Comparison::GivenName),
        };
        let family = match glances.family {
            Glance::Same => f64::from(self.same_family[family as usize]),
            Glance::Differs => self.family_differs,
            Glance::Open => self.most(Comparison::FamilyName),
        };
        let middle = if glances.both_middle {
            self.most(Comparison::MiddleName)
        } else {
            0.0
        };
        given + family + middle
    }
}

/// The next 32-bit number that is no less.
#[expect(clippy::cast_possible_truncation, reason = "rounded up again")]
fn above(bits: f64) -> f32 {
    (bits as f32).next_up()
}
