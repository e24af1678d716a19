//! Wrapping the data key of a record for other keys, without sealing the record again (FORMAT 3.1).

use std::error::Error as StdError;
use std::fmt;

use crate::context::{Content, Context};
use crate::context_form::ContextForm;
use crate::dek::{EncryptedDek, MAX_WRAPPED_KEYS};
use crate::error::{Fault, FormatError, KeyError, KeyErrorKind};
use crate::payload::UntrustedPayload;
use crate::provider::{Recipient, UnwrapKey};
use crate::sealed::Sealed;

/// Why a data key could not be wrapped again. The stored record is unchanged and still opens.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # mod envelope_dynamo {
/// #     pub use envelope_core::{keys, message};
/// #     pub mod error { pub use envelope_core::{Fault, RewrapError}; }
/// # }
/// use envelope_dynamo::error::{Fault, RewrapError};
/// use envelope_dynamo::keys::{LocalKeyProvider, RootKey, rewrap};
/// use envelope_dynamo::message::{Context, seal};
///
/// let old = LocalKeyProvider::new(RootKey::generate()?);
/// let new = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("letters").pair("to", "grandmother")?;
/// let sealed = seal(b"dear", &context, &old).await?;
///
/// // A record cannot be moved: it has to be sealed again.
/// let other = Context::new("letters").pair("to", "grandfather")?;
/// let error = rewrap(&sealed, &old, &context, &[&new], &other).await.unwrap_err();
/// assert!(matches!(error, RewrapError::OtherPlace));
/// assert_eq!(error.fault(), Fault::Caller);
///
/// // The wrapped key of another record.
/// let mut mixed = seal(b"hello", &context, &old).await?;
/// mixed.encrypted_dek = sealed.encrypted_dek;
/// let error = rewrap(&mixed, &old, &context, &[&new], &context).await.unwrap_err();
/// assert!(matches!(error, RewrapError::OtherDataKey));
/// assert_eq!(error.fault(), Fault::Data);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RewrapError {
    /// The bytes are not an `encrypted_dek`, or not an `encrypted_payload`.
    Format(FormatError),
    /// The data key is wrapped under another context form than the source context has.
    ContextForm {
        /// The form that the stored bytes name.
        written: ContextForm,
        /// The form of the source context.
        expected: ContextForm,
    },
    /// The destination context differs from the source context in more than its form. The payload
    /// would no longer open.
    OtherPlace,
    /// The data key is also wrapped for other parties under the old context form, and this process
    /// cannot wrap it for them under the new one.
    OtherParties,
    /// The unwrapped key is not the key that sealed the payload: the source context belongs to
    /// another record, or the bytes were changed.
    OtherDataKey,
    /// The data key could not be unwrapped or wrapped.
    Key(KeyError),
}

impl RewrapError {
    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Format(_) | Self::OtherDataKey => Fault::Data,
            Self::ContextForm { .. } | Self::OtherPlace | Self::OtherParties => Fault::Caller,
            Self::Key(error) => error.fault(),
        }
    }
}

impl fmt::Display for RewrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => write!(f, "the stored bytes are not sealed data: {error}"),
            Self::ContextForm { written, expected } => write!(
                f,
                "the data key is wrapped under the KMS context form `{written}`, but the source \
                 context has the form `{expected}`: set the form `{written}`"
            ),
            Self::OtherPlace => f.write_str(
                "the source and destination contexts may differ only in their form: the payload is \
                 bound to everything else and would no longer open",
            ),
            Self::OtherParties => f.write_str(
                "the data key is also wrapped for other parties under the old context form: keep \
                 the form, or wrap for all parties with `rewrap`",
            ),
            Self::OtherDataKey => f.write_str(
                "the unwrapped data key did not seal this payload: the context belongs to another \
                 record, or the record was changed",
            ),
            Self::Key(error) => write!(f, "could not rewrap the data key: {error}"),
        }
    }
}

impl StdError for RewrapError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The message names the error itself.
            Self::Key(error) => error.source(),
            Self::Format(_)
            | Self::ContextForm { .. }
            | Self::OtherPlace
            | Self::OtherParties
            | Self::OtherDataKey => None,
        }
    }
}

impl From<FormatError> for RewrapError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<KeyError> for RewrapError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// Unwraps the data key of `sealed` and wraps it for every recipient in `to`, and for nobody else.
/// Returns the new `encrypted_dek`.
///
/// The payload is not changed. Its commitment is checked first, so that a wrong data key never
/// replaces a good one. The data key is in the memory of this process for a moment; if both keys
/// are in KMS, ReEncrypt avoids that (`KmsKeyProvider::rewrap`). Both contexts are those of the
/// record, with or without its authenticated attributes, and may differ in their form.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{LocalKeyProvider, RootKey, rewrap};
/// use envelope_dynamo::message::{Context, ContextForm, open, seal};
///
/// let old = LocalKeyProvider::new(RootKey::generate()?);
/// let new = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("letters").pair("to", "grandmother")?;
/// let mut sealed = seal(b"dear", &context, &old).await?;
///
/// let hashed = context.clone().form(ContextForm::Hashed);
/// sealed.encrypted_dek = rewrap(&sealed, &old, &context, &[&new], &hashed).await?;
/// assert_eq!(open(&sealed, &hashed, &new).await?.expose(), b"dear");
/// assert!(open(&sealed, &context, &old).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// See [`RewrapError`].
///
/// # Security
///
/// Store the result in one conditional write: the wrapped key must still have the bytes that were
/// read (FORMAT 3.2-6). Otherwise a concurrent write of the record would be left with a wrapped key
/// that does not open it, and its own wrapped key would be lost. `Table::rewrap` of
/// `envelope-dynamo` does this for records.
///
/// Copies of the old `encrypted_dek` (backups, streams) still open with the old key, and the data
/// key stays the same. If somebody else knows the old key, seal the record again instead.
pub async fn rewrap(
    sealed: &Sealed,
    from: &(impl UnwrapKey + ?Sized),
    source: &Context<'_>,
    to: &[&dyn Recipient],
    destination: &Context<'_>,
) -> Result<Vec<u8>, RewrapError> {
    let payload = UntrustedPayload::parse(sealed.encrypted_payload.clone())?;
    let dek = EncryptedDek::parse_to_rewrap(&sealed.encrypted_dek, source, destination)?;
    let data_key = from.unwrap_key(dek.keys(), &source.encryption_context()).await?;
    if !payload.commits_to(&data_key) {
        return Err(RewrapError::OtherDataKey);
    }
    let context = destination.encryption_context();
    let mut wrapped = Vec::new();
    for recipient in to {
        wrapped.extend(recipient.wrap_data_key(&data_key, &context).await?);
    }
    let count = wrapped.len();
    let dek = EncryptedDek::new(context.form(), wrapped).map_err(|_| {
        KeyError::new(
            KeyErrorKind::Configuration,
            format!(
                "rewrap for 1 to {MAX_WRAPPED_KEYS} recipients: these returned {count} wrapped keys"
            ),
        )
    })?;
    Ok(dek.to_bytes())
}

impl EncryptedDek {
    /// Parses an `encrypted_dek` that is to be rewrapped, and checks that the contexts allow it.
    /// For providers that rewrap in their own way.
    ///
    /// # Errors
    ///
    /// If the bytes are not an `encrypted_dek`, if they name another context form than `source`, or
    /// if the contexts differ in more than their form.
    pub fn parse_to_rewrap(
        bytes: &[u8],
        source: &Context<'_>,
        destination: &Context<'_>,
    ) -> Result<Self, RewrapError> {
        let dek = Self::parse(bytes)?;
        // FORMAT 3.2-3: otherwise the writer of the bytes would decide what KMS logs.
        if dek.form() != source.context_form() {
            return Err(RewrapError::ContextForm {
                written: dek.form(),
                expected: source.context_form(),
            });
        }
        if payload_binding(source) != payload_binding(destination) {
            return Err(RewrapError::OtherPlace);
        }
        Ok(dek)
    }
}

/// The part of a context that a payload is bound to: everything but the form.
fn payload_binding(context: &Context<'_>) -> Vec<u8> {
    context.associated_data(Content::Bytes, 1, 1)
}
