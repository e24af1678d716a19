//! The key of one stream, and the nonces that bind each chunk to its position and to the end.

use zeroize::Zeroizing;

use crate::aead::{KEY_BYTES, MessageKey, NONCE_BYTES, TAG_BYTES, TooLong, Unauthentic};
use crate::kdf::hkdf_sha256;
use crate::payload::{COMMITMENT_BYTES, SALT_BYTES};
use crate::secret::DataKey;
use crate::stack::with_stack_wiped;
use crate::stream::chunk_size::ChunkSize;

/// The start of the derivation's `info`; the chunk size follows (FORMAT 12.3).
const INFO: &[u8] = b"envelope stream 1 1";

/// Whether another chunk follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At least one more byte follows this chunk.
    More,
    /// The stream ends with this chunk.
    Last,
}

/// Seals or opens the chunks of one stream, in order. Wiped on drop.
///
/// The derived bytes stay in one place on the heap, so that moving a stream leaves no copy of them
/// on the stack.
pub(super) struct ChunkKey {
    derived: Box<Zeroizing<[u8; KEY_BYTES + COMMITMENT_BYTES]>>,
    associated_data: Vec<u8>,
    /// The number of the next chunk.
    next: u64,
}

impl ChunkKey {
    /// FORMAT 12.3.
    pub(super) fn new(
        data_key: &DataKey,
        salt: &[u8; SALT_BYTES],
        chunk_size: ChunkSize,
        associated_data: Vec<u8>,
    ) -> Self {
        let mut derived = Box::new(Zeroizing::new([0; KEY_BYTES + COMMITMENT_BYTES]));
        let info = [INFO, &[chunk_size.to_byte()]].concat();
        with_stack_wiped(|| hkdf_sha256(data_key.expose(), salt, &info, &mut **derived));
        Self { derived, associated_data, next: 0 }
    }

    /// The commitment of the header to the data key and to the chunk size.
    pub(super) fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        self.parts().1
    }

    /// Encrypts the next chunk in place and returns its tag. Fails after 2^32 chunks.
    pub(super) fn seal(&mut self, end: End, chunk: &mut [u8]) -> Result<[u8; TAG_BYTES], TooLong> {
        let nonce = self.nonce(end).ok_or(TooLong)?;
        let key = MessageKey(self.parts().0);
        let tag = with_stack_wiped(|| key.seal_with_nonce(nonce, &self.associated_data, chunk))?;
        self.next += 1;
        Ok(tag)
    }

    /// Decrypts the next chunk in place if it is authentic.
    pub(super) fn open(
        &mut self,
        end: End,
        chunk: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), Unauthentic> {
        let nonce = self.nonce(end).ok_or(Unauthentic)?;
        let key = MessageKey(self.parts().0);
        with_stack_wiped(|| key.open_with_nonce(nonce, &self.associated_data, chunk, tag))?;
        self.next += 1;
        Ok(())
    }

    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// For tests of the last chunks of the longest stream.
    #[cfg(test)]
    pub(super) const fn skip_to(&mut self, chunk: u64) {
        self.next = chunk;
    }

    /// The nonce: the number of the chunk, and whether it is the last. No nonce is used twice under
    /// the key of a stream (FORMAT 12.3).
    fn nonce(&self, end: End) -> Option<[u8; NONCE_BYTES]> {
        let [a, b, c, d] = u32::try_from(self.next).ok()?.to_be_bytes();
        let last = match end {
            End::More => 0,
            End::Last => 1,
        };
        Some([0, 0, 0, 0, 0, 0, 0, a, b, c, d, last])
    }

    fn parts(&self) -> (&[u8; KEY_BYTES], &[u8; COMMITMENT_BYTES]) {
        match (self.derived.first_chunk(), self.derived.last_chunk()) {
            (Some(key), Some(commitment)) => (key, commitment),
            _ => unreachable!("an array is as long as its parts"),
        }
    }
}
