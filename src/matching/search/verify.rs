//! Whether a person is what was asked for. Each criterion has to be met by a
//! value of some record of the person, not all by one record: a maiden name may
//! stand in one source and the telephone in another.
//!
//! The score is the mean of how well each criterion was met, names, dates and
//! numbers counting more: 1 when everything asked for is equal to a current
//! value.

use std::sync::Arc;

use crate::identity::{
    AddressUse, BirthDate, NameToken, NameUse, PersonName, PostalAddress, Postcode,
    PremisesRelation, StandardDate, StandardRecord,
};
use crate::matching::search::criteria::{
    BirthWanted, FamilyWanted, NameWanted, PostcodeWanted, SearchCriteria, SearchMode,
};
use crate::matching::search::likeness::{NameKind, word};
use crate::matching::search::terms::exchanged;

/// How a criterion was met, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedHow {
    /// Equal to a current value.
    Exact,
    /// Equal to a historic one.
    History,
    /// The value begins so.
    Prefix,
    /// As far as both are known: a part of a double name, a date of which a
    /// part is known, an address without its flat.
    Partial,
    /// A known variant: Bob and Robert.
    Variant,
    /// Given and family name, or day and month, in each other's place.
    Swapped,
    /// It sounds alike.
    SoundsLike,
    /// A slip of the pen.
    Misspelt,
}

impl MatchedHow {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::History => "history",
            Self::Prefix => "prefix",
            Self::Partial => "partial",
            Self::Variant => "variant",
            Self::Swapped => "swapped",
            Self::SoundsLike => "sounds_like",
            Self::Misspelt => "misspelt",
        }
    }

    const fn quality(self) -> f64 {
        match self {
            Self::Exact => 1.0,
            Self::History | Self::Prefix => 0.9,
            Self::Partial | Self::Variant => 0.85,
            Self::Swapped | Self::SoundsLike => 0.8,
            Self::Misspelt => 0.75,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SearchField {
    /// NHS number.
    NhsNumber,
    /// Family name.
    FamilyName,
    /// All given names asked for.
    GivenNames,
    /// Birth date, or the span of it.
    BirthDate,
    /// Gender.
    Gender,
    /// Date of death.
    DeathDate,
    /// Postcode.
    Postcode,
    /// House and street.
    AddressLine,
    /// Phone.
    Phone,
    /// E-mail address.
    Email,
    /// General practice.
    GpPractice,
    /// The mother's record.
    Mother,
}

impl SearchField {
    /// The member of the request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NhsNumber => "nhs_number",
            Self::FamilyName => "family_name",
            Self::GivenNames => "given_names",
            Self::BirthDate => "birth_date",
            Self::Gender => "gender",
            Self::DeathDate => "death_date",
            Self::Postcode => "postcode",
            Self::AddressLine => "address_line",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::GpPractice => "gp_practice",
            Self::Mother => "mother",
        }
    }

    const fn weight(self) -> f64 {
        match self {
            Self::NhsNumber => 5.0,
            Self::FamilyName | Self::BirthDate => 3.0,
            Self::GivenNames => 2.0,
            _ => 1.0,
        }
    }
}

/// One criterion and how it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchedField {
    /// Which.
    pub field: SearchField,
    /// How.
    pub how: MatchedHow,
    /// By a value that is no longer current.
    pub historic: bool,
}

/// A person that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchMatch {
    /// 0 to 1, to four decimals; 1 when all is equal to a current value.
    pub score: f64,
    /// One for each criterion, in order of field.
    pub matched: Vec<MatchedField>,
}

/// A record of a person, as searched.
#[derive(Clone)]
pub struct SearchedRecord {
    /// What it says now, with the names and addresses of earlier versions as
    /// history.
    pub current: Arc<StandardRecord>,
    /// Its other versions.
    pub earlier: Vec<Arc<StandardRecord>>,
}

/// How well: the way and whether by a historic value. Ordered, the best first.
type Met = (MatchedHow, bool);

impl SearchCriteria {
    /// Whether the records of one person are what was asked for, and how well.
    #[must_use]
    pub fn verify(&self, records: &[SearchedRecord]) -> Option<SearchMatch> {
        let mut matched = Vec::new();
        let mut take = |field: SearchField, met: Option<Met>| {
            met.map(|(how, historic)| {
                matched.push(MatchedField {
                    field,
                    how,
                    historic,
                });
            })
        };
        if let Some(number) = self.nhs_number {
            let met = self.best(records, |record| {
                exactly(
                    record
                        .nhs_number
                        .is_some_and(|claim| claim.number == number),
                )
            });
            take(SearchField::NhsNumber, met)?;
        }
        if let Some(family) = &self.family {
            let met = self.best(records, |record| self.family_name(family, record));
            take(SearchField::FamilyName, met)?;
        }
        if !self.given.is_empty() {
            let mut worst: Met = (MatchedHow::Exact, false);
            for wanted in &self.given {
                let met = self.best(records, |record| self.given_name(wanted, record));
                worst = worst.max(met.or_else(|| self.joined_given(records))?);
            }
            take(SearchField::GivenNames, Some(worst))?;
        }
        if let Some(birth) = self.birth {
            let met = self.best(records, |record| self.birth_date(birth, record));
            take(SearchField::BirthDate, met)?;
        }
        if let Some(sex) = self.gender {
            let held = |record: &SearchedRecord| record.current.gender == Some(sex);
            take(SearchField::Gender, exactly(records.iter().any(held)))?;
        }
        if let Some(death) = self.death {
            let mets = records.iter().filter_map(|record| {
                let held = record.current.death_date?;
                same_as_far_as_known(death, held).map(|how| (how, false))
            });
            take(SearchField::DeathDate, mets.min())?;
        }
        if let Some(mother) = &self.mother {
            let held = |record: &SearchedRecord| record.current.is_child_of(mother);
            take(SearchField::Mother, exactly(records.iter().any(held)))?;
        }
        self.locate(records, &mut take)?;
        Some(SearchMatch {
            score: score(&matched),
            matched,
        })
    }

    /// The part that one record has to hold by itself, as the index was asked:
    /// the number, or names and dates, of a fuzzy search the date alone. Other
    /// records of the person may hold the rest.
    #[must_use]
    pub fn core(&self) -> Self {
        let by_number = self.nhs_number.is_some();
        let by_name = !by_number && self.mode != SearchMode::Fuzzy;
        Self {
            family: self.family.clone().filter(|_| by_name),
            birth: self.birth.filter(|_| !by_number),
            mother: self.mother.clone().filter(|_| !by_number),
            given: Vec::new(),
            gender: None,
            postcode: None,
            address: None,
            phone: None,
            email: None,
            gp_practice: None,
            death: None,
            ..self.clone()
        }
    }

    /// The criteria about where a person lives and can be reached.
    fn locate(
        &self,
        records: &[SearchedRecord],
        take: &mut impl FnMut(SearchField, Option<Met>) -> Option<()>,
    ) -> Option<()> {
        if let Some(wanted) = &self.postcode {
            let met = self.best(records, |record| {
                over_addresses(record, |address| {
                    postcode_of(wanted, address.postcode.as_ref()?)
                })
            });
            take(SearchField::Postcode, met)?;
        }
        if let Some(wanted) = &self.address {
            let met = self.best(records, |record| {
                over_addresses(record, |address| match wanted.premises_relation(address) {
                    PremisesRelation::Same => Some(MatchedHow::Exact),
                    PremisesRelation::Uncertain => Some(MatchedHow::Partial),
                    _ => None,
                })
            });
            take(SearchField::AddressLine, met)?;
        }
        if let Some(wanted) = &self.phone {
            let met = self.best(records, |record| exactly(record.phones.contains(wanted)));
            take(SearchField::Phone, met)?;
        }
        if let Some(wanted) = &self.email {
            let met = self.best(records, |record| exactly(record.emails.contains(wanted)));
            take(SearchField::Email, met)?;
        }
        if self.gp_practice.is_some() {
            let held = |record: &SearchedRecord| record.current.gp_practice == self.gp_practice;
            take(SearchField::GpPractice, exactly(records.iter().any(held)))?;
        }
        Some(())
    }

    /// The best way in which any record meets a criterion: by its current
    /// version, or by an earlier one where history is searched.
    fn best(
        &self,
        records: &[SearchedRecord],
        meets: impl Fn(&StandardRecord) -> Option<Met>,
    ) -> Option<Met> {
        let mut best: Option<Met> = None;
        for record in records {
            let earlier = record.earlier.iter().filter(|_| self.history);
            let earlier = earlier.filter_map(|version| meets(version).map(as_history));
            for met in meets(&record.current).into_iter().chain(earlier) {
                if (self.history || !met.1) && best.is_none_or(|best| met < best) {
                    best = Some(met);
                }
            }
        }
        best
    }

    fn family_name(&self, wanted: &FamilyWanted, record: &StandardRecord) -> Option<Met> {
        over_names(record, |name| self.family_of(wanted, name))
    }

    fn family_of(&self, wanted: &FamilyWanted, name: &PersonName) -> Option<MatchedHow> {
        let compare =
            |wanted: &NameWanted, held: &NameToken| word(NameKind::Family, self.mode, wanted, held);
        let whole = match (&name.family, name.given.as_slice()) {
            (Some(family), _) => compare(&wanted.whole, &family.whole),
            // A single name stands in either slot (R46).
            (None, [only]) => compare(&wanted.whole, only),
            (None, _) => None,
        };
        whole
            .or_else(|| self.family_in_parts(wanted, name))
            .or_else(|| self.swapped(&wanted.whole, name.given.iter()))
    }

    /// Smith in Smith-Jones; Souza in de Souza and the other way round.
    fn family_in_parts(&self, wanted: &FamilyWanted, name: &PersonName) -> Option<MatchedHow> {
        let family = name
            .family
            .as_ref()
            .filter(|_| self.mode != SearchMode::Exact)?;
        let whole = std::iter::once(&family.whole);
        let by_part = family
            .parts
            .iter()
            .filter_map(|part| word(NameKind::Family, self.mode, &wanted.whole, part));
        let by_word = wanted.word.iter().filter_map(|token| {
            let held = family.parts.iter().chain(whole.clone());
            held.clone()
                .any(|part| token.same(part))
                .then_some(MatchedHow::Partial)
        });
        by_part
            .chain(by_word)
            .map(|how| how.max(MatchedHow::Partial))
            .min()
    }

    fn given_name(&self, wanted: &NameWanted, record: &StandardRecord) -> Option<Met> {
        over_names(record, |name| {
            let held = name.given.iter();
            held.filter_map(|held| word(NameKind::Given, self.mode, wanted, held))
                .min()
                .or_else(|| {
                    let family = name.family.iter();
                    self.swapped(wanted, family.map(|family| &family.whole))
                })
        })
    }

    /// All given names asked for, written as one, against all of a naming (R47).
    fn joined_given(&self, records: &[SearchedRecord]) -> Option<Met> {
        let tokens: Vec<NameToken> = self.given.iter().map(|name| name.token.clone()).collect();
        let wanted = NameToken::joined(&tokens)?;
        if self.given.iter().any(|name| name.prefix) {
            return None;
        }
        self.best(records, |record| {
            over_names(record, |name| {
                let held = NameToken::joined(&name.given)?;
                wanted.same(&held).then_some(MatchedHow::Exact)
            })
        })
    }

    /// In a fuzzy search that holds both names, one in the other's place.
    fn swapped<'a>(
        &self,
        wanted: &NameWanted,
        mut held: impl Iterator<Item = &'a NameToken>,
    ) -> Option<MatchedHow> {
        let both = self.family.is_some() && !self.given.is_empty();
        (both
            && self.mode == SearchMode::Fuzzy
            && !wanted.token.is_initial()
            && held.any(|held| wanted.token.same(held)))
        .then_some(MatchedHow::Swapped)
    }

    fn birth_date(&self, wanted: BirthWanted, record: &StandardRecord) -> Option<Met> {
        let held = record.birth_date?;
        let how = match wanted {
            BirthWanted::On(date) => self.born_on(date, held),
            BirthWanted::Between(from, to) => {
                let inside = held.date.earliest_day() <= to.latest_day()
                    && held.date.latest_day() >= from.earliest_day();
                inside.then_some(MatchedHow::Partial)
            }
        };
        how.map(|how| (how, false))
    }

    fn born_on(&self, wanted: StandardDate, held: BirthDate) -> Option<MatchedHow> {
        if wanted == held.date && wanted.is_full() {
            return Some(MatchedHow::Exact);
        }
        if self.mode == SearchMode::Exact {
            return None;
        }
        let known = same_as_far_as_known(wanted, held.date);
        let year = held.year_only && wanted.year() == held.date.year();
        if known.is_some() || year {
            return Some(MatchedHow::Partial);
        }
        let swapped = self.mode == SearchMode::Fuzzy
            && exchanged(wanted).is_some_and(|date| date == held.date);
        swapped.then_some(MatchedHow::Swapped)
    }
}

fn exactly(is: bool) -> Option<Met> {
    is.then_some((MatchedHow::Exact, false))
}

fn as_history((how, _): Met) -> Met {
    if how == MatchedHow::Exact {
        (MatchedHow::History, true)
    } else {
        (how, true)
    }
}

/// Equal, or equal in the parts that both know; `None` when they differ.
fn same_as_far_as_known(wanted: StandardDate, held: StandardDate) -> Option<MatchedHow> {
    if wanted == held && wanted.is_full() {
        return Some(MatchedHow::Exact);
    }
    let agree = |a: Option<u8>, b: Option<u8>| a.is_none() || b.is_none() || a == b;
    (wanted.year() == held.year()
        && agree(wanted.month(), held.month())
        && agree(wanted.day(), held.day()))
    .then_some(MatchedHow::Partial)
}

fn over_names(
    record: &StandardRecord,
    meets: impl Fn(&PersonName) -> Option<MatchedHow>,
) -> Option<Met> {
    let met = record.names.iter().filter_map(|name| {
        let met = (meets(name)?, false);
        let earlier = name.name_use == NameUse::Previous;
        Some(if earlier { as_history(met) } else { met })
    });
    met.min()
}

fn over_addresses(
    record: &StandardRecord,
    meets: impl Fn(&PostalAddress) -> Option<MatchedHow>,
) -> Option<Met> {
    let met = record.addresses.iter().filter_map(|address| {
        let met = (meets(address)?, false);
        let earlier = address.address_use == AddressUse::Old;
        Some(if earlier { as_history(met) } else { met })
    });
    met.min()
}

fn postcode_of(wanted: &PostcodeWanted, held: &Postcode) -> Option<MatchedHow> {
    match wanted {
        PostcodeWanted::Is(wanted) if wanted == held => Some(MatchedHow::Exact),
        PostcodeWanted::Is(Postcode::Outward(district)) => {
            (held.outward() == Some(&**district)).then_some(MatchedHow::Prefix)
        }
        PostcodeWanted::Is(_) => None,
        PostcodeWanted::Begins(beginning) => {
            let mut held = held.text();
            held.retain(|character| character != ' ');
            held.starts_with(beginning.as_str())
                .then_some(MatchedHow::Prefix)
        }
    }
}

fn score(matched: &[MatchedField]) -> f64 {
    let weight: f64 = matched.iter().map(|met| met.field.weight()).sum();
    let met: f64 = matched
        .iter()
        .map(|met| {
            let historic = if met.historic && met.how != MatchedHow::History {
                0.9
            } else {
                1.0
            };
            met.field.weight() * met.how.quality() * historic
        })
        .sum();
    (met / weight * 10_000.0).round() / 10_000.0
}
