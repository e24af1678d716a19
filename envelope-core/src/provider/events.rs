//! The events of key providers, for counters and logs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// An event of a key provider. It contains no key, no value of a context and no record.
///
/// [`KeyCounters`] counts events. [`KeyObserver`] receives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyEvent {
    /// The provider made a data key: for one or more records, or to be stored as a branch key.
    Generated,
    /// A data key that was made before was used for another record.
    Shared,
    /// A data key was unwrapped.
    Unwrapped,
    /// A key was found in the cache.
    CacheHit,
    /// A key was not in the cache, was too old, or was used too often.
    CacheMiss,
    /// A key was removed from the cache: the cache was full, or the key was too old, used too often
    /// or refused by the provider.
    Evicted,
    /// A key was served from the cache because the provider could not be reached.
    ServedWhileUnreachable,
    /// The active version of a branch was fetched.
    ActiveVersionFetched,
    /// A branch key was fetched and unwrapped by its store.
    BranchKeyFetched,
    /// It was fetched which search keys of a branch are used, and from when.
    SearchVersionsFetched,
    /// A search key was fetched and unwrapped by its store.
    SearchKeyFetched,
    /// The provider refused or failed.
    Failed,
}

/// Receives [`KeyEvent`]s, to pass them to a metrics library.
///
/// It is called for every record, so it should count and return.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core as envelope_dynamo;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use envelope_dynamo::keys::{KeyEvent, KeyObserver, ObservedKeyProvider};
/// use envelope_dynamo::message::{Context, seal};
/// use envelope_dynamo::testing::TestKeyProvider;
///
/// /// Counts the calls that failed, for an alarm.
/// #[derive(Debug, Default)]
/// struct Failures(AtomicU64);
///
/// impl KeyObserver for Failures {
///     fn observe(&self, event: KeyEvent) {
///         if event == KeyEvent::Failed {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let failures = Arc::new(Failures::default());
/// # let keys = TestKeyProvider::default();
/// # keys.fail_next(envelope_dynamo::error::KeyErrorKind::Throttled);
/// // `keys` is a key provider, which is throttled.
/// let provider = ObservedKeyProvider::new(keys, failures.clone());
/// assert!(seal(b"dear", &Context::new("letters"), &provider).await.is_err());
/// assert_eq!(failures.0.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait KeyObserver: fmt::Debug + Send + Sync {
    /// Receives one event.
    fn observe(&self, event: KeyEvent);
}

/// Counts events.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::keys::{KeyCounters, KeyEvent, KeyObserver};
///
/// let counters = KeyCounters::default();
/// counters.observe(KeyEvent::CacheHit);
/// assert_eq!(counters.count(KeyEvent::CacheHit), 1);
/// assert_eq!(counters.count(KeyEvent::CacheMiss), 0);
/// ```
#[derive(Debug, Default)]
pub struct KeyCounters([AtomicU64; EVENTS]);

const EVENTS: usize = KeyEvent::Failed as usize + 1;

impl KeyCounters {
    /// How often `event` happened.
    #[must_use]
    pub fn count(&self, event: KeyEvent) -> u64 {
        self.0.get(event as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

impl KeyObserver for KeyCounters {
    fn observe(&self, event: KeyEvent) {
        if let Some(counter) = self.0.get(event as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Ignores all events.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoObserver;

impl KeyObserver for NoObserver {
    fn observe(&self, _event: KeyEvent) {}
}

/// Reports an event to the log and to the observer.
pub fn report(observer: &dyn KeyObserver, event: KeyEvent) {
    tracing::trace!(?event, "data key");
    observer.observe(event);
}
