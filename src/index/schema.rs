//! What a document is: a record number and the terms of its keys. Also the text
//! that a commit carries: the format and the position.

use tantivy::TantivyDocument;
use tantivy::schema::{Field, NumericOptions, Schema, Term};

use crate::foundation::{EventPosition, RecordNumber};
use crate::matching::BlockingKey;

/// The record number's column.
pub(super) const RECORD: &str = "record";
const KEY: &str = "key";

/// Part of the payload; changes whenever terms or documents change meaning.
const FORMAT: &str = "accord-index-3";

/// The two fields of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The record number: found by it, and read from its column.
    pub(super) record: Field,
    /// One term for every key.
    pub(super) key: Field,
}

/// The schema and its fields. Nothing is stored and nothing is scored: postings
/// hold document numbers alone.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let found = NumericOptions::default().set_indexed();
    let record = builder.add_i64_field(RECORD, found.clone().set_fast());
    let key = builder.add_u64_field(KEY, found);
    (builder.build(), Fields { record, key })
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

    /// The document of a record. A key that occurs twice counts once.
    pub(super) fn document(self, record: RecordNumber, keys: &[u64]) -> TantivyDocument {
        let mut terms: Vec<u64> = keys.iter().copied().map(term_of).collect();
        terms.sort_unstable();
        terms.dedup();
        let mut document = TantivyDocument::new();
        document.add_i64(self.record, record.0);
        for term in terms {
            document.add_u64(self.key, term);
        }
        document
    }
}

/// A key's term: its hash, mixed and cut to 48 bits, because the dictionary pays for every
/// byte twice, in space and in time. Two keys that meet all the same (one
/// look-up in five million, at fifty million different keys) bring a record that
/// comparing throws out; they never hide one.
pub(super) const fn term_of(hash: u64) -> u64 {
    mix(hash) >> 16
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
    format!("{FORMAT} {}", position.0)
}

/// The position in a commit's text; none when the format is another.
pub(super) fn position_of(text: &str) -> Option<EventPosition> {
    let (format, position) = text.split_once(' ')?;
    let position = position.parse().ok().map(EventPosition);
    position.filter(|_| format == FORMAT)
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
        assert_eq!(position_of("accord-index-3 x"), None);
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
