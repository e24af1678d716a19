//! What was fetched, kept for a while: within bounds, asked for once, and believed gone when it is refused.

mod entries;
mod limits;

use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::KeyFuture;
use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, Unobserved, report};
use super::flight::{Flight, lock};
use crate::error::KeyError;

use entries::{Entries, Entry, Fetched};

pub use limits::CacheLimits;

/// How long callers are served without asking after the provider could not be reached.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps values by id, within limits, and fetches each once however many wait for it.
///
/// A clone of a value must be a share of it, not a copy of its secrets.
#[derive(Debug)]
pub(super) struct Cache<K, V: 'static> {
    limits: CacheLimits,
    /// What it is called when a value was fetched.
    fetched: KeyEvent,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn KeyObserver>,
    entries: Mutex<Entries<K, V>>,
}

/// What to do about a value that was asked for.
enum Lookup<V: 'static> {
    /// It is in the cache.
    Hit(V, KeyEvent),
    /// It is being asked for, or has to be; `stale` may be served if nobody can be asked.
    Ask { flight: Flight<V>, stale: Option<Fetched<V>> },
}

impl<K: Clone + Eq + Hash, V: Clone + Send + 'static> Cache<K, V> {
    pub(super) fn new(limits: CacheLimits, fetched: KeyEvent) -> Self {
        Self {
            limits,
            fetched,
            clock: Arc::new(SystemClock),
            observer: Arc::new(Unobserved),
            entries: Mutex::new(Entries::new(limits.max_entries)),
        }
    }

    pub(super) fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = clock;
    }

    pub(super) fn set_observer(&mut self, observer: Arc<dyn KeyObserver>) {
        self.observer = observer;
    }

    /// Throws everything out.
    pub(super) fn clear(&self) {
        lock(&self.entries).clear();
    }

    /// Throws out what will not be served again; whatever uses the cache does so now and then.
    pub(super) fn remove_expired(&self) {
        self.sweep(&mut lock(&self.entries), self.clock.now());
    }

    /// The value of `id`, from the cache or by `call`, which must own what it needs: whoever asked may be gone before it
    /// ends.
    pub(super) async fn get(&self, id: &K, call: impl FnOnce() -> KeyFuture<'static, V> + Send) -> Result<V, KeyError> {
        let (flight, stale) = match self.look_up(id, call) {
            Lookup::Hit(value, event) => {
                report(&*self.observer, event);
                return Ok(value);
            }
            Lookup::Ask { flight, stale } => (flight, stale),
        };
        match flight.landed().await {
            Ok(value) => {
                self.keep(id, &flight, value);
                Ok(value.clone())
            }
            Err(error) => self.recover(id, &flight, stale, error),
        }
    }

    /// Puts in a value that came about in another way than by asking.
    pub(super) fn put(&self, id: K, value: V) {
        let since = self.clock.now();
        let mut entries = lock(&self.entries);
        self.sweep_if_due(&mut entries, since);
        self.report_evicted(entries.insert(id, Entry::fetched(value, since)));
    }

    /// Keys that nobody asks for again would stay in memory for good: they are looked for ten times in their age.
    fn sweep_if_due(&self, entries: &mut Entries<K, V>, now: Instant) {
        let last = *entries.swept.get_or_insert(now);
        if now.saturating_duration_since(last) >= self.limits.max_age / 10 {
            self.sweep(entries, now);
        }
    }

    fn sweep(&self, entries: &mut Entries<K, V>, now: Instant) {
        let bridged_age = self.limits.bridged_age();
        let is_young = |since: Instant| now.saturating_duration_since(since) < bridged_age;
        entries.swept = Some(now);
        let evicted = entries.retain(|entry| {
            let max_uses = self.limits.max_uses;
            entry.fetched.take_if(|fetched| entry.uses >= max_uses || !is_young(fetched.since));
            entry.fetched.is_some() || entry.asked.is_some_and(is_young)
        });
        self.report_evicted(evicted);
    }

    fn report_evicted(&self, keys: usize) {
        (0..keys).for_each(|_| report(&*self.observer, KeyEvent::Evicted));
    }

    fn look_up(&self, id: &K, call: impl FnOnce() -> KeyFuture<'static, V>) -> Lookup<V> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        self.sweep_if_due(&mut entries, now);
        let Some(entry) = entries.touch(id) else {
            report(&*self.observer, KeyEvent::CacheMiss);
            let flight = self.ask(call());
            self.report_evicted(entries.insert(id.clone(), Entry::asking(flight.clone(), now)));
            return Lookup::Ask { flight, stale: None };
        };
        let stale = match &entry.fetched {
            Some(fetched) if entry.uses < self.limits.max_uses => {
                let age = now.saturating_duration_since(fetched.since);
                let asked_for = entry.flight.is_some() && age < self.limits.max_age;
                if age < self.limits.refresh_age() || asked_for {
                    entry.uses += 1;
                    return Lookup::Hit(fetched.value.clone(), KeyEvent::CacheHit);
                }
                if age < self.limits.bridged_age() && entry.pause_until.is_some_and(|until| now < until) {
                    entry.uses += 1;
                    return Lookup::Hit(fetched.value.clone(), KeyEvent::ServedWhileUnreachable);
                }
                Some(fetched.clone())
            }
            _ => None,
        };
        report(&*self.observer, KeyEvent::CacheMiss);
        let flight = entry.flight.get_or_insert_with(|| self.ask(call())).clone();
        entry.asked.get_or_insert(now);
        Lookup::Ask { flight, stale }
    }

    fn ask(&self, call: KeyFuture<'static, V>) -> Flight<V> {
        let (observer, fetched) = (Arc::clone(&self.observer), self.fetched);
        Flight::new(Box::pin(async move {
            let outcome = call.await;
            report(&*observer, if outcome.is_ok() { fetched } else { KeyEvent::Failed });
            outcome
        }))
    }

    /// The first of those who waited puts the value into the cache.
    fn keep(&self, id: &K, flight: &Flight<V>, value: &V) {
        let since = self.clock.now();
        if let Some(entry) = lock(&self.entries).of_flight(id, flight) {
            *entry = Entry::fetched(value.clone(), since);
        }
    }

    /// What to do without an answer: a refusal is believed, an outage may be bridged.
    fn recover(&self, id: &K, flight: &Flight<V>, stale: Option<Fetched<V>>, error: KeyError) -> Result<V, KeyError> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        let bridges = |stale: &Fetched<V>| now.saturating_duration_since(stale.since) < self.limits.bridged_age();
        let Some(stale) = stale.filter(|stale| error.is_retryable() && bridges(stale)) else {
            if entries.remove_flight(id, flight) {
                report(&*self.observer, KeyEvent::Evicted);
            }
            return Err(error);
        };
        if let Some(entry) = entries.of_flight(id, flight) {
            (entry.flight, entry.asked) = (None, None);
            entry.pause_until = now.checked_add(PAUSE);
            entry.uses += 1;
        }
        tracing::warn!(error = %error, "a key is served from the cache: its provider cannot be reached");
        report(&*self.observer, KeyEvent::ServedWhileUnreachable);
        Ok(stale.value)
    }
}
