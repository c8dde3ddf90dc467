//! What two names can weigh at most, by a glance at their words.

use rayon::prelude::*;

use crate::bulk::shapes::{Shape, ShapeKind};
use crate::bulk::words::{Glance, Words};
use crate::identity::NameToken;
use crate::matching::levels::{FamilyNameLevel, GivenNameLevel, MiddleNameLevel};
use crate::matching::{Comparison, LinkageModel};

/// Of words: what a glance leaves possible.
pub(super) struct NameBounds {
    given_differs: f64,
    family_differs: f64,
    middle_same: f64,
    middle_fits: f64,
    middle_differs: f64,
    /// By word: equal, alike at most, and whatever it is.
    given: Vec<[f32; 3]>,
    family: Vec<[f32; 3]>,
}

/// Places in what is kept of a word.
const SAME: usize = 0;
const LIKE: usize = 1;
const ANY: usize = 2;

impl NameBounds {
    pub(super) fn new(words: &Words, model: &LinkageModel) -> Self {
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
            middle_fits: model.most_bits_of(
                Comparison::MiddleName,
                &[MiddleNameLevel::InitialCompatible],
            ),
            // Beside a given name that is a middle name they are missing.
            middle_differs: model.most_bits_of(
                Comparison::MiddleName,
                &[MiddleNameLevel::Conflict, MiddleNameLevel::Missing],
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

    pub(super) fn given(&self, glance: Glance, x: &Shape, y: &Shape) -> f64 {
        match glance {
            Glance::Same => f64::from(self.given[x.givens()[0] as usize][SAME]),
            Glance::Differs => self.given_differs,
            Glance::Missing => 0.0,
            Glance::Like => {
                common(&self.given, LIKE, x.givens(), y.givens()).max(self.given_differs)
            }
            // A name sent as two words is as rare as the whole, not as its words.
            Glance::Open if may_be_split(x, y) => {
                rarest(&self.given, ANY, x.givens()).max(rarest(&self.given, ANY, y.givens()))
            }
            Glance::Open => common(&self.given, ANY, x.givens(), y.givens()),
        }
    }

    pub(super) fn family(&self, glance: Glance, x: &Shape, y: &Shape) -> f64 {
        match glance {
            Glance::Same => f64::from(self.family[x.families()[0] as usize][SAME]),
            Glance::Differs => self.family_differs,
            Glance::Like => {
                common(&self.family, LIKE, x.families(), y.families()).max(self.family_differs)
            }
            Glance::Open | Glance::Missing => common(&self.family, ANY, x.families(), y.families()),
        }
    }

    /// Of further given names.
    pub(super) fn middle(&self, glance: Option<Glance>) -> f64 {
        match glance {
            None => 0.0,
            Some(Glance::Same) => self.middle_same,
            Some(Glance::Differs) => self.middle_differs,
            Some(Glance::Like | Glance::Open | Glance::Missing) => {
                self.middle_fits.max(self.middle_differs)
            }
        }
    }
}

/// Three bounds for each word.
fn of_words(tokens: &[NameToken], bits: impl Fn(&NameToken) -> [f64; 3] + Sync) -> Vec<[f32; 3]> {
    let tokens = tokens.par_iter();
    tokens.map(|token| bits(token).map(above)).collect()
}

fn may_be_split(x: &Shape, y: &Shape) -> bool {
    let (a, b) = (x.givens().len(), y.givens().len());
    if x.kind == ShapeKind::Plain && y.kind == ShapeKind::Plain {
        (a == 1) != (b == 1)
    } else {
        a + b > 2
    }
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

/// The next 32-bit number that is no less.
#[expect(clippy::cast_possible_truncation, reason = "rounded up again")]
fn above(bits: f64) -> f32 {
    (bits as f32).next_up()
}
