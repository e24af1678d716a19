//! Data keys from AWS KMS: GenerateDataKey and Decrypt with the record's encryption context (FORMAT
//! 6.2).

pub(crate) mod arn;
pub(crate) mod candidates;
pub(crate) mod client;
pub(crate) mod decrypt;
#[cfg(feature = "maintain")]
pub(crate) mod describe;
pub(crate) mod direct;
pub(crate) mod entries;
pub(crate) mod error;
pub(crate) mod generate;
pub(crate) mod key;
pub(crate) mod own_task;
pub(crate) mod rewrap;
pub(crate) mod rsa;
pub(crate) mod settings;
pub(crate) mod without_plaintext;

use std::sync::Arc;

use aws_sdk_kms::Client;
use envelope_core::{
    DataKey, EncryptionContext, GeneratedKey, KeyFuture, UnwrapKey, WrapKey, WrappedKey,
};

use crate::keys::kms::client::KmsClient;
use crate::keys::kms::key::KmsKey;
pub use crate::keys::kms::rsa::KmsRsaKey;

/// Wraps and unwraps data keys with symmetric AWS KMS keys.
///
/// Every write calls KMS for a data key (`kms:GenerateDataKey`), and every read calls it to unwrap
/// one (`kms:Decrypt`). Each call has the record's encryption context, which KMS checks and
/// CloudTrail shows.
///
/// A key is named by key id, key ARN, alias name or alias ARN. The first answer of KMS for an alias
/// resolves it. From then on this provider uses that key, even if the alias moves. **After an alias
/// has moved, restart the writers:** until then they write under its earlier key. To read records
/// that were written under an earlier key of the alias, add that key with
/// [`also_decrypts`](Self::also_decrypts).
///
/// ```no_run
/// # fn example(config: &aws_sdk_kms::Config) {
/// use envelope_dynamo::KmsKeyProvider;
///
/// let kms = aws_sdk_kms::Client::from_conf(config.clone());
/// let earlier = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// let provider = KmsKeyProvider::new(kms, "alias/users").also_decrypts(earlier);
/// # }
/// ```
///
/// # Security
///
/// An item only hints at its key. Decrypt always names a configured key, and the key ARN in the
/// answer is checked against it. So a changed item cannot make a reader use a key of an attacker's
/// choice.
#[derive(Debug)]
pub struct KmsKeyProvider {
    wrapper: KmsKeyWrapper,
    /// The keys that only unwrap.
    others: Vec<Arc<KmsKey>>,
}

/// The writing half of [`KmsKeyProvider`]. It needs `kms:GenerateDataKey` alone, and cannot read.
/// After an alias has moved, restart the process, as for [`KmsKeyProvider`].
///
/// ```no_run
/// # async fn example(
/// #     dynamodb: aws_sdk_dynamodb::Client,
/// #     kms: aws_sdk_kms::Client,
/// # ) -> Result<(), envelope_dynamo::Error> {
/// use envelope_dynamo::{Envelope, KmsKeyWrapper, Table};
///
/// #[derive(Envelope)]
/// #[envelope(table = "signups")]
/// struct Signup {
///     #[partition_key]
///     id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// // `signups` has no method that reads.
/// let kms = KmsKeyWrapper::new(kms, "alias/signups");
/// let signups = Table::<Signup, _>::write_only(dynamodb, kms);
/// let zoe = Signup { id: "s_1".into(), email: "zoe@example.com".into() };
/// signups.put(&zoe).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KmsKeyWrapper {
    kms: KmsClient,
    key: Arc<KmsKey>,
}

impl KmsKeyWrapper {
    /// Wraps with the KMS key `key`: a key id, key ARN, alias name (`alias/..`) or alias ARN.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { kms: KmsClient::new(client), key: KmsKey::new(key) }
    }

    /// Adds a grant token, for a grant that KMS may not have propagated yet.
    #[must_use]
    pub fn grant_token(mut self, token: impl Into<String>) -> Self {
        self.kms.add_grant_token(token.into());
        self
    }
}

impl KmsKeyProvider {
    /// Wraps and unwraps with the KMS key `key`: a key id, key ARN, alias name (`alias/..`) or
    /// alias ARN.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { wrapper: KmsKeyWrapper::new(client, key), others: Vec::new() }
    }

    /// Also unwraps with `key`, such as an earlier key of the alias. Nothing is written with it.
    #[must_use]
    pub fn also_decrypts(mut self, key: impl Into<String>) -> Self {
        self.others.push(KmsKey::new(key));
        self
    }

    /// Adds a grant token, for a grant that KMS may not have propagated yet.
    #[must_use]
    pub fn grant_token(mut self, token: impl Into<String>) -> Self {
        self.wrapper = self.wrapper.grant_token(token);
        self
    }
}

impl WrapKey for KmsKeyWrapper {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.generate_data_key(context))
    }

    /// Only KMS sees the data key (`kms:GenerateDataKeyWithoutPlaintext`).
    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async { Ok(vec![self.generate_wrapped_key(context).await?]) })
    }
}

impl WrapKey for KmsKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.wrapper.generate(context)
    }

    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        self.wrapper.generate_wrapped(context)
    }
}

impl UnwrapKey for KmsKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.unwrap_any(wrapped, context))
    }
}
