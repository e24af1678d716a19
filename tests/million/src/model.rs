//! What each item must be, whatever becomes of its data keys.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Writers of one item take turns, so that the model knows the order of their writes.
const STRIPES: u64 = 4_096;

/// What an item must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whether the item exists.
    pub exists: bool,
    /// How often it was written as a whole.
    pub generation: u64,
    /// How often it was counted in place since.
    pub logins: u64,
}

/// The states of all items.
#[derive(Debug)]
pub struct Model {
    states: Vec<AtomicU64>,
    stripes: Vec<Mutex<()>>,
}

/// An item that one writer may write.
pub struct Turn<'m> {
    state: &'m AtomicU64,
    _guard: MutexGuard<'m, ()>,
}

impl Model {
    /// Items that exist, of the first generation.
    #[must_use]
    pub fn new(items: u64) -> Self {
        let first = State { exists: true, generation: 0, logins: 0 }.pack();
        Self {
            states: (0..items).map(|_| AtomicU64::new(first)).collect(),
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
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
        let stripe = self.stripes.get(usize::try_from(index % STRIPES).ok()?)?;
        let state = self.states.get(usize::try_from(index).ok()?)?;
        Some(Turn { state, _guard: stripe.lock().await })
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

impl State {
    const fn pack(self) -> u64 {
        (self.exists as u64) << 63 | self.generation << 32 | self.logins
    }

    const fn unpack(packed: u64) -> Self {
        Self {
            exists: packed >> 63 == 1,
            generation: packed >> 32 & (u32::MAX as u64 >> 1),
            logins: packed & u32::MAX as u64,
        }
    }
}
