//! HKDF over the crates `hmac` and `sha2`, which are faster at it than AWS-LC; what they hold is wiped when dropped.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::HASH_BYTES;

pub(super) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], okm: &mut [u8]) {
    let prk = tag(&keyed(salt), &[ikm]);
    // The two blocks of padded key are hashed once for all blocks of output.
    let expand = keyed(&*prk);
    let mut previous: Option<Zeroizing<[u8; HASH_BYTES]>> = None;
    for (block, counter) in okm.chunks_mut(HASH_BYTES).zip(1u8..=255) {
        let t = match &previous {
            None => tag(&expand, &[info, &[counter]]),
            Some(t) => tag(&expand, &[&**t, info, &[counter]]),
        };
        let (part, _) = t.split_at(block.len());
        block.copy_from_slice(part);
        previous = Some(t);
    }
}

fn tag(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> Zeroizing<[u8; HASH_BYTES]> {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    let mut tag = mac.finalize().into_bytes();
    let mut out = Zeroizing::new([0; HASH_BYTES]);
    out.copy_from_slice(&tag);
    tag.as_mut_slice().zeroize();
    out
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length (RFC 2104, section 2)"),
    }
}
