//! A cache of values that are fetched with a call: within limits, with one call at a time for each
//! value. A refusal removes the value.

mod entries;
mod limits;

use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::KeyFuture;
use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, NoObserver, report};
use super::later_clock::LaterClock;
use super::shared_call::{Waiter, lock};
use crate::error::KeyError;

use entries::{Entries, Entry, Fetched};

pub use limits::CacheLimits;

/// After the provider could not be reached, callers are served without a call for this long.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps values by id, within limits. However many callers wait for a value, one call fetches it.
///
/// Cloning a value must share it, and not copy its secrets.
#[doc(hidden)]
#[derive(Debug)]
pub struct Cache<K, V: 'static> {
    limits: CacheLimits,
    /// How long a value may be kept at most, if that is less than the limits.
    max_age_of: fn(&V) -> Duration,
    /// The event to report after a value was fetched.
    fetched: KeyEvent,
    clock: LaterClock,
    observer: Arc<dyn KeyObserver>,
    entries: Mutex<Entries<K, V>>,
}

/// The result of looking a value up.
enum Lookup<V: 'static> {
    /// The value is in the cache.
    Hit(V, KeyEvent),
    /// The value is being fetched. `stale` may be served if the provider cannot be reached.
    Fetch { waiter: Waiter<V>, stale: Option<Fetched<V>> },
}

impl<K: Clone + Eq + Hash, V: Clone + Send + 'static> Cache<K, V> {
    /// A cache that reports `fetched` for each fetched value.
    pub fn new(limits: CacheLimits, fetched: KeyEvent) -> Self {
        Self {
            limits,
            max_age_of: |_| Duration::MAX,
            fetched,
            clock: LaterClock::new(Arc::new(SystemClock)),
            observer: Arc::new(NoObserver),
            entries: Mutex::new(Entries::new(limits.max_entries)),
        }
    }

    /// Keeps each value for at most this time, even if the limits allow more.
    pub fn set_max_age_of(&mut self, max_age_of: fn(&V) -> Duration) {
        self.max_age_of = max_age_of;
    }

    /// Measures ages by both clocks of `clock`.
    pub fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = LaterClock::new(clock);
    }

    /// Reports events to `observer`.
    pub fn set_observer(&mut self, observer: Arc<dyn KeyObserver>) {
        self.observer = observer;
    }

    /// Removes everything.
    pub fn clear(&self) {
        lock(&self.entries).clear();
    }

    /// Removes the values that will not be served again. Using the cache also does this regularly.
    pub fn remove_expired(&self) {
        self.sweep(&mut lock(&self.entries), self.clock.now());
    }

    /// The value of `id`, from the cache or by `call`. The call must own its data: the caller that
    /// began the call may be dropped before the call ends.
    ///
    /// # Errors
    ///
    /// The error of the call, unless a value may be served during an outage.
    pub async fn get(
        &self,
        id: &K,
        call: impl Fn() -> KeyFuture<'static, V> + Send + Sync,
    ) -> Result<V, KeyError> {
        loop {
            let (mut waiter, stale) = match self.look_up(id, &call) {
                Lookup::Hit(value, event) => {
                    report(&*self.observer, event);
                    return Ok(value);
                }
                Lookup::Fetch { waiter, stale } => (waiter, stale),
            };
            match waiter.outcome().await {
                Some(Ok(value)) => {
                    self.keep(id, &waiter, &value);
                    return Ok(value);
                }
                Some(Err(error)) => return self.recover(id, &waiter, stale, error),
                None => self.forget(id, &waiter),
            }
        }
    }

    /// The time that the ages of values are measured by.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Inserts a value that was not fetched through the cache, by a call that began at `since`.
    pub(super) fn put(&self, id: K, value: V, since: Instant) {
        let mut entries = lock(&self.entries);
        self.sweep_if_due(&mut entries, self.clock.now());
        // A value that is inserted again keeps its age.
        if entries.touch(&id).is_none_or(|entry| entry.fetched.is_none()) {
            self.report_evicted(entries.insert(id, Entry::fetched(value, since)));
        }
    }

    /// Keys that nobody asks for again would stay in memory for ever. So expired keys are searched
    /// for ten times within the maximal age.
    fn sweep_if_due(&self, entries: &mut Entries<K, V>, now: Instant) {
        let last = *entries.swept.get_or_insert(now);
        if now.saturating_duration_since(last) >= self.limits.max_age / 10 {
            self.sweep(entries, now);
        }
    }

    fn sweep(&self, entries: &mut Entries<K, V>, now: Instant) {
        entries.swept = Some(now);
        let evicted = entries.retain(|entry| {
            let max_uses = self.limits.max_uses;
            entry.fetched.take_if(|fetched| entry.uses >= max_uses || !self.bridges(fetched, now));
            entry.fetched.is_some() || entry.is_being_fetched()
        });
        self.report_evicted(evicted);
    }

    /// The limits for this value.
    fn limits_of(&self, value: &V) -> CacheLimits {
        self.limits.at_most((self.max_age_of)(value))
    }

    /// Whether the value may still be served during an outage.
    fn bridges(&self, fetched: &Fetched<V>, now: Instant) -> bool {
        let max_age = self.limits_of(&fetched.value).max_age_in_outage();
        now.saturating_duration_since(fetched.since) < max_age
    }

    fn report_evicted(&self, keys: usize) {
        (0..keys).for_each(|_| report(&*self.observer, KeyEvent::Evicted));
    }

    fn look_up(&self, id: &K, call: impl Fn() -> KeyFuture<'static, V>) -> Lookup<V> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        self.sweep_if_due(&mut entries, now);
        let Some(entry) = entries.touch(id) else {
            report(&*self.observer, KeyEvent::CacheMiss);
            let waiter = self.begin(call(), now);
            self.report_evicted(entries.insert(id.clone(), Entry::fetching(waiter.shared_call())));
            return Lookup::Fetch { waiter, stale: None };
        };
        let stale = match &entry.fetched {
            Some(fetched) if entry.uses < self.limits.max_uses => {
                let age = now.saturating_duration_since(fetched.since);
                let limits = self.limits_of(&fetched.value);
                let refreshing = entry.is_being_fetched() && age < limits.max_age;
                if age < limits.refresh_age() || refreshing {
                    entry.uses += 1;
                    return Lookup::Hit(fetched.value.clone(), KeyEvent::CacheHit);
                }
                if age < limits.max_age_in_outage()
                    && entry.pause_until.is_some_and(|until| now < until)
                {
                    entry.uses += 1;
                    return Lookup::Hit(fetched.value.clone(), KeyEvent::ServedWhileUnreachable);
                }
                Some(fetched.clone())
            }
            _ => None,
        };
        report(&*self.observer, KeyEvent::CacheMiss);
        let is_young = |began| now.saturating_duration_since(began) < self.limits.max_age;
        let joined = entry.call.as_ref().and_then(|call| call.join(is_young));
        let waiter = joined.unwrap_or_else(|| {
            let waiter = self.begin(call(), now);
            entry.call = Some(waiter.shared_call());
            waiter
        });
        Lookup::Fetch { waiter, stale }
    }

    fn begin(&self, call: KeyFuture<'static, V>, now: Instant) -> Waiter<V> {
        let (observer, fetched) = (Arc::clone(&self.observer), self.fetched);
        let call = Box::pin(async move {
            let outcome = call.await;
            report(&*observer, if outcome.is_ok() { fetched } else { KeyEvent::Failed });
            outcome
        });
        Waiter::begin(call, now)
    }

    /// Stores the fetched value; only the first of the waiters does.
    fn keep(&self, id: &K, waiter: &Waiter<V>, value: &V) {
        if let Some(entry) = lock(&self.entries).entry_of_call(id, waiter) {
            *entry = Entry::fetched(value.clone(), waiter.began());
        }
    }

    /// Removes the failed call, so that the next caller begins a new one. The value stays.
    fn forget(&self, id: &K, waiter: &Waiter<V>) {
        if let Some(entry) = lock(&self.entries).entry_of_call(id, waiter) {
            entry.call = None;
        }
    }

    /// Handles a failed call: a refusal removes the value, and during an outage a stale value may
    /// be served.
    fn recover(
        &self,
        id: &K,
        waiter: &Waiter<V>,
        stale: Option<Fetched<V>>,
        error: KeyError,
    ) -> Result<V, KeyError> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        let may_serve = |stale: &Fetched<V>| error.is_retryable() && self.bridges(stale, now);
        let Some(stale) = stale.filter(may_serve) else {
            if entries.remove_call(id, waiter) {
                report(&*self.observer, KeyEvent::Evicted);
            }
            return Err(error);
        };
        if let Some(entry) = entries.entry_of_call(id, waiter) {
            entry.call = None;
            entry.pause_until = now.checked_add(PAUSE);
            entry.uses += 1;
        }
        tracing::warn!(
            error = %error,
            "serving a key from the cache: its provider cannot be reached"
        );
        report(&*self.observer, KeyEvent::ServedWhileUnreachable);
        Ok(stale.value)
    }
}
