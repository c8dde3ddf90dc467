//! How house numbers, flats and street words of two addresses agree (R68). The
//! answer for the whole address is put together beside its type.

use crate::identity::HouseNumber;
use crate::identity::address_tokens::is_position;
use crate::identity::one_edit::one_edit;
use crate::identity::street_words::{WordKind, canonical};

/// How one part of two addresses agrees, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreement {
    Agrees,
    Uncertain,
    Conflicts,
}

impl HouseNumber {
    /// How two numbers on one street agree; a range may contain the other.
    pub(super) fn agreement(&self, other: &Self) -> Agreement {
        if (self.from, self.to) == (other.from, other.to) {
            return match (self.suffix, other.suffix) {
                (a, b) if a == b => Agreement::Agrees,
                (Some(_), Some(_)) => Agreement::Conflicts,
                _ => Agreement::Uncertain,
            };
        }
        // Numbers go up in twos on one side of a street.
        let other_side =
            self.is_one_side() && other.is_one_side() && self.from % 2 != other.from % 2;
        if self.from.max(other.from) <= self.to.min(other.to) && !other_side {
            Agreement::Uncertain
        } else {
            Agreement::Conflicts
        }
    }

    const fn is_one_side(&self) -> bool {
        self.from % 2 == self.to % 2
    }
}

/// How two designators at one number agree.
pub(super) fn flat_agreement(a: Option<&str>, b: Option<&str>) -> Agreement {
    match (a, b) {
        (None, None) => Agreement::Agrees,
        (Some(a), Some(b)) if a == b => Agreement::Agrees,
        (Some(a), Some(b)) => {
            let both_floors = a.ends_with(" FLOOR") && b.ends_with(" FLOOR");
            let position = is_position(a) || is_position(b);
            // "FIRST FLOOR" may be flat A, and room 2 is within flat 3.
            let within = |outer: &str, inner: &str| {
                inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.starts_with(' '))
            };
            if both_floors || !(position || within(a, b) || within(b, a)) {
                Agreement::Conflicts
            } else {
                Agreement::Uncertain
            }
        }
        _ => Agreement::Uncertain,
    }
}

/// How the words of two streets stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreetRelation {
    /// Word for word.
    Agrees,
    /// All words of one side are among the other's.
    Contained,
    /// A name is shared, but a word contradicts or a street is missing.
    Partial,
    /// Other streets.
    Different,
    /// One side has no word.
    Missing,
}

/// Words beyond this are not compared: marks are bits of one number.
const WORDS_COMPARED_MAX: usize = 64;

/// The words of one side that are compared.
#[derive(Clone, Copy)]
struct Street<'a>(&'a [Box<str>]);

impl<'a> Street<'a> {
    fn new(words: &'a [Box<str>]) -> Self {
        Self(&words[..words.len().min(WORDS_COMPARED_MAX)])
    }

    /// Kinds are looked up where they are needed: most streets differ by their words.
    fn kind(&self, place: usize) -> WordKind {
        canonical(&self.0[place]).1
    }

    fn has(&self, kind: WordKind) -> bool {
        (0..self.0.len()).any(|place| self.kind(place) == kind)
    }

    /// All words without their gaps, so that ELM WOOD is ELMWOOD.
    fn letters(&self) -> impl Iterator<Item = u8> {
        self.0.iter().flat_map(|word| word.bytes())
    }

    /// Whether a word right before ROAD, STREET and the like agrees with one of the
    /// other side.
    fn shares_name(&self, other: &Self) -> bool {
        let names = |street: &Self| 0..street.0.len() - 1;
        let is_name = |street: &Self, place: usize| street.kind(place + 1) == WordKind::Street;
        names(self).any(|i| {
            names(other).any(|j| {
                words_agree(&self.0[i], &other.0[j]) && is_name(self, i) && is_name(other, j)
            })
        })
    }
}

/// The order of the two is made canonical first, so that greedy pairing of
/// words is symmetric.
pub(super) fn street_relation(a: &[Box<str>], b: &[Box<str>]) -> StreetRelation {
    if a == b && !a.is_empty() {
        return StreetRelation::Agrees;
    }
    let (short, long) = if (a.len(), a) <= (b.len(), b) {
        (a, b)
    } else {
        (b, a)
    };
    if short.is_empty() {
        return StreetRelation::Missing;
    }
    let (short, long) = (Street::new(short), Street::new(long));
    let shared = share_words(short.0, long.0);
    let shares_names = (0..short.0.len())
        .any(|place| shared >> place & 1 == 1 && short.kind(place) == WordKind::Name);
    let words = shared.count_ones() as usize;
    if words == short.0.len() {
        if words == long.0.len() {
            return StreetRelation::Agrees;
        }
        let is_named = short.has(WordKind::Street)
            || short.has(WordKind::Building)
            || !long.has(WordKind::Street);
        if shares_names && (is_named || words_agree(&short.0[0], &long.0[0])) {
            return StreetRelation::Contained;
        }
        return StreetRelation::Partial;
    }
    if short.letters().eq(long.letters()) {
        return StreetRelation::Agrees;
    }
    let both_have_street = || short.has(WordKind::Street) && long.has(WordKind::Street);
    if short.shares_name(&long) || (shares_names && !both_have_street()) {
        StreetRelation::Partial
    } else {
        StreetRelation::Different
    }
}

/// Gives each word of the shorter side one partner, equal ones first; the words that
/// have one, a bit each.
fn share_words(short: &[Box<str>], long: &[Box<str>]) -> u64 {
    let (mut used_short, mut used_long) = (0_u64, 0_u64);
    for near in [false, true] {
        for (i, word) in short.iter().enumerate() {
            if used_short >> i & 1 == 1 {
                continue;
            }
            let partner = long.iter().enumerate().find(|(j, other)| {
                used_long >> j & 1 == 0
                    && if near {
                        words_agree(word, other)
                    } else {
                        word == *other
                    }
            });
            if let Some((j, _)) = partner {
                used_short |= 1 << i;
                used_long |= 1 << j;
            }
        }
    }
    used_short
}

/// Equal, or one edit apart in a word of five letters or more; never numbers.
fn words_agree(a: &str, b: &str) -> bool {
    a == b
        || (a.len().max(b.len()) >= 5
            && one_edit(a.as_bytes(), b.as_bytes())
            && !a.bytes().chain(b.bytes()).any(|byte| byte.is_ascii_digit()))
}
