//! Search keys from a store, kept for a while.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use envelope_core::__private::{Cache, LaterClock, NoObserver};
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
        Self { store, settings, clock, pointers, keys }
    }

    pub(crate) fn clear(&self) {
        self.pointers.clear();
        self.keys.clear();
    }

    pub(crate) fn remove_expired(&self) {
        self.pointers.remove_expired();
        self.keys.remove_expired();
    }

    /// The keys of a branch that are in use now.
    pub(crate) async fn live(&self, branch: &BranchName) -> Result<Arc<LiveSearchKeys>, KeyError> {
        for _ in 0..TRIES {
            let known = self.known(branch).await?;
            let mut keys = Vec::with_capacity(known.ids.len());
            for id in &known.ids {
                keys.push(self.key(id, known.pointer.max_age).await?);
            }
            let live = self.made_of(&known, keys);
            // The process may have been suspended meanwhile, or a call may have taken long.
            if live.is_fresh() {
                return Ok(live);
            }
        }
        let what = "the search keys were read so slowly that the answer was too old: a call took \
                    longer than `max_age`, or the process was suspended";
        Err(KeyError::new(KeyErrorKind::Unreachable, what))
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
    ) -> Result<Arc<SearchKey>, KeyError> {
        let call = || {
            let (store, (branch, version)) = (Arc::clone(&self.store), id.clone());
            Box::pin(async move {
                let key = Arc::new(store.search_key(&branch, version).await?);
                Ok(KeptKey { key, max_age })
            }) as KeyFuture<'static, _>
        };
        Ok(self.keys.get(id, call).await?.key)
    }

    /// The object of the last call, if nothing has changed since.
    fn made_of(&self, known: &Known, keys: Vec<Arc<SearchKey>>) -> Arc<LiveSearchKeys> {
        let written = known.pointer.written_at(self.clock.system_time());
        let is_written = |(id, _): &(&(BranchName, BranchVersion), _)| id.1 == written;
        let Some((_, write)) = known.ids.iter().zip(&keys).find(is_written) else {
            unreachable!("the version that is written is one of those that are searched for")
        };
        let is_same = |live: &&Arc<LiveSearchKeys>| {
            let mut pairs = live.search.iter().zip(&keys);
            Arc::ptr_eq(&live.write, write) && pairs.all(|(old, new)| Arc::ptr_eq(old, new))
        };
        let mut last = known.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = last.as_ref().filter(is_same) {
            return Arc::clone(live);
        }
        let max_age = known.pointer.max_age.min(self.settings.max_age);
        let time = known.since.checked_add(max_age).unwrap_or(known.since);
        let until = Some(Until { clock: Arc::clone(&self.clock), time });
        let (write, taggers) = (Arc::clone(write), Taggers::default());
        let live = Arc::new(LiveSearchKeys { write, search: keys, taggers, until });
        *last = Some(Arc::clone(&live));
        live
    }
}

#[cfg(test)]
mod tests;
