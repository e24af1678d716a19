//! Each key provider alone: what it wraps, unwraps and refuses, and its error messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod branch;
mod groups;
mod hierarchical;
mod local;
mod multi;
mod pointers;
mod provisioned;
mod rewrap;
#[cfg(feature = "rsa")]
mod rsa;
mod rsa_public_key;
mod wrapped_only;

use envelope_core::testing::TestKeyProvider;
use envelope_core::{
    Context, EncryptedDek, KeyError, KeyKind, OpenError, RootKey, SealError, Sealed, UnwrapKey,
    WrapKey, WrappedKey, open, seal,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn party() -> TestKeyProvider {
    TestKeyProvider::new(RootKey::generate().unwrap())
}

fn letters() -> Context<'static> {
    letter_to("grandmother")
}

fn letter_to(name: &str) -> Context<'_> {
    Context::new("letters").pair("to", name).unwrap()
}

/// The encryption context of a letter to grandmother in deterministic CBOR: a map of two, {"to":
/// .., "table": ..}.
const LETTERS_IN_CBOR: &[u8] = b"\xa2\x62to\x6bgrandmother\x65table\x67letters";

fn wrapped(sealed: &Sealed) -> Vec<WrappedKey> {
    EncryptedDek::parse(&sealed.encrypted_dek).unwrap().keys().to_vec()
}

fn kinds(keys: &[WrappedKey]) -> Vec<KeyKind> {
    keys.iter().map(WrappedKey::kind).collect()
}

async fn assert_opens(
    sealed: &Sealed,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) {
    assert_eq!(open(sealed, context, provider).await.unwrap().expose(), b"dear");
}

/// The error of a key provider that does not unwrap.
async fn refusal(
    sealed: &Sealed,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> KeyError {
    match open(sealed, context, provider).await.unwrap_err() {
        OpenError::Key(error) => error,
        other => panic!("not of the key: {other}"),
    }
}

/// The error of a key provider that returns no key to seal with.
async fn refusal_to_seal(context: &Context<'_>, provider: &(impl WrapKey + ?Sized)) -> KeyError {
    match seal(b"dear", context, provider).await.unwrap_err() {
        SealError::Key(error) => error,
        other => panic!("not of the key: {other}"),
    }
}

/// HKDF-SHA256 with one block of output (RFC 5869, sections 2.2 and 2.3).
fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let hmac = |key: &[u8], message: &[u8]| -> [u8; 32] {
        Hmac::<Sha256>::new_from_slice(key)
            .unwrap()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .into()
    };
    hmac(&hmac(salt, ikm), &[info, &[1]].concat())
}

/// `bytes` with one bit changed, for each byte.
fn each_byte_changed(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        changed
    })
}
