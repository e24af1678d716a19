//! Secrets that can be searched for although they are not in memory.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

/// The number of the test, which is part of every secret.
static TEST: AtomicU64 = AtomicU64::new(0);

/// Makes the tests of a process run one after the other, each with its own secrets. Keep the guard
/// until the end of the test.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    TEST.fetch_add(1, Ordering::Relaxed);
    alone
}

/// The seed of secrets. Their bytes are computed one by one, so that no whole secret is in memory.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The byte at position `at` of the secret number `number`.
    #[must_use]
    pub fn byte(self, number: usize, at: usize) -> u8 {
        let test = TEST.load(Ordering::Relaxed);
        let [byte, ..] =
            mixed(self.0 ^ mixed(test << 40 ^ (number as u64) << 20 ^ at as u64)).to_le_bytes();
        byte
    }

    /// The same byte as a printable character.
    #[must_use]
    pub fn letter(self, number: usize, at: usize) -> char {
        char::from(b'a' + self.byte(number, at) % 26)
    }

    /// A secret of 32 bytes, wiped on drop.
    #[must_use]
    pub fn key(self, number: usize) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; 32]);
        key.iter_mut().enumerate().for_each(|(at, byte)| *byte = self.byte(number, at));
        key
    }

    /// A text of `length` letters. The caller wipes it.
    #[must_use]
    pub fn text(self, number: usize, length: usize) -> String {
        let mut text = String::with_capacity(length);
        (0..length).for_each(|at| text.push(self.letter(number, at)));
        text
    }
}

/// A secret whose bytes are stored under a mask, so that the secret itself is not in memory.
#[derive(Clone)]
pub struct Masked(Vec<u8>);

impl Masked {
    /// A secret of the bytes that `byte` returns for each position.
    pub fn new(length: usize, byte: impl Fn(usize) -> u8) -> Self {
        Self((0..length).map(|at| byte(at) ^ mask(at)).collect())
    }

    /// A secret of `bytes`. The caller wipes them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::new(bytes.len(), |at| bytes.get(at).copied().unwrap_or_default())
    }

    /// The length of the secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the secret is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The byte at position `at`.
    #[must_use]
    pub fn byte(&self, at: usize) -> u8 {
        self.0.get(at).map_or(0, |byte| byte ^ mask(at)) // zero behind the end: base64 looks there
    }

    /// The character at position `at` of the secret in base64 without padding.
    #[must_use]
    pub fn base64_digit(&self, at: usize) -> u8 {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (byte, shift) = (at * 6 / 8, 10 - at * 6 % 8);
        let pair = u16::from_be_bytes([self.byte(byte), self.byte(byte + 1)]);
        DIGITS.get(usize::from(pair >> shift & 63)).copied().unwrap_or_default()
    }

    /// The secret itself, wiped on drop.
    #[must_use]
    pub fn exposed(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; self.len()]);
        bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = self.byte(at));
        bytes
    }
}

fn mask(at: usize) -> u8 {
    let [byte, ..] = mixed(black_box(0x5bd1_e995_7f4a_7c15) ^ at as u64).to_le_bytes();
    byte
}

/// splitmix64.
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
