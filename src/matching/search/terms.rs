//! Where to look: the terms that a record is stored under, and those that a
//! search asks for. A term is a stable hash of a kind and a text, as a blocking
//! key is; texts are part of the stored format.
//!
//! Stored of a record: each word of a name whole and by its first two, three
//! and four letters; birth date, month and year; NHS number; gender; postcode
//! and district, unless its location is restricted. Phones, e-mail addresses,
//! practices and streets only narrow a search that holds a name and a date
//! already, so they are compared and not stored.

use crate::identity::{BirthDate, NameToken, Postcode, Sex, StandardDate, StandardRecord};
use crate::matching::blocking::stable_hash;
use crate::matching::search::criteria::{
    BirthWanted, NameWanted, PostcodeWanted, SearchCriteria, SearchMode,
};

/// Beginnings that are stored; a longer one is looked up by its first four.
const PREFIX_LETTERS: std::ops::RangeInclusive<usize> = 2..=4;

/// Terms to look up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPlan {
    /// A record is a candidate when it holds one term of each group.
    pub required: Vec<Vec<u64>>,
    /// Further groups, to be asked for in turn while too many remain. A person
    /// whose records hold these apart is then passed over.
    pub narrowing: Vec<Vec<u64>>,
}

/// Which slot of a name a word stands in.
#[derive(Clone, Copy)]
enum Slot {
    Given,
    Family,
}

impl Slot {
    const fn whole(self) -> &'static str {
        match self {
            Self::Given => "search_given",
            Self::Family => "search_family",
        }
    }

    const fn beginning(self) -> &'static str {
        match self {
            Self::Given => "search_given_beginning",
            Self::Family => "search_family_beginning",
        }
    }
}

/// The terms that one version of a record is found by, sorted, each once.
#[must_use]
pub fn search_terms(record: &StandardRecord) -> Vec<u64> {
    let mut terms = Vec::with_capacity(32);
    for name in &record.names {
        for token in &name.given {
            add_word(Slot::Given, token, &mut terms);
        }
        if name.given.len() > 1
            && let Some(joined) = NameToken::joined(&name.given)
        {
            terms.push(stable_hash(Slot::Given.whole(), joined.as_str()));
        }
        match (&name.family, name.given.as_slice()) {
            (Some(family), _) => {
                add_word(Slot::Family, &family.whole, &mut terms);
                for part in family.parts.iter().filter(|part| **part != family.whole) {
                    add_word(Slot::Family, part, &mut terms);
                }
            }
            // A single name stands in either slot (R46).
            (None, [only]) => add_word(Slot::Family, only, &mut terms),
            (None, _) => {}
        }
    }
    if let Some(birth) = record.birth_date {
        add_birth_date(birth, &mut terms);
    }
    if let Some(claim) = &record.nhs_number {
        terms.push(number_term(&claim.number.digits()));
    }
    if let Some(sex) = record.gender {
        terms.push(gender_term(sex));
    }
    let mother = record.mother.as_ref();
    terms.extend(mother.and_then(|it| it.local.as_ref()).map(mother_term));
    if !record.restricted {
        for postcode in record
            .addresses
            .iter()
            .filter_map(|address| address.postcode.as_ref())
        {
            terms.push(postcode_term(postcode));
            terms.extend(postcode.outward().map(district_term));
        }
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn add_word(slot: Slot, token: &NameToken, terms: &mut Vec<u64>) {
    for text in token.foldings() {
        terms.push(stable_hash(slot.whole(), text));
        for letters in PREFIX_LETTERS {
            terms
                .extend(beginning(text, letters).map(|start| stable_hash(slot.beginning(), start)));
        }
    }
}

/// The first letters, when there are so many.
fn beginning(text: &str, letters: usize) -> Option<&str> {
    match text.char_indices().nth(letters) {
        Some((end, _)) => Some(&text[..end]),
        None => (text.chars().count() == letters).then_some(text),
    }
}

fn add_birth_date(birth: BirthDate, terms: &mut Vec<u64>) {
    let date = birth.date;
    terms.push(year_term(date.year()));
    if let Some(month) = date.month() {
        terms.push(month_term(date.year(), month));
        if date.is_full() {
            terms.push(day_term(date));
        } else {
            terms.push(known_to_the_month(date.year(), month));
        }
    }
    if birth.year_only || date.month().is_none() {
        terms.push(known_to_the_year(date.year()));
    }
}

fn day_term(date: StandardDate) -> u64 {
    stable_hash("search_birth_day", &date.to_iso())
}

fn month_term(year: i16, month: u8) -> u64 {
    stable_hash("search_birth_month", &format!("{year}-{month}"))
}

fn year_term(year: i16) -> u64 {
    stable_hash("search_birth_year", &year.to_string())
}

fn known_to_the_month(year: i16, month: u8) -> u64 {
    stable_hash("search_birth_month_only", &format!("{year}-{month}"))
}

fn known_to_the_year(year: i16) -> u64 {
    stable_hash("search_birth_year_only", &year.to_string())
}

fn number_term(digits: &str) -> u64 {
    stable_hash("search_nhs_number", digits)
}

fn mother_term((source, local_id): &(String, String)) -> u64 {
    stable_hash("search_mother", &format!("{source}\u{1f}{local_id}"))
}

fn gender_term(sex: Sex) -> u64 {
    let code = match sex {
        Sex::Male => "m",
        Sex::Female => "f",
    };
    stable_hash("search_gender", code)
}

fn postcode_term(postcode: &Postcode) -> u64 {
    stable_hash("search_postcode", &postcode.text())
}

fn district_term(outward: &str) -> u64 {
    stable_hash("search_district", outward)
}

impl SearchCriteria {
    /// What to look up.
    #[must_use]
    pub fn plan(&self) -> SearchPlan {
        if let Some(number) = self.nhs_number {
            return SearchPlan {
                required: vec![vec![number_term(&number.digits())]],
                narrowing: Vec::new(),
            };
        }
        let mut plan = SearchPlan::default();
        plan.required
            .extend(self.birth.map(|birth| self.birth_terms(birth)));
        plan.required
            .extend(self.mother.as_ref().map(|it| vec![mother_term(it)]));
        let (family, given) = (self.family.is_some(), !self.given.is_empty());
        let found_otherwise = !plan.required.is_empty();
        if self.mode == SearchMode::Fuzzy {
            let roughly = self.names_roughly();
            match (found_otherwise, roughly.is_empty()) {
                (true, false) => plan.narrowing.push(roughly),
                (false, false) => plan.required.push(roughly),
                (_, true) => {}
            }
        } else {
            plan.required.extend(family.then(|| self.family_terms()));
            let given = given.then(|| self.given_terms());
            if plan.required.is_empty() {
                plan.required.extend(given);
            } else {
                plan.narrowing.extend(given);
            }
        }
        plan.narrowing
            .extend(self.gender.map(|sex| vec![gender_term(sex)]));
        if let Some(PostcodeWanted::Is(postcode)) = &self.postcode {
            let district = match postcode {
                Postcode::Outward(outward) => Some(district_term(outward)),
                Postcode::Unit { .. } | Postcode::Opaque(_) => None,
            };
            plan.narrowing
                .push(vec![district.unwrap_or_else(|| postcode_term(postcode))]);
        }
        plan
    }

    fn family_terms(&self) -> Vec<u64> {
        let mut terms = Vec::new();
        if let Some(family) = &self.family {
            wanted_terms(Slot::Family, &family.whole, &mut terms);
            if let Some(word) = &family.word {
                let token = word.clone();
                let wanted = NameWanted {
                    token,
                    prefix: false,
                };
                wanted_terms(Slot::Family, &wanted, &mut terms);
            }
        }
        sorted(terms)
    }

    /// The first given name, or all of them written as one (R47).
    fn given_terms(&self) -> Vec<u64> {
        let mut terms = Vec::new();
        if let Some(first) = self.given.first() {
            wanted_terms(Slot::Given, first, &mut terms);
        }
        let tokens: Vec<NameToken> = self.given.iter().map(|name| name.token.clone()).collect();
        let joined = NameToken::joined(&tokens);
        terms.extend(joined.map(|joined| stable_hash(Slot::Given.whole(), joined.as_str())));
        sorted(terms)
    }

    /// The first two letters of any name in any slot: most of what sounds alike
    /// or is misspelt begins alike. For a birth date that very many share.
    fn names_roughly(&self) -> Vec<u64> {
        let family = self.family.iter().map(|family| &family.whole);
        let mut terms = Vec::new();
        for wanted in family.chain(&self.given) {
            for text in wanted.token.foldings() {
                for slot in [Slot::Given, Slot::Family] {
                    terms.push(stable_hash(slot.whole(), text));
                    let start = beginning(text, *PREFIX_LETTERS.start());
                    terms.extend(start.map(|start| stable_hash(slot.beginning(), start)));
                }
            }
        }
        sorted(terms)
    }

    fn birth_terms(&self, birth: BirthWanted) -> Vec<u64> {
        let mut terms = Vec::new();
        let loosely = self.mode != SearchMode::Exact;
        match birth {
            BirthWanted::On(date) => {
                let year = date.year();
                match (date.month(), date.is_full()) {
                    (None, _) => terms.push(year_term(year)),
                    (Some(month), false) => {
                        terms.push(month_term(year, month));
                        terms.push(known_to_the_year(year));
                    }
                    (Some(month), true) => {
                        terms.push(day_term(date));
                        if loosely {
                            terms.push(known_to_the_month(year, month));
                            terms.push(known_to_the_year(year));
                        }
                        if self.mode == SearchMode::Fuzzy {
                            terms.extend(exchanged(date).map(day_term));
                        }
                    }
                }
            }
            BirthWanted::Between(from, to) => {
                terms.extend((from.year()..=to.year()).map(year_term));
            }
        }
        sorted(terms)
    }
}

/// Day and month in each other's place, when that is a date too (R53).
pub(super) fn exchanged(date: StandardDate) -> Option<StandardDate> {
    let (month, day) = (date.month()?, date.day()?);
    let other = StandardDate::from_parts(date.year(), Some(day), Some(month))?;
    (other != date).then_some(other)
}

fn wanted_terms(slot: Slot, wanted: &NameWanted, terms: &mut Vec<u64>) {
    for text in wanted.token.foldings() {
        if wanted.prefix {
            let letters = text.chars().count().min(*PREFIX_LETTERS.end());
            terms
                .extend(beginning(text, letters).map(|start| stable_hash(slot.beginning(), start)));
        } else {
            terms.push(stable_hash(slot.whole(), text));
        }
    }
}

fn sorted(mut terms: Vec<u64>) -> Vec<u64> {
    terms.sort_unstable();
    terms.dedup();
    terms
}
