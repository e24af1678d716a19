//! The crate `aes-gcm`: pure Rust. It detects hardware instructions at run time, and wipes its
//! round keys on drop.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{Aes256Gcm, KeyInit};

use super::{KEY_BYTES, NONCE_BYTES, TAG_BYTES, TooLong, Unauthentic};

pub(super) fn seal(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
) -> Result<[u8; TAG_BYTES], TooLong> {
    let cipher = Aes256Gcm::new(key.into());
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), associated_data, InOutBuf::from(message))
        .map_err(|_| TooLong)?;
    Ok(tag.into())
}

/// Checks `tag` before decrypting.
pub(super) fn open(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    associated_data: &[u8],
    message: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), Unauthentic> {
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(
            &nonce.into(),
            associated_data,
            InOutBuf::from(message),
            &(*tag).into(),
        )
        .map_err(|_| Unauthentic)
}
