//! Data keys that are wrapped with an RSA public key, for partners without AWS (FORMAT 6.4).

use std::fmt;

use getrandom::SysRng;
use getrandom::rand_core::TryCryptoRng;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use rsa::traits::{PaddingScheme, PublicKeyParts};
use rsa::{Oaep, RsaPrivateKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{GeneratedKey, KeyFuture, Recipient, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::{KeyKind, WrappedKey};
use crate::error::{KeyError, KeyErrorKind};
use crate::rsa_oaep::{RsaPublicKey, message};
use crate::secret::DataKey;
use crate::stack::with_stack_wiped;

/// 2,048 bits: the smallest modulus of an RSA key in KMS.
const MIN_MODULUS_BITS: u32 = 2_048;

/// Wraps data keys with an RSA public key. A writer without AWS can then seal for the owner of the
/// key, and cannot read.
///
/// The owner opens with an RSA key in KMS (`KmsRsaKey` of `envelope-dynamo`) or with a
/// [`LocalRsaKey`].
///
/// # Security
///
/// Everybody may have the public key. A record that is wrapped only for it proves nothing more
/// about its writer, whatever its context says. If that is not enough, demand a signature of the
/// writer.
#[derive(Debug)]
pub struct RsaRecipient {
    public: RsaPublicKey,
    key: rsa::RsaPublicKey,
}

impl RsaRecipient {
    /// Wraps for the owner of `public`.
    ///
    /// # Errors
    ///
    /// If the key is malformed, shorter than 2,048 bits, or longer than 8,192 bits.
    pub fn new(public: RsaPublicKey) -> Result<Self, KeyError> {
        let key = rsa::RsaPublicKey::from_public_key_der(public.as_der())
            .map_err(|_| unusable("the RSA public key is malformed, or longer than 8,192 bits"))?;
        check_size(key.n().bits())?;
        Ok(Self { public, key })
    }

    fn wrap(
        &self,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<WrappedKey, KeyError> {
        self.wrap_with(&mut SysRng, data_key, context)
    }

    /// Wraps with a seed from `random`: the random generator of the operating system, or the seed
    /// of a test vector.
    pub(crate) fn wrap_with(
        &self,
        random: &mut impl TryCryptoRng,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<WrappedKey, KeyError> {
        let encrypt = || {
            Oaep::<Sha256>::new().encrypt(random, &self.key, message(data_key, context).as_slice())
        };
        let wrapped = with_stack_wiped(encrypt).map_err(|_| {
            KeyError::new(
                KeyErrorKind::Other,
                "RSA could not wrap the data key: the operating system returned no random bytes",
            )
        })?;
        WrappedKey::new(KeyKind::RSA_OAEP, self.public.id(), wrapped)
            .map_err(|error| KeyError::new(KeyErrorKind::Other, error.to_string()))
    }
}

/// Unwraps with an RSA private key in this process, for tests and for parties without KMS.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/provider/rsa/test_key.pem"));
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{LocalRsaKey, RsaPublicKey, RsaRecipient};
/// use envelope_dynamo::message::{Context, open, seal};
///
/// let ours = LocalRsaKey::from_pkcs8_pem(pem)?;
/// let partner = RsaRecipient::new(RsaPublicKey::from_der(ours.public_key().as_der())?)?;
/// let context = Context::new("orders").pair("order", "o_1")?;
/// let sealed = seal(b"4111 1111 1111 1111", &context, &partner).await?;
/// assert_eq!(open(&sealed, &context, &ours).await?.expose(), b"4111 1111 1111 1111");
///
/// let other = Context::new("orders").pair("order", "o_2")?;
/// assert!(open(&sealed, &other, &ours).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// The time that RSA in software takes may reveal what it decrypted (the Marvin attack,
/// RUSTSEC-2023-0071, which names no patched release of the crate `rsa`). Decryption is blinded
/// here. Still, do not use this if an attacker can send many records and measure how long each
/// takes to open. Let KMS decrypt instead, with `KmsRsaKey`.
pub struct LocalRsaKey {
    key: RsaPrivateKey,
    public: RsaPublicKey,
}

impl LocalRsaKey {
    /// A private key in PEM: PKCS #8, not encrypted (`-----BEGIN PRIVATE KEY-----`).
    ///
    /// # Errors
    ///
    /// If the text is not such a key, or if its modulus is shorter than 2,048 bits.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        Self::of(RsaPrivateKey::from_pkcs8_pem(pem))
    }

    /// A private key in DER: PKCS #8, not encrypted.
    ///
    /// # Errors
    ///
    /// If the bytes are not such a key, or if its modulus is shorter than 2,048 bits.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::of(RsaPrivateKey::from_pkcs8_der(der))
    }

    /// Drops the error of the crate `rsa`: it could contain a part of the private key.
    fn of<E>(key: Result<RsaPrivateKey, E>) -> Result<Self, KeyError> {
        let key = key.map_err(|_| {
            unusable(
                "not an RSA private key: expected PKCS #8, not encrypted (`-----BEGIN PRIVATE \
                 KEY-----`)",
            )
        })?;
        check_size(key.n().bits())?;
        let der = key
            .to_public_key()
            .to_public_key_der()
            .map_err(|_| unusable("the RSA key has no public key"))?;
        let public = RsaPublicKey::from_der(der.as_bytes())?;
        Ok(Self { key, public })
    }

    /// The public key, to give to writers.
    #[must_use]
    pub const fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }

    fn unwrap(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let wrapped = self.public.find_in(wrapped)?;
        // The same error for every padding failure (RFC 8017, section 7.1.2, note).
        let decrypt = || {
            Oaep::<Sha256>::new()
                .decrypt(Some(&mut SysRng), &self.key, wrapped.bytes())
                .map(Zeroizing::new)
        };
        let message = with_stack_wiped(decrypt).map_err(|_| {
            KeyError::new(
                KeyErrorKind::ContextMismatch,
                "the RSA key could not unwrap this wrapped key",
            )
        })?;
        RsaPublicKey::take_data_key(&message, context)
    }
}

fn check_size(modulus_bits: u32) -> Result<(), KeyError> {
    if modulus_bits < MIN_MODULUS_BITS {
        return Err(unusable("the RSA key is shorter than 2,048 bits"));
    }
    Ok(())
}

fn unusable(problem: &str) -> KeyError {
    KeyError::new(KeyErrorKind::Configuration, problem)
}

impl Recipient for RsaRecipient {
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move { Ok(vec![self.wrap(data_key, context)?]) })
    }
}

impl WrapKey for RsaRecipient {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let data_key = DataKey::generate()?;
            let wrapped = vec![self.wrap(&data_key, context)?];
            Ok(GeneratedKey { data_key, wrapped })
        })
    }
}

impl UnwrapKey for LocalRsaKey {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move { self.unwrap(wrapped, context) })
    }
}

impl fmt::Debug for LocalRsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalRsaKey").field(&self.public).finish()
    }
}

#[cfg(test)]
mod tests;
