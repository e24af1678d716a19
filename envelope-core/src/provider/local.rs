//! Data keys that are wrapped by a root key in this process, for tests, development and machines
//! without KMS (FORMAT 6.1).

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{GeneratedKey, KeyFuture, Recipient, UnwrapKey, WrapKey};
use crate::aead::{KEY_BYTES, MessageKey, TAG_BYTES};
use crate::cbor::{Reader, major};
use crate::context::EncryptionContext;
use crate::dek::{KeyKind, WrappedKey};
use crate::error::{KeyError, KeyErrorKind, RandomError};
use crate::kdf::hkdf_sha256;
use crate::payload::SALT_BYTES;
use crate::random;
use crate::secret::{DataKey, SecretBuffer};
use crate::stack::with_stack_wiped;
use crate::value::{head, text};

const ID_BYTES: usize = 8;
const ID_INFO: &[u8] = b"envelope local root key id";
const WRAP_INFO: &[u8] = b"envelope local wrap 1";

/// Wraps data keys with a root key of 32 bytes in the memory of this process.
///
/// # Security
///
/// This is not KMS. Whoever reads the memory, the environment or the key file of this process can
/// open every record that was ever sealed. Nothing is logged, and nobody can revoke access. Use it
/// for tests, for development, and where there is no KMS.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{LocalKeyProvider, RootKey};
/// use envelope_dynamo::message::{Context, open, seal};
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("letters").pair("to", "grandmother")?;
/// let sealed = seal(b"the money is under the stove", &context, &provider).await?;
/// assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"the money is under the stove");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct LocalKeyProvider {
    root: RootKey,
    id: [u8; ID_BYTES],
}

impl LocalKeyProvider {
    /// A provider that wraps with `root`.
    #[must_use]
    pub fn new(root: RootKey) -> Self {
        let mut id = [0; ID_BYTES];
        with_stack_wiped(|| hkdf_sha256(root.0.expose(), &[], ID_INFO, &mut id));
        Self { root, id }
    }

    fn wrap(
        &self,
        data_key: &DataKey,
        context: &EncryptionContext,
    ) -> Result<WrappedKey, KeyError> {
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt)?;
        self.wrap_with_salt(data_key, context, &salt)
    }

    /// FORMAT 6.1. A salt is used once: it is random, or comes from a test vector.
    pub(crate) fn wrap_with_salt(
        &self,
        data_key: &DataKey,
        context: &EncryptionContext,
        salt: &[u8; SALT_BYTES],
    ) -> Result<WrappedKey, KeyError> {
        let mut wrapped = SecretBuffer::with_capacity(SALT_BYTES + KEY_BYTES + TAG_BYTES);
        wrapped.extend_from_slice(salt);
        wrapped.extend_from_slice(data_key.expose());
        let associated_data = associated_data(context);
        let tag = with_stack_wiped(|| {
            let message = wrapped.as_mut_slice().get_mut(SALT_BYTES..).unwrap_or_default();
            MessageKey(&self.wrapping_key(salt)).seal(&associated_data, message)
        });
        let tag = tag
            .map_err(|_| KeyError::new(KeyErrorKind::Other, "AES-GCM could not wrap a data key"))?;
        wrapped.extend_from_slice(&tag);
        WrappedKey::new(KeyKind::LOCAL, self.id, wrapped.into_public())
            .map_err(|error| KeyError::new(KeyErrorKind::Other, error.to_string()))
    }

    fn unwrap(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let own = |key: &&WrappedKey| key.kind() == KeyKind::LOCAL && key.id() == self.id;
        let wrapped = wrapped.iter().find(own).ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::WrongKey,
                "the data key is not wrapped by the local root key of this provider",
            )
        })?;
        let mismatch = || {
            KeyError::new(
                KeyErrorKind::ContextMismatch,
                "the local root key could not unwrap this wrapped key",
            )
        };
        let mut reader = Reader::new(wrapped.bytes());
        let salt = reader.take_array().map_err(|_| mismatch())?;
        let ciphertext: [u8; KEY_BYTES] = reader.take_array().map_err(|_| mismatch())?;
        let tag = reader.take_array().map_err(|_| mismatch())?;
        if reader.remaining() > 0 {
            return Err(mismatch());
        }
        let associated_data = associated_data(context);
        DataKey::filled_by(|data_key| {
            data_key.copy_from_slice(&ciphertext);
            with_stack_wiped(|| {
                MessageKey(&self.wrapping_key(&salt)).open(&associated_data, data_key, &tag)
            })
            .map_err(|_| mismatch())
        })
    }

    fn wrapping_key(&self, salt: &[u8; SALT_BYTES]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hkdf_sha256(self.root.0.expose(), salt, WRAP_INFO, &mut *key);
        key
    }
}

fn associated_data(context: &EncryptionContext) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    head(&mut out, major::ARRAY, 2);
    text(&mut out, "envelope-local-wrap");
    context.encode(&mut out);
    out
}

impl WrapKey for LocalKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let data_key = DataKey::generate()?;
            let wrapped = vec![self.wrap(&data_key, context)?];
            Ok(GeneratedKey { data_key, wrapped })
        })
    }
}

impl Recipient for LocalKeyProvider {
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move { Ok(vec![self.wrap(data_key, context)?]) })
    }
}

impl UnwrapKey for LocalKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async move { self.unwrap(wrapped, context) })
    }
}

impl fmt::Debug for LocalKeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKeyProvider(..)")
    }
}

/// The root key of a [`LocalKeyProvider`]: 32 bytes, wiped on drop.
pub struct RootKey(DataKey);

/// Why a root key could not be read. The error never contains the key.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::RootKey;
///
/// let Err(error) = RootKey::from_env("A_VARIABLE_THAT_NOBODY_SETS") else { unreachable!() };
/// assert!(error.to_string().contains("A_VARIABLE_THAT_NOBODY_SETS"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RootKeyError {
    /// The environment variable of this name is not set, or is not UTF-8.
    Environment(String),
    /// The file cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The key is neither 32 bytes, nor 64 hexadecimal digits, nor 32 bytes in base64.
    Malformed,
}

impl RootKey {
    /// A new root key from the operating system's random generator.
    ///
    /// The key is stored nowhere. After the process has ended, nothing that was sealed under it can
    /// be opened.
    ///
    /// # Errors
    ///
    /// If the operating system returns no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        DataKey::generate().map(Self)
    }

    /// A root key from 32 bytes. The caller wipes `bytes`.
    ///
    /// ```
    /// # use envelope_core::RootKey;
    /// let root = RootKey::from_bytes(&[7; 32])?;
    /// assert_eq!(format!("{root:?}"), "RootKey(..)");
    /// # Ok::<(), envelope_core::RootKeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If `bytes` is not 32 bytes long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RootKeyError> {
        DataKey::from_slice(bytes).map(Self).map_err(|_| RootKeyError::Malformed)
    }

    /// A root key from the environment variable `name`: 64 hexadecimal digits or base64.
    ///
    /// # Errors
    ///
    /// If the variable is not set, or contains neither of these.
    pub fn from_env(name: &str) -> Result<Self, RootKeyError> {
        let text = std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| RootKeyError::Environment(name.to_owned()))?;
        Self::from_text(text.as_bytes())
    }

    /// A root key from the file at `path`: 32 raw bytes, 64 hexadecimal digits, or base64.
    ///
    /// ```
    /// # use envelope_core::{RootKey, RootKeyError};
    /// let error = RootKey::from_file("/no/such/file").unwrap_err();
    /// assert!(matches!(&error, RootKeyError::File { .. }));
    /// assert!(error.to_string().starts_with("could not read the root key file `/no/such/file`: "));
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or contains none of these.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RootKeyError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|source| RootKeyError::File { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).or_else(|_| Self::from_text(&bytes))
    }

    fn from_text(text: &[u8]) -> Result<Self, RootKeyError> {
        let text = text.trim_ascii();
        if let Some(bytes) = from_hex(text) {
            return Self::from_bytes(&bytes);
        }
        let decoded = base64_simd::STANDARD.decode_to_vec(text).map(Zeroizing::new);
        Self::from_bytes(&decoded.map_err(|_| RootKeyError::Malformed)?)
    }
}

/// The bytes of 64 hexadecimal digits.
fn from_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for pair in text.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Some(bytes)
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

impl fmt::Display for RootKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(
                f,
                "the environment variable `{name}` is not set or is not UTF-8: set it to 64 \
                 hexadecimal digits (`openssl rand -hex 32`)"
            ),
            Self::File { path, source } => {
                write!(f, "could not read the root key file `{}`: {source}", path.display())
            }
            Self::Malformed => f.write_str(
                "not a root key: expected 32 bytes, 64 hexadecimal digits, or 32 bytes in base64",
            ),
        }
    }
}

impl std::error::Error for RootKeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // The message names the error itself.
            Self::File { source, .. } => source.source(),
            Self::Environment(_) | Self::Malformed => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{RootKey, RootKeyError};

    #[test]
    fn a_root_key_is_read_from_hexadecimal_and_from_base64() {
        for text in [
            "00010203ffFF".to_owned() + &"aB".repeat(26),
            format!("  {}\n", base64_simd::STANDARD.encode_to_string([7; 32])),
        ] {
            assert!(RootKey::from_text(text.as_bytes()).is_ok(), "{text}");
        }
        let key = RootKey::from_text("0aF0".repeat(16).as_bytes()).unwrap();
        assert_eq!(key.0.expose(), &[[0x0a, 0xf0]; 16].concat()[..]);
    }

    #[test]
    fn texts_that_are_not_root_keys_are_refused() {
        for text in [
            "",
            "00",
            &"+f".repeat(32),
            &"zz".repeat(32),
            &"ab".repeat(31),
            &"ab".repeat(33),
            &"a".repeat(63),
        ] {
            assert!(
                matches!(RootKey::from_text(text.as_bytes()), Err(RootKeyError::Malformed)),
                "{text}"
            );
        }
    }
}
