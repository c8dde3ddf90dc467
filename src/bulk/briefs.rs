//! Records in brief: one line of memory each, with what shows at a glance that
//! two of them cannot be one person. The briefs of a block lie together while
//! its pairs are looked at.

use rayon::prelude::*;

use crate::bulk::blocks::{Met, RuleBits};
use crate::bulk::records::{BulkRecords, Facts};
use crate::bulk::shapes::{Shape, ShapeKind};
use crate::identity::{BirthDate, NumberStatus, Phone, PostalAddress, Postcode, Sex, StandardDate};

/// A record in brief. In numbers 0 is no value.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Brief {
    /// NHS number without its check digit, which follows from the others.
    pub(super) number: u32,
    /// A whole birth date: year, month, day.
    pub(super) date: u32,
    /// Number of the list.
    pub(super) phones: u32,
    /// Number of the list.
    pub(super) emails: u32,
    /// The only address's UK postcode: four bytes outward, three inward.
    pub(super) postcode: u64,
    /// The words of the name.
    pub(super) shape: Shape,
    /// Number of the list.
    pub(super) addresses: u32,
    /// What it has; in the lower bits the narrow rules in whose blocks it meets
    /// everybody.
    marks: u32,
    /// The only address's house number, where no flat or range plays a part.
    pub(super) house: u16,
    /// Gender and birth sex, two bits each; 0 is nothing.
    sexes: u8,
    /// Who issued the number.
    pub(super) namespace: u8,
}

const _: () = assert!(size_of::<Brief>() == 64);

/// Rules that are told apart: those before the broad ones.
pub(super) const NARROW: RuleBits = (1 << 20) - 1;

/// What a record is or has, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Has {
    VerifiedNumber = 1 << 20,
    SuspectNumber = 1 << 21,
    SeveralPhones = 1 << 22,
    SeveralEmails = 1 << 23,
    Identifiers = 1 << 24,
    Practice = 1 << 25,
    Address = 1 << 26,
    /// A birth date that is not whole or not reliable.
    OddDate = 1 << 27,
    BirthOrder = 1 << 28,
    /// The given name is more than an initial.
    WholeGiven = 1 << 29,
    /// The family name is more than an initial.
    WholeFamily = 1 << 30,
    /// It lacks a field.
    Lacks = 1 << 31,
}

/// Briefs of all records.
pub(super) fn briefs(records: &BulkRecords, met: &Met) -> Vec<Brief> {
    let facts = records.facts.par_iter();
    facts
        .zip(&met.whole)
        .zip(&met.lacking)
        .map(|((facts, whole), lacking)| Brief::of(records, facts, *whole, *lacking))
        .collect()
}

impl Brief {
    fn of(records: &BulkRecords, facts: &Facts, whole: RuleBits, lacks: bool) -> Self {
        let shape = *records.words.shape_of(facts.names);
        let claim = facts.nhs_number;
        let date = facts.birth_date.map_or(0, whole_date);
        let (postcode, house) = match records.addresses.at(facts.addresses) {
            [only] => (postcode_of(only), house_of(only)),
            _ => (0, 0),
        };
        let status = |is: fn(NumberStatus) -> bool| claim.is_some_and(|claim| is(claim.status));
        let is_whole = |word| shape.kind == ShapeKind::Plain && records.words.is_whole(word);
        let flags = [
            (status(NumberStatus::is_verified), Has::VerifiedNumber),
            (status(NumberStatus::is_suspect), Has::SuspectNumber),
            (records.phones.has_several(facts.phones), Has::SeveralPhones),
            (records.emails.has_several(facts.emails), Has::SeveralEmails),
            (facts.identifiers != 0, Has::Identifiers),
            (facts.practices != 0, Has::Practice),
            (facts.addresses != 0, Has::Address),
            (facts.birth_date.is_some() && date == 0, Has::OddDate),
            (facts.birth_order.is_some(), Has::BirthOrder),
            (is_whole(shape.firsts().0), Has::WholeGiven),
            (is_whole(shape.firsts().1), Has::WholeFamily),
            (lacks, Has::Lacks),
        ];
        Self {
            number: claim.map_or(0, |claim| number_of(u64::from(claim.number))),
            date,
            phones: facts.phones,
            emails: facts.emails,
            postcode,
            shape,
            house,
            addresses: facts.addresses,
            marks: flags
                .into_iter()
                .filter(|(holds, _)| *holds)
                .fold(whole & NARROW, |marks, (_, has)| marks | has as u32),
            sexes: sex_bits(facts.gender) | sex_bits(facts.birth_sex) << 2,
            namespace: claim.map_or(0, |claim| claim.number.namespace() as u8),
        }
    }

    pub(super) const fn has(&self, what: Has) -> bool {
        self.marks & what as u32 != 0
    }

    /// Of either record.
    pub(super) const fn either_has(&self, other: &Self, what: Has) -> bool {
        (self.marks | other.marks) & what as u32 != 0
    }

    /// Of both records.
    pub(super) const fn both_have(&self, other: &Self, what: Has) -> bool {
        self.marks & other.marks & what as u32 != 0
    }

    /// Rules in whose blocks both meet everybody.
    pub(super) const fn whole_in(&self, other: &Self) -> RuleBits {
        self.marks & other.marks & NARROW
    }

    /// A birth date that is whole.
    pub(super) fn birth_date(&self) -> Option<BirthDate> {
        let [high, low, month, day] = self.date.to_be_bytes();
        let year = i16::from_be_bytes([high, low]);
        let date = StandardDate::from_parts(year, Some(month), Some(day))?;
        Some(BirthDate {
            date,
            year_only: false,
        })
    }

    /// Gender and birth sex.
    pub(super) const fn sexes(&self) -> (Option<Sex>, Option<Sex>) {
        (sex_of(self.sexes & 3), sex_of(self.sexes >> 2))
    }

    /// Whether the sexes are equal, as the comparison takes them (R60); `None`
    /// where they cannot be compared.
    pub(super) const fn same_sex(&self, other: &Self) -> Option<bool> {
        let (a, b) = (self.sexes & 3, other.sexes & 3);
        if a != 0 && b != 0 {
            return Some(a == b);
        }
        let (a, b) = (self.sexes >> 2, other.sexes >> 2);
        if a != 0 && b != 0 { Some(a == b) } else { None }
    }
}

/// Nine digits and one more, so that none is 0.
fn number_of(number: u64) -> u32 {
    u32::try_from(number / 10 + 1).unwrap_or_default()
}

fn sex_bits(sex: Option<Sex>) -> u8 {
    match sex {
        None => 0,
        Some(Sex::Male) => 1,
        Some(Sex::Female) => 2,
    }
}

const fn sex_of(bits: u8) -> Option<Sex> {
    match bits {
        1 => Some(Sex::Male),
        2 => Some(Sex::Female),
        _ => None,
    }
}

fn whole_date(birth: BirthDate) -> u32 {
    let date = birth.date;
    match (date.month(), date.day()) {
        (Some(month), Some(day)) if !birth.year_only => {
            u32::from(date.year().unsigned_abs()) << 16 | u32::from(month) << 8 | u32::from(day)
        }
        _ => 0,
    }
}

pub(super) fn postcode_of(address: &PostalAddress) -> u64 {
    let Some(Postcode::Unit { outward, inward }) = &address.postcode else {
        return 0;
    };
    let outward = u64::from(u32::from_be_bytes(outward.symbols()));
    let inward = u64::from(u32::from_be_bytes(inward.symbols()));
    outward << 24 | inward >> 8
}

pub(super) fn house_of(address: &PostalAddress) -> u16 {
    match &address.number {
        Some(number)
            if number.from == number.to && address.flat.is_none() && address.uprn.is_none() =>
        {
            u16::try_from(number.from).unwrap_or(0)
        }
        _ => 0,
    }
}

/// By list of phones: the digits of an only one.
pub(super) fn phone_digits(records: &BulkRecords) -> Vec<u64> {
    let lists = records.phones.values.iter();
    lists.map(|list| digits_of(list)).collect()
}

/// Digits of an only phone, four bits each, with their number in the highest; 0
/// where there are several or they are too long.
fn digits_of(list: &[Phone]) -> u64 {
    const DIGITS_MAX: usize = 15;
    match list {
        [only] if only.as_str().len() <= DIGITS_MAX => {
            let bytes = only.as_str().bytes();
            let length = bytes.len() as u64;
            let digits = bytes.fold(0, |digits, byte| digits << 4 | u64::from(byte & 15));
            digits | length << 60
        }
        _ => 0,
    }
}

/// Whether two different numbers of [`phone_digits`] may be one slip apart: at most
/// two digits differ.
pub(super) const fn may_be_one_slip(a: u64, b: u64) -> bool {
    if a == 0 || b == 0 {
        return true;
    }
    let differing = a ^ b;
    if differing >> 60 != 0 {
        return false;
    }
    let any = differing | differing >> 1;
    let any = (any | any >> 2) & 0x1111_1111_1111_1111;
    any.count_ones() <= 2
}

#[cfg(test)]
mod tests {
    use super::{digits_of, may_be_one_slip};
    use crate::identity::Phone;

    #[test]
    fn phones_that_are_near_may_be_one_slip_apart_and_most_others_may_not() {
        let numbers = [
            "07700900123",
            "07700900132",
            "07700900124",
            "07700900456",
            "01632960001",
            "01632960010",
            "02079460000",
            "+4915112345678",
            "+4915112345687",
        ];
        let phones: Vec<Phone> = numbers
            .iter()
            .filter_map(|text| Phone::parse(text))
            .collect();
        let mut ruled_out = 0;
        for a in &phones {
            for b in phones.iter().filter(|b| *b != a) {
                let [x, y] = [a, b].map(|phone| digits_of(std::slice::from_ref(phone)));
                assert!(may_be_one_slip(x, y) || !a.is_near(b), "{x:x} {y:x}");
                ruled_out += usize::from(!may_be_one_slip(x, y));
            }
        }
        assert!(ruled_out > 20, "{ruled_out}");
    }
}
