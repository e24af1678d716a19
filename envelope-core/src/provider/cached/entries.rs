//! The keys in the cache, and which of them was not used for longest.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use crate::provider::flight::Flight;
use crate::secret::DataKey;

/// Names a wrapped key under a context.
pub(super) type Id = [u8; 32];

/// A key and when it was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) key: DataKey,
    pub(super) since: Instant,
}

/// A key, or the call for it, or both while it is asked for anew.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) fetched: Option<Fetched>,
    /// How often the key was taken from the cache.
    pub(super) uses: u64,
    pub(super) flight: Option<Flight<DataKey>>,
    /// The provider could not be reached: until then it is not asked again while the key may be served.
    pub(super) pause_until: Option<Instant>,
}

impl Entry {
    pub(super) fn asking(flight: Flight<DataKey>) -> Self {
        Self { flight: Some(flight), ..Self::default() }
    }

    pub(super) fn fetched(key: DataKey, since: Instant) -> Self {
        Self { fetched: Some(Fetched { key, since }), ..Self::default() }
    }
}

#[derive(Debug)]
pub(super) struct Entries {
    max: usize,
    entries: HashMap<Id, (u64, Entry)>,
    /// By the time of last use, counted.
    order: BTreeMap<u64, Id>,
    uses: u64,
}

impl Entries {
    pub(super) fn new(max: usize) -> Self {
        Self { max, entries: HashMap::new(), order: BTreeMap::new(), uses: 0 }
    }

    /// The entry, now the last to be evicted.
    pub(super) fn touch(&mut self, id: &Id) -> Option<&mut Entry> {
        let (used, entry) = self.entries.get_mut(id)?;
        self.order.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.order.insert(self.uses, *id);
        Some(entry)
    }

    /// Puts an entry in, and says how many had to go.
    pub(super) fn insert(&mut self, id: Id, entry: Entry) -> usize {
        self.uses += 1;
        if let Some((used, _)) = self.entries.insert(id, (self.uses, entry)) {
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

    /// The entry, if it still waits for `flight`.
    pub(super) fn of_flight(&mut self, id: &Id, flight: &Flight<DataKey>) -> Option<&mut Entry> {
        let (_, entry) = self.entries.get_mut(id)?;
        let waits = entry.flight.as_ref().is_some_and(|own| own.is(flight));
        waits.then_some(entry)
    }

    /// Removes the entry, if it still waits for `flight`.
    pub(super) fn remove_flight(&mut self, id: &Id, flight: &Flight<DataKey>) -> bool {
        if self.of_flight(id, flight).is_none() {
            return false;
        }
        if let Some((used, _)) = self.entries.remove(id) {
            self.order.remove(&used);
        }
        true
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }
}
