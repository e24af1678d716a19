//! The keys that the library derives from a secret, to search for them too.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Masked;

/// HKDF-SHA256 of a secret: the extracted key, and the first 32 bytes of its expansion.
///
/// Call it inside [`scrubbed`](crate::scrubbed).
#[must_use]
pub fn hkdf(secret: &Masked, salt: &[u8], info: &[u8]) -> [Masked; 2] {
    let extracted = hmac(salt, &[&secret.exposed()]);
    let expanded = hmac(&extracted, &[info, &[1]]);
    [Masked::of(&extracted), Masked::of(&expanded)]
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes a key of any length")
    };
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}
