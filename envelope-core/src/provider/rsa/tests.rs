//! Unwraps what OpenSSL wrapped with a fixed key.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{LocalRsaKey, RsaRecipient};
use crate::rsa_oaep::RsaPublicKey;
use crate::{Context, DataKey, EncryptionContext, KeyErrorKind, KeyKind, WrappedKey};

const PRIVATE: &str = include_str!("test_key.pem");
const PUBLIC: &str = include_str!("test_key.pub.pem");
const ID: [u8; 8] = 0x4f93_6462_4f93_bbeb_u64.to_be_bytes();
/// The bytes 0 to 31 and SHA-256 of ["envelope-rsa-oaep", {"to": "grandmother", "table":
/// "letters"}].
const WRAPPED_BY_OPENSSL: &[u8] = include_bytes!("wrapped_by_openssl.bin");

fn context(to: &str) -> EncryptionContext {
    Context::new("letters").pair("to", to).unwrap().encryption_context()
}

fn key() -> LocalRsaKey {
    LocalRsaKey::from_pkcs8_pem(PRIVATE).unwrap()
}

fn recipient() -> RsaRecipient {
    RsaRecipient::new(RsaPublicKey::from_pem(PUBLIC).unwrap()).unwrap()
}

fn entry(id: [u8; 8], bytes: impl Into<Vec<u8>>) -> WrappedKey {
    WrappedKey::new(KeyKind::RSA_OAEP, id, bytes).unwrap()
}

#[test]
fn a_key_wrapped_by_openssl_opens_only_for_its_context() {
    let wrapped = [entry(ID, WRAPPED_BY_OPENSSL)];
    let data_key = key().unwrap(&wrapped, &context("grandmother")).unwrap();
    assert!(data_key.expose().iter().copied().eq(0..32));
    let error = key().unwrap(&wrapped, &context("grandfather")).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
}

#[test]
fn the_public_key_is_the_same_from_pem_der_and_private_key() {
    let public = RsaPublicKey::from_pem(PUBLIC).unwrap();
    assert_eq!(public.id(), ID);
    assert_eq!(&public, key().public_key());
    assert_eq!(public, RsaPublicKey::from_der(public.as_der()).unwrap());
}

#[test]
fn wrapped_keys_have_the_length_of_the_modulus_and_differ() {
    let data_key = DataKey::generate().unwrap();
    let [first, second] =
        [(); 2].map(|()| recipient().wrap(&data_key, &context("grandmother")).unwrap());
    assert_eq!((first.kind(), first.id(), first.bytes().len()), (KeyKind::RSA_OAEP, &ID[..], 256));
    assert_ne!(first.bytes(), second.bytes());
    for wrapped in [first, second] {
        let opened = key().unwrap(&[wrapped], &context("grandmother")).unwrap();
        assert_eq!(opened.expose(), data_key.expose());
    }
}

#[test]
fn a_changed_wrapping_or_one_of_another_key_does_not_open() {
    let mismatch = KeyErrorKind::ContextMismatch;
    let flipped = |at: usize| {
        WRAPPED_BY_OPENSSL.iter().enumerate().map(move |(i, byte)| byte ^ u8::from(i == at))
    };
    for bytes in [
        flipped(0).collect(),
        flipped(255).collect(),
        vec![0; 256],
        vec![255; 256],
        vec![1; 255],
        vec![1],
    ] {
        let error = key().unwrap(&[entry(ID, bytes)], &context("grandmother")).unwrap_err();
        assert_eq!(error.kind(), mismatch, "{error}");
    }
    let error =
        key().unwrap(&[entry([0; 8], WRAPPED_BY_OPENSSL)], &context("grandmother")).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::WrongKey);
}

#[test]
fn a_message_of_another_length_is_refused() {
    let message = super::message(&DataKey::generate().unwrap(), &context("grandmother"));
    let take = |message: &[u8]| RsaPublicKey::take_data_key(message, &context("grandmother"));
    assert!(take(message.as_slice()).is_ok());
    let long = [message.as_slice(), &[0]].concat();
    for message in [&message[..63], &message[..32], &message[..31], &[], &long] {
        assert_eq!(
            take(message).unwrap_err().kind(),
            KeyErrorKind::ContextMismatch,
            "{} bytes",
            message.len()
        );
    }
}

#[test]
fn malformed_keys_are_refused_and_not_printed() {
    let der = RsaPublicKey::from_pem(PUBLIC).unwrap().as_der().to_vec();
    let longer = [der.as_slice(), &[0]].concat();
    for bytes in [&[][..], &der[..der.len() - 1], &longer, &der[24..], PUBLIC.as_bytes()] {
        assert_eq!(RsaPublicKey::from_der(bytes).unwrap_err().kind(), KeyErrorKind::Configuration);
    }
    for pem in ["", PRIVATE, "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----"] {
        assert_eq!(RsaPublicKey::from_pem(pem).unwrap_err().kind(), KeyErrorKind::Configuration);
    }
    let mut broken = der;
    broken[25] ^= 0xff;
    assert_eq!(
        RsaRecipient::new(RsaPublicKey::from_der(&broken).unwrap()).unwrap_err().kind(),
        KeyErrorKind::Configuration
    );
    let error = LocalRsaKey::from_pkcs8_pem(PUBLIC).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Configuration);
    assert_eq!(format!("{:?}", key()), format!("LocalRsaKey({:?})", key().public_key()));
}
