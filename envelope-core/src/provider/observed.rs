//! Reports the calls of any provider.

use std::sync::Arc;

use super::events::{KeyEvent, KeyObserver, report};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::WrappedKey;
use crate::error::KeyError;
use crate::secret::DataKey;

/// Reports the calls of a provider to a [`KeyObserver`]: data keys that were generated or
/// unwrapped, and calls that failed.
///
/// Providers that keep keys, such as [`CachedKeyProvider`](super::CachedKeyProvider), report events
/// themselves. Use this for a provider that is not inside one of them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{
///     KeyCounters, KeyEvent, LocalKeyProvider, ObservedKeyProvider, RootKey,
/// };
/// use envelope_dynamo::message::{Context, open, seal};
///
/// let counters = Arc::new(KeyCounters::default());
/// let local = LocalKeyProvider::new(RootKey::generate()?);
/// let provider = ObservedKeyProvider::new(local, counters.clone());
/// let context = Context::new("letters");
/// open(&seal(b"dear", &context, &provider).await?, &context, &provider).await?;
/// assert_eq!(counters.count(KeyEvent::Generated), 1);
/// assert_eq!(counters.count(KeyEvent::Unwrapped), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ObservedKeyProvider<P> {
    inner: P,
    observer: Arc<dyn KeyObserver>,
}

impl<P> ObservedKeyProvider<P> {
    /// Reports the calls of `inner` to `observer`.
    pub fn new(inner: P, observer: Arc<dyn KeyObserver>) -> Self {
        Self { inner, observer }
    }

    /// The provider whose calls are reported.
    #[must_use]
    pub const fn inner(&self) -> &P {
        &self.inner
    }

    fn report<T>(&self, outcome: Result<T, KeyError>, success: KeyEvent) -> Result<T, KeyError> {
        report(&*self.observer, if outcome.is_ok() { success } else { KeyEvent::Failed });
        outcome
    }
}

impl<P: WrapKey> WrapKey for ObservedKeyProvider<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async { self.report(self.inner.generate(context).await, KeyEvent::Generated) })
    }

    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async {
            self.report(self.inner.generate_wrapped(context).await, KeyEvent::Generated)
        })
    }
}

impl<P: UnwrapKey> UnwrapKey for ObservedKeyProvider<P> {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(async {
            self.report(self.inner.unwrap_key(wrapped, context).await, KeyEvent::Unwrapped)
        })
    }
}
