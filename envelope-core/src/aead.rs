//! AES-256-GCM. Its backends are the only files that name an implementation of the cipher.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(all(feature = "aes-gcm", any(test, not(feature = "aws-lc-rs"))))]
mod rust_crypto;

#[cfg(feature = "aws-lc-rs")]
use aws_lc as backend;
#[cfg(all(feature = "aes-gcm", not(feature = "aws-lc-rs")))]
use rust_crypto as backend;

#[cfg(not(any(feature = "aes-gcm", feature = "aws-lc-rs")))]
compile_error!(
    "envelope-core needs an AES-GCM: enable its feature `aes-gcm` (pure Rust, the default) or `aws-lc-rs`"
);

/// Bytes of an AES-256 key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a GCM authentication tag.
pub(crate) const TAG_BYTES: usize = 16;
/// The longest message one AES-GCM invocation can seal: 2^39 - 256 bits (NIST SP 800-38D, section
/// 5.2.1.1).
pub(crate) const MAX_MESSAGE_BYTES: u64 = (1 << 36) - 32;

/// Bytes of a GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// A key that is derived for one message alone needs no nonce that varies (FORMAT 4.3).
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// The message is longer than [`MAX_MESSAGE_BYTES`].
#[derive(Debug)]
pub(crate) struct TooLong;

/// The tag does not fit the key, the associated data and the ciphertext; nothing more can be said.
#[derive(Debug)]
pub(crate) struct Unauthentic;

/// A key that seals or opens one message, or several under nonces that the caller never repeats.
pub(crate) struct MessageKey<'k>(pub(crate) &'k [u8; KEY_BYTES]);

impl MessageKey<'_> {
    /// Encrypts `message` in place and returns the tag. Consumes the key: a second message under it
    /// would repeat the nonce.
    pub(crate) fn seal(
        self,
        associated_data: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], TooLong> {
        backend::seal(self.0, NONCE, associated_data, message)
    }

    /// Decrypts `message` in place if `tag` fits. If it does not, what is left in `message` is not
    /// plaintext: the ciphertext with one backend, zeros with the other.
    pub(crate) fn open(
        self,
        associated_data: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        backend::open(self.0, NONCE, associated_data, message, tag)
    }

    /// As [`seal`](Self::seal), one of several messages; `nonce` must be used once under this key.
    pub(crate) fn seal_with_nonce(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated_data: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], TooLong> {
        backend::seal(self.0, nonce, associated_data, message)
    }

    /// As [`open`](Self::open), one of several messages.
    pub(crate) fn open_with_nonce(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated_data: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        backend::open(self.0, nonce, associated_data, message, tag)
    }
}

#[cfg(test)]
pub(crate) mod tests;
