//! NHS numbers, telephones and local ids: pure functions of a person's index,
//! so that no two people share one by accident and no counter is needed.
//! All numbers are invented: test range 9, and ranges kept for drama, widened.

use super::dice::Scatter;

/// First eight digits run from 9000 0000 to 9989 9999; 999 is kept for examples.
const STEMS: u64 = 99_900_000 - 90_000_000;
/// Each stem has ten ninth digits, of which at least nine have a check digit.
const NINTHS: u64 = 9;
/// Numbers in one series of telephones.
const TELEPHONES: u64 = 100_000;

/// More people than this cannot have an NHS number of their own.
pub(super) const PERSONS_MAX: usize = 10_000_000;

/// The issuers of numbers of one region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    nhs: Scatter,
    telephones: Scatter,
    local_ids: Scatter,
}

impl Numbers {
    /// Issuers for `persons` people.
    pub(super) fn new(persons: u64, seed: u64) -> Self {
        Self {
            nhs: Scatter::new(STEMS * NINTHS, seed),
            telephones: Scatter::new(TELEPHONES, seed ^ 0x5bd1),
            local_ids: Scatter::new((persons * 4).max(9_000), seed ^ 0x7f4a),
        }
    }

    /// The NHS number of a person: `issue` 0 is the live one, 1 an earlier one
    /// that it superseded. Test range, Modulus 11 correct.
    pub(super) fn nhs_number(&self, person: u64, issue: u64) -> String {
        let place = self.nhs.place(person * 2 + issue);
        let stem = 90_000_000 + place / NINTHS;
        let mut left = place % NINTHS;
        for ninth in 0..10 {
            let nine = stem * 10 + ninth;
            if let Some(check) = check_digit(nine) {
                if left == 0 {
                    return format!("{nine}{check}");
                }
                left -= 1;
            }
        }
        unreachable!("nine of ten ninth digits have a check digit")
    }

    /// A mobile number, `07700 9xxxxx` without the space. Beyond 100,000
    /// people numbers are shared.
    pub(super) fn mobile(&self, index: u64) -> String {
        format!("077009{:05}", self.telephones.place(index))
    }

    /// A landline number, `01632 9xxxxx` without the space, by dwelling.
    pub(super) fn landline(&self, dwelling: u64) -> String {
        format!("016329{:05}", self.telephones.place(dwelling))
    }

    /// A source's own id for a person; `copy` counts further registrations
    /// of the same person in the same source (0 to 3).
    pub(super) fn local_id(&self, source: usize, person: u64, copy: u64) -> u64 {
        // Each source begins somewhere else, as its own counter would.
        let shift = 7_919 * (source as u64 + 1);
        1_000_000 + self.local_ids.place(person * 4 + copy % 4 + shift)
    }
}

/// The tenth digit of nine (NHS Data Dictionary, Modulus 11); `None` where the
/// rule gives 10 and the number is not used.
pub(super) fn check_digit(nine: u64) -> Option<u64> {
    let (mut rest, mut sum) = (nine, 0);
    for weight in 2..=10 {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_check_digit_is_that_of_the_published_fixture() {
        assert_eq!(check_digit(999_000_001), Some(8));
        assert_eq!(check_digit(123_456_789), None);
    }

    #[test]
    fn nobody_shares_an_nhs_number_or_a_local_id() {
        let numbers = Numbers::new(5_000, 3);
        let mut nhs = BTreeSet::new();
        let mut local = BTreeSet::new();
        for person in 0..5_000 {
            assert!(nhs.insert(numbers.nhs_number(person, 0)));
            assert!(nhs.insert(numbers.nhs_number(person, 1)));
            assert!((0..4).all(|copy| local.insert(numbers.local_id(2, person, copy))));
        }
        assert!(
            nhs.iter()
                .all(|number| number.starts_with('9') && number.len() == 10)
        );
    }

    #[test]
    fn every_stem_of_nine_digits_has_nine_numbers() {
        for stem in [90_000_000_u64, 91_234_567, 99_899_999] {
            let usable = (0..10).filter(|ninth| check_digit(stem * 10 + ninth).is_some());
            assert!(usable.count() >= 9);
        }
    }
}
