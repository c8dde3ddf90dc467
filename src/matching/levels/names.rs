//! Names: two lists of namings compared slot by slot, with the levels that
//! people's real names need (R29–R49). How common a name is comes from the
//! model's tables; what a family name's difference means for a woman is
//! settled by the whole pair, in `comparison`.

use crate::identity::{
    FamilyName, NameToken, PersonName, VariantGrade, family_variant, given_variant,
    is_generic_surname, is_prefix_name, squashed_given, truncated_equal,
};
use crate::matching::LinkageModel;
use crate::matching::frequency::Frequency;
use crate::matching::levels::likeness::{Likeness, likeness};
use crate::matching::levels::{
    Comparison, FamilyNameLevel, GivenNameLevel, Level, MiddleNameLevel, Outcome,
};

/// What two lists of namings say. `family` is never `different_woman` here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NameComparison {
    /// First given name.
    pub given: Outcome,
    /// Further given names.
    pub middle: Outcome,
    /// Family name.
    pub family: Outcome,
    /// Given and family name together earn no more than this: −log2 of the
    /// full name's joint frequency (R49), the commoner of the two sides.
    pub full_name_max: f64,
}

impl NameComparison {
    fn sum(&self) -> f64 {
        let names = self.given.weight + self.family.weight;
        let credit = if self.given.weight > 0.0 && self.family.weight > 0.0 {
            names.min(self.full_name_max)
        } else {
            names
        };
        credit + self.middle.weight
    }
}

/// A slot's outcome with the frequency of either side's value.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) outcome: Outcome,
    a: Frequency,
    b: Frequency,
}

impl LinkageModel {
    /// Compares two lists of namings, the usual ones first.
    #[must_use]
    pub fn compare_names(&self, a: &[PersonName], b: &[PersonName]) -> NameComparison {
        let (Some(left), Some(right)) = (a.first(), b.first()) else {
            return self.no_names();
        };
        let mut given = self.given_slot(&left.given, &right.given);
        let mut family = match (&left.family, &right.family) {
            (Some(x), Some(y)) => self.family_slot(x, y),
            _ => Self::missing_slot(Comparison::FamilyName),
        };
        self.single_names(left, right, &mut given, &mut family);
        if a.len() > 1 || b.len() > 1 {
            self.historic_slots(a, b, &mut given, &mut family);
        }
        let middle = self.middle_names(&left.given, &right.given, given.outcome);
        let full_name_max = self.full_name_max(&given, &family);
        let plain = NameComparison {
            given: given.outcome,
            middle,
            family: family.outcome,
            full_name_max,
        };
        match self.swapped(left, right) {
            Some(swapped) if swapped.sum() > plain.sum() => swapped,
            _ => plain,
        }
    }

    fn no_names(&self) -> NameComparison {
        NameComparison {
            given: self.outcome(Comparison::GivenName, GivenNameLevel::Missing),
            middle: self.outcome(Comparison::MiddleName, MiddleNameLevel::Missing),
            family: self.outcome(Comparison::FamilyName, FamilyNameLevel::Missing),
            full_name_max: f64::INFINITY,
        }
    }

    fn missing_slot(comparison: Comparison) -> Slot {
        let outcome = Outcome {
            weight: 0.0,
            log2_frequency: 0.0,
            level: comparison.missing(),
            record_value: 0,
            member_value: 0,
        };
        Slot {
            outcome,
            a: Frequency::NONE,
            b: Frequency::NONE,
        }
    }

    pub(super) fn given_at(&self, level: GivenNameLevel, a: Frequency, b: Frequency) -> Slot {
        let outcome = self.named_outcome(Comparison::GivenName, level, a.log2.max(b.log2));
        Slot { outcome, a, b }
    }

    pub(super) fn family_at(&self, level: FamilyNameLevel, a: Frequency, b: Frequency) -> Slot {
        let outcome = self.named_outcome(Comparison::FamilyName, level, a.log2.max(b.log2));
        Slot { outcome, a, b }
    }

    /// The first given names, prefix names skipped (R40), else a middle name
    /// that one side uses.
    fn given_slot(&self, a: &[NameToken], b: &[NameToken]) -> Slot {
        let (a, b) = without_prefixes(a, b);
        let (Some(left), Some(right)) = (a.first(), b.first()) else {
            return Self::missing_slot(Comparison::GivenName);
        };
        let direct = self.given_words(left, right);
        if direct.outcome.level == GivenNameLevel::Exact.index() {
            return direct;
        }
        let mut best = direct;
        if let Some(slot) = self.split_given(a, b) {
            best = better(best, slot);
        }
        let others = a[1..]
            .iter()
            .map(|token| (token, right))
            .chain(b[1..].iter().map(|token| (token, left)));
        for (token, first) in others {
            if !token.is_initial() && token.same(first) {
                let frequency = self.frequencies().given(token);
                best = better(
                    best,
                    self.given_at(GivenNameLevel::MiddleUsed, frequency, frequency),
                );
            }
        }
        best
    }

    fn given_words(&self, a: &NameToken, b: &NameToken) -> Slot {
        let tables = self.frequencies();
        if a.same(b) && !a.is_initial() {
            let (x, y) = (tables.given(a), tables.given(b));
            return self.given_at(GivenNameLevel::Exact, x, y);
        }
        if a.is_initial() || b.is_initial() {
            let fits = a.as_str().chars().next() == b.as_str().chars().next();
            let level = if fits {
                GivenNameLevel::Initial
            } else {
                GivenNameLevel::Different
            };
            return self.given_at(level, Frequency::NONE, Frequency::NONE);
        }
        let level = match given_variant(a, b) {
            Some(VariantGrade::Spelling) => GivenNameLevel::SpellingVariant,
            Some(VariantGrade::Strong) => GivenNameLevel::Nickname,
            Some(VariantGrade::Weak) => GivenNameLevel::NicknameWeak,
            None => match likeness(a, b) {
                Likeness::Near | Likeness::Sound => GivenNameLevel::FuzzyNear,
                Likeness::Fuzzy => GivenNameLevel::Fuzzy,
                Likeness::None => GivenNameLevel::Different,
            },
        };
        match level {
            GivenNameLevel::Different => self.given_at(level, Frequency::NONE, Frequency::NONE),
            GivenNameLevel::SpellingVariant | GivenNameLevel::Nickname => {
                let pooled = tables.given_pooled(a, b);
                self.given_at(level, pooled, pooled)
            }
            _ => self.given_at(level, tables.given(a), tables.given(b)),
        }
    }

    /// A given name sent as two words on one side and as one on the other (R47).
    fn split_given(&self, a: &[NameToken], b: &[NameToken]) -> Option<Slot> {
        let (one, many) = match (a, b) {
            ([one], [_, _, ..]) => (one, b),
            ([_, _, ..], [one]) => (one, a),
            _ => return None,
        };
        if !is_split(one, many) {
            return None;
        }
        let frequency = self.frequencies().given(one);
        Some(self.given_at(GivenNameLevel::SpellingVariant, frequency, frequency))
    }

    fn middle_names(&self, a: &[NameToken], b: &[NameToken], given: Outcome) -> Outcome {
        let missing = self.outcome(Comparison::MiddleName, MiddleNameLevel::Missing);
        if given.level == GivenNameLevel::MiddleUsed.index() {
            return missing;
        }
        let (a, b) = without_prefixes(a, b);
        let (Some(first_a), Some(first_b)) = (a.get(1), b.get(1)) else {
            return missing;
        };
        let mut same: Option<f64> = None;
        for left in a[1..].iter().filter(|token| !token.is_initial()) {
            if b[1..].iter().any(|right| left.same(right)) {
                let frequency = self.frequencies().given(left).log2;
                same = Some(same.map_or(frequency, |other| other.min(frequency)));
            }
        }
        if let Some(frequency) = same {
            return self.named_outcome(Comparison::MiddleName, MiddleNameLevel::Same, frequency);
        }
        let fits = if first_a.is_initial() || first_b.is_initial() {
            first_a.as_str().chars().next() == first_b.as_str().chars().next()
        } else {
            given_variant(first_a, first_b).is_some()
                || likeness(first_a, first_b) == Likeness::Near
        };
        let level = if fits {
            MiddleNameLevel::InitialCompatible
        } else {
            MiddleNameLevel::Conflict
        };
        self.outcome(Comparison::MiddleName, level)
    }

    fn family_slot(&self, a: &FamilyName, b: &FamilyName) -> Slot {
        let tables = self.frequencies();
        let (x, y) = (tables.family(&a.whole), tables.family(&b.whole));
        if a.whole.same(&b.whole) {
            return self.family_at(FamilyNameLevel::Exact, x, y);
        }
        if a.whole.is_initial() || b.whole.is_initial() {
            let fits = a.whole.as_str().chars().next() == b.whole.as_str().chars().next();
            let level = if fits {
                FamilyNameLevel::Initial
            } else {
                FamilyNameLevel::Different
            };
            return self.family_at(level, Frequency::NONE, Frequency::NONE);
        }
        if truncated_equal(a, b) {
            return self.family_at(FamilyNameLevel::Truncated, x, y);
        }
        let mut best = self.family_words(a, b);
        if (a.parts.len() > 1 || b.parts.len() > 1)
            && let Some(slot) = self.shared_parts(a, b)
        {
            best = better(best, slot);
        }
        let differs = best.outcome.level == FamilyNameLevel::Different.index();
        if differs && a.generic != b.generic {
            return self.family_at(FamilyNameLevel::Generic, Frequency::NONE, Frequency::NONE);
        }
        best
    }

    fn family_words(&self, a: &FamilyName, b: &FamilyName) -> Slot {
        let tables = self.frequencies();
        let (x, y) = (tables.family(&a.whole), tables.family(&b.whole));
        match family_variant(&a.whole, &b.whole) {
            Some(VariantGrade::Spelling | VariantGrade::Strong) => {
                let pooled = x.pooled_with(y);
                return self.family_at(FamilyNameLevel::Variant, pooled, pooled);
            }
            Some(VariantGrade::Weak) => return self.family_at(FamilyNameLevel::Phonetic, x, y),
            None => {}
        }
        // Particles are part of the whole and would make DE SOUZA like DE SILVA (R33).
        let (left, right) = match (a.parts.as_slice(), b.parts.as_slice()) {
            ([left], [right]) => (left, right),
            _ => (&a.whole, &b.whole),
        };
        if left.same(right) {
            return self.family_at(FamilyNameLevel::Variant, x, y);
        }
        match likeness(left, right) {
            Likeness::Near => self.family_at(FamilyNameLevel::FuzzyNear, x, y),
            Likeness::Sound => self.family_at(FamilyNameLevel::Phonetic, x, y),
            Likeness::Fuzzy => self.family_at(FamilyNameLevel::Fuzzy, x, y),
            Likeness::None => {
                self.family_at(FamilyNameLevel::Different, Frequency::NONE, Frequency::NONE)
            }
        }
    }

    /// Parts in common: all of them in another order, or the rarest shared one
    /// (R32). A generic part never matches alone (R33).
    fn shared_parts(&self, a: &FamilyName, b: &FamilyName) -> Option<Slot> {
        let mut shared = 0_usize;
        let mut rarest: Option<Frequency> = None;
        for left in &a.parts {
            if !b.parts.iter().any(|right| left.same(right)) {
                continue;
            }
            shared += 1;
            if is_generic_surname(left) {
                continue;
            }
            let frequency = self.frequencies().family(left);
            rarest = Some(rarest.map_or(frequency, |other| other.rarer(frequency)));
        }
        let rarest = rarest?;
        let all = shared == a.parts.len() && shared == b.parts.len();
        let level = if all {
            FamilyNameLevel::Reordered
        } else {
            FamilyNameLevel::CompoundPart
        };
        Some(self.family_at(level, rarest, rarest))
    }

    /// A person with one name only: the word is compared to either slot (R46).
    fn single_names(&self, a: &PersonName, b: &PersonName, given: &mut Slot, family: &mut Slot) {
        for (single, other) in [(a, b), (b, a)] {
            let ([word], None) = (single.given.as_slice(), &single.family) else {
                continue;
            };
            let Some(other_family) = &other.family else {
                continue;
            };
            if word.is_initial() || !word.same(&other_family.whole) {
                continue;
            }
            let frequency = self.frequencies().family(word);
            let slot = self.family_at(FamilyNameLevel::Exact, frequency, frequency);
            if slot.outcome.weight > given.outcome.weight + family.outcome.weight {
                *family = slot;
                *given = Self::missing_slot(Comparison::GivenName);
            }
        }
    }

    /// Other namings: equality or another spelling counts, at its own level,
    /// less by log2 of the number of alternatives (R45).
    fn historic_slots(
        &self,
        a: &[PersonName],
        b: &[PersonName],
        given: &mut Slot,
        family: &mut Slot,
    ) {
        let alternatives = (a.len() * b.len() - 1).max(1);
        let penalty = f64::from(u32::try_from(alternatives).unwrap_or(u32::MAX)).log2();
        for (i, left) in a.iter().enumerate() {
            for (j, right) in b.iter().enumerate() {
                if i == 0 && j == 0 {
                    continue;
                }
                // A prefix alone is half of a community's first word (R40).
                let (x, y) = without_prefixes(&left.given, &right.given);
                if let (Some(x), Some(y)) = (x.first(), y.first())
                    && !x.is_initial()
                    && x.same(y)
                {
                    let frequency = self.frequencies().given(x);
                    let slot = self.given_at(GivenNameLevel::Historic, frequency, frequency);
                    *given = better(*given, reduced(slot, penalty, i, j));
                }
                if let (Some(x), Some(y)) = (&left.family, &right.family)
                    && x.whole.same(&y.whole)
                {
                    let frequency = self.frequencies().family(&x.whole);
                    let slot = self.family_at(FamilyNameLevel::Historic, frequency, frequency);
                    *family = better(*family, reduced(slot, penalty, i, j));
                }
            }
        }
    }

    /// Given and family name in each other's place (R36, R47). Earns no more
    /// than the better of the two names alone.
    fn swapped(&self, a: &PersonName, b: &PersonName) -> Option<NameComparison> {
        let (family_a, family_b) = (a.family.as_ref()?, b.family.as_ref()?);
        let (first_a, first_b) = (a.given.first()?, b.given.first()?);
        let crosses = |name: &PersonName, first: &NameToken, family: &NameToken| {
            first.same(family)
                || (name.given.len() > 1
                    && squashed_given(name).is_some_and(|joined| joined.same(family)))
        };
        if first_a.is_initial()
            || first_b.is_initial()
            || !crosses(a, first_a, &family_b.whole)
            || !crosses(b, first_b, &family_a.whole)
        {
            return None;
        }
        let tables = self.frequencies();
        let given = tables
            .given(&family_a.whole)
            .commoner(tables.given(&family_b.whole));
        let family = tables
            .family(&family_a.whole)
            .commoner(tables.family(&family_b.whole));
        let most = self
            .named_weight(
                Comparison::GivenName,
                GivenNameLevel::Exact.index(),
                given.log2,
            )
            .min(self.named_weight(
                Comparison::FamilyName,
                FamilyNameLevel::Exact.index(),
                family.log2,
            ));
        let mut given = self.given_at(GivenNameLevel::Swapped, given, given);
        let mut family = self.family_at(FamilyNameLevel::Swapped, family, family);
        let total = (given.outcome.weight + family.outcome.weight).min(most);
        // It is the given name that says which of a household this is.
        given.outcome.weight = total.max(0.0);
        family.outcome.weight = total.min(0.0);
        Some(NameComparison {
            given: given.outcome,
            middle: self.outcome(Comparison::MiddleName, MiddleNameLevel::Missing),
            family: family.outcome,
            full_name_max: self.full_name_max(&given, &family),
        })
    }

    pub(super) fn full_name_max(&self, given: &Slot, family: &Slot) -> f64 {
        if given.outcome.weight <= 0.0 || family.outcome.weight <= 0.0 {
            return f64::INFINITY;
        }
        let tables = self.frequencies();
        -tables
            .joint(given.a, family.a)
            .max(tables.joint(given.b, family.b))
    }
}

/// Both lists without a prefix name (Mohammed Imran: Imran) where a call name
/// follows it, unless the other side is that prefix name alone (R40).
fn without_prefixes<'a>(
    a: &'a [NameToken],
    b: &'a [NameToken],
) -> (&'a [NameToken], &'a [NameToken]) {
    let alone = |names: &[NameToken]| names.len() == 1 && is_prefix_name(&names[0]);
    let strip = |names: &'a [NameToken]| {
        if names.len() > 1 && !names[1].is_initial() && is_prefix_name(&names[0]) {
            &names[1..]
        } else {
            names
        }
    };
    if alone(a) || alone(b) {
        (a, b)
    } else {
        (strip(a), strip(b))
    }
}

/// Whether `one` is the first two or more words of `many`, joined; without
/// allocation.
fn is_split(one: &NameToken, many: &[NameToken]) -> bool {
    let mut rest = one.as_str();
    for (count, word) in many.iter().enumerate() {
        match rest.strip_prefix(word.as_str()) {
            Some("") => return count > 0,
            Some(left) => rest = left,
            None => return false,
        }
    }
    false
}

fn better(a: Slot, b: Slot) -> Slot {
    if b.outcome.beats(&a.outcome) { b } else { a }
}

fn reduced(mut slot: Slot, penalty: f64, i: usize, j: usize) -> Slot {
    slot.outcome.weight -= penalty;
    slot.outcome = slot.outcome.at(i, j);
    slot
}
