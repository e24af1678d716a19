//! Encrypt: wraps an existing data key for one more key, and encrypts small secrets without a data
//! key.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::encrypt::EncryptOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use envelope_core::{
    Context, ContextForm, DOMAIN_PAIR, DataKey, EncryptionContext, KeyError, KeyErrorKind,
    KeyFuture, Plaintext, Recipient, WrappedKey,
};

use crate::keys::kms::candidates::Refusals;
use crate::keys::kms::client::CallInfo;
use crate::keys::kms::key::{KmsKey, pairs, take_wrapped};
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

/// The most bytes that KMS encrypts itself (AWS KMS API Reference, Encrypt, `Plaintext`).
const MAX_DIRECT_BYTES: usize = 4096;

/// The value of [`DOMAIN_PAIR`] for a secret that KMS encrypts itself (FORMAT 5.2-1).
const DIRECT: &str = "direct";

/// The encryption context of a secret. The context of a record never has [`DOMAIN_PAIR`]. Otherwise
/// an attacker could use a secret of their choice as the data key of a forged record, and
/// `decrypt_direct` would return the data keys of records.
fn direct_pairs(context: &EncryptionContext) -> HashMap<String, String> {
    let mut pairs = pairs(context);
    pairs.insert(DOMAIN_PAIR.to_owned(), DIRECT.to_owned());
    pairs
}

impl KmsKeyWrapper {
    /// Encrypts a secret of 1 to 4,096 bytes in KMS itself, and returns its `CiphertextBlob`
    /// (`kms:Encrypt`).
    ///
    /// For a single password or token: every use of it is a call to KMS. For longer or frequently
    /// read data, use [`seal`](crate::message::seal()).
    ///
    /// # Errors
    ///
    /// Fails if the secret is empty or too long, if the context has authenticated attributes, and
    /// if KMS refuses.
    ///
    /// # Security
    ///
    /// KMS binds only the encryption context: table and pairs, the key in the forms `raw` and
    /// `hashed`, and the pair `envelope` = `direct`. The context of a record never has that pair,
    /// so a secret cannot be used as a data key. Authenticated attributes would not be bound,
    /// and are therefore refused. The secret is sent to KMS over TLS, in a buffer of the SDK
    /// that is not wiped.
    pub async fn encrypt_direct(
        &self,
        secret: &[u8],
        context: &Context<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let problem = if secret.is_empty() {
            "there is nothing to encrypt".to_owned()
        } else if secret.len() > MAX_DIRECT_BYTES {
            let bytes = secret.len();
            format!(
                "KMS itself encrypts at most {MAX_DIRECT_BYTES} bytes, and these are {bytes}: use \
                 `seal`"
            )
        } else if context.authenticated_names().next().is_some() {
            "KMS itself binds no authenticated attributes: use `seal`, or leave them out of the \
             context"
                .to_owned()
        } else {
            let context = context.encryption_context();
            let [wrapped] = self.encrypt(secret, direct_pairs(&context), context.form()).await?;
            return Ok(wrapped.bytes().to_vec());
        };
        Err(KeyError::new(KeyErrorKind::Configuration, problem))
    }

    async fn encrypt(
        &self,
        plaintext: &[u8],
        pairs: HashMap<String, String>,
        form: ContextForm,
    ) -> Result<[WrappedKey; 1], KeyError> {
        let request = self
            .kms
            .sdk
            .encrypt()
            .key_id(self.key.key_id())
            .plaintext(Blob::new(plaintext))
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_encryption_context(Some(pairs))
            .set_grant_tokens(self.kms.grant_tokens());
        let info = CallInfo::new("Encrypt", self.key.key_id(), form);
        let key = Arc::clone(&self.key);
        let take = move |output| key.take_encrypted(output);
        self.kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKey {
    fn take_encrypted(&self, output: EncryptOutput) -> Result<[WrappedKey; 1], KeyError> {
        let arn = self.accept(output.key_id.as_deref())?;
        // Encrypt does not say which key material it used.
        Ok([take_wrapped(arn.hint(), output.ciphertext_blob, "Encrypt")?])
    }

    fn take_decrypted(&self, output: DecryptOutput) -> Result<Plaintext, KeyError> {
        let plaintext = Plaintext::from(output.plaintext.map(Blob::into_inner).unwrap_or_default());
        self.accept(output.key_id.as_deref()).map(|_| plaintext)
    }
}

impl KmsKeyProvider {
    /// Encrypts a secret of 1 to 4,096 bytes in KMS itself; see [`KmsKeyWrapper::encrypt_direct`].
    ///
    /// ```no_run
    /// # use envelope_dynamo::KmsKeyProvider;
    /// # async fn example(kms: KmsKeyProvider) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::message::Context;
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
    pub async fn encrypt_direct(
        &self,
        secret: &[u8],
        context: &Context<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        self.wrapper.encrypt_direct(secret, context).await
    }

    /// Decrypts the result of [`encrypt_direct`](Self::encrypt_direct) in KMS, for the same context
    /// (`kms:Decrypt`).
    ///
    /// The wrapped data key of a record does not decrypt here. The blob does not name its key, so
    /// the keys of [`also_decrypts`](Self::also_decrypts) are tried one after the other.
    ///
    /// # Errors
    ///
    /// Fails if KMS refuses, or answers with another key than the configured one.
    pub async fn decrypt_direct(
        &self,
        blob: &[u8],
        context: &Context<'_>,
    ) -> Result<Plaintext, KeyError> {
        let context = context.encryption_context();
        let mut refusals = Refusals::default();
        for key in self.keys() {
            let own = Arc::clone(key);
            let take = move |output| own.take_decrypted(output);
            match self.decrypt(key, blob, direct_pairs(&context), context.form(), take).await {
                Ok(secret) => return Ok(secret),
                Err(error) => refusals.add(error)?,
            }
        }
        let none = || KeyError::new(KeyErrorKind::Configuration, "no key is configured");
        Err(refusals.into_error().unwrap_or_else(none))
    }
}

impl Recipient for KmsKeyWrapper {
    /// Wraps with Encrypt (`kms:Encrypt`), for the second region or account of a
    /// [`MultiKeyProvider`](crate::keys::MultiKeyProvider).
    fn wrap_data_key<'a>(
        &'a self,
        data_key: &'a DataKey,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async move {
            self.encrypt(data_key.expose(), pairs(context), context.form()).await.map(Vec::from)
        })
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
