//! Rows to coded records. Names, addresses and contacts repeat, so that each
//! distinct text is standardised once and its result remembered by the hash of
//! the text (64 bits: two texts of five million share one in a run of a
//! million). What belongs to one record alone is standardised by record.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher as _;

use rayon::prelude::*;

use crate::bulk::hashing::{FastHash, FastHasher};
use crate::bulk::records::{BulkRecords, Facts, Lists, SentRow};
use crate::identity::{
    StandardRecord, StandardiseOptions, SubmittedAddress, SubmittedName, SubmittedRecord,
    standardise,
};

/// What was read of texts that came before.
#[derive(Default)]
pub(super) struct Remembered {
    names: HashMap<u64, ReadNames, FastHash>,
    addresses: HashMap<u64, u32, FastHash>,
    phones: HashMap<u64, u32, FastHash>,
    emails: HashMap<u64, u32, FastHash>,
}

/// What name fields say.
#[derive(Debug, Clone, Copy)]
struct ReadNames {
    list: u32,
    birth_order: Option<u8>,
    newborn_placeholder: bool,
    unborn: bool,
}

/// Hashes of a row's groups of texts.
struct Hashes {
    names: u64,
    addresses: u64,
    phones: u64,
    emails: u64,
}

impl BulkRecords {
    /// Standardises rows on all threads and takes them over, in their order.
    pub fn take(&mut self, mut rows: Vec<SentRow>, options: &StandardiseOptions) {
        let hashes: Vec<Hashes> = rows.par_iter().map(|row| Hashes::of(&row.record)).collect();
        let mut known = std::mem::take(&mut self.remembered);
        let read = |wanted: &[usize], part: fn(&SubmittedRecord) -> SubmittedRecord| {
            wanted
                .par_iter()
                .map(|row| standardise(&part(&rows[*row].record), options).0)
                .collect::<Vec<StandardRecord>>()
        };
        let new = unknown(&known.names, hashes.iter().map(|hash| hash.names));
        for (row, record) in new.iter().zip(read(&new, names_alone)) {
            let names = ReadNames {
                list: self.names.code(record.names),
                birth_order: record.birth_order,
                newborn_placeholder: record.newborn_placeholder,
                unborn: record.unborn,
            };
            known.names.insert(hashes[*row].names, names);
        }
        let new = unknown(&known.addresses, hashes.iter().map(|hash| hash.addresses));
        for (row, record) in new.iter().zip(read(&new, addresses_alone)) {
            let list = self.addresses.code(record.addresses);
            known.addresses.insert(hashes[*row].addresses, list);
        }
        let new = unknown(&known.phones, hashes.iter().map(|hash| hash.phones));
        for (row, record) in new.iter().zip(read(&new, phones_alone)) {
            let list = self.phones.code(record.phones);
            known.phones.insert(hashes[*row].phones, list);
        }
        let new = unknown(&known.emails, hashes.iter().map(|hash| hash.emails));
        for (row, record) in new.iter().zip(read(&new, emails_alone)) {
            let list = self.emails.code(record.emails);
            known.emails.insert(hashes[*row].emails, list);
        }
        let rest: Vec<StandardRecord> = rows
            .par_iter_mut()
            .zip(&hashes)
            .map(|(row, hash)| {
                // A date beside an unborn child is none of birth (R57).
                if !known.names[&hash.names].unborn {
                    forget_remembered(&mut row.record);
                }
                standardise(&row.record, options).0
            })
            .collect();
        for ((row, hash), record) in rows.iter().zip(&hashes).zip(rest) {
            self.push_read(row, hash, &known, record);
        }
        self.remembered = known;
    }

    fn push_read(
        &mut self,
        row: &SentRow,
        hash: &Hashes,
        known: &Remembered,
        rest: StandardRecord,
    ) {
        let names = known.names[&hash.names];
        let facts = Facts {
            nhs_number: rest.nhs_number,
            birth_date: rest.birth_date,
            gender: rest.gender,
            birth_sex: rest.birth_sex,
            birth_order: rest.birth_order.or(names.birth_order),
            source: self.source_code(&row.source),
            newborn_placeholder: names.newborn_placeholder,
            unborn: names.unborn,
        };
        self.ids.push(row.record_id.as_str().into());
        self.facts.push(facts);
        self.names.codes.push(names.list);
        self.addresses.codes.push(known.addresses[&hash.addresses]);
        self.phones.codes.push(known.phones[&hash.phones]);
        self.emails.codes.push(known.emails[&hash.emails]);
        push(&mut self.identifiers, rest.identifiers);
        push(&mut self.practices, rest.gp_practice.into_iter().collect());
    }
}

fn push<T: Clone + Eq + std::hash::Hash>(lists: &mut Lists<T>, list: Vec<T>) {
    let code = lists.code(list);
    lists.codes.push(code);
}

/// Places of the first rows of hashes that nobody remembers.
fn unknown<T>(known: &HashMap<u64, T, FastHash>, hashes: impl Iterator<Item = u64>) -> Vec<usize> {
    let mut seen: HashSet<u64, FastHash> = HashSet::default();
    hashes
        .enumerate()
        .filter(|(_, hash)| !known.contains_key(hash) && seen.insert(*hash))
        .map(|(row, _)| row)
        .collect()
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

impl Hashes {
    fn of(record: &SubmittedRecord) -> Self {
        let mut names = FastHasher::default();
        option(&mut names, record.title.as_ref());
        list(&mut names, &record.given_names);
        option(&mut names, record.family_name.as_ref());
        for alias in &record.aliases {
            name(&mut names, alias);
        }
        let mut addresses = FastHasher::default();
        for sent in &record.addresses {
            address(&mut addresses, sent);
        }
        let mut phones = FastHasher::default();
        list(&mut phones, &record.phones);
        let mut emails = FastHasher::default();
        list(&mut emails, &record.emails);
        Self {
            names: names.finish(),
            addresses: addresses.finish(),
            phones: phones.finish(),
            emails: emails.finish(),
        }
    }
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
