//! Unwrapped data keys, kept for a while: reading a record again asks nobody.

mod entries;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::clock::{Clock, SystemClock};
use super::events::{KeyEvent, KeyObserver, Unobserved, report};
use super::flight::{Flight, lock};
use super::{GeneratedKey, KeyFuture, UnwrapKey, WrapKey};
use crate::context::EncryptionContext;
use crate::dek::WrappedKey;
use crate::error::KeyError;
use crate::secret::DataKey;

use entries::{Entries, Entry, Fetched, Id};

/// How long, how often and how many data keys a [`CachedKeyProvider`] keeps.
///
/// ```
/// use std::time::Duration;
/// use envelope_core::CacheLimits;
///
/// let limits = CacheLimits::new(Duration::from_secs(300)).max_entries(10_000).while_unreachable(Duration::from_secs(600));
/// assert_eq!(limits, CacheLimits::new(Duration::from_secs(300)).max_entries(10_000).while_unreachable(Duration::from_secs(600)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    max_age: Duration,
    max_uses: u64,
    max_entries: usize,
    grace: Duration,
}

impl CacheLimits {
    /// Keys are kept for `max_age`, for any number of uses, and at most 1,000 of them.
    ///
    /// # Security
    ///
    /// A key that is disabled, or a permission that is revoked, is noticed at the latest when the keys in the cache are
    /// as old as this.
    #[must_use]
    pub const fn new(max_age: Duration) -> Self {
        Self { max_age, max_uses: u64::MAX, max_entries: 1_000, grace: Duration::ZERO }
    }

    /// Asks again after a key has been taken from the cache this often.
    #[must_use]
    pub const fn max_uses(mut self, uses: u64) -> Self {
        self.max_uses = uses;
        self
    }

    /// Keeps this many keys at most; the one not used for longest goes first.
    #[must_use]
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Serves keys older than `max_age`, by this much at most, while the provider is unreachable or throttles; off by
    /// default.
    ///
    /// Each key served so is reported as [`KeyEvent::ServedWhileUnreachable`]. A provider that *refuses* is believed at
    /// once, whatever this says.
    #[must_use]
    pub const fn while_unreachable(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// From this age on, a reader asks again while the others are still served: nine tenths of the way.
    fn refresh_age(&self) -> Duration {
        self.max_age.saturating_sub(self.max_age / 10)
    }

    /// Until this age, a key is better than none.
    const fn bridged_age(&self) -> Duration {
        self.max_age.saturating_add(self.grace)
    }
}

/// Keeps the data keys that a provider unwraps, within bounds, and asks it once however many readers wait.
///
/// Writing goes straight to the provider: each record has a data key of its own.
///
/// - A key is found by its wrapped form *and* its encryption context, so a cache hit proves no less than a call would.
/// - From nine tenths of its age on, one reader asks again while the others are served, so that expiry causes no burst.
/// - A refusal (access denied, key disabled, ..) throws the key out at once.
/// - A reader that goes away (a dropped future) leaves nothing behind: whoever waits with it goes on.
/// - Keys are wiped when they leave the cache and no reader holds them any more.
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
    limits: CacheLimits,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn KeyObserver>,
    entries: Mutex<Entries>,
}

/// What to do about a key that was asked for.
enum Lookup {
    /// It is in the cache.
    Hit(DataKey, KeyEvent),
    /// It is being asked for, or has to be; `stale` may be served if nobody can be asked.
    Ask { flight: Flight<DataKey>, stale: Option<Fetched> },
}

/// How long readers are served without asking after the provider could not be reached.
const PAUSE: Duration = Duration::from_secs(1);

impl<P: UnwrapKey + 'static> CachedKeyProvider<P> {
    /// Keeps what `inner` unwraps, within `limits`.
    pub fn new(inner: P, limits: CacheLimits) -> Self {
        Self {
            inner: Arc::new(inner),
            limits,
            clock: Arc::new(SystemClock),
            observer: Arc::new(Unobserved),
            entries: Mutex::new(Entries::new(limits.max_entries)),
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

    /// The provider behind the cache.
    #[must_use]
    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// Throws every key out.
    pub fn clear(&self) {
        lock(&self.entries).clear();
    }

    async fn cached(&self, wrapped: &[WrappedKey], context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let id = identify(wrapped, context);
        let (flight, stale) = match self.look_up(id, wrapped, context) {
            Lookup::Hit(key, event) => {
                report(&*self.observer, event);
                return Ok(key);
            }
            Lookup::Ask { flight, stale } => (flight, stale),
        };
        match flight.landed().await {
            Ok(key) => {
                self.keep(id, &flight, key);
                Ok(key.share())
            }
            Err(error) => self.recover(id, &flight, stale, error),
        }
    }

    fn look_up(&self, id: Id, wrapped: &[WrappedKey], context: &EncryptionContext) -> Lookup {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        let Some(entry) = entries.touch(&id) else {
            report(&*self.observer, KeyEvent::CacheMiss);
            let flight = self.ask(wrapped, context);
            let evicted = entries.insert(id, Entry::asking(flight.clone()));
            (0..evicted).for_each(|_| report(&*self.observer, KeyEvent::Evicted));
            return Lookup::Ask { flight, stale: None };
        };
        let stale = match &entry.fetched {
            Some(Fetched { key, since }) if entry.uses < self.limits.max_uses => {
                let age = now.saturating_duration_since(*since);
                let asked_for = entry.flight.is_some() && age < self.limits.max_age;
                if age < self.limits.refresh_age() || asked_for {
                    entry.uses += 1;
                    return Lookup::Hit(key.share(), KeyEvent::CacheHit);
                }
                if age < self.limits.bridged_age() && entry.pause_until.is_some_and(|until| now < until) {
                    entry.uses += 1;
                    return Lookup::Hit(key.share(), KeyEvent::ServedWhileUnreachable);
                }
                Some(Fetched { key: key.share(), since: *since })
            }
            _ => None,
        };
        report(&*self.observer, KeyEvent::CacheMiss);
        let flight = entry.flight.get_or_insert_with(|| self.ask(wrapped, context)).clone();
        Lookup::Ask { flight, stale }
    }

    /// The call, not yet made; it owns what it needs, since whoever asked may be gone before it ends.
    fn ask(&self, wrapped: &[WrappedKey], context: &EncryptionContext) -> Flight<DataKey> {
        let (inner, observer) = (Arc::clone(&self.inner), Arc::clone(&self.observer));
        let (wrapped, context) = (wrapped.to_vec(), context.clone());
        Flight::new(Box::pin(async move {
            let outcome = inner.unwrap_key(&wrapped, &context).await;
            report(&*observer, if outcome.is_ok() { KeyEvent::Unwrapped } else { KeyEvent::Failed });
            outcome
        }))
    }

    /// The first of those who waited puts the key into the cache.
    fn keep(&self, id: Id, flight: &Flight<DataKey>, key: &DataKey) {
        let since = self.clock.now();
        if let Some(entry) = lock(&self.entries).of_flight(&id, flight) {
            *entry = Entry::fetched(key.share(), since);
        }
    }

    /// What to do without an answer: a refusal is believed, an outage may be bridged.
    fn recover(
        &self,
        id: Id,
        flight: &Flight<DataKey>,
        stale: Option<Fetched>,
        error: KeyError,
    ) -> Result<DataKey, KeyError> {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        let bridges = |stale: &Fetched| now.saturating_duration_since(stale.since) < self.limits.bridged_age();
        let Some(stale) = stale.filter(|stale| error.is_retryable() && bridges(stale)) else {
            if entries.remove_flight(&id, flight) {
                report(&*self.observer, KeyEvent::Evicted);
            }
            return Err(error);
        };
        if let Some(entry) = entries.of_flight(&id, flight) {
            entry.flight = None;
            entry.pause_until = now.checked_add(PAUSE);
            entry.uses += 1;
        }
        tracing::warn!(error = %error, "a data key is served from the cache: its provider cannot be reached");
        report(&*self.observer, KeyEvent::ServedWhileUnreachable);
        Ok(stale.key)
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
    fn unwrap_key<'a>(&'a self, wrapped: &'a [WrappedKey], context: &'a EncryptionContext) -> KeyFuture<'a, DataKey> {
        Box::pin(self.cached(wrapped, context))
    }
}

impl<P: WrapKey + 'static> WrapKey for CachedKeyProvider<P> {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.inner.generate(context)
    }
}
