//! A data key moved to another key, and what it seals left as it is (FORMAT 3.1).

use std::error::Error as StdError;
use std::fmt;

use crate::context::{Content, Context};
use crate::dek::{EncryptedDek, MAX_WRAPPED_KEYS};
use crate::error::{Fault, FormatError, KeyError, KeyErrorKind};
use crate::context_form::ContextForm;
use crate::payload::UntrustedPayload;
use crate::provider::{Recipient, UnwrapKey};
use crate::sealed::Sealed;

/// Why a data key could not be wrapped anew; what was stored stays good.
#[derive(Debug)]
#[non_exhaustive]
pub enum RewrapError {
    /// The bytes are no `encrypted_dek`, or no `encrypted_payload`.
    Format(FormatError),
    /// The data key is wrapped under another context form than the source context's.
    ContextForm {
        /// The form the stored bytes name.
        written: ContextForm,
        /// The form of the source context.
        expected: ContextForm,
    },
    /// The destination context differs from the source's in more than its form: what is sealed
    /// would no longer open.
    OtherPlace,
    /// The record is wrapped for others as well, under the old context form, and they cannot follow
    /// to the new one.
    OtherParties,
    /// What was unwrapped is not the key that sealed the payload: the source context is another
    /// record's, or bytes changed.
    OtherDataKey,
    /// The data key could not be unwrapped or wrapped.
    Key(KeyError),
}

impl RewrapError {
    /// Who can put it right.
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
            Self::Format(_) => f.write_str("the stored bytes are not sealed"),
            Self::ContextForm { written, expected } => write!(
                f,
                "the data key is wrapped under the KMS context form `{written}`, but the source context's is `{expected}`"
            ),
            Self::OtherPlace => f.write_str(
                "source and destination context may differ in their form alone: what is sealed is bound to the rest, \
                 and would no longer open",
            ),
            Self::OtherParties => f.write_str(
                "the data key is wrapped for other parties too, under the old context form: keep the form, or wrap for \
                 all of them with `rewrap`",
            ),
            Self::OtherDataKey => f.write_str(
                "the data key that was unwrapped is not the one that sealed the payload: the context is another record's, \
                 or the record was changed",
            ),
            Self::Key(_) => f.write_str("the data key could not be wrapped anew"),
        }
    }
}

impl StdError for RewrapError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Format(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::ContextForm { .. }
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

/// Unwraps the data key of `sealed`, and wraps it for every one of `to` and for nobody else: a new
/// `encrypted_dek`.
///
/// The payload stays as it is; it is asked only whether the data key is the one that sealed it, so
/// that no good wrapping is replaced by a wrong one. The data key passes through this process;
/// where both keys are in KMS, ReEncrypt does it inside (`KmsKeyProvider::rewrap`). The contexts
/// are the record's own, with or without its authenticated attributes, and may differ in their
/// form.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_core::{Context, ContextForm, LocalKeyProvider, RootKey, open, rewrap, seal};
///
/// let (old, new) = (LocalKeyProvider::new(RootKey::generate()?), LocalKeyProvider::new(RootKey::generate()?));
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
/// Store the result on condition that payload and wrapped key are still those that were read
/// (FORMAT 3.2-6), in the one write: after another write in between, what is stored would have a
/// wrapped key that does not open it, and its own would be lost. `Table::rewrap` of
/// `envelope-dynamo` does so for records.
///
/// Copies of the old `encrypted_dek` (backups, streams) still open with the old key, and the data
/// key is the same: against a key that is known to others, seal anew.
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
    let dek = EncryptedDek::new(context.form(), wrapped).map_err(|_| {
        KeyError::new(
            KeyErrorKind::Configuration,
            format!("name 1 to {MAX_WRAPPED_KEYS} recipients to wrap for"),
        )
    })?;
    Ok(dek.to_bytes())
}

impl EncryptedDek {
    /// Parses what is to be wrapped anew, and checks that it can be: for providers that wrap anew
    /// in a way of their own.
    ///
    /// # Errors
    ///
    /// When the bytes are no `encrypted_dek`, name another context form than `source`'s, or what
    /// they open is bound to more of `source` than `destination` shares.
    pub fn parse_to_rewrap(
        bytes: &[u8],
        source: &Context<'_>,
        destination: &Context<'_>,
    ) -> Result<Self, RewrapError> {
        let dek = Self::parse(bytes)?;
        // FORMAT 3.2-3: or a form of the writer's choosing would decide what KMS is shown.
        if dek.form() != source.context_form() {
            return Err(RewrapError::ContextForm {
                written: dek.form(),
                expected: source.context_form(),
            });
        }
        if bound(source) != bound(destination) {
            return Err(RewrapError::OtherPlace);
        }
        Ok(dek)
    }
}

/// Whatever the payload's associated data holds of a context: all but its form.
fn bound(context: &Context<'_>) -> Vec<u8> {
    context.associated_data(Content::Bytes, 1, 1)
}
