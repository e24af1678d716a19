//! Sealing under a data key that was made and wrapped beforehand, by somebody else.

use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::EncryptedDek;
use crate::error::{FormatError, KeyError, KeyErrorKind};

/// Seals under a data key that somebody else wrapped beforehand, and that `inner` unwraps.
///
/// Use it for a device or a job that gets its data key from another service. That service may make
/// data keys, but never sees one in plaintext (GenerateDataKeyWithoutPlaintext). The device may
/// unwrap, but makes none. All records of the device share the data key, so they must have the
/// encryption context that it was wrapped for: choose `#[envelope(kms_context = "table")]`. With a
/// [`CachedKeyProvider`](super::CachedKeyProvider) as `inner`, the data key is unwrapped once for
/// many records.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{
///     EncryptedDek, LocalKeyProvider, ProvisionedKeyWrapper, RootKey, WrapKey,
/// };
/// use envelope_dynamo::message::{Context, ContextForm, open, seal};
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("readings").form(ContextForm::Table);
/// let wrapped = provider.generate(&context.encryption_context()).await?.wrapped;
/// let provisioned = EncryptedDek::new(ContextForm::Table, wrapped)?.to_bytes();
///
/// let device = ProvisionedKeyWrapper::new(&provisioned, &provider)?;
/// let sealed = seal(b"21.5", &context, &device).await?;
/// assert_eq!(sealed.encrypted_dek, provisioned);
/// assert_eq!(open(&sealed, &context, &provider).await?.expose(), b"21.5");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ProvisionedKeyWrapper<P> {
    dek: EncryptedDek,
    inner: P,
}

impl<P: UnwrapKey> ProvisionedKeyWrapper<P> {
    /// Seals under the data key in `encrypted_dek`.
    ///
    /// # Errors
    ///
    /// If the bytes are not an `encrypted_dek`.
    pub fn new(encrypted_dek: &[u8], inner: P) -> Result<Self, FormatError> {
        Ok(Self { dek: EncryptedDek::parse(encrypted_dek)?, inner })
    }

    async fn unwrap_for(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        if context.form() != self.dek.form() {
            return Err(KeyError::new(
                KeyErrorKind::Configuration,
                format!(
                    "the provisioned data key is wrapped under the context form `{}`, but the \
                     record has the form `{}`",
                    self.dek.form(),
                    context.form()
                ),
            ));
        }
        let data_key = self.inner.unwrap_key(self.dek.keys(), context).await?;
        Ok(GeneratedKey { data_key, wrapped: self.dek.keys().to_vec() })
    }
}

impl<P: UnwrapKey> WrapKey for ProvisionedKeyWrapper<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.unwrap_for(context))
    }
}
