//! Key providers that need no server, and what their errors say.

use envelope_dynamo::error::KeyError;
use envelope_dynamo::keys::{EncryptedDek, LocalRsaKey, RsaPublicKey};
use envelope_dynamo::{Error, KmsKeyProvider, LocalKeyProvider, RootKey};
use envelope_examples::{Faults, Servers};

use crate::{Item, bytes_of};

/// A private RSA key in PKCS#8, the one of `envelope-core`'s tests.
pub const RSA_PRIVATE_KEY: &str = include_str!("../../envelope-core/src/provider/rsa/test_key.pem");
/// Its public key.
pub const RSA_PUBLIC_KEY: &str =
    include_str!("../../envelope-core/src/provider/rsa/test_key.pub.pem");

/// A provider whose root key consists of `byte` alone.
#[must_use]
pub fn local_keys(byte: u8) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[byte; 32]).expect("32 bytes are a root key"))
}

/// A provider of the servers' own KMS key, whose calls pass through `faults`.
#[must_use]
pub fn kms_keys(servers: &Servers, faults: &Faults) -> KmsKeyProvider {
    KmsKeyProvider::new(servers.kms_through(faults), servers.kms_key_id())
}

/// [`RSA_PRIVATE_KEY`], which opens.
#[must_use]
pub fn rsa_private_key() -> LocalRsaKey {
    LocalRsaKey::from_pkcs8_pem(RSA_PRIVATE_KEY).expect("the test key is valid")
}

/// [`RSA_PUBLIC_KEY`], which seals.
#[must_use]
pub fn rsa_public_key() -> RsaPublicKey {
    RsaPublicKey::from_pem(RSA_PUBLIC_KEY).expect("the test key is valid")
}

/// The wrapped keys of a record.
#[must_use]
#[track_caller]
pub fn wrapped_keys(item: &Item) -> EncryptedDek {
    EncryptedDek::parse(&bytes_of(item, "encrypted_dek")).expect("a valid encrypted_dek")
}

/// The key error behind `error`.
#[must_use]
#[track_caller]
pub fn key_error(error: &Error) -> &KeyError {
    error.key_error().unwrap_or_else(|| panic!("not about a key: {error}"))
}
