//! The message that an RSA key encrypts: the data key and a digest of the context (FORMAT 6.4).
//!
//! RSA has no associated data, so the digest binds the context. This module does not compute with
//! RSA keys: KMS does, or the providers of the feature `rsa`.

use std::fmt;

use ctutils::CtEq;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::aead::KEY_BYTES;
use crate::cbor::major;
use crate::context::EncryptionContext;
use crate::dek::{KeyKind, WrappedKey};
use crate::error::{KeyError, KeyErrorKind};
use crate::secret::DataKey;
use crate::value::{head, text};

const DIGEST_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// Bytes of a data key and the digest of its encryption context.
pub(crate) const MESSAGE_BYTES: usize = KEY_BYTES + DIGEST_BYTES;

/// The bytes behind the outer header of every RSA SubjectPublicKeyInfo: the algorithm rsaEncryption
/// without parameters (RFC 3279, section 2.3.1).
const ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];

/// An RSA public key: DER `SubjectPublicKeyInfo`, as KMS and OpenSSL write it.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::RsaPublicKey;
///
/// let error = RsaPublicKey::from_pem("-----BEGIN RSA PUBLIC KEY-----\n..").unwrap_err();
/// assert!(error.to_string().contains("-----BEGIN PUBLIC KEY-----"), "what is expected instead");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublicKey {
    der: Vec<u8>,
    id: [u8; ID_BYTES],
}

impl RsaPublicKey {
    /// A key in DER: a `SubjectPublicKeyInfo`, as GetPublicKey of KMS returns it.
    ///
    /// # Errors
    ///
    /// If the bytes are not such an RSA key.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let [0x30, 0x82, high, low, rest @ ..] = der else { return Err(malformed()) };
        if rest.len() != usize::from(u16::from_be_bytes([*high, *low]))
            || !rest.starts_with(ALGORITHM)
        {
            return Err(malformed());
        }
        let mut id = [0; ID_BYTES];
        id.iter_mut().zip(Sha256::digest(der)).for_each(|(to, from)| *to = from);
        Ok(Self { der: der.to_vec(), id })
    }

    /// A key in PEM, from `-----BEGIN PUBLIC KEY-----` to its end.
    ///
    /// # Errors
    ///
    /// If the text is not such an RSA key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let body = pem.split_once("-----BEGIN PUBLIC KEY-----").and_then(|(_, rest)| {
            let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
            Some(body.split_whitespace().collect::<String>())
        });
        let der = base64_simd::STANDARD
            .decode_to_vec(body.ok_or_else(malformed)?)
            .map_err(|_| malformed())?;
        Self::from_der(&der)
    }

    /// The key in DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The first of the `wrapped` keys that names this key. The name is not authenticated.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::WrongKey`] if none of them names this key.
    pub fn find_in<'a>(&self, wrapped: &'a [WrappedKey]) -> Result<&'a WrappedKey, KeyError> {
        let own = |key: &&WrappedKey| key.kind() == KeyKind::RSA_OAEP && key.id() == self.id;
        wrapped.iter().find(own).ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::WrongKey,
                "the data key is not wrapped with this RSA public key",
            )
        })
    }

    /// Extracts the data key from the message that the private key decrypted, and checks that it
    /// was wrapped for `context`.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::ContextMismatch`] if it was wrapped for another context, or if the message
    /// is not 64 bytes long.
    pub fn take_data_key(message: &[u8], context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let other = || {
            KeyError::new(
                KeyErrorKind::ContextMismatch,
                "this data key was wrapped with RSA for another context",
            )
        };
        let (data_key, digest) = message.split_at_checked(KEY_BYTES).ok_or_else(other)?;
        if digest.len() != DIGEST_BYTES
            || !bool::from(digest.ct_eq(context_digest(context).as_slice()))
        {
            return Err(other());
        }
        DataKey::from_slice(data_key)
    }

    #[cfg(feature = "rsa")]
    pub(crate) fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }
}

/// The 64 bytes that RSAES-OAEP encrypts.
#[cfg_attr(not(feature = "rsa"), allow(dead_code, reason = "only RsaRecipient wraps"))]
pub(crate) fn message(
    data_key: &DataKey,
    context: &EncryptionContext,
) -> Zeroizing<[u8; MESSAGE_BYTES]> {
    let mut message = Zeroizing::new([0; MESSAGE_BYTES]);
    let (key, digest) = message.split_at_mut(KEY_BYTES);
    key.copy_from_slice(data_key.expose());
    digest.copy_from_slice(&context_digest(context));
    message
}

fn context_digest(context: &EncryptionContext) -> [u8; DIGEST_BYTES] {
    let mut encoded = Vec::with_capacity(128);
    head(&mut encoded, major::ARRAY, 2);
    text(&mut encoded, "envelope-rsa-oaep");
    context.encode(&mut encoded);
    Sha256::digest(&encoded).into()
}

fn malformed() -> KeyError {
    KeyError::new(
        KeyErrorKind::Configuration,
        "not an RSA public key: expected a SubjectPublicKeyInfo in DER or PEM (`-----BEGIN PUBLIC \
         KEY-----`)",
    )
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPublicKey(")?;
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
