//! The crate `aws-lc-rs`: AWS-LC's assembly, built with a C compiler.
//!
//! AWS-LC holds the expanded key on the heap and overwrites it when it is freed. It leaves the
//! working state of a call (the powers of the hash key, the block that masks the tag) on the stack,
//! which the callers of [`MessageKey`](super::MessageKey) wipe.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{KEY_BYTES, NONCE_BYTES, TAG_BYTES, TooLong, Unauthentic};

pub(super) fn seal(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
) -> Result<[u8; TAG_BYTES], TooLong> {
    let tag = cipher(key)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated_data),
            message,
        )
        .map_err(|_| TooLong)?;
    match tag.as_ref().try_into() {
        Ok(tag) => Ok(tag),
        Err(_) => unreachable!("the tags of AES_256_GCM have 16 bytes"),
    }
}

/// Decrypts while it computes the tag, and overwrites `message` with zeros if `tag` does not match.
pub(super) fn open(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), Unauthentic> {
    cipher(key)
        .open_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated_data),
            tag,
            message,
        )
        .map_err(|_| Unauthentic)?;
    Ok(())
}

fn cipher(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    match UnboundKey::new(&AES_256_GCM, key) {
        Ok(key) => LessSafeKey::new(key),
        Err(_) => unreachable!("AES_256_GCM takes keys of 32 bytes"),
    }
}
