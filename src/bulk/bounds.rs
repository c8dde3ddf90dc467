//! Pairs that cannot reach the weight that matters, found by what is cheap to
//! know. A bound is never below the weight, so that what it drops would have
//! been dropped: results do not depend on it.

use rayon::prelude::*;

use crate::bulk::briefs::{Brief, Has};
use crate::bulk::records::BulkRecords;
use crate::bulk::words::{Glance, ShapeKind, Words};
use crate::identity::{NameToken, Phone};
use crate::matching::levels::{
    AddressLevel, BirthDateLevel, EmailLevel, FamilyNameLevel, GivenNameLevel, MiddleNameLevel,
    NhsNumberLevel, PhoneLevel, PostcodeLevel, SexLevel,
};
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
    names: Names,
    places: Places,
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

/// Of postcodes, and of premises there.
struct Places {
    unit: f64,
    sector: f64,
    near: f64,
    district: f64,
    different: f64,
    here: Premises,
    elsewhere: Premises,
    either: Premises,
}

/// Of premises, where the house numbers may be equal and where they differ.
#[derive(Clone, Copy)]
struct Premises {
    any: f64,
    other_house: f64,
}

/// Of words: what a glance leaves possible.
struct Names {
    given_differs: f64,
    family_differs: f64,
    middle_same: f64,
    middle_differs: f64,
    /// By word: equal, alike at most, and whatever it is.
    given: Vec<[f32; 3]>,
    family: Vec<[f32; 3]>,
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
            same_sex: model
                .most_bits_of(Comparison::Sex, &[SexLevel::Same, SexLevel::SameNamed]),
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
            names: Names::new(&records.words, model),
            places: Places::new(model),
            digits: records.phones.values.iter().map(|list| digits(list)).collect(),
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
        let Some(glances) = self.words.glance_at(&x.shape, &y.shape) else {
            return true;
        };
        let middle = if glances.both_middle {
            self.names.middle(x, y)
        } else {
            0.0
        };
        household.add(self.names.family(glances.family, x, y));
        let shared = household.positive.min(self.household_cap);
        let given = self.names.given(glances.given, x, y);
        let shared = if glances.given == Glance::Same || glances.given == Glance::Open {
            shared + date
        } else {
            // No name that twins do not share (R90).
            (shared + date.max(0.0)).min(self.twin_cap) + date.min(0.0)
        };
        alone + given + middle + shared + household.negative >= self.least
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
        if parts == 1 && equal[0] {
            self.dates[1].max(self.dates_exchanged)
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

/// Places in what is kept of a word.
const SAME: usize = 0;
const LIKE: usize = 1;
const ANY: usize = 2;

impl Names {
    fn new(words: &Words, model: &LinkageModel) -> Self {
        let tokens = words.tokens();
        Self {
            given_differs: model.most_bits_of(Comparison::GivenName, &[GivenNameLevel::Different]),
            family_differs: model.most_bits_of(
                Comparison::FamilyName,
                &[
                    FamilyNameLevel::Different,
                    FamilyNameLevel::DifferentWoman,
                    FamilyNameLevel::Generic,
                ],
            ),
            middle_same: model.most_bits(Comparison::MiddleName),
            middle_differs: model.most_bits_of(
                Comparison::MiddleName,
                &[MiddleNameLevel::InitialCompatible, MiddleNameLevel::Conflict],
            ),
            given: of_words(tokens, |token| {
                [
                    model.most_bits_for_levels(
                        Comparison::GivenName,
                        token,
                        &[GivenNameLevel::Exact],
                    ),
                    model.most_bits_for_levels(
                        Comparison::GivenName,
                        token,
                        &[GivenNameLevel::FuzzyNear, GivenNameLevel::Fuzzy],
                    ),
                    model.most_bits_for(Comparison::GivenName, token),
                ]
            }),
            family: of_words(tokens, |token| {
                [
                    model.most_bits_for_levels(
                        Comparison::FamilyName,
                        token,
                        &[FamilyNameLevel::Exact],
                    ),
                    model.most_bits_for_levels(
                        Comparison::FamilyName,
                        token,
                        &[
                            FamilyNameLevel::FuzzyNear,
                            FamilyNameLevel::Phonetic,
                            FamilyNameLevel::Fuzzy,
                        ],
                    ),
                    model.most_bits_for(Comparison::FamilyName, token),
                ]
            }),
        }
    }

    fn given(&self, glance: Glance, x: &Brief, y: &Brief) -> f64 {
        match glance {
            Glance::Same => f64::from(self.given[x.shape.given[0] as usize][SAME]),
            Glance::Differs => self.given_differs,
            Glance::Like => common(&self.given, LIKE, x.shape.givens(), y.shape.givens())
                .max(self.given_differs),
            // A name sent as two words is as rare as the whole, not as its words.
            Glance::Open if x.shape.givens().len() + y.shape.givens().len() > 2 => {
                rarest(&self.given, ANY, x.shape.givens())
                    .max(rarest(&self.given, ANY, y.shape.givens()))
            }
            Glance::Open => common(&self.given, ANY, x.shape.givens(), y.shape.givens()),
        }
    }

    fn family(&self, glance: Glance, x: &Brief, y: &Brief) -> f64 {
        match glance {
            Glance::Same => f64::from(self.family[x.shape.family[0] as usize][SAME]),
            Glance::Differs => self.family_differs,
            Glance::Like => common(&self.family, LIKE, x.shape.families(), y.shape.families())
                .max(self.family_differs),
            Glance::Open => common(&self.family, ANY, x.shape.families(), y.shape.families()),
        }
    }

    fn middle(&self, x: &Brief, y: &Brief) -> f64 {
        let plain = x.shape.kind == ShapeKind::Plain && y.shape.kind == ShapeKind::Plain;
        let shared = || x.shape.givens()[1..].iter().any(|a| y.shape.givens()[1..].contains(a));
        if !plain || shared() {
            self.middle_same
        } else {
            self.middle_differs
        }
    }
}

/// Three bounds for each word.
fn of_words(tokens: &[NameToken], bits: impl Fn(&NameToken) -> [f64; 3] + Sync) -> Vec<[f32; 3]> {
    let tokens = tokens.par_iter();
    tokens.map(|token| bits(token).map(above)).collect()
}

/// What the rarest word of a side may weigh.
fn rarest(bits: &[[f32; 3]], place: usize, words: &[u32]) -> f64 {
    let bits = words.iter().map(|word| bits[*word as usize][place]);
    f64::from(bits.fold(f32::NEG_INFINITY, f32::max))
}

/// The same of both sides: what is common to both is as common as in either.
fn common(bits: &[[f32; 3]], place: usize, x: &[u32], y: &[u32]) -> f64 {
    rarest(bits, place, x).min(rarest(bits, place, y))
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

/// The three bytes of the inward code.
const INWARD_BITS: u32 = 24;

impl Places {
    fn new(model: &LinkageModel) -> Self {
        let postcode = |levels: &[PostcodeLevel]| model.most_bits_of(Comparison::Postcode, levels);
        let address = |levels: &[AddressLevel]| model.most_bits_of(Comparison::Address, levels);
        let here = Premises {
            any: model.most_bits(Comparison::Address),
            other_house: address(&[
                AddressLevel::Conflict,
                AddressLevel::Different,
                AddressLevel::Partial,
            ]),
        };
        let elsewhere = Premises {
            any: address(&[
                AddressLevel::SameOtherPostcode,
                AddressLevel::Uncertain,
                AddressLevel::Partial,
                AddressLevel::Elsewhere,
                AddressLevel::Missing,
            ]),
            other_house: address(&[AddressLevel::Elsewhere, AddressLevel::Partial]),
        };
        Self {
            unit: postcode(&[
                PostcodeLevel::Unit,
                PostcodeLevel::HistoricUnit,
                PostcodeLevel::Crowded,
            ]),
            sector: postcode(&[PostcodeLevel::Sector]),
            near: postcode(&[
                PostcodeLevel::Near,
                PostcodeLevel::District,
                PostcodeLevel::Different,
            ]),
            district: postcode(&[PostcodeLevel::District]),
            different: postcode(&[PostcodeLevel::Different]),
            here,
            elsewhere,
            either: Premises {
                any: here.any.max(elsewhere.any),
                other_house: here.other_house.max(elsewhere.other_house),
            },
        }
    }

    /// Of two postcodes, and of premises there.
    fn between(&self, a: u64, b: u64) -> (f64, Premises) {
        if a == b {
            return (self.unit, self.here);
        }
        let differing = a ^ b;
        let same_outward = differing >> INWARD_BITS == 0;
        if same_outward && differing >> (INWARD_BITS - 8) == 0 {
            return (self.sector, self.elsewhere);
        }
        // An edit between outward codes of two lengths leaves the last letters.
        let may_be_near = if length(a) == length(b) {
            differing_bytes(differing) <= 2
        } else {
            differing & 0xffff == 0
        };
        match (may_be_near, same_outward) {
            (true, _) => (self.near, self.either),
            (false, true) => (self.district, self.elsewhere),
            (false, false) => (self.different, self.elsewhere),
        }
    }
}

/// Letters of the outward code.
const fn length(postcode: u64) -> u32 {
    let outward = postcode >> INWARD_BITS;
    4 - outward.trailing_zeros() / 8
}

const fn differing_bytes(differing: u64) -> u32 {
    let low = 0x7f7f_7f7f_7f7f_7f7f;
    let any = ((differing & low) + low) | differing;
    (any & !low).count_ones()
}

/// Digits of an only phone, four bits each, with their number in the highest; 0
/// where there are several or they are too long.
fn digits(list: &[Phone]) -> u64 {
    const DIGITS_MAX: usize = 15;
    match list {
        [only] if only.as_str().len() <= DIGITS_MAX => {
            let bytes = only.as_str().bytes();
            let length = bytes.len() as u64;
            let digits = bytes.fold(0, |digits, byte| digits << 4 | u64::from(byte & 15));
            digits | length << 60
        }
        _ => 0,
    }
}

/// Whether two different numbers of [`digits`] may be one slip apart: at most
/// two digits differ.
const fn may_be_one_slip(a: u64, b: u64) -> bool {
    if a == 0 || b == 0 {
        return true;
    }
    let differing = a ^ b;
    if differing >> 60 != 0 {
        return false;
    }
    let any = differing | differing >> 1;
    let any = (any | any >> 2) & 0x1111_1111_1111_1111;
    any.count_ones() <= 2
}

/// The next 32-bit number that is no less.
#[expect(clippy::cast_possible_truncation, reason = "rounded up again")]
fn above(bits: f64) -> f32 {
    (bits as f32).next_up()
}
