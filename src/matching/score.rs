//! Scores whole identities: prior, fields, and the caps on what households
//! and twins share. The same few numbers make the weight and its explanation.

use std::fmt::Write as _;

use crate::identity::StandardRecord;
use crate::matching::comparison::ComparisonVector;
use crate::matching::levels::{Comparison, Level as _, SexLevel};
use crate::matching::pair_facts::same_mother;
use crate::matching::{Explanation, ExplanationRow, Field, LinkageModel, MatchWeight};

/// An incoming record against all records of one person.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityScore {
    /// Posterior, in bits: prior + fields + caps.
    pub weight: MatchWeight,
    /// The same without what the NHS number says: demographics alone (R13, R15).
    pub without_number: MatchWeight,
    /// Lowest pairwise posterior weight over the members (R97).
    pub lowest_member: MatchWeight,
    /// Mean pairwise posterior weight over the members (R97).
    pub mean_member: MatchWeight,
    /// The best of every field over the members, for decisions and pages.
    pub vector: ComparisonVector,
    /// The twin cap took something away: possible multiple birth (R90).
    pub twin_capped: bool,
    /// A member carries the record's number, suspect or not.
    pub same_number: bool,
    /// A member was born on the same day in the same household, or to the same mother.
    pub born_beside: bool,
}

impl IdentityScore {
    /// Whether the decision table may say anything of a candidate with this score but
    /// "unlikely", or another thing of a candidate beside it. Most of a crowd under
    /// one key have no such prospects and need not be looked at again.
    #[must_use]
    pub fn has_prospects(&self, model: &LinkageModel) -> bool {
        let file = model.file();
        let rival = model.link_threshold().bits() - file.margin_bits;
        let enough = file
            .floor_bits
            .min(model.review_threshold().bits())
            .min(rival);
        self.weight.bits().max(self.without_number.bits()) >= enough
            || self.same_number
            || self.born_beside
    }
}

fn born_beside(vector: &ComparisonVector) -> bool {
    vector.birth_date().is_exact() && vector.shares_household()
}

/// A vector's sum and what was taken off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// What the full name's joint frequency takes (R49); never positive.
    pub full_name: f64,
    /// What the household cap takes (R89); never positive.
    pub household_cap: f64,
    /// What the twin cap takes (R90); never positive.
    pub twin_cap: f64,
    /// Posterior in bits.
    pub total: f64,
    /// Posterior without the NHS number.
    pub without_number: f64,
}

/// Fields that are found together in one value list: the best member is
/// chosen for each group as a whole.
const GROUPS: [&[Comparison]; 10] = [
    &[Comparison::NhsNumber],
    &[
        Comparison::GivenName,
        Comparison::MiddleName,
        Comparison::FamilyName,
    ],
    &[Comparison::BirthDate],
    &[Comparison::Sex],
    &[Comparison::Postcode, Comparison::Address, Comparison::Town],
    &[Comparison::Phone],
    &[Comparison::Email],
    &[Comparison::OtherIdentifier],
    &[Comparison::GpPractice],
    &[Comparison::BirthOrder],
];

/// The group of names in [`GROUPS`].
const NAMES: usize = 1;

/// The best vector over members, and which member gave each field.
struct Combined {
    vector: ComparisonVector,
    member: [usize; Comparison::COUNT],
}

impl LinkageModel {
    /// Scores `record` against every member together: the best level of each
    /// field, less by log2 of how many members say something else in it (R45,
    /// R97). With one member this is the pair's score, symmetric (R76). With
    /// no member it is the prior.
    #[must_use]
    pub fn score(&self, record: &StandardRecord, members: &[&StandardRecord]) -> IdentityScore {
        if let [member] = members {
            let vector = self.compare(record, member);
            let weighed = self.weigh(&vector);
            let weight = MatchWeight::new(weighed.total);
            return IdentityScore {
                weight,
                without_number: MatchWeight::new(weighed.without_number),
                lowest_member: weight,
                mean_member: weight,
                twin_capped: weighed.twin_cap < 0.0,
                same_number: vector.nhs_number().is_same(),
                born_beside: born_beside(&vector) || same_mother(record, member),
                vector,
            };
        }
        let vectors: Vec<ComparisonVector> = members
            .iter()
            .map(|member| self.compare(record, member))
            .collect();
        let mut score = self.score_vectors(&vectors);
        score.born_beside |= members.iter().any(|member| same_mother(record, member));
        score
    }

    /// The same of vectors that are at hand, one for each member.
    #[must_use]
    pub fn score_vectors(&self, vectors: &[ComparisonVector]) -> IdentityScore {
        let combined = self.combine(vectors);
        let weighed = self.weigh(&combined.vector);
        let mut totals: Vec<f64> = vectors
            .iter()
            .map(|vector| self.weigh(vector).total)
            .collect();
        // Summed in order of size, so that the order of members is nothing.
        totals.sort_by(f64::total_cmp);
        let count = f64::from(u32::try_from(totals.len()).unwrap_or(u32::MAX));
        let mean = totals.iter().sum::<f64>() / count.max(1.0);
        IdentityScore {
            weight: MatchWeight::new(weighed.total),
            without_number: MatchWeight::new(weighed.without_number),
            lowest_member: MatchWeight::new(totals.first().copied().unwrap_or(weighed.total)),
            mean_member: MatchWeight::new(if totals.is_empty() {
                weighed.total
            } else {
                mean
            }),
            vector: combined.vector,
            twin_capped: weighed.twin_cap < 0.0,
            same_number: vectors.iter().any(|vector| vector.nhs_number().is_same()),
            born_beside: vectors.iter().any(born_beside),
        }
    }

    /// Sums a vector: prior, fields, joint name frequency, caps.
    #[must_use]
    pub fn weigh(&self, vector: &ComparisonVector) -> Weighed {
        let positive = |comparison| vector.weight(comparison).max(0.0);
        let given = vector.weight(Comparison::GivenName);
        let family = vector.weight(Comparison::FamilyName);
        let full_name = if given > 0.0 && family > 0.0 {
            (vector.full_name_max - (given + family)).min(0.0)
        } else {
            0.0
        };
        // What the joint frequency takes is taken from the family name first.
        let household = (family + full_name).max(0.0)
            + positive(Comparison::Postcode)
            + positive(Comparison::Address)
            + positive(Comparison::Town)
            + positive(Comparison::Phone)
            + positive(Comparison::Email)
            + positive(Comparison::GpPractice);
        let household_cap = (self.household_cap_bits() - household).min(0.0);
        let twin_cap = if vector.given_name().names_the_same() {
            0.0
        } else {
            let shared = household + household_cap + positive(Comparison::BirthDate);
            (self.twin_cap_bits() - shared).min(0.0)
        };
        let mut total = self.prior_bits();
        for outcome in &vector.outcomes[1..] {
            total += outcome.weight;
        }
        let without_number = total + full_name + household_cap + twin_cap;
        Weighed {
            full_name,
            household_cap,
            twin_cap,
            total: without_number + vector.weight(Comparison::NhsNumber),
            without_number,
        }
    }

    /// The rows of the same computation as [`LinkageModel::score`] (R74).
    #[must_use]
    pub fn explain(&self, record: &StandardRecord, members: &[&StandardRecord]) -> Explanation {
        let vectors: Vec<ComparisonVector> = members
            .iter()
            .map(|member| self.compare(record, member))
            .collect();
        let combined = self.combine(&vectors);
        let weighed = self.weigh(&combined.vector);
        let mut rows = vec![plain_row(
            Field::Prior,
            "population",
            self.prior_bits(),
            format!(
                "One of {:.0} people, before anything is compared.",
                self.file().population
            ),
        )];
        for comparison in Comparison::ALL {
            rows.push(field_row(comparison, &combined, members.len()));
            if comparison == Comparison::FamilyName {
                rows.push(Self::full_name_row(&combined.vector, weighed.full_name));
            }
        }
        rows.push(cap_row(
            Field::HouseholdCap,
            weighed.household_cap,
            "What people of one household share is not counted beyond the cap.",
        ));
        rows.push(cap_row(
            Field::TwinCap,
            weighed.twin_cap,
            "What twins share is not counted beyond the cap, as the given names do not agree: possible multiple birth.",
        ));
        Explanation { rows }
    }

    fn full_name_row(vector: &ComparisonVector, bits: f64) -> ExplanationRow {
        let (level, reason) = if vector.full_name_max.is_finite() {
            let people = vector.full_name_max.exp2();
            (
                "joint_frequency",
                format!("About one in {people:.0} people has both names."),
            )
        } else {
            ("not_applicable", "The names do not both agree.".to_owned())
        };
        plain_row(Field::FullName, level, bits, reason)
    }

    /// The best of every group of fields over the members.
    fn combine(&self, vectors: &[ComparisonVector]) -> Combined {
        let Some(first) = vectors.first() else {
            return self.nothing();
        };
        let mut combined = Combined {
            vector: *first,
            member: [0; Comparison::COUNT],
        };
        if vectors.len() == 1 {
            return combined;
        }
        for (group, fields) in GROUPS.iter().enumerate() {
            let mut best = best_start(vectors, fields);
            for member in 0..vectors.len() {
                if preferred(group, fields, &vectors[member], &vectors[best]) {
                    best = member;
                }
            }
            for field in *fields {
                let place = *field as usize;
                combined.vector.outcomes[place] = vectors[best].outcomes[place];
                combined.member[place] = best;
                if *field != Comparison::NhsNumber {
                    combined.vector.outcomes[place].weight -=
                        disagreement_bits(vectors, *field, &vectors[best]);
                }
            }
            if group == NAMES {
                combined.vector.full_name_max = vectors[best].full_name_max;
            }
        }
        self.settle_sex(&mut combined.vector);
        combined
    }

    fn nothing(&self) -> Combined {
        let nobody = StandardRecord::default();
        Combined {
            vector: self.compare(&nobody, &nobody),
            member: [0; Comparison::COUNT],
        }
    }
}

/// A member that has something to say in the group, else the first: a missing
/// value never hides what another member says.
fn best_start(vectors: &[ComparisonVector], fields: &[Comparison]) -> usize {
    vectors
        .iter()
        .position(|vector| says_something(vector, fields))
        .unwrap_or(0)
}

fn says_something(vector: &ComparisonVector, fields: &[Comparison]) -> bool {
    fields
        .iter()
        .any(|field| vector.outcome(*field).level != field.missing())
}

fn preferred(
    group: usize,
    fields: &[Comparison],
    a: &ComparisonVector,
    b: &ComparisonVector,
) -> bool {
    if !says_something(a, fields) {
        return false;
    }
    let sum = |vector: &ComparisonVector| {
        let sum: f64 = fields.iter().map(|field| vector.weight(*field)).sum();
        if group == NAMES && vector.full_name_max.is_finite() {
            let names =
                vector.weight(Comparison::GivenName) + vector.weight(Comparison::FamilyName);
            sum - (names - vector.full_name_max).max(0.0)
        } else {
            sum
        }
    };
    let (left, right) = (sum(a), sum(b));
    match left.total_cmp(&right) {
        std::cmp::Ordering::Greater => return true,
        std::cmp::Ordering::Less => return false,
        std::cmp::Ordering::Equal => {}
    }
    let levels = |vector: &ComparisonVector| {
        fields.iter().fold([0_u8; 3], |mut levels, field| {
            levels.rotate_left(1);
            levels[2] = vector.outcome(*field).level;
            levels
        })
    };
    levels(a) < levels(b)
}

/// log2 of members that say something in a field over members that say as
/// much as the best, never more than what the best earns.
fn disagreement_bits(
    vectors: &[ComparisonVector],
    field: Comparison,
    best: &ComparisonVector,
) -> f64 {
    let weight = best.weight(field);
    if weight <= 0.0 {
        return 0.0;
    }
    let (mut saying, mut agreeing) = (0.0_f64, 0.0_f64);
    for vector in vectors {
        if vector.outcome(field).level != field.missing() {
            saying += 1.0;
            if vector.weight(field) >= weight {
                agreeing += 1.0;
            }
        }
    }
    (saying / agreeing.max(1.0)).log2().clamp(0.0, weight)
}

fn field_row(comparison: Comparison, combined: &Combined, members: usize) -> ExplanationRow {
    let outcome = combined.vector.outcome(comparison);
    let level = &comparison.levels()[usize::from(outcome.level)];
    let known = outcome.level != comparison.missing() && members > 0;
    let mut reason = level.sentence.to_owned();
    if outcome.log2_frequency < 0.0 {
        let people = (-outcome.log2_frequency).exp2();
        let _ = write!(reason, " About one in {people:.0} people has it.");
    }
    if comparison == Comparison::Sex && outcome.level == SexLevel::SameNamed.index() {
        reason.push_str(" It is not counted twice.");
    }
    ExplanationRow {
        field: comparison.field(),
        level: level.name.to_owned(),
        weight_bits: outcome.weight,
        reason,
        member: known.then_some(combined.member[comparison as usize]),
        record_value: known.then_some(usize::from(outcome.record_value)),
        member_value: known.then_some(usize::from(outcome.member_value)),
    }
}

fn cap_row(field: Field, bits: f64, applied: &str) -> ExplanationRow {
    let (level, reason) = if bits < 0.0 {
        ("applied", applied)
    } else {
        ("not_reached", "The cap is not reached.")
    };
    plain_row(field, level, bits, reason.to_owned())
}

fn plain_row(field: Field, level: &str, weight_bits: f64, reason: String) -> ExplanationRow {
    ExplanationRow {
        field,
        level: level.to_owned(),
        weight_bits,
        reason,
        member: None,
        record_value: None,
        member_value: None,
    }
}
