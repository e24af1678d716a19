//! One data key for many records: writing many costs one call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, Unobserved, report};
use super::shared_call::{SharedCall, Waiter, lock};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::context_form::ContextForm;
use crate::dek::WrappedKey;
use crate::error::{KeyError, KeyErrorKind};
use crate::secret::DataKey;

/// How long and for how much a [`SharedKeyProvider`] uses one data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharingLimits {
    max_age: Duration,
    max_records: u64,
    max_bytes: u64,
    max_contexts: usize,
}

impl SharingLimits {
    /// One data key seals `max_records` records at most, for `max_age` at most, and any number of
    /// bytes.
    ///
    /// # Security
    ///
    /// Whoever gets hold of one data key opens every record sealed under it. The format itself sets
    /// no lower limit: after 2^80 records under one data key it is still safe (FORMAT 4.1).
    #[must_use]
    pub const fn new(max_age: Duration, max_records: u64) -> Self {
        Self { max_age, max_records, max_bytes: u64::MAX, max_contexts: 1_000 }
    }

    /// A new data key once this many bytes of plaintext have been sealed under the last; records
    /// that are being sealed at that moment still are.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Keeps data keys for this many encryption contexts (tenants, say) at a time.
    #[must_use]
    pub const fn max_contexts(mut self, contexts: usize) -> Self {
        self.max_contexts = contexts;
        self
    }
}

/// Uses one data key for many records, within bounds.
///
/// The records must have one encryption context in common, or KMS would have to wrap a data key for
/// each. So the struct chooses `#[envelope(kms_context = "table")]`: the context is the table and
/// the pairs of `#[encryption_context]` and `context(..)`; every distinct set of them has a data
/// key of its own. Each record's own key stays bound by AES-GCM. Other forms are refused.
///
/// Keys are wiped when they are replaced or beyond their limits, and nobody seals with them any
/// more. A key is as old as the call that made it, counted from when the call began. A writer that
/// goes away (a dropped future) leaves nothing behind; one that is not polled keeps nobody waiting.
///
/// Reading goes to the provider; put a [`CachedKeyProvider`](super::CachedKeyProvider) below for
/// reading at the same price.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use envelope_core::{LocalKeyProvider, RootKey, SharedKeyProvider, SharingLimits};
///
/// let slow = LocalKeyProvider::new(RootKey::generate()?);
/// let provider = SharedKeyProvider::new(slow, SharingLimits::new(Duration::from_secs(300), 1_000));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedKeyProvider<P> {
    inner: Arc<P>,
    limits: SharingLimits,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn KeyObserver>,
    keys: Mutex<Keys>,
}

/// The data keys in use.
#[derive(Debug, Default)]
struct Keys {
    by_context: HashMap<EncryptionContext, Current>,
    /// When they were last looked through for those beyond their limits.
    swept: Option<Instant>,
}

/// The data key in use for one context.
#[derive(Debug)]
struct Current {
    key: SharedKey,
    /// When the call began that made it.
    since: Instant,
    records: u64,
}

/// A data key, or the call for it.
#[derive(Debug)]
enum SharedKey {
    AskedFor(SharedCall<Arc<GeneratedKey>>),
    Made(Arc<GeneratedKey>),
}

/// The key to seal the next record with.
enum Lookup {
    Made(Arc<GeneratedKey>),
    Ask(Waiter<Arc<GeneratedKey>>),
}

impl Current {
    fn waits_for(&self, waiter: &Waiter<Arc<GeneratedKey>>) -> bool {
        matches!(&self.key, SharedKey::AskedFor(call) if call.is_of(waiter))
    }

    /// The key, or a share in the call for it; `None` if everybody has given up that call.
    fn look_up(&self) -> Option<Lookup> {
        match &self.key {
            SharedKey::Made(generated) => Some(Lookup::Made(Arc::clone(generated))),
            SharedKey::AskedFor(call) => call.join(|_| true).map(Lookup::Ask),
        }
    }
}

impl<P: WrapKey + 'static> SharedKeyProvider<P> {
    /// Shares the data keys that `inner` makes, within `limits`.
    pub fn new(inner: P, limits: SharingLimits) -> Self {
        Self {
            inner: Arc::new(inner),
            limits,
            clock: Arc::new(SystemClock),
            observer: Arc::new(Unobserved),
            keys: Mutex::default(),
        }
    }

    /// Reports what happens to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn KeyObserver>) -> Self {
        self.observer = observer;
        self
    }

    /// Measures ages by `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The provider that makes the data keys.
    #[must_use]
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// Throws out every data key that will not be used again: beyond its limits.
    ///
    /// Whoever uses the provider does so on the way, ten times in a key's age. For a process that
    /// may stand idle, call it from a timer, so that no key stays in memory longer than it may
    /// be used.
    pub fn remove_expired(&self) {
        self.sweep(&mut lock(&self.keys), self.clock.now());
    }

    /// Throws every data key out: the next record of each context has a new one.
    pub fn clear(&self) {
        lock(&self.keys).by_context.clear();
    }

    async fn shared(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        if context.form() != ContextForm::Table {
            return Err(KeyError::new(
                KeyErrorKind::Configuration,
                format!(
                    "a shared data key needs records with one encryption context, but the form `{}` gives each its own: \
                     choose #[envelope(kms_context = \"table\")]",
                    context.form()
                ),
            ));
        }
        let generated = self.generated(context).await?;
        Ok(GeneratedKey {
            data_key: generated.data_key.share(),
            wrapped: generated.wrapped.clone(),
        })
    }

    async fn generated(&self, context: &EncryptionContext) -> Result<Arc<GeneratedKey>, KeyError> {
        loop {
            let mut waiter = match self.current(context) {
                Lookup::Made(generated) => return Ok(generated),
                Lookup::Ask(waiter) => waiter,
            };
            match waiter.outcome().await {
                Some(Ok(generated)) => {
                    self.keep(context, &waiter, &generated);
                    return Ok(generated);
                }
                Some(Err(error)) => {
                    self.forget(context, &waiter);
                    return Err(error);
                }
                None => self.forget(context, &waiter),
            }
        }
    }

    /// The first of those who waited puts the key in.
    fn keep(
        &self,
        context: &EncryptionContext,
        waiter: &Waiter<Arc<GeneratedKey>>,
        generated: &Arc<GeneratedKey>,
    ) {
        let current = &mut lock(&self.keys).by_context;
        if let Some(current) = current.get_mut(context).filter(|current| current.waits_for(waiter))
        {
            current.key = SharedKey::Made(Arc::clone(generated));
        }
    }

    fn forget(&self, context: &EncryptionContext, waiter: &Waiter<Arc<GeneratedKey>>) {
        let keys = &mut lock(&self.keys).by_context;
        if keys.get(context).is_some_and(|current| current.waits_for(waiter)) {
            keys.remove(context);
        }
    }

    /// The data key for the next record: the one in use if it is within bounds, else a new one.
    fn current(&self, context: &EncryptionContext) -> Lookup {
        let now = self.clock.now();
        let mut keys = lock(&self.keys);
        self.sweep_if_due(&mut keys, now);
        if let Some(current) = keys.by_context.get_mut(context)
            && self.is_within_limits(current, now)
            && let Some(lookup) = current.look_up()
        {
            current.records += 1;
            report(&*self.observer, KeyEvent::Shared);
            return lookup;
        }
        let waiter = self.ask(context, now);
        self.make_room(&mut keys.by_context, context);
        let key = SharedKey::AskedFor(waiter.shared_call());
        keys.by_context.insert(context.clone(), Current { key, since: now, records: 1 });
        Lookup::Ask(waiter)
    }

    /// A key of a context that is not written to any more would stay in memory for good: such keys
    /// are looked for ten times in their age.
    fn sweep_if_due(&self, keys: &mut Keys, now: Instant) {
        let last = *keys.swept.get_or_insert(now);
        if now.saturating_duration_since(last) >= self.limits.max_age / 10 {
            self.sweep(keys, now);
        }
    }

    fn sweep(&self, keys: &mut Keys, now: Instant) {
        keys.swept = Some(now);
        let before = keys.by_context.len();
        keys.by_context.retain(|_, current| self.is_within_limits(current, now));
        (keys.by_context.len()..before).for_each(|_| report(&*self.observer, KeyEvent::Evicted));
    }

    fn is_within_limits(&self, current: &Current, now: Instant) -> bool {
        now.saturating_duration_since(current.since) < self.limits.max_age
            && current.records < self.limits.max_records
            && match &current.key {
                SharedKey::Made(generated) => {
                    generated.data_key.sealed_bytes() < self.limits.max_bytes
                }
                SharedKey::AskedFor(call) => call.is_in_progress(),
            }
    }

    fn ask(&self, context: &EncryptionContext, now: Instant) -> Waiter<Arc<GeneratedKey>> {
        let (inner, observer, context) =
            (Arc::clone(&self.inner), Arc::clone(&self.observer), context.clone());
        let call = Box::pin(async move {
            let outcome = inner.generate(&context).await;
            report(
                &*observer,
                if outcome.is_ok() { KeyEvent::Generated } else { KeyEvent::Failed },
            );
            outcome.map(Arc::new)
        });
        Waiter::begin(call, now)
    }

    /// The oldest data key goes first.
    fn make_room(
        &self,
        keys: &mut HashMap<EncryptionContext, Current>,
        context: &EncryptionContext,
    ) {
        if keys.len() < self.limits.max_contexts || keys.contains_key(context) {
            return;
        }
        let oldest = keys
            .iter()
            .min_by_key(|(_, current)| current.since)
            .map(|(context, _)| context.clone());
        if let Some(oldest) = oldest {
            keys.remove(&oldest);
            report(&*self.observer, KeyEvent::Evicted);
        }
    }
}

impl<P: WrapKey + 'static> WrapKey for SharedKeyProvider<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.shared(context))
    }
}

impl<P: UnwrapKey + 'static> UnwrapKey for SharedKeyProvider<P> {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        self.inner.unwrap_key(wrapped, context)
    }
}
