//! Keeps unwrapped data keys for a while, so that reading a record again needs no call.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::cache::{Cache, CacheLimits};
use super::clock::Clock;
use super::events::{KeyEvent, KeyObserver};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::WrappedKey;
use crate::error::KeyError;
use crate::secret::DataKey;

/// Identifies wrapped keys together with their context.
type Id = [u8; 32];

/// Keeps the data keys that a provider unwraps, within limits.
///
/// However many readers wait for a key, the provider is called once. Writing calls the provider for
/// every record, because each record has its own data key; see
/// [`keeping_generated`](Self::keeping_generated) for data keys that seal many records.
///
/// - A key is identified by its wrapped form *and* its encryption context. So a cache hit proves as
///   much as a call.
/// - From nine tenths of the maximal age on, one reader fetches the key again while the others are
///   served from the cache. So expiry causes no burst of calls.
/// - A refusal (access denied, key disabled, ..) removes the key at once.
/// - The age of a key counts from the begin of the call that fetched it.
/// - If a reader's future is dropped, the other waiting readers continue; the call is dropped with
///   the last of them. A reader whose future is not polled delays nobody: any waiting reader polls
///   the call.
/// - Keys are wiped after they have left the cache and no reader uses them. Expired keys leave the
///   cache while it is used, or by [`remove_expired`](Self::remove_expired).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::Duration;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{CacheLimits, CachedKeyProvider};
/// use envelope_dynamo::message::{Context, open, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let limits = CacheLimits::new(Duration::from_secs(300));
/// let provider = CachedKeyProvider::new(TestKeyProvider::default(), limits);
/// let context = Context::new("letters");
/// let sealed = seal(b"dear", &context, &provider).await?;
/// for _ in 0..3 {
///     open(&sealed, &context, &provider).await?;
/// }
/// assert_eq!(provider.inner().unwrap_calls(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct CachedKeyProvider<P> {
    inner: Arc<P>,
    cache: Cache<Id, Arc<DataKey>>,
    keeps_generated: bool,
}

impl<P: UnwrapKey + 'static> CachedKeyProvider<P> {
    /// Keeps the data keys that `inner` unwraps, within `limits`.
    pub fn new(inner: P, limits: CacheLimits) -> Self {
        Self {
            inner: Arc::new(inner),
            cache: Cache::new(limits, KeyEvent::Unwrapped),
            keeps_generated: false,
        }
    }

    /// Also keeps the data keys that are generated, so that this process reads its own records
    /// without a call.
    ///
    /// Use it inside a [`SharedKeyProvider`](super::SharedKeyProvider), whose data keys seal many
    /// records each: then reading saves as many calls as writing. Without sharing, every write
    /// takes an entry of the cache. Around a `SharedKeyProvider`, a shared key that was evicted
    /// from this cache is inserted as a new key.
    #[must_use]
    pub const fn keeping_generated(mut self) -> Self {
        self.keeps_generated = true;
        self
    }

    /// Reports events to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn KeyObserver>) -> Self {
        self.cache.set_observer(observer);
        self
    }

    /// Measures ages by `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.cache.set_clock(clock);
        self
    }

    /// The provider behind the cache.
    #[must_use]
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// Removes every key that will not be used again, because it is too old or was used too often.
    ///
    /// Using the provider also does this, ten times within the maximal age. In a process that may
    /// be idle, call it from a timer, so that no key stays in memory longer than it may be
    /// used.
    pub fn remove_expired(&self) {
        self.cache.remove_expired();
    }

    /// Removes every key.
    pub fn clear(&self) {
        self.cache.clear();
    }

    async fn cached(
        &self,
        wrapped: &[WrappedKey],
        context: &EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        let call = || {
            let (inner, wrapped, context) =
                (Arc::clone(&self.inner), wrapped.to_vec(), context.clone());
            Box::pin(async move { inner.unwrap_key(&wrapped, &context).await.map(Arc::new) })
                as KeyFuture<'static, _>
        };
        let key = self.cache.get(&identify(wrapped, context), call).await?;
        Ok(key.share())
    }
}

/// SHA-256 over the context and the wrapped keys. Every part has its length, so that different
/// requests have different ids.
fn identify(wrapped: &[WrappedKey], context: &EncryptionContext) -> Id {
    let mut encoded = Vec::with_capacity(512);
    context.encode(&mut encoded);
    for key in wrapped {
        encoded.push(key.kind().to_byte());
        for part in [key.id(), key.bytes()] {
            encoded.extend((part.len() as u64).to_be_bytes());
            encoded.extend(part);
        }
    }
    Sha256::digest(&encoded).into()
}

impl<P: UnwrapKey + 'static> UnwrapKey for CachedKeyProvider<P> {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.cached(wrapped, context))
    }
}

impl<P: WrapKey + 'static> WrapKey for CachedKeyProvider<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async move {
            let began = self.cache.now();
            let generated = self.inner.generate(context).await?;
            if self.keeps_generated {
                self.cache.put(
                    identify(&generated.wrapped, context),
                    Arc::new(generated.data_key.share()),
                    began,
                );
            }
            Ok(generated)
        })
    }

    /// Nothing is kept: there is no data key to keep.
    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        self.inner.generate_wrapped(context)
    }
}
