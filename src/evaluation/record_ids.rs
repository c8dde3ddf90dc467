//! Ids as small numbers. All texts lie in one buffer and the table holds only
//! numbers, so that ten million ids cost little more than their letters.

/// Distinct texts, numbered in the order of their first appearance.
#[derive(Debug, Clone, Default)]
pub struct RecordIds {
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Open addressing; [`FREE`] or a number.
    slots: Vec<u32>,
}

const FREE: u32 = u32::MAX;

/// A fast hash of bytes, scattered well enough for a table of numbers.
fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state =
            (state.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9FB2_1C65_1E98_DF25);
    }
    scattered(state)
}

/// Finaliser of SplitMix64: every bit of the input reaches every bit.
pub(super) const fn scattered(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

impl RecordIds {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number that this gave.
    #[must_use]
    pub fn bytes(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    /// The same, to be shown.
    #[must_use]
    pub fn text(&self, number: u32) -> String {
        String::from_utf8_lossy(self.bytes(number)).into_owned()
    }

    /// The number of a known text.
    #[must_use]
    pub fn find(&self, id: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let number = self.slots[self.slot(id)];
        (number != FREE).then_some(number)
    }

    /// The number of a text, and whether it is new.
    pub fn add(&mut self, id: &[u8]) -> (u32, bool) {
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slot = self.slot(id);
        if self.slots[slot] != FREE {
            return (self.slots[slot], false);
        }
        let number = u32::try_from(self.len()).unwrap_or(FREE);
        assert!(number < FREE, "at most 2^32 - 1 ids are numbered");
        self.text.extend_from_slice(id);
        self.ends.push(self.text.len());
        self.slots[slot] = number;
        (number, true)
    }

    /// Where a text is, or would be.
    fn slot(&self, id: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(hash(id)).unwrap_or(0) & mask;
        while self.slots[slot] != FREE && self.bytes(self.slots[slot]) != id {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots = vec![FREE; size];
        for number in 0..self.len() {
            let number = u32::try_from(number).unwrap_or(FREE);
            let slot = self.slot(self.bytes(number));
            self.slots[slot] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RecordIds;

    #[test]
    fn an_id_keeps_its_number_however_many_follow() {
        let mut ids = RecordIds::default();
        for round in 0..2 {
            for at in 0..1_000_u32 {
                let (number, new) = ids.add(format!("R{at}").as_bytes());
                assert_eq!((number, new), (at, round == 0));
            }
        }
        assert_eq!(ids.find(b"R999"), Some(999));
        assert_eq!(ids.find(b"R1000"), None);
        assert_eq!(ids.text(42), "R42");
        assert_eq!(RecordIds::default().find(b"x"), None);
    }
}
