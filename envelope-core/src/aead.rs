//! AES-256-GCM with a key used once: the only file that names the cipher.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};

/// Bytes of an AES-256 key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a GCM authentication tag.
pub(crate) const TAG_BYTES: usize = 16;
/// The longest message one AES-GCM invocation can seal: 2^39 - 256 bits (NIST SP 800-38D, section 5.2.1.1).
pub(crate) const MAX_MESSAGE_BYTES: u64 = (1 << 36) - 32;

/// Bytes of a GCM nonce.
const NONCE_BYTES: usize = 12;
/// Every key is derived for one message alone, so the nonce need not vary (FORMAT 4.3).
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// The message is longer than [`MAX_MESSAGE_BYTES`].
#[derive(Debug)]
pub(crate) struct TooLong;

/// The tag does not fit the key, the associated data and the ciphertext; nothing more can be said.
#[derive(Debug)]
pub(crate) struct Unauthentic;

/// A key that seals or opens one message.
pub(crate) struct MessageKey<'k>(pub(crate) &'k [u8; KEY_BYTES]);

impl MessageKey<'_> {
    /// Encrypts `message` in place and returns the tag. Consumes the key: a second message under it would repeat the nonce.
    pub(crate) fn seal(self, associated_data: &[u8], message: &mut [u8]) -> Result<[u8; TAG_BYTES], TooLong> {
        seal(&self.cipher(), NONCE, associated_data, message)
    }

    /// Checks `tag`, then decrypts `message` in place; on failure no plaintext is written.
    pub(crate) fn open(
        self,
        associated_data: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        open(&self.cipher(), NONCE, associated_data, message, tag)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.0.into())
    }
}

fn seal(
    cipher: &Aes256Gcm,
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
) -> Result<[u8; TAG_BYTES], TooLong> {
    let tag =
        cipher.encrypt_inout_detached(&nonce.into(), associated_data, InOutBuf::from(message)).map_err(|_| TooLong)?;
    Ok(tag.into())
}

fn open(
    cipher: &Aes256Gcm,
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), Unauthentic> {
    cipher
        .decrypt_inout_detached(&nonce.into(), associated_data, InOutBuf::from(message), &(*tag).into())
        .map_err(|_| Unauthentic)
}

#[cfg(test)]
mod tests;
