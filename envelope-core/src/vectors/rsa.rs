//! The vectors in `vectors/rsa-v1`: data keys that are wrapped for an RSA public key.

use std::convert::Infallible;

use getrandom::rand_core::{TryCryptoRng, TryRng};

use super::{Hex, Vector, check_steps, check_writer, in_folder};
use crate::{DataKey, EncryptionContext, LocalRsaKey, RsaRecipient, WrappedKey};

pub(super) fn key(der: &Hex) -> LocalRsaKey {
    LocalRsaKey::from_pkcs8_der(&der.0).unwrap()
}

/// The entry that a recipient's writer makes when it draws `seed`.
pub(super) fn wrap(
    der: &Hex,
    data_key: &DataKey,
    context: &EncryptionContext,
    seed: &Hex,
) -> WrappedKey {
    RsaRecipient::new(key(der).public_key().clone())
        .unwrap()
        .wrap_with(&mut Seed(seed), data_key, context)
        .unwrap()
}

/// A generator that gives the seed of RSAES-OAEP which a vector names.
struct Seed<'v>(&'v Hex);

impl TryRng for Seed<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("RSAES-OAEP draws its seed at once")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("RSAES-OAEP draws its seed at once")
    }

    fn try_fill_bytes(&mut self, seed: &mut [u8]) -> Result<(), Infallible> {
        seed.copy_from_slice(&self.0.0);
        Ok(())
    }
}

impl TryCryptoRng for Seed<'_> {}

fn vectors() -> Vec<(String, Vector)> {
    in_folder("rsa-v1")
}

#[test]
fn every_vector_of_an_rsa_key_opens_or_fails_as_it_says() {
    for (name, vector) in vectors() {
        assert_eq!(vector.outcome(), vector.expect, "{name}");
    }
}

#[test]
fn every_value_and_every_byte_is_the_vectors_of_an_rsa_key() {
    let opening: Vec<_> = super::that_open(vectors()).collect();
    assert!(!opening.is_empty());
    for (name, vector, steps) in opening {
        check_steps(&name, &vector, &steps);
        check_writer(&name, &vector, &steps);
        assert_eq!(vector.open().unwrap().expose(), steps.plaintext.0, "{name}");
    }
}
