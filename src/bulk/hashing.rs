//! Hashes of values and keys: fast, without a seed, the same in every run.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps whose keys nobody can choose to harm.
pub(super) type FastHash = BuildHasherDefault<FastHasher>;

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Multiply and rotate over words of eight bytes.
#[derive(Default, Clone)]
pub(super) struct FastHasher(u64);

impl FastHasher {
    fn take(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.take(u64::from_le_bytes(eight));
        }
        let rest = words.remainder();
        let mut eight = [0; 8];
        eight[..rest.len()].copy_from_slice(rest);
        self.take(u64::from_le_bytes(eight) ^ ((rest.len() as u64) << 56));
    }

    fn write_u8(&mut self, value: u8) {
        self.take(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.take(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.take(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.take(value as u64);
    }

    fn finish(&self) -> u64 {
        mixed(self.0)
    }
}

/// The finishing mixer of MurmurHash3.
pub(super) const fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Two hashes as one; the order matters.
pub(super) const fn joined(a: u64, b: u64) -> u64 {
    mixed(a.rotate_left(17) ^ b.wrapping_mul(MULTIPLIER))
}

/// The hash of a text.
pub(super) fn of_text(text: &str) -> u64 {
    let mut hasher = FastHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}
