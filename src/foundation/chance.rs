//! Chance is given, never taken: ids and tokens draw from here, so that a test
//! or a demonstration can be repeated.

use std::sync::Mutex;

use rand::{Rng, RngCore, SeedableRng, TryRngCore, rngs::OsRng};
use rand_chacha::ChaCha20Rng;

/// A source of random bytes.
pub trait Chance: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        if OsRng.try_fill_bytes(bytes).is_err() {
            // The thread generator was seeded by the same system earlier.
            rand::rng().fill(bytes);
        }
    }
}

/// Repeatable chance for tests and demonstrations.
#[derive(Debug)]
pub struct SeededChance(Mutex<ChaCha20Rng>);

impl SeededChance {
    /// A generator that gives the same bytes for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .fill_bytes(bytes);
    }
}
