//! Comparison of two records with the bits of [`LinkageModel::compare`]. Most of
//! it needs only their briefs and what is known of words and lists by number;
//! the values themselves, which lie scattered, are asked for the rest.

use rayon::prelude::*;

use crate::bulk::address_memo::{AddressLevels, AddressMemo, ListPair};
use crate::bulk::briefs::{Brief, Has, may_be_one_slip, phone_digits};
use crate::bulk::records::BulkRecords;
use crate::bulk::shapes::{Shape, ShapeKind};
use crate::bulk::words::Glance;
use crate::identity::{BirthDate, PostalAddress};
use crate::matching::levels::{
    AddressComparison, AddressLevel, Comparison, EmailLevel, KnownFamily, Level as _, MiddleNames,
    NameComparison, NameShare, NumberPair, Outcome, PhoneLevel, PostcodeLevel, TownLevel,
};
use crate::matching::{ComparedFields, ComparisonVector, LinkageModel};

/// Compares the records of a run by a model.
pub(super) struct Comparer<'r> {
    pub(super) records: &'r BulkRecords,
    pub(super) model: &'r LinkageModel,
    briefs: &'r [Brief],
    /// By word: how common it is as a given and as a family name.
    shares: Vec<(NameShare, NameShare)>,
    /// By list: the levels of its only address with itself.
    same_address: Vec<Option<AddressLevels>>,
    /// The levels of two only addresses.
    memo: AddressMemo,
    /// By list: the digits of an only phone.
    digits: Vec<u64>,
}

impl<'r> Comparer<'r> {
    pub(super) fn new(
        records: &'r BulkRecords,
        model: &'r LinkageModel,
        briefs: &'r [Brief],
    ) -> Self {
        let tokens = records.words.tokens().par_iter();
        let addresses = records.addresses.values.par_iter();
        Self {
            records,
            model,
            briefs,
            shares: tokens
                .map(|token| (model.given_share(token), model.family_share(token)))
                .collect(),
            same_address: addresses.map(|list| same_address(model, list)).collect(),
            memo: AddressMemo::new(records.addresses.values.len()),
            digits: phone_digits(records),
        }
    }

    /// What every field of two records says.
    pub(super) fn compare(&self, a: u32, b: u32) -> ComparisonVector {
        let (x, y) = (&self.briefs[a as usize], &self.briefs[b as usize]);
        let (records, model) = (self.records, self.model);
        let facts = |record: u32| &records.facts[record as usize];
        let born = (self.born(a, x), self.born(b, y));
        let fields = ComparedFields {
            nhs_number: self.numbers(x, y),
            names: self.names(a, b, x, y),
            birth_date: model.compare_birth_dates(born.0.as_ref(), born.1.as_ref()),
            sex: model.compare_stated_sexes(x.sexes(), y.sexes()),
            addresses: self.addresses(x, y),
            phone: self.phones(x, y),
            email: self.emails(x, y),
            other_identifier: if x.both_have(y, Has::Identifiers) {
                let list = |record: u32| records.identifiers.at(facts(record).identifiers);
                model.compare_identifiers(list(a), list(b))
            } else {
                model.compare_identifiers(&[], &[])
            },
            gp_practice: if x.both_have(y, Has::Practice) {
                let practice = |record: u32| records.practice(facts(record));
                model.compare_gp_practices(practice(a), practice(b))
            } else {
                model.compare_gp_practices(None, None)
            },
            birth_order: if x.both_have(y, Has::BirthOrder) {
                model.compare_birth_orders(facts(a).birth_order, facts(b).birth_order)
            } else {
                model.compare_birth_orders(None, None)
            },
        };
        let may_change = model.may_change_names(x.sexes().0, born.0.as_ref())
            && model.may_change_names(y.sexes().0, born.1.as_ref());
        model.assemble(&fields, may_change)
    }

    fn born(&self, record: u32, brief: &Brief) -> Option<BirthDate> {
        if brief.has(Has::OddDate) {
            self.records.facts[record as usize].birth_date
        } else {
            brief.birth_date()
        }
    }

    fn numbers(&self, x: &Brief, y: &Brief) -> Outcome {
        if x.number == 0 || y.number == 0 {
            return self.model.compare_nhs_numbers(None, None);
        }
        self.model.weigh_nhs_numbers(NumberPair {
            same: x.number == y.number,
            same_namespace: x.namespace == y.namespace,
            suspect: x.either_has(y, Has::SuspectNumber),
            verified: x.both_have(y, Has::VerifiedNumber),
        })
    }

    /// Those that plainly agree or plainly differ need no look at their letters.
    fn names(&self, a: u32, b: u32, x: &Brief, y: &Brief) -> NameComparison {
        let (records, model) = (self.records, self.model);
        let plain = x.shape.kind == ShapeKind::Plain && y.shape.kind == ShapeKind::Plain;
        if let Some(seen) = plain
            .then(|| records.words.glance(&x.shape, &y.shape))
            .flatten()
        {
            let closer = records.words.closer(seen, &x.shape, &y.shape);
            let seen = closer.unwrap_or(seen);
            let (first, family) = x.shape.firsts();
            let given = match seen.given {
                Glance::Same => Some(Some(self.shares[first as usize].0)),
                Glance::Differs => Some(None),
                Glance::Like | Glance::Open | Glance::Missing => None,
            };
            let family = match seen.family {
                Glance::Same => Some(KnownFamily::Same(self.shares[family as usize].1)),
                Glance::Differs if seen.one_generic => Some(KnownFamily::OneGeneric),
                Glance::Differs => Some(KnownFamily::Differs),
                Glance::Like | Glance::Open | Glance::Missing => None,
            };
            if let (Some(given), Some(family)) = (given, family)
                && let Some(middle) = self.middle(seen.middle, &x.shape, &y.shape)
            {
                return model.known_names(given, family, middle);
            }
        }
        let names = |record: u32| records.names.at(records.facts[record as usize].names);
        model.compare_names(names(a), names(b))
    }

    /// The further given names of plain namings; `None` where their letters must
    /// be compared.
    fn middle(&self, seen: Option<Glance>, x: &Shape, y: &Shape) -> Option<MiddleNames> {
        let words = &self.records.words;
        let (a, b) = (&x.givens()[1..], &y.givens()[1..]);
        let (Some(first), Some(other)) = (a.first(), b.first()) else {
            return Some(MiddleNames::Missing);
        };
        let shared = a
            .iter()
            .filter(|word| words.is_whole(**word) && b.contains(word))
            .map(|word| self.shares[*word as usize].0)
            .reduce(NameShare::rarer);
        if let Some(rarest) = shared {
            return Some(MiddleNames::Shared(rarest));
        }
        let initial = !words.is_whole(*first) || !words.is_whole(*other);
        match (initial, seen) {
            (_, Some(Glance::Differs)) => Some(MiddleNames::Differ),
            (true, _) => Some(MiddleNames::InitialFits),
            (false, _) => None,
        }
    }

    fn addresses(&self, x: &Brief, y: &Brief) -> AddressComparison {
        let (model, lists) = (self.model, &self.records.addresses);
        let only = |list: u32| self.same_address[list as usize];
        let (Some(same), Some(_)) = (only(x.addresses), only(y.addresses)) else {
            return model.compare_addresses(lists.at(x.addresses), lists.at(y.addresses));
        };
        if x.addresses == y.addresses {
            return self.at_levels(same);
        }
        let pair = ListPair::of(x.addresses, y.addresses);
        if let Some(known) = pair.and_then(|pair| self.memo.find(pair)) {
            return self.at_levels(known);
        }
        let found = model.compare_addresses(lists.at(x.addresses), lists.at(y.addresses));
        if let Some(pair) = pair {
            self.memo.keep(pair, levels_of(&found));
        }
        found
    }

    fn at_levels(&self, levels: AddressLevels) -> AddressComparison {
        let (model, at) = (self.model, levels);
        AddressComparison {
            postcode: model.outcome(Comparison::Postcode, PostcodeLevel::at(at.postcode)),
            address: model.outcome(Comparison::Address, AddressLevel::at(at.address)),
            town: model.outcome(Comparison::Town, TownLevel::at(at.town)),
        }
    }

    fn phones(&self, x: &Brief, y: &Brief) -> Outcome {
        let (model, lists) = (self.model, &self.records.phones);
        if x.phones == 0 || y.phones == 0 {
            return model.compare_phones(&[], &[]);
        }
        if x.phones == y.phones && !x.has(Has::SeveralPhones) {
            return model.outcome(Comparison::Phone, PhoneLevel::Same);
        }
        let digits = |list: u32| self.digits[list as usize];
        if !may_be_one_slip(digits(x.phones), digits(y.phones)) {
            return model.outcome(Comparison::Phone, PhoneLevel::Different);
        }
        model.compare_phones(lists.at(x.phones), lists.at(y.phones))
    }

    fn emails(&self, x: &Brief, y: &Brief) -> Outcome {
        let (model, lists) = (self.model, &self.records.emails);
        if x.emails == 0 || y.emails == 0 {
            return model.compare_emails(&[], &[]);
        }
        if x.emails == y.emails && !x.has(Has::SeveralEmails) {
            return model.outcome(Comparison::Email, EmailLevel::Same);
        }
        model.compare_emails(lists.at(x.emails), lists.at(y.emails))
    }
}

fn same_address(model: &LinkageModel, list: &[PostalAddress]) -> Option<AddressLevels> {
    let [_] = list else { return None };
    Some(levels_of(&model.compare_addresses(list, list)))
}

fn levels_of(found: &AddressComparison) -> AddressLevels {
    AddressLevels {
        postcode: found.postcode.level,
        address: found.address.level,
        town: found.town.level,
    }
}
