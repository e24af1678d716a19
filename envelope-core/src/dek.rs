//! `encrypted_dek`: the data key, wrapped once or several times (FORMAT 3).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::cbor::Reader;
use crate::context_form::ContextForm;
use crate::error::FormatError;

const PART: &str = "encrypted_dek";
const VERSION: u8 = 1;
/// The most wrapped keys that a record may have: enough for regions and partners, few enough to
/// limit the work of a reader.
pub const MAX_WRAPPED_KEYS: usize = 16;
/// The longest wrapped key: the longest `CiphertextBlob` that KMS accepts (AWS KMS API Reference,
/// Decrypt).
pub const MAX_WRAPPED_KEY_BYTES: usize = 6144;
/// The longest key id of an entry: its length is one byte.
pub const MAX_KEY_ID_BYTES: usize = 255;

/// Which kind of key can unwrap a wrapped key. A reader skips kinds that it does not know.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::KeyKind;
///
/// assert_eq!(KeyKind::AWS_KMS.to_byte(), 2);
/// assert_eq!(KeyKind::private(200).map(KeyKind::to_byte), Some(200));
/// assert_eq!(KeyKind::private(5), None, "the format may assign it");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyKind(u8);

impl KeyKind {
    /// A local root key (FORMAT 6.1).
    pub const LOCAL: Self = Self(1);
    /// A symmetric AWS KMS key: the wrapped key is the `CiphertextBlob` (FORMAT 6.2).
    pub const AWS_KMS: Self = Self(2);
    /// A branch key, itself wrapped by KMS and kept in a key store (FORMAT 6.3).
    pub const BRANCH: Self = Self(3);
    /// An RSA public key, RSAES-OAEP with SHA-256 (FORMAT 6.4).
    pub const RSA_OAEP: Self = Self(4);

    /// A kind of your own, from 128 to 255. The format never assigns these.
    #[must_use]
    pub const fn private(byte: u8) -> Option<Self> {
        if byte >= 128 { Some(Self(byte)) } else { None }
    }

    /// The byte that encodes the kind.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LOCAL => f.write_str("local"),
            Self::AWS_KMS => f.write_str("aws-kms"),
            Self::BRANCH => f.write_str("branch"),
            Self::RSA_OAEP => f.write_str("rsa-oaep"),
            Self(byte) => write!(f, "kind {byte}"),
        }
    }
}

/// One wrapping of a data key.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{EncryptedDek, KeyKind, LocalKeyProvider, RootKey, WrappedKey};
/// use envelope_dynamo::message::{Context, seal};
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let sealed = seal(b"dear", &Context::new("letters"), &provider).await?;
///
/// // Which kinds of key may open it, without opening it.
/// let dek = EncryptedDek::parse(&sealed.encrypted_dek)?;
/// let kinds: Vec<KeyKind> = dek.keys().iter().map(WrappedKey::kind).collect();
/// assert_eq!(kinds, [KeyKind::LOCAL]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// A wrapped key comes from the table and is not authenticated. Kind and id are hints about which
/// key to try, and never a reason for trust. A provider compares the id with its own configuration,
/// and only the commitment of the payload proves that a data key is the right one.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    kind: KeyKind,
    id: Vec<u8>,
    bytes: Vec<u8>,
}

impl WrappedKey {
    /// A wrapped key.
    ///
    /// # Errors
    ///
    /// If `id` is longer than 255 bytes, or if `bytes` is empty or longer than 6,144 bytes.
    pub fn new(
        kind: KeyKind,
        id: impl Into<Vec<u8>>,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<Self, FormatError> {
        let (id, bytes) = (id.into(), bytes.into());
        if id.len() > MAX_KEY_ID_BYTES {
            return Err(FormatError::Malformed("the id of a wrapped key"));
        }
        if bytes.is_empty() || bytes.len() > MAX_WRAPPED_KEY_BYTES {
            return Err(FormatError::Malformed("a wrapped key"));
        }
        Ok(Self { kind, id, bytes })
    }

    /// Which kind of key can unwrap it.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Which key of that kind wrapped it. This is a hint; see the section on security.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The wrapped key itself; for KMS this is the `CiphertextBlob`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({:?}, {} bytes)", self.kind, self.bytes.len())
    }
}

/// A parsed `encrypted_dek`: the stored form of a data key.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{EncryptedDek, KeyKind, WrappedKey};
/// use envelope_dynamo::message::ContextForm;
///
/// let wrapped = WrappedKey::new(KeyKind::AWS_KMS, *b"key hint", [7; 184])?;
/// let dek = EncryptedDek::new(ContextForm::Raw, vec![wrapped])?;
/// let bytes = dek.to_bytes();
/// assert_eq!(bytes.len(), 15 + 184);
/// assert_eq!(&bytes[15..], [7; 184], "the blob from KMS is stored unchanged, at the end");
/// assert_eq!(EncryptedDek::parse(&bytes)?, dek);
/// # Ok::<(), envelope_core::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedDek {
    form: ContextForm,
    keys: Vec<WrappedKey>,
}

impl EncryptedDek {
    /// A data key that each of `keys` wraps, under an encryption context of `form`.
    ///
    /// # Errors
    ///
    /// If there is no wrapped key, or more than 16.
    pub fn new(form: ContextForm, keys: Vec<WrappedKey>) -> Result<Self, FormatError> {
        if keys.is_empty() || keys.len() > MAX_WRAPPED_KEYS {
            return Err(FormatError::Malformed("the number of wrapped keys"));
        }
        Ok(Self { form, keys })
    }

    /// Parses stored bytes (FORMAT 3.2).
    ///
    /// # Errors
    ///
    /// If the bytes are not exactly one `encrypted_dek` of a known version.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::new(bytes);
        let truncated = |_| FormatError::Truncated(PART);
        let [version] = reader.take_array().map_err(truncated)?;
        if version != VERSION {
            return Err(FormatError::UnknownVersion(PART, version));
        }
        let [form, count] = reader.take_array().map_err(truncated)?;
        let form = ContextForm::from_byte(form)
            .ok_or(FormatError::Malformed("the context form of encrypted_dek"))?;
        if count == 0 || usize::from(count) > MAX_WRAPPED_KEYS {
            return Err(FormatError::Malformed("the number of wrapped keys"));
        }
        let keys = (0..count).map(|_| parse_key(&mut reader)).collect::<Result<_, _>>()?;
        if reader.remaining() > 0 {
            return Err(FormatError::TrailingBytes(PART));
        }
        Ok(Self { form, keys })
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(
            3 + self.keys.iter().map(|key| 4 + key.id.len() + key.bytes.len()).sum::<usize>(),
        );
        out.extend([VERSION, self.form.to_byte(), low_byte(self.keys.len())]);
        for key in &self.keys {
            out.extend([key.kind.to_byte(), low_byte(key.id.len())]);
            out.extend(&key.id);
            let [.., high, low] = key.bytes.len().to_be_bytes();
            out.extend([high, low]);
            out.extend(&key.bytes);
        }
        out
    }

    /// The context form that the bytes name. A reader accepts only its own form.
    #[must_use]
    pub const fn form(&self) -> ContextForm {
        self.form
    }

    /// The wrapped keys, at least one.
    #[must_use]
    pub fn keys(&self) -> &[WrappedKey] {
        &self.keys
    }
}

fn parse_key(reader: &mut Reader<'_>) -> Result<WrappedKey, FormatError> {
    let truncated = |_| FormatError::Truncated(PART);
    let [kind, id_length] = reader.take_array().map_err(truncated)?;
    let id = reader.take(id_length.into()).map_err(truncated)?;
    let length = u16::from_be_bytes(reader.take_array().map_err(truncated)?);
    let bytes = reader.take(length.into()).map_err(truncated)?;
    WrappedKey::new(KeyKind(kind), id, bytes)
}

/// A count as one byte: the constructors keep it below 256.
const fn low_byte(count: usize) -> u8 {
    let [.., low] = count.to_be_bytes();
    low
}

/// The id of an entry of kind [`KeyKind::AWS_KMS`]: which KMS key wrapped it, and which of its key
/// materials (FORMAT 6.2).
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::KmsKeyHint;
///
/// let key = KmsKeyHint::of("mrk-1234abcd12ab34cd56ef1234567890ab");
/// let material = "0b7fd7ddbac6eef27907413567cad8c810e2883dc8a7534067a82ee1142fc1e6";
/// let stored = key.with_material(Some(material));
/// assert!(key.fits(stored.as_ref()), "readers compare the first half only");
/// assert_eq!(KmsKeyHint::parse(stored.as_ref()), Some(stored));
/// assert_eq!((key.material(), stored.material()), (None, Some([0xcf, 0xf2, 0xf0, 0x51])));
/// ```
///
/// # Security
///
/// A hint from a record is not authenticated: everybody who can write to the table can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsKeyHint([u8; Self::BYTES]);

impl KmsKeyHint {
    /// Bytes of a hint: 4 for the key and 4 for the key material.
    pub const BYTES: usize = 8;

    /// The hint of the KMS key with this id, which is the part of its ARN behind `:key/`. The key
    /// material is unknown.
    #[must_use]
    pub fn of(key_id: &str) -> Self {
        Self::from_parts(digest(key_id), NO_MATERIAL)
    }

    /// The hint of the same key with the `KeyMaterialId` that KMS returned, if it returned one.
    #[must_use]
    pub fn with_material(self, material_id: Option<&str>) -> Self {
        Self::from_parts(
            self.key(),
            material_id.filter(|id| !id.is_empty()).map_or(NO_MATERIAL, digest),
        )
    }

    /// The hint in the id of an entry; `None` if the id is not 8 bytes long.
    #[must_use]
    pub fn parse(id: &[u8]) -> Option<Self> {
        id.try_into().ok().map(Self)
    }

    /// Whether `id` is a hint of the same key, with any key material.
    #[must_use]
    pub fn fits(self, id: &[u8]) -> bool {
        Self::parse(id).is_some_and(|other| other.key() == self.key())
    }

    /// The first 4 bytes of SHA-256 of the key id.
    #[must_use]
    pub const fn key(self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }

    /// The first 4 bytes of SHA-256 of the `KeyMaterialId`; `None` if KMS did not return one.
    #[must_use]
    pub fn material(self) -> Option<[u8; 4]> {
        let [.., a, b, c, d] = self.0;
        Some([a, b, c, d]).filter(|material| *material != NO_MATERIAL)
    }

    const fn from_parts([a, b, c, d]: [u8; 4], [e, f, g, h]: [u8; 4]) -> Self {
        Self([a, b, c, d, e, f, g, h])
    }
}

/// The bytes in place of the key material if KMS did not name it.
const NO_MATERIAL: [u8; 4] = [0; 4];

fn digest(id: &str) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::digest(id).into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

impl AsRef<[u8]> for KmsKeyHint {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<KmsKeyHint> for Vec<u8> {
    fn from(hint: KmsKeyHint) -> Self {
        hint.0.to_vec()
    }
}
