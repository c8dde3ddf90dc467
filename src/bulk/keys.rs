//! Where records may meet: the values of a record that keys are made of, and
//! the rules that join them. A rule asks for fields that together are rare, so
//! that its blocks are small; there are many, so that a pair with any one
//! field wrong or missing still meets.

use crate::bulk::hashing::{joined, of_text};
use crate::bulk::records::BulkRecords;
use crate::identity::{
    NameToken, PersonName, PostalAddress, Sex, double_metaphone, given_class_name, given_classes,
};

/// A value that keys are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Number,
    Phone,
    Email,
    Identifier,
    Uprn,
    /// Year, month and day.
    Date,
    Year,
    YearMonth,
    /// Day and month in either order.
    DayMonth,
    /// A given name by class or by sound.
    Given,
    /// A family name or a part of it by sound.
    Family,
    /// Both names, also exchanged.
    Names,
    Postcode,
    Outward,
    Town,
    /// House number with a word of the street, or a flat.
    Premises,
    Sex,
}

/// A rule: records that agree in all `parts` meet. A block with too many is
/// divided by the next of `sharper`.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    pub(super) sharper: &'static [Part],
    /// Asks for little, so that it brings only records that lack a field.
    pub(super) broad: bool,
}

const fn broad(name: &'static str, parts: &'static [Part], sharper: &'static [Part]) -> Rule {
    Rule {
        name,
        parts,
        sharper,
        broad: true,
    }
}

const fn rule(name: &'static str, parts: &'static [Part], sharper: &'static [Part]) -> Rule {
    Rule {
        name,
        parts,
        sharper,
        broad: false,
    }
}

/// The rules, the narrow ones first.
pub(super) const RULES: &[Rule] = &[
    rule("nhs_number", &[Part::Number], &[Part::Date, Part::Given]),
    rule(
        "identifier",
        &[Part::Identifier],
        &[Part::Year, Part::Given],
    ),
    rule("email", &[Part::Email], &[Part::Given, Part::Year]),
    rule("phone", &[Part::Phone], &[Part::Given, Part::Year]),
    rule("uprn", &[Part::Uprn], &[Part::Given, Part::Year]),
    rule(
        "date_given",
        &[Part::Date, Part::Given],
        &[Part::Outward, Part::Family, Part::Town],
    ),
    rule(
        "date_family",
        &[Part::Date, Part::Family],
        &[Part::Outward, Part::Sex, Part::Given],
    ),
    rule(
        "date_outward",
        &[Part::Date, Part::Outward],
        &[Part::Sex, Part::Postcode],
    ),
    rule(
        "date_town",
        &[Part::Date, Part::Town],
        &[Part::Sex, Part::Postcode, Part::Given],
    ),
    rule(
        "year_names",
        &[Part::Year, Part::Names],
        &[Part::Outward, Part::Town, Part::YearMonth],
    ),
    rule(
        "day_names",
        &[Part::DayMonth, Part::Names],
        &[Part::Outward, Part::Town],
    ),
    rule(
        "names_outward",
        &[Part::Names, Part::Outward],
        &[Part::Year, Part::Postcode],
    ),
    rule(
        "names_town",
        &[Part::Names, Part::Town],
        &[Part::Year, Part::Outward],
    ),
    rule(
        "postcode_given",
        &[Part::Postcode, Part::Given],
        &[Part::Year, Part::Family],
    ),
    rule(
        "postcode_family",
        &[Part::Postcode, Part::Family],
        &[Part::Year, Part::Given],
    ),
    rule(
        "postcode_year",
        &[Part::Postcode, Part::Year],
        &[Part::Sex, Part::YearMonth],
    ),
    rule(
        "premises_given",
        &[Part::Premises, Part::Given],
        &[Part::Town, Part::Year],
    ),
    rule(
        "premises_family",
        &[Part::Premises, Part::Family],
        &[Part::Town, Part::Year],
    ),
    rule(
        "premises_year",
        &[Part::Premises, Part::Year],
        &[Part::Town, Part::Sex],
    ),
    rule(
        "month_given_town",
        &[Part::YearMonth, Part::Given, Part::Town],
        &[Part::Outward, Part::Family],
    ),
    broad(
        "names",
        &[Part::Names],
        &[Part::Sex, Part::YearMonth, Part::Outward],
    ),
    broad(
        "family_town",
        &[Part::Family, Part::Town],
        &[Part::Given, Part::Year],
    ),
    broad(
        "given_town",
        &[Part::Given, Part::Town],
        &[Part::Year, Part::Outward],
    ),
    broad(
        "family_year",
        &[Part::Family, Part::Year],
        &[Part::YearMonth, Part::Given],
    ),
    broad(
        "given_month",
        &[Part::Given, Part::YearMonth],
        &[Part::Town, Part::Outward],
    ),
    broad("date", &[Part::Date], &[Part::Sex, Part::Given]),
    broad("postcode", &[Part::Postcode], &[Part::Given, Part::Year]),
];

/// Keys of a rule for one record are no more than this.
const KEYS_MAX: usize = 16;

/// The codes of a list of namings.
#[derive(Default)]
struct NameCodes {
    given: Vec<u64>,
    family: Vec<u64>,
    names: Vec<u64>,
}

/// The codes of a list of addresses.
#[derive(Default)]
struct PlaceCodes {
    postcodes: Vec<u64>,
    outwards: Vec<u64>,
    towns: Vec<u64>,
    uprns: Vec<u64>,
    premises: Vec<u64>,
}

/// The codes of all records' values.
pub(super) struct Codes<'a> {
    records: &'a BulkRecords,
    names: Vec<NameCodes>,
    places: Vec<PlaceCodes>,
    phones: Vec<Vec<u64>>,
    emails: Vec<Vec<u64>>,
    identifiers: Vec<Vec<u64>>,
}

impl<'a> Codes<'a> {
    pub(super) fn of(records: &'a BulkRecords) -> Self {
        use rayon::prelude::*;
        let texts = |list: Vec<&str>| -> Vec<u64> { list.into_iter().map(of_text).collect() };
        Self {
            names: records
                .names
                .values
                .par_iter()
                .map(|list| name_codes(list))
                .collect(),
            places: records
                .addresses
                .values
                .par_iter()
                .map(|list| place_codes(list))
                .collect(),
            phones: records
                .phones
                .values
                .iter()
                .map(|list| texts(list.iter().map(|phone| phone.as_str()).collect()))
                .collect(),
            emails: records
                .emails
                .values
                .iter()
                .map(|list| texts(list.iter().map(|email| email.as_str()).collect()))
                .collect(),
            identifiers: records
                .identifiers
                .values
                .iter()
                .map(|list| texts(list.iter().map(|one| one.value.as_str()).collect()))
                .collect(),
            records,
        }
    }

    /// Whether a record lacks a name, its birth date or its place, so that
    /// the narrow rules may not bring it to its own.
    pub(super) fn lacks_a_field(&self, record: u32) -> bool {
        let place = record as usize;
        let names = &self.names[self.records.names.codes[place] as usize];
        let places = &self.places[self.records.addresses.codes[place] as usize];
        let birth = self.records.facts[place].birth_date;
        names.given.is_empty()
            || names.family.is_empty()
            || !birth.is_some_and(|birth| birth.date.is_full() && !birth.year_only)
            || (places.postcodes.is_empty() && places.towns.is_empty())
    }

    /// Appends the record's values of a part.
    pub(super) fn values(&self, part: Part, record: u32, into: &mut Vec<u64>) {
        let place = record as usize;
        let facts = &self.records.facts[place];
        let names = || &self.names[self.records.names.codes[place] as usize];
        let places = || &self.places[self.records.addresses.codes[place] as usize];
        let date = || facts.birth_date.map(|birth| (birth.date, birth.year_only));
        match part {
            Part::Number => into.extend(
                facts
                    .nhs_number
                    .map(|claim| of_text(&claim.number.digits())),
            ),
            Part::Phone => into.extend(&self.phones[self.records.phones.codes[place] as usize]),
            Part::Email => into.extend(&self.emails[self.records.emails.codes[place] as usize]),
            Part::Identifier => {
                into.extend(&self.identifiers[self.records.identifiers.codes[place] as usize]);
            }
            Part::Uprn => into.extend(&places().uprns),
            Part::Year => into.extend(date().map(|(date, _)| year(date.year()))),
            Part::YearMonth | Part::Date | Part::DayMonth => {
                let Some((date, false)) = date() else { return };
                let Some(month) = date.month() else { return };
                if part == Part::YearMonth {
                    into.push(year(date.year()) * 16 + u64::from(month));
                    return;
                }
                let Some(day) = date.day() else { return };
                let (low, high) = (u64::from(month.min(day)), u64::from(month.max(day)));
                match part {
                    Part::Date => {
                        into.push((year(date.year()) * 16 + u64::from(month)) * 32 + u64::from(day))
                    }
                    _ => into.push(low * 32 + high),
                }
            }
            Part::Given => into.extend(&names().given),
            Part::Family => into.extend(&names().family),
            Part::Names => into.extend(&names().names),
            Part::Postcode => into.extend(&places().postcodes),
            Part::Outward => into.extend(&places().outwards),
            Part::Town => into.extend(&places().towns),
            Part::Premises => into.extend(&places().premises),
            Part::Sex => into.extend(facts.gender.or(facts.birth_sex).map(|sex| match sex {
                Sex::Male => 1,
                Sex::Female => 2,
            })),
        }
    }

    /// The keys of a rule for a record: one for each choice of values.
    pub(super) fn keys(&self, rule: &Rule, record: u32, scratch: &mut Vec<u64>) -> Vec<u64> {
        let mut keys = vec![0_u64];
        for part in rule.parts {
            scratch.clear();
            self.values(*part, record, scratch);
            let mut next = Vec::with_capacity(keys.len() * scratch.len());
            for key in &keys {
                next.extend(scratch.iter().map(|value| joined(*key, *value)));
            }
            next.truncate(KEYS_MAX);
            keys = next;
            if keys.is_empty() {
                return keys;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

fn year(year: i16) -> u64 {
    u64::from(year.unsigned_abs())
}

fn name_codes(list: &[PersonName]) -> NameCodes {
    let mut codes = NameCodes::default();
    let mut pair_given = Vec::new();
    let mut pair_family = Vec::new();
    for name in list {
        let mut givens = name.given.iter().filter(|token| !token.is_initial());
        if let Some(first) = givens.next() {
            let (classes, sounds) = (class_codes(first), sound_codes(first));
            pair_given.extend(sounds.first().map(|sound| (*sound, true)));
            pair_given.extend(classes.iter().map(|class| (*class, false)));
            codes.given.extend(classes);
            codes.given.extend(sounds);
        }
        if let Some(second) = givens.next() {
            let classes = class_codes(second);
            codes.given.extend(if classes.is_empty() {
                sound_codes(second)
            } else {
                classes
            });
        }
        if let Some(family) = &name.family {
            if !family.whole.is_initial() {
                let sounds = sound_codes(&family.whole);
                pair_family.extend(sounds.first());
                codes.family.extend(sounds);
            }
            for part in family.parts.iter().filter(|_| family.parts.len() > 1) {
                let sounds = sound_codes(part);
                pair_family.extend(sounds.first());
                codes.family.extend(sounds);
            }
        } else if let [only] = name.given.as_slice() {
            codes.family.extend(sound_codes(only));
        }
    }
    for (given, by_sound) in &pair_given {
        for family in &pair_family {
            codes.names.push(if *by_sound {
                joined(*given.min(family), *given.max(family))
            } else {
                joined(*given, *family)
            });
        }
    }
    for codes in [&mut codes.given, &mut codes.family, &mut codes.names] {
        codes.sort_unstable();
        codes.dedup();
    }
    codes
}

fn class_codes(token: &NameToken) -> Vec<u64> {
    given_classes(token)
        .iter()
        .map(|class| joined(1, of_text(given_class_name(*class))))
        .collect()
}

fn sound_codes(token: &NameToken) -> Vec<u64> {
    let (main, alternate) = double_metaphone(token);
    if main.is_empty() {
        return vec![joined(2, of_text(token.as_str()))];
    }
    let mut codes = vec![of_text(&main)];
    if alternate != main && !alternate.is_empty() {
        codes.push(of_text(&alternate));
    }
    codes
}

fn place_codes(list: &[PostalAddress]) -> PlaceCodes {
    let mut codes = PlaceCodes::default();
    for address in list {
        if let Some(postcode) = &address.postcode {
            let whole = of_text(&postcode.text());
            codes.postcodes.push(whole);
            codes
                .outwards
                .push(postcode.outward().map_or(whole, of_text));
        }
        codes.towns.extend(address.town.as_deref().map(of_text));
        codes.uprns.extend(address.uprn.as_deref().map(of_text));
        let number = address.number.as_ref().map(|number| u64::from(number.from));
        if let Some(number) = number {
            for word in address.street.iter().filter(|word| word.len() > 3).take(2) {
                codes.premises.push(joined(number, of_text(word)));
            }
        }
    }
    for codes in [
        &mut codes.postcodes,
        &mut codes.outwards,
        &mut codes.towns,
        &mut codes.uprns,
        &mut codes.premises,
    ] {
        codes.sort_unstable();
        codes.dedup();
    }
    codes
}
