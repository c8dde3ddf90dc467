//! A hash over all (record, key) pairs that does not depend on their order, to
//! compare the index with the record keys in SQL.

use crate::foundation::RecordNumber;
use crate::index::schema::{mix, term_of};

/// How many pairs there are and the wrapping sum of their hashes. A sum, not an
/// exclusive or, so that a pair held twice does not vanish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentHash {
    pairs: u64,
    sum: u64,
}

impl ContentHash {
    /// Takes in one pair of a record and a key's hash. Each pair is to be given once.
    pub const fn include(&mut self, record: RecordNumber, hash: u64) {
        self.include_term(record, term_of(hash));
    }

    /// The same, for a key of which only the term is known.
    pub(super) const fn include_term(&mut self, record: RecordNumber, term: u64) {
        let pair = mix(mix(record.0.cast_unsigned()) ^ term);
        self.pairs = self.pairs.wrapping_add(1);
        self.sum = self.sum.wrapping_add(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::ContentHash;
    use crate::foundation::RecordNumber;

    fn hash_of(pairs: &[(i64, u64)]) -> ContentHash {
        let mut hash = ContentHash::default();
        for &(record, term) in pairs {
            hash.include_term(RecordNumber(record), term);
        }
        hash
    }

    #[test]
    fn the_order_does_not_matter_and_every_pair_does() {
        let hash = hash_of(&[(1, 7), (2, 8), (3, 7)]);
        assert_eq!(hash, hash_of(&[(3, 7), (1, 7), (2, 8)]));
        assert_ne!(hash, hash_of(&[(1, 8), (2, 7), (3, 7)]));
        assert_ne!(hash, hash_of(&[(1, 7), (2, 8)]));
        assert_ne!(hash, hash_of(&[(1, 7), (2, 8), (3, 7), (3, 7)]));
    }
}
