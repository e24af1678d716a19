//! Secrets on the heap: wiped on drop, and redacted in `Debug`.
//!
//! Wiping is best effort: it cannot reach copies that the compiler, the operating system (swap,
//! core dumps) or a dependency makes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use crate::aead::{KEY_BYTES, TAG_BYTES};
use crate::error::{KeyError, RandomError};
use crate::random;

/// A data key of 256 bits, which seals records. Wiped when its last share is dropped.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::DataKey;
///
/// let key = DataKey::generate()?;
/// assert_eq!(format!("{key:?}"), "DataKey(..)");
/// assert_eq!(key.share().expose(), key.expose());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DataKey(Arc<SharedBytes>);

struct SharedBytes {
    key: Zeroizing<[u8; KEY_BYTES]>,
    /// Bytes of plaintext that all shares of the key have sealed.
    sealed_bytes: AtomicU64,
}

impl DataKey {
    /// Bytes of a data key.
    pub const BYTES: usize = KEY_BYTES;

    /// A new key from the operating system's random generator.
    ///
    /// # Errors
    ///
    /// If the operating system returns no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        Self::filled_by(|key| random::fill(key))
    }

    /// Copies a key from `bytes`. The caller wipes `bytes`.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::InvalidResponse`](crate::KeyErrorKind) if `bytes` is not exactly 32 bytes
    /// long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::filled_by(|key| {
            if bytes.len() != key.len() {
                return Err(KeyError::invalid_response(format!(
                    "a data key must be 32 bytes long, not {}",
                    bytes.len()
                )));
            }
            key.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// Another handle to the same key, for a provider that keeps the key and also returns it.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// The key itself.
    ///
    /// # Security
    ///
    /// Whoever has these bytes can open every record that was sealed under them. If you copy them,
    /// wipe the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0.key
    }

    /// Bytes of plaintext that this process has sealed under the key, with all its shares.
    #[must_use]
    pub fn sealed_bytes(&self) -> u64 {
        self.0.sealed_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn count_sealed(&self, bytes: usize) {
        self.0.sealed_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Lets `fill` write the key at its final place, so that no copy stays on the stack.
    pub(crate) fn filled_by<E>(
        fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut key = Arc::new(SharedBytes {
            key: Zeroizing::new([0; KEY_BYTES]),
            sealed_bytes: AtomicU64::new(0),
        });
        if let Some(held) = Arc::get_mut(&mut key) {
            fill(&mut held.key)?;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// Opened bytes, wiped on drop.
///
/// ```
/// # use envelope_core::Plaintext;
/// let plaintext = Plaintext::from(b"4111 1111 1111 1111".to_vec());
/// assert_eq!(plaintext.expose(), b"4111 1111 1111 1111");
/// assert_eq!(format!("{plaintext:?}"), "Plaintext(19 bytes)");
/// ```
pub struct Plaintext {
    buffer: SecretBuffer,
    start: usize,
}

impl Plaintext {
    /// The bytes of `buffer` behind `start`. The whole buffer is wiped on drop.
    pub(crate) const fn after(buffer: SecretBuffer, start: usize) -> Self {
        Self { buffer, start }
    }

    /// The bytes themselves.
    ///
    /// # Security
    ///
    /// Copies of these bytes are not wiped.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.buffer.as_slice().get(self.start..).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Plaintext {
    fn from(bytes: Vec<u8>) -> Self {
        Self { buffer: SecretBuffer::from(bytes), start: 0 }
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes)", self.expose().len())
    }
}

/// Spare capacity at every growth, so that appending a tag does not move the whole message again.
const SLACK_BYTES: usize = TAG_BYTES;

/// A growing buffer that leaves no copies behind: when it moves to a larger allocation, it wipes
/// the old one.
#[derive(Default)]
pub(crate) struct SecretBuffer(Vec<u8>);

impl SecretBuffer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Inserts `bytes` at `position`.
    pub(crate) fn insert(&mut self, position: usize, bytes: &[u8]) {
        self.extend_from_slice(bytes);
        if let Some(tail) = self.0.get_mut(position..) {
            tail.rotate_right(bytes.len());
        }
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.get_mut(len..) {
            wipe(rest);
        }
        self.0.truncate(len);
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        let needed = self.0.len().saturating_add(additional);
        if needed > self.0.capacity() {
            let mut larger =
                Vec::with_capacity((needed + SLACK_BYTES).max(self.0.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = larger;
        }
    }

    /// Returns the bytes, which are no longer secret: a ciphertext, for example.
    pub(crate) fn into_public(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl From<Vec<u8>> for SecretBuffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Drop for SecretBuffer {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites `bytes` with zeros, with the speed of `memset`. `zeroize` writes byte by byte.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::SecretBuffer;

    #[test]
    fn a_secret_buffer_keeps_its_bytes_when_it_grows() {
        let mut buffer = SecretBuffer::default();
        let expected: Vec<u8> = (0..=255).cycle().take(5000).collect();
        for chunk in expected.chunks(7) {
            buffer.extend_from_slice(chunk);
        }
        assert_eq!(buffer.as_slice(), expected);
        buffer.insert(2, b"abc");
        assert_eq!(buffer.as_slice().get(..6), Some(&[0, 1, b'a', b'b', b'c', 2][..]));
        buffer.truncate(1);
        assert_eq!(buffer.as_slice(), [0]);
    }
}
