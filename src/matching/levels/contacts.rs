//! Phones and e-mail addresses: the best of all values on both sides.
//! Placeholders and role mailboxes never come here (R70–R72).

use crate::identity::{Email, Phone};
use crate::matching::LinkageModel;
use crate::matching::levels::{Comparison, Level, Outcome, levels};

levels! {
    /// How the phones stand to each other.
    PhoneLevel {
        Same = "same", RANKED, "A phone number is equal.";
        Near = "near", RANKED, "A phone number differs by one slip.";
        Different = "different", RANKED, "The phone numbers differ.";
        Missing = "missing", SPECIAL, "A phone number is missing: no evidence.";
    }
}

levels! {
    /// How the e-mail addresses stand to each other.
    EmailLevel {
        Same = "same", RANKED, "An e-mail address is equal.";
        Near = "near", RANKED, "An e-mail address is nearly equal.";
        Different = "different", RANKED, "The e-mail addresses differ.";
        Missing = "missing", SPECIAL, "An e-mail address is missing: no evidence.";
    }
}

impl LinkageModel {
    /// Compares phones.
    #[must_use]
    pub fn compare_phones(&self, a: &[Phone], b: &[Phone]) -> Outcome {
        let (level, i, j) = best_pair(
            a,
            b,
            |a, b| {
                if a == b {
                    PhoneLevel::Same
                } else if a.is_near(b) {
                    PhoneLevel::Near
                } else {
                    PhoneLevel::Different
                }
            },
            PhoneLevel::Missing,
        );
        self.outcome(Comparison::Phone, level).at(i, j)
    }

    /// Compares e-mail addresses.
    #[must_use]
    pub fn compare_emails(&self, a: &[Email], b: &[Email]) -> Outcome {
        let (level, i, j) = best_pair(
            a,
            b,
            |a, b| {
                if a == b {
                    EmailLevel::Same
                } else if a.is_near(b) {
                    EmailLevel::Near
                } else {
                    EmailLevel::Different
                }
            },
            EmailLevel::Missing,
        );
        self.outcome(Comparison::Email, level).at(i, j)
    }
}

/// The best level over all pairs, and where; `missing` when a side is empty.
fn best_pair<T, L: Level>(
    a: &[T],
    b: &[T],
    relation: impl Fn(&T, &T) -> L,
    missing: L,
) -> (L, usize, usize) {
    let mut best = (missing, 0, 0);
    for (i, left) in a.iter().enumerate() {
        for (j, right) in b.iter().enumerate() {
            let level = relation(left, right);
            if best.0 == missing || level.index() < best.0.index() {
                best = (level, i, j);
            }
            if level.index() == 0 {
                return best;
            }
        }
    }
    best
}
