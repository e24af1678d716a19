//! Decrypt: the data key of a record that is read.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use envelope_core::{ContextForm, DataKey, EncryptionContext, KeyError, WrappedKey};

use crate::keys::kms::KmsKeyProvider;
use crate::keys::kms::candidates::{Refusals, candidates, not_ours};
use crate::keys::kms::client::CallInfo;
use crate::keys::kms::key::{KmsKey, check_hint, pairs, take_data_key};

const OPERATION: &str = "Decrypt";

impl KmsKeyProvider {
    /// Unwraps with the first configured key that can.
    pub(crate) async fn unwrap_any(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let mut refusals = Refusals::default();
        for (key, wrapped) in candidates(self.keys(), wrapped) {
            match self.unwrap_with(key, wrapped, context).await {
                Ok(data_key) => return Ok(data_key),
                Err(error) => refusals.add(error)?,
            }
        }
        Err(refusals.into_error().unwrap_or_else(|| not_ours(self.keys(), wrapped)))
    }

    async fn unwrap_with(
        &self,
        key: &Arc<KmsKey>,
        wrapped: &WrappedKey,
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let (own, entry) = (Arc::clone(key), wrapped.clone());
        let take = move |output| own.take_unwrapped(&entry, output);
        self.decrypt(key, wrapped.bytes(), pairs(context), context.form(), take).await
    }

    /// Calls Decrypt with a configured key, and converts the answer with `take`.
    pub(crate) async fn decrypt<R: Send + 'static>(
        &self,
        key: &KmsKey,
        blob: &[u8],
        pairs: HashMap<String, String>,
        form: ContextForm,
        take: impl Fn(DecryptOutput) -> Result<R, KeyError> + Send + Sync + 'static,
    ) -> Result<R, KeyError> {
        let kms = &self.wrapper.kms;
        let request = kms
            .sdk
            .decrypt()
            .key_id(key.key_id())
            .ciphertext_blob(Blob::new(blob))
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_encryption_context(Some(pairs))
            .set_grant_tokens(kms.grant_tokens());
        let info = CallInfo::new(OPERATION, key.key_id(), form);
        kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKey {
    fn take_unwrapped(
        &self,
        wrapped: &WrappedKey,
        output: DecryptOutput,
    ) -> Result<DataKey, KeyError> {
        let data_key = take_data_key(output.plaintext, OPERATION)?;
        let arn = self.accept(output.key_id.as_deref())?;
        check_hint(arn, wrapped)?;
        Ok(data_key)
    }
}
