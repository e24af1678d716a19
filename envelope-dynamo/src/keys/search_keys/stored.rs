//! Search keys from a store, kept for a while.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use envelope_core::__private::{Cache, LaterClock, NoObserver, report};
use envelope_core::search::SearchKey;
use envelope_core::{
    BranchName, BranchVersion, CacheLimits, Clock, KeyError, KeyErrorKind, KeyEvent, KeyFuture,
    KeyObserver, SystemClock,
};

use crate::item::search_tags::Taggers;
use crate::keys::search_keys::live::{LiveSearchKeys, Until};
use crate::keys::search_keys::pointer::{DEFAULT_MAX_AGE, Pointer};

/// How often it is asked for the keys, if each answer is too old when it arrives.
const TRIES: usize = 3;

/// Where pointers and search keys are read.
pub(crate) trait SearchKeyStore: Debug + Send + Sync {
    fn pointer<'a>(&'a self, branch: &'a BranchName) -> KeyFuture<'a, Pointer>;

    fn search_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, SearchKey>;
}

/// What a program may choose.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_age: Duration,
    pub(crate) grace: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn KeyObserver>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_age: DEFAULT_MAX_AGE,
            grace: Duration::ZERO,
            clock: Arc::new(SystemClock),
            observer: Arc::new(NoObserver),
        }
    }
}

/// A store behind two caches.
///
/// The age of a pointer is never extended: a process with an old pointer would search for too few
/// versions, and nobody would notice. Unwrapped keys may be used longer while KMS is unreachable.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) store: Arc<dyn SearchKeyStore>,
    pub(crate) settings: Settings,
    clock: Arc<LaterClock>,
    pointers: Cache<BranchName, Arc<Known>>,
    /// By branch and version: the key of one branch must not serve another.
    keys: Cache<(BranchName, BranchVersion), KeptKey>,
    latest: Mutex<Option<Latest>>,
}

/// What was returned last: it spares the caches the lookups of most calls.
#[derive(Debug)]
struct Latest {
    branch: BranchName,
    live: Arc<LiveSearchKeys>,
    /// Until no part of it is so old that a cache would fetch it again.
    until: Instant,
    /// Until another version is written.
    written_until: Option<SystemTime>,
}

/// A pointer, and when it was asked for.
#[derive(Debug)]
struct Known {
    pointer: Pointer,
    since: Instant,
    /// The searched versions, in order.
    ids: Vec<(BranchName, BranchVersion)>,
    /// What was made of the pointer and the keys at last.
    last: Mutex<Option<Arc<LiveSearchKeys>>>,
}

/// An unwrapped key, and how long it may be kept.
#[derive(Clone, Debug)]
struct KeptKey {
    key: Arc<SearchKey>,
    max_age: Duration,
    since: Instant,
}

impl Stored {
    pub(crate) fn new(store: Arc<dyn SearchKeyStore>, settings: Settings) -> Self {
        let clock = Arc::new(LaterClock::new(Arc::clone(&settings.clock)));
        let limits = CacheLimits::new(settings.max_age);
        let mut pointers = Cache::new(limits, KeyEvent::SearchVersionsFetched);
        pointers.set_max_age_of(|known: &Arc<Known>| known.pointer.max_age);
        pointers.set_clock(Arc::clone(&clock) as _);
        pointers.set_observer(Arc::clone(&settings.observer));
        let limits = limits.while_unreachable(settings.grace);
        let mut keys = Cache::new(limits, KeyEvent::SearchKeyFetched);
        keys.set_max_age_of(|kept: &KeptKey| kept.max_age);
        keys.set_clock(Arc::clone(&clock) as _);
        keys.set_observer(Arc::clone(&settings.observer));
        Self { store, settings, clock, pointers, keys, latest: Mutex::default() }
    }

    pub(crate) fn clear(&self) {
        *lock(&self.latest) = None;
        self.pointers.clear();
        self.keys.clear();
    }

    pub(crate) fn remove_expired(&self) {
        let now = self.clock.now();
        lock(&self.latest).take_if(|latest| now >= latest.until);
        self.pointers.remove_expired();
        self.keys.remove_expired();
    }

    /// The keys of a branch that are in use now.
    pub(crate) async fn live(&self, branch: &str) -> Result<Arc<LiveSearchKeys>, KeyError> {
        if let Some(live) = self.latest(branch) {
            report(&*self.settings.observer, KeyEvent::CacheHit);
            return Ok(live);
        }
        let branch = BranchName::new(branch)?;
        for _ in 0..TRIES {
            let known = self.known(&branch).await?;
            let mut keys = Vec::with_capacity(known.ids.len());
            for id in &known.ids {
                keys.push(self.key(id, known.pointer.max_age).await?);
            }
            let live = self.made_of(&branch, &known, keys);
            // The process may have been suspended meanwhile, or a call may have taken long.
            if live.is_fresh() {
                return Ok(live);
            }
        }
        let what = "the search keys were read so slowly that the answer was too old: a call took \
                    longer than `max_age`, or the process was suspended";
        Err(KeyError::new(KeyErrorKind::Unreachable, what))
    }

    /// What was returned last, if it is for this branch, and nothing is to be fetched or changed.
    fn latest(&self, branch: &str) -> Option<Arc<LiveSearchKeys>> {
        let latest = lock(&self.latest);
        let latest = latest.as_ref().filter(|latest| latest.branch.as_str() == branch)?;
        let is_written = latest.written_until.is_none_or(|it| self.clock.system_time() < it);
        (is_written && self.clock.now() < latest.until).then(|| Arc::clone(&latest.live))
    }

    async fn known(&self, branch: &BranchName) -> Result<Arc<Known>, KeyError> {
        let call = || {
            let (store, branch) = (Arc::clone(&self.store), branch.clone());
            let (clock, since) = (Arc::clone(&self.clock), self.clock.now());
            Box::pin(async move {
                let pointer = store.pointer(&branch).await?;
                pointer.check_times(clock.system_time())?;
                let ids = pointer.searched().map(|version| (branch.clone(), version)).collect();
                Ok(Arc::new(Known { pointer, since, ids, last: Mutex::default() }))
            }) as KeyFuture<'static, _>
        };
        self.pointers.get(branch, call).await
    }

    async fn key(
        &self,
        id: &(BranchName, BranchVersion),
        max_age: Duration,
    ) -> Result<KeptKey, KeyError> {
        let call = || {
            let (store, (branch, version)) = (Arc::clone(&self.store), id.clone());
            let since = self.clock.now();
            Box::pin(async move {
                let key = Arc::new(store.search_key(&branch, version).await?);
                Ok(KeptKey { key, max_age, since })
            }) as KeyFuture<'static, _>
        };
        self.keys.get(id, call).await
    }

    /// The object of the last call for the branch, if nothing has changed since.
    fn made_of(
        &self,
        branch: &BranchName,
        known: &Known,
        kept: Vec<KeptKey>,
    ) -> Arc<LiveSearchKeys> {
        let now = self.clock.system_time();
        let live =
            known.live(kept.iter().map(|kept| &kept.key), known.pointer.written_at(now), || {
                let time = known.since.checked_add(self.max_age(known)).unwrap_or(known.since);
                Until { clock: Arc::clone(&self.clock), time }
            });
        let oldest = kept.iter().map(|kept| kept.since).fold(known.since, Instant::min);
        // As long as the caches would fetch nothing: `CacheLimits` says nine tenths.
        let until = oldest.checked_add(self.max_age(known) / 10 * 9).unwrap_or(oldest);
        let written_until = known.pointer.changes_after(now);
        let (branch, returned) = (branch.clone(), Arc::clone(&live));
        *lock(&self.latest) = Some(Latest { branch, live, until, written_until });
        returned
    }

    fn max_age(&self, known: &Known) -> Duration {
        known.pointer.max_age.min(self.settings.max_age)
    }
}

impl Known {
    /// The object of the last call, if nothing has changed since.
    fn live<'a>(
        &self,
        keys: impl Iterator<Item = &'a Arc<SearchKey>> + Clone,
        written: BranchVersion,
        until: impl FnOnce() -> Until,
    ) -> Arc<LiveSearchKeys> {
        let mut versions = self.ids.iter().map(|(_, version)| *version).zip(keys.clone());
        let Some((_, write)) = versions.find(|(version, _)| *version == written) else {
            unreachable!("the version that is written is one of those that are searched for")
        };
        let is_same = |live: &&Arc<LiveSearchKeys>| {
            let mut pairs = live.search.iter().zip(keys.clone());
            Arc::ptr_eq(&live.write, write) && pairs.all(|(old, new)| Arc::ptr_eq(old, new))
        };
        let mut last = lock(&self.last);
        if let Some(live) = last.as_ref().filter(is_same) {
            return Arc::clone(live);
        }
        let live = Arc::new(LiveSearchKeys {
            write: Arc::clone(write),
            search: keys.cloned().collect(),
            taggers: Taggers::default(),
            until: Some(until()),
        });
        *last = Some(Arc::clone(&live));
        live
    }
}

/// No code here panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
