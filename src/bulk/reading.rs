//! Rows to coded records. Names, addresses and contacts repeat, so that each
//! distinct text is standardised once and its result remembered by the hash of
//! the text (64 bits: two texts of five million share one in a run of a
//! million). What belongs to one record alone is standardised by record.

use std::collections::HashMap;
use std::hash::Hasher as _;

use rayon::prelude::*;

use crate::bulk::hashing::{FastHash, FastHasher};
use crate::bulk::records::{BulkRecords, Facts, SentRow};
use crate::identity::{
    BirthDate, NhsNumberClaim, OtherIdentifier, Sex, StandardDate, StandardRecord,
    StandardiseOptions, SubmittedAddress, SubmittedName, SubmittedRecord, standardise,
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

/// A row with the texts of one group alone.
const ALONE: [fn(&SubmittedRecord) -> SubmittedRecord; GROUPS] = [
    names_alone,
    life_alone,
    addresses_alone,
    phones_alone,
    emails_alone,
];

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
        let mut places = vec![[0; GROUPS]; rows.len()];
        for (group, alone) in ALONE.iter().enumerate() {
            let new = known.look_up(group, &hashes, &mut places);
            let read: Vec<StandardRecord> = new
                .par_iter()
                .map(|row| standardise(&alone(&rows[*row].record), options).0)
                .collect();
            for record in read {
                self.remember(&mut known, group, record);
            }
        }
        let rest: Vec<Rest> = rows
            .par_iter_mut()
            .zip(&places)
            .map(|(row, places)| {
                let names = known.names[places[NAMES] as usize];
                let life = &known.lives[places[LIFE] as usize];
                read_rest(&mut row.record, names, life, options)
            })
            .collect();
        for ((row, places), rest) in rows.iter().zip(&places).zip(rest) {
            self.push_read(row, *places, &known, rest);
        }
        self.remembered = known;
    }

    fn remember(&mut self, known: &mut Remembered, group: usize, record: StandardRecord) {
        match group {
            NAMES => known.names.push(ReadNames {
                list: self.names.code(record.names),
                birth_order: record.birth_order,
                newborn_placeholder: record.newborn_placeholder,
                unborn: record.unborn,
            }),
            LIFE => known.lives.push(self.life_of(record)),
            2 => known.lists[0].push(self.addresses.code(record.addresses)),
            3 => known.lists[1].push(self.phones.code(record.phones)),
            _ => known.lists[2].push(self.emails.code(record.emails)),
        }
    }

    fn life_of(&mut self, record: StandardRecord) -> ReadLife {
        ReadLife {
            birth_date: record.birth_date,
            gender: record.gender,
            birth_sex: record.birth_sex,
            birth_order: record.birth_order,
            practice: self
                .practices
                .code(record.gp_practice.into_iter().collect()),
            kept_as_text: !record.identifiers.is_empty(),
        }
    }

    fn push_read(&mut self, row: &SentRow, places: [u32; GROUPS], known: &Remembered, rest: Rest) {
        let names = known.names[places[NAMES] as usize];
        let life = match rest.whole {
            Some(whole) => self.life_of(*whole),
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
        self.ids.push(row.record_id.as_str().into());
        self.facts.push(facts);
    }
}

impl Remembered {
    /// Puts the place of each row's texts in `places`; gives the rows whose
    /// texts nobody had before, in the order of the places that they get.
    fn look_up(
        &mut self,
        group: usize,
        hashes: &[[u64; GROUPS]],
        places: &mut [[u32; GROUPS]],
    ) -> Vec<usize> {
        let known = &mut self.places[group];
        let mut new = Vec::new();
        for (row, (hashes, places)) in hashes.iter().zip(places).enumerate() {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            let place = *known.entry(hashes[group]).or_insert(next);
            if place == next {
                new.push(row);
            }
            places[group] = place;
        }
        new
    }
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
    let alone = SubmittedRecord {
        nhs_number: record.nhs_number.take(),
        nhs_number_status: record.nhs_number_status.take(),
        other_identifiers: std::mem::take(&mut record.other_identifiers),
        ..SubmittedRecord::default()
    };
    let read = standardise(&alone, options).0;
    Rest {
        nhs_number: read.nhs_number,
        identifiers: read.identifiers,
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

fn names_alone(record: &SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        title: record.title.clone(),
        given_names: record.given_names.clone(),
        family_name: record.family_name.clone(),
        aliases: record.aliases.clone(),
        ..SubmittedRecord::default()
    }
}

fn addresses_alone(record: &SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        addresses: record.addresses.clone(),
        ..SubmittedRecord::default()
    }
}

fn phones_alone(record: &SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        phones: record.phones.clone(),
        ..SubmittedRecord::default()
    }
}

fn emails_alone(record: &SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        emails: record.emails.clone(),
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
