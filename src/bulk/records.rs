//! Records of whole files, coded: every distinct list of names, addresses and
//! contacts is kept once, and a record holds the numbers of its lists beside
//! its single values, in one piece of memory.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher as _};

use crate::bulk::hashing::{FastHash, FastHasher, mixed};
use crate::bulk::ids::Ids;
use crate::bulk::reading::Remembered;
use crate::bulk::words::Words;
use crate::identity::{
    BirthDate, Email, NhsNumberClaim, OtherIdentifier, PersonName, Phone, PostalAddress, Sex,
    StandardRecord, SubmittedRecord,
};
use crate::matching::{Explanation, LinkageModel};

/// Lists of one kind, each kept once. List 0 is the empty one.
pub(super) struct Lists<T> {
    /// The distinct lists.
    pub(super) values: Vec<Vec<T>>,
    /// By the hash of a list; of lists that share one, each by the next hash.
    known: HashMap<u64, u32, FastHash>,
    /// Numbers of lists with more than one value.
    several: HashSet<u32, FastHash>,
}

impl<T: Eq + Hash> Default for Lists<T> {
    fn default() -> Self {
        Self {
            values: vec![Vec::new()],
            known: HashMap::default(),
            several: HashSet::default(),
        }
    }
}

impl<T: Eq + Hash> Lists<T> {
    /// The number of a list, a new one where nobody had it.
    pub(super) fn code(&mut self, list: Vec<T>) -> u32 {
        self.code_of(Hashed::of(list))
    }

    /// The same of a list whose hash is known.
    pub(super) fn code_of(&mut self, Hashed { list, mut hash }: Hashed<T>) -> u32 {
        if list.is_empty() {
            return 0;
        }
        while let Some(code) = self.known.get(&hash) {
            if self.values[*code as usize] == list {
                return *code;
            }
            hash = mixed(hash ^ 1);
        }
        let code = u32::try_from(self.values.len()).expect("invariant: fewer lists than records");
        self.known.insert(hash, code);
        if list.len() > 1 {
            self.several.insert(code);
        }
        self.values.push(list);
        code
    }

    /// The list of a number.
    pub(super) fn at(&self, code: u32) -> &[T] {
        &self.values[code as usize]
    }

    /// Whether a list has more than one value.
    pub(super) fn has_several(&self, code: u32) -> bool {
        self.several.contains(&code)
    }

    /// Lists will come again: those that are there are known anew.
    pub(super) fn reopen(&mut self) {
        for (list, code) in self.values.iter().zip(0..).skip(1) {
            let mut hash = hash_of(list);
            while self.known.contains_key(&hash) {
                hash = mixed(hash ^ 1);
            }
            self.known.insert(hash, code);
        }
    }

    /// No list will come any more.
    pub(super) fn close(&mut self) {
        self.known = HashMap::default();
        self.values.shrink_to_fit();
    }
}

/// A list with its hash, which any thread may make.
pub(super) struct Hashed<T> {
    list: Vec<T>,
    hash: u64,
}

impl<T: Hash> Hashed<T> {
    pub(super) fn of(list: Vec<T>) -> Self {
        let hash = hash_of(&list);
        Self { list, hash }
    }
}

fn hash_of<T: Hash>(list: &[T]) -> u64 {
    let mut hasher = FastHasher::default();
    list.hash(&mut hasher);
    hasher.finish()
}

/// What a record says in a single value, and the numbers of its lists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Facts {
    pub(super) nhs_number: Option<NhsNumberClaim>,
    pub(super) birth_date: Option<BirthDate>,
    pub(super) gender: Option<Sex>,
    pub(super) birth_sex: Option<Sex>,
    pub(super) birth_order: Option<u8>,
    pub(super) source: u32,
    pub(super) newborn_placeholder: bool,
    pub(super) unborn: bool,
    pub(super) names: u32,
    pub(super) addresses: u32,
    pub(super) phones: u32,
    pub(super) emails: u32,
    pub(super) identifiers: u32,
    pub(super) practices: u32,
}

/// A row as it was sent.
pub struct SentRow {
    /// Its id.
    pub record_id: String,
    /// Its source; empty where nobody said.
    pub source: String,
    /// What it says.
    pub record: SubmittedRecord,
}

/// All records of a run, in the order of their ids once they are sealed.
#[derive(Default)]
pub struct BulkRecords {
    pub(super) ids: Ids,
    pub(super) facts: Vec<Facts>,
    pub(super) names: Lists<PersonName>,
    pub(super) addresses: Lists<PostalAddress>,
    pub(super) phones: Lists<Phone>,
    pub(super) emails: Lists<Email>,
    pub(super) identifiers: Lists<OtherIdentifier>,
    pub(super) practices: Lists<String>,
    pub(super) sources: Vec<String>,
    pub(super) remembered: Remembered,
    pub(super) words: Words,
}

impl BulkRecords {
    pub(super) fn source_code(&mut self, source: &str) -> u32 {
        let place = self.sources.iter().position(|known| known == source);
        let place = place.unwrap_or_else(|| {
            self.sources.push(source.to_owned());
            self.sources.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, records: usize) {
        self.facts.reserve(records);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The id of a record.
    #[must_use]
    pub fn id(&self, record: u32) -> &str {
        self.ids.at(record)
    }

    /// The record of this id, once they are sealed.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        self.ids.find(id)
    }

    /// Puts records in the order of their ids, so that the order of input is
    /// nothing. Gives the places (of input) of records whose id occurs twice.
    pub fn seal(&mut self) -> Vec<(usize, usize)> {
        self.remembered = Remembered::default();
        let order = self.ids.order();
        let twice = order
            .windows(2)
            .filter(|two| self.ids.at(two[0]) == self.ids.at(two[1]))
            .map(|two| (two[0] as usize, two[1] as usize))
            .collect();
        self.ids = self.ids.in_order(&order);
        self.facts = order.iter().map(|old| self.facts[*old as usize]).collect();
        self.words = Words::of(&self.names.values);
        self.names.close();
        self.addresses.close();
        self.phones.close();
        self.emails.close();
        self.identifiers.close();
        self.practices.close();
        twice
    }

    /// A record as it was standardised, as far as decisions read it.
    #[must_use]
    pub fn standard(&self, record: u32) -> StandardRecord {
        let facts = &self.facts[record as usize];
        StandardRecord {
            nhs_number: facts.nhs_number,
            names: self.names.at(facts.names).to_vec(),
            birth_date: facts.birth_date,
            gender: facts.gender,
            birth_sex: facts.birth_sex,
            addresses: self.addresses.at(facts.addresses).to_vec(),
            phones: self.phones.at(facts.phones).to_vec(),
            emails: self.emails.at(facts.emails).to_vec(),
            identifiers: self.identifiers.at(facts.identifiers).to_vec(),
            birth_order: facts.birth_order,
            newborn_placeholder: facts.newborn_placeholder,
            unborn: facts.unborn,
            gp_practice: self.practices.at(facts.practices).first().cloned(),
            ..StandardRecord::default()
        }
    }

    /// The waterfall of two records alone (R74).
    #[must_use]
    pub fn explain(&self, model: &LinkageModel, a: u32, b: u32) -> Explanation {
        model.explain(&self.standard(a), &[&self.standard(b)])
    }

    /// The general practice that a record names.
    pub(super) fn practice(&self, facts: &Facts) -> Option<&str> {
        self.practices
            .at(facts.practices)
            .first()
            .map(String::as_str)
    }
}
