//! What key providers do, for counters and logs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something a key provider did; carries no key, no context value and no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyEvent {
    /// A data key was made for one or more records.
    Generated,
    /// A data key that was made before seals another record.
    Shared,
    /// A data key was unwrapped.
    Unwrapped,
    /// A key was found in the cache.
    CacheHit,
    /// A key was not in the cache, or too old, or used too often.
    CacheMiss,
    /// A key was thrown out of the cache: no room, too old, used too often, or refused by the
    /// provider.
    Evicted,
    /// A key was taken from the cache because the provider could not be reached.
    ServedWhileUnreachable,
    /// It was asked which version of a branch's key is active.
    ActiveVersionFetched,
    /// A branch key was fetched, which its store has unwrapped.
    BranchKeyFetched,
    /// The provider refused or failed.
    Failed,
}

/// Takes note of [`KeyEvent`]s: the joint to a metrics library.
///
/// Called on the path of every record, so it should count and return.
pub trait KeyObserver: fmt::Debug + Send + Sync {
    /// Takes note of one event.
    fn observe(&self, event: KeyEvent);
}

/// Counts events.
///
/// ```
/// use envelope_core::{KeyCounters, KeyEvent, KeyObserver};
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

/// Takes note of nothing.
#[derive(Debug)]
pub(super) struct Unobserved;

impl KeyObserver for Unobserved {
    fn observe(&self, _event: KeyEvent) {}
}

/// Tells log and observer.
pub(super) fn report(observer: &dyn KeyObserver, event: KeyEvent) {
    tracing::trace!(?event, "data key");
    observer.observe(event);
}
