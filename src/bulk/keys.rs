//! The keys of records: the codes of what they say, and what rules make of them.

use rayon::prelude::*;

use crate::bulk::hashing::{joined, mixed, of_text};
use crate::bulk::records::BulkRecords;
use crate::bulk::rules::{PARTS, Part, Rule};
use crate::bulk::sounds::Sounds;
use crate::identity::{BirthDate, PersonName, PostalAddress, Sex};

/// Keys of a rule for one record are no more than this.
const KEYS_MAX: usize = 16;

/// Lists that are coded together, so that the codes of one name are kept.
const LISTS_PER_CHUNK: usize = 8_192;

/// Lists of codes in one piece of memory.
#[derive(Default)]
struct Spans {
    codes: Vec<u64>,
    ends: Vec<u32>,
}

impl Spans {
    fn push(&mut self, codes: &mut Vec<u64>) {
        codes.sort_unstable();
        codes.dedup();
        self.codes.append(codes);
        self.ends
            .push(u32::try_from(self.codes.len()).unwrap_or(u32::MAX));
    }

    fn append(&mut self, mut other: Self) {
        let before = u32::try_from(self.codes.len()).unwrap_or(u32::MAX);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.codes.append(&mut other.codes);
    }

    fn of(&self, list: u32) -> &[u64] {
        let list = list as usize;
        let start = if list == 0 { 0 } else { self.ends[list - 1] };
        &self.codes[start as usize..self.ends[list] as usize]
    }
}

/// Codes every list by `code`, which gets a memory of words for each chunk.
fn coded<T: Sync, const N: usize>(
    lists: &[Vec<T>],
    code: impl Fn(&[T], &mut Sounds, &mut [Vec<u64>; N]) + Sync,
) -> [Spans; N] {
    let chunks: Vec<[Spans; N]> = lists
        .par_chunks(LISTS_PER_CHUNK)
        .map(|lists| {
            let mut spans = [const {
                Spans {
                    codes: Vec::new(),
                    ends: Vec::new(),
                }
            }; N];
            let mut sounds = Sounds::default();
            let mut codes = [const { Vec::new() }; N];
            for list in lists {
                code(list, &mut sounds, &mut codes);
                for (spans, codes) in spans.iter_mut().zip(&mut codes) {
                    spans.push(codes);
                }
            }
            spans
        })
        .collect();
    let mut all = [const {
        Spans {
            codes: Vec::new(),
            ends: Vec::new(),
        }
    }; N];
    for chunk in chunks {
        for (all, spans) in all.iter_mut().zip(chunk) {
            all.append(spans);
        }
    }
    all
}

/// The codes of all records' values.
pub(super) struct Codes<'a> {
    records: &'a BulkRecords,
    /// Given names, family names, both together.
    names: [Spans; 3],
    /// Postcodes, outward codes, towns, properties, premises.
    places: [Spans; 5],
    phones: [Spans; 1],
    emails: [Spans; 1],
    identifiers: [Spans; 1],
}

/// What a record has of a part.
pub(super) enum Values<'c> {
    One(u64),
    List(&'c [u64]),
}

impl<'c> Values<'c> {
    const NONE: Values<'c> = Values::List(&[]);

    fn of(value: Option<u64>) -> Values<'c> {
        value.map_or(Self::NONE, Values::One)
    }

    /// The values.
    pub(super) fn all(&self) -> &[u64] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::List(values) => values,
        }
    }
}

/// What a record says, looked up once for many rules.
pub(super) struct RecordValues<'c>([Values<'c>; PARTS]);

impl RecordValues<'_> {
    fn all(&self, part: Part) -> &[u64] {
        self.0[part as usize].all()
    }

    /// Whether it lacks a name, its birth date or its place, so that the narrow
    /// rules may not bring it to its own.
    pub(super) fn lack_a_field(&self) -> bool {
        let lacks = |part| self.all(part).is_empty();
        lacks(Part::Given)
            || lacks(Part::Family)
            || lacks(Part::Date)
            || (lacks(Part::Postcode) && lacks(Part::Town))
    }

    /// Gives each key of a rule: one for each choice of values. Whether that is
    /// all of them.
    pub(super) fn each_key(&self, rule: &Rule, mut take: impl FnMut(u64)) -> bool {
        let values = |place: usize| rule.parts.get(place).map(|part| self.all(*part));
        let (Some(first), second, third) = (values(0), values(1), values(2)) else {
            return true;
        };
        let mut left = KEYS_MAX;
        let mut give = |key| {
            if left > 0 {
                left -= 1;
                take(key);
            }
        };
        for a in first {
            let key = joined(0, *a);
            let Some(second) = second else {
                give(key);
                continue;
            };
            for b in second {
                let key = joined(key, *b);
                match third {
                    None => give(key),
                    Some(third) => third.iter().for_each(|c| give(joined(key, *c))),
                }
            }
        }
        left > 0
    }
}

impl<'a> Codes<'a> {
    pub(super) fn of(records: &'a BulkRecords) -> Self {
        Self {
            names: coded(&records.names.values, name_codes),
            places: coded(&records.addresses.values, place_codes),
            phones: coded(
                &records.phones.values,
                |list, _, codes: &mut [Vec<u64>; 1]| {
                    codes[0].extend(list.iter().map(|phone| of_text(phone.as_str())));
                },
            ),
            emails: coded(
                &records.emails.values,
                |list, _, codes: &mut [Vec<u64>; 1]| {
                    codes[0].extend(list.iter().map(|email| of_text(email.as_str())));
                },
            ),
            identifiers: coded(
                &records.identifiers.values,
                |list, _, codes: &mut [Vec<u64>; 1]| {
                    codes[0].extend(list.iter().map(|one| of_text(&one.value)));
                },
            ),
            records,
        }
    }

    /// All that a record says.
    pub(super) fn of_record(&self, record: u32) -> RecordValues<'_> {
        RecordValues(std::array::from_fn(|part| {
            self.values(record, Part::ALL[part])
        }))
    }

    /// What a record has of a part.
    pub(super) fn values(&self, record: u32, part: Part) -> Values<'_> {
        let facts = &self.records.facts[record as usize];
        let names = |kind: usize| Values::List(self.names[kind].of(facts.names));
        let places = |kind: usize| Values::List(self.places[kind].of(facts.addresses));
        match part {
            Part::Given => names(0),
            Part::Family => names(1),
            Part::Names => names(2),
            Part::Postcode => places(0),
            Part::Outward => places(1),
            Part::Town => places(2),
            Part::Uprn => places(3),
            Part::Premises => places(4),
            Part::Phone => Values::List(self.phones[0].of(facts.phones)),
            Part::Email => Values::List(self.emails[0].of(facts.emails)),
            Part::Identifier => Values::List(self.identifiers[0].of(facts.identifiers)),
            Part::Number => {
                Values::of(facts.nhs_number.map(|claim| mixed(u64::from(claim.number))))
            }
            Part::Sex => Values::of(facts.gender.or(facts.birth_sex).map(|sex| match sex {
                Sex::Male => 1,
                Sex::Female => 2,
            })),
            Part::Date | Part::Year | Part::YearMonth | Part::DayMonth => {
                Values::of(facts.birth_date.and_then(|birth| part_of(birth, part)))
            }
        }
    }
}

/// The part of a birth date, as far as it is known.
fn part_of(birth: BirthDate, part: Part) -> Option<u64> {
    let year = u64::from(birth.date.year().unsigned_abs());
    if part == Part::Year {
        return Some(year);
    }
    let month = birth.date.month().filter(|_| !birth.year_only)?;
    let year_month = year * 16 + u64::from(month);
    if part == Part::YearMonth {
        return Some(year_month);
    }
    let day = birth.date.day()?;
    if part == Part::Date {
        return Some(year_month * 32 + u64::from(day));
    }
    Some(u64::from(month.min(day)) * 32 + u64::from(month.max(day)))
}

fn name_codes(list: &[PersonName], sounds: &mut Sounds, codes: &mut [Vec<u64>; 3]) {
    let [given, family, names] = codes;
    let mut pair_given: Vec<u64> = Vec::new();
    let mut pair_family: Vec<u64> = Vec::new();
    for name in list {
        let mut givens = name.given.iter().filter(|token| !token.is_initial());
        if let Some(first) = givens.next() {
            let heard = sounds.of(first);
            pair_given.extend(heard.first());
            given.extend(heard);
            let classes = sounds.classes(first);
            pair_given.extend(classes);
            given.extend(classes);
        }
        if let Some(second) = givens.next() {
            let classes = sounds.classes(second);
            if classes.is_empty() {
                given.extend(sounds.of(second));
            } else {
                given.extend(classes);
            }
        }
        if let Some(said) = &name.family {
            let parts = said.parts.iter().filter(|_| said.parts.len() > 1);
            let whole = Some(&said.whole).filter(|whole| !whole.is_initial());
            for token in whole.into_iter().chain(parts) {
                let heard = sounds.of(token);
                pair_family.extend(heard.first());
                family.extend(heard);
            }
        } else if let [only] = name.given.as_slice() {
            family.extend(sounds.of(only));
        }
    }
    for given in &pair_given {
        for family in &pair_family {
            names.push(joined(*given.min(family), *given.max(family)));
        }
    }
}

fn place_codes(list: &[PostalAddress], _: &mut Sounds, codes: &mut [Vec<u64>; 5]) {
    let [postcodes, outwards, towns, uprns, premises] = codes;
    for address in list {
        if let Some(postcode) = &address.postcode {
            let whole = of_text(&postcode.text());
            postcodes.push(whole);
            outwards.push(postcode.outward().map_or(whole, of_text));
        }
        towns.extend(address.town.as_deref().map(of_text));
        uprns.extend(address.uprn.as_deref().map(of_text));
        if let Some(number) = &address.number {
            let number = u64::from(number.from);
            for word in address.street.iter().filter(|word| word.len() > 3).take(2) {
                premises.push(joined(number, of_text(word)));
            }
        }
    }
}
