//! What each item must be, whatever becomes of its data keys.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Writers of one item take turns, so that the model knows the order of their writes.
const STRIPES: u64 = 4_096;

const LOGINS_BITS: u32 = 20;
const VISITS_BITS: u32 = 20;
const GENERATION_BITS: u32 = 23;

/// What an item must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whether the item exists.
    pub exists: bool,
    /// How often it was written as a whole.
    pub generation: u64,
    /// How often it was counted in place since.
    pub logins: u64,
    /// How often a counter was changed since that may be encrypted.
    pub visits: u64,
}

/// The states of all items.
#[derive(Debug)]
pub struct Model {
    states: Vec<AtomicU64>,
    stripes: Vec<RwLock<()>>,
}

/// An item that one writer may write.
pub struct Turn<'m> {
    state: &'m AtomicU64,
    _guard: RwLockWriteGuard<'m, ()>,
}

/// An item that several writers count at a time, and that none of them puts or deletes.
pub struct SharedTurn<'m> {
    state: &'m AtomicU64,
    _guard: RwLockReadGuard<'m, ()>,
}

impl Model {
    /// Items that exist, of the first generation.
    #[must_use]
    pub fn new(items: u64) -> Self {
        let first = State { exists: true, ..State::default() }.pack();
        Self {
            states: (0..items).map(|_| AtomicU64::new(first)).collect(),
            stripes: (0..STRIPES).map(|_| RwLock::default()).collect(),
        }
    }

    /// The number of items, those that do not exist any more included.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.states.len() as u64
    }

    /// What an item must be. `None` if there never was such an item.
    #[must_use]
    pub fn state(&self, index: u64) -> Option<State> {
        let state = self.states.get(usize::try_from(index).ok()?)?;
        Some(State::unpack(state.load(Ordering::SeqCst)))
    }

    /// Waits until nobody else writes the item.
    pub async fn turn(&self, index: u64) -> Option<Turn<'_>> {
        let (state, stripe) = self.item(index)?;
        Some(Turn { state, _guard: stripe.write().await })
    }

    /// Waits until nobody puts or deletes the item. Others may count meanwhile.
    pub async fn shared_turn(&self, index: u64) -> Option<SharedTurn<'_>> {
        let (state, stripe) = self.item(index)?;
        Some(SharedTurn { state, _guard: stripe.read().await })
    }

    fn item(&self, index: u64) -> Option<(&AtomicU64, &RwLock<()>)> {
        let stripe = self.stripes.get(usize::try_from(index % STRIPES).ok()?)?;
        Some((self.states.get(usize::try_from(index).ok()?)?, stripe))
    }
}

impl Turn<'_> {
    /// What the item must be.
    #[must_use]
    pub fn state(&self) -> State {
        State::unpack(self.state.load(Ordering::SeqCst))
    }

    /// Notes what was written.
    pub fn wrote(&self, state: State) {
        self.state.store(state.pack(), Ordering::SeqCst);
    }
}

impl SharedTurn<'_> {
    /// What the item must be. The counters may grow meanwhile.
    #[must_use]
    pub fn state(&self) -> State {
        State::unpack(self.state.load(Ordering::SeqCst))
    }

    /// Notes that `logins` was counted.
    pub fn logged_in(&self) {
        let one = State { logins: 1, ..State::default() };
        self.state.fetch_add(one.pack(), Ordering::SeqCst);
    }

    /// Notes that `visits` was counted.
    pub fn visited(&self) {
        let one = State { visits: 1, ..State::default() };
        self.state.fetch_add(one.pack(), Ordering::SeqCst);
    }
}

impl State {
    const fn pack(self) -> u64 {
        let counters = self.visits << LOGINS_BITS | self.logins;
        (self.exists as u64) << 63 | self.generation << (LOGINS_BITS + VISITS_BITS) | counters
    }

    const fn unpack(packed: u64) -> Self {
        Self {
            exists: packed >> 63 == 1,
            generation: packed >> (LOGINS_BITS + VISITS_BITS) & low(GENERATION_BITS),
            visits: packed >> LOGINS_BITS & low(VISITS_BITS),
            logins: packed & low(LOGINS_BITS),
        }
    }
}

const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}
