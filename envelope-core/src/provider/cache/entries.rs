//! The values in the cache, in the order of their last use.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Instant;

use crate::provider::shared_call::{SharedCall, Waiter};

/// A value, and when the call that fetched it began.
#[derive(Clone, Debug)]
pub(super) struct Fetched<V> {
    pub(super) value: V,
    pub(super) since: Instant,
}

/// A value, or the call that fetches it, or both while the value is refreshed.
#[derive(Debug)]
pub(super) struct Entry<V: 'static> {
    pub(super) fetched: Option<Fetched<V>>,
    /// How often the value was served from the cache.
    pub(super) uses: u64,
    /// The call for the value. Its waiters may have gone.
    pub(super) call: Option<SharedCall<V>>,
    /// Set if the provider could not be reached: until then no new call begins, as long as the
    /// value may be served.
    pub(super) pause_until: Option<Instant>,
}

impl<V> Entry<V> {
    pub(super) fn fetching(call: SharedCall<V>) -> Self {
        Self { fetched: None, uses: 0, call: Some(call), pause_until: None }
    }

    pub(super) fn fetched(value: V, since: Instant) -> Self {
        Self { fetched: Some(Fetched { value, since }), uses: 0, call: None, pause_until: None }
    }

    /// Whether a call for the value is in progress.
    pub(super) fn is_being_fetched(&self) -> bool {
        self.call.as_ref().is_some_and(SharedCall::is_in_progress)
    }
}

#[derive(Debug)]
pub(super) struct Entries<K, V: 'static> {
    max: usize,
    entries: HashMap<K, (u64, Entry<V>)>,
    /// Ids by the number of their last use.
    order: BTreeMap<u64, K>,
    uses: u64,
    /// When expired entries were last removed.
    pub(super) swept: Option<Instant>,
}

impl<K: Clone + Eq + Hash, V> Entries<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, entries: HashMap::new(), order: BTreeMap::new(), uses: 0, swept: None }
    }

    /// The entry, which is then the last to be evicted.
    pub(super) fn touch(&mut self, id: &K) -> Option<&mut Entry<V>> {
        let (used, entry) = self.entries.get_mut(id)?;
        if *used == self.uses {
            return Some(entry);
        }
        self.uses += 1;
        if let Some(id) = self.order.remove(used) {
            self.order.insert(self.uses, id);
        }
        *used = self.uses;
        Some(entry)
    }

    /// Inserts an entry, and returns how many others were evicted.
    pub(super) fn insert(&mut self, id: K, entry: Entry<V>) -> usize {
        self.uses += 1;
        if let Some((used, _)) = self.entries.insert(id.clone(), (self.uses, entry)) {
            self.order.remove(&used);
        }
        self.order.insert(self.uses, id);
        let mut evicted = 0;
        while self.entries.len() > self.max {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.entries.remove(&oldest);
            evicted += 1;
        }
        evicted
    }

    /// The entry, if its call is the one that `waiter` waits for.
    pub(super) fn entry_of_call(&mut self, id: &K, waiter: &Waiter<V>) -> Option<&mut Entry<V>> {
        let (_, entry) = self.entries.get_mut(id)?;
        let waits = entry.call.as_ref().is_some_and(|own| own.is_of(waiter));
        waits.then_some(entry)
    }

    /// Removes the entry, if its call is the one that `waiter` waits for.
    pub(super) fn remove_call(&mut self, id: &K, waiter: &Waiter<V>) -> bool {
        if self.entry_of_call(id, waiter).is_none() {
            return false;
        }
        if let Some((used, _)) = self.entries.remove(id) {
            self.order.remove(&used);
        }
        true
    }

    /// Removes the entries for which `keeps` returns false, and returns how many.
    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&mut Entry<V>) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, (used, entry)| {
            let kept = keeps(entry);
            if !kept {
                self.order.remove(used);
            }
            kept
        });
        before - self.entries.len()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }
}
