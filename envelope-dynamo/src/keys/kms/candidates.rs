//! Which configured key unwraps which wrapped key of a record.

use std::sync::Arc;

use envelope_core::{KeyError, KeyErrorKind, KeyKind, WrappedKey};

use crate::keys::kms::KmsKeyProvider;
use crate::keys::kms::arn::advice;
use crate::keys::kms::key::KmsKey;

impl KmsKeyProvider {
    /// All configured keys; the key that writes comes first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<KmsKey>> + Clone {
        std::iter::once(&self.wrapper.key).chain(&self.others)
    }
}

/// The pairs of a key and a wrapped key to try. If the hints tell that a pair belongs together,
/// this pair alone. Otherwise each wrapped key with each alias that is not resolved yet.
pub(crate) fn candidates<'a>(
    keys: impl Iterator<Item = &'a Arc<KmsKey>> + Clone,
    wrapped: &'a [WrappedKey],
) -> Vec<(&'a Arc<KmsKey>, &'a WrappedKey)> {
    let pairs = || by_kms(wrapped).flat_map(|wrapped| keys.clone().map(move |key| (key, wrapped)));
    match pairs().find(|(key, wrapped)| key.hint().is_some_and(|hint| hint.fits(wrapped.id()))) {
        Some(known) => vec![known],
        None => pairs().filter(|(key, _)| key.hint().is_none()).collect(),
    }
}

/// The error if there is no pair to try.
pub(crate) fn not_ours<'a>(
    keys: impl Iterator<Item = &'a Arc<KmsKey>>,
    wrapped: &[WrappedKey],
) -> KeyError {
    let message = if by_kms(wrapped).next().is_some() {
        let configured = keys.map(|key| format!("{}{}", key.name, advice(key.name.as_str())));
        let configured: Vec<_> = configured.collect();
        format!(
            "the data key is wrapped by a KMS key other than {} (if an alias has moved, add its \
             earlier key with `also_decrypts`)",
            configured.join(", ")
        )
    } else {
        "the data key is not wrapped by KMS: the record was written with another kind of key \
         provider"
            .to_owned()
    };
    KeyError::new(KeyErrorKind::WrongKey, message)
}

fn by_kms(wrapped: &[WrappedKey]) -> impl Iterator<Item = &WrappedKey> {
    wrapped.iter().filter(|wrapped| wrapped.kind() == KeyKind::AWS_KMS)
}

/// The errors of the keys that were tried in vain: the one that says most.
#[derive(Default)]
pub(crate) struct Refusals(Option<KeyError>);

impl Refusals {
    /// Adds the error of one key. Fails with this error if trying another key cannot help.
    ///
    /// Any other error is preferred over `WrongKey`, which only says that the key is not the one.
    pub(crate) fn add(&mut self, error: KeyError) -> Result<(), KeyError> {
        match error.kind() {
            KeyErrorKind::WrongKey => {
                self.0.get_or_insert(error);
            }
            // KMS may answer so if the wrapped key belongs to a key of another region or account.
            KeyErrorKind::ContextMismatch | KeyErrorKind::AccessDenied => self.0 = Some(error),
            _ => return Err(error),
        }
        Ok(())
    }

    pub(crate) fn into_error(self) -> Option<KeyError> {
        self.0
    }
}
