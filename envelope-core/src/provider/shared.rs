//! One data key for many records, so that writing them needs one call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, NoObserver, report};
use super::later_clock::LaterClock;
use super::shared_call::{SharedCall, Waiter, lock};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::context_form::ContextForm;
use crate::dek::WrappedKey;
use crate::error::{KeyError, KeyErrorKind};
use crate::secret::DataKey;

/// How long, and for how many records and bytes, a [`SharedKeyProvider`] uses one data key.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use std::time::Duration;
/// use envelope_dynamo::keys::{SharedKeyProvider, SharingLimits};
/// use envelope_dynamo::message::{Context, ContextForm, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// // A new data key after two records, and at the latest after five minutes.
/// let limits = SharingLimits::new(Duration::from_secs(300), 2);
/// let provider = SharedKeyProvider::new(TestKeyProvider::default(), limits);
/// let context = Context::new("letters").form(ContextForm::Table);
/// for _ in 0..3 {
///     seal(b"dear", &context, &provider).await?;
/// }
/// assert_eq!(provider.inner().generate_calls(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharingLimits {
    max_age: Duration,
    max_records: u64,
    max_bytes: u64,
    max_contexts: usize,
}

impl SharingLimits {
    /// One data key seals at most `max_records` records, for at most `max_age`, and any number of
    /// bytes.
    ///
    /// # Security
    ///
    /// Whoever has a data key can open every record that was sealed under it. The format itself
    /// needs no lower limit: 2^80 records under one data key are still safe (FORMAT 4.1).
    #[must_use]
    pub const fn new(max_age: Duration, max_records: u64) -> Self {
        Self { max_age, max_records, max_bytes: u64::MAX, max_contexts: 1_000 }
    }

    /// Makes a new data key after this many bytes of plaintext were sealed under the last one.
    /// Records that got the old data key before are still sealed under it.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Keeps data keys for at most this many encryption contexts (tenants, for example) at a time.
    #[must_use]
    pub const fn max_contexts(mut self, contexts: usize) -> Self {
        self.max_contexts = contexts;
        self
    }
}

/// Uses one data key for many records, within limits.
///
/// The records must have the same encryption context; otherwise KMS would have to wrap a data key
/// for each. So the struct must choose `#[envelope(kms_context = "table")]`; other forms are
/// refused. The encryption context then consists of the table and of the pairs of
/// `#[encryption_context]` and `context(..)`. Every distinct set of pairs has its own data key.
/// AES-GCM still binds each record to its primary key.
///
/// - Keys are wiped after they were replaced or have reached a limit, and nobody seals with them
///   any more.
/// - The age of a key counts from the begin of the call that made it.
/// - If a writer's future is dropped, the other waiting writers continue. A writer whose future is
///   not polled delays nobody.
///
/// Reading calls the inner provider for every record. Put a
/// [`CachedKeyProvider`](super::CachedKeyProvider) inside to save calls there too.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::Duration;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{SharedKeyProvider, SharingLimits};
/// use envelope_dynamo::message::{Context, ContextForm, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// let limits = SharingLimits::new(Duration::from_secs(300), 1_000);
/// let provider = SharedKeyProvider::new(TestKeyProvider::default(), limits);
/// let context = Context::new("letters").form(ContextForm::Table);
/// for _ in 0..3 {
///     seal(b"dear", &context, &provider).await?;
/// }
/// assert_eq!(provider.inner().generate_calls(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct SharedKeyProvider<P> {
    inner: Arc<P>,
    limits: SharingLimits,
    clock: LaterClock,
    observer: Arc<dyn KeyObserver>,
    keys: Mutex<Keys>,
}

/// The data keys in use.
#[derive(Debug, Default)]
struct Keys {
    by_context: HashMap<EncryptionContext, Current>,
    /// When keys beyond their limits were last removed.
    swept: Option<Instant>,
}

/// The data key in use for one context.
#[derive(Debug)]
struct Current {
    key: SharedKey,
    /// When the call that made the key began.
    since: Instant,
    records: u64,
}

/// A data key, or the call that makes it.
#[derive(Debug)]
enum SharedKey {
    BeingMade(SharedCall<Arc<GeneratedKey>>),
    Made(Arc<GeneratedKey>),
}

/// The data key for the next record.
enum Lookup {
    Made(Arc<GeneratedKey>),
    Wait(Waiter<Arc<GeneratedKey>>),
}

impl Current {
    fn waits_for(&self, waiter: &Waiter<Arc<GeneratedKey>>) -> bool {
        matches!(&self.key, SharedKey::BeingMade(call) if call.is_of(waiter))
    }

    /// The key, or a waiter for it. `None` if the call was dropped with its last waiter.
    fn look_up(&self) -> Option<Lookup> {
        match &self.key {
            SharedKey::Made(generated) => Some(Lookup::Made(Arc::clone(generated))),
            SharedKey::BeingMade(call) => call.join(|_| true).map(Lookup::Wait),
        }
    }
}

impl<P: WrapKey + 'static> SharedKeyProvider<P> {
    /// Shares the data keys that `inner` makes, within `limits`.
    pub fn new(inner: P, limits: SharingLimits) -> Self {
        Self {
            inner: Arc::new(inner),
            limits,
            clock: LaterClock::new(Arc::new(SystemClock)),
            observer: Arc::new(NoObserver),
            keys: Mutex::default(),
        }
    }

    /// Reports events to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn KeyObserver>) -> Self {
        self.observer = observer;
        self
    }

    /// Measures ages by `clock`: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = LaterClock::new(clock);
        self
    }

    /// The provider that makes the data keys.
    #[must_use]
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// Removes every data key that has reached a limit and will not be used again.
    ///
    /// Using the provider also does this, ten times within the maximal age. In a process that may
    /// be idle, call it from a timer, so that no key stays in memory longer than it may be
    /// used.
    pub fn remove_expired(&self) {
        self.sweep(&mut lock(&self.keys), self.clock.now());
    }

    /// Removes every data key. The next record of each context gets a new one.
    pub fn clear(&self) {
        lock(&self.keys).by_context.clear();
    }

    async fn shared(&self, context: &EncryptionContext) -> Result<GeneratedKey, KeyError> {
        if context.form() != ContextForm::Table {
            return Err(KeyError::new(
                KeyErrorKind::Configuration,
                format!(
                    "records with the context form `{}` cannot share a data key, because each has \
                     its own encryption context: choose #[envelope(kms_context = \"table\")]",
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
                Lookup::Wait(waiter) => waiter,
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

    /// Stores the generated key; only the first of the waiters does.
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

    /// The data key for the next record: the present one if it is within its limits, or a new one.
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
        let waiter = self.begin(context, now);
        self.make_room(&mut keys.by_context, context);
        let key = SharedKey::BeingMade(waiter.shared_call());
        keys.by_context.insert(context.clone(), Current { key, since: now, records: 1 });
        Lookup::Wait(waiter)
    }

    /// The key of a context without further writes would stay in memory for ever. So expired keys
    /// are searched for ten times within the maximal age.
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
                SharedKey::BeingMade(call) => call.is_in_progress(),
            }
    }

    fn begin(&self, context: &EncryptionContext, now: Instant) -> Waiter<Arc<GeneratedKey>> {
        let (inner, observer, context) =
            (Arc::clone(&self.inner), Arc::clone(&self.observer), context.clone());
        let call = Box::pin(async move {
            let outcome = inner.generate(&context).await;
            report(&*observer, made(&outcome));
            outcome.map(Arc::new)
        });
        Waiter::begin(call, now)
    }

    /// Removes the oldest data key if the limit of contexts is reached.
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

/// The event of a call that was to make a data key.
const fn made<T>(outcome: &Result<T, KeyError>) -> KeyEvent {
    if outcome.is_ok() { KeyEvent::Generated } else { KeyEvent::Failed }
}

impl<P: WrapKey + 'static> WrapKey for SharedKeyProvider<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.shared(context))
    }

    /// A new data key for each call, which seals no record of this provider.
    fn generate_wrapped<'a>(
        &'a self,
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, Vec<WrappedKey>> {
        Box::pin(async {
            let outcome = self.inner.generate_wrapped(context).await;
            report(&*self.observer, made(&outcome));
            outcome
        })
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
