//! RSA keys in KMS: they unwrap what partners without AWS wrapped with the public key (FORMAT 6.4).

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use envelope_core::{
    DataKey, EncryptionContext, KeyError, KeyErrorKind, KeyFuture, RsaPublicKey, UnwrapKey,
    WrappedKey,
};
use zeroize::Zeroizing;

use crate::keys::kms::client::{CallInfo, KmsClient};
use crate::keys::kms::key::{KmsKey, invalid};

/// Unwraps data keys with an RSA key in KMS. They were wrapped with its public key.
///
/// The writing half is `RsaRecipient` (feature `rsa`): a partner needs the public key, and no AWS
/// account. To read your own records as well as those of partners, use
/// [`MultiKeyProvider::also_opens_with`](crate::keys::MultiKeyProvider::also_opens_with).
///
/// ```no_run
/// # async fn example(client: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use envelope_dynamo::KmsKeyProvider;
/// use envelope_dynamo::keys::{KmsRsaKey, MultiKeyProvider};
///
/// let partners = KmsRsaKey::fetch(client.clone(), "alias/partners").await?;
/// let ours = KmsKeyProvider::new(client, "alias/orders");
/// let provider = MultiKeyProvider::new(ours).also_opens_with(partners);
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Anybody may have the public key. A record that opens with this key was written by somebody who
/// had the public key and could write to the table. It proves nothing more: a reader accepts such a
/// record in place of any other.
///
/// KMS has no encryption context for RSA. So key policies cannot depend on it, and CloudTrail does
/// not show it. This type checks the record's context after decryption, in constant time.
#[derive(Debug)]
pub struct KmsRsaKey {
    kms: KmsClient,
    key: Arc<KmsKey>,
    public: RsaPublicKey,
}

impl KmsRsaKey {
    /// Unwraps with the KMS key `key`, whose public key is `public`. Needs `kms:Decrypt` alone.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>, public: RsaPublicKey) -> Self {
        Self { kms: KmsClient::new(client), key: KmsKey::new(key), public }
    }

    /// Unwraps with the KMS key `key`, and gets its public key from KMS (`kms:GetPublicKey`).
    ///
    /// # Errors
    ///
    /// Fails if KMS refuses, if the key does not support RSAES-OAEP with SHA-256, or if KMS answers
    /// with another key.
    pub async fn fetch(client: Client, key: impl Into<String>) -> Result<Self, KeyError> {
        let (kms, key) = (KmsClient::new(client), KmsKey::new(key));
        let request = kms.sdk.get_public_key().key_id(key.key_id());
        let info = CallInfo::new("GetPublicKey", key.key_id(), None);
        let own = Arc::clone(&key);
        let take = move |output| take_public_key(&own, output);
        let public = kms.call(info, move || request.clone().send(), take).await?;
        Ok(Self { kms, key, public })
    }

    /// The public key, for partners.
    #[must_use]
    pub const fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }

    /// Makes at most this many calls at a time; see
    /// [`KmsKeyWrapper::max_concurrent_calls`](crate::KmsKeyWrapper::max_concurrent_calls).
    #[must_use]
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.kms.limit_concurrent_calls(calls);
        self
    }

    /// Gives up a call after this time; see
    /// [`KmsKeyWrapper::deadline`](crate::KmsKeyWrapper::deadline).
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.kms.set_deadline(deadline);
        self
    }

    async fn decrypt(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let wrapped = self.public.find_in(wrapped)?;
        let request = self
            .kms
            .sdk
            .decrypt()
            .key_id(self.key.key_id())
            .ciphertext_blob(Blob::new(wrapped.bytes()))
            .encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256);
        let info = CallInfo::new("Decrypt", self.key.key_id(), context.form());
        let (key, context) = (Arc::clone(&self.key), context.clone());
        let take = move |output| key.take_rsa_unwrapped(output, &context);
        self.kms.call(info, move || request.clone().send(), take).await
    }
}

impl KmsKey {
    fn take_rsa_unwrapped(
        &self,
        output: DecryptOutput,
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let message = Zeroizing::new(output.plaintext.map(Blob::into_inner).unwrap_or_default());
        self.accept(output.key_id.as_deref())?;
        RsaPublicKey::take_data_key(&message, context)
    }
}

fn take_public_key(key: &KmsKey, output: GetPublicKeyOutput) -> Result<RsaPublicKey, KeyError> {
    let arn = key.accept(output.key_id.as_deref())?;
    if !output.encryption_algorithms().contains(&EncryptionAlgorithmSpec::RsaesOaepSha256) {
        return Err(KeyError::new(
            KeyErrorKind::InvalidKeyUsage,
            format!(
                "{arn} does not decrypt with RSAES_OAEP_SHA_256: it has to be an RSA key for \
                 encryption"
            ),
        ));
    }
    let der = output.public_key.map(Blob::into_inner).unwrap_or_default();
    RsaPublicKey::from_der(&der)
        .map_err(|_| invalid(format!("GetPublicKey answered without {arn}'s public key")))
}

impl UnwrapKey for KmsRsaKey {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.decrypt(wrapped, context))
    }
}
