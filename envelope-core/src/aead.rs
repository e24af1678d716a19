//! AES-256-GCM. Only the files of the backends name an implementation of the cipher.

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
    "envelope-core has no AES-GCM: enable its feature `aes-gcm` (pure Rust, the default) or \
     `aws-lc-rs`"
);

/// Bytes of an AES-256 key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a GCM authentication tag.
pub(crate) const TAG_BYTES: usize = 16;
/// The longest message of one AES-GCM invocation: 2^39 - 256 bits (NIST SP 800-38D, section
/// 5.2.1.1).
pub(crate) const MAX_MESSAGE_BYTES: u64 = (1 << 36) - 32;

/// Bytes of a GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// The nonce of a key that is derived for a single message: it need not vary (FORMAT 4.3).
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// The message is longer than [`MAX_MESSAGE_BYTES`].
#[derive(Debug)]
pub(crate) struct TooLong;

/// The tag does not match the key, the associated data and the ciphertext. Which of them is wrong
/// cannot be told.
#[derive(Debug)]
pub(crate) struct Unauthentic;

/// A key that seals or opens one message, or several with nonces that the caller never repeats.
pub(crate) struct MessageKey<'k>(pub(crate) &'k [u8; KEY_BYTES]);

impl MessageKey<'_> {
    /// Encrypts `message` in place and returns the tag. Consumes the key, because a second message
    /// would repeat the nonce.
    pub(crate) fn seal(
        self,
        associated_data: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], TooLong> {
        backend::seal(self.0, NONCE, associated_data, message)
    }

    /// Decrypts `message` in place if `tag` matches. Otherwise `message` holds the ciphertext or
    /// zeros, depending on the backend, and never plaintext.
    pub(crate) fn open(
        self,
        associated_data: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        backend::open(self.0, NONCE, associated_data, message, tag)
    }

    /// As [`seal`](Self::seal), for one of several messages. Use each `nonce` once under this key.
    pub(crate) fn seal_with_nonce(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated_data: &[u8],
        message: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], TooLong> {
        backend::seal(self.0, nonce, associated_data, message)
    }

    /// As [`open`](Self::open), for one of several messages.
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
