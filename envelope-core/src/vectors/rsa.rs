//! The vectors in `vectors/rsa-v1`: data keys that are wrapped with an RSA public key.

use std::convert::Infallible;

use getrandom::rand_core::{TryCryptoRng, TryRng};

use super::{Hex, Vector, check_steps, check_writer, in_folder};
use crate::{DataKey, EncryptionContext, LocalRsaKey, RsaRecipient, WrappedKey};

pub(super) fn key(der: &Hex) -> LocalRsaKey {
    LocalRsaKey::from_pkcs8_der(&der.0).unwrap()
}

/// The entry that a writer makes with the random `seed`.
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

/// A random generator that returns the RSAES-OAEP seed of a vector.
struct Seed<'v>(&'v Hex);

impl TryRng for Seed<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("RSAES-OAEP requests its seed with one call")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("RSAES-OAEP requests its seed with one call")
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
fn every_rsa_vector_opens_or_fails_as_expected() {
    for (name, vector) in vectors() {
        assert_eq!(vector.outcome(), vector.expect, "{name}");
    }
}

#[test]
fn every_intermediate_value_of_the_rsa_vectors_matches() {
    let opening: Vec<_> = super::that_open(vectors()).collect();
    assert!(!opening.is_empty());
    for (name, vector, steps) in opening {
        check_steps(&name, &vector, &steps);
        check_writer(&name, &vector, &steps);
        assert_eq!(vector.open().unwrap().expose(), steps.plaintext.0, "{name}");
    }
}
