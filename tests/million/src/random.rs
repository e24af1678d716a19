//! Random numbers that a seed repeats.

use std::sync::{Mutex, PoisonError};

/// A xorshift generator, shared by threads.
#[derive(Debug)]
pub struct Random(Mutex<u64>);

impl Random {
    /// A generator of the numbers of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let random = Self(Mutex::new(seed | 1));
        for _ in 0..8 {
            let _ = random.below(1); // the first numbers of similar seeds are similar
        }
        random
    }

    /// A number from 0 to `end - 1`; 0 if `end` is 0.
    #[must_use]
    pub fn below(&self, end: u64) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) % end.max(1)
    }
}
