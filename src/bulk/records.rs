//! Records of whole files, coded: every distinct list of names, addresses and
//! contacts is kept once, and a record holds the numbers of its lists.

use std::collections::HashMap;
use std::hash::Hash;

use crate::bulk::hashing::FastHash;
use crate::bulk::reading::Remembered;
use crate::identity::{
    BirthDate, Email, NhsNumberClaim, OtherIdentifier, PersonName, Phone, PostalAddress, Sex,
    StandardRecord, SubmittedRecord,
};
use crate::matching::{ComparedFields, ComparisonVector, LinkageModel};

/// Lists of one kind, each kept once, and which list each record has. List 0
/// is the empty one.
pub(super) struct Lists<T> {
    /// The distinct lists.
    pub(super) values: Vec<Vec<T>>,
    /// By record.
    pub(super) codes: Vec<u32>,
    known: HashMap<Vec<T>, u32, FastHash>,
}

impl<T: Clone + Eq + Hash> Lists<T> {
    fn new() -> Self {
        Self {
            values: vec![Vec::new()],
            codes: Vec::new(),
            known: HashMap::default(),
        }
    }

    /// The number of a list, a new one where nobody had it.
    pub(super) fn code(&mut self, list: Vec<T>) -> u32 {
        if list.is_empty() {
            return 0;
        }
        if let Some(code) = self.known.get(&list) {
            return *code;
        }
        let code = u32::try_from(self.values.len()).expect("invariant: fewer lists than records");
        self.known.insert(list.clone(), code);
        self.values.push(list);
        code
    }

    /// The list of a record.
    pub(super) fn of(&self, record: u32) -> &[T] {
        &self.values[self.codes[record as usize] as usize]
    }

    fn permute(&mut self, order: &[u32]) {
        self.known = HashMap::default();
        self.codes = order.iter().map(|old| self.codes[*old as usize]).collect();
    }
}

/// What a record says in a single value.
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
pub struct BulkRecords {
    pub(super) ids: Vec<Box<str>>,
    pub(super) facts: Vec<Facts>,
    pub(super) names: Lists<PersonName>,
    pub(super) addresses: Lists<PostalAddress>,
    pub(super) phones: Lists<Phone>,
    pub(super) emails: Lists<Email>,
    pub(super) identifiers: Lists<OtherIdentifier>,
    pub(super) practices: Lists<String>,
    pub(super) sources: Vec<String>,
    pub(super) remembered: Remembered,
}

impl Default for BulkRecords {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            facts: Vec::new(),
            names: Lists::new(),
            addresses: Lists::new(),
            phones: Lists::new(),
            emails: Lists::new(),
            identifiers: Lists::new(),
            practices: Lists::new(),
            sources: Vec::new(),
            remembered: Remembered::default(),
        }
    }
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

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The id of a record.
    #[must_use]
    pub fn id(&self, record: u32) -> &str {
        &self.ids[record as usize]
    }

    /// Puts records in the order of their ids, so that the order of input is
    /// nothing. Gives the places (of input) of records whose id occurs twice.
    pub fn seal(&mut self) -> Vec<(usize, usize)> {
        self.remembered = Remembered::default();
        let count = u32::try_from(self.len()).expect("invariant: fewer than 2^32 records");
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_by(|a, b| {
            self.ids[*a as usize]
                .cmp(&self.ids[*b as usize])
                .then(a.cmp(b))
        });
        let twice = order
            .windows(2)
            .filter(|two| self.ids[two[0] as usize] == self.ids[two[1] as usize])
            .map(|two| (two[0] as usize, two[1] as usize))
            .collect();
        let ids = std::mem::take(&mut self.ids);
        let mut ids: Vec<Option<Box<str>>> = ids.into_iter().map(Some).collect();
        self.ids = order
            .iter()
            .filter_map(|old| ids[*old as usize].take())
            .collect();
        self.facts = order.iter().map(|old| self.facts[*old as usize]).collect();
        self.names.permute(&order);
        self.addresses.permute(&order);
        self.phones.permute(&order);
        self.emails.permute(&order);
        self.identifiers.permute(&order);
        self.practices.permute(&order);
        twice
    }

    /// A record as it was standardised, as far as decisions read it.
    pub(super) fn standard(&self, record: u32) -> StandardRecord {
        let facts = &self.facts[record as usize];
        StandardRecord {
            nhs_number: facts.nhs_number,
            names: self.names.of(record).to_vec(),
            birth_date: facts.birth_date,
            gender: facts.gender,
            birth_sex: facts.birth_sex,
            addresses: self.addresses.of(record).to_vec(),
            phones: self.phones.of(record).to_vec(),
            emails: self.emails.of(record).to_vec(),
            identifiers: self.identifiers.of(record).to_vec(),
            birth_order: facts.birth_order,
            newborn_placeholder: facts.newborn_placeholder,
            unborn: facts.unborn,
            gp_practice: self.practices.of(record).first().cloned(),
            ..StandardRecord::default()
        }
    }

    /// Compares two records, with the bits of [`LinkageModel::compare`].
    pub(super) fn compare(&self, model: &LinkageModel, a: u32, b: u32) -> ComparisonVector {
        let (x, y) = (&self.facts[a as usize], &self.facts[b as usize]);
        let fields = ComparedFields {
            nhs_number: model.compare_nhs_numbers(x.nhs_number.as_ref(), y.nhs_number.as_ref()),
            names: model.compare_names(self.names.of(a), self.names.of(b)),
            birth_date: model.compare_birth_dates(x.birth_date.as_ref(), y.birth_date.as_ref()),
            sex: model.compare_stated_sexes((x.gender, x.birth_sex), (y.gender, y.birth_sex)),
            addresses: model.compare_addresses(self.addresses.of(a), self.addresses.of(b)),
            phone: model.compare_phones(self.phones.of(a), self.phones.of(b)),
            email: model.compare_emails(self.emails.of(a), self.emails.of(b)),
            other_identifier: model
                .compare_identifiers(self.identifiers.of(a), self.identifiers.of(b)),
            gp_practice: model.compare_gp_practices(
                self.practices.of(a).first().map(String::as_str),
                self.practices.of(b).first().map(String::as_str),
            ),
            birth_order: model.compare_birth_orders(x.birth_order, y.birth_order),
        };
        let may_change = model.may_change_names(x.gender, x.birth_date.as_ref())
            && model.may_change_names(y.gender, y.birth_date.as_ref());
        model.assemble(&fields, may_change)
    }
}
