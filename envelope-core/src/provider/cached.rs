//! Unwrapped data keys, kept for a while: reading a record again asks nobody.

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

/// Names a wrapped key under a context.
type Id = [u8; 32];

/// Keeps the data keys that a provider unwraps, within bounds, and asks it once however many
/// readers wait.
///
/// Writing goes straight to the provider: each record has a data key of its own. See
/// [`keeping_generated`](Self::keeping_generated) for keys that serve many.
///
/// - A key is found by its wrapped form *and* its encryption context, so a cache hit proves no less
///   than a call would.
/// - From nine tenths of its age on, one reader asks again while the others are served, so that
///   expiry causes no burst.
/// - A refusal (access denied, key disabled, ..) throws the key out at once.
/// - A key is as old as the call that fetched it, counted from when the call began.
/// - A reader that goes away (a dropped future) leaves nothing behind: whoever waits with it goes
///   on, and when nobody waits any more the call is dropped. A reader that is not polled keeps
///   nobody waiting: any of them drives the call.
/// - Keys are wiped when they leave the cache and no reader holds them any more. Keys too old leave
///   it while it is used, or by [`remove_expired`](Self::remove_expired).
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use envelope_core::{CacheLimits, CachedKeyProvider, LocalKeyProvider, RootKey};
///
/// let slow = LocalKeyProvider::new(RootKey::generate()?);
/// let provider = CachedKeyProvider::new(slow, CacheLimits::new(Duration::from_secs(300)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CachedKeyProvider<P> {
    inner: Arc<P>,
    cache: Cache<Id, Arc<DataKey>>,
    keeps_generated: bool,
}

impl<P: UnwrapKey + 'static> CachedKeyProvider<P> {
    /// Keeps what `inner` unwraps, within `limits`.
    pub fn new(inner: P, limits: CacheLimits) -> Self {
        Self {
            inner: Arc::new(inner),
            cache: Cache::new(limits, KeyEvent::Unwrapped),
            keeps_generated: false,
        }
    }

    /// Also keeps the data keys that are generated, so that what this process wrote is read back
    /// without a call.
    ///
    /// Below a [`SharedKeyProvider`](super::SharedKeyProvider), whose keys serve many records, this
    /// saves as many calls for reading as sharing does for writing. With a data key for every
    /// record, each write takes a place in the cache. Above one, a key that is handed out again
    /// after it has left this cache counts as new.
    #[must_use]
    pub const fn keeping_generated(mut self) -> Self {
        self.keeps_generated = true;
        self
    }

    /// Reports what happens to `observer`.
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

    /// Throws out every key that will not be used again: too old, or used too often.
    ///
    /// Whoever uses the provider does so on the way, ten times in a key's age. For a process that
    /// may stand idle, call it from a timer, so that no key stays in memory longer than it may
    /// be used.
    pub fn remove_expired(&self) {
        self.cache.remove_expired();
    }

    /// Throws every key out.
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

/// SHA-256 over wrapped keys and context, each with its length, so that no two requests share it.
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
}
