//! Values that a source writes where it knows none: dates, phones, e-mail addresses and
//! postcodes that stand on the records of many more people than chance or a household
//! explains (R51, R52, R65, R70). A run that learns from its records treats them as absent,
//! in the records of that source alone. What is counted does not depend on the order of rows.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use rayon::prelude::*;

use crate::bulk::hashing::{FastHash, of_text};
use crate::bulk::records::{BulkRecords, Facts, Lists};
use crate::identity::{BirthDate, Email, Phone, PostalAddress, Profile, StandardDate};

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JunkKind {
    /// A birth date.
    Date,
    /// 1 January, of which the year is kept (R52).
    FirstOfJanuary,
    /// A phone.
    Phone,
    /// An e-mail address.
    Email,
    /// A postcode, of which the rest of the address is kept.
    Postcode,
}

impl JunkKind {
    /// Its name in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Date => "birth dates",
            Self::FirstOfJanuary => "birthdays on 1 January",
            Self::Phone => "phones",
            Self::Email => "e-mail addresses",
            Self::Postcode => "postcodes",
        }
    }

    /// What becomes of them.
    #[must_use]
    pub const fn kept(self) -> &'static str {
        match self {
            Self::Date | Self::Phone | Self::Email => "treated as absent",
            Self::FirstOfJanuary => "the year is kept",
            Self::Postcode => "the rest of the address is kept",
        }
    }
}

/// What was set aside of one source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Junk {
    /// The source; empty where nobody said.
    pub source: String,
    /// What kind of value.
    pub kind: JunkKind,
    /// How many different values.
    pub values: usize,
    /// On how many records.
    pub records: usize,
}

/// Which values say nothing: so many records at least, so many times as many as a value of
/// the file has in such a source, and so many people, as far as initials and years tell.
struct Crowded {
    records: u32,
    times: f64,
    initials: u32,
    years: u32,
}

/// A date that twenty times as many have as another, of all kinds of names (R51).
const DATES: Crowded = Crowded {
    records: 20,
    times: 20.0,
    initials: 8,
    years: 0,
};

/// Of no household: six family names and six years of birth (R70, R72).
const CONTACTS: Crowded = Crowded {
    records: 10,
    times: 5.0,
    initials: 6,
    years: 6,
};

/// A hostel, a hospital, a practice; not a street with many flats (R65).
const POSTCODES: Crowded = Crowded {
    records: 50,
    times: 20.0,
    initials: 12,
    years: 12,
};

/// So many times as many birthdays on 1 January as on another day are no birthdays (R52).
const JANUARY_TIMES: f64 = 3.0;
/// Fewer say nothing of a source.
const JANUARY_RECORDS: u32 = 30;
const DAYS_PER_YEAR: f64 = 365.25;

/// Who stands under a value.
#[derive(Default)]
struct Crowd {
    /// Initials of family names, a bit each.
    initials: u64,
    /// Years of birth, by their rest.
    years: u64,
}

/// Values of sources, by their codes.
type Found = HashSet<(u32, u64), FastHash>;

impl BulkRecords {
    /// Treats what is found as absent; says what that was, by source. That a birthday on
    /// 1 January is a clerk's guess is of English care alone (R52): of people of other
    /// centuries it was measured to say more than its year.
    pub fn set_aside_junk(&mut self, profile: Profile) -> Vec<Junk> {
        let mut told = Vec::new();
        self.set_aside_dates(profile == Profile::UkCare, &mut told);
        let phones = Kind {
            kind: JunkKind::Phone,
            rule: &CONTACTS,
            list: |facts| &mut facts.phones,
            code: |phone: &Phone| Some(of_text(phone.as_str())),
            rest: |_| None,
        };
        phones.set_aside(|records| &mut records.phones, self, &mut told);
        let emails = Kind {
            kind: JunkKind::Email,
            rule: &CONTACTS,
            list: |facts| &mut facts.emails,
            code: |email: &Email| Some(of_text(email.as_str())),
            rest: |_| None,
        };
        emails.set_aside(|records| &mut records.emails, self, &mut told);
        let postcodes = Kind {
            kind: JunkKind::Postcode,
            rule: &POSTCODES,
            list: |facts| &mut facts.addresses,
            code: |address: &PostalAddress| Some(of_text(&address.postcode.as_ref()?.text())),
            rest: |address| {
                let postcode = None;
                Some(PostalAddress {
                    postcode,
                    ..address
                })
            },
        };
        postcodes.set_aside(|records| &mut records.addresses, self, &mut told);
        told.sort_unstable();
        told
    }

    /// Dates that stand for none, and the days of sources that write 1 January where they
    /// know the year alone.
    fn set_aside_dates(&mut self, guessed: bool, told: &mut Vec<Junk>) {
        let mut seen = vec![(0, 0); self.sources.len()];
        let mut totals: HashMap<u64, u32, FastHash> = HashMap::default();
        for facts in &self.facts {
            if let Some(date) = whole_date(facts) {
                let (firsts, all) = &mut seen[facts.source as usize];
                *firsts += u32::from(is_first_of_january(date));
                *all += 1;
                *totals.entry(code_of(date)).or_default() += 1;
            }
        }
        let guesses = |source: u32| {
            let (firsts, all) = seen[source as usize];
            firsts >= JANUARY_RECORDS
                && f64::from(firsts) * DAYS_PER_YEAR > JANUARY_TIMES * f64::from(all)
        };
        // Where the day is a guess, many years of it are no default.
        let dated = |facts: &Facts| {
            let date = whole_date(facts)?;
            (!(is_first_of_january(date) && guesses(facts.source))).then_some(date)
        };
        let mut said = vec![0; self.sources.len()];
        for facts in self.facts.iter().filter(|facts| dated(facts).is_some()) {
            said[facts.source as usize] += 1;
        }
        let distinct = totals.len();
        totals.retain(|_, records| *records >= DATES.records);
        let crowds = Crowds {
            rule: &DATES,
            distinct,
            said,
        };
        let found = crowds.found(self, &|see| {
            for facts in &self.facts {
                if let Some(code) = dated(facts).map(code_of)
                    && totals.contains_key(&code)
                {
                    see(facts, code);
                }
            }
        });
        let mut taken = [Taken::default(), Taken::default()];
        for facts in &mut self.facts {
            let Some(date) = whole_date(facts) else {
                continue;
            };
            let place = (facts.source, code_of(date));
            if found.contains(&place) {
                facts.birth_date = None;
                taken[0].note(place);
            } else if guessed && is_first_of_january(date) && guesses(facts.source) {
                let year_only = true;
                facts.birth_date = Some(BirthDate { date, year_only });
                taken[1].note(place);
            }
        }
        for (kind, taken) in [JunkKind::Date, JunkKind::FirstOfJanuary].iter().zip(taken) {
            taken.tell(*kind, &self.sources, told);
        }
    }
}

/// Values of one kind, which stand in lists.
struct Kind<T> {
    kind: JunkKind,
    rule: &'static Crowded,
    list: fn(&mut Facts) -> &mut u32,
    code: fn(&T) -> Option<u64>,
    /// What is left of a value that is set aside.
    rest: fn(T) -> Option<T>,
}

impl<T: Clone + Eq + Hash + Sync> Kind<T> {
    fn set_aside(
        &self,
        lists: fn(&mut BulkRecords) -> &mut Lists<T>,
        records: &mut BulkRecords,
        told: &mut Vec<Junk>,
    ) {
        let mut facts = std::mem::take(&mut records.facts);
        let mut own = std::mem::take(lists(records));
        let found = self.found(records, &facts, &own);
        if !found.is_empty() {
            // Equal lists must have one number: bounds rely on it.
            own.reopen();
            let taken = self.take_out(&found, &mut facts, &mut own);
            own.close();
            taken.tell(self.kind, &records.sources, told);
        }
        *lists(records) = own;
        records.facts = facts;
    }

    fn found(&self, records: &BulkRecords, facts: &[Facts], lists: &Lists<T>) -> Found {
        let mut counts = vec![0; lists.values.len()];
        let mut said = vec![0; records.sources.len()];
        for facts in facts {
            let list = self.list_of(facts);
            counts[list as usize] += 1;
            said[facts.source as usize] += u32::from(list > 0);
        }
        let values = self.by_code(lists);
        let (mut distinct, mut many) = (0, HashSet::<u64, FastHash>::default());
        let mut holds = vec![false; lists.values.len()];
        for value in values.chunk_by(|a, b| a.0 == b.0) {
            distinct += 1;
            let total: u32 = value.iter().map(|(_, list)| counts[*list as usize]).sum();
            if total >= self.rule.records {
                many.insert(value[0].0);
                for (_, list) in value {
                    holds[*list as usize] = true;
                }
            }
        }
        let crowds = Crowds {
            rule: self.rule,
            distinct,
            said,
        };
        crowds.found(records, &|see| {
            for facts in facts {
                let list = self.list_of(facts);
                let own = lists.at(list).iter().filter(|_| holds[list as usize]);
                for code in own.filter_map(self.code).filter(|code| many.contains(code)) {
                    see(facts, code);
                }
            }
        })
    }

    /// The lists in which values stand, in the order of the values' codes.
    fn by_code(&self, lists: &Lists<T>) -> Vec<(u64, u32)> {
        let lists = lists.values.par_iter().enumerate();
        let mut values: Vec<(u64, u32)> = lists
            .flat_map_iter(|(list, own)| {
                let list = u32::try_from(list).expect("invariant: lists have numbers of 32 bits");
                own.iter()
                    .filter_map(self.code)
                    .map(move |code| (code, list))
            })
            .collect();
        values.par_sort_unstable();
        values
    }

    /// The number of a record's list.
    fn list_of(&self, facts: &Facts) -> u32 {
        let mut own = *facts;
        *(self.list)(&mut own)
    }

    /// By list: whether a value of it is asked for.
    fn holding(&self, lists: &Lists<T>, asked: &dyn Fn(u64) -> bool) -> Vec<bool> {
        let lists = lists.values.iter();
        lists
            .map(|list| list.iter().filter_map(self.code).any(asked))
            .collect()
    }

    fn take_out(&self, found: &Found, facts: &mut [Facts], lists: &mut Lists<T>) -> Taken {
        let codes: HashSet<u64, FastHash> = found.iter().map(|(_, code)| *code).collect();
        let holds = self.holding(lists, &|code| codes.contains(&code));
        let mut others: HashMap<(u32, u32), u32, FastHash> = HashMap::default();
        let mut taken = Taken::default();
        for facts in facts {
            let source = facts.source;
            let list = (self.list)(facts);
            if !holds.get(*list as usize).is_some_and(|holds| *holds) {
                continue;
            }
            let is_junk = |value: &T| {
                let code = (self.code)(value).map(|code| (source, code));
                code.filter(|place| found.contains(place))
            };
            let own = lists.at(*list).to_vec();
            own.iter().filter_map(is_junk).for_each(|it| taken.note(it));
            *list = *others.entry((source, *list)).or_insert_with(|| {
                let rest = own.into_iter().filter_map(|value| match is_junk(&value) {
                    Some(_) => (self.rest)(value),
                    None => Some(value),
                });
                lists.code(rest.collect())
            });
        }
        taken
    }
}

/// Who stands under the values of each source.
struct Crowds {
    rule: &'static Crowded,
    /// How many values there are, over all sources.
    distinct: usize,
    /// By source: records that have a value.
    said: Vec<u32>,
}

/// Shows each record that has a value of many, with the value's code.
type Visit<'v> = &'v dyn Fn(&mut dyn FnMut(&Facts, u64));

impl Crowds {
    /// The values under which too many stand. Who they are is asked of those alone of
    /// which there are enough records, and they are few.
    fn found(&self, records: &BulkRecords, visit: Visit<'_>) -> Found {
        let mut counts: HashMap<(u32, u64), u32, FastHash> = HashMap::default();
        visit(&mut |facts, code| *counts.entry((facts.source, code)).or_default() += 1);
        counts.retain(|(source, _), count| self.are_enough(*source, *count));
        let crowds = counts.into_keys().map(|place| (place, Crowd::default()));
        let mut crowds: HashMap<(u32, u64), Crowd, FastHash> = crowds.collect();
        if crowds.is_empty() {
            return Found::default();
        }
        visit(&mut |facts, code| {
            if let Some(crowd) = crowds.get_mut(&(facts.source, code)) {
                crowd.take(records, facts);
            }
        });
        let many_kinds = crowds
            .into_iter()
            .filter(|(_, crowd)| crowd.is_of(self.rule));
        many_kinds.map(|(place, _)| place).collect()
    }

    fn are_enough(&self, source: u32, count: u32) -> bool {
        let said = f64::from(self.said[source as usize]);
        let usual = (said / self.distinct.max(1) as f64).max(1.0);
        count >= self.rule.records && f64::from(count) >= self.rule.times * usual
    }
}

impl Crowd {
    fn take(&mut self, records: &BulkRecords, facts: &Facts) {
        let name = records.names.at(facts.names).first();
        let family = name.and_then(|name| name.family.as_ref());
        if let Some(initial) = family.and_then(|name| name.whole.as_str().bytes().next()) {
            self.initials |= 1 << (initial % 64);
        }
        if let Some(birth) = facts.birth_date {
            self.years |= 1 << birth.date.year().rem_euclid(64);
        }
    }

    /// Whether they are of as many kinds as the rule asks.
    fn is_of(&self, rule: &Crowded) -> bool {
        self.initials.count_ones() >= rule.initials && self.years.count_ones() >= rule.years
    }
}

/// What was taken away, by source.
#[derive(Default)]
struct Taken {
    values: HashSet<(u32, u64), FastHash>,
    records: HashMap<u32, usize, FastHash>,
}

impl Taken {
    fn note(&mut self, place: (u32, u64)) {
        self.values.insert(place);
        *self.records.entry(place.0).or_default() += 1;
    }

    fn tell(self, kind: JunkKind, sources: &[String], told: &mut Vec<Junk>) {
        for (source, records) in self.records {
            let own = self.values.iter().filter(|(of, _)| *of == source);
            told.push(Junk {
                source: sources.get(source as usize).cloned().unwrap_or_default(),
                kind,
                values: own.count(),
                records,
            });
        }
    }
}

/// A date of which the day is known.
fn whole_date(facts: &Facts) -> Option<StandardDate> {
    let birth = facts.birth_date.filter(|birth| !birth.year_only)?;
    Some(birth.date).filter(|date| date.is_full())
}

fn is_first_of_january(date: StandardDate) -> bool {
    (date.month(), date.day()) == (Some(1), Some(1))
}

fn code_of(date: StandardDate) -> u64 {
    u64::from(date.earliest_day().cast_unsigned())
}

#[cfg(test)]
#[path = "junk_tests.rs"]
mod tests;
