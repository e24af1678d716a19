//! Data keys, and their wrapped form as it is stored.
//!
//! A [`DataKey`] seals. Each [`WrappedKey`] is the same data key, encrypted for one party. The
//! wrapped keys of a record are stored as its [`EncryptedDek`].
//!
//! ```
//! use envelope_core::context::ContextForm;
//! use envelope_core::key::{DataKey, EncryptedDek, KeyKind, WrappedKey};
//!
//! let data_key = DataKey::generate()?;
//! assert_eq!(data_key.expose().len(), 32);
//!
//! let wrapped = WrappedKey::new(KeyKind::AWS_KMS, *b"key hint", [7; 184])?;
//! let stored = EncryptedDek::new(ContextForm::Raw, vec![wrapped])?.to_bytes();
//! assert_eq!(EncryptedDek::parse(&stored)?.keys().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use crate::dek::{
    EncryptedDek, KeyKind, KmsKeyHint, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS,
    WrappedKey,
};
pub use crate::rsa_oaep::RsaPublicKey;
pub use crate::secret::DataKey;
