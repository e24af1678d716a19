//! What was fetched, kept for a while: within bounds, asked for once, and believed gone when it is
//! refused.

mod entries;
mod limits;

use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::KeyFuture;
use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, Unobserved, report};
use super::shared_call::{Waiter, lock};
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
    Ask { waiter: Waiter<V>, stale: Option<Fetched<V>> },
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

    /// The value of `id`, from the cache or by `call`, which must own what it needs: whoever asked
    /// may be gone before it ends.
    pub(super) async fn get(
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
                Lookup::Ask { waiter, stale } => (waiter, stale),
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

    /// The time by which values age.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Puts in a value that came about in another way than by asking, by a call that began at
    /// `since`.
    pub(super) fn put(&self, id: K, value: V, since: Instant) {
        let mut entries = lock(&self.entries);
        self.sweep_if_due(&mut entries, self.clock.now());
        // A value that is made use of again is as old as it was.
        if entries.touch(&id).is_none_or(|entry| entry.fetched.is_none()) {
            self.report_evicted(entries.insert(id, Entry::fetched(value, since)));
        }
    }

    /// Keys that nobody asks for again would stay in memory for good: they are looked for ten times
    /// in their age.
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
            entry.fetched.is_some() || entry.is_asked_for()
        });
        self.report_evicted(evicted);
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
            let waiter = self.ask(call(), now);
            self.report_evicted(entries.insert(id.clone(), Entry::asking(waiter.shared_call())));
            return Lookup::Ask { waiter, stale: None };
        };
        let stale = match &entry.fetched {
            Some(fetched) if entry.uses < self.limits.max_uses => {
                let age = now.saturating_duration_since(fetched.since);
                let asked_for = entry.is_asked_for() && age < self.limits.max_age;
                if age < self.limits.refresh_age() || asked_for {
                    entry.uses += 1;
                    return Lookup::Hit(fetched.value.clone(), KeyEvent::CacheHit);
                }
                if age < self.limits.bridged_age()
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
            let waiter = self.ask(call(), now);
            entry.call = Some(waiter.shared_call());
            waiter
        });
        Lookup::Ask { waiter, stale }
    }

    fn ask(&self, call: KeyFuture<'static, V>, now: Instant) -> Waiter<V> {
        let (observer, fetched) = (Arc::clone(&self.observer), self.fetched);
        let call = Box::pin(async move {
            let outcome = call.await;
            report(&*observer, if outcome.is_ok() { fetched } else { KeyEvent::Failed });
            outcome
        });
        Waiter::begin(call, now)
    }

    /// The first of those who waited puts the value into the cache.
    fn keep(&self, id: &K, waiter: &Waiter<V>, value: &V) {
        if let Some(entry) = lock(&self.entries).entry_of_call(id, waiter) {
            *entry = Entry::fetched(value.clone(), waiter.began());
        }
    }

    /// Lets the next caller make a call of its own; a value that is there already stays.
    fn forget(&self, id: &K, waiter: &Waiter<V>) {
        if let Some(entry) = lock(&self.entries).entry_of_call(id, waiter) {
            entry.call = None;
        }
    }

    /// What to do without an answer: a refusal is believed, an outage may be bridged.
    fn recover(
        &self,
        id: &K,
        waiter: &Waiter<V>,
        stale: Option<Fetched<V>>,
        error: KeyError,
    ) -> Result<V, KeyError> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        let bridges = |stale: &Fetched<V>| {
            now.saturating_duration_since(stale.since) < self.limits.bridged_age()
        };
        let Some(stale) = stale.filter(|stale| error.is_retryable() && bridges(stale)) else {
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
        tracing::warn!(error = %error, "a key is served from the cache: its provider cannot be reached");
        report(&*self.observer, KeyEvent::ServedWhileUnreachable);
        Ok(stale.value)
    }
}
