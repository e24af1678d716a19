//! Data keys from AWS KMS: GenerateDataKey and Decrypt with the record's encryption context (FORMAT
//! 6.2).

pub(crate) mod arn;
pub(crate) mod call;
pub(crate) mod direct;
pub(crate) mod error;
pub(crate) mod limits;
pub(crate) mod rewrap;
pub(crate) mod rsa;
pub(crate) mod settings;
pub(crate) mod trace;
pub(crate) mod without_plaintext;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use aws_sdk_kms::Client;
use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, EncryptionAlgorithmSpec};
use envelope_core::{
    ContextForm, DataKey, EncryptionContext, GeneratedKey, KeyError, KeyErrorKind, KeyFuture,
    KeyKind, KmsKeyHint, UnwrapKey, WrapKey, WrappedKey,
};
use zeroize::Zeroizing;

use crate::keys::kms::arn::{KeyArn, KeyName};
use crate::keys::kms::call::Call;
use crate::keys::kms::limits::Permits;
pub use crate::keys::kms::rsa::KmsRsaKey;

/// Wraps and unwraps data keys with symmetric AWS KMS keys.
///
/// Every write asks KMS for a data key (`kms:GenerateDataKey`), every read to unwrap one
/// (`kms:Decrypt`), each with the record's encryption context, which KMS checks and CloudTrail
/// shows.
///
/// A key is named by key id, key ARN, alias name or alias ARN. An alias is resolved once, by the
/// first answer that KMS gives for it; from then on this provider uses that key, even if the alias
/// moves. Records written under the alias's earlier keys open if those are listed with
/// [`also_decrypts`](Self::also_decrypts).
///
/// ```no_run
/// # fn example(config: &aws_sdk_kms::Config) {
/// use envelope_dynamo::KmsKeyProvider;
///
/// let kms = aws_sdk_kms::Client::from_conf(config.clone());
/// let provider = KmsKeyProvider::new(kms, "alias/users")
///     .also_decrypts("arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");
/// # }
/// ```
///
/// # Security
///
/// What an item says about its key is a hint. Decrypt always names a configured key, and the key
/// ARN that KMS returns is checked against it, so that a record cannot make a reader use a key of
/// somebody else's choosing.
#[derive(Debug)]
pub struct KmsKeyProvider {
    wrapper: KmsKeyWrapper,
    others: Vec<Arc<Key>>,
}

/// The writing half of [`KmsKeyProvider`]: it needs `kms:GenerateDataKey` alone, and has no way to
/// read.
#[derive(Debug)]
pub struct KmsKeyWrapper {
    client: Client,
    key: Arc<Key>,
    grant_tokens: Vec<String>,
    permits: Permits,
}

/// A configured key and, once KMS has named it, its ARN.
#[derive(Debug)]
struct Key {
    name: KeyName,
    resolved: OnceLock<KeyArn>,
}

impl Key {
    fn new(name: impl Into<String>) -> Arc<Self> {
        let name = KeyName::new(name.into());
        let resolved = name.as_key_arn().map_or_else(OnceLock::new, OnceLock::from);
        Arc::new(Self { name, resolved })
    }

    /// How to name the key to KMS: as resolved, so that an alias which moves does not change keys
    /// under a reader.
    fn key_id(&self) -> &str {
        self.resolved.get().map_or_else(|| self.name.as_str(), KeyArn::as_str)
    }

    /// Checks the ARN that KMS answered with, and keeps the first for an alias.
    fn accept(&self, answered: Option<&str>) -> Result<&KeyArn, KeyError> {
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

    fn take_generated(&self, output: GenerateDataKeyOutput) -> Result<GeneratedKey, KeyError> {
        let data_key = take_key(output.plaintext, "GenerateDataKey")?;
        let arn = self.accept(output.key_id.as_deref())?;
        let hint = arn.hint().with_material(output.key_material_id.as_deref());
        let wrapped = take_wrapped(hint, output.ciphertext_blob, "GenerateDataKey")?;
        Ok(GeneratedKey { data_key, wrapped: vec![wrapped] })
    }

    fn take_unwrapped(
        &self,
        wrapped: &WrappedKey,
        output: DecryptOutput,
    ) -> Result<DataKey, KeyError> {
        let data_key = take_key(output.plaintext, "Decrypt")?;
        let arn = self.accept(output.key_id.as_deref())?;
        check_hint(arn, wrapped)?;
        Ok(data_key)
    }

    /// What a record says of this key, once its name or KMS has told which key it is: an alias may
    /// be any.
    fn hint(&self) -> Option<KmsKeyHint> {
        self.resolved.get().map_or_else(|| self.name.hint(), |arn| Some(arn.hint()))
    }
}

impl KmsKeyWrapper {
    /// Wraps with the KMS key `key`: a key id, key ARN, alias name (`alias/..`) or alias ARN.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { client, key: Key::new(key), grant_tokens: Vec::new(), permits: Permits::default() }
    }

    /// Adds a grant token, for a grant that KMS may not have propagated yet.
    #[must_use]
    pub fn grant_token(mut self, token: impl Into<String>) -> Self {
        self.grant_tokens.push(token.into());
        self
    }

    async fn generate_data_key(
        &self,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyError> {
        let request = self
            .client
            .generate_data_key()
            .key_id(self.key.key_id())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(pairs(context)))
            .set_grant_tokens(self.tokens());
        let call = Call::new("GenerateDataKey", self.key.key_id(), context.form());
        let key = Arc::clone(&self.key);
        call.make(
            &self.permits,
            move || request.clone().send(),
            move |output| key.take_generated(output),
        )
        .await
    }

    fn tokens(&self) -> Option<Vec<String>> {
        (!self.grant_tokens.is_empty()).then(|| self.grant_tokens.clone())
    }
}

impl KmsKeyProvider {
    /// Wraps and unwraps with the KMS key `key`: a key id, key ARN, alias name (`alias/..`) or
    /// alias ARN.
    #[must_use]
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { wrapper: KmsKeyWrapper::new(client, key), others: Vec::new() }
    }

    /// Also reads what `key` wrapped: an earlier key of the alias, say. Nothing is written with it.
    #[must_use]
    pub fn also_decrypts(mut self, key: impl Into<String>) -> Self {
        self.others.push(Key::new(key));
        self
    }

    /// Adds a grant token, for a grant that KMS may not have propagated yet.
    #[must_use]
    pub fn grant_token(mut self, token: impl Into<String>) -> Self {
        self.wrapper = self.wrapper.grant_token(token);
        self
    }

    /// The configured keys and wrapped keys to try: the first known to belong together, or else
    /// whatever an alias that is not resolved yet may have wrapped.
    fn candidates<'a>(&'a self, wrapped: &'a [WrappedKey]) -> Vec<(&'a Arc<Key>, &'a WrappedKey)> {
        let pairs =
            || by_kms(wrapped).flat_map(|wrapped| self.keys().map(move |key| (key, wrapped)));
        match pairs().find(|(key, wrapped)| key.hint().is_some_and(|hint| hint.fits(wrapped.id())))
        {
            Some(known) => vec![known],
            None => pairs().filter(|(key, _)| key.hint().is_none()).collect(),
        }
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        std::iter::once(&self.wrapper.key).chain(&self.others)
    }

    async fn decrypt(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let mut refusal = None;
        for (key, wrapped) in self.candidates(wrapped) {
            match self.decrypt_with(key, wrapped, context).await {
                Err(error) if may_be_another_keys(error.kind()) => {
                    refusal = more_telling(refusal, error)
                }
                outcome => return outcome,
            }
        }
        Err(refusal.unwrap_or_else(|| self.not_ours(wrapped)))
    }

    async fn decrypt_with(
        &self,
        key: &Arc<Key>,
        wrapped: &WrappedKey,
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let (own, entry) = (Arc::clone(key), wrapped.clone());
        let take = move |output| own.take_unwrapped(&entry, output);
        self.call_decrypt(key, wrapped.bytes(), pairs(context), context.form(), take).await
    }

    async fn call_decrypt<R: Send + 'static>(
        &self,
        key: &Key,
        blob: &[u8],
        pairs: HashMap<String, String>,
        form: ContextForm,
        take: impl Fn(DecryptOutput) -> Result<R, KeyError> + Send + Sync + 'static,
    ) -> Result<R, KeyError> {
        let request = self
            .wrapper
            .client
            .decrypt()
            .key_id(key.key_id())
            .ciphertext_blob(Blob::new(blob))
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_encryption_context(Some(pairs))
            .set_grant_tokens(self.wrapper.tokens());
        let call = Call::new("Decrypt", key.key_id(), form);
        call.make(&self.wrapper.permits, move || request.clone().send(), take).await
    }

    fn not_ours(&self, wrapped: &[WrappedKey]) -> KeyError {
        let message = if by_kms(wrapped).next().is_some() {
            let configured: Vec<_> = self.keys().map(|key| key.name.to_string()).collect();
            format!(
                "the data key is wrapped by a KMS key other than {} (if an alias has moved, add its earlier key with \
                 `also_decrypts`)",
                configured.join(", ")
            )
        } else {
            "the data key is not wrapped by KMS: the record was written with another kind of key provider".to_owned()
        };
        KeyError::new(KeyErrorKind::WrongKey, message)
    }
}

fn by_kms(wrapped: &[WrappedKey]) -> impl Iterator<Item = &WrappedKey> {
    wrapped.iter().filter(|wrapped| wrapped.kind() == KeyKind::AWS_KMS)
}

/// What KMS may answer where a wrapped key belongs to another key, region or account.
const fn may_be_another_keys(kind: KeyErrorKind) -> bool {
    matches!(
        kind,
        KeyErrorKind::WrongKey | KeyErrorKind::ContextMismatch | KeyErrorKind::AccessDenied
    )
}

/// Of what several keys say, that it is not theirs is the least telling.
fn more_telling(refusal: Option<KeyError>, error: KeyError) -> Option<KeyError> {
    match refusal {
        Some(refusal) if error.kind() == KeyErrorKind::WrongKey => Some(refusal),
        _ => Some(error),
    }
}

/// The hint is not authenticated; a wrong one that got here by an unresolved alias is a changed
/// record.
fn check_hint(arn: &KeyArn, wrapped: &WrappedKey) -> Result<(), KeyError> {
    if arn.hint().fits(wrapped.id()) {
        return Ok(());
    }
    Err(KeyError::new(
        KeyErrorKind::WrongKey,
        format!("the record names another key than {arn}, which opens it"),
    ))
}

fn pairs(context: &EncryptionContext) -> HashMap<String, String> {
    context.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn invalid(what: String) -> KeyError {
    KeyError::new(KeyErrorKind::InvalidResponse, what)
}

/// The blob of KMS's answer, as an entry of the key and key material that made it.
fn take_wrapped(
    hint: KmsKeyHint,
    blob: Option<Blob>,
    operation: &str,
) -> Result<WrappedKey, KeyError> {
    let blob = blob.map(Blob::into_inner).unwrap_or_default();
    WrappedKey::new(KeyKind::AWS_KMS, hint, blob)
        .map_err(|error| invalid(format!("{operation} answered without a usable blob: {error}")))
}

/// Moves a data key out of KMS's answer, wiping the buffer that the answer brought.
fn take_key(plaintext: Option<Blob>, operation: &str) -> Result<DataKey, KeyError> {
    let bytes = Zeroizing::new(plaintext.map(Blob::into_inner).unwrap_or_default());
    DataKey::from_slice(&bytes).map_err(|_| {
        invalid(format!(
            "{operation} answered with a data key of {} bytes, not {}",
            bytes.len(),
            DataKey::BYTES
        ))
    })
}

impl WrapKey for KmsKeyWrapper {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.generate_data_key(context))
    }
}

impl WrapKey for KmsKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.wrapper.generate(context)
    }
}

impl UnwrapKey for KmsKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.decrypt(wrapped, context))
    }
}
