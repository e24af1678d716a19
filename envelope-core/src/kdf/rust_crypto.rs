//! HKDF with the crates `hmac` and `sha2`, which are faster at it than AWS-LC. They wipe their
//! state on drop.

use zeroize::Zeroizing;

use super::HASH_BYTES;
use crate::mac::rust_crypto::{hmac_with_key, write_mac};

pub(super) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], okm: &mut [u8]) {
    let mut prk = Zeroizing::new([0; HASH_BYTES]);
    write_mac(hmac_with_key(salt), &[ikm], &mut prk);
    // The padded key is hashed once for all blocks of output.
    let expand = hmac_with_key(&*prk);
    let mut previous: &[u8] = &[];
    for (block, counter) in okm.chunks_mut(HASH_BYTES).zip(1u8..=255) {
        let parts = [previous, info, &[counter]];
        if let Ok(whole) = <&mut [u8; HASH_BYTES]>::try_from(&mut *block) {
            write_mac(expand.clone(), &parts, whole);
        } else {
            let mut last = Zeroizing::new([0; HASH_BYTES]);
            write_mac(expand.clone(), &parts, &mut last);
            block.iter_mut().zip(&*last).for_each(|(byte, own)| *byte = *own);
        }
        previous = block;
    }
}
