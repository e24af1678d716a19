//! One data key, wrapped for several parties: regions, accounts, partners (FORMAT 3.2).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::{GeneratedKey, KeyFuture, KeyProvider, Recipient, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::{MAX_WRAPPED_KEYS, WrappedKey};
use crate::error::{KeyError, KeyErrorKind};
use crate::secret::DataKey;

/// Wraps each data key for several parties, each of which can open the record. The part of
/// [`MultiKeyProvider`] that writes.
///
/// The first party makes the data key. The others then wrap it, concurrently. If one party fails,
/// the write fails: otherwise a record would be stored that this party cannot read.
///
/// [`generate_wrapped`](WrapKey::generate_wrapped) has the data key in this process too, because
/// the other parties wrap it here.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{LocalKeyProvider, MultiKeyWrapper, RootKey};
/// use envelope_dynamo::message::{Context, open, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let partner = LocalKeyProvider::new(RootKey::from_bytes(&[7; 32])?);
/// let writer = MultiKeyWrapper::new(TestKeyProvider::default()).with(partner);
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &writer).await?;
///
/// let partner = LocalKeyProvider::new(RootKey::from_bytes(&[7; 32])?);
/// assert_eq!(open(&sealed, &context, &partner).await?.expose(), b"dear");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct MultiKeyWrapper {
    first: Arc<dyn WrapKey>,
    others: Vec<Arc<dyn Recipient>>,
}

/// Wraps each data key for several parties, and unwraps with the first party that can, in the order
/// in which they were added.
///
/// Add the nearest party first: it makes the data keys, and reads call it first. A service in
/// another region adds its own key first, and reads the same records.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{EncryptedDek, LocalKeyProvider, MultiKeyProvider, RootKey};
/// use envelope_dynamo::message::{Context, open, seal};
///
/// let (here, there) = ([1; 32], [2; 32]); // in production, a `KmsKeyProvider` of each region
/// let provider = |root| RootKey::from_bytes(root).map(LocalKeyProvider::new);
/// let both = MultiKeyProvider::new(provider(&here)?).with(provider(&there)?);
///
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &both).await?;
/// assert_eq!(EncryptedDek::parse(&sealed.encrypted_dek)?.keys().len(), 2);
/// for reader in [provider(&here)?, provider(&there)?] {
///     assert_eq!(open(&sealed, &context, &reader).await?.expose(), b"dear");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// A record is only as safe as its weakest party: whoever can unwrap with one of the keys can read
/// it.
#[derive(Debug)]
pub struct MultiKeyProvider {
    wrapper: MultiKeyWrapper,
    readers: Vec<Arc<dyn UnwrapKey>>,
}

impl MultiKeyWrapper {
    /// `first` makes the data keys, and wraps them first.
    pub fn new(first: impl WrapKey + 'static) -> Self {
        Self { first: Arc::new(first), others: Vec::new() }
    }

    /// Also wraps for `recipient`.
    #[must_use]
    pub fn with(mut self, recipient: impl Recipient + 'static) -> Self {
        self.others.push(Arc::new(recipient));
        self
    }

    async fn generate_for_all(
        &self,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyError> {
        // Every party returns at least one wrapped key. So too many parties fail before any call.
        check_count(1 + self.others.len())?;
        let GeneratedKey { data_key, mut wrapped } = self.first.generate(context).await?;
        let calls =
            self.others.iter().map(|party| party.wrap_data_key(&data_key, context)).collect();
        for more in join_all(calls).await? {
            if more.is_empty() {
                return Err(KeyError::invalid_response("a recipient returned no wrapped key"));
            }
            wrapped.extend(more);
        }
        check_count(wrapped.len())?;
        Ok(GeneratedKey { data_key, wrapped })
    }
}

impl MultiKeyProvider {
    /// `first` makes the data keys, and reads call it first.
    pub fn new(first: impl KeyProvider + 'static) -> Self {
        let first = Arc::new(first);
        Self { wrapper: MultiKeyWrapper::new(Arc::clone(&first)), readers: vec![first] }
    }

    /// Also wraps for `party`, and calls it to unwrap if the parties before it fail.
    #[must_use]
    pub fn with(mut self, party: impl Recipient + UnwrapKey + 'static) -> Self {
        let party = Arc::new(party);
        self.readers.push(Arc::clone(&party) as _);
        self.also_wraps_for(party)
    }

    /// Also wraps for `recipient`, which reads elsewhere: a partner of whom this process has only
    /// the public key.
    #[must_use]
    pub fn also_wraps_for(mut self, recipient: impl Recipient + 'static) -> Self {
        self.wrapper = self.wrapper.with(recipient);
        self
    }

    /// Also unwraps with `reader`, without wrapping for it: an earlier provider, or the key for the
    /// records of a partner.
    #[must_use]
    pub fn also_opens_with(mut self, reader: impl UnwrapKey + 'static) -> Self {
        self.readers.push(Arc::new(reader));
        self
    }

    async fn unwrap_by_any(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let mut errors = Vec::new();
        for reader in &self.readers {
            match reader.unwrap_key(wrapped, context).await {
                Ok(data_key) => return Ok(data_key),
                Err(error) => errors.push(error),
            }
        }
        Err(combined_error(&errors))
    }
}

fn check_count(count: usize) -> Result<(), KeyError> {
    if count <= MAX_WRAPPED_KEYS {
        return Ok(());
    }
    Err(KeyError::new(
        KeyErrorKind::Configuration,
        format!(
            "a record has at most {MAX_WRAPPED_KEYS} wrapped keys, but these parties need {count}: \
             add fewer parties"
        ),
    ))
}

/// The error after every party has failed, with the reason of each. Its kind is that of a retryable
/// error if there is one. Otherwise it prefers any kind over `WrongKey`, which only says that a
/// party is not meant.
fn combined_error(errors: &[KeyError]) -> KeyError {
    let retryable = errors.iter().find(|error| error.is_retryable());
    let specific = || errors.iter().find(|error| error.kind() != KeyErrorKind::WrongKey);
    let kind = retryable.or_else(specific).map_or(KeyErrorKind::WrongKey, KeyError::kind);
    let reasons: Vec<_> =
        (1..).zip(errors).map(|(party, error)| format!("({party}) {error}")).collect();
    KeyError::new(
        kind,
        format!(
            "none of {} key providers unwrapped the data key: {}",
            errors.len(),
            reasons.join("; ")
        ),
    )
}

/// Runs all calls concurrently. Returns their results in order, or the first error; the other calls
/// are then dropped.
async fn join_all<T>(mut calls: Vec<KeyFuture<'_, T>>) -> Result<Vec<T>, KeyError> {
    let mut outcomes: Vec<Option<T>> = calls.iter().map(|_| None).collect();
    poll_fn(|context| {
        let unfinished =
            calls.iter_mut().zip(&mut outcomes).filter(|(_, outcome)| outcome.is_none());
        let mut waiting = false;
        for (call, outcome) in unfinished {
            match call.as_mut().poll(context) {
                Poll::Ready(Ok(value)) => *outcome = Some(value),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
    .await?;
    Ok(outcomes.into_iter().flatten().collect())
}

impl WrapKey for MultiKeyWrapper {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.generate_for_all(context))
    }
}

impl WrapKey for MultiKeyProvider {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.wrapper.generate(context)
    }
}

impl UnwrapKey for MultiKeyProvider {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.unwrap_by_any(wrapped, context))
    }
}
