//! GenerateDataKeyWithoutPlaintext: data keys that this process never sees.

use std::sync::Arc;

use aws_sdk_kms::operation::generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintextOutput;
use aws_sdk_kms::types::DataKeySpec;
use envelope_core::{Context, EncryptedDek, EncryptionContext, KeyError, WrappedKey};

use crate::keys::kms::client::CallInfo;
use crate::keys::kms::key::{KmsKey, invalid, pairs, take_wrapped};
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

const OPERATION: &str = "GenerateDataKeyWithoutPlaintext";

impl KmsKeyWrapper {
    /// Returns a new data key, wrapped by KMS, as an `encrypted_dek`
    /// (`kms:GenerateDataKeyWithoutPlaintext`).
    ///
    /// For a control plane that provides keys to devices or jobs, and must not see them. The device
    /// unwraps the key (`kms:Decrypt`) and seals with a
    /// [`ProvisionedKeyWrapper`](crate::keys::ProvisionedKeyWrapper).
    ///
    /// # Errors
    ///
    /// Fails if KMS refuses, or answers with another key than the configured one.
    pub async fn generate_without_plaintext(
        &self,
        context: &Context<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let context = context.encryption_context();
        let wrapped = self.generate_wrapped_key(&context).await?;
        let dek = EncryptedDek::new(context.form(), vec![wrapped])
            .map_err(|error| invalid(error.to_string()))?;
        Ok(dek.to_bytes())
    }

    pub(crate) async fn generate_wrapped_key(
        &self,
        context: &EncryptionContext,
    ) -> Result<WrappedKey, KeyError> {
        let request = self
            .kms
            .sdk
            .generate_data_key_without_plaintext()
            .key_id(self.key.key_id())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(pairs(context)))
            .set_grant_tokens(self.kms.grant_tokens());
        let info = CallInfo::new(OPERATION, self.key.key_id(), context.form());
        let key = Arc::clone(&self.key);
        let take = move |output| key.take_without_plaintext(output);
        self.kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKey {
    fn take_without_plaintext(
        &self,
        output: GenerateDataKeyWithoutPlaintextOutput,
    ) -> Result<WrappedKey, KeyError> {
        let arn = self.accept(output.key_id.as_deref())?;
        let hint = arn.hint().with_material(output.key_material_id.as_deref());
        take_wrapped(hint, output.ciphertext_blob, OPERATION)
    }
}

impl KmsKeyProvider {
    /// Returns a new data key, wrapped by KMS; see
    /// [`KmsKeyWrapper::generate_without_plaintext`].
    ///
    /// ```no_run
    /// # use envelope_dynamo::KmsKeyProvider;
    /// # async fn example(kms: KmsKeyProvider) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::keys::ProvisionedKeyWrapper;
    /// use envelope_dynamo::message::{Context, ContextForm, open, seal};
    ///
    /// let context = Context::new("readings").form(ContextForm::Table).pair("device", "d_1")?;
    /// let provisioned = kms.generate_without_plaintext(&context).await?;
    ///
    /// // On the device, whose role has `kms:Decrypt` for its own context alone:
    /// let device = ProvisionedKeyWrapper::new(&provisioned, &kms)?;
    /// let sealed = seal(b"21.5", &context, &device).await?;
    /// assert_eq!(open(&sealed, &context, &kms).await?.expose(), b"21.5");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if KMS refuses, or answers with another key than the configured one.
    pub async fn generate_without_plaintext(
        &self,
        context: &Context<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        self.wrapper.generate_without_plaintext(context).await
    }
}
