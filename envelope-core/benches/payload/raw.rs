//! The lower bounds of the cost of a payload. The first is AES-256-GCM of the backend in use, with
//! a new key each time, from a plaintext to a new ciphertext. The second adds the random salt and
//! the key derivation of the format.

use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::{BACKEND, open_with, seal_with};
#[cfg(not(feature = "aws-lc-rs"))]
pub use rust_crypto::{BACKEND, open_with, seal_with};

const TAG_BYTES: usize = 16;
const ASSOCIATED_DATA: &[u8] = b"users";

pub fn seal(plaintext: &[u8]) -> Vec<u8> {
    seal_with(black_box(&[7; 32]), plaintext)
}

pub fn open(ciphertext: Vec<u8>) -> Vec<u8> {
    open_with(black_box(&[7; 32]), ciphertext)
}

pub fn derive_and_seal(plaintext: &[u8]) -> Vec<u8> {
    let mut salt = [0; 24];
    getrandom::fill(&mut salt).unwrap();
    seal_with(&black_box(derive(&salt)), plaintext)
}

pub fn derive_and_open(ciphertext: Vec<u8>) -> Vec<u8> {
    black_box(derive(black_box(&[7; 24])));
    open(ciphertext)
}

/// HKDF-SHA256 to 64 bytes: the key and the commitment, which is not compared here.
fn derive(salt: &[u8]) -> [u8; 32] {
    let mac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).unwrap();
    let prk = mac(salt).chain_update(black_box([7; 32])).finalize().into_bytes();
    let expand = mac(&prk);
    let first = expand.clone().chain_update(b"envelope payload 1 1\x01").finalize().into_bytes();
    let second = expand
        .chain_update(first)
        .chain_update(b"envelope payload 1 1\x02")
        .finalize()
        .into_bytes();
    black_box(second);
    first.into()
}

#[cfg(not(feature = "aws-lc-rs"))]
mod rust_crypto {
    use aes_gcm::aead::{AeadInOut, inout::InOutBuf};
    use aes_gcm::{Aes256Gcm, KeyInit};

    use super::{ASSOCIATED_DATA, TAG_BYTES};

    pub const BACKEND: &str = "aes-gcm";

    pub fn seal_with(key: &[u8; 32], plaintext: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(plaintext.len() + TAG_BYTES);
        message.extend_from_slice(plaintext);
        let sealed = InOutBuf::from(&mut message[..]);
        let tag = Aes256Gcm::new(key.into())
            .encrypt_inout_detached(&[0; 12].into(), ASSOCIATED_DATA, sealed)
            .unwrap();
        message.extend_from_slice(&tag);
        message
    }

    pub fn open_with(key: &[u8; 32], mut ciphertext: Vec<u8>) -> Vec<u8> {
        let (message, tag) = ciphertext.split_last_chunk_mut::<TAG_BYTES>().unwrap();
        Aes256Gcm::new(key.into())
            .decrypt_inout_detached(
                &[0; 12].into(),
                ASSOCIATED_DATA,
                InOutBuf::from(message),
                &(*tag).into(),
            )
            .unwrap();
        ciphertext
    }
}

#[cfg(feature = "aws-lc-rs")]
mod aws_lc {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{ASSOCIATED_DATA, TAG_BYTES};

    pub const BACKEND: &str = "aws-lc-rs";

    fn key(key: &[u8; 32]) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap())
    }

    pub fn seal_with(bytes: &[u8; 32], plaintext: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(plaintext.len() + TAG_BYTES);
        message.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        key(bytes)
            .seal_in_place_append_tag(nonce, Aad::from(ASSOCIATED_DATA), &mut message)
            .unwrap();
        message
    }

    pub fn open_with(bytes: &[u8; 32], mut ciphertext: Vec<u8>) -> Vec<u8> {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        key(bytes).open_in_place(nonce, Aad::from(ASSOCIATED_DATA), &mut ciphertext).unwrap();
        ciphertext
    }
}
