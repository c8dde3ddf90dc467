//! Pairs that cannot reach the weight that matters, found by what is cheap to
//! know. A bound is never below the weight, so that what it drops would have
//! been dropped: results do not depend on it.

use crate::bulk::briefs::{Brief, Has, may_be_one_slip, phone_digits};
use crate::bulk::name_bounds::NameBounds;
use crate::bulk::place_bounds::PlaceBounds;
use crate::bulk::records::BulkRecords;
use crate::bulk::words::{Glance, Glances, Words};
use crate::matching::levels::{BirthDateLevel, EmailLevel, NhsNumberLevel, PhoneLevel, SexLevel};
use crate::matching::{Comparison, LinkageModel};

/// Sums of the same numbers in another order differ by less.
const ROUNDING_BITS: f64 = 1e-6;

/// What a model can give at most.
pub(super) struct Bounds<'r> {
    words: &'r Words,
    least: f64,
    prior: f64,
    household_cap: f64,
    twin_cap: f64,
    most: [f64; Comparison::COUNT],
    numbers: Numbers,
    /// Whole dates by how many parts are equal.
    dates: [f64; 4],
    dates_exchanged: f64,
    same_sex: f64,
    other_sex: f64,
    phone_near: f64,
    phone_differs: f64,
    email_differs: f64,
    names: NameBounds,
    places: PlaceBounds,
    /// By list: the digits of an only phone.
    digits: Vec<u64>,
}

struct Numbers {
    same_verified: f64,
    same: f64,
    suspect: f64,
    other_namespace: f64,
    different_verified: f64,
    different: f64,
}

/// What people of one household may share.
#[derive(Clone, Copy)]
struct Household {
    /// What speaks for.
    positive: f64,
    /// What speaks against.
    negative: f64,
}

impl Household {
    fn add(&mut self, bits: f64) {
        self.positive += bits.max(0.0);
        self.negative += bits.min(0.0);
    }
}

impl<'r> Bounds<'r> {
    /// For weights of at least `least` bits.
    pub(super) fn new(records: &'r BulkRecords, model: &LinkageModel, least: f64) -> Self {
        let mut most = [0.0; Comparison::COUNT];
        for comparison in Comparison::ALL {
            most[comparison as usize] = model.most_bits(comparison);
        }
        let date = |levels: &[BirthDateLevel]| model.most_bits_of(Comparison::BirthDate, levels);
        Self {
            words: &records.words,
            least: least - ROUNDING_BITS,
            prior: model.prior_bits(),
            household_cap: model.household_cap_bits(),
            twin_cap: model.twin_cap_bits(),
            most,
            numbers: Numbers::new(model),
            dates: [
                date(&[BirthDateLevel::NoPart]),
                date(&[BirthDateLevel::OnePart]),
                date(&[BirthDateLevel::TwoPartsTypo, BirthDateLevel::TwoParts]),
                date(&[BirthDateLevel::Exact]),
            ],
            dates_exchanged: date(&[BirthDateLevel::Swapped]),
            same_sex: model.most_bits_of(Comparison::Sex, &[SexLevel::Same, SexLevel::SameNamed]),
            other_sex: model.most_bits_of(Comparison::Sex, &[SexLevel::Different]),
            phone_near: model.most_bits_of(
                Comparison::Phone,
                &[PhoneLevel::Near, PhoneLevel::Different],
            ),
            phone_differs: model.most_bits_of(Comparison::Phone, &[PhoneLevel::Different]),
            email_differs: model.most_bits_of(
                Comparison::Email,
                &[EmailLevel::Near, EmailLevel::Different],
            ),
            names: NameBounds::new(&records.words, model),
            places: PlaceBounds::new(model),
            digits: phone_digits(records),
        }
    }

    /// Whether a pair may reach the least weight: first by what is told at
    /// once, then by the names.
    pub(super) fn may_reach(&self, x: &Brief, y: &Brief) -> bool {
        let alone = self.alone(x, y);
        let date = self.date(x, y);
        let mut household = Household {
            positive: 0.0,
            negative: 0.0,
        };
        self.contacts(x, y, &mut household);
        self.address(x, y, &mut household);
        let given = self.most(Comparison::GivenName) + self.most(Comparison::MiddleName);
        let family = self.most(Comparison::FamilyName);
        let shared = (household.positive + family).min(self.household_cap);
        if alone + date + given + shared + household.negative < self.least {
            return false;
        }
        let Some(glances) = self.words.glance(&x.shape, &y.shape) else {
            return true;
        };
        let reach = |glances: &Glances| {
            let middle = self.names.middle(glances.middle);
            let mut household = household;
            household.add(self.names.family(glances.family, &x.shape, &y.shape));
            let shared = household.positive.min(self.household_cap);
            let given = self.names.given(glances.given, &x.shape, &y.shape);
            let shared = match glances.given {
                Glance::Same | Glance::Open | Glance::Missing => shared + date,
                // No name that twins do not share (R90).
                Glance::Differs | Glance::Like => {
                    (shared + date.max(0.0)).min(self.twin_cap) + date.min(0.0)
                }
            };
            alone + given + middle + shared + household.negative >= self.least
        };
        let closer = || self.words.closer(glances, &x.shape, &y.shape);
        reach(&glances) && closer().is_none_or(|closer| reach(&closer))
    }

    fn most(&self, comparison: Comparison) -> f64 {
        self.most[comparison as usize]
    }

    /// The prior, and what neither households nor twins share.
    fn alone(&self, x: &Brief, y: &Brief) -> f64 {
        let mut bits = self.prior;
        if x.number != 0 && y.number != 0 {
            bits += self.numbers.of(x, y);
        }
        bits += match x.same_sex(y) {
            Some(true) => self.same_sex,
            Some(false) => self.other_sex,
            None => 0.0,
        };
        if x.both_have(y, Has::Identifiers) {
            bits += self.most(Comparison::OtherIdentifier);
        }
        if x.both_have(y, Has::BirthOrder) {
            bits += self.most(Comparison::BirthOrder);
        }
        bits
    }

    fn date(&self, x: &Brief, y: &Brief) -> f64 {
        if x.date == 0 || y.date == 0 {
            let both = (x.date != 0 || x.has(Has::OddDate)) && (y.date != 0 || y.has(Has::OddDate));
            return if both {
                self.most(Comparison::BirthDate)
            } else {
                0.0
            };
        }
        let differing = x.date ^ y.date;
        let equal = [differing >> 16, differing & 0xff00, differing & 0xff].map(|part| part == 0);
        let parts = equal.into_iter().filter(|equal| *equal).count();
        let [.., month, day] = x.date.to_be_bytes();
        if equal[0] && y.date.to_be_bytes()[2..] == [day, month] && parts == 1 {
            self.dates_exchanged
        } else {
            self.dates[parts]
        }
    }

    fn contacts(&self, x: &Brief, y: &Brief, household: &mut Household) {
        if x.phones != 0 && y.phones != 0 {
            let open = x.phones == y.phones || x.either_has(y, Has::SeveralPhones);
            household.add(if open {
                self.most(Comparison::Phone)
            } else if may_be_one_slip(
                self.digits[x.phones as usize],
                self.digits[y.phones as usize],
            ) {
                self.phone_near
            } else {
                self.phone_differs
            });
        }
        if x.emails != 0 && y.emails != 0 {
            let open = x.emails == y.emails || x.either_has(y, Has::SeveralEmails);
            household.add(if open {
                self.most(Comparison::Email)
            } else {
                self.email_differs
            });
        }
        if x.both_have(y, Has::Practice) {
            household.add(self.most(Comparison::GpPractice));
        }
    }

    fn address(&self, x: &Brief, y: &Brief, household: &mut Household) {
        if !x.both_have(y, Has::Address) {
            return;
        }
        if x.postcode == 0 || y.postcode == 0 {
            household.add(self.most(Comparison::Postcode));
            household.add(self.most(Comparison::Address));
            household.add(self.most(Comparison::Town));
            return;
        }
        let (postcode, premises) = self.places.between(x.postcode, y.postcode);
        household.add(postcode);
        household.add(if x.house != 0 && y.house != 0 && x.house != y.house {
            premises.other_house
        } else {
            premises.any
        });
    }
}

impl Numbers {
    fn new(model: &LinkageModel) -> Self {
        let most = |levels: &[NhsNumberLevel]| model.most_bits_of(Comparison::NhsNumber, levels);
        Self {
            same_verified: most(&[NhsNumberLevel::SameVerified]),
            same: most(&[NhsNumberLevel::Same]),
            suspect: most(&[
                NhsNumberLevel::SameSuspect,
                NhsNumberLevel::DifferentSuspect,
            ]),
            other_namespace: most(&[NhsNumberLevel::OtherNamespace]),
            different_verified: most(&[NhsNumberLevel::DifferentVerified]),
            different: most(&[NhsNumberLevel::Different]),
        }
    }

    fn of(&self, x: &Brief, y: &Brief) -> f64 {
        let verified = x.both_have(y, Has::VerifiedNumber);
        if x.number != y.number && x.namespace != y.namespace {
            return self.other_namespace;
        }
        if x.either_has(y, Has::SuspectNumber) {
            return self.suspect;
        }
        match (x.number == y.number, verified) {
            (true, true) => self.same_verified,
            (true, false) => self.same,
            (false, true) => self.different_verified,
            (false, false) => self.different,
        }
    }
}
