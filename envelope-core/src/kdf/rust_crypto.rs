//! HKDF with the crates `hmac` and `sha2`, which are faster at it than AWS-LC. They wipe their
//! state on drop.

use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::HASH_BYTES;

pub(super) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], okm: &mut [u8]) {
    let mut prk = Zeroizing::new([0; HASH_BYTES]);
    write_tag(hmac_with_key(salt), &[ikm], &mut prk);
    // The padded key is hashed once for all blocks of output.
    let expand = hmac_with_key(&*prk);
    let mut previous: &[u8] = &[];
    for (block, counter) in okm.chunks_mut(HASH_BYTES).zip(1u8..=255) {
        let parts = [previous, info, &[counter]];
        if let Ok(whole) = <&mut [u8; HASH_BYTES]>::try_from(&mut *block) {
            write_tag(expand.clone(), &parts, whole);
        } else {
            let mut last = Zeroizing::new([0; HASH_BYTES]);
            write_tag(expand.clone(), &parts, &mut last);
            block.iter_mut().zip(&*last).for_each(|(byte, own)| *byte = *own);
        }
        previous = block;
    }
}

/// Writes the tag directly to its destination, so that no copy stays behind.
fn write_tag(mut mac: Hmac<Sha256>, parts: &[&[u8]], tag: &mut [u8; HASH_BYTES]) {
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize_into(tag.into());
}

fn hmac_with_key(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length (RFC 2104, section 2)"),
    }
}
