//! Ciphertexts: AES-256-GCM under the material of a key, bound to the key and to the context.
//!
//! ```text
//! "envelope-testing" | key id, 36 | material, u32 | 68 zeros | nonce, 12 | ciphertext | tag, 16
//! ```
//!
//! The zeros make a wrapped data key of 32 bytes as long as that of AWS: 184 bytes. AWS and other
//! emulators refuse such a blob, and this module refuses theirs.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};

use super::key::Material;
use super::refusal::Refusal;

const MAGIC: &[u8; 16] = b"envelope-testing";
/// A UUID, and `mrk-` with 32 digits, have the same length.
pub(super) const KEY_ID_BYTES: usize = 36;
const MATERIAL_BYTES: usize = 4;
const ZEROS: [u8; 68] = [0; 68];
const HEAD_BYTES: usize = MAGIC.len() + KEY_ID_BYTES + MATERIAL_BYTES + ZEROS.len();
const NONCE_BYTES: usize = 12;

/// The pairs of an encryption context, in the order of their names.
pub(super) type EncryptionContext = BTreeMap<String, String>;

/// A ciphertext, taken apart. Nothing in it is authentic before [`open`](Self::open).
pub(super) struct Blob<'b> {
    pub(super) key_id: &'b str,
    /// The number of the key's material that made it, from 0.
    pub(super) material: usize,
    head: &'b [u8],
    nonce: &'b [u8; NONCE_BYTES],
    sealed: &'b [u8],
}

impl<'b> Blob<'b> {
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Self, Refusal> {
        Self::take_apart(bytes).ok_or_else(Refusal::invalid_ciphertext)
    }

    fn take_apart(bytes: &'b [u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD_BYTES)?;
        let (nonce, sealed) = body.split_first_chunk()?;
        let (key_id, rest) = head.strip_prefix(MAGIC)?.split_at_checked(KEY_ID_BYTES)?;
        let (material, _) = rest.split_first_chunk()?;
        let material = usize::try_from(u32::from_be_bytes(*material)).ok()?;
        Some(Self { key_id: str::from_utf8(key_id).ok()?, material, head, nonce, sealed })
    }

    pub(super) fn open(
        &self,
        material: &Material,
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, Refusal> {
        let aad = associated_data(self.head, context);
        let message = Payload { msg: self.sealed, aad: &aad };
        Aes256Gcm::new(material.bytes().into())
            .decrypt(self.nonce.into(), message)
            .map_err(|_| Refusal::invalid_ciphertext())
    }
}

/// Seals `plaintext` under the material of number `number` of a key.
pub(super) fn seal(
    key_id: &str,
    number: usize,
    material: &Material,
    plaintext: &[u8],
    context: &EncryptionContext,
) -> Result<Vec<u8>, Refusal> {
    let number = u32::try_from(number).map_err(|_| Refusal::invalid("too many rotations"))?;
    let mut blob = [MAGIC, key_id.as_bytes(), &number.to_be_bytes(), &ZEROS].concat();
    let nonce: [u8; NONCE_BYTES] = random()?;
    let aad = associated_data(&blob, context);
    let sealed = Aes256Gcm::new(material.bytes().into())
        .encrypt(&nonce.into(), Payload { msg: plaintext, aad: &aad })
        .map_err(|_| Refusal::invalid("the plaintext is too long"))?;
    blob.extend(nonce);
    blob.extend(sealed);
    Ok(blob)
}

/// Every length is there, so that `{a: bc}` is another context than `{ab: c}`.
fn associated_data(head: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut data = head.to_vec();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        data.extend((text.len() as u64).to_be_bytes());
        data.extend(text.as_bytes());
    }
    data
}

/// Random bytes of the operating system.
pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Refusal> {
    let mut bytes = [0; BYTES];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// The same for a length that a request names.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), Refusal> {
    getrandom::fill(bytes)
        .map_err(|error| Refusal::new("KMSInternalException", format!("no random bytes: {error}")))
}
