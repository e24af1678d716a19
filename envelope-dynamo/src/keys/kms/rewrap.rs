//! ReEncrypt: moves a wrapped key to another KMS key, inside KMS.

use std::sync::Arc;

use aws_sdk_kms::operation::re_encrypt::ReEncryptOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use envelope_core::{
    Context, EncryptedDek, EncryptionContext, KeyError, KeyErrorKind, KmsKeyHint, RewrapError,
    WrappedKey,
};

use crate::keys::kms::candidates::{Refusals, candidates, not_ours};
use crate::keys::kms::client::CallInfo;
use crate::keys::kms::entries;
use crate::keys::kms::key::{KmsKey, check_hint, pairs, take_wrapped};
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

const OPERATION: &str = "ReEncrypt";

impl KmsKeyProvider {
    /// Moves the wrapped key of this provider in `encrypted_dek` to the key of `to`. Only KMS sees
    /// the data key.
    ///
    /// This needs `kms:ReEncryptFrom` on the old key and `kms:ReEncryptTo` on the new one, both in
    /// the region of this client. The sealed payload does not change. So both contexts are the
    /// context of the record, and may differ only in their form.
    /// [`item_context`](crate::item::item_context) returns the context of a record.
    ///
    /// - Wrapped keys of other parties stay in `encrypted_dek`.
    /// - If the old key has several entries, one entry of the new key replaces all of them.
    /// - If the new key has an entry already, the entries of the old key are dropped, without a
    ///   call to KMS. (An alias that this process has not used yet costs one call, whose answer
    ///   names its key.)
    /// - The new key must have another key id than the old one, because a stored record shows only
    ///   a hash of the key id. Replicas of a multi-region key share one key id.
    ///
    /// ```no_run
    /// # async fn example(kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::{KmsKeyProvider, KmsKeyWrapper};
    /// use envelope_dynamo::message::{Context, open, seal};
    ///
    /// let old = KmsKeyProvider::new(kms.clone(), "alias/2025");
    /// let to = KmsKeyWrapper::new(kms.clone(), "alias/2026");
    /// let context = Context::new("letters");
    /// let mut sealed = seal(b"dear", &context, &old).await?;
    /// sealed.encrypted_dek = old.rewrap(&sealed.encrypted_dek, &context, &to, &context).await?;
    /// let new = KmsKeyProvider::new(kms, "alias/2026");
    /// assert_eq!(open(&sealed, &context, &new).await?.expose(), b"dear");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// For records in a table, use [`Table::rewrap`](crate::Table::rewrap). If you store the result
    /// of this function yourself, do so on condition that payload and wrapped key are still those
    /// that you read. Otherwise, after a put in between, the record would have a wrapped key that
    /// does not open it, and its own wrapped key would be lost.
    ///
    /// ```no_run
    /// # use std::collections::HashMap;
    /// # use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     key: HashMap<String, AttributeValue>,
    /// #     read: HashMap<String, AttributeValue>,
    /// #     new_dek: Vec<u8>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// dynamodb
    ///     .update_item()
    ///     .table_name("users")
    ///     .set_key(Some(key))
    ///     .update_expression("SET encrypted_dek = :new")
    ///     .condition_expression("encrypted_payload = :payload AND encrypted_dek = :old")
    ///     .expression_attribute_values(":payload", read["encrypted_payload"].clone())
    ///     .expression_attribute_values(":old", read["encrypted_dek"].clone())
    ///     .expression_attribute_values(":new", AttributeValue::B(Blob::new(new_dek)))
    ///     .send()
    ///     .await?; // a failed condition: read the record and wrap its key again
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not an `encrypted_dek` of the source context's form, if the contexts
    /// differ in more than their form, if the form changes and the data key is also wrapped for
    /// other parties, and if KMS refuses or answers with other keys.
    ///
    /// The error is [`RewrapError::Key`] with
    /// [`WrongKey`](crate::error::KeyErrorKind::WrongKey) if no entry names a key to move from, and
    /// with [`Configuration`](crate::error::KeyErrorKind::Configuration) if a stored record could
    /// not tell the new key from the old one.
    ///
    /// # Security
    ///
    /// Copies of the old `encrypted_dek` (backups, streams) still open with the old key.
    ///
    /// An entry names its key by 4 bytes of a hash, and nothing authenticates these bytes. Whoever
    /// can write the table can add an entry that claims to be the new key's. Then this function
    /// drops the good entry, and the record no longer opens. Such a writer can overwrite
    /// `encrypted_dek` anyway. But a record spoiled in this way may still open until it is
    /// rewrapped: keep backups from before the rewrap until every record was read once.
    pub async fn rewrap(
        &self,
        encrypted_dek: &[u8],
        source: &Context<'_>,
        to: &KmsKeyWrapper,
        destination: &Context<'_>,
    ) -> Result<Vec<u8>, RewrapError> {
        let dek = EncryptedDek::parse_to_rewrap(encrypted_dek, source, destination)?;
        let (source, destination) = (source.encryption_context(), destination.encryption_context());
        if dek.keys().len() > 1 && source.form() != destination.form() {
            return Err(RewrapError::OtherParties);
        }
        let sources = || self.keys().filter(|key| !key.looks_like(&to.key));
        if sources().next().is_none() {
            return Err(looks_the_same(&self.wrapper.key, &to.key).into());
        }
        let with_keys = |keys| Ok(EncryptedDek::new(destination.form(), keys)?.to_bytes());
        let target = to.key.hint();
        let mut refusals = Refusals::default();
        for (key, old) in candidates(sources(), dek.keys()) {
            if let Some(target) = target {
                // A source never looks like the target.
                if entries::is_of(old, target) {
                    continue;
                }
                if let Some(from) = key.hint()
                    && entries::names(&dek, target)
                {
                    return with_keys(entries::replaced(&dek, from, None));
                }
            }
            match self.re_encrypt(key, old, &source, to, &destination).await {
                // The answer has resolved an alias.
                Ok(_) if key.looks_like(&to.key) => {
                    return Err(looks_the_same(key, &to.key).into());
                }
                Ok(ReEncrypted { from, to, entry }) => {
                    let new = (!entries::names(&dek, to)).then_some(entry);
                    return with_keys(entries::replaced(&dek, from, new));
                }
                Err(error) => refusals.add(error)?,
            }
        }
        Err(refusals.into_error().unwrap_or_else(|| not_ours(sources(), dek.keys())).into())
    }

    async fn re_encrypt(
        &self,
        key: &Arc<KmsKey>,
        wrapped: &WrappedKey,
        source: &EncryptionContext,
        to: &KmsKeyWrapper,
        destination: &EncryptionContext,
    ) -> Result<ReEncrypted, KeyError> {
        let kms = &self.wrapper.kms;
        let tokens = [kms, &to.kms].map(|kms| kms.grant_tokens().unwrap_or_default()).concat();
        let request = kms
            .sdk
            .re_encrypt()
            .ciphertext_blob(Blob::new(wrapped.bytes()))
            .source_key_id(key.key_id())
            .source_encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_source_encryption_context(Some(pairs(source)))
            .destination_key_id(to.key.key_id())
            .destination_encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_destination_encryption_context(Some(pairs(destination)))
            .set_grant_tokens((!tokens.is_empty()).then_some(tokens));
        let keys = format!("{} to {}", key.key_id(), to.key.key_id());
        let info = CallInfo::new(OPERATION, keys, source.form());
        let (key, wrapped, to) = (Arc::clone(key), wrapped.clone(), Arc::clone(&to.key));
        let take = move |output| take_re_encrypted(&key, &wrapped, &to, output);
        kms.call(info, move || request.clone().send(), take).await
    }
}

/// The answer of ReEncrypt, and the keys that it names.
struct ReEncrypted {
    from: KmsKeyHint,
    to: KmsKeyHint,
    entry: WrappedKey,
}

fn take_re_encrypted(
    key: &KmsKey,
    wrapped: &WrappedKey,
    to: &KmsKey,
    output: ReEncryptOutput,
) -> Result<ReEncrypted, KeyError> {
    let from = key.accept(output.source_key_id.as_deref())?;
    check_hint(from, wrapped)?;
    let to = to.accept(output.key_id.as_deref())?.hint();
    let to = to.with_material(output.destination_key_material_id.as_deref());
    let entry = take_wrapped(to, output.ciphertext_blob, OPERATION)?;
    Ok(ReEncrypted { from: from.hint(), to, entry })
}

fn looks_the_same(from: &KmsKey, to: &KmsKey) -> KeyError {
    KeyError::new(
        KeyErrorKind::Configuration,
        format!(
            "a stored record cannot tell the KMS key {} from {}, because their key ids are the \
             same or have the same hash: move to a key with another key id (replicas of a \
             multi-region key share one key id)",
            from.key_id(),
            to.key_id()
        ),
    )
}
