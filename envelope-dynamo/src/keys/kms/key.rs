//! A configured KMS key, and what KMS answers about it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use aws_sdk_kms::primitives::Blob;
use envelope_core::{
    DataKey, EncryptionContext, KeyError, KeyErrorKind, KeyKind, KmsKeyHint, WrappedKey,
};
use zeroize::Zeroizing;

use crate::keys::kms::arn::{KeyArn, KeyName};

/// A key as the caller configured it, and its ARN once KMS has named it.
#[derive(Debug)]
pub(crate) struct KmsKey {
    pub(crate) name: KeyName,
    resolved: OnceLock<KeyArn>,
}

impl KmsKey {
    pub(crate) fn new(name: impl Into<String>) -> Arc<Self> {
        let name = KeyName::new(name.into());
        let resolved = name.as_key_arn().map_or_else(OnceLock::new, OnceLock::from);
        Arc::new(Self { name, resolved })
    }

    /// The `KeyId` of a request: the resolved ARN if there is one. So an alias that moves does not
    /// change the key of a provider in use.
    pub(crate) fn key_id(&self) -> &str {
        self.resolved.get().map_or_else(|| self.name.as_str(), KeyArn::as_str)
    }

    /// Checks the ARN in KMS's answer. The first ARN of an alias is kept.
    pub(crate) fn accept(&self, answered: Option<&str>) -> Result<&KeyArn, KeyError> {
        let arn = answered
            .and_then(KeyArn::parse)
            .ok_or_else(|| invalid(format!("KMS answered for {} without a key ARN", self.name)))?;
        let expected = match self.resolved.get() {
            Some(resolved) => *resolved == arn,
            None => self.name.may_be(&arn),
        };
        if expected && self.resolved.get_or_init(|| arn.clone()) == &arn {
            return self
                .resolved
                .get()
                .ok_or_else(|| invalid(format!("{} has no key ARN", self.name)));
        }
        Err(invalid(format!("KMS answered for {} with another key, {arn}", self.name)))
    }

    /// What `encrypted_dek` says about this key. `None` for an alias that is not resolved yet,
    /// which can stand for any key.
    pub(crate) fn hint(&self) -> Option<KmsKeyHint> {
        self.resolved.get().map_or_else(|| self.name.hint(), |arn| Some(arn.hint()))
    }

    /// Whether a stored record names both keys in the same way: they are the same key, or replicas
    /// of it. False while either is an alias that is not resolved.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        self.hint().is_some_and(|hint| other.hint().is_some_and(|other| hint.key() == other.key()))
    }
}

/// Checks the hint of a wrapped key against the key that unwrapped it. The hint is not
/// authenticated: one that an unresolved alias let pass may be wrong, and then the record was
/// changed.
pub(crate) fn check_hint(arn: &KeyArn, wrapped: &WrappedKey) -> Result<(), KeyError> {
    if arn.hint().fits(wrapped.id()) {
        return Ok(());
    }
    Err(KeyError::new(
        KeyErrorKind::WrongKey,
        format!("the record names a KMS key other than {arn}, which unwrapped its data key"),
    ))
}

/// The encryption context of a request.
pub(crate) fn pairs(context: &EncryptionContext) -> HashMap<String, String> {
    context.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The ciphertext of KMS's answer as a wrapped key, with the hint of the key that wrapped it.
pub(crate) fn take_wrapped(
    hint: KmsKeyHint,
    blob: Option<Blob>,
    operation: &str,
) -> Result<WrappedKey, KeyError> {
    let blob = blob.map(Blob::into_inner).unwrap_or_default();
    WrappedKey::new(KeyKind::AWS_KMS, hint, blob)
        .map_err(|error| invalid(format!("{operation} answered without a usable blob: {error}")))
}

/// Moves a data key out of KMS's answer, and wipes the buffer of the answer.
pub(crate) fn take_data_key(plaintext: Option<Blob>, operation: &str) -> Result<DataKey, KeyError> {
    let bytes = Zeroizing::new(plaintext.map(Blob::into_inner).unwrap_or_default());
    DataKey::from_slice(&bytes).map_err(|_| {
        invalid(format!(
            "{operation} answered with a data key of {} bytes, not {}",
            bytes.len(),
            DataKey::BYTES
        ))
    })
}

pub(crate) fn invalid(what: String) -> KeyError {
    KeyError::new(KeyErrorKind::InvalidResponse, what)
}
