//! Encrypt: data keys that exist already, wrapped for a further key, and small secrets without any data key.

use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::operation::encrypt::EncryptOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use envelope_core::{
    Context, DataKey, EncryptionContext, KeyError, KeyErrorKind, KeyFuture, Plaintext, Recipient, WrappedKey,
};

use super::error::{identified, key_error};
use super::trace::traced;
use super::{KmsKeyProvider, KmsKeyWrapper, may_be_another_keys, more_telling, pairs, take_wrapped};

/// Bytes that KMS encrypts by itself (AWS KMS API Reference, Encrypt, `Plaintext`).
const MAX_DIRECT_BYTES: usize = 4096;

impl KmsKeyWrapper {
    /// Has KMS itself encrypt a secret of 1 to 4,096 bytes, and returns its `CiphertextBlob` (`kms:Encrypt`).
    ///
    /// For a password or a token that stands alone; every use of it is a call. What is longer, or read often, is for
    /// [`seal`](crate::seal()).
    ///
    /// # Errors
    ///
    /// When the secret is empty or too long, when the context has authenticated attributes, and whenever KMS refuses.
    ///
    /// # Security
    ///
    /// KMS binds the encryption context and nothing else: table and pairs, and the key in the forms `raw` and `hashed`.
    /// Authenticated attributes are refused, since they would not be. The secret travels to KMS, over TLS, in a
    /// buffer of the SDK's that is not wiped.
    pub async fn encrypt_direct(&self, secret: &[u8], context: &Context<'_>) -> Result<Vec<u8>, KeyError> {
        let problem = if secret.is_empty() {
            "there is nothing to encrypt".to_owned()
        } else if secret.len() > MAX_DIRECT_BYTES {
            let bytes = secret.len();
            format!("KMS itself encrypts at most {MAX_DIRECT_BYTES} bytes, and these are {bytes}: use `seal`")
        } else if context.authenticated_names().next().is_some() {
            "KMS itself binds no authenticated attributes: use `seal`, or leave them out of the context".to_owned()
        } else {
            let [wrapped] = self.encrypt(secret, &context.encryption_context()).await?;
            return Ok(wrapped.bytes().to_vec());
        };
        Err(KeyError::new(KeyErrorKind::Configuration, problem))
    }

    async fn encrypt(&self, plaintext: &[u8], context: &EncryptionContext) -> Result<[WrappedKey; 1], KeyError> {
        let request = self
            .client
            .encrypt()
            .key_id(self.key.key_id())
            .plaintext(Blob::new(plaintext))
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_encryption_context(Some(pairs(context)))
            .set_grant_tokens(self.tokens());
        let call = async { request.send().await.map_err(|error| key_error(error, self.key.key_id(), "Encrypt")) };
        let _permit = self.permits.acquire().await;
        let output = traced("Encrypt", self.key.key_id(), context, call).await?;
        let request_id = output.request_id().map(str::to_owned);
        self.take_encrypted(output).map_err(|error| identified(error, request_id))
    }

    fn take_encrypted(&self, output: EncryptOutput) -> Result<[WrappedKey; 1], KeyError> {
        let arn = self.key.accept(output.key_id.as_deref())?;
        // Encrypt does not say which key material it used.
        Ok([take_wrapped(arn.hint(), output.ciphertext_blob, "Encrypt")?])
    }
}

impl KmsKeyProvider {
    /// Has KMS itself encrypt a secret of 1 to 4,096 bytes; see [`KmsKeyWrapper::encrypt_direct`].
    ///
    /// ```no_run
    /// # async fn example(kms: envelope_dynamo::KmsKeyProvider) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::Context;
    ///
    /// let context = Context::new("api-tokens").pair("service", "billing")?;
    /// let blob = kms.encrypt_direct(b"tok_live_4eC39HqLyjW", &context).await?;
    /// assert_eq!(kms.decrypt_direct(&blob, &context).await?.expose(), b"tok_live_4eC39HqLyjW");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`KmsKeyWrapper::encrypt_direct`].
    pub async fn encrypt_direct(&self, secret: &[u8], context: &Context<'_>) -> Result<Vec<u8>, KeyError> {
        self.wrapper.encrypt_direct(secret, context).await
    }

    /// Has KMS decrypt what [`encrypt_direct`](Self::encrypt_direct) gave, for the same context (`kms:Decrypt`).
    ///
    /// The blob does not say which key it is for, so the keys of [`also_decrypts`](Self::also_decrypts) are tried in turn.
    ///
    /// # Errors
    ///
    /// When KMS refuses, or answers with another key than the one that was named.
    pub async fn decrypt_direct(&self, blob: &[u8], context: &Context<'_>) -> Result<Plaintext, KeyError> {
        let context = context.encryption_context();
        let mut refusal = None;
        for key in self.keys() {
            match self.call_decrypt(key, blob, &context).await {
                Ok(mut output) => {
                    let request_id = output.request_id().map(str::to_owned);
                    let plaintext = Plaintext::from(output.plaintext.take().map(Blob::into_inner).unwrap_or_default());
                    let accepted = key.accept(output.key_id.as_deref()).map(|_| plaintext);
                    return accepted.map_err(|error| identified(error, request_id));
                }
                Err(error) if may_be_another_keys(error.kind()) => refusal = more_telling(refusal, error),
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or_else(|| KeyError::new(KeyErrorKind::Configuration, "no key is configured")))
    }
}

impl Recipient for KmsKeyWrapper {
    /// Wraps by Encrypt (`kms:Encrypt`): for the second region or account of a [`MultiKeyProvider`](crate::MultiKeyProvider).
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move { self.encrypt(data_key.expose(), context).await.map(Vec::from) })
    }
}

impl Recipient for KmsKeyProvider {
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        self.wrapper.wrap_data_key(data_key, context)
    }
}
