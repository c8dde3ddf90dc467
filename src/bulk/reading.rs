//! Rows to coded records. Names, addresses and contacts repeat, so that each
//! distinct text is standardised once and its result remembered by the hash of
//! the text (64 bits: two texts of five million share one in a run of a
//! million). What belongs to one record alone is standardised by record.

use std::collections::HashMap;
use std::hash::Hasher as _;

use rayon::prelude::*;

use crate::bulk::hashing::{FastHash, FastHasher};
use crate::bulk::records::{BulkRecords, Facts, Hashed, SentRow};
use crate::identity::{
    BirthDate, Email, NhsNumberClaim, OtherIdentifier, PersonName, Phone, PostalAddress, Sex,
    StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress, SubmittedName,
    SubmittedRecord, standardise, standardise_identifiers,
};

/// What was read of texts that came before: for each group of texts the place
/// of what was read, by the hash of the texts.
#[derive(Default)]
pub(super) struct Remembered {
    places: [HashMap<u64, u32, FastHash>; GROUPS],
    names: Vec<ReadNames>,
    lives: Vec<ReadLife>,
    /// Numbers of lists of addresses, phones and e-mail addresses.
    lists: [Vec<u32>; 3],
}

/// What name fields say.
#[derive(Debug, Clone, Copy)]
struct ReadNames {
    list: u32,
    birth_order: Option<u8>,
    newborn_placeholder: bool,
    unborn: bool,
}

/// What birth date, sex, birth order and practice say.
#[derive(Debug, Clone, Copy)]
struct ReadLife {
    birth_date: Option<BirthDate>,
    gender: Option<Sex>,
    birth_sex: Option<Sex>,
    birth_order: Option<u8>,
    practice: u32,
    /// A date was sent that cannot be read.
    kept_as_text: bool,
}

/// Groups of texts that are read together.
const GROUPS: usize = 5;
const NAMES: usize = 0;
const LIFE: usize = 1;
/// Addresses, phones and e-mail addresses follow.
const LISTS: usize = 2;

/// What was read of the texts of a row that nobody had before.
#[derive(Default)]
struct NewTexts {
    names: Option<(Hashed<PersonName>, ReadNames)>,
    life: Option<NewLife>,
    addresses: Option<Hashed<PostalAddress>>,
    phones: Option<Hashed<Phone>>,
    emails: Option<Hashed<Email>>,
}

/// [`ReadLife`] before its practice has a number.
struct NewLife {
    life: ReadLife,
    practice: Option<String>,
}

/// What belongs to one row alone.
struct Rest {
    nhs_number: Option<NhsNumberClaim>,
    identifiers: Vec<OtherIdentifier>,
    /// The whole row, where its groups depend on each other.
    whole: Option<Box<StandardRecord>>,
}

impl BulkRecords {
    /// Standardises rows on all threads and takes them over, in their order.
    pub fn take(&mut self, mut rows: Vec<SentRow>, options: &StandardiseOptions) {
        let hashes: Vec<[u64; GROUPS]> = rows.par_iter().map(|row| hashes(&row.record)).collect();
        let mut known = std::mem::take(&mut self.remembered);
        let mut places = vec![Places::default(); rows.len()];
        for group in 0..GROUPS {
            known.look_up(group, &hashes, &mut places);
        }
        let new: Vec<NewTexts> = rows
            .par_iter_mut()
            .zip(&places)
            .map(|(row, places)| read_new(&mut row.record, places.new, options))
            .collect();
        for texts in new {
            self.remember(&mut known, texts);
        }
        let rest: Vec<Rest> = rows
            .par_iter_mut()
            .zip(&places)
            .map(|(row, places)| {
                let names = known.names[places.of[NAMES] as usize];
                let life = &known.lives[places.of[LIFE] as usize];
                read_rest(&mut row.record, names, life, options)
            })
            .collect();
        for ((row, places), rest) in rows.into_iter().zip(&places).zip(rest) {
            self.push_read(row, places.of, &known, rest);
        }
        self.remembered = known;
    }

    fn remember(&mut self, known: &mut Remembered, new: NewTexts) {
        if let Some((names, read)) = new.names {
            let list = self.names.code_of(names);
            known.names.push(ReadNames { list, ..read });
        }
        if let Some(new) = new.life {
            known.lives.push(self.life_of(new));
        }
        let [addresses, phones, emails] = &mut known.lists;
        addresses.extend(new.addresses.map(|list| self.addresses.code_of(list)));
        phones.extend(new.phones.map(|list| self.phones.code_of(list)));
        emails.extend(new.emails.map(|list| self.emails.code_of(list)));
    }

    fn life_of(&mut self, new: NewLife) -> ReadLife {
        ReadLife {
            practice: self.practices.code(new.practice.into_iter().collect()),
            ..new.life
        }
    }

    fn push_read(&mut self, row: SentRow, places: [u32; GROUPS], known: &Remembered, rest: Rest) {
        let names = known.names[places[NAMES] as usize];
        let life = match rest.whole {
            Some(whole) => self.life_of(NewLife::of(*whole)),
            None => known.lives[places[LIFE] as usize],
        };
        let list = |kind: usize| known.lists[kind][places[LISTS + kind] as usize];
        let facts = Facts {
            nhs_number: rest.nhs_number,
            birth_date: life.birth_date,
            gender: life.gender,
            birth_sex: life.birth_sex,
            birth_order: life.birth_order.or(names.birth_order),
            source: self.source_code(&row.source),
            newborn_placeholder: names.newborn_placeholder,
            unborn: names.unborn,
            names: names.list,
            addresses: list(0),
            phones: list(1),
            emails: list(2),
            identifiers: self.identifiers.code(rest.identifiers),
            practices: life.practice,
        };
        self.ids.push(&row.record_id);
        self.facts.push(facts);
    }
}

impl Remembered {
    /// Puts in `places` the place of each row's texts, and whether nobody had them
    /// before; new places are given in the order of rows.
    fn look_up(&mut self, group: usize, hashes: &[[u64; GROUPS]], places: &mut [Places]) {
        let known = &mut self.places[group];
        for (hashes, places) in hashes.iter().zip(places) {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            let place = *known.entry(hashes[group]).or_insert(next);
            places.new[group] = place == next;
            places.of[group] = place;
        }
    }
}

/// Places of a row's texts in what is remembered.
#[derive(Clone, Copy, Default)]
struct Places {
    of: [u32; GROUPS],
    /// The row is the first with these texts.
    new: [bool; GROUPS],
}

impl NewLife {
    fn of(record: StandardRecord) -> Self {
        Self {
            life: ReadLife {
                birth_date: record.birth_date,
                gender: record.gender,
                birth_sex: record.birth_sex,
                birth_order: record.birth_order,
                practice: 0,
                kept_as_text: !record.identifiers.is_empty(),
            },
            practice: record.gp_practice,
        }
    }
}

/// Reads the new texts of a row. Those that are remembered are taken out of it, but
/// for the names of an unborn child.
fn read_new(
    record: &mut SubmittedRecord,
    new: [bool; GROUPS],
    options: &StandardiseOptions,
) -> NewTexts {
    let mut texts = NewTexts::default();
    if new[LIFE] {
        let life = standardise(&life_alone(record), options).0;
        texts.life = Some(NewLife::of(life));
    }
    let [names, _, addresses, phones, emails] = new;
    if !(names || addresses || phones || emails) {
        return texts;
    }
    let mut sent = SubmittedRecord::default();
    if names {
        exchange_names(record, &mut sent);
    }
    if addresses {
        sent.addresses = std::mem::take(&mut record.addresses);
    }
    if phones {
        sent.phones = std::mem::take(&mut record.phones);
    }
    if emails {
        sent.emails = std::mem::take(&mut record.emails);
    }
    let read = standardise(&sent, options).0;
    if read.unborn {
        exchange_names(record, &mut sent);
    }
    texts.names = names.then(|| {
        let said = ReadNames {
            list: 0,
            birth_order: read.birth_order,
            newborn_placeholder: read.newborn_placeholder,
            unborn: read.unborn,
        };
        (Hashed::of(tight_names(read.names)), said)
    });
    texts.addresses = addresses.then(|| Hashed::of(tight_addresses(read.addresses)));
    texts.phones = phones.then(|| Hashed::of(read.phones));
    texts.emails = emails.then(|| Hashed::of(read.emails));
    texts
}

/// Lists that are kept have no room to grow: it was most of their memory.
fn tight_names(mut names: Vec<PersonName>) -> Vec<PersonName> {
    names.shrink_to_fit();
    for name in &mut names {
        name.given.shrink_to_fit();
        if let Some(family) = &mut name.family {
            family.parts.shrink_to_fit();
        }
    }
    names
}

fn tight_addresses(mut addresses: Vec<PostalAddress>) -> Vec<PostalAddress> {
    addresses.shrink_to_fit();
    for address in &mut addresses {
        address.street.shrink_to_fit();
    }
    addresses
}

fn exchange_names(a: &mut SubmittedRecord, b: &mut SubmittedRecord) {
    std::mem::swap(&mut a.title, &mut b.title);
    std::mem::swap(&mut a.given_names, &mut b.given_names);
    std::mem::swap(&mut a.family_name, &mut b.family_name);
    std::mem::swap(&mut a.aliases, &mut b.aliases);
}

/// Reads what belongs to a row alone. Where a date is beside an unborn child
/// (R57), after the event that the row speaks of, or kept as a text, the row is
/// read as a whole.
fn read_rest(
    record: &mut SubmittedRecord,
    names: ReadNames,
    life: &ReadLife,
    options: &StandardiseOptions,
) -> Rest {
    let may_be_after_event = || {
        let (Some(birth), Some(text)) = (life.birth_date, &record.effective_at) else {
            return false;
        };
        StandardDate::parse(text)
            .is_none_or(|event| birth.date.earliest_day() > event.earliest_day())
    };
    let depends = names.unborn || life.kept_as_text || may_be_after_event();
    if !names.unborn {
        forget_remembered(record);
    }
    if depends {
        let whole = standardise(record, options).0;
        return Rest {
            nhs_number: whole.nhs_number,
            identifiers: whole.identifiers.clone(),
            whole: Some(Box::new(StandardRecord {
                identifiers: Vec::new(),
                ..whole
            })),
        };
    }
    let (nhs_number, identifiers) = standardise_identifiers(record, options);
    Rest {
        nhs_number,
        identifiers,
        whole: None,
    }
}

fn life_alone(record: &SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        birth_date: record.birth_date.clone(),
        birth_date_estimated: record.birth_date_estimated,
        gender: record.gender.clone(),
        birth_sex: record.birth_sex.clone(),
        birth_order: record.birth_order.clone(),
        gp_practice: record.gp_practice.clone(),
        ..SubmittedRecord::default()
    }
}

fn forget_remembered(record: &mut SubmittedRecord) {
    record.title = None;
    record.given_names.clear();
    record.family_name = None;
    record.aliases.clear();
    record.addresses.clear();
    record.phones.clear();
    record.emails.clear();
}

fn hashes(record: &SubmittedRecord) -> [u64; GROUPS] {
    let mut names = FastHasher::default();
    option(&mut names, record.title.as_ref());
    list(&mut names, &record.given_names);
    option(&mut names, record.family_name.as_ref());
    for alias in &record.aliases {
        name(&mut names, alias);
    }
    let mut life = FastHasher::default();
    life.write_u8(record.birth_date_estimated.map_or(2, u8::from));
    for value in [
        &record.birth_date,
        &record.gender,
        &record.birth_sex,
        &record.birth_order,
        &record.gp_practice,
    ] {
        option(&mut life, value.as_ref());
    }
    let mut addresses = FastHasher::default();
    for sent in &record.addresses {
        address(&mut addresses, sent);
    }
    let mut phones = FastHasher::default();
    list(&mut phones, &record.phones);
    let mut emails = FastHasher::default();
    list(&mut emails, &record.emails);
    [names, life, addresses, phones, emails].map(|hasher| hasher.finish())
}

fn text(hasher: &mut FastHasher, text: &str) {
    hasher.write_usize(text.len());
    hasher.write(text.as_bytes());
}

fn option(hasher: &mut FastHasher, value: Option<&String>) {
    match value {
        Some(value) => text(hasher, value),
        None => hasher.write_usize(usize::MAX),
    }
}

fn list(hasher: &mut FastHasher, values: &[String]) {
    hasher.write_usize(values.len());
    for value in values {
        text(hasher, value);
    }
}

fn name(hasher: &mut FastHasher, name: &SubmittedName) {
    list(hasher, &name.given_names);
    option(hasher, name.family_name.as_ref());
    option(hasher, name.name_use.as_ref());
}

fn address(hasher: &mut FastHasher, address: &SubmittedAddress) {
    list(hasher, &address.lines);
    for value in [
        &address.address_use,
        &address.town,
        &address.postcode,
        &address.uprn,
        &address.from,
        &address.to,
    ] {
        option(hasher, value.as_ref());
    }
}
