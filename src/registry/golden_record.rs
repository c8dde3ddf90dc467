//! The golden record: what a person's records say together. A pure function of
//! the versions that are linked, of what is known of replaced numbers, of what
//! people prefer, and of the rules. It does not depend on the order in which
//! anything came, nor on the node: no record number, position or time of receipt
//! decides (R106; RELIABILITY I6).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::foundation::Instant;
use crate::identity::{NhsNumber, SubmittedRecord};
use crate::registry::golden_values::{Claim, Contribution, Origin, Said};
use crate::registry::{Criterion, GoldenField, LocalId, SourceCode, Survivorship};

/// What is known of the numbers that the records have.
#[derive(Debug, Clone, Default)]
pub struct NumberFacts {
    /// Numbers that are replaced, each with what stands for it at the end of its
    /// chain; `None` when no record that may be read has that one (R16).
    pub replaced: BTreeMap<NhsNumber, Option<NhsNumber>>,
    /// A number of this person is suspected to be on two people (R19).
    pub confused: bool,
}

/// What somebody prefers: a record's version for a field, never a value.
#[derive(Debug, Clone)]
pub struct Preferred {
    /// For which field.
    pub field: GoldenField,
    /// The version, as it says it.
    pub contribution: Contribution,
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Instant,
}

/// Why a value was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// No other record says anything of it.
    OnlyValue,
    /// All records that say anything say the same.
    AllAgree,
    /// Surer than the others.
    Status,
    /// Its source is trusted more.
    Trust,
    /// It has more parts.
    Completeness,
    /// It is the latest at its source.
    Recency,
    /// More sources say so.
    Agreement,
    /// Nothing tells the values apart; the order of source and local id decides.
    SourceOrder,
    /// A person prefers it.
    Preferred,
    /// There is a value, and none that can be used.
    NothingUsable,
    /// More than one value stands where only one may; a human settles it.
    UnderInvestigation,
}

/// Why a value was not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// It says the same as the chosen one.
    SaysTheSame,
    /// A placeholder, a default, or something with a fault.
    NotUsable,
    /// The number is replaced, and by which is not known here (R16).
    Superseded,
    /// A death before the birth (R56).
    DeathBeforeBirth,
    /// Less sure.
    Status,
    /// Its source is trusted less.
    Trust,
    /// It has fewer parts.
    Completeness,
    /// Older, or nobody said when it was so.
    Recency,
    /// Fewer sources say so.
    Agreement,
    /// Nothing tells the values apart; the order of source and local id decides.
    SourceOrder,
    /// A person prefers another.
    Preferred,
    /// It stands against another; a human settles it (R15, R19, R20).
    UnderInvestigation,
}

/// A value that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostValue {
    /// Where it comes from.
    pub origin: Origin,
    /// What it says.
    pub value: SubmittedRecord,
    /// Why not.
    pub because: Lost,
}

/// One field with where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenValue {
    /// Which.
    pub field: GoldenField,
    /// The record's version, where there is a value.
    pub origin: Option<Origin>,
    /// The value, in the members that it has in a record.
    pub value: SubmittedRecord,
    /// Why this one.
    pub chosen: Chosen,
    /// Who prefers it, and since when.
    pub preferred: Option<(String, Instant)>,
    /// The number that the record has, where another one stands for it (R17).
    pub raw_number: Option<NhsNumber>,
    /// The others, in order of source and local id.
    pub lost: Vec<LostValue>,
}

/// A person's golden record: fields in their order, those alone of which a record
/// says anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoldenRecord {
    /// The fields.
    pub values: Vec<GoldenValue>,
}

/// Makes the golden record.
#[must_use]
pub fn golden_record(
    contributions: &[Contribution],
    preferred: &[Preferred],
    numbers: &NumberFacts,
    survivorship: &Survivorship,
) -> GoldenRecord {
    let mut contributions: Vec<&Contribution> = contributions.iter().collect();
    contributions.sort_by_key(|contribution| name_of(&contribution.origin));
    let maker = Maker {
        contributions,
        preferred,
        numbers,
        survivorship,
    };
    let values: Vec<GoldenValue> = GoldenField::ALL
        .iter()
        .filter_map(|field| maker.value(*field))
        .collect();
    GoldenRecord { values }
}

fn name_of(origin: &Origin) -> (SourceCode, LocalId) {
    (origin.source.clone(), origin.local_id.clone())
}

struct Maker<'a> {
    contributions: Vec<&'a Contribution>,
    preferred: &'a [Preferred],
    numbers: &'a NumberFacts,
    survivorship: &'a Survivorship,
}

/// A value in the contest for a field.
struct Entry<'a> {
    from: &'a Contribution,
    claim: Claim,
    raw_number: Option<NhsNumber>,
}

impl<'a> Maker<'a> {
    fn value(&self, field: GoldenField) -> Option<GoldenValue> {
        let mut lost = Vec::new();
        let mut entries = Vec::new();
        for from in &self.contributions {
            match from.says(field) {
                Said::Nothing => {}
                Said::Unusable(value) => lost.push(lose(from, value, Lost::NotUsable)),
                Said::Value(claim) => match self.live(from, claim) {
                    Ok(entry) => entries.push(entry),
                    Err(value) => lost.push(lose(from, value, Lost::Superseded)),
                },
            }
        }
        if field == GoldenField::Death {
            self.lose_deaths_before_birth(&mut entries, &mut lost);
        }
        if field.is_number() && self.stand_against_each_other(&entries) {
            let others = entries
                .into_iter()
                .map(|entry| lose(entry.from, entry.claim.value, Lost::UnderInvestigation));
            lost.extend(others);
            return Some(without_value(field, Chosen::UnderInvestigation, lost));
        }
        if let Some(value) = self.preferred_value(field, &entries, &lost) {
            return Some(value);
        }
        let best = self.best(field, &entries);
        let Some(best) = best else {
            let nothing = lost.is_empty();
            return (!nothing).then(|| without_value(field, Chosen::NothingUsable, lost));
        };
        Some(self.chosen(field, entries, best, lost))
    }

    /// The entry with the number that stands; the value where nobody knows it.
    fn live(&self, from: &'a Contribution, claim: Claim) -> Result<Entry<'a>, SubmittedRecord> {
        let replaced = claim.number.and_then(|number| {
            let live = self.numbers.replaced.get(&number)?;
            Some((number, *live))
        });
        match replaced {
            None => Ok(Entry {
                from,
                claim,
                raw_number: None,
            }),
            Some((_, None)) => Err(claim.value),
            // Its status was said of the old number.
            Some((raw, Some(live))) => Ok(Entry {
                from,
                raw_number: Some(raw),
                claim: Claim {
                    value: SubmittedRecord {
                        nhs_number: Some(live.digits()),
                        ..SubmittedRecord::default()
                    },
                    same: live.digits(),
                    number: Some(live),
                    sure: claim.sure.min(1),
                    ..claim
                },
            }),
        }
    }

    /// A confused number stands for nobody, and of two verified ones none is
    /// chosen in silence (R15, R19, R20).
    fn stand_against_each_other(&self, entries: &[Entry<'_>]) -> bool {
        let verified = entries.iter().filter(|entry| entry.claim.sure == 3);
        let verified: BTreeSet<&str> = verified.map(|entry| entry.claim.same.as_str()).collect();
        verified.len() > 1 || (self.numbers.confused && !entries.is_empty())
    }

    fn lose_deaths_before_birth(&self, entries: &mut Vec<Entry<'a>>, lost: &mut Vec<LostValue>) {
        let births = self.value(GoldenField::BirthDate);
        let born = births.and_then(|birth| birth.origin);
        let born = born.and_then(|born| {
            let all = self.contributions.iter();
            all.copied().find(|from| from.origin == born)
        });
        let Some(born) = born else { return };
        entries.retain(|entry| {
            let wrong = entry.from.dies_before(born);
            if wrong {
                let value = entry.claim.value.clone();
                lost.push(lose(entry.from, value, Lost::DeathBeforeBirth));
            }
            !wrong
        });
    }

    fn preferred_value(
        &self,
        field: GoldenField,
        entries: &[Entry<'_>],
        lost: &[LostValue],
    ) -> Option<GoldenValue> {
        let preferred = self.preferred.iter().find(|it| it.field == field)?;
        let Said::Value(claim) = preferred.contribution.says(field) else {
            return None;
        };
        let mut lost = lost.to_vec();
        for entry in entries {
            if entry.from.origin == preferred.contribution.origin {
                continue;
            }
            let because = if entry.claim.same == claim.same {
                Lost::SaysTheSame
            } else {
                Lost::Preferred
            };
            lost.push(lose(entry.from, entry.claim.value.clone(), because));
        }
        lost.sort_by_key(|value| name_of(&value.origin));
        Some(GoldenValue {
            field,
            origin: Some(preferred.contribution.origin.clone()),
            value: claim.value,
            chosen: Chosen::Preferred,
            preferred: Some((preferred.by.clone(), preferred.at)),
            raw_number: None,
            lost,
        })
    }

    /// Place of the best entry: by the rules, then by source and local id.
    fn best(&self, field: GoldenField, entries: &[Entry<'_>]) -> Option<usize> {
        let criteria = self.survivorship.of(field);
        let ranks = |entry: &Entry<'_>| -> Vec<i64> {
            let rank = |criterion: &Criterion| rank(*criterion, entry, entries);
            criteria.iter().map(rank).collect()
        };
        let places = 0..entries.len();
        places.max_by(|a, b| {
            let (one, other) = (&entries[*a], &entries[*b]);
            // Entries are in order of name: of equal ones the first is best.
            ranks(one).cmp(&ranks(other)).then(b.cmp(a))
        })
    }

    fn chosen(
        &self,
        field: GoldenField,
        entries: Vec<Entry<'_>>,
        best: usize,
        mut lost: Vec<LostValue>,
    ) -> GoldenValue {
        let winner = &entries[best];
        let criteria = self.survivorship.of(field);
        let mut speaks: Option<usize> = None;
        let (mut others, mut order) = (false, false);
        for (place, entry) in entries.iter().enumerate() {
            if place == best {
                continue;
            }
            others = true;
            let because = if entry.claim.same == winner.claim.same {
                Lost::SaysTheSame
            } else {
                let first = criteria.iter().position(|criterion| {
                    rank(*criterion, entry, &entries) < rank(*criterion, winner, &entries)
                });
                order |= first.is_none();
                // The rule that had to be asked last is the one that chose.
                speaks = speaks.max(first);
                first.map_or(Lost::SourceOrder, |place| lost_by(criteria[place]))
            };
            lost.push(lose(entry.from, entry.claim.value.clone(), because));
        }
        let chosen = match speaks {
            _ if order => Chosen::SourceOrder,
            Some(place) => chosen_by(criteria[place]),
            None if others => Chosen::AllAgree,
            None => Chosen::OnlyValue,
        };
        lost.sort_by_key(|value| name_of(&value.origin));
        GoldenValue {
            field,
            origin: Some(winner.from.origin.clone()),
            value: winner.claim.value.clone(),
            chosen,
            preferred: None,
            raw_number: winner.raw_number,
            lost,
        }
    }
}

/// How an entry stands by a rule; more is better.
fn rank(criterion: Criterion, entry: &Entry<'_>, entries: &[Entry<'_>]) -> i64 {
    match criterion {
        Criterion::Status => i64::from(entry.claim.sure),
        Criterion::Trust => i64::from(entry.from.trust()),
        Criterion::Completeness => i64::try_from(entry.claim.parts).unwrap_or(i64::MAX),
        Criterion::Recency => {
            let effective = entry.from.origin.effective_at;
            effective.map_or(i64::MIN, Instant::microseconds)
        }
        Criterion::Agreement => {
            let same = entries
                .iter()
                .filter(|other| other.claim.same == entry.claim.same);
            let sources: BTreeSet<&SourceCode> =
                same.map(|other| &other.from.origin.source).collect();
            i64::try_from(sources.len()).unwrap_or(i64::MAX)
        }
    }
}

const fn lost_by(criterion: Criterion) -> Lost {
    match criterion {
        Criterion::Status => Lost::Status,
        Criterion::Trust => Lost::Trust,
        Criterion::Completeness => Lost::Completeness,
        Criterion::Recency => Lost::Recency,
        Criterion::Agreement => Lost::Agreement,
    }
}

const fn chosen_by(criterion: Criterion) -> Chosen {
    match criterion {
        Criterion::Status => Chosen::Status,
        Criterion::Trust => Chosen::Trust,
        Criterion::Completeness => Chosen::Completeness,
        Criterion::Recency => Chosen::Recency,
        Criterion::Agreement => Chosen::Agreement,
    }
}

fn lose(from: &Contribution, value: SubmittedRecord, because: Lost) -> LostValue {
    LostValue {
        origin: from.origin.clone(),
        value,
        because,
    }
}

fn without_value(field: GoldenField, chosen: Chosen, mut lost: Vec<LostValue>) -> GoldenValue {
    lost.sort_by_key(|value| name_of(&value.origin));
    GoldenValue {
        field,
        origin: None,
        value: SubmittedRecord::default(),
        chosen,
        preferred: None,
        raw_number: None,
        lost,
    }
}

impl Chosen {
    /// Why, in plain English.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OnlyValue => "No other record says anything of it.",
            Self::AllAgree => "All records that say anything say the same.",
            Self::Status => "It is surer than the others.",
            Self::Trust => "Its source is trusted more.",
            Self::Completeness => "It is more complete.",
            Self::Recency => "It is the latest at its source.",
            Self::Agreement => "More sources say so.",
            Self::SourceOrder => {
                "Nothing tells the values apart; the order of source and local id decides."
            }
            Self::Preferred => "A person prefers it.",
            Self::NothingUsable => "What the records say of it cannot be used.",
            Self::UnderInvestigation => {
                "It is under investigation: no value is shown until a human has settled it."
            }
        }
    }
}

impl Lost {
    /// Why not, in plain English.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SaysTheSame => "It says the same.",
            Self::NotUsable => "It is a placeholder, a default, or has a fault.",
            Self::Superseded => "The number is replaced; the one that stands is not known here.",
            Self::DeathBeforeBirth => "The death would be before the birth.",
            Self::Status => "It is less sure.",
            Self::Trust => "Its source is trusted less.",
            Self::Completeness => "It is less complete.",
            Self::Recency => "It is older, or its source did not say when it was so.",
            Self::Agreement => "Fewer sources say so.",
            Self::SourceOrder => {
                "Nothing tells the values apart; the order of source and local id decides."
            }
            Self::Preferred => "A person prefers another.",
            Self::UnderInvestigation => "It is under investigation.",
        }
    }
}

#[cfg(test)]
#[path = "golden_record_tests.rs"]
mod tests;
