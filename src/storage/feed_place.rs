//! Places in the order of commits, and the texts that readers keep of them. A
//! text tells nothing: not how many events lie between two of them, and not
//! whether one was left out for a reader (R22). It is the place under a key of
//! the ledger's own, with a mark by which a text that is none of ours is known.

use sha2::{Digest, Sha256};

use crate::foundation::{RecordNumber, hex};
use crate::storage::StoredEvent;

/// Part of a text; changes when places change meaning.
const PLACE_FORMAT: &str = "2.";

/// Part of the text of a record, beside the `P-` of a person.
const RECORD_PREFIX: &str = "R-";

/// Where a follower stands: after an event, in order of commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPlace {
    pub(super) stamp: i64,
    pub(super) position: i64,
}

impl FeedPlace {
    /// The place of an event.
    #[must_use]
    pub const fn of(event: &StoredEvent) -> Self {
        Self {
            stamp: event.stamp,
            position: event.position.0,
        }
    }

    /// Events between this place and a later one, as far as positions tell.
    #[must_use]
    pub fn events_to(self, later: Self) -> u64 {
        u64::try_from(later.position - self.position).unwrap_or(0)
    }

    /// Behind every place.
    pub(super) const fn last() -> Self {
        Self {
            stamp: i64::MAX,
            position: i64::MAX,
        }
    }
}

/// The key under which a ledger writes its places.
#[derive(Clone)]
pub(super) struct PlaceKey(String);

impl PlaceKey {
    pub(super) const fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The text of a place: always the same for the same place.
    pub(super) fn text(&self, place: FeedPlace) -> String {
        let plain = bytes_of(place);
        let mark = self.mark(&plain);
        let hidden = self.masked(mark, plain);
        format!("{PLACE_FORMAT}{}{}", hex(&mark), hex(&hidden))
    }

    /// The place of a text; `None` when it is none of this ledger's.
    pub(super) fn parse(&self, text: &str) -> Option<FeedPlace> {
        let digits = text.strip_prefix(PLACE_FORMAT)?;
        let sound = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        if digits.len() != 48 || !digits.bytes().all(sound) {
            return None;
        }
        let mark = u64::from_str_radix(digits.get(..16)?, 16).ok()?;
        let hidden = u128::from_str_radix(digits.get(16..)?, 16).ok()?;
        let mark = mark.to_be_bytes();
        let plain = self.masked(mark, hidden.to_be_bytes());
        let whole = u128::from_be_bytes(plain);
        let place = FeedPlace {
            stamp: i64::try_from(whole >> 64).ok()?,
            position: i64::try_from(whole & u128::from(u64::MAX)).ok()?,
        };
        (self.mark(&plain) == mark).then_some(place)
    }

    /// The text of a record's number: always the same, and it tells nothing.
    pub(super) fn record_text(&self, record: RecordNumber) -> String {
        let plain = record.0.to_be_bytes();
        let mark = first_bytes(self.hash(*b"rmrk", &plain));
        let mask = first_bytes(self.hash(*b"rmsk", &mark));
        let hidden = u64::from_be_bytes(plain) ^ u64::from_be_bytes(mask);
        format!("{RECORD_PREFIX}{}{hidden:016x}", hex(&mark))
    }

    /// The record of a text; `None` when it is none of this ledger's.
    pub(super) fn parse_record(&self, text: &str) -> Option<RecordNumber> {
        let digits = text.strip_prefix(RECORD_PREFIX)?;
        let sound = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        if digits.len() != 32 || !digits.bytes().all(sound) {
            return None;
        }
        let mark = u64::from_str_radix(digits.get(..16)?, 16)
            .ok()?
            .to_be_bytes();
        let hidden = u64::from_str_radix(digits.get(16..)?, 16).ok()?;
        let mask = u64::from_be_bytes(first_bytes(self.hash(*b"rmsk", &mark)));
        let plain = (hidden ^ mask).to_be_bytes();
        let sound = first_bytes(self.hash(*b"rmrk", &plain)) == mark;
        sound.then(|| RecordNumber(i64::from_be_bytes(plain)))
    }

    fn mark(&self, plain: &[u8; 16]) -> [u8; 8] {
        let mut mark = [0; 8];
        mark.copy_from_slice(&self.hash(*b"mark", plain)[..8]);
        mark
    }

    fn masked(&self, mark: [u8; 8], mut bytes: [u8; 16]) -> [u8; 16] {
        let mask = self.hash(*b"mask", &mark);
        for (byte, mask) in bytes.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        bytes
    }

    /// All inputs of one use have one length.
    fn hash(&self, use_: [u8; 4], content: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.0.len() as u64).to_be_bytes());
        hash.update(self.0.as_bytes());
        hash.update(use_);
        hash.update(content);
        hash.finalize().into()
    }
}

fn first_bytes(hash: [u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    first
}

fn bytes_of(place: FeedPlace) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&place.stamp.to_be_bytes());
    bytes[8..].copy_from_slice(&place.position.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{FeedPlace, PlaceKey};
    use crate::foundation::RecordNumber;

    #[test]
    fn a_record_survives_its_text_and_no_other_text_is_one() {
        let key = PlaceKey::new("secret".to_owned());
        for number in [1, 2, i64::MAX] {
            let text = key.record_text(RecordNumber(number));
            assert_eq!(text.len(), 34);
            assert_eq!(key.parse_record(&text), Some(RecordNumber(number)));
            let other = PlaceKey::new("another".to_owned());
            assert_eq!(other.parse_record(&text), None);
            let upper = text.to_uppercase();
            assert!(upper == text || key.parse_record(&upper).is_none());
        }
        for text in ["", "R-", "R-00000000000000000000000000000000", "P-1"] {
            assert_eq!(key.parse_record(text), None, "{text}");
        }
    }

    #[test]
    fn a_place_survives_its_text_and_no_other_text_is_one() {
        let key = PlaceKey::new("secret".to_owned());
        let place = FeedPlace {
            stamp: 7,
            position: 41,
        };
        let text = key.text(place);
        assert_eq!(key.parse(&text), Some(place));
        assert_eq!(key.text(place), text, "always the same text");
        let changed = text.replace(&text[49..], if text.ends_with('0') { "1" } else { "0" });
        for other in ["", "41", "1.7.41", "2.", "2.x", &text[..49], &changed] {
            assert_eq!(key.parse(other), None, "{other}");
        }
        assert_eq!(PlaceKey::new("another".to_owned()).parse(&text), None);
    }

    #[test]
    fn r22_texts_of_neighbours_tell_nothing_of_their_distance() {
        let key = PlaceKey::new("secret".to_owned());
        let texts = [1, 2, 9].map(|position| {
            key.text(FeedPlace {
                stamp: position,
                position,
            })
        });
        assert!(texts.iter().all(|text| text.len() == 50));
        // No digit is common to all by more than chance.
        let shared = (2..50)
            .filter(|place| {
                let digit = |text: &String| text.as_bytes()[*place];
                texts.iter().all(|text| digit(text) == digit(&texts[0]))
            })
            .count();
        assert!(shared < 12, "{shared}");
    }
}
