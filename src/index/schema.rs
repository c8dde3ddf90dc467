//! What a document is: a record number, the terms of its keys, and those that
//! people search by. Also the text that a commit carries: the format and the
//! position.

use tantivy::TantivyDocument;
use tantivy::schema::{Field, NumericOptions, Schema, Term};

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::IndexEntry;
use crate::matching::{BlockingKey, Facet, blocking_format};

/// The record number's column.
pub(super) const RECORD: &str = "record";
const KEY: &str = "key";
const SEARCH: &str = "search";

/// Part of the payload; changes whenever terms or documents change meaning.
/// Beside it stands the format of blocking keys, which follows the tables of
/// name variants.
const FORMAT: &str = "accord-index-7";

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The record number: found by it, and read from its column.
    pub(super) record: Field,
    /// One term for every key and every facet.
    pub(super) key: Field,
    /// One term for everything that people search by.
    pub(super) search: Field,
}

/// The schema and its fields. Nothing is stored and nothing is scored: postings
/// hold document numbers alone.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let found = NumericOptions::default().set_indexed();
    let record = builder.add_i64_field(RECORD, found.clone().set_fast());
    let key = builder.add_u64_field(KEY, found.clone());
    let search = builder.add_u64_field(SEARCH, found);
    let fields = Fields {
        record,
        key,
        search,
    };
    (builder.build(), fields)
}

impl Fields {
    /// What names a record's document.
    pub(super) fn record_term(self, record: RecordNumber) -> Term {
        Term::from_field_i64(self.record, record.0)
    }

    /// What a key's postings are found by.
    pub(super) fn key_term(self, key: &BlockingKey) -> Term {
        Term::from_field_u64(self.key, term_of(key.hash))
    }

    /// What a facet's postings are found by: they stand among those of keys.
    pub(super) fn facet_term(self, facet: Facet) -> Term {
        Term::from_field_u64(self.key, term_of(facet.0))
    }

    /// What a search term's postings are found by.
    pub(super) fn search_term(self, hash: u64) -> Term {
        Term::from_field_u64(self.search, term_of(hash))
    }

    /// The document of an entry. A key or term that occurs twice counts once.
    pub(super) fn document(self, entry: &IndexEntry) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_i64(self.record, entry.record.0);
        for (field, hashes) in [(self.key, &entry.keys), (self.search, &entry.search)] {
            let mut terms: Vec<u64> = hashes.iter().copied().map(term_of).collect();
            terms.sort_unstable();
            terms.dedup();
            for term in terms {
                document.add_u64(field, term);
            }
        }
        document
    }
}

/// A key's term: its hash, mixed and cut to 40 bits, because the dictionary pays for every
/// byte twice, in space and in time. Two keys that meet all the same (one
/// look-up in twenty thousand, at fifty million different keys) bring a record that
/// comparing throws out; they never hide one.
pub(super) const fn term_of(hash: u64) -> u64 {
    mix(hash) >> 24
}

/// FNV-1a over 64 bits. Part of the stored format.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// Spreads a number over 64 bits, one to one (the finaliser of SplitMix64,
/// Steele, Lea and Flood 2014).
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The text that a commit carries.
pub(super) fn payload(position: EventPosition) -> String {
    format!("{FORMAT}-{:016x} {}", blocking_format(), position.0)
}

/// The position in a commit's text; none when the format of the index or of the
/// keys in it is another.
pub(super) fn position_of(text: &str) -> Option<EventPosition> {
    let (_, position) = text.split_once(' ')?;
    let position = position.parse().ok().map(EventPosition)?;
    (payload(position) == text).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::{fnv, payload, position_of};
    use crate::foundation::EventPosition;

    #[test]
    fn a_position_survives_its_payload_and_another_format_is_not_read() {
        let position = EventPosition(9_041_117);
        assert_eq!(position_of(&payload(position)), Some(position));
        assert_eq!(position_of("accord-index-0 7"), None);
        assert_eq!(position_of("accord-index-6 7"), None);
        let of_other_tables = payload(position).replacen("7-", "7-0", 1);
        assert_eq!(position_of(&of_other_tables), None);
        assert_eq!(position_of(""), None);
    }

    #[test]
    fn the_stored_hash_is_fnv_1a() {
        // From the authors' list of test vectors (Fowler, Noll, Vo).
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
